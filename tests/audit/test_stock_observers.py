"""
What the rules about observers say of Twisted, asked of Twisted itself.
"""

from __future__ import annotations

import dataclasses
import gc
from typing import Any, ClassVar
from weakref import WeakSet

from twisted.spread import pb
from twisted.trial.unittest import SynchronousTestCase

from pbext.testing import Pair, connectedPair, restoredRegistry


class Cache(pb.RemoteCache):
    def setCopyableState(self, state: Any) -> None:
        pass

    def observe_told(self) -> None:
        pass


class Watched(pb.Cacheable):
    """
    It keeps what its hooks are given.
    """

    def __init__(self) -> None:
        self.came: list[Any] = []
        self.left: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.came.append(observer)
        self.keep(perspective, observer)
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.left.append(observer)
        self.drop(perspective, observer)

    def keep(self, perspective: Any, observer: Any) -> None:
        """For subclasses to override."""

    def drop(self, perspective: Any, observer: Any) -> None:
        """For subclasses to override."""


class Desk(pb.Root):
    def __init__(self, watched: Any) -> None:
        self.watched = watched
        self.given: list[Any] = []

    def remote_get(self) -> Any:
        return self.watched

    def remote_give(self, reference: Any) -> None:
        self.given.append(reference)


class StockTests(SynchronousTestCase):
    """
    Two clients and a server of Twisted's.
    """

    def setUp(self) -> None:
        restored = restoredRegistry()
        restored.__enter__()
        self.addCleanup(restored.__exit__, None, None, None)

    def connected(self, watched: Any, clients: int = 2) -> Pair:
        pb.setUnjellyableForClass(type(watched), Cache)
        pair = connectedPair(
            Desk(watched),
            clients=clients,
            serverFactory=pb.PBServerFactory,
            clientFactory=pb.PBClientFactory,
        )
        self.addCleanup(pair.close)
        self.caches = [pair.result(link.root.callRemote("get")) for link in pair.links]
        return pair

    def test_compared(self) -> None:
        """
        Observers of two connections cannot be compared with each other, or with
        anything; those that have left are equal to their likes, and others.
        """
        watched = Watched()
        pair = self.connected(watched)
        first, second = watched.came
        for other in (first, None, "x", object()):
            self.assertRaises(TypeError, lambda other=other: second == other)
        self.assertRaises(TypeError, lambda: second in [first])
        self.assertRaises(TypeError, lambda: [first, second].remove(second))
        self.assertRaises(TypeError, lambda: sorted([first, second]))
        self.assertRaises(
            TypeError, lambda: [(None, first), (None, second)].remove((None, second))
        )
        pair.links[1].cut()
        [left] = watched.left
        self.assertTrue(left == second)
        self.assertIsNot(left, second)
        self.assertNotEqual(id(left), id(second))

    def test_hashed(self) -> None:
        """
        Observers collide in a set of some dozens.
        """
        watched = Watched()
        self.connected(watched, 200)
        self.assertRaises(TypeError, set, watched.came)

    def test_unhashable(self) -> None:
        """
        The observers of something that has no hash have none.
        """

        @dataclasses.dataclass
        class Data(Watched):
            size: int = 0
            came: list[Any] = dataclasses.field(default_factory=list)
            left: list[Any] = dataclasses.field(default_factory=list)

        watched = Data()
        self.connected(watched)
        self.assertRaises(TypeError, hash, watched.came[0])

    def test_underPerspective(self) -> None:
        """
        Without a login, the perspective of all is None.
        """

        class Keyed(Watched):
            kept: ClassVar[dict[Any, Any]] = {}

            def keep(self, perspective: Any, observer: Any) -> None:
                self.kept[perspective] = observer

        self.connected(Keyed())
        self.assertEqual([*Keyed.kept], [None])

    def test_weak(self) -> None:
        """
        Twisted itself holds no observer.
        """

        class Weak(pb.Cacheable):
            kept: ClassVar[WeakSet[Any]] = WeakSet()

            def getStateToCacheAndObserveFor(self, _: Any, observer: Any) -> Any:
                self.kept.add(observer)
                return {}

        self.connected(Weak())
        gc.collect()
        self.assertEqual(len(Weak.kept), 0)

    def test_lost(self) -> None:
        """
        After the connection, and while it is being lost, C{callRemote} raises.
        """
        raised = []

        class Asking(Watched):
            def drop(self, perspective: Any, observer: Any) -> None:
                try:
                    observer.callRemote("told")
                except Exception as error:
                    raised.append(type(error))

        watched = Asking()
        pair = self.connected(watched)
        pair.links[0].cut()
        self.assertEqual(raised, [pb.DeadReferenceError])
        self.assertRaises(AttributeError, watched.came[0].callRemote, "told")

    def test_dropped(self) -> None:
        """
        After the peer has dropped the cache, it does so too.
        """
        watched = Watched()
        pair = self.connected(watched)
        del self.caches[0]
        gc.collect()
        pair.flush()
        self.assertEqual(len(watched.left), 1)
        with self.assertRaises(pb.ProtocolError) as caught:
            watched.came[0].callRemote("told")
        self.assertNotIsInstance(caught.exception, pb.DeadReferenceError)

    def test_references(self) -> None:
        """
        Nor can references of two connections be compared or hashed together, and
        a dead one raises DeadReferenceError.
        """
        pair = self.connected(Watched())
        for link in pair.links:
            pair.result(link.root.callRemote("give", pb.Referenceable()))
        first, second = pair.serverFactory.root.given
        self.assertRaises(TypeError, lambda: [first, second].remove(second))
        self.assertEqual(hash(first), hash(second))
        self.assertRaises(TypeError, lambda: {first, second})
        pair.links[0].cut()
        self.assertRaises(pb.DeadReferenceError, first.callRemote, "x")
