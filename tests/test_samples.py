"""
L{pbext.testing.roundTrip} by a registry, and L{pbext.testing.unsampled}: for a
program's own tests of the classes that it registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import CacheState, Registry, defaultRegistry, pb
from pbext.errors import NotSendable
from pbext.testing import restoredRegistry, roundTrip, unsampled


class Pond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_samples.Pond"

    def __init__(self, frogs: object) -> None:
        self.frogs = frogs


class Unregistered(Pond):
    typeToCopy = "test_samples.Unregistered"


class OtherPond(pb.RemoteCopy):
    pass


class WrongFrog(stock.Copyable):
    """
    Sends what a frog does not take.
    """

    def getTypeToCopy(self) -> bytes:
        return Frog.typeToCopy.encode()

    def getStateToCopy(self) -> Any:
        return {"colour": 7}


@dataclass
class Frog(pb.Copyable, pb.RemoteCopy):
    """
    Can be compared, and is what receives it.
    """

    typeToCopy = "test_samples.Frog"
    colour: str
    mood: str = "calm"


@dataclass
class ForgetfulFrog(Frog):
    """
    Does not keep what it is sent.
    """

    typeToCopy = "test_samples.ForgetfulFrog"

    def setCopyableState(self, state: Any) -> None:
        super().setCopyableState({"colour": "grey"})


class FollowedPond(pb.Cacheable):
    typeToCopy = "test_samples.FollowedPond"
    frogs = 3


class FollowingPond(pb.RemoteCache):
    pass


class RelayedPond(pb.Cacheable, pb.RemoteCache):
    typeToCopy = "test_samples.RelayedPond"


class StockFrog(stock.Copyable):
    pass


class Newt:
    """
    No flavor.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Newt) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]


class RegistryTests(SynchronousTestCase):
    """
    Samples of what a registry has.
    """

    def setUp(self) -> None:
        self.registry = Registry()
        for sent, received in (
            (Frog, Frog),
            (FollowedPond, FollowingPond),
            (StockFrog, OtherPond),
        ):
            self.registry.setUnjellyableForClass(sent, received)
        self.registry.registerCopier(
            Newt, "test_samples.Newt", lambda newt: newt.name, Newt
        )
        self.registry.setUnjellyableFactoryForClass(Pond, lambda state: state["frogs"])

    def test_roundTrip(self) -> None:
        """
        An object makes its way by a registry, whatever the process has; what
        that has alone is refused.
        """
        self.assertEqual(roundTrip(Frog("green"), self.registry), Frog("green"))
        self.assertEqual(roundTrip([Newt("a")], self.registry), [Newt("a")])
        self.assertEqual(roundTrip(Pond([1, 2]), self.registry), [1, 2])
        with restoredRegistry():
            pb.setUnjellyableForClass(Pond, Pond)
            self.assertIsInstance(roundTrip(Pond([1, 2])), Pond)
        error = self.assertRaises(pb.RemoteError, roundTrip, Pond(1), Registry())
        self.assertIn("test_samples.Pond", str(error))
        self.assertRaises(NotSendable, roundTrip, Newt("a"))
        cache = roundTrip(FollowedPond(), self.registry, chunk=1)
        self.assertIsInstance(cache, FollowingPond)
        self.assertIs(cache.cacheState, CacheState.STALE)

    def test_unsampled(self) -> None:
        """
        The tags are returned that there is no sample of; none, if there is one
        for each.
        """
        samples = {
            "test_samples.FollowedPond": FollowedPond(),
            "test_samples.Frog": Frog("green"),
            "test_samples.Newt": Newt("a"),
            "test_samples.Pond": Pond(1),
            "tests.test_samples.StockFrog": StockFrog(),
        }
        self.assertEqual(unsampled(self.registry, []), sorted(samples))
        self.assertEqual(unsampled(self.registry, samples.values()), [])
        for tag in samples:
            rest = [sample for other, sample in samples.items() if other != tag]
            self.assertEqual(unsampled(self.registry, rest), [tag])
        twice = [*samples.values(), Frog("red", "angry"), Newt("b")]
        self.assertEqual(unsampled(self.registry, iter(twice)), [])

    def test_unlikeItself(self) -> None:
        """
        A sample that arrives unlike itself is an error that names it, where
        that can be compared.
        """
        self.registry.setUnjellyableForClass(ForgetfulFrog, ForgetfulFrog)
        self.registry.setUnjellyableForClass(RelayedPond, RelayedPond)
        unsampled(self.registry, [ForgetfulFrog("grey"), RelayedPond()])
        error = self.assertRaises(
            AssertionError, unsampled, self.registry, [ForgetfulFrog("green")]
        )
        self.assertIn("test_samples.ForgetfulFrog arrives unlike itself", str(error))
        self.registry.registerCopier(
            Newt, "test_samples.Newt", vars, lambda state: Newt("b"), replace=True
        )
        error = self.assertRaises(AssertionError, unsampled, self.registry, [Newt("a")])
        self.assertIn("test_samples.Newt arrives unlike itself", str(error))

    def test_anotherClass(self) -> None:
        """
        So is one that arrives as something else than the registry says.
        """

        class Guised(pb.RemoteCopy):
            def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
                return OtherPond()

        self.registry.setUnjellyableForClass(Pond, Guised, replace=True)
        error = self.assertRaises(AssertionError, unsampled, self.registry, [Pond(1)])
        self.assertIn("test_samples.Pond arrives as", str(error))
        self.assertIn("OtherPond", str(error))

    def test_doesNotSurvive(self) -> None:
        """
        What keeps a sample from being sent or received is raised.
        """
        error = self.assertRaises(
            pb.RemoteError, unsampled, self.registry, [Unregistered(1)]
        )
        self.assertIn("test_samples.Unregistered", str(error))
        self.assertRaises(NotSendable, unsampled, self.registry, [Pond(object())])
        error = self.assertRaises(
            pb.RemoteError, unsampled, self.registry, [WrongFrog()]
        )
        self.assertIn("$[0].colour", str(error))

    def test_process(self) -> None:
        """
        The process's registry can be asked as well.
        """
        with restoredRegistry():
            pb.setUnjellyableForClass(Pond, Pond)
            before = unsampled(defaultRegistry, [])
            self.assertIn("test_samples.Pond", before)
            rest = unsampled(defaultRegistry, [Pond(1)])
        self.assertEqual(sorted([*rest, "test_samples.Pond"]), before)
