"""
Which class a tag becomes: L{pbext.pb.setUnjellyableForClass}.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import attrs

from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._cacheable import RESERVED
from pbext._registry import setUnjellyableForClass, setUnjellyableForClassTree
from pbext.errors import CannotRegister
from pbext.testing import restoredRegistry, roundTrip


class Pond(pb.Copyable):
    typeToCopy = "test_registry.Pond"


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
        self.assertIs(self.registered(b"test_registry.Pond"), CopiedPond)
        self.assertIs(self.registered(b"tests.test_registry.Plain"), CopiedPond)
        self.assertIsInstance(roundTrip(Pond()), CopiedPond)

    def test_tag(self) -> None:
        """
        A tag may be given itself, as str or as bytes, with a dot in it or not.
        """
        for tag in "test_registry.a", b"test_registry.b", "c", b"d":
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
            setUnjellyableForClass("test_registry.make", cls, replace=True)
            self.assertIs(self.registered(b"test_registry.make"), cls)

    def test_function(self) -> None:
        """
        A function that unjellies is registered as in Twisted.
        """

        def unjelly(unjellier: object, sexp: object) -> object:
            return sexp

        setUnjellyableForClass("test_registry.function", unjelly)
        self.assertIs(self.registered(b"test_registry.function"), unjelly)

    def test_frozenCache(self) -> None:
        """
        A frozen RemoteCache is refused, with the reason, and nothing is
        registered.
        """
        for cls in FrozenData, FrozenAttrs, FrozenDictAttrs, FrozenByItsBase:
            error = self.assertRaises(
                CannotRegister, setUnjellyableForClass, "test_registry.frozen", cls
            )
            self.assertEqual(error.className, f"tests.test_registry.{cls.__name__}")
            self.assertIn("frozen, and a cache has to change", str(error))
            self.assertIn("pb.RemoteCopy", str(error))
            self.assertIsNone(self.registered(b"test_registry.frozen"))

    def test_ownSetattr(self) -> None:
        """
        A class with a C{__setattr__} of its own is not thought to be frozen,
        even if that fails on a blank object.
        """

        class Guarded(pb.RemoteCache):
            def __setattr__(self, name: str, value: object) -> None:
                raise RuntimeError("not yet")

        setUnjellyableForClass("test_registry.guarded", Guarded)
        self.assertIs(self.registered(b"test_registry.guarded"), Guarded)

    def test_reserved(self) -> None:
        """
        A RemoteCache that declares a field under a reserved name is refused,
        with the names; a RemoteCopy has no such names.
        """
        for name in "broker", "luid", "cacheState", "observers", "whenLive":
            cls = type("Clash", (pb.RemoteCache,), {"copyFields": (name, "frogs")})
            error = self.assertRaises(
                CannotRegister, setUnjellyableForClass, "test_registry.clash", cls
            )
            self.assertIn(f"can have them: {name}", str(error))
            self.assertIsNone(self.registered(b"test_registry.clash"))
        copied = type("Copied", (pb.RemoteCopy,), {"copyFields": ("broker", "luid")})
        setUnjellyableForClass("test_registry.clash", copied)

    def test_factory(self) -> None:
        """
        A factory is registered under the tag that a class travels under.
        """

        class Tagged(pb.Copyable):
            typeToCopy = "tests.registry.tagged"
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
            CannotRegister, pb.setUnjellyableForClass, "tests.registry.relay", Relay
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
                CannotRegister, setUnjellyableForClass, "test_registry.clash", cls
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
