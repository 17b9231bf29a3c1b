"""
What stock Perspective Broker gets wrong when classes are registered, or finds
out when something arrives, fault by fault under its id.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import attrs

from twisted.spread import pb as stock
from twisted.spread.publish import RemotePublished
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, defaultRegistry, pb
from pbext.errors import CannotRegister, RefusedField, RefusedObject
from pbext.testing import connectedPair, restoredRegistry, roundTrip
from tests.contracts import Sent
from tests.ponds import PondRoot


class Frog(pb.Copyable, pb.RemoteCopy):
    def __init__(self, colour: str = "green") -> None:
        self.colour = colour


class OtherFrog(pb.RemoteCopy):
    pass


class RegistrationCase(SynchronousTestCase):
    def setUp(self) -> None:
        restoring = restoredRegistry()
        restoring.__enter__()
        self.addCleanup(restoring.__exit__, None, None, None)

    def assertRefused(self, tag: Any, target: Any, *says: str) -> None:
        """
        A class is refused by each registry, with certain words, and what was
        there is there.
        """
        for registry in Registry(), defaultRegistry:
            before = list(registry)
            error = self.assertRaises(
                CannotRegister, registry.setUnjellyableForClass, tag, target
            )
            for part in says:
                self.assertIn(part, str(error))
            self.assertEqual(before, list(registry))

    def taken(self, cls: Any, state: Any) -> Any:
        """
        @return: what becomes of a state that a peer sends for a class.
        """
        registry = Registry()
        registry.setUnjellyableForClass("registration.it", cls)
        root = PondRoot()
        with connectedPair(
            root,
            serverFactory=functools.partial(pb.PBServerFactory, registry=registry),
            clientFactory=stock.PBClientFactory,
        ) as pair:
            thing = Sent("registration.it", state)
            pair.result(pair.root.callRemote("take", "it", thing))
        return root.kept["it"]


class TagTests(RegistrationCase):
    """
    To blame is the program that registers.
    """

    def test_B1_twice(self) -> None:
        """
        A second class for a tag is an error that names both places; the first
        one goes on receiving.
        """
        for registry in Registry(), defaultRegistry:
            registry.setUnjellyableForClass("registration.Frog", OtherFrog)
            with self.assertRaises(CannotRegister) as raised:
                registry.setUnjellyableForClass("registration.Frog", Frog)
            error = raised.exception
            self.assertEqual(2, error.why.count("test_faults_registration.py:"))
            for name in "OtherFrog", "Frog":
                self.assertIn(f"{__name__}.{name}, by ", error.why)
            sent = Sent("registration.Frog", {})
            self.assertIsInstance(roundTrip(sent, registry), OtherFrog)

    def test_B1_words(self) -> None:
        """
        A word of jelly's is no tag, and lists go on being lists.
        """
        for tag in "list", "dictionary", "unicode", "remote", "reference":
            self.assertRefused(tag, Frog, repr(tag), "PB's own")
        self.assertEqual([{"a": ["b"]}], roundTrip([{"a": ["b"]}]))

    def test_B3_names(self) -> None:
        """
        A class that is defined in a class, in a function, or in what is run
        as a script has, with C{typeToCopy}, a tag that depends on none of
        this, for either end, whatever the other one runs.
        """

        class Local(Frog):
            typeToCopy = "registration.Frog"

        class Outer:
            class Nested(Frog):
                typeToCopy = "registration.Frog"

        script = type(
            "Frog",
            (Frog,),
            {"__module__": "__main__", "typeToCopy": "registration.Frog"},
        )
        stock.setUnjellyableForClass("registration.Frog", OtherFrog)
        for cls in Local, Outer.Nested, script:
            self.assertEqual(b"registration.Frog", cls().getTypeToCopy())
            registry = Registry()
            registry.setUnjellyableForClass(cls, cls)
            self.assertIs(cls, registry.modelFor("registration.Frog"))
            self.assertIs(cls, type(roundTrip(cls(), registry)))
            root = PondRoot()
            with connectedPair(root, serverFactory=stock.PBServerFactory) as pair:
                pair.result(pair.root.callRemote("take", "it", cls("red")))
            self.assertEqual("red", root.kept["it"].colour)

    def test_B3_clash(self) -> None:
        """
        Without, two that have one name clash when they are registered, and not
        in silence; and what a script has sent is refused with a word on why.
        """

        def make() -> Any:
            class Local(Frog):
                pass

            return Local

        for registry in Registry(), defaultRegistry:
            one, other = make(), make()
            registry.setUnjellyableForClass(one, one)
            self.assertRaises(
                CannotRegister, registry.setUnjellyableForClass, other, other
            )
            self.assertIs(one, type(roundTrip(other(), registry)))
        script = type("Frog", (Frog,), {"__module__": "__main__"})
        error = self.assertRaises(pb.RemoteError, roundTrip, script())
        self.assertIn("'__main__.Frog'", str(error))
        self.assertIn("as a script", str(error))

    def test_B9_published(self) -> None:
        """
        C{RemotePublished}, whose peer chooses a file that is written, is
        refused, and so is what is derived from it.
        """

        class Published(RemotePublished):
            pass

        for cls in RemotePublished, Published:
            self.assertRefused("registration.Frog", cls, "choose a file")


class ReceivableTests(RegistrationCase):
    """
    To blame is the program whose class cannot receive.
    """

    def test_B2_refused(self) -> None:
        """
        What cannot receive is refused at registration: what has no way to; of
        stock's, what is frozen or has slots, and caches whose constructor
        needs arguments; and a frozen cache.
        """

        class Nothing:
            pass

        @dataclass(frozen=True)
        class FrozenStock(stock.RemoteCopy):
            frogs: int = 0

        @attrs.define
        class SlottedStock(stock.RemoteCopy):
            frogs: int = 0

        class NeedyStock(stock.RemoteCache):
            def __init__(self, frogs: int) -> None:
                self.frogs = frogs

        @dataclass(frozen=True)
        class FrozenCache(pb.RemoteCache):
            frogs: int = 0

        for cls in Nothing, FrozenStock, SlottedStock, NeedyStock, FrozenCache:
            self.assertRefused("registration.it", cls, cls.__name__)

    def test_B2d_refused(self) -> None:
        """
        A class with a declared field that a property would hide is refused.
        """

        class Hiding(pb.RemoteCopy):
            copyFields = ("frogs",)

            @property
            def frogs(self) -> int:
                return 7

        self.assertRefused("registration.it", Hiding, "frogs", "hide")

    def test_B2d_set(self) -> None:
        """
        If the property can be set, the datum is set through it, as what the
        class declares it to be.
        """

        class Setting(pb.RemoteCopy):
            copyFields = ("frogs", "toads")

            @property
            def frogs(self) -> int:
                return self.count // 2

            @frogs.setter
            def frogs(self, frogs: int) -> None:
                self.count = 2 * frogs

        pond = self.taken(Setting, {"frogs": 3, "toads": 4})
        self.assertEqual((3, 4, 6), (pond.frogs, pond.toads, pond.count))

        class Annotated(pb.RemoteCopy):
            frogs: int

            def _set(self, frogs: int) -> None:
                if frogs > 100:
                    raise ValueError("secret")
                self.count = frogs

            frogs = property(lambda self: self.count, _set)  # type: ignore[assignment]

        self.assertEqual(3, self.taken(Annotated, {"frogs": 3}).count)
        for value, error in ("three", RefusedField), (101, RefusedObject):
            failure = self.assertRaises(
                pb.RemoteError, self.taken, Annotated, {"frogs": value}
            )
            self.assertTrue(failure.check(error), failure)
            self.assertIn("$[1]", str(failure))
            self.assertNotIn("secret", str(failure))
