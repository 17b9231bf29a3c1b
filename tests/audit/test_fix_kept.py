"""
When the book takes the place of what a class keeps its observers in, and when not.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import Finding, Severity
from pbext.audit._model import Program
from pbext.audit.fixing._families import familiesOf
from pbext.audit.fixing._fix import Plan, planFixes
from tests.audit.ponds_written import KEPT, LEFT, Way
from tests.audit.written import Written
from tests.processes import directory


def finding(program: Program, name: str, rule: str = "PBX102") -> Finding:
    """
    @return: what a rule may have found in a class.
    """
    place = program.classes[name].place
    return Finding(rule, Severity.ERROR, "it is wrong", place, name, "fix it")


#: What else a class does with its observers, and why they stay then.
UNKNOWN: dict[str, tuple[Way, str]] = {
    "an index": (
        Way(more="\n    def first(self):\n        return self.observers[0]\n"),
        "it is used in a way that is not known",
    ),
    "a part": (
        Way(tells="for o in self.observers[1:]:\n    o.callRemote('x')"),
        "it is used in a way that is not known",
    ),
    "given away": (
        Way(tells="broadcast(self.observers, 'addDuck', duck)"),
        "it is used in a way that is not known",
    ),
    "returned": (
        Way(more="\n    def all(self):\n        return self.observers\n"),
        "it is used in a way that is not known",
    ),
    "sorted": (
        Way(tells="for o in sorted(self.observers):\n    o.callRemote('x')"),
        "it is used in a way that is not known",
    ),
    "compared": (
        Way(tells="if self.observers == []:\n    return"),
        "it is used in a way that is not known",
    ),
    "emptied": (
        Way(more="\n    def close(self):\n        self.observers.clear()\n"),
        "it is used in a way that is not known",
    ),
    "entered by somebody else": (
        Way(more="\n    def also(self, o):\n        self.observers.append(o)\n"),
        "it is used in a way that is not known",
    ),
    "set again": (
        Way(more="\n    def close(self):\n        self.observers = []\n"),
        "it is set once more",
    ),
    "set to something": (
        Way(begins="self.observers = [Log()]"),
        "it is set once more",
    ),
    "set with something else": (
        Way(begins="self.observers = self.listeners = []"),
        "it is set once more",
    ),
    "deleted": (
        Way(more="\n    def close(self):\n        del self.observers\n"),
        "it is set once more",
    ),
    "sometimes": (
        Way(enters="if perspective:\n    self.observers.append(observer)"),
        "not every observer enters it",
    ),
    "after a way out": (
        Way(
            enters="if not perspective:\n    return None\n"
            "self.observers.append(observer)"
        ),
        "not every observer enters it",
    ),
    "looked at before": (
        Way(
            enters="number = len(self.observers)\nself.observers.append(observer)",
        ),
        "a hook looks at it before the observer is in or out of it",
    ),
    "looked at before it leaves": (
        Way(leaves="print(len(self.observers))\nself.observers.remove(observer)"),
        "a hook looks at it before the observer is in or out of it",
    ),
    "told before": (
        Way(enters="self.addDuck('Dewey')\nself.observers.append(observer)"),
        "a hook calls what may look at it, before the observer is in or out",
    ),
    "told before by way of another": (
        Way(
            enters="self.greet()\nself.observers.append(observer)",
            more="\n    def greet(self):\n        self.addDuck('Dewey')\n",
        ),
        "a hook calls what may look at it, before the observer is in or out",
    ),
    "shown before": (
        Way(enters="notify(self)\nself.observers.append(observer)"),
        "a hook calls what may look at it, before the observer is in or out",
    ),
    "two collections": (
        Way(
            enters="self.observers.append(observer)\nself.by[perspective] = observer",
        ),
        "observers are kept in more than one",
    ),
    "a property": (
        Way(
            name="watching",
            begins="self._watching = []",
            enters="self.watching.append(observer)",
            leaves="self.watching.remove(observer)",
            more="\n    @property\n    def watching(self):\n"
            "        return self._watching\n",
        ),
        "it is more than an attribute",
    ),
    "slots": (
        Way(more="\n    __slots__ = ('observers',)\n"),
        "it is used by its name",
    ),
    "getattr": (
        Way(tells="for o in getattr(self, 'observers', ()):\n    o.callRemote('x')"),
        "it is used by its name",
    ),
    "in the state": (
        Way(
            more="\n    def __getstate__(self):\n        state = dict(self.__dict__)\n"
            "        state['observers'] = []\n        return state\n"
        ),
        "it is used by its name",
    ),
    "of another kind": (
        Way(
            name="watching",
            begins="self.watching = []\nself.observers = []",
            enters="self.watching.append(observer)",
            leaves="self.watching.remove(observer)",
        ),
        "there are observers of another kind",
    ),
    "a method of that name": (
        Way(
            name="watching",
            begins="self.watching = []",
            enters="self.watching.append(observer)",
            leaves="self.watching.remove(observer)",
            more="\n    def observers(self):\n        pass\n",
        ),
        "observers is something else",
    ),
    "a subclass that keeps none": (
        Way(
            more="""


class Quiet(Pond):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {}
"""
        ),
        "here is a hook that keeps no observer",
    ),
    "a subclass that does more": (
        Way(
            more="""


class Counting(Pond):
    def last(self):
        return self.observers[-1]
"""
        ),
        "it is used in a way that is not known",
    ),
    "from outside": (
        Way(more="\n\ndef last(pond):\n    return pond.observers[-1]\n"),
        "it is used from outside",
    ),
    "from outside by another name": (
        Way(
            name="watching",
            begins="self.watching = []",
            enters="self.watching.append(observer)",
            leaves="self.watching.remove(observer)",
            more="\n\ndef count(pond):\n    return len(pond.watching)\n",
        ),
        "it is used from outside",
    ),
    "a mixin": (
        Way(
            imports="""\
from twisted.spread import pb


class Telling:
    def tell(self, duck):
        for o in self.observers:
            o.callRemote("addDuck", duck)""",
            base="Telling, pb.Cacheable",
            tells="self.tell(duck)",
        ),
        "pond.Telling uses it too",
    ),
}

#: Loops that tell each observer something of its own, or do more than that: they
#: stay, and walk the book.
LOOPS = {
    "for o in self.observers:\n    o.callRemote('x', o)",
    "for o in self.observers:\n    o.callRemote('x', o.perspective)",
    "for o in self.observers:\n    o.callRemote('x', token())",
    "for o in self.observers:\n    o.callRemote('x', self.token())",
    "for o in self.observers:\n    o.callRemote('x', pbcallback=self.told)",
    "for o in self.observers:\n    o.callRemote('x').addErrback(log.err)",
    "for o in self.observers:\n    o.callRemote('x').addCallback(self.told)",
    "for o in self.observers:\n    o.callRemote('x').addErrback(self.raises)",
    "for o in self.observers:\n    self.o = o.callRemote('x')",
    "for o in self.observers:\n    self.friend.callRemote('x')",
    "for o in self.observers:\n    if o is not duck:\n        o.callRemote('x')",
    "for o in self.observers:\n    o.callRemote('x')\nelse:\n    print()",
    "for o in self.observers:\n    o.callRemote('x')\nprint(o)",
    "for o in self.observers:\n    try:\n        o.callRemote('x')\n"
    "    except Exception:\n        print()",
    "for n, o in enumerate(self.observers):\n    o.callRemote('x', n)",
    "return [o.callRemote('x') for o in self.observers]",
    "[o.callRemote('x') for o in self.observers if o.perspective]",
    "x = any(o.perspective is duck for o in self.observers)",
    "x = {*self.observers}",
    "x = duck in self.observers",
    "assert not self.observers",
    "while self.observers and duck:\n    break",
}

_RAISES = """
    def raises(self, failure):
        print(failure)
        return failure
"""


class KeptTests(SynchronousTestCase):
    def planned(self, way: Way, **more: str) -> tuple[Written, Plan]:
        written = Written(str(directory(self)), pond=way.text, **more)
        program = written.read()
        self.assertEqual(program.unread, [])
        return written, planFixes(program, [finding(program, "pond.Pond")])

    def fixed(self, way: Way) -> str:
        written, plan = self.planned(way)
        self.assertEqual(plan.remarks, (), way.text)
        self.assertEqual(len(plan.write().paths), 1)
        return (written.directory / "pond.py").read_text("utf-8")

    def checkStays(self, ways: Mapping[str, tuple[Way, str]]) -> None:
        for name, (way, why) in ways.items():
            written, plan = self.planned(way)
            [remark] = plan.remarks
            self.assertEqual(remark.text, f"its collection stays: {why}", name)
            self.assertTrue(remark.place.line, name)
            plan.write()
            text = (written.directory / "pond.py").read_text("utf-8")
            expected = way.text.replace(
                "from twisted.spread import", "from pbext import"
            )
            self.assertEqual(text, expected, name)

    def test_kept(self) -> None:
        """
        Where all is known, nothing of the collection is left.
        """
        for name, way in KEPT.items():
            text = self.fixed(way)
            for piece in (way.begins, way.enters, way.name + ".remove"):
                if piece not in ("pass", "Base.__init__(self)"):
                    self.assertNotIn(piece, text, name)
            self.assertIn("self.observers", text)

    def test_left(self) -> None:
        """
        Of the others only the import is changed, and what takes out of the state
        what pbext does not put in.
        """
        for name, way in LEFT.items():
            written, plan = self.planned(way)
            [remark] = plan.remarks
            self.assertIn("stays", remark.text, name)
            plan.write()
            expected = way.text
            for before, after in {
                "from twisted.spread import": "from pbext import",
                'del state["observers"]': 'state.pop("observers", None)',
                "state.pop('observers')": "state.pop('observers', None)",
            }.items():
                expected = expected.replace(before, after)
            text = (written.directory / "pond.py").read_text("utf-8")
            self.assertEqual(text, expected, name)

    def test_unknown(self) -> None:
        """
        A collection with which something else is done stays, and it is said why.
        """
        self.checkStays(UNKNOWN)

    def test_notRight(self) -> None:
        """
        A class whose observers would take each other's place with pbext's too, is
        left as it is.
        """
        for tells in (
            "for p, o in self.observers.items():\n    o.callRemote('x', p)",
            "self.observers[duck].callRemote('x')",
            "for p in self.observers:\n    print(p)",
            "if duck in self.observers:\n    print()",
        ):
            way = attrs.evolve(KEPT["keyed by the perspective"], tells=tells)
            _, plan = self.planned(way)
            self.assertEqual(plan.files, {}, tells)
            [remark] = plan.remarks
            self.assertIn("it is left as it is: ", remark.text)

    def test_loops(self) -> None:
        """
        Loops that do more than telling all the same stay, over the book.
        """
        for tells in LOOPS:
            way = Way(
                imports="from twisted.python import log\nfrom twisted.spread import pb",
                tells=tells,
                more=_RAISES,
            )
            text = self.fixed(way)
            self.assertIn(tells.replace("\n", "\n        "), text)
            self.assertNotIn("self.observers = []", text)
            other = attrs.evolve(
                way,
                name="watching",
                **{
                    piece: getattr(way, piece).replace(".observers", ".watching")
                    for piece in ("begins", "enters", "leaves", "tells")
                },
            )
            self.assertEqual(self.fixed(other), text)

    def test_readElsewhere(self) -> None:
        """
        Other files may count, walk and ask the observers.
        """
        for reads in ("len(pond.observers)", "[o for o in pond.observers]"):
            written, plan = self.planned(
                Way(),
                shown=f"from twisted.spread import pb\n\ndef show(pond):\n"
                f"    print({reads})\n",
            )
            self.assertEqual(plan.remarks, (), reads)
            self.assertEqual(len(plan.files), 1)

    def test_namesakes(self) -> None:
        """
        What other classes call the same is theirs.
        """
        way = Way(
            more="""


class View:
    def __init__(self):
        self.observers = [print]

    def last(self):
        return self.observers[-1]
"""
        )
        self.assertIn("return self.observers[-1]", self.fixed(way))

    def test_several(self) -> None:
        """
        A family in several files is fixed in all of them, or in none.
        """
        base = """\
        from twisted.spread import pb


        class Base(pb.Cacheable):
            def __init__(self):
                self.watching = []

            def getStateToCacheAndObserveFor(self, perspective, observer):
                self.watching.append(observer)
                return {}
        """
        pond = """\
        from base import Base


        class Pond(Base):
            def stoppedObserving(self, perspective, observer):
                self.watching.remove(observer)

            def addDuck(self, duck):
                for o in self.watching:
                    o.callRemote("addDuck", duck)
        """
        written = Written(str(directory(self)), base=base, pond=pond)
        program = written.read()
        [family] = familiesOf(program)
        self.assertEqual(family.names, {"base.Base", "pond.Pond"})
        plan = planFixes(program, [finding(program, "pond.Pond")])
        self.assertEqual(plan.remarks, ())
        self.assertEqual(len(plan.write().paths), 2)
        texts = [(written.directory / f"{n}.py").read_text() for n in ("base", "pond")]
        self.assertNotIn("watching", "".join(texts))
        self.assertIn('self.observers.callRemote("addDuck", duck)', texts[1])

        written = Written(str(directory(self)), base=base, pond=pond)
        program = written.read()
        plan = planFixes(program, [finding(program, "pond.Pond")])
        path = written.directory / "pond.py"
        path.write_text(path.read_text() + "\n# more\n")
        done = plan.write()
        self.assertEqual(done.paths, ())
        [sentence] = done.failed
        self.assertIn("pond.py: it has changed since it was read", sentence)
        self.assertIn("watching", (written.directory / "base.py").read_text())

    def test_inTheClass(self) -> None:
        """
        A finding that names no class is about the one that it stands in.
        """
        written = Written(str(directory(self)), pond=Way().text)
        program = written.read()
        found = attrs.evolve(finding(program, "pond.Pond"), subject="pond")
        self.assertEqual(len(planFixes(program, [found]).fixes), 1)
        away = attrs.evolve(found, place=attrs.evolve(found.place, line=1))
        plan = planFixes(program, [away])
        self.assertEqual(plan.fixes, ())
        self.assertEqual(
            str(plan.remarks[0]),
            f"{found.place.path}:1: pond: it stands in no Cacheable that can be "
            "followed",
        )

    def test_nothingKept(self) -> None:
        """
        A class that keeps no observers is not for a machine to finish.
        """
        written = Written(
            str(directory(self)), pond=Way(enters="pass", leaves="pass").text
        )
        program = written.read()
        plan = planFixes(program, [finding(program, "pond.Pond", "PBX109")])
        self.assertEqual(plan.files, {})
        [remark] = plan.remarks
        self.assertEqual(
            remark.text, "it has nothing that could be rewritten mechanically"
        )

    def test_otherRules(self) -> None:
        """
        Nothing is done about what other rules find.
        """
        written = Written(str(directory(self)), pond=Way().text)
        program = written.read()
        plan = planFixes(program, [finding(program, "pond.Pond", "PBX103")])
        self.assertEqual((plan.fixes, plan.remarks), ((), ()))
