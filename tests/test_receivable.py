"""
What may be registered, and what is refused, for it could never receive
anything or would do harm: L{pbext.pb.setUnjellyableForClass} and its kin.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import attrs

from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.spread.publish import RemotePublished
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, defaultRegistry, pb
from pbext._cacheable import RESERVED
from pbext._registry import setUnjellyableForClass, setUnjellyableForClassTree
from pbext.errors import CannotRegister
from pbext.testing import restoredRegistry, roundTrip
from pbext.wire._jelly import ATOMS


class Pond(pb.Copyable):
    typeToCopy = "test_receivable.Pond"


class CopiedPond(pb.RemoteCopy):
    pass


class CachedPond(pb.RemoteCache):
    pass


@dataclass(frozen=True)
class FrozenData(pb.RemoteCache):
    frogs: int = 0


@attrs.frozen
class FrozenAttrs(pb.RemoteCache):
    frogs: int = 0


@attrs.frozen(slots=False)
class FrozenDictAttrs(pb.RemoteCache):
    pass


class FrozenByItsBase(FrozenData):
    """
    No dataclass itself, so that only the fields of its base are frozen.
    """


class RegistryCase(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def registered(self, tag: bytes) -> Any:
        return jelly.unjellyableRegistry.get(tag)  # type: ignore[call-overload]


class SetUnjellyableTests(RegistryCase):
    """
    One class.
    """

    def test_class(self) -> None:
        """
        A class of ours is registered under the tag that it travels under, any
        other under its name.
        """

        class Plain(stock.Copyable):
            pass

        Plain.__qualname__ = "Plain"
        setUnjellyableForClass(Pond, CopiedPond)
        setUnjellyableForClass(Plain, CopiedPond)
        self.assertIs(self.registered(b"test_receivable.Pond"), CopiedPond)
        self.assertIs(self.registered(b"tests.test_receivable.Plain"), CopiedPond)
        self.assertIsInstance(roundTrip(Pond()), CopiedPond)

    def test_tag(self) -> None:
        """
        A tag may be given itself, as str or as bytes, with a dot in it or not.
        """
        for tag in "test_receivable.a", b"test_receivable.b", "c", b"d":
            setUnjellyableForClass(tag, CopiedPond)
            wire = tag if isinstance(tag, bytes) else tag.encode()
            self.assertIs(self.registered(wire), CopiedPond)
            self.assertTrue(jelly.globalSecurity.isTypeAllowed(wire))

    def test_allMakes(self) -> None:
        """
        Frozen and slotted classes may be copies; a cache may be anything but
        frozen.
        """

        @attrs.frozen
        class FrozenCopy(pb.RemoteCopy):
            frogs: int

        @attrs.define
        class SlottedCache(pb.RemoteCache):
            frogs: int = 0

        @dataclass
        class DataCache(pb.RemoteCache):
            frogs: int = 0

        for cls in FrozenCopy, SlottedCache, DataCache, stock.RemoteCache, CachedPond:
            setUnjellyableForClass("test_receivable.make", cls, replace=True)
            self.assertIs(self.registered(b"test_receivable.make"), cls)

    def test_function(self) -> None:
        """
        A function that unjellies is registered as in Twisted.
        """

        def unjelly(unjellier: object, sexp: object) -> object:
            return sexp

        setUnjellyableForClass("test_receivable.function", unjelly)
        self.assertIs(self.registered(b"test_receivable.function"), unjelly)

    def test_frozenCache(self) -> None:
        """
        A frozen RemoteCache is refused, with the reason, and nothing is
        registered.
        """
        for cls in FrozenData, FrozenAttrs, FrozenDictAttrs, FrozenByItsBase:
            error = self.assertRaises(
                CannotRegister, setUnjellyableForClass, "test_receivable.frozen", cls
            )
            self.assertEqual(error.className, f"tests.test_receivable.{cls.__name__}")
            self.assertIn("frozen, and a cache has to change", str(error))
            self.assertIn("pb.RemoteCopy", str(error))
            self.assertIsNone(self.registered(b"test_receivable.frozen"))

    def test_ownSetattr(self) -> None:
        """
        A class with a C{__setattr__} of its own is not thought to be frozen,
        even if that fails on a blank object.
        """

        class Guarded(pb.RemoteCache):
            def __setattr__(self, name: str, value: object) -> None:
                raise RuntimeError("not yet")

        setUnjellyableForClass("test_receivable.guarded", Guarded)
        self.assertIs(self.registered(b"test_receivable.guarded"), Guarded)

    def test_reserved(self) -> None:
        """
        A RemoteCache that declares a field under a reserved name is refused,
        with the names; a RemoteCopy has no such names.
        """
        for name in "broker", "luid", "cacheState", "observers", "whenLive":
            cls = type("Clash", (pb.RemoteCache,), {"copyFields": (name, "frogs")})
            error = self.assertRaises(
                CannotRegister, setUnjellyableForClass, "test_receivable.clash", cls
            )
            self.assertIn(f"can have them: {name}", str(error))
            self.assertIsNone(self.registered(b"test_receivable.clash"))
        copied = type("Copied", (pb.RemoteCopy,), {"copyFields": ("broker", "luid")})
        setUnjellyableForClass("test_receivable.clash", copied)

    def test_factory(self) -> None:
        """
        A factory is registered under the tag that a class travels under.
        """

        class Tagged(pb.Copyable):
            typeToCopy = "tests.receivable.tagged"
            frogs = 7

        tagged = Tagged()
        tagged.toads = 3  # type: ignore[attr-defined]
        pb.setUnjellyableFactoryForClass(Tagged, lambda state: ("made", state))
        self.assertEqual(roundTrip(tagged), ("made", {"toads": 3}))

    def test_reservedByBoth(self) -> None:
        """
        C{invalidate} is taken where a class is a Cacheable as well.
        """

        class Relay(pb.Cacheable, pb.RemoteCache):
            invalidate: bool  # type: ignore[assignment]  # which is refused

        error = self.assertRaises(
            CannotRegister, pb.setUnjellyableForClass, "tests.receivable.relay", Relay
        )
        self.assertIn("invalidate", str(error))

    def test_reservedByDeclaration(self) -> None:
        """
        However the field is declared.
        """

        class Annotated(pb.RemoteCache):
            cacheState: int

        @dataclass
        class Data(pb.RemoteCache):
            broker: int = 0

        @attrs.define
        class Attrs(pb.RemoteCache):
            luid: int = 0

        for cls in Annotated, Data, Attrs:
            self.assertRaises(
                CannotRegister, setUnjellyableForClass, "test_receivable.clash", cls
            )

    def test_reservedNames(self) -> None:
        """
        The reserved names are the public ones that a RemoteCache has, and
        C{observers}.
        """
        own = {name for name in dir(pb.RemoteCache) if name[0] != "_"}
        self.assertEqual(RESERVED, own | {"observers"})

    def test_isATypeError(self) -> None:
        """
        The refusal is a TypeError, as a wrong class is anywhere else.
        """
        self.assertTrue(issubclass(CannotRegister, TypeError))


class ClassTreeTests(RegistryCase):
    """
    A module full of classes.
    """

    def module(self, **names: object) -> ModuleType:
        module = ModuleType("ponds")
        vars(module).update(names)
        return module

    def test_tree(self) -> None:
        """
        Each class derived from the given one is registered under the module's
        name and its own; nothing else is.
        """
        module = self.module(Copied=CopiedPond, Cached=CachedPond, Other=Pond, n=7)
        setUnjellyableForClassTree(module, pb.RemoteCopy)
        self.assertIs(self.registered(b"ponds.Copied"), CopiedPond)
        self.assertIs(self.registered(b"ponds.Cached"), CachedPond)
        self.assertIsNone(self.registered(b"ponds.Other"))
        self.assertIsNone(self.registered(b"ponds.n"))

    def test_prefix(self) -> None:
        """
        A prefix takes the place of the module's name; an empty one leaves the
        class's name alone.
        """
        module = self.module(Copied=CopiedPond)
        setUnjellyableForClassTree(module, pb.RemoteCopy, "teich")
        setUnjellyableForClassTree(module, pb.RemoteCopy, "")
        self.assertIs(self.registered(b"teich.Copied"), CopiedPond)
        self.assertIs(self.registered(b"Copied"), CopiedPond)

    def test_asTwisted(self) -> None:
        """
        It registers what Twisted's does.
        """
        module = self.module(Copied=CopiedPond, Cached=CachedPond, Base=pb.RemoteCopy)
        before = dict(jelly.unjellyableRegistry)
        stock.setUnjellyableForClassTree(module, pb.RemoteCopy)
        theirs = dict(jelly.unjellyableRegistry)
        jelly.unjellyableRegistry.clear()
        jelly.unjellyableRegistry.update(before)
        setUnjellyableForClassTree(module, pb.RemoteCopy)
        self.assertEqual(jelly.unjellyableRegistry, theirs)
        self.assertNotEqual(theirs, before)

    def test_checked(self) -> None:
        """
        A class in it that could never receive is refused.
        """
        module = self.module(Frozen=FrozenData)
        self.assertRaises(
            CannotRegister, setUnjellyableForClassTree, module, pb.RemoteCopy
        )


class Frog(pb.RemoteCopy):
    pass


class Newt:
    """
    Somebody else's.
    """


def makeFrog(state: Any) -> Any:
    return "a frog", state


class RefusedTests(RegistryCase):
    """
    What no registry takes, and what stays out of it then.
    """

    def assertRefused(self, tag: Any, target: Any, *says: str) -> None:
        """
        A class is refused by each registry, with certain words.
        """
        for registry in Registry(), defaultRegistry:
            before = list(registry)
            error = self.assertRaises(
                CannotRegister, registry.setUnjellyableForClass, tag, target
            )
            for part in says:
                self.assertIn(part, str(error))
            self.assertEqual(list(registry), before)

    def test_words(self) -> None:
        """
        A word of jelly's own is no tag, however it is registered, not even in
        place of something; and neither is what has no name.
        """
        for registry in Registry(), defaultRegistry:
            for tag in *ATOMS, b"", b" ":
                for same in tag, tag.decode():
                    for register, target in (
                        (registry.setUnjellyableForClass, (Frog,)),
                        (registry.setUnjellyableFactoryForClass, (makeFrog,)),
                        (
                            functools.partial(registry.registerCopier, Newt),
                            (vars, dict),
                        ),
                    ):
                        for replace in False, True:
                            error = self.assertRaises(
                                CannotRegister, register, same, *target, replace=replace
                            )
                            self.assertIn(repr(tag.decode()), str(error))
                self.assertNotIn(tag, registry)
        self.assertEqual(roundTrip([{"a": (1, None)}]), [{"a": (1, None)}])

    def test_failures(self) -> None:
        """
        Nor is the one under which errors travel, which would be lost.
        """
        tag = "twisted.spread.pb.CopyableFailure"
        self.assertRefused(tag, Frog, repr(tag))
        self.assertRefused(stock.CopyableFailure, Frog, repr(tag))
        self.assertIs(self.registered(tag.encode()), stock.CopiedFailure)

    def test_noReceiver(self) -> None:
        """
        A class that has no way to receive anything.
        """
        self.assertRefused("pond.Newt", Newt, "Newt", "no unjellyFor", "pb.RemoteCopy")

    def test_stock(self) -> None:
        """
        A class of stock's that stock cannot fill: it is frozen, has slots, or
        is a cache whose constructor needs arguments.
        """

        @dataclass(frozen=True)
        class Frozen(stock.RemoteCopy):
            frogs: int = 0

        class Slotted(stock.RemoteCopy):
            __slots__ = ("frogs",)

        @attrs.define
        class Defined(stock.RemoteCopy):
            frogs: int = 0

        for cls in Frozen, Slotted, Defined:
            self.assertRefused("pond.Frog", cls, cls.__name__, "derive it from pbext's")

        class Constructed(stock.RemoteCache):
            def __init__(self, frogs: int) -> None:
                self.frogs = frogs

        @dataclass
        class Data(stock.RemoteCache):
            frogs: int

        for cls in Constructed, Data:
            self.assertRefused("pond.Frog", cls, cls.__name__, "without arguments")

    def test_stockThatWorks(self) -> None:
        """
        The other classes of stock's are taken: stock never calls the
        constructor of a copy.
        """

        class Copy(stock.RemoteCopy):
            def __init__(self, frogs: int) -> None:
                self.frogs = frogs

        class Cache(stock.RemoteCache):
            def __init__(self, frogs: int = 3) -> None:
                self.frogs = frogs

        @dataclass
        class Data(stock.RemoteCache):
            frogs: int = 3

        for cls in Copy, Cache, Data, stock.RemoteCopy, stock.RemoteCache:
            registry = Registry()
            registry.setUnjellyableForClass("pond.Frog", cls)
            self.assertIs(registry.modelFor("pond.Frog"), cls)

    def test_B9_published(self) -> None:
        """
        B9: C{RemotePublished}, which writes to a file that its peer chooses,
        whatever else the class is.
        """

        class Published(RemotePublished):
            pass

        class Ours(pb.RemoteCache, RemotePublished):
            pass

        for cls in RemotePublished, Published, Ours:
            self.assertRefused("pond.Frog", cls, "choose a file", "pb.RemoteCache")

    def test_factoryForACacheable(self) -> None:
        """
        A factory for a Cacheable, which has to be followed.
        """

        class Followed(stock.Cacheable):
            pass

        class Ours(pb.Cacheable):
            pass

        for registry in Registry(), defaultRegistry:
            for cls in Followed, Ours:
                error = self.assertRaises(
                    CannotRegister,
                    registry.setUnjellyableFactoryForClass,
                    cls,
                    makeFrog,
                )
                self.assertIn("register a pb.RemoteCache for it", str(error))
                self.assertIn(cls.__name__, error.className)

    def test_B2d_hidden(self) -> None:
        """
        B2d: a class with a declared field that a property of its own would
        hide; the names are said.
        """

        class Computed(pb.RemoteCopy):
            copyFields = ("frogs", "toads", "newts")

            @property
            def frogs(self) -> int:
                return 7

            @functools.cached_property
            def toads(self) -> int:
                return 8

        class Inherited(Computed):
            pass

        for cls in Computed, Inherited:
            self.assertRefused(
                "pond.Frog", cls, cls.__name__, "frogs, toads would hide"
            )

    def test_declaration(self) -> None:
        """
        A class that says what makes no sense of its fields.
        """
        for attribute, value in (
            ("copyFields", "frogs"),
            ("copyUnknown", "maybe"),
            ("copyVersion", "3"),
        ):
            fields = {"copyFields": ("frogs",), attribute: value}
            cls = type("Nonsense", (pb.RemoteCopy,), fields)
            for registry in Registry(), defaultRegistry:
                error = self.assertRaises(
                    TypeError, registry.setUnjellyableForClass, "pond.Frog", cls
                )
                self.assertIn(f"Nonsense.{attribute}", str(error))
                self.assertNotIn("pond.Frog", registry)
