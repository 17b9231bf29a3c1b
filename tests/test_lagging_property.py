"""
Whatever is announced, however large, and whoever reads when: in the end every
cache is right, or knows that it is not, and nobody has kept much for anybody.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import CacheState, Limits, pb
from pbext._backlog import FEW
from pbext.testing import connectedPair

CLIENTS = 4
MARK = 20_000
LARGEST = 100_000


class _Pond(pb.Cacheable):
    """
    @ivar numbers: those of all updates so far.
    """

    typeToCopy = "tests.test_lagging_property.Pond"
    copyFields = ("numbers",)

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.lagging = 0

    def announce(self, size: int) -> None:
        self.numbers.append(len(self.numbers))
        self.observers.callRemote("add", self.numbers[-1], b"x" * size)

    def observerLagging(self, observer: Any) -> None:
        self.lagging += 1


class _Dropping(_Pond):
    whenLagging = "drop"


class _Conflating(_Pond):
    whenLagging = "conflate"

    def getUpdateToConflateFor(self, perspective: Any) -> Any:
        return "reset", (self.numbers,), {}


class _Watching:
    numbers: list[int]

    def observe_add(self, number: int, load: bytes) -> None:
        self.numbers.append(number)

    def observe_reset(self, numbers: list[int]) -> None:
        self.numbers = numbers


class _Watcher(_Watching, pb.RemoteCache):
    pass


class _Root(pb.Root):
    def __init__(self) -> None:
        self.ponds = [_Pond(), _Dropping(), _Conflating()]

    def remote_get(self, number: int) -> Any:
        return self.ponds[number]


pb.setUnjellyableForClass(b"tests.test_lagging_property.Pond", _Watcher)

_clients = st.integers(0, CLIENTS - 1)
_ponds = st.integers(0, 2)
_sizes = st.sampled_from([10, 5_000, 5_000, 30_000, 30_000, LARGEST])
_operations = st.lists(
    st.one_of(
        st.tuples(st.just("announce"), _ponds, _sizes),
        st.tuples(st.just("announce"), _ponds, _sizes),
        st.tuples(st.just("announce"), _ponds, _sizes),
        st.tuples(st.just("announce"), _ponds, _sizes),
        st.tuples(st.just("read"), _clients),
    ),
    min_size=20,
    max_size=60,
)

_bounded = settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class _World:
    """
    One publisher of three ponds; the last of its clients is stock's, the
    others read when they are told to.
    """

    def __init__(self) -> None:
        self.root = _Root()
        limits = Limits(laggingBytes=MARK)
        self.pair = connectedPair(
            self.root,
            clients=CLIENTS - 1,
            serverFactory=partial(pb.PBServerFactory, limits=limits),
        )
        self.pair.addClient(stock.PBClientFactory())
        self.caches = {
            (client, pond): self.pair.result(link.root.callRemote("get", pond))
            for client, link in enumerate(self.pair.links)
            for pond in range(3)
        }

    def announce(self, pond: int, size: int) -> None:
        self.root.ponds[pond].announce(size)

    def read(self, client: int) -> None:
        self.pair.links[client].pump()


class LaggingTests(SynchronousTestCase):
    """
    Four clients, three ponds, one for each thing that a class may say.
    """

    def assertBounded(self, world: _World) -> None:
        for link in world.pair.links:
            broker = link.server
            # The mark, or a few of the largest, and one that was let through.
            most = MARK + (FEW + 1) * (LARGEST + 10_000)
            self.assertLess(broker._departures.unasked, most)
            self.assertLess(broker.outlet.behind - broker.outlet.unread, most)

    def assertRight(self, world: _World) -> None:
        for (client, number), cache in world.caches.items():
            pond = world.root.ponds[number]
            if not world.pair.links[client].connected:
                self.assertIs(CacheState.STALE, cache.cacheState)
                continue
            self.assertIs(CacheState.LIVE, cache.cacheState)
            if type(pond) is _Dropping:
                self.assertEqual(sorted(set(cache.numbers)), cache.numbers)
                self.assertLessEqual(set(cache.numbers), set(pond.numbers))
            else:
                self.assertEqual(pond.numbers, cache.numbers)

    def test_right(self) -> None:
        """
        In between, what waits is bounded; when all have read, each cache that
        is connected says what its pond says, but for what it was not sent of
        one that drops; and then an update reaches them all.
        """
        lagged: Counter[type] = Counter()

        @_bounded
        @given(_operations)
        def check(operations: Any) -> None:
            world = _World()
            try:
                self.assertInOrder(world, operations)
            finally:
                world.pair.close()
            for pond in world.root.ponds:
                lagged[type(pond)] += pond.lagging

        check()
        # That is what it was for.
        self.assertEqual({_Pond, _Dropping, _Conflating}, set(+lagged))

    def assertInOrder(self, world: _World, operations: Any) -> None:
        for name, *arguments in operations:
            getattr(world, name)(*arguments)
            world.pair.clock.advance(0)
            self.assertBounded(world)
        world.pair.flush()
        for pond in world.root.ponds:
            counters = pond.observers.counters
            self.assertEqual(0, pond.observers.lagging + counters.refused)
            self.assertEqual(pond.lagging > 0, counters.lagged > 0)
        self.assertRight(world)
        for pond in world.root.ponds:
            pond.announce(0)
        world.pair.flush()
        self.assertRight(world)
        for (client, number), cache in world.caches.items():
            if world.pair.links[client].connected:
                pond = world.root.ponds[number]
                self.assertEqual(pond.numbers[-1], cache.numbers[-1])
