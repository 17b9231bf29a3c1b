"""
What is written and what lives, in one.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import NOWHERE, Place
from pbext.audit._model import (
    UNKNOWN,
    Computed,
    Made,
    Program,
    Reference,
    Registered,
)
from pbext.audit.living._live import classesOf
from pbext.audit.living._merge import merged
from tests.audit.written import Written
from tests.processes import directory


class ClassTests(SynchronousTestCase):
    def merge(self, **files: str) -> Program:
        """
        @return: a program whose modules have been imported.
        """
        written = Written(directory(self), **files)
        sys.path.insert(0, str(written.directory))
        self.addCleanup(sys.path.remove, str(written.directory))
        importlib.invalidate_caches()
        for name in files:
            self.addCleanup(sys.modules.pop, name, None)
            importlib.import_module(name)
        live = Program(classes=classesOf((), (), files.__contains__), widened=["open"])
        return merged(written.read(), live)

    def test_facts(self) -> None:
        """
        What lives is right; the sources have the places, and what is written there.
        """
        program = self.merge(
            mergedpond="""\
                import functools
                from dataclasses import dataclass, field, make_dataclass
                from twisted.spread import pb as stock
                from pbext import pb

                def tagged(cls):
                    cls.typeToCopy = "zoo." + cls.__name__
                    return cls

                def more(function):
                    return lambda self, *rest: function(self, 1, *rest)

                class Odd:
                    def __init__(self, function): pass
                    def __call__(self): pass

                @tagged
                @dataclass(**{"frozen": True})
                class Pond(pb.Copyable):
                    frogs: "list[int]" = field(default_factory=list)
                    depth = 3
                    wide = depth + 1
                    __hash__ = None

                    def plain(self, one): self.set = one
                    @more
                    def observe_one(self, one): pass
                    @Odd
                    def observe_two(self, one): pass
                    @property
                    def shown(self): pass
                    getStateToCopy = stock.Copyable.getStateToCopy
                """
        )
        pond = program.classes["mergedpond.Pond"]
        self.assertEqual(
            (pond.tag, pond.frozen, pond.made), ("zoo.Pond", True, Made.DATACLASS)
        )
        self.assertIs(pond.live, sys.modules["mergedpond"].Pond)
        self.assertIsNotNone(pond.node)
        assert pond.source is not None
        self.assertEqual(pond.place, pond.source.place(pond.node))
        self.assertEqual([*pond.assigned], ["set"])
        [frogs] = pond.fields
        self.assertEqual((frogs.type, frogs.hasDefault), (list[int], True))
        self.assertEqual(frogs.place.line, 20)
        plain, one, two = (
            pond.methods[name] for name in ("plain", "observe_one", "observe_two")
        )
        self.assertEqual((plain.least, plain.most), (1, 1))
        self.assertEqual((one.least, one.most), (0, None))
        self.assertEqual(one.decorators, ("mergedpond.more",))
        self.assertIsNotNone(one.node)
        # An object takes the place of a function of which that is all that is known.
        self.assertEqual((two.least, two.most), (0, None))
        self.assertEqual(
            pond.values,
            {
                "depth": 3,
                "wide": 4,
                "frogs": UNKNOWN,
                "__hash__": None,
                "typeToCopy": "zoo.Pond",
                "shown": Computed(settable=False),
                "getStateToCopy": Reference(
                    "twisted.spread.flavors.Copyable.getStateToCopy"
                ),
            },
        )
        self.assertEqual(program.widened, ["open"])

    def test_onlyOne(self) -> None:
        """
        What is only written, or only lives, is kept.
        """
        program = self.merge(
            mergedlake="""\
                from twisted.spread import pb
                def make():
                    class Inner(pb.Copyable): pass
                Made = type("Made", (pb.RemoteCopy,), {})
                class Gone(pb.Copyable): pass
                del Gone
                class Told(pb.Copyable):
                    def getTypeToCopy(self): return "told"
                """
        )
        names = {name.removeprefix("mergedlake.") for name in program.classes}
        self.assertEqual(names, {"make.<locals>.Inner", "Made", "Gone", "Told"})
        self.assertEqual(program.classes["mergedlake.Told"].tag, "told")

    def test_sameName(self) -> None:
        """
        A module that was imported is not taken for another one of its name.
        """
        written = Written(
            directory(self),
            one__samesea="from twisted.spread.pb import *\nclass A(Copyable): x = 1\n",
            two__samesea="from twisted.spread.pb import *\nclass A(Copyable): x = 2\n",
        )
        path = str(written.directory / "two")
        sys.path.insert(0, path)
        self.addCleanup(sys.path.remove, path)
        self.addCleanup(sys.modules.pop, "samesea", None)
        importlib.import_module("samesea")
        static = written.read()
        live = Program(classes=classesOf((), (), "samesea".__eq__))
        found = merged(static, live).classes
        self.assertEqual({*found}, {*static.classes})
        self.assertEqual([cls.values["x"] for cls in found.values()], [1, 2])
        [imported] = [cls for cls in found.values() if cls.live is not None]
        self.assertEqual(imported.values["x"], 2)
        # And if only the other one is a target, both are there.
        static = written.read(str(written.directory / "one"))
        found = merged(static, live).classes
        self.assertEqual(sorted(cls.values["x"] for cls in found.values()), [1, 2])


def entry(tag: str | None, target: str | None, line: int, **kw: Any) -> Registered:
    place = Place("pond.py", line, 4, line, 40) if line else NOWHERE
    return attrs.evolve(Registered(tag, "class", None, target, place, "pond"), **kw)


class RegistrationTests(SynchronousTestCase):
    def merge(
        self, written: list[Registered], live: list[Registered]
    ) -> list[Registered]:
        # The interpreter knows lines alone.
        live = [attrs.evolve(e, place=Place(e.place.path, e.place.line)) for e in live]
        both = merged(Program(registrations=written), Program(registrations=live))
        return [*both.registrations]

    def test_same(self) -> None:
        """
        What is in both is one; the order is that of the process.
        """
        one, two = entry("one", "pond.One", 3), entry("two", "pond.Two", 4)
        self.assertEqual(self.merge([one, two], [two, one]), [two, one])
        self.assertEqual(
            self.merge([one], [two]),
            [attrs.evolve(two, place=Place("pond.py", 4)), one],
        )
        self.assertEqual(self.merge([], []), [])

    def test_unknown(self) -> None:
        """
        What the sources do not tell, the process does; once for each time.
        """
        says = entry(None, None, 3)
        a, b = entry("a", "pond.A", 3), entry("b", "pond.B", 3)
        self.assertEqual(self.merge([says], [a, b]), [a, b])
        self.assertEqual(self.merge([says, says], [a]), [a])
        self.assertEqual(self.merge([says, a], [b, a]), [b, a])
        # Nobody has called this one.
        other = entry(None, None, 5)
        self.assertEqual(self.merge([says, other], [a]), [a, other])

    def test_loop(self) -> None:
        """
        Several of one line are kept apart.
        """
        a, b = entry("a", "pond.A", 3), entry("b", "pond.B", 3)
        self.assertEqual(self.merge([a, b], [b, a]), [b, a])
        self.assertEqual(self.merge([a, b], [a]), [a, b])

    def test_nowhere(self) -> None:
        """
        What was put into a table by hand has the place that says so; what a decorator
        registers, that of the decorator.
        """
        a, b = entry("a", "pond.A", 3), entry("a", "pond.B", 5)
        self.assertEqual(self.merge([a, b], [entry("a", "pond.B", 0)]), [b, a])
        self.assertEqual(self.merge([a], [entry("a", "pond.A", 4)]), [a])

    def test_sender(self) -> None:
        """
        Of the class that is named, the process knows the tag.
        """
        says = entry("zoo.Pond", "pond.View", 3, sender="pond.Pond")
        lives = entry("pond.Pond", "pond.View", 3, sender="pond.Pond")
        self.assertEqual(self.merge([says], [lives]), [lives])
        says = entry("zoo.Pond", "pond.View", 3, sender="pond.Pond")
        lives = entry("zoo.Pond", "pond.View", 3)
        self.assertEqual(self.merge([says], [lives]), [says])

    def test_tree(self) -> None:
        """
        A tree is the classes that were registered for it.
        """
        tree = entry(None, None, 3, kind="tree", sender="pond.Base", module="pond")
        leaf = entry("pond.Leaf", "pond.Leaf", 3)
        self.assertEqual(self.merge([tree], [leaf]), [leaf])
        self.assertEqual(self.merge([tree], []), [tree])
