"""
Observers whose peers do not read, in memory: what each class says is done.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import CacheState, Limits, Observers, pb
from pbext._backlog import FEW
from pbext.errors import BadDeclaration, DeadReference, Lagging
from pbext.testing import Link, connectedPair
from tests.ponds import (
    Pond,
    PondRoot,
    PondTestCase,
    StockPond,
    StockWatcher,
    Watcher,
)

#: How much may wait; and updates that are more than that together, and than
#: what a transport takes before it says anything.
MARK = 5_000
FLOOD = [b"%05d" % n * 200 for n in range(200)]


class _Resetting:
    def observe_reset(self, ducks: Any, seenBy: Any) -> None:
        self.ducks, self.seenBy = ducks, seenBy


class ResettingWatcher(_Resetting, Watcher):
    pass


class ResettingStockWatcher(_Resetting, StockWatcher):
    pass


pb.setUnjellyableForClass(b"tests.test_lagging.Watcher", ResettingWatcher)
pb.setUnjellyableForClass(b"tests.test_lagging.StockWatcher", ResettingStockWatcher)


class SlowPond(Pond):
    """
    Notes who lags.
    """

    localFields = ("slow",)

    def __init__(self, tag: str = "tests.test_lagging.Watcher") -> None:
        super().__init__(tag)
        self.slow: list[Any] = []

    def observerLagging(self, observer: Any) -> None:
        self.slow.append(observer)


class DroppingPond(SlowPond):
    whenLagging = "drop"


class ConflatingPond(SlowPond):
    """
    Says how things stand as all of its ducks.
    """

    whenLagging = "conflate"

    def getUpdateToConflateFor(self, perspective: Any) -> Any:
        return "reset", (self.ducks,), {"seenBy": perspective}


class AcknowledgedDroppingPond(DroppingPond):
    acknowledged = True


class AcknowledgedConflatingPond(ConflatingPond):
    acknowledged = True


class AcknowledgedSlowPond(SlowPond):
    """
    @ivar deliveries: the Deferreds of all of its broadcasts.
    """

    localFields = ("deliveries",)
    acknowledged = True

    def __init__(self) -> None:
        super().__init__()
        self.deliveries: list[Any] = []

    def addDuck(self, duck: Any) -> Any:
        self.deliveries.append(super().addDuck(duck))
        return self.deliveries[-1]


class LoopingPond(SlowPond):
    """
    @ivar answers: the Deferreds of its calls of observers.
    """

    localFields = ("answers",)

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    def addDuck(self, duck: Any) -> Any:
        self.ducks.append(duck)
        for observer in self.observers:
            self.answers.append(observer.callRemote("addDuck", duck))


class ConflatingLoopingPond(LoopingPond, ConflatingPond):
    pass


class LoopingStockPond(StockPond):
    """
    @ivar failed: why calls of its have failed.
    """

    failed: ClassVar[list[Any]] = []

    def addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)
        for answer in self.tell("addDuck", duck):
            answer.addErrback(self.failed.append)


class LaggingTestCase(PondTestCase):
    """
    Three clients, the second of which does not read.
    """

    def lag(self, *ponds: Any, **terms: Any) -> list[Any]:
        """
        Flood them; all but the second one read.

        @return: the caches of the first pond.
        """
        self.root = PondRoot(**{str(n): pond for n, pond in enumerate(ponds)})
        self.pair = connectedPair(
            self.root,
            clients=3,
            serverFactory=partial(
                pb.PBServerFactory, limits=Limits(laggingBytes=MARK), **terms
            ),
        )
        self.addCleanup(self.pair.close)
        caches = [
            [self.get(client, str(n)) for client in range(3)] for n in range(len(ponds))
        ]
        self.kept = caches
        self.flood(*ponds)
        return caches[0]

    @property
    def slow(self) -> Link:
        return self.pair.links[1]

    def flood(self, *ponds: Any) -> None:
        for duck in FLOOD:
            for pond in ponds:
                self.told = pond.addDuck(duck)
            self.readAll()

    def readAll(self) -> None:
        for link in (self.pair.links[0], self.pair.links[2]):
            while link.pump():
                self.pair.clock.advance(0)

    def assertOthersHave(self, caches: list[Any], ducks: list[Any]) -> None:
        for cache in (caches[0], caches[2]):
            self.assertEqual(ducks, cache.ducks)


class DisconnectTests(LaggingTestCase):
    """
    C{whenLagging = "disconnect"}, the default.
    """

    def test_disconnected(self) -> None:
        """
        The connection is closed, with one line in the log; its cache is
        stale, and nobody else notices.
        """
        pond = SlowPond()
        log = self.recordLog()
        caches = self.lag(pond)
        first, third = pond.observers
        self.assertOthersHave(caches, FLOOD)
        self.pair.flush()
        self.assertFalse(self.slow.connected)
        self.assertIs(CacheState.STALE, caches[1].cacheState)
        [lagging] = pond.slow
        self.assertEqual([lagging], pond.left)
        self.assertIs(self.slow.server, lagging.broker)
        counters = pond.observers.counters
        self.assertEqual(
            (1, 1, 0), (counters.dropped, counters.lagged, pond.observers.lagging)
        )
        self.assertEqual(0, counters.refused + counters.conflated)
        [line] = log
        self.assertIn(f"laggingBytes={MARK}", line)
        self.assertIn("whenLagging", line)
        told = self.successResultOf(pond.addDuck("huey"))
        self.assertEqual((first, third), told.sent)
        self.assertEqual((), told.dropped + told.lagged)

    def test_severalCaches(self) -> None:
        """
        All that is observed over the connection is over with it, and there is
        one line of it.
        """
        ponds = SlowPond(), SlowPond(), DroppingPond()
        log = self.recordLog()
        self.lag(*ponds)
        self.pair.flush()
        for pond in ponds:
            self.assertEqual(1, len(pond.left))
            self.assertEqual(2, len(pond.observers))
        self.assertEqual(1, len(log))
        for caches in self.kept:
            self.assertIs(CacheState.STALE, caches[1].cacheState)

    def test_givenUp(self) -> None:
        """
        To a connection that is given up nothing is sent, in what is left of
        that turn of the reactor.
        """
        pond, other = SlowPond(), DroppingPond()
        caches = self.lag(pond, other)
        self.assertEqual(1, other.observers.counters.dropped)
        self.assertEqual(([], []), (pond.left, other.left))
        self.pair.flush()
        self.assertEqual((1, 1), (len(pond.left), len(other.left)))
        self.assertOthersHave(caches, FLOOD)

    def test_acknowledged(self) -> None:
        """
        Nobody waits for the answers of one that is cut off.
        """
        pond = AcknowledgedSlowPond()
        self.lag(pond)
        self.pair.flush()
        deliveries = [self.successResultOf(each) for each in pond.deliveries]
        [lagging] = pond.slow
        for delivery in deliveries[:-1]:
            self.assertEqual(2, len(delivery.confirmed))
            self.assertEqual({}, delivery.failed)
        dropped = [lagging in delivery.dropped for delivery in deliveries]
        # Those it had been sent and had not answered, and the one too many.
        self.assertEqual(sorted(dropped, reverse=True), dropped)
        self.assertTrue(dropped[0])
        self.assertFalse(dropped[-1])

    def test_loop(self) -> None:
        """
        In a loop of one's own, an observer that lags is as one that is gone.
        """
        pond = LoopingPond()
        caches = self.lag(pond)
        self.pair.flush()
        for answer in pond.answers:
            self.assertIsNone(self.successResultOf(answer))
        self.assertOthersHave(caches, FLOOD)
        self.assertFalse(self.slow.connected)
        self.assertEqual(1, pond.observers.counters.lagged)

    def test_stockCacheable(self) -> None:
        """
        Twisted's own Cacheable says nothing of it, and so the connection is
        closed, and its calls fail.
        """
        pond = LoopingStockPond()
        self.patch(LoopingStockPond, "failed", [])
        caches = self.lag(pond)
        self.assertOthersHave(caches, FLOOD)
        self.pair.flush()
        self.assertFalse(self.slow.connected)
        self.assertEqual(1, len(pond.left))
        self.assertTrue(pond.failed)
        for failure in pond.failed:
            self.assertTrue(failure.check(stock.PBConnectionLost, DeadReference))
        self.assertIsInstance(self.slow.server.fault, Lagging)


class DropTests(LaggingTestCase):
    """
    C{whenLagging = "drop"}.
    """

    def test_dropped(self) -> None:
        """
        What an observer misses is counted, and what is announced when it has
        read is sent; the hook is called each time that it begins.
        """
        pond = DroppingPond()
        caches = self.lag(pond)
        self.assertOthersHave(caches, FLOOD)
        [lagging] = pond.slow
        observers = pond.observers
        self.assertEqual((1, 3), (observers.lagging, len(observers)))
        told = self.successResultOf(pond.addDuck("missed"))
        self.assertEqual((lagging,), told.lagged)
        self.assertEqual((2, ()), (len(told.sent), told.dropped))
        self.pair.flush()
        self.assertEqual(0, observers.lagging)
        self.assertTrue(self.slow.connected)
        pond.addDuck("huey")
        self.pair.flush()
        missed = observers.counters.lagged
        self.assertEqual([*FLOOD[: 1 - missed], "huey"], caches[1].ducks)
        self.assertOthersHave(caches, [*FLOOD, "missed", "huey"])
        self.assertEqual(3 * (len(FLOOD) + 2), observers.counters.sent + missed)
        self.flood(pond)
        self.assertEqual([lagging, lagging], pond.slow)

    def test_acknowledged(self) -> None:
        """
        Nobody waits for the answer to what was not sent.
        """
        pond = AcknowledgedDroppingPond()
        self.lag(pond)
        delivery = self.successResultOf(self.told)
        self.assertEqual(tuple(pond.slow), delivery.lagged)
        self.assertEqual(2, len(delivery.confirmed))
        [observer] = pond.slow
        answer = observer.callRemote("addDuck", "missed")
        self.assertIsNone(self.successResultOf(answer))

    def test_bounded(self) -> None:
        """
        However much is announced, what waits is no more than the mark and one
        update.
        """
        pond = DroppingPond()
        self.lag(pond)
        before = self.slow.server.outlet.written
        self.flood(pond)
        self.assertEqual(before, self.slow.server.outlet.written)
        waiting = self.slow.server.outlet.behind
        self.assertTrue(MARK < waiting < MARK + 2 * len(FLOOD[0]), waiting)

    def test_invalidate(self) -> None:
        """
        That a cache is no longer right, it is told whatever waits.
        """
        for pond in (DroppingPond(), ConflatingPond()):
            caches = self.lag(pond)
            pond.invalidate()
            self.assertEqual(0, len(pond.observers))
            self.pair.flush()
            for cache in caches:
                self.assertIs(CacheState.STALE, cache.cacheState)
            self.assertTrue(self.slow.connected)
            self.assertEqual(0, pond.observers.counters.conflated)


class ConflateTests(LaggingTestCase):
    """
    C{whenLagging = "conflate"}.
    """

    def test_conflated(self) -> None:
        """
        Who has read all gets one update, made by then, and nothing but that
        of what it has missed; then it goes on as before.
        """
        pond = ConflatingPond()
        caches = self.lag(pond)
        self.assertOthersHave(caches, FLOOD)
        self.assertEqual(1, pond.observers.lagging)
        told = len(caches[1].told) if hasattr(caches[1], "told") else 0
        self.assertLess(told, len(FLOOD))
        pond.ducks = ["as it stands now"]
        self.pair.flush()
        self.assertEqual(["as it stands now"], caches[1].ducks)
        counters = pond.observers.counters
        self.assertEqual(1, counters.conflated)
        self.assertEqual(len(FLOOD), len(caches[1].told) + counters.lagged)
        self.assertEqual(0, pond.observers.lagging)
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["as it stands now", "huey"], caches[1].ducks)
        self.flood(pond)
        self.pair.flush()
        self.assertEqual(pond.ducks, caches[1].ducks)
        self.assertEqual(2, counters.conflated)
        self.assertEqual(2, len(pond.slow))

    def test_announcesInTheHook(self) -> None:
        """
        What is announced from inside the hook that says how things stand is
        sent after that.
        """

        class Announcing(ConflatingPond):
            def getUpdateToConflateFor(self, perspective: Any) -> Any:
                update = "reset", ([*self.ducks],), {"seenBy": perspective}
                self.addDuck("huey")
                return update

        pond = Announcing()
        caches = self.lag(pond)
        self.pair.flush()
        for cache in caches:
            self.assertEqual([*FLOOD, "huey"], cache.ducks)
        pond.addDuck("dewey")
        self.pair.flush()
        self.assertEqual([*FLOOD, "huey", "dewey"], caches[1].ducks)

    def test_acknowledged(self) -> None:
        """
        Nobody waits for the answer to what was not sent.
        """
        pond = AcknowledgedConflatingPond()
        caches = self.lag(pond)
        delivery = self.successResultOf(self.told)
        self.assertEqual(tuple(pond.slow), delivery.lagged)
        self.pair.flush()
        self.assertEqual(FLOOD, caches[1].ducks)

    def test_announcedTooEarly(self) -> None:
        """
        What is kept back until its object is written, and then not sent
        either, is no update that an observer was sent.
        """

        class Announcing(AcknowledgedConflatingPond):
            def getStateToCacheAndObserveFor(
                self, perspective: Any, observer: Any
            ) -> Any:
                state = super().getStateToCacheAndObserveFor(perspective, observer)
                deliveries.append(self.addDuck("huey"))
                return {**state, "ducks": []}

        deliveries: list[Any] = []
        self.lag(ConflatingPond())
        self.root.things["late"] = late = Announcing()
        got = self.slow.root.callRemote("get", "late")
        # What the client says arrives, though it does not read.
        self.slow.server.dataReceived(self.slow._ends[0].transport.take(None))
        [observer] = late.slow
        delivery = self.successResultOf(deliveries[0])
        self.assertEqual(
            ((), (), (observer,)), (delivery.sent, delivery.dropped, delivery.lagged)
        )
        self.assertIn(observer, late.observers)
        self.pair.flush()
        self.assertEqual(["huey"], self.successResultOf(got).ducks)

    def test_loop(self) -> None:
        """
        The same holds for a loop over observers.
        """
        pond = ConflatingLoopingPond()
        caches = self.lag(pond)
        self.pair.flush()
        for cache in caches:
            self.assertEqual(FLOOD, cache.ducks)
        self.assertEqual(1, pond.observers.counters.conflated)

    def test_largeStates(self) -> None:
        """
        Several that lag on one connection catch up one after the other: what
        the first is sent may well be more than the transport takes.
        """
        ponds = [ConflatingPond() for _ in range(4)]
        self.lag(*ponds)
        for pond in ponds:
            self.assertEqual(1, pond.observers.lagging)
        before = self.slow.server.outlet.written
        while not self.slow.server.outlet.written > before:
            self.assertTrue(self.slow.pump())
        # One has been sent 100 KB.
        self.assertLess(sum(p.observers.counters.conflated for p in ponds), 3)
        self.pair.flush()
        for pond, caches in zip(ponds, self.kept, strict=True):
            self.assertEqual(1, pond.observers.counters.conflated)
            self.assertEqual([FLOOD] * 3, [cache.ducks for cache in caches])

    def test_largeUpdates(self) -> None:
        """
        Large ones that wait for their turn count as well.
        """
        pond = ConflatingPond()
        caches = self.lag(pond)
        self.pair.flush()
        for number in range(20):
            pond.ducks = []
            pond.addDuck(b"%02d" % number * 100_000)
            self.pair.clock.advance(0)
            self.readAll()
        self.assertEqual(1, pond.observers.lagging)
        broker = self.slow.server
        waiting = broker.outlet.behind + broker._departures.size
        self.assertLess(waiting, (FEW + 1) * 200_100)
        self.pair.flush()
        self.assertEqual(2, pond.observers.counters.conflated)
        for cache in caches:
            self.assertEqual(pond.ducks, cache.ducks[-1:])
        self.assertEqual(pond.ducks, caches[1].ducks)

    def test_views(self) -> None:
        """
        The hook is asked for each perspective, and as a stock peer's cache
        understands it.
        """
        pond = ConflatingPond("tests.test_lagging.StockWatcher")
        caches = self.lag(pond)
        self.pair.flush()
        self.assertEqual(FLOOD, caches[1].ducks)
        self.assertIsNone(caches[1].seenBy)

    def test_lost(self) -> None:
        """
        Nothing is sent to one whose connection is lost meanwhile, or that has
        dropped the cache.
        """
        pond, other = ConflatingPond(), ConflatingPond()
        self.lag(pond, other)
        asked: list[Any] = []
        self.patch(
            ConflatingPond,
            "getUpdateToConflateFor",
            lambda pond, perspective: asked.append(pond),
        )
        del self.kept[1][1]
        # What the client says arrives, though it does not read.
        self.slow.server.dataReceived(self.slow._ends[0].transport.take(None))
        self.assertEqual(1, len(other.left))
        self.slow.cut()
        self.pair.flush()
        self.assertEqual([], asked)
        self.assertEqual((0, 0), (pond.observers.lagging, other.observers.lagging))

    def test_cannot(self) -> None:
        """
        If the hook fails, or what it says cannot be sent, that is said, and
        the cache is told that it is stale.
        """
        for result in (
            None,
            ("reset", (object(),), {}),
            ("reset", 7, {}),
            ("reset", ["one", "two"], {}),
            ("reset", (), ()),
            (7, (), {}),
            "abc",
        ):
            pond = ConflatingPond()
            caches = self.lag(pond)
            log = self.recordLog()
            self.patch(
                ConflatingPond, "getUpdateToConflateFor", lambda *_, said=result: said
            )
            self.pair.flush()
            self.assertIs(CacheState.STALE, caches[1].cacheState)
            self.assertEqual([pond.slow[0]], [o for o, _ in pond.failed])
            self.assertEqual(1, len(log))
            self.assertEqual((2, 0), (len(pond.observers), pond.observers.lagging))
            self.assertEqual(0, pond.observers.counters.conflated)
            self.assertOthersHave(caches, FLOOD)


class HookTests(LaggingTestCase):
    """
    C{observerLagging}.
    """

    def test_fails(self) -> None:
        """
        A hook that fails is logged, and stops nobody.
        """

        class Failing(DroppingPond):
            def observerLagging(self, observer: Any) -> None:
                raise KeyError("secret")

        pond = Failing()
        log = self.recordLog()
        caches = self.lag(pond)
        self.assertOthersHave(caches, FLOOD)
        [line] = log
        self.assertIn("the hook observerLagging failed: builtins.KeyError at", line)
        self.assertNotIn("secret", line.partition(" {")[0])

    def test_discards(self) -> None:
        """
        It may take the observer out of the book, or announce something.
        """

        class Announcing(DroppingPond):
            def observerLagging(self, observer: Any) -> None:
                super().observerLagging(observer)
                self.observers.discard(observer)
                self.observers.callRemote("noticed")
                observer.callRemote("noticed")

        pond = Announcing()
        caches = self.lag(pond)
        self.assertEqual(1, len(pond.slow))
        self.assertEqual(2, len(pond.observers))
        self.pair.flush()
        for cache in (caches[0], caches[2]):
            self.assertEqual(1, cache.told.count(("noticed",)))
        self.assertNotIn(("noticed",), caches[1].told)


class DeclarationTests(SynchronousTestCase):
    """
    What a class may say.
    """

    def refused(self, pond: Any) -> BadDeclaration:
        with connectedPair(PondRoot(pond=pond)) as pair:
            give = stock.RemoteReference(None, pair.server, b"taker", 0)
            failure = self.failureResultOf(
                give.callRemote("take", "pond", pond), BadDeclaration
            )
            self.assertEqual({}, pair.server.remotelyCachedObjects)
            self.assertEqual({}, pair.server.remotelyCachedLUIDs)
        error = failure.value
        assert isinstance(error, BadDeclaration)
        return error

    def test_unknown(self) -> None:
        """
        A word that means nothing is refused when the object is first sent.
        """

        class Confused(Pond):
            whenLagging = "ignore"

        error = self.refused(Confused())
        self.assertIn("disconnect, conflate, drop", str(error))
        self.assertIn("Confused.whenLagging", str(error))

    def test_withoutHook(self) -> None:
        """
        So is C{"conflate"} without what it takes.
        """

        class Speechless(Pond):
            whenLagging = "conflate"

        self.assertIn("getUpdateToConflateFor", str(self.refused(Speechless())))

    def test_plain(self) -> None:
        """
        A plain Cacheable of Twisted's that has a book can say it too.
        """

        class Plain(stock.Cacheable):
            whenLagging = "ignore"

            def __init__(self) -> None:
                self.book = Observers()

            def getStateToCacheAndObserveFor(self, _: Any, observer: Any) -> Any:
                self.book.add(observer)
                return {}

        with connectedPair(PondRoot(pond=Plain())) as pair:
            answer = pair.root.callRemote("get", "pond")
            pair.flush()
            self.failureResultOf(answer)
        self.flushLoggedErrors(BadDeclaration)
