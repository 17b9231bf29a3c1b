"""
What the rules about classes say of Twisted, asked of Twisted itself.
"""

from __future__ import annotations

import collections
import enum
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from twisted.internet.defer import Deferred
from twisted.persisted.crefutil import _Dereference
from twisted.spread import jelly, pb
from twisted.spread.banana import BananaError
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb as ours
from pbext.errors import NotSendable
from pbext.testing import Pair, connectedPair, restoredRegistry


class Desk(pb.Root):
    def __init__(self) -> None:
        self.taken: Any = None
        self.given: Any = None

    def remote_take(self, value: Any) -> None:
        self.taken = value

    def remote_give(self) -> Any:
        return self.given


class Frog(pb.Copyable, pb.RemoteCopy):
    pass


class Pond:
    class State(pb.Copyable, pb.RemoteCopy):
        pass


class Lake:
    class State(pb.Copyable, pb.RemoteCopy):
        pass


class Dotless(pb.Copyable, pb.RemoteCopy):
    def getTypeToCopy(self) -> bytes:
        return b"dotless"


class Tagged(pb.Copyable):
    typeToCopy = "pond.Tagged"


@attrs.define
class Slotted(pb.Copyable, pb.RemoteCopy):
    colour: str = "green"


@attrs.frozen(slots=False)
class Frozen(pb.Copyable, pb.RemoteCopy):
    colour: str = "green"


class Followable(pb.Cacheable):
    def getStateToCopy(self) -> Any:
        return {"depth": 3, "size": 4}


class NeedsName(pb.RemoteCache):
    def __init__(self, name: str) -> None:
        pass


class Copied(pb.RemoteCopy):
    pass


class Followed(pb.RemoteCache):
    @property
    def size(self) -> int:
        return 0


class Watched(pb.Cacheable):
    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return self.__dict__


class OurWatched(ours.Cacheable):
    def __init__(self) -> None:
        self.watchers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.watchers.append(observer)
        return self.getStateToCopyFor(perspective)


class Colour(enum.Enum):
    GREEN = 1


class ClassTests(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def connected(self, library: Any = pb) -> tuple[Desk, Pair]:
        desk = Desk()
        pair = connectedPair(
            desk,
            serverFactory=library.PBServerFactory,
            clientFactory=library.PBClientFactory,
        )
        self.addCleanup(pair.close)
        return desk, pair

    def taken(self, value: Any) -> Any:
        """
        @return: what becomes of an argument.
        """
        desk, pair = self.connected()
        pair.result(pair.root.callRemote("take", value))
        return desk.taken

    def refused(self, value: Any) -> None:
        """
        As an argument, it is an error; as an answer, it drops the connection, and
        nobody is told.
        """
        desk, pair = self.connected()
        self.assertRaises(
            pb.RemoteError, pair.result, pair.root.callRemote("take", value)
        )
        self.assertFalse(pair.client.disconnected)
        desk.given = value
        answer: Deferred[Any] = pair.root.callRemote("give")
        pair.flush()
        self.assertNoResult(answer)
        self.assertTrue(pair.client.disconnected)
        self.flushLoggedErrors()

    def test_PBX103_unregistered(self) -> None:
        self.refused(Frog())

    def test_PBX104_nested(self) -> None:
        """
        What was registered last stands for both.
        """
        pb.setUnjellyableForClass(Pond.State, Pond.State)
        pb.setUnjellyableForClass(Lake.State, Lake.State)
        self.assertIs(type(self.taken(Pond.State())), Lake.State)

    def test_PBX104_typeToCopy(self) -> None:
        self.assertEqual(Tagged().getTypeToCopy(), f"{__name__}.Tagged".encode())

    def test_PBX104_dotless(self) -> None:
        """
        A tag without a dot is let in by the function alone.
        """
        table: dict[Any, Any] = jelly.unjellyableRegistry
        table[b"dotless"] = Dotless
        self.refused(Dotless())
        pb.setUnjellyableForClass("dotless", Dotless)
        self.assertIs(type(self.taken(Dotless())), Dotless)

    def test_PBX104_atoms(self) -> None:
        """
        What arrives is no longer what it was.
        """
        made: list[Any] = []

        def make(unjellier: Any, jellied: Any) -> str:
            made.append(jellied)
            return "a frog"

        pb.setUnjellyableForClass("list", make)
        self.assertEqual(self.taken([1, 2]), "a frog")

    def test_PBX105_constructors(self) -> None:
        pb.setUnjellyableForClass(Followable, NeedsName)
        self.refused(Followable())

    def test_PBX105_flavors(self) -> None:
        pb.setUnjellyableForClass(Followable, Copied)
        self.refused(Followable())
        pb.setUnjellyableForClass(Frog, Followed)
        self.refused(Frog())

    def test_PBX105_properties(self) -> None:
        pb.setUnjellyableForClass(Followable, Followed)
        pond = self.taken(Followable())
        self.assertEqual((pond.depth, pond.size, vars(pond)["size"]), (3, 0, 4))

    def test_PBX106_observers(self) -> None:
        """
        Each receiver gets one thing of no use for each observer.
        """
        pb.setUnjellyableForClass(Watched, Followed)
        watched = Watched()
        self.assertEqual(len(self.taken(watched).observers), 1)
        [one, other] = self.taken(watched).observers
        self.assertIsInstance(one, jelly.Unpersistable)
        self.assertIsInstance(other, jelly.Unpersistable)

    def test_PBX106_ours(self) -> None:
        _, pair = self.connected(ours)
        error = self.assertRaises(
            NotSendable, pair.result, pair.root.callRemote("take", OurWatched())
        )
        self.assertIn("watchers[0]", error.path)

    def test_PBX203_fields(self) -> None:
        """
        No error, and an Unpersistable; but for functions.
        """
        pb.setUnjellyableForClass(Frog, Frog)
        for value in (
            threading.Lock(),
            uuid.uuid4(),
            Path("x"),
            Colour.GREEN,
            collections.deque(),
            Deferred(),
            1j,
        ):
            frog = Frog()
            frog.value = value
            self.assertIsInstance(self.taken(frog).value, jelly.Unpersistable)
        functions: list[Callable[..., Any]] = [lambda: None, frog.getStateToCopy]
        for function in functions:
            frog.value = function
            _, pair = self.connected()
            self.assertRaises(BananaError, pair.root.callRemote, "take", frog)
            # FAULTS E1: stock waits for the answer to what it has not sent.
            [leaked] = pair.client.waitingForAnswers.values()
            leaked.addErrback(lambda failure: failure.trap(pb.PBConnectionLost))

    def test_PBX205_slots(self) -> None:
        """
        Nothing of it is sent, and what is does not fill slots.
        """
        pb.setUnjellyableForClass(Slotted, Slotted)
        pb.setUnjellyableForClass(Frog, Slotted)
        self.assertRaises(AttributeError, lambda: self.taken(Slotted()).colour)
        frog = Frog()
        frog.colour = "brown"
        arrived = self.taken(frog)
        self.assertRaises(AttributeError, lambda: arrived.colour)
        self.assertEqual(vars(arrived), {"colour": "brown"})

    def test_PBX205_frozen(self) -> None:
        pb.setUnjellyableForClass(Frozen, Frozen)
        self.refused(Frozen())

    def test_PBX206_cycles(self) -> None:
        """
        An attribute is left unresolved, and an item of a list is not.
        """
        pb.setUnjellyableForClass(Frog, Frog)
        outer, inner = Frog(), Frog()
        outer.inner, inner.outer, inner.outers = inner, outer, [outer]
        found = self.taken(outer)
        self.assertIsInstance(found.inner.outer, _Dereference)
        self.assertIs(found.inner.outers[0], found)

    def test_PBX207_factories(self) -> None:
        """
        It is given a number, and the state is thrown away.
        """
        given: list[Any] = []
        pb.setUnjellyableFactoryForClass(Followable, given.append)
        self.taken(Followable())
        self.assertEqual([type(state) for state in given], [int])
