"""
Whatever the order of sending, sending again, dropping, losing connections,
announcing and invalidating: the book is right, and every cache has received
what it should, once each.

L{_Model} says what is right.  It knows nothing of Perspective Broker but that
bytes arrive in order: each line is two queues.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import CacheState, pb
from pbext.testing import connectedPair
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, PondRoot

CLIENTS = range(5)
PERSPECTIVES = ("admin", "guest")


@attrs.define(eq=False)
class _Epoch:
    """
    One cache at one peer, from the message that carries it whole until both
    ends have forgotten it.

    @ivar sent: how often it was sent that has not been given back.
    @ivar told: what the cache has been told.
    """

    place: tuple[int, str]
    snapshot: int
    sent: int = 0
    received: int = 0
    held: bool = False
    stale: bool = False
    told: list[int] = attrs.Factory(list)


class _Model:
    """
    @ivar book: who observes, as the publisher knows it.
    @ivar left: how often C{stoppedObserving} was called.
    """

    def __init__(self) -> None:
        self.updates = 0
        self.left = 0
        self.book: dict[tuple[int, str], _Epoch] = {}
        self.given: list[_Epoch] = []
        self.connected = set(CLIENTS)
        self.toClient: dict[int, deque[Any]] = {c: deque() for c in CLIENTS}
        self.toServer: dict[int, deque[Any]] = {c: deque() for c in CLIENTS}

    def send(self, client: int, perspective: str, announcing: bool) -> None:
        place = client, perspective
        if client not in self.connected:
            return
        epoch = self.book.get(place)
        fresh = epoch is None
        if epoch is None:
            epoch = self.book[place] = _Epoch(place, self.updates)
            self.given.append(epoch)
        epoch.sent += 1
        self.toClient[client].append(("give", epoch, 0))
        if fresh and announcing:
            self.announce()

    def sendInVain(self, client: int, perspective: str) -> None:
        if client in self.connected and (client, perspective) not in self.book:
            self.left += 1

    def announce(self) -> None:
        self.updates += 1
        for (client, _), epoch in self.book.items():
            self.toClient[client].append(("update", epoch, self.updates))

    def invalidate(self) -> None:
        for (client, _), epoch in self.book.items():
            self.toClient[client].append(("invalidate", epoch, 0))
        self.book.clear()

    def drop(self, client: int, perspective: str) -> None:
        for epoch in self.given:
            if epoch.held and epoch.place == (client, perspective):
                epoch.held = False
                self.toServer[client].append((epoch, epoch.received))
                epoch.received = 0

    def cut(self, client: int) -> None:
        if client not in self.connected:
            return
        self.connected.discard(client)
        self.toClient[client].clear()
        self.toServer[client].clear()
        for epoch in self.given:
            if epoch.place[0] == client:
                epoch.stale = True
                if epoch.sent:
                    self.left += 1
                    epoch.sent = 0
        for place in list(self.book):
            if place[0] == client:
                del self.book[place]

    def pump(self, client: int) -> None:
        toServer, toClient = self.toServer[client], self.toClient[client]
        while toServer:
            epoch, count = toServer.popleft()
            epoch.sent -= count
            if not epoch.sent:
                self.left += 1
                if self.book.get(epoch.place) is epoch:
                    del self.book[epoch.place]
        while toClient:
            message, epoch, update = toClient.popleft()
            if message == "give":
                epoch.received += 1
                epoch.held = True
            elif message == "update":
                epoch.told.append(update)
            else:
                epoch.stale = True

    def pumpAll(self) -> None:
        for client in CLIENTS:
            self.pump(client)

    def caches(self, client: int, perspective: str) -> list[_Epoch]:
        place = client, perspective
        return [e for e in self.given if e.held and e.place == place]


class _CountingPond(Pond):
    """
    Its state is the number of updates so far.
    """

    localFields = ("updates", "announcing")

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.updates = 0
        self.announcing = False

    def announce(self) -> None:
        self.updates += 1
        self.observers.callRemote("addDuck", self.updates)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        state = {"snapshot": self.updates, "ducks": [], "seenBy": perspective}
        if self.announcing:
            self.announce()
        return state


class _Bomb(pb.Copyable):
    def getStateToCopy(self) -> Any:
        raise ZeroDivisionError()


class _Taker(PondRoot):
    """
    Keeps what it gets, by perspective.
    """

    def remote_take(self, name: str, thing: Any) -> None:
        self.kept.setdefault(name, []).append(thing)


class _Real:
    """
    The same operations on real brokers.
    """

    def __init__(self, server: Any, client: Any, tag: str) -> None:
        self.pond = _CountingPond(tag)
        self.pair = connectedPair(
            PondRoot(), clients=len(CLIENTS), serverFactory=server, clientFactory=client
        )
        self.takers = [_Taker() for _ in CLIENTS]
        for link, taker in zip(self.pair.links, self.takers, strict=True):
            link.client.setNameForLocal("taker", taker)

    def _call(self, client: int, perspective: str, thing: Any) -> None:
        link = self.pair.links[client]
        if link.connected:
            taker = stock.RemoteReference(perspective, link.server, b"taker", 0)
            answer = taker.callRemote("take", perspective, thing, pbanswer=False)
            if answer is not None:  # it could not be serialized
                answer.addErrback(lambda failure: failure.trap(ZeroDivisionError))

    def send(self, client: int, perspective: str, announcing: bool) -> None:
        self.pond.announcing = announcing
        self._call(client, perspective, self.pond)
        self.pond.announcing = False

    def sendInVain(self, client: int, perspective: str) -> None:
        self._call(client, perspective, [self.pond, self.pond, _Bomb()])

    def announce(self) -> None:
        self.pond.announce()

    def invalidate(self) -> None:
        self.pond.invalidate()

    def drop(self, client: int, perspective: str) -> None:
        self.takers[client].kept.pop(perspective, None)

    def cut(self, client: int) -> None:
        self.pair.links[client].cut()

    def pump(self, client: int) -> None:
        self.pair.links[client].pump()

    def pumpAll(self) -> None:
        self.pair.pump()

    def caches(self, client: int, perspective: str) -> list[Any]:
        """
        One for each number: of stock's there are several for one.
        """
        kept = self.takers[client].kept.get(perspective, [])
        return list({id(cache.__dict__): cache for cache in kept}.values())

    def book(self) -> set[tuple[int, str]]:
        servers = [link.server for link in self.pair.links]
        return {
            (servers.index(observer.broker), observer.perspective)
            for observer in self.pond.observers
        }


#: Some more often than others, or too little would meet.
_clients = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 4])
_perspectives = st.sampled_from(PERSPECTIVES)


def _operations(ordered: bool) -> Any:
    """
    @param ordered: whether the publisher's broker is ours, and keeps order.
    """
    announcing = st.booleans() if ordered else st.just(False)
    operations = [
        st.tuples(st.just("send"), _clients, _perspectives, announcing),
        st.tuples(st.just("send"), _clients, _perspectives, announcing),
        st.tuples(st.just("drop"), _clients, _perspectives),
        st.tuples(st.just("pump"), _clients),
        st.tuples(st.just("pumpAll")),
        st.tuples(st.just("announce")),
        st.tuples(st.just("announce")),
        st.tuples(st.just("invalidate")),
        st.tuples(st.just("cut"), _clients),
    ]
    if ordered:
        operations.append(st.tuples(st.just("sendInVain"), _clients, _perspectives))
    return st.lists(st.one_of(operations), min_size=50, max_size=120)


_bounded = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class BookTests(SynchronousTestCase):
    """
    Five brokers, two perspectives on each.
    """

    def check(self, model: _Model, real: _Real) -> None:
        self.assertEqual(set(model.book), real.book())
        self.assertEqual(len(model.book), len(real.pond.observers))
        self.assertEqual(model.left, len(real.pond.left))
        self.assertEqual(model.left, len(set(real.pond.left)))
        for client in CLIENTS:
            for perspective in PERSPECTIVES:
                wanted = model.caches(client, perspective)
                found = real.caches(client, perspective)
                self.assertEqual(
                    [(e.snapshot, e.told) for e in wanted],
                    [(c.snapshot, _updates(c)) for c in found],
                )
                for epoch, cache in zip(wanted, found, strict=True):
                    self.assertEqual(perspective, cache.seenBy)
                    if isinstance(cache, pb.RemoteCache):
                        stale = cache.cacheState is CacheState.STALE
                        self.assertEqual(epoch.stale, stale)

    def assertBookIsRight(
        self, operations: Any, server: Any, client: Any, tag: str
    ) -> None:
        model, real = _Model(), _Real(server, client, tag)
        try:
            for name, *arguments in operations:
                for side in (model, real):
                    getattr(side, name)(*arguments)
                self.check(model, real)
            for number in CLIENTS:
                for _ in range(3):  # what was dropped is answered
                    model.pump(number)
                    real.pump(number)
            self.check(model, real)
            for epoch in model.book.values():
                # So far the model was right; and this is what it is for.
                since = range(epoch.snapshot + 1, model.updates + 1)
                self.assertEqual(list(since), epoch.told)
        finally:
            real.pair.close()
        self.assertEqual(0, len(real.pond.observers))

    @_bounded
    @given(_operations(ordered=True))
    def test_ours(self, operations: Any) -> None:
        """
        Our publisher on our factory, our watchers on ours.
        """
        self.assertBookIsRight(
            operations, pb.PBServerFactory, pb.PBClientFactory, WATCHER
        )

    @_bounded
    @given(_operations(ordered=True))
    def test_toStock(self, operations: Any) -> None:
        """
        Our publisher on our factory, Twisted's watchers on Twisted's.
        """
        self.assertBookIsRight(
            operations, pb.PBServerFactory, stock.PBClientFactory, STOCK_WATCHER
        )

    @_bounded
    @given(_operations(ordered=False))
    def test_onStockFactories(self, operations: Any) -> None:
        """
        Our publisher and our watchers on Twisted's factories.
        """
        self.assertBookIsRight(
            operations, stock.PBServerFactory, stock.PBClientFactory, WATCHER
        )


def _updates(cache: Any) -> list[int]:
    told = cache.__dict__.get("told", [])
    return [what[1] for what in told if what[0] == "addDuck"]
