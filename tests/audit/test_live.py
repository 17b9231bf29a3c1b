"""
Programs, as they live in this process.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import attrs

from twisted.internet.defer import inlineCallbacks
from twisted.spread import banana, jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.audit._findings import Place
from pbext.audit._model import (
    UNKNOWN,
    ClassModel,
    Computed,
    Made,
    Program,
    Reference,
)
from pbext.audit.living._live import classesOf, liveProgram
from pbext.audit.living._widened import widened
from pbext.testing import restoredRegistry


def model(cls: type) -> ClassModel:
    """
    @return: what there is to know of a class of this module.
    """
    name = f"{cls.__module__}.{cls.__qualname__}"
    return classesOf([cls], (), __name__.__eq__)[name]


def named(*args: Any, **kw: Any) -> None:
    """
    A function that is no method.
    """


class Odd:
    """
    Something callable.
    """

    def __call__(self) -> None:
        pass


def anyhow(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*args: Any, **kw: Any) -> Any:
        return function(*args, **kw)

    return called


class Mixin:
    def getStateToCopy(self) -> Any:
        return {}

    def helped(self) -> None:
        pass


class Pond(stock.Cacheable, Mixin):
    depth = 3
    kinds: ClassVar[Any] = {"frogs": ("green", b"brown"), "newts": []}
    odd = Odd()
    outside = named
    getStateToCopyFor = stock.Copyable.getStateToCopyFor
    Kind = Mixin

    def plain(self, one: Any, two: Any = 2, /, three: Any = 3, *, four: Any) -> None:
        pass

    same = plain

    def any(self, *args: Any, **kw: Any) -> None:
        pass

    @staticmethod
    def static(one: Any) -> None:
        pass

    @classmethod
    def ofClass(cls, one: Any) -> None:
        pass

    part = functools.partialmethod(plain, 1, four=4)

    @inlineCallbacks
    def waits(self, one: Any) -> Any:
        yield

    @functools.cache  # noqa: B019  # a sample
    def kept(self, one: Any) -> None:
        pass

    @anyhow
    def decorated(self, one: Any) -> None:
        pass

    @property
    def shown(self) -> int:
        return 1

    @property
    def changed(self) -> int:
        return 1

    @changed.setter
    def changed(self, value: int) -> None:
        pass

    @functools.cached_property
    def once(self) -> int:
        return 1


class Lake(Pond):
    depth = 4

    def plain(self) -> None:  # type: ignore[override]
        pass


@attrs.frozen
class Frog(pb.RemoteCopy):
    name: str
    weight: float = 1.0
    _secret: str = ""


@dataclass
class Swamp(pb.Copyable):
    typeToCopy = "zoo.Swamp"
    localFields = ("mud",)
    frogs: list[Frog] = field(default_factory=list)
    password: pb.LocalOnly[str] = ""
    lost: NotThere = None  # type: ignore[name-defined]  # noqa: F821


class Chosen(pb.Copyable):
    copyFields = ("one", "two")
    one: int
    three: int


class Empty(pb.Copyable):
    copyFields = ()


class Broken(pb.Copyable):
    copyFields = "name"


class ClassTests(SynchronousTestCase):
    def test_place(self) -> None:
        """
        A class and its functions are where they are written, decorators above.
        """
        frog, pond = model(Frog), model(Pond)
        with open(__file__, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for place, line in (
            (frog.place, "class Frog(pb.RemoteCopy):"),
            (pond.methods["waits"].place, "    def waits(self, one: Any) -> Any:"),
            (pond.methods["part"].place, f"    def plain(self, {'one: Any, two: Any'}"),
            (frog.fields[0].place, "    name: str"),
        ):
            self.assertTrue(__file__.endswith(place.path), place)
            self.assertTrue(lines[place.line - 1].startswith(line), place)
            self.assertEqual(place.column, len(line) - len(line.lstrip()))

    def test_withoutSource(self) -> None:
        """
        There is nothing wrong with a class that no file has.
        """
        space: dict[str, Any] = {"__name__": "nofile"}
        exec(
            "from twisted.spread import pb\n"
            "class Pond(pb.Copyable):\n"
            "    colour: str = 'green'\n"
            "    def observe_add(self, frog): pass\n",
            space,
        )
        made = type("Made", (pb.RemoteCopy,), {"__module__": "nofile", "depth": 1})
        found = classesOf([space["Pond"], made], (), "nofile".__eq__)
        pond = found["nofile.Pond"]
        self.assertEqual(pond.place, Place(""))
        self.assertEqual(pond.methods["observe_add"].most, 1)
        self.assertEqual([field.name for field in pond.fields], ["colour"])
        self.assertEqual(found["nofile.Made"].values, {"depth": 1})

    def test_sameName(self) -> None:
        """
        Of two classes of a name, each is where it has its methods.
        """
        found = []
        for wet in (True, False):
            if wet:

                class Either(pb.RemoteCopy):
                    def swim(self) -> None:
                        pass

            else:

                class Either(pb.RemoteCopy):  # type: ignore[no-redef]
                    def walk(self) -> None:
                        pass

            found.append(model(Either))
        first, second = found
        self.assertLess(first.place.line, first.methods["swim"].place.line)
        self.assertLess(first.methods["swim"].place.line, second.place.line)
        self.assertIn("<locals>.Either", second.name)

    def test_bases(self) -> None:
        """
        What is above it is known, and so what it is.
        """
        lake = model(Lake)
        self.assertEqual(lake.bases[0], f"{__name__}.Pond")
        self.assertTrue(lake.complete)
        self.assertTrue(lake.isA("Cacheable") and lake.sends and not lake.receives)
        self.assertFalse(lake.ours)
        self.assertTrue(model(Frog).ours and model(Frog).receives)
        self.assertNotIn("builtins.object", lake.bases)
        self.assertIs(lake.live, Lake)

    def arity(self, name: str, cls: type = Pond) -> tuple[Any, ...]:
        method = model(cls).methods[name]
        return method.least, method.most, method.required, method.keywords

    def test_methods(self) -> None:
        """
        Methods take what they take without C{self} or C{cls}.
        """
        self.assertEqual(
            self.arity("plain"),
            (1, 3, frozenset({"four"}), frozenset({"three", "four"})),
        )
        self.assertEqual(self.arity("same"), self.arity("plain"))
        self.assertEqual(self.arity("any"), (0, None, frozenset(), None))
        for name in "static", "ofClass", "waits", "kept":
            self.assertEqual(self.arity(name), (1, 1, frozenset(), frozenset({"one"})))
        self.assertEqual(
            self.arity("part"), (0, 2, frozenset(), frozenset({"three", "four"}))
        )
        # What is called is what the decorator has made of it.
        self.assertEqual(self.arity("decorated"), (0, None, frozenset(), None))
        self.assertEqual(
            model(Pond).methods["static"].decorators, ("builtins.staticmethod",)
        )

    def test_inherited(self) -> None:
        """
        What a class inherits has its owner; Twisted's own methods and what they
        hide are not there.
        """
        lake = model(Lake)
        self.assertEqual(self.arity("plain", Lake)[:2], (0, 0))
        self.assertEqual(lake.methods["any"].owner, f"{__name__}.Pond")
        self.assertIsNone(lake.own("any"))
        self.assertEqual(lake.methods["helped"].owner, f"{__name__}.Mixin")
        self.assertEqual(lake.values["depth"], 4)
        for name in "getStateToCopy", "jellyFor", "stoppedObserving":
            self.assertNotIn(name, lake.methods)

    def test_values(self) -> None:
        """
        Values are known if they could be written out; others are not called, nor
        compared.
        """
        values = model(Pond).values
        self.assertEqual(
            values,
            {
                "depth": 3,
                "kinds": {"frogs": ("green", b"brown"), "newts": []},
                "odd": UNKNOWN,
                "getStateToCopyFor": Reference(
                    "twisted.spread.flavors.Copyable.getStateToCopyFor"
                ),
                "Kind": Reference(f"{__name__}.Mixin"),
                "shown": Computed(settable=False),
                "changed": Computed(settable=True),
                "once": Computed(settable=False),
            },
        )
        self.assertIsNot(values["kinds"], Pond.kinds)

    def test_assignedFunction(self) -> None:
        """
        A function that is put into a class is a method of it.
        """
        self.assertEqual(self.arity("outside"), (0, None, frozenset(), None))

    def test_fields(self) -> None:
        """
        Fields have their types, as far as these can be evaluated.
        """
        swamp = model(Swamp)
        self.assertEqual(
            [(f.name, f.local, f.hasDefault) for f in swamp.fields],
            [
                ("frogs", False, True),
                ("lost", False, True),
                ("password", True, True),
                ("mud", True, False),
            ],
        )
        frogs, lost, password, _ = swamp.fields
        self.assertEqual(frogs.type, list[Frog])
        self.assertEqual((lost.type, lost.annotation), (UNKNOWN, "NotThere"))
        self.assertEqual(password.annotation, "pb.LocalOnly[str]")
        self.assertTrue(swamp.declares)
        self.assertEqual(swamp.made, Made.DATACLASS)
        self.assertIsNone(swamp.slots)

    def test_copyFields(self) -> None:
        """
        C{copyFields} wins over annotations, and may be nothing at all.
        """
        chosen = model(Chosen)
        self.assertEqual([f.name for f in chosen.fields], ["one", "two"])
        self.assertEqual([f.type for f in chosen.fields], [int, UNKNOWN])
        self.assertEqual((model(Empty).fields, model(Empty).declares), ((), True))
        self.assertEqual((model(Lake).fields, model(Lake).declares), ((), False))
        self.assertEqual(model(Broken).fields, ())

    def test_made(self) -> None:
        """
        How a class is made is known, and what was made for it is not its own.
        """
        frog = model(Frog)
        self.assertEqual((frog.made, frog.frozen), (Made.ATTRS, True))
        self.assertEqual(frog.slots, ("name", "weight", "_secret"))
        self.assertEqual(frog.methods, {})
        self.assertEqual([f.local for f in frog.fields], [False, False, True])
        self.assertEqual(model(Swamp).methods, {})

        @dataclass(frozen=True)
        class Ice(pb.Copyable):
            thick: int

        @attrs.define(on_setattr=lambda one, two, three: three)
        class Thaw(pb.Copyable):
            thick: int

            def __init__(self, thick: int) -> None:
                raise AssertionError("nobody is to call this")

            def __repr__(self) -> str:
                return "Thaw"

        class Slots(pb.Copyable):
            __slots__ = "one"

        class Cold(Ice):
            def __setattr__(self, name: str, value: object) -> None:
                raise AssertionError("nobody is to call this")

        self.assertTrue(model(Ice).frozen)
        thaw = model(Thaw)
        self.assertFalse(thaw.frozen)
        self.assertEqual(sorted(thaw.methods), ["__init__", "__repr__"])
        self.assertEqual(model(Slots).slots, ("one",))
        self.assertFalse(model(Cold).frozen)
        self.assertEqual(model(Cold).made, Made.DATACLASS)

    def test_tags(self) -> None:
        """
        The tag is known if Twisted or pbext tells it.
        """

        class Told(pb.Copyable):
            def getTypeToCopy(self) -> bytes:
                raise AssertionError("nobody is to call this")

        class For(stock.Copyable):
            typeToCopy = "of no meaning to Twisted"

            def getTypeToCopyFor(self, perspective: Any) -> bytes:
                raise AssertionError("nobody is to call this")

        class Back(pb.Copyable):
            typeToCopy = "of no meaning to Twisted"
            getTypeToCopy = stock.Copyable.getTypeToCopy  # type: ignore[assignment]

        for cls, tag in (
            (Pond, f"{__name__}.Pond"),
            (Swamp, "zoo.Swamp"),
            (Back, f"{__name__}.Back"),
            (Told, None),
            (For, None),
            (Frog, None),
        ):
            self.assertEqual(model(cls).tag, tag, cls)

    def test_badTag(self) -> None:
        """
        What is wrong with one attribute does not hide the rest.
        """

        class Seven(pb.Copyable):
            typeToCopy = 7  # type: ignore[assignment]

            def swim(self) -> None:
                pass

        seven = model(Seven)
        self.assertIsNone(seven.tag)
        self.assertEqual([*seven.methods], ["swim"])

    def test_tricks(self) -> None:
        """
        A class that does not let itself be read is one of which not all is known.
        """

        class Meta(type):
            @property
            def copyFields(cls) -> Any:
                raise ValueError("a trick")

        class Trick(pb.RemoteCopy, metaclass=Meta):
            depth = 1

        trick = model(Trick)
        self.assertFalse(trick.complete)
        self.assertTrue(trick.receives)

        class Unequal(type):
            def __eq__(cls, other: object) -> bool:
                raise ValueError("a trick")

        class Unhashed(pb.RemoteCopy, metaclass=Unequal):
            depth = 1

        self.assertTrue(model(Unhashed).receives)


class ProgramTests(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def module(self, name: str, text: str) -> ModuleType:
        """
        @return: a module of this name, for the time of the test.
        """
        module = sys.modules[name] = ModuleType(name)
        self.addCleanup(sys.modules.pop, name, None)
        exec(text, vars(module))
        return module

    def zoo(self) -> Any:
        """
        A program of three modules.
        """
        self.module("zoo", "")
        ponds = self.module(
            "zoo.ponds",
            "from pbext import pb\n"
            "class Pond(pb.Copyable): pass\n"
            "class Keeper(pb.Root): pass\n",
        )
        self.module(
            "zoo.views",
            "from pbext import pb\n"
            "class View(pb.RemoteCopy): pass\n"
            "class Other(pb.RemoteCopy): pass\n"
            "class Warden(pb.Avatar): pass\n",
        )
        self.module("zooms", "from pbext import pb\nclass Lens(pb.Copyable): pass")
        return ponds

    def names(self, program: Program) -> set[str]:
        """
        @return: those of these modules: classes of other tests may still live.
        """
        ours = ("zoo.ponds.", "zoo.views.", "zooms.")
        return {name for name in program.classes if name.startswith(ours)}

    def test_registered(self) -> None:
        """
        Without modules, it is those of the classes that are registered, and who sends
        what is registered.
        """
        ponds = self.zoo()
        registry = pb.Registry()
        view = sys.modules["zoo.views"].View
        registry.setUnjellyableForClass(ponds.Pond, view)
        program = liveProgram(registry)
        self.assertEqual(
            self.names(program),
            {"zoo.views.View", "zoo.views.Other", "zoo.views.Warden", "zoo.ponds.Pond"},
        )
        [entry] = program.registrations
        self.assertEqual(
            (entry.tag, entry.kind, entry.target, entry.module),
            ("zoo.ponds.Pond", "class", "zoo.views.View", __name__),
        )
        self.assertFalse(entry.shared or entry.alien)
        self.assertTrue(__file__.endswith(entry.place.path))
        self.assertEqual(
            program.senders(program.classes["zoo.views.View"]),
            [program.classes["zoo.ponds.Pond"]],
        )

    def test_modules(self) -> None:
        """
        A package that is named is all of its modules, and no other of a longer name.
        """
        self.zoo()
        registry = pb.Registry()
        self.assertEqual(
            self.names(liveProgram(registry, ["zoo.ponds"])),
            {"zoo.ponds.Pond", "zoo.ponds.Keeper"},
        )
        zoo = self.names(liveProgram(registry, ["zoo"]))
        self.assertEqual(len(zoo), 5)
        self.assertNotIn("zooms.Lens", zoo)
        self.assertEqual(self.names(liveProgram(registry)), set())

    def test_shared(self) -> None:
        """
        Twisted's tables are everybody's; what other modules have put there is alien.
        """
        ponds = self.zoo()
        pb.setUnjellyableForClass(ponds.Pond, pb.RemoteCopy)
        stock.setUnjellyableFactoryForClass("zoo.Newt", named)
        program = liveProgram(pb.defaultRegistry, ["zoo"])
        found = {e.tag: e for e in program.registrations}
        pond, newt = found["zoo.ponds.Pond"], found["zoo.Newt"]
        self.assertTrue(pond.shared and pond.alien)
        self.assertEqual((newt.kind, newt.target), ("factory", f"{__name__}.named"))
        self.assertEqual(newt.place, Place(""))
        self.assertFalse(
            next(
                e.alien
                for e in liveProgram(pb.defaultRegistry, [__name__]).registrations
                if e.tag == "zoo.Newt"
            )
        )

    def test_copier(self) -> None:
        """
        A copier names the class that it sends.
        """
        registry = pb.Registry()
        registry.registerCopier(Odd, "zoo.Odd", named, named)
        [entry] = liveProgram(registry).registrations
        self.assertEqual((entry.kind, entry.sender), ("copier", f"{__name__}.Odd"))

    def test_outlived(self) -> None:
        """
        A class whose place another one has taken is no more.
        """
        module = self.module(
            "zoo.slots",
            "import attrs\n"
            "from pbext import pb\n"
            "before = []\n"
            "def keep(cls):\n"
            "    before.append(cls)\n"
            "    return cls\n"
            "@attrs.define\n"
            "@keep\n"
            "class Pond(pb.Copyable):\n"
            "    depth: int\n",
        )
        self.assertIsNot(module.before[0], module.Pond)
        classes = liveProgram(pb.Registry(), ["zoo.slots"]).classes
        self.assertIs(classes["zoo.slots.Pond"].live, module.Pond)

    def test_foreign(self) -> None:
        """
        Classes of Twisted's and of pbext's are nobody's program.
        """
        registry = pb.Registry()
        registry.setUnjellyableForClass("foreign.Pond", pb.RemoteCopy)
        self.assertEqual(liveProgram(registry).classes, {})
        self.assertEqual(liveProgram(registry, ["twisted.spread", "pbext"]).classes, {})


class WidenedTests(SynchronousTestCase):
    """
    What is open to every port.
    """

    def setUp(self) -> None:
        for name in "allowedTypes", "allowedModules", "allowedClasses":
            self.patch(
                jelly.globalSecurity, name, dict(getattr(jelly.globalSecurity, name))
            )
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def test_nothing(self) -> None:
        """
        Twisted opens nothing, and to register a class is no opening.
        """
        stock.setUnjellyableForClass("zoo.Pond", Frog)
        stock.setUnjellyableForClass("Pond", Frog)
        jelly.globalSecurity.allowTypes("zoo.Newt", "Newt", Frog)
        self.assertEqual(widened(), ())

    def test_instances(self) -> None:
        """
        One opening is said once.
        """
        jelly.globalSecurity.allowInstancesOf(Frog)
        allows = f"globalSecurity allows instances of {__name__}.Frog"
        self.assertEqual(widened(), (allows,))
        jelly.globalSecurity.allowModules("os")
        self.assertEqual(widened(), (allows, "globalSecurity allows the module os"))
        self.assertEqual(liveProgram(pb.Registry()).widened, widened())

    def test_types(self) -> None:
        """
        Words of jelly's own that stand for code are openings.
        """
        jelly.globalSecurity.allowTypes("module", "class")
        self.assertEqual(
            widened(),
            (
                "globalSecurity allows what is sent as module",
                "globalSecurity allows what is sent as class",
            ),
        )

    def test_replaced(self) -> None:
        """
        It may have been replaced, or a part of it.
        """
        self.patch(jelly, "globalSecurity", jelly.DummySecurityOptions())
        self.assertEqual(
            widened(),
            (
                "twisted.spread.jelly.globalSecurity was replaced, by a "
                "twisted.spread.jelly.DummySecurityOptions",
            ),
        )

    def test_patched(self) -> None:
        """
        So may its methods.
        """
        says = ("globalSecurity.isTypeAllowed was replaced",)
        self.patch(jelly.globalSecurity, "isTypeAllowed", lambda name: True)
        self.assertEqual(widened(), says)
        del jelly.globalSecurity.isTypeAllowed
        self.patch(jelly.SecurityOptions, "isTypeAllowed", lambda self, name: True)
        self.assertEqual(widened(), says)

    def test_limits(self) -> None:
        """
        Twisted's limits are openings if they were changed.
        """
        self.patch(banana, "SIZE_LIMIT", 1 << 30)
        self.patch(stock, "MAX_BROKER_REFS", "many")
        self.assertEqual(
            widened(),
            (
                "twisted.spread.banana.SIZE_LIMIT is 1073741824 and not 655360",
                "twisted.spread.pb.MAX_BROKER_REFS is a builtins.str and not 1024",
            ),
        )
