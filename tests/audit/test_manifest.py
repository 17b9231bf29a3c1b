"""
What a manifest has of a program, and how it is written and read.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import CannotAudit
from pbext.audit.manifest._diff import compare
from pbext.audit.manifest._ends import manifestOf
from pbext.audit.manifest._manifest import (
    Manifest,
    Received,
    ReceivedField,
    Remote,
    Sent,
    SentField,
    Tag,
    parseManifest,
    textOfManifest,
)
from pbext.audit.manifest._takes import Given
from tests.audit.evolutions import Pond, program
from tests.audit.written import Written
from tests.processes import directory

WHOLE = Manifest(
    mode="import",
    tags={
        "pond.Frog": Tag(
            {
                "pond.Frog": Sent(
                    flavor="cache",
                    fields={"name": SentField("str", "str"), "age": SentField("int")},
                    local=("key", "password"),
                    version=2,
                    messages={"grow": (Given(1), Given(0, ("by",))), "leap": None},
                    unknown={"fields": "no reason"},
                )
            },
            {
                "home.Frog": Received(
                    flavor="cache",
                    fields={"name": ReceivedField("str | None", True, "str | None")},
                    computed=("age",),
                    forbids=True,
                    version=2,
                    newer="read",
                    upgrades=(1, 2),
                    messages={"grow": "(by=..., *, much)", "leap": None},
                )
            },
        ),
        "pond.Toad": Tag({}, {"home.toad": Received(kind="factory", flavor=None)}),
    },
    calls={"home.Root": Remote({"remote_a": "(x, /)", "view_b": None}, False)},
    unknownSenders=("pond.Newt",),
    unknownReceivers=("something, by home",),
)


class TextTests(SynchronousTestCase):
    def test_wholly(self) -> None:
        """
        A manifest is read as it was written.
        """
        text = textOfManifest(WHOLE)
        self.assertEqual(parseManifest(text, "it"), WHOLE)
        self.assertEqual(parseManifest(text.encode(), "it"), WHOLE)
        self.assertEqual(parseManifest(json.dumps(json.loads(text)), "it"), WHOLE)

    def test_lines(self) -> None:
        """
        Fields, messages and methods stand in a line each, in order; what is added to
        one is a change of its line.
        """
        lines = textOfManifest(WHOLE).splitlines()
        found = [line.strip().rstrip(",") for line in lines]
        age = '"age": {"annotation": "", "type": "int"}'
        self.assertEqual(
            found[found.index(age) + 1],
            '"name": {"annotation": "str", "type": "str"}',
        )
        for line in ('"remote_a": "(x, /)"', '"leap": null', '"password"'):
            self.assertIn(line, found)

    def test_more(self) -> None:
        """
        What a later pbext may add is ignored.
        """
        data = json.loads(textOfManifest(WHOLE))
        data["more"] = data["tags"]["pond.Frog"]["more"] = 1
        self.assertEqual(parseManifest(json.dumps(data), "it"), WHOLE)

    def refused(self, text: str | bytes) -> str:
        error = self.assertRaises(CannotAudit, parseManifest, text, "the file")
        said = str(error)
        self.assertTrue(said.startswith("the file "), said)
        self.assertNotIn("\n", said)
        return said

    def test_nonsense(self) -> None:
        """
        What is none is refused in a sentence.
        """
        for text in (b"", b"\xff", "hello", "{", "[" * 100_000):
            self.assertIn("no JSON", self.refused(text))
        for text in ("1", "[]", "{}", '{"format": "pbext-audit", "version": 1}'):
            self.assertIn("pbext manifest TARGET writes one", self.refused(text))

    def test_newer(self) -> None:
        """
        So is one of a newer version.
        """
        data = {"format": "pbext-manifest", "version": 2}
        said = self.refused(json.dumps(data))
        self.assertIn("newer pbext", said)
        self.assertIn("version 2", said)

    def test_changedByHand(self) -> None:
        """
        So is one in which something stands that cannot be.
        """

        def broken(*path: Any, value: Any) -> str:
            data = json.loads(textOfManifest(WHOLE))
            place = data
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            return self.refused(json.dumps(data))

        frog = ("tags", "pond.Frog")
        sent, received = (*frog, "sent", "pond.Frog"), (*frog, "received", "home.Frog")
        for said in [
            broken("version", value="1"),
            broken("mode", value=None),
            broken("tags", value=[]),
            broken(*sent, "fields", "name", "type", value="strange"),
            broken(*received, "fields", "name", "type", value="int |"),
            broken(*received, "fields", "name", "required", value="yes"),
            broken(*received, "messages", "grow", value="(a b)"),
            broken(*received, "newer", value="perhaps"),
            broken(*sent, "flavor", value="clone"),
            broken("calls", "home.Root", "methods", "remote_a", value="x"),
            broken("calls", "home.Root", "methods", "remote_a", value="(x, x)"),
            broken("calls", "home.Root", "methods", "remote_a", value="(): pass\nx"),
        ]:
            self.assertIn("makes no sense", said)


SOURCE = """
import enum
from dataclasses import dataclass, field
from typing import Annotated, Optional
from msgspec import Meta
from twisted.spread import pb as stock
from pbext import pb

class Colour(enum.Enum):
    GREEN = 1
    BLUE = 2

@dataclass
class Frog(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "Frog"
    copyVersion = 2
    copyUnknown = "forbid"
    copyNewer = "read"
    name: str
    weight: Annotated[float, Meta(gt=0)]
    key: pb.LocalOnly[str] = "xyzzy"
    colour: Colour = Colour.GREEN
    mate: Optional["Frog"] = None
    _private: int = 0

    @property
    def shown(self):
        return self.name

    @classmethod
    def upgradeStateToVersion2(cls, state):
        return state

class Pond(pb.Cacheable):
    frogs: list[Frog]

    def add(self, frog):
        self.observers.callRemote("add", frog, loud=True)

    def clear(self):
        self.observers.callRemote("clear")

class Watched(pb.RemoteCache):
    frogs: list[Frog]

    def observe_add(self, frog, *, loud=False):
        pass

    def observe_clear(self):
        pass

class Old(stock.Copyable):
    pass

class OldPond(stock.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {}

class Other(stock.RemoteCopy):
    def setCopyableState(self, state):
        pass

class Odd(pb.Copyable):
    def getTypeToCopy(self):
        return self.tag

class Root(pb.Root):
    def remote_take(self, frog, /, where=None):
        pass

    async def remote_give(self, **kw):
        pass

    @staticmethod
    def remote_still(x):
        pass

class Avatar(pb.Avatar):
    def perspective_look(self, *args):
        pass

class View(pb.Viewable):
    def view_look(self, perspective, x):
        pass

registry = pb.Registry()
registry.setUnjellyableForClass(Frog, Frog)
registry.setUnjellyableForClass("pond.Pond", Watched)
registry.setUnjellyableForClass("pond.Old", Other)
def made(state): return None
registry.setUnjellyableFactoryForClass("made", made)
def samples(): return []
"""


class ManifestTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.manifests = [*Pond(directory(self), SOURCE).manifests()]

    def test_sameEitherWay(self) -> None:
        """
        What is only read gives the same as what lives, here.
        """
        static, living = self.manifests
        self.assertEqual(static.mode, "static")
        self.assertEqual(living.mode, "import")
        self.assertEqual(
            textOfManifest(static).replace('"static"', '"import"'),
            textOfManifest(living),
        )

    def test_copy(self) -> None:
        """
        A class that declares its fields.
        """
        for manifest in self.manifests:
            tag = manifest.tags["Frog"]
            sent, received = tag.sent["pond.Frog"], tag.received["pond.Frog"]
            types = {
                "name": "str",
                "weight": "float(gt=0)",
                "colour": "Enum['BLUE', 'GREEN']",
                "mate": "Object['Frog'] | None",
            }
            assert sent.fields is not None and received.fields is not None
            self.assertEqual({n: f.type for n, f in sent.fields.items()}, types)
            self.assertEqual({n: f.type for n, f in received.fields.items()}, types)
            self.assertEqual(
                {n for n, f in received.fields.items() if f.required},
                {"name", "weight"},
            )
            self.assertEqual(sent.fields["colour"].annotation, "Colour")
            self.assertEqual(sent.local, ("key",))
            self.assertEqual((sent.version, received.version), (2, 2))
            self.assertEqual(received.upgrades, (2,))
            self.assertEqual((received.forbids, received.newer), (True, "read"))
            self.assertEqual((sent.unknown, received.unknown), ({}, {}))
            self.assertNotIn("xyzzy", textOfManifest(manifest))

    def test_cache(self) -> None:
        """
        A class whose changes are announced.
        """
        for manifest in self.manifests:
            tag = manifest.tags["pond.Pond"]
            sent, received = tag.sent["pond.Pond"], tag.received["pond.Watched"]
            self.assertEqual((sent.flavor, received.flavor), ("cache", "cache"))
            self.assertEqual(
                sent.messages, {"add": (Given(1, ("loud",)),), "clear": (Given(0),)}
            )
            self.assertEqual(
                received.messages,
                {"add": "(frog, *, loud=...)", "clear": "()", "invalidate": "()"},
            )
            assert received.fields is not None
            self.assertEqual(received.fields["frogs"].type, "list[Object['Frog']]")
            self.assertFalse(received.fields["frogs"].required)
            self.assertNotIn("observers", sent.local)

    def test_stock(self) -> None:
        """
        Classes on Twisted's flavors send and take what there is, if they do not say
        otherwise.
        """
        for manifest in self.manifests:
            tag = manifest.tags["pond.Old"]
            self.assertTrue(tag.sent["pond.Old"].open)
            other = tag.received["pond.Other"]
            self.assertFalse(other.open)
            self.assertIn("setCopyableState", other.unknown["fields"])
            pond = manifest.tags["pond.OldPond"].sent["pond.OldPond"]
            self.assertFalse(pond.open)
            self.assertIn("getStateToCacheAndObserveFor", pond.unknown["fields"])
            self.assertIn("messages", pond.unknown)

    def test_notKnown(self) -> None:
        """
        What cannot be known is said not to be.
        """
        for manifest in self.manifests:
            self.assertEqual(manifest.unknownSenders, ("pond.Odd",))

    def test_calls(self) -> None:
        """
        Methods that peers call take what is left when the broker has added its own.
        """
        for manifest in self.manifests:
            self.assertEqual(
                {name: remote.methods for name, remote in manifest.calls.items()},
                {
                    "pond.Root": {
                        "remote_take": "(frog, /, where=...)",
                        "remote_give": "(**kw)",
                        "remote_still": "(x)",
                    },
                    "pond.Avatar": {"perspective_look": "(*args)"},
                    "pond.View": {"view_look": "(x)"},
                },
            )

    def test_nothingChanges(self) -> None:
        """
        A comparison of a program with itself finds nothing.
        """
        for manifest in self.manifests:
            self.assertEqual(compare(manifest, manifest), [])


class StaticTests(SynchronousTestCase):
    def read(self, **files: str) -> Manifest:
        program = Written(directory(self), **files).read()
        return parseManifest(textOfManifest(manifestOf(program, "static")), "it")

    def test_order(self) -> None:
        """
        The order of files, classes and registrations makes no difference.
        """
        parts = {
            "a": "@dataclass\nclass A(pb.Copyable, pb.RemoteCopy):\n    x: int\n",
            "b": "@dataclass\nclass B(pb.Copyable, pb.RemoteCopy):\n    y: 'B'\n",
        }
        head = "from dataclasses import dataclass\nfrom pbext import pb\n"
        one = f"{head}{parts['a']}{parts['b']}"
        other = f"{head}{parts['b']}{parts['a']}"
        said = ["pb.setUnjellyableForClass(A, A)", "pb.setUnjellyableForClass(B, B)"]
        root = f"{head}class Root(pb.Root):\n    def remote_x(self): pass\n"
        texts = []
        for names, zoo in (("ab", one), ("ba", other)):
            written = Written(
                directory(self),
                zoo=zoo + "\n".join(said if names == "ab" else reversed(said)),
                root=root,
            )
            files = [str(written.directory / f"{n}.py") for n in ("zoo", "root")]
            program = written.read(*(files if names == "ab" else reversed(files)))
            texts.append(textOfManifest(manifestOf(program, "static")))
        self.assertEqual(texts[0], texts[1])

    def test_noPlaces(self) -> None:
        """
        No paths and no lines are in it, if modules have the same names, either.
        """
        head = "from pbext import pb\n"
        text = textOfManifest(
            self.read(
                one__pond=f"{head}class Frog(pb.Copyable): pass\n",
                two__pond=f"\n\n{head}class Toad(pb.Copyable): pass\n",
            )
        )
        self.assertNotIn('": "/', text)
        self.assertNotIn("@/", text)
        self.assertNotIn("line", text)

    def test_required(self) -> None:
        """
        What has to be sent, by how a class is made.
        """
        for made, body, required in [
            ("@dataclass", "x: int; y: int = 1", {"x"}),
            ("@dataclass", "x: list = field(default_factory=list)", set()),
            ("@dataclass", "x: int = field(init=False)", set()),
            ("@dataclass", "x: int = field(repr=False)", {"x"}),
            ("@attrs.define", "x: int; y: int = attrs.field(factory=int)", {"x"}),
            ("@attr.s", "x = attr.ib(); y = attr.ib(default=1)", {"x"}),
            ("", "x: int; y: int = 1", set()),
            ("", "copyFields = ('x', 'y'); y = 1", {"x"}),
            ("@dataclass", "copyChecked = False; x: int", set()),
        ]:
            lines = "".join(f"    {line.strip()}\n" for line in body.split(";"))
            text = (
                "import attr, attrs\nfrom dataclasses import dataclass, field\n"
                f"from pbext import pb\n{made}\nclass C(pb.RemoteCopy):\n{lines}"
                "registry = pb.Registry()\nregistry.setUnjellyableForClass('c', C)\n"
                "def samples(): return []\n"
            )
            for manifest in Pond(directory(self), text).manifests():
                fields = manifest.tags["c"].received["pond.C"].fields or {}
                found = {name for name, field in fields.items() if field.required}
                self.assertEqual(found, required, (manifest.mode, made, body))

    def test_computed(self) -> None:
        """
        What a class computes itself, a peer cannot set.
        """
        text = program(
            "",
            "",
            made="",
            takes="copyFields = ('x', 'y')\n"
            "@property\ndef y(self): return 1\n"
            "typeToCopy = 'other'",
        ).replace(
            "class Taken(pb.RemoteCopy)", "class Taken(pb.Copyable, pb.RemoteCopy)"
        )
        for manifest in Pond(directory(self), text).manifests():
            taken = manifest.tags["pond.Frog"].received["pond.Taken"]
            self.assertEqual([*(taken.fields or ())], ["x"])
            self.assertEqual(taken.computed, ("y",))

    def test_following(self) -> None:
        """
        What cannot be followed is not known, and why is said.
        """
        manifest = self.read(
            pond="""
                from elsewhere import Base, tag, wrap
                from pbext import pb
                import ponds
                class Frog(Base, pb.Copyable):
                    x: int
                class Toad(pb.RemoteCopy):
                    copyVersion = tag()
                    x: int
                class Newt(pb.RemoteCopy):
                    copyNewer = tag()
                    x: int
                class Lake(pb.Cacheable):
                    def say(self, what):
                        self.observers.callRemote(what)
                class Sea(pb.RemoteCache):
                    def __getattr__(self, name): pass
                class Root(Base, pb.Root):
                    def remote_x(self): pass
                    @wrap
                    def remote_y(self): pass
                    remote_z = tag()
                pb.setUnjellyableForClass("toad", Toad)
                pb.setUnjellyableForClass("newt", Newt)
                pb.setUnjellyableForClass("sea", Sea)
                pb.setUnjellyableForClass("far", ponds.Far)
                pb.setUnjellyableForClass("nameless", tag())
                pb.setUnjellyableForClass(tag(), Toad)
                pb.setUnjellyableForClassTree(ponds, Toad)
                """
        )
        tags = manifest.tags
        self.assertIn("followed", tags["pond.Frog"].sent["pond.Frog"].unknown["fields"])
        toad = tags["toad"].received["pond.Toad"]
        self.assertEqual({*toad.unknown}, {"fields", "version"})
        self.assertEqual({*tags["newt"].received["pond.Newt"].unknown}, {"newer"})
        self.assertIn("messages", tags["pond.Lake"].sent["pond.Lake"].unknown)
        self.assertIn("messages", tags["sea"].received["pond.Sea"].unknown)
        self.assertIsNone(tags["far"].received["ponds.Far"].flavor)
        self.assertEqual([*tags["nameless"].received], ["?"])
        self.assertEqual(len(manifest.unknownReceivers), 2, manifest.unknownReceivers)
        self.assertEqual(
            manifest.calls["pond.Root"],
            Remote({"remote_x": "()", "remote_y": None, "remote_z": None}, False),
        )

    def test_copiers(self) -> None:
        """
        What a copier sends is its own affair; that it does is not.
        """
        manifest = self.read(
            pond="""
                from pbext import pb
                class Frog: pass  # sent as it is
                registry = pb.Registry()
                registry.registerCopier(Frog, "frog", dict, Frog)
                """
        )
        tag = manifest.tags["frog"]
        self.assertEqual([*tag.sent], ["pond.Frog"])
        self.assertIn("fields", tag.sent["pond.Frog"].unknown)
        [received] = tag.received.values()
        self.assertEqual(received.kind, "copier")
