"""
Which class a tag becomes, and who said so: L{pbext.Registry}, and
L{pbext.defaultRegistry}, which shows Twisted's tables.  What a factory makes of
a registry is seen in L{tests.test_scoping}, and what is refused in
L{tests.test_receivable}.
"""

from __future__ import annotations

import functools
import importlib
import linecache
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs

from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registration, Registry, defaultRegistry, pb
from pbext._registry import setUnjellyableForClass, setUnjellyableForClassTree
from pbext.errors import CannotRegister
from pbext.testing import restoredRegistry, roundTrip
from tests.processes import directory


class Pond(pb.Copyable):
    typeToCopy = "test_registry.Pond"


class CopiedPond(pb.RemoteCopy):
    pass


class Frog(pb.RemoteCopy):
    copyVersion = 3
    colour: str


class Toad(pb.RemoteCopy):
    pass


class Newt:
    """
    Somebody else's.
    """


def makeFrog(state: Any) -> Any:
    return "a frog", state


def run(module: str, source: str, **names: object) -> dict[str, Any]:
    """
    Run the source of a module, without importing it.

    @return: its names.
    """
    space = {"__name__": module, **names}
    exec(compile(source, f"{module}.py", "exec"), space)
    return space


def sourceAt(place: str) -> str:
    """
    @return: the line of source that is at a place.
    """
    name, _, line = place.rpartition(":")
    return linecache.getline(name, int(line)).strip()


class RegistryCase(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def registered(self, tag: bytes) -> Any:
        return jelly.unjellyableRegistry.get(tag)  # type: ignore[call-overload]


class RegistrationTests(SynchronousTestCase):
    """
    A registry: what is entered, under which tag, by whom and where.
    """

    def setUp(self) -> None:
        self.registry = Registry()

    def only(self) -> Registration:
        [entry] = self.registry
        return entry

    def test_class(self) -> None:
        """
        A class is entered with the module, the file and the line that
        registers it, and with the version that it reads.
        """
        self.registry.setUnjellyableForClass("pond.Frog", Frog)
        entry = self.only()
        self.assertEqual(
            (entry.tag, entry.kind, entry.target, entry.module, entry.version),
            ("pond.Frog", "class", Frog, __name__, 3),
        )
        self.assertEqual(
            sourceAt(entry.place),
            'self.registry.setUnjellyableForClass("pond.Frog", Frog)',
        )
        self.assertEqual(str(entry), f"{__name__}.Frog, by {entry.place}")
        self.assertIsNone(entry.sender)

    def test_decorator(self) -> None:
        """
        The decorator enters the class that it stands on, and leaves it what it
        is.
        """

        @self.registry.unjellyableFor("pond.Newt")
        class Decorated(pb.RemoteCopy):
            pass

        entry = self.only()
        self.assertIs(entry.target, Decorated)
        self.assertTrue(isinstance(Decorated, type))
        # Python 3.10 gives a decorator's call the line of the class.
        self.assertIn(
            sourceAt(entry.place),
            (
                '@self.registry.unjellyableFor("pond.Newt")',
                "class Decorated(pb.RemoteCopy):",
            ),
        )
        self.assertEqual((entry.module, entry.version), (__name__, None))

    def test_factory(self) -> None:
        """
        A factory is entered as one.
        """
        self.registry.setUnjellyableFactoryForClass("pond.Frog", makeFrog)
        entry = self.only()
        self.assertEqual((entry.kind, entry.target), ("factory", makeFrog))
        self.assertIsNone(entry.version)
        self.assertIn("setUnjellyableFactoryForClass", sourceAt(entry.place))

    def test_copier(self) -> None:
        """
        A copier is entered with the class that it sends, and is what sends it.
        """
        self.registry.registerCopier(Newt, "pond.Newt", vars, makeFrog)
        entry = self.only()
        self.assertEqual((entry.kind, entry.target), ("copier", makeFrog))
        self.assertEqual(entry.sender, (Newt, vars))
        self.assertEqual(self.registry.copiers, {Newt: entry})
        self.assertIn("registerCopier", sourceAt(entry.place))

    def test_tree(self) -> None:
        """
        Of a whole module of classes, each is entered with the place that asks
        for it.
        """
        module = ModuleType("teich")
        vars(module).update(Frog=Frog, Toad=Toad)
        with restoredRegistry():
            setUnjellyableForClassTree(module, pb.RemoteCopy)
            for tag in "teich.Frog", "teich.Toad":
                entry = defaultRegistry.find(tag)
                assert entry is not None
                self.assertIn("ForClassTree(module,", sourceAt(entry.place))

    def test_tags(self) -> None:
        """
        A tag is given as itself, as str or as bytes, or as the class that is
        sent: then it is what that travels under, which for a class that is
        not ours is its name.
        """

        class Plain(stock.Copyable):
            pass

        Plain.__qualname__ = "Plain"
        for sender in "a", b"b.b", Pond, Plain, "\u00e4":
            self.registry.setUnjellyableForClass(sender, Frog)
        tags = [entry.tag for entry in self.registry]
        mine = f"{__name__}.Plain"
        self.assertEqual(tags, ["a", "b.b", "test_registry.Pond", mine, "\u00e4"])

    def test_mapping(self) -> None:
        """
        It can be walked, in the order of the tags, counted, and asked.
        """
        self.assertEqual((list(self.registry), len(self.registry)), ([], 0))
        self.registry.setUnjellyableForClass("pond.Toad", Toad)
        self.registry.setUnjellyableFactoryForClass(b"pond.Frog", makeFrog)
        frog, toad = self.registry
        self.assertEqual((frog.tag, toad.tag), ("pond.Frog", "pond.Toad"))
        self.assertEqual(len(self.registry), 2)
        for tag, entry in ("pond.Frog", frog), ("pond.Toad", toad):
            for same in tag, tag.encode():
                self.assertIn(same, self.registry)
                self.assertIs(self.registry.find(same), entry)
                self.assertIs(self.registry.modelFor(same), entry.target)
        for other in "pond", "pond.frog", b"list", 7, None, Frog:
            self.assertNotIn(other, self.registry)
        self.assertIsNone(self.registry.find("pond.Newt"))
        self.assertIsNone(self.registry.modelFor("pond.Newt"))

    def test_severalTags(self) -> None:
        """
        A class may have several tags, such as the names that it had before.
        """
        for tag in "pond.Frog", "pond.OldFrog":
            self.registry.setUnjellyableForClass(tag, Frog)
        self.assertEqual([entry.target for entry in self.registry], [Frog, Frog])

    def test_onesOwn(self) -> None:
        """
        Registries have nothing to do with each other, nor with Twisted's
        tables.
        """
        before = (
            dict(jelly.unjellyableRegistry),
            dict(jelly.globalSecurity.allowedTypes),
        )
        self.registry.setUnjellyableForClass("pond.Frog", Frog)
        self.registry.registerCopier(Newt, "pond.Newt", vars, makeFrog)
        other = Registry()
        other.setUnjellyableForClass("pond.Frog", Toad)
        self.assertIs(self.registry.modelFor("pond.Frog"), Frog)
        self.assertIs(other.modelFor("pond.Frog"), Toad)
        self.assertEqual(other.copiers, {})
        self.assertNotIn("pond.Frog", defaultRegistry)
        after = dict(jelly.unjellyableRegistry), dict(jelly.globalSecurity.allowedTypes)
        self.assertEqual(before, after)


class TakenTests(RegistryCase):
    """
    A second class for a tag.
    """

    def ways(self, registry: Registry) -> list[Callable[..., None]]:
        """
        @return: functions that register something under a tag, each in
            another way.
        """
        return [
            lambda tag, **kw: registry.setUnjellyableForClass(tag, Frog, **kw),
            lambda tag, **kw: registry.unjellyableFor(tag, **kw)(Toad) and None,
            lambda tag, **kw: registry.setUnjellyableFactoryForClass(
                tag, makeFrog, **kw
            ),
            lambda tag, **kw: registry.registerCopier(Newt, tag, vars, dict, **kw),
        ]

    def test_refused(self) -> None:
        """
        Whatever has a tag keeps it, and the refusal names both places.
        """
        for registry in Registry(), defaultRegistry:
            for number, first in enumerate(self.ways(registry)):
                for other, second in enumerate(self.ways(registry)):
                    if number == other:
                        continue
                    tag = f"test_registry.{number}{other}"
                    first(tag)
                    before = registry.find(tag)
                    assert before is not None
                    error = self.assertRaises(CannotRegister, second, tag)
                    self.assertIs(registry.find(tag), before)
                    self.assertIn(tag, error.className)
                    self.assertIn(str(before), error.why)
                    self.assertIn("replace=True", error.why)
                    places = [p for p in error.why.split() if "test_registry.py:" in p]
                    self.assertEqual(len(places), 2, error.why)
                    self.assertNotEqual(places[0].strip(";"), places[1])

    def test_replaced(self) -> None:
        """
        With C{replace=True}, the last one wins, and is what is entered.
        """
        for registry in Registry(), defaultRegistry:
            for number, first in enumerate(self.ways(registry)):
                for other, second in enumerate(self.ways(registry)):
                    tag = f"test_registry.{number}{other}"
                    first(tag)
                    second(tag, replace=True)
                    alone = Registry()
                    self.ways(alone)[other](tag)
                    now, wanted = registry.find(tag), alone.find(tag)
                    assert now is not None and wanted is not None
                    self.assertEqual(attrs.evolve(now, place=wanted.place), wanted)

    def test_sameAgain(self) -> None:
        """
        The same once more is no second class.
        """
        for registry in Registry(), defaultRegistry:
            for way in self.ways(registry):
                for _ in range(2):
                    way("test_registry.again", replace=True)
                    way("test_registry.again")

    def test_sameInAnotherWay(self) -> None:
        """
        The same class as what receives, and as a factory, is not the same.
        """
        for registry in Registry(), defaultRegistry:
            registry.setUnjellyableForClass("test_registry.way", Toad)
            self.assertRaises(
                CannotRegister,
                registry.setUnjellyableFactoryForClass,
                "test_registry.way",
                Toad,
            )
            entry = registry.find("test_registry.way")
            assert entry is not None
            self.assertEqual(entry.kind, "class")

    def test_reloaded(self) -> None:
        """
        A module that is loaded anew registers its new classes in the place of
        the old ones.
        """
        home = directory(self)
        (home / "pond_of_reloads.py").write_text(
            "from pbext import defaultRegistry, pb\n"
            "from tests.test_registry import RELOADED, Newt\n"
            "@RELOADED.unjellyableFor('reload.Frog')\n"
            "class Frog(pb.RemoteCopy):\n"
            "    pass\n"
            "def toad(state):\n"
            "    return state\n"
            "class Newt:\n"
            "    pass\n"
            "RELOADED.setUnjellyableFactoryForClass('reload.toad', toad)\n"
            "RELOADED.registerCopier(Newt, 'reload.Newt', vars, toad)\n"
            "pb.setUnjellyableForClass('reload.Frog', Frog)\n"
        )
        sys.path.insert(0, str(home))
        self.addCleanup(sys.path.remove, str(home))
        self.addCleanup(sys.modules.pop, "pond_of_reloads", None)
        old = importlib.import_module("pond_of_reloads")
        frog, toad = old.Frog, old.toad
        new = importlib.reload(old)
        self.assertIsNot(new.Frog, frog)
        self.assertIsNot(new.toad, toad)
        for registry in RELOADED, defaultRegistry:
            self.assertIs(registry.modelFor("reload.Frog"), new.Frog)
        self.assertIs(RELOADED.modelFor("reload.toad"), new.toad)
        self.assertIs(RELOADED.modelFor("reload.Newt"), new.toad)
        self.assertEqual(RELOADED.copiers[new.Newt].tag, "reload.Newt")

    def test_namesakes(self) -> None:
        """
        What merely has the name of what it would replace is refused: a class
        of another module, one that a function makes each time, and what has
        no name.
        """

        def make(registry: Registry) -> None:
            class Made(pb.RemoteCopy):
                pass

            registry.setUnjellyableForClass("pond.Made", Made)

        def anonymous(registry: Registry) -> None:
            registry.setUnjellyableFactoryForClass("pond.none", functools.partial(dict))

        def unnamed(registry: Registry) -> None:
            registry.setUnjellyableFactoryForClass("pond.lambda", lambda state: state)

        def elsewhere(registry: Registry) -> None:
            names = run("elsewhere", "class Frog(Base): pass", Base=pb.RemoteCopy)
            registry.setUnjellyableForClass("pond.Frog", Frog)
            registry.setUnjellyableForClass("pond.Frog", names["Frog"])

        for register in make, anonymous, unnamed, elsewhere:
            registry = Registry()
            if register is not elsewhere:
                register(registry)
            error = self.assertRaises(CannotRegister, register, registry)
            self.assertIn("this tag is taken", error.why)
            self.assertEqual(len(registry), 1)


#: What the module of L{TakenTests.test_reloaded} registers in.
RELOADED = Registry()


class SelectTests(RegistryCase):
    """
    Parts of a registry.
    """

    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry()
        space = {"registry": self.registry, "Frog": Frog, "Newt": Newt}
        self.ponds = (
            "registry.setUnjellyableForClass('pond.Frog', Frog)\n"
            "registry.registerCopier(Newt, 'pond.Newt', vars, dict)\n"
        )
        run("ponds", self.ponds, **space)
        run("lakes", "registry.setUnjellyableFactoryForClass('lake', repr)", **space)

    def tags(self, registry: Registry) -> list[str]:
        return [entry.tag for entry in registry]

    def test_modules(self) -> None:
        """
        What some modules have registered, with the places where they did.
        """
        chosen = self.registry.select(modules=["ponds"])
        self.assertEqual(self.tags(chosen), ["pond.Frog", "pond.Newt"])
        self.assertEqual(
            [entry.place for entry in chosen], ["ponds.py:1", "ponds.py:2"]
        )
        self.assertEqual(list(chosen.copiers), [Newt])
        both = self.registry.select(modules={"ponds", "lakes", "seas"})
        self.assertEqual(list(both), list(self.registry))
        self.assertEqual(self.tags(self.registry.select(modules=["pond"])), [])

    def test_tags(self) -> None:
        """
        Some tags; one that is not there is an error.
        """
        chosen = self.registry.select(tags=["pond.Frog", "lake"])
        self.assertEqual(self.tags(chosen), ["lake", "pond.Frog"])
        self.assertEqual(chosen.copiers, {})
        error = self.assertRaises(KeyError, self.registry.select, (), ["lake", "sea"])
        self.assertEqual(error.args, ("sea",))

    def test_both(self) -> None:
        """
        Both together, and neither.
        """
        chosen = self.registry.select(["lakes"], ["pond.Frog"])
        self.assertEqual(self.tags(chosen), ["lake", "pond.Frog"])
        self.assertEqual(self.tags(self.registry.select()), [])

    def test_apart(self) -> None:
        """
        A selection and what it was made of go separate ways.
        """
        chosen = self.registry.select(modules=["lakes"])
        chosen.setUnjellyableForClass("pond.Frog", Toad)
        self.registry.setUnjellyableForClass("lake.new", Frog)
        self.assertIs(self.registry.modelFor("pond.Frog"), Frog)
        self.assertIs(chosen.modelFor("pond.Frog"), Toad)
        self.assertNotIn("lake.new", chosen)

    def test_selectOfTheProcess(self) -> None:
        """
        So is a selection of what the process has registered: by ours with
        its module; by Twisted's own function with that of the class.
        """
        run(
            "rivers", "ours('river.Frog', Frog)", ours=setUnjellyableForClass, Frog=Frog
        )
        theirs = stock.setUnjellyableForClass
        run("rivers", "theirs('river.Toad', Toad)", theirs=theirs, Toad=Toad)
        self.assertEqual(
            self.tags(defaultRegistry.select(modules=["rivers"])), ["river.Frog"]
        )
        mine = defaultRegistry.select(modules=[__name__])
        self.assertIn("river.Toad", mine)
        self.assertNotIn("river.Frog", mine)
        stock.setUnjellyableForClass("river.Toad", Frog)
        self.assertIs(mine.modelFor("river.Toad"), Toad)


class DefaultRegistryTests(RegistryCase):
    """
    Twisted's tables, as L{pbext.defaultRegistry} shows them.
    """

    def find(self, tag: str) -> Registration:
        entry = defaultRegistry.find(tag)
        assert entry is not None
        return entry

    def test_live(self) -> None:
        """
        What is registered with Twisted's functions is there, and is what it is
        at the time; nobody knows where it was registered.
        """
        before = len(defaultRegistry)
        stock.setUnjellyableForClass("test_registry.live", Frog)
        entry = self.find("test_registry.live")
        self.assertEqual((entry.kind, entry.target, entry.place), ("class", Frog, ""))
        self.assertEqual((entry.module, entry.version), (__name__, 3))
        self.assertIn("a place that is not known", str(entry))
        self.assertIs(defaultRegistry.modelFor(b"test_registry.live"), Frog)
        self.assertEqual(len(defaultRegistry), before + 1)
        stock.setUnjellyableForClass("test_registry.live", Toad)
        self.assertIs(defaultRegistry.modelFor("test_registry.live"), Toad)
        del jelly.unjellyableRegistry[b"test_registry.live"]  # type: ignore[arg-type]
        self.assertIsNone(defaultRegistry.find("test_registry.live"))
        self.assertEqual(len(defaultRegistry), before)

    def test_liveFactories(self) -> None:
        """
        So are factories; if a tag has both, the class, which is what Twisted
        takes.
        """
        stock.setUnjellyableFactoryForClass("test_registry.live", makeFrog)
        entry = self.find("test_registry.live")
        self.assertEqual((entry.kind, entry.target), ("factory", makeFrog))
        self.assertIn(entry, list(defaultRegistry))
        stock.setUnjellyableForClass("test_registry.live", Frog)
        self.assertEqual(self.find("test_registry.live").kind, "class")
        tags = [entry.tag for entry in defaultRegistry]
        self.assertEqual(tags.count("test_registry.live"), 1)
        self.assertEqual(tags, sorted(tags))

    def test_ownWords(self) -> None:
        """
        What belongs to Perspective Broker itself is nobody's class.
        """
        for tag in "remote", "local", "cached", "lcache":
            self.assertNotIn(tag, defaultRegistry)
        self.assertNotIn("twisted.spread.pb.CopyableFailure", defaultRegistry)
        self.assertIn(b"twisted.spread.pb.CopyableFailure", jelly.unjellyableRegistry)

    def test_ours(self) -> None:
        """
        What is registered here is in Twisted's tables, with its place, until
        somebody says something else to Twisted.
        """
        self.assertEqual(
            pb.setUnjellyableForClass, defaultRegistry.setUnjellyableForClass
        )
        pb.setUnjellyableForClass("test_registry.ours", Frog)
        entry = self.find("test_registry.ours")
        self.assertIs(self.registered(b"test_registry.ours"), Frog)
        self.assertIn("pb.setUnjellyableForClass", sourceAt(entry.place))
        stock.setUnjellyableForClass("test_registry.ours", Toad)
        changed = self.find("test_registry.ours")
        self.assertEqual((changed.target, changed.place), (Toad, ""))

    def test_takenByTwisted(self) -> None:
        """
        What was registered with Twisted's function is not taken away either.
        """
        stock.setUnjellyableForClass("test_registry.theirs", Toad)
        error = self.assertRaises(
            CannotRegister, pb.setUnjellyableForClass, "test_registry.theirs", Frog
        )
        self.assertIn("Toad, by a place that is not known", str(error))
        pb.setUnjellyableForClass("test_registry.theirs", Toad)
        pb.setUnjellyableForClass("test_registry.theirs", Frog, replace=True)
        self.assertIs(self.registered(b"test_registry.theirs"), Frog)

    def test_replacedKinds(self) -> None:
        """
        A class that takes the place of a factory, or a factory that of a class,
        is what receives.
        """
        pb.setUnjellyableFactoryForClass(Pond, makeFrog)
        pb.setUnjellyableForClass(Pond, CopiedPond, replace=True)
        self.assertIsInstance(roundTrip(Pond()), CopiedPond)
        pb.setUnjellyableFactoryForClass(Pond, makeFrog, replace=True)
        self.assertEqual(roundTrip(Pond()), ("a frog", {}))
        self.assertIsNone(self.registered(b"test_registry.Pond"))

    def test_oldNames(self) -> None:
        """
        PB's other names for the functions are still theirs.
        """
        self.assertEqual(pb.setCopierForClass, pb.setUnjellyableForClass)
        self.assertEqual(pb.setFactoryForClass, pb.setUnjellyableFactoryForClass)
        self.assertEqual(pb.setCopierForClassTree, pb.setUnjellyableForClassTree)
