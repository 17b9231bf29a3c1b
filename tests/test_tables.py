"""
The receiver's entries: one real object for each cache, whatever crosses on
the wire.
"""

from __future__ import annotations

import copy
import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb as stock

from pbext import CacheState, pb
from pbext.testing import connectedPair
from tests.ponds import Pond, PondRoot, PondTestCase, StockPond, Watcher

KEPT: list[Any] = []


class Keeping(pb.RemoteCache):
    """
    Its C{observe_} methods keep C{self}.
    """

    def observe_addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)
        KEPT.append(self)


class Slotted(pb.RemoteCache):
    __slots__ = ("ducks", "name", "unset")

    def observe_addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)


class Selfish(pb.RemoteCache):
    """
    Part of its own state.
    """


class SelfishPond(Pond):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"ducks": [self], "name": self.name}


class Later(pb.RemoteCache):
    """
    Takes its time.
    """

    def observe_wait(self) -> Any:
        self.answer: Any = Deferred()
        return self.answer

    def observe_unsendable(self) -> Any:
        return Unsendable()


class Unsendable(pb.Copyable):
    def getStateToCopy(self) -> Any:
        raise ZeroDivisionError()


class Rude(pb.RemoteCache):
    """
    Has a C{__del__} that does not call up.
    """

    def __del__(self) -> None:
        pass


for _cls in (Keeping, Slotted, Selfish, Later, Rude):
    pb.setUnjellyableForClass(f"tests.test_tables.{_cls.__name__}", _cls)


class CrossingTests(PondTestCase):
    """
    What has been sent while the cache was dropped.
    """

    Pond: Any = StockPond

    def drop(self, tag: str = "tests.ponds.Watcher") -> Any:
        """
        @return: a publisher whose three caches have just been dropped, which
            it does not know yet; the first of the ducks is there.
        """
        pond = self.Pond(tag)
        pond.ducks.append("huey")
        self.follow(pond)
        self.told: list[Any] = []
        for cache in self.caches:
            cache.mark = "mine"
            cache.notifyOnChange(lambda *news: self.told.append(news))
            cache.notifyOnStale(lambda *news: self.told.append(news))
        del cache
        self.caches.clear()
        return pond

    def resend(self, pond: Any) -> list[Any]:
        """
        Send it to all who have dropped it, before that is known.

        @return: what arrives.
        """
        taken = []
        for link in self.pair.links:
            root = PondRoot()
            link.client.setNameForLocal("taker", root)
            link.server.remoteForName("taker").callRemote("take", "it", pond)
            taken.append(root)
        self.pair.flush()
        return [root.kept.pop("it") for root in taken]

    def test_sentAgain(self) -> None:
        """
        Sent again while the cache is being dropped, an object arrives with
        its state, is followed, and is one object; and can be dropped again.
        """
        for tag in ("tests.ponds.Watcher", "tests.test_tables.Slotted"):
            pond = self.drop(tag)
            pond.addDuck("dewey")
            caches = self.resend(pond)
            pond.addDuck("louie")
            self.pair.flush()
            for client, cache in enumerate(caches):
                self.assertEqual(["huey", "dewey", "louie"], cache.ducks)
                self.assertEqual(("pond", "mine"), (cache.name, cache.mark))
                self.assertIs(CacheState.LIVE, cache.cacheState)
                self.assertIs(cache, self.get(client))
                self.assertEqual([], pond.left)
            del cache
            caches.clear()
            self.pair.flush()
            self.assertEqual(3, len(pond.left))
            for link in self.pair.links:
                self.assertEqual({}, link.client.locallyCachedObjects)
                self.assertEqual({}, link.server.remotelyCachedObjects)

    def test_manyTimes(self) -> None:
        """
        So it is any number of times.
        """
        pond = self.drop()
        for _ in range(5):
            caches = self.resend(pond)
            self.assertEqual(["huey"], caches[0].ducks)
            self.assertEqual([], pond.left)
            caches.clear()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))

    def test_dropped(self) -> None:
        """
        Dropped for good, a cache tells nobody anything, of updates that come
        late, of its end, or of the link's.
        """
        pond = self.drop()
        pond.addDuck("dewey")
        self.pair.flush()
        self.assertEqual(3, len(pond.left))
        pond = self.drop()
        self.pair.close()
        self.assertEqual([], self.told)

    def test_keptByAnUpdate(self) -> None:
        """
        An C{observe_} method may keep C{self}; if it does so while the cache
        is being dropped, what it keeps says that it is stale.
        """
        pond = self.drop("tests.test_tables.Keeping")
        pond.addDuck("dewey")
        self.assertEqual([], KEPT)
        self.pair.flush()
        kept = list(KEPT)
        KEPT.clear()
        self.assertEqual(3, len(kept))
        for cache in kept:
            self.assertEqual(["huey", "dewey"], cache.ducks)
            self.assertIs(CacheState.STALE, cache.cacheState)

    def test_A7_12_keptByAnUpdate(self) -> None:
        """
        Kept by an C{observe_} method alone, a cache is in step for as long
        as it is kept.
        """
        self.addCleanup(KEPT.clear)
        pond = self.Pond("tests.test_tables.Keeping")
        self.follow(pond)
        pond.addDuck("huey")
        self.pair.flush()
        self.caches.clear()
        self.pair.flush()
        self.assertEqual([], pond.left)
        pond.addDuck("dewey")
        self.pair.flush()
        self.assertEqual(["huey", "dewey"], KEPT[0].ducks)
        self.assertIs(CacheState.LIVE, KEPT[0].cacheState)
        KEPT.clear()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))


class CrossingOursTests(CrossingTests):
    """
    The same with our publisher.
    """

    Pond = Pond

    def test_invalidatedMeanwhile(self) -> None:
        """
        Invalidated while it is being dropped, and sent again, an object is
        whole.
        """
        pond = self.drop()
        pond.invalidate()
        pond.ducks.append("silently")
        caches = self.resend(pond)
        self.pair.flush()
        self.assertEqual([["huey", "silently"]] * 3, [c.ducks for c in caches])
        self.assertEqual([CacheState.LIVE] * 3, [c.cacheState for c in caches])
        self.assertEqual(3, len(pond.left))
        self.assertEqual(3, len(pond.observers))


class RecordTests(PondTestCase):
    """
    One entry.
    """

    def test_A10c_cycle(self) -> None:
        """
        A cache that is part of its own state is collected, and its publisher
        told.
        """
        pond = SelfishPond("tests.test_tables.Selfish")
        caches = self.follow(pond)
        self.assertIs(caches[0], caches[0].ducks[0])
        caches.clear()
        gc.collect()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))
        self.assertEqual({}, self.pair.client.locallyCachedObjects)
        gc.collect()
        self.assertEqual([], [o for o in gc.get_objects() if type(o) is Selfish])

    def test_A10b_itself(self) -> None:
        """
        It is also found where it is an attribute of itself, in a tuple, and
        as the value of a dict.
        """

        def state(pond: Any, perspective: Any, observer: Any) -> Any:
            return {"itself": pond, "both": (pond, 1), "named": {"it": pond}}

        self.patch(SelfishPond, "getStateToCacheAndObserveFor", state)
        for cache in self.follow(SelfishPond("tests.test_tables.Selfish")):
            self.assertIs(cache, cache.itself)
            self.assertIs(cache, cache.both[0])
            self.assertIs(cache, cache.named["it"])

    def test_copied(self) -> None:
        """
        A shallow copy that goes does not take the cache with it.
        """
        pond = Pond()
        caches = self.follow(pond)
        copied = copy.copy(caches[0])
        del copied
        self.pair.flush()
        self.assertEqual([], pond.left)
        copied = copy.copy(caches[0])
        caches.clear()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))
        del copied

    def test_listenersHoldNothing(self) -> None:
        """
        A listener that refers to its cache does not keep it.
        """
        pond = Pond()
        caches = self.follow(pond)
        for cache in caches:
            cache.notifyOnChange(lambda *news, cache=cache: None)
            cache.notifyOnStale(cache.note)
        del cache
        caches.clear()
        gc.collect()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))

    def test_later(self) -> None:
        """
        An C{observe_} method that returns a Deferred has made its change when
        that fires; then the listeners are told, and the answer is sent.
        """
        pond = Pond("tests.test_tables.Later")
        caches = self.follow(pond)
        changes: list[Any] = []
        for cache in caches:
            cache.notifyOnChange(lambda cache, change: changes.append(change.name))
        told = pond.observers.callRemote("wait", pbanswer=True)
        self.pair.flush()
        self.assertEqual([], changes)
        for answer, cache in enumerate(caches):
            cache.answer.callback(answer)
        self.assertEqual(["wait"] * 3, changes)
        delivery = self.pair.result(told)
        self.assertEqual([0, 1, 2], list(delivery.confirmed.values()))

    def test_laterThanTheLink(self) -> None:
        """
        Nothing goes wrong if the connection is lost before it fires.
        """
        pond = Pond("tests.test_tables.Later")
        caches = self.follow(pond)
        told = pond.observers.callRemote("wait", pbanswer=True)
        self.pair.flush()
        answers = [cache.answer for cache in caches]
        self.pair.close()
        self.assertEqual(3, len(self.successResultOf(told).dropped))
        answers[0].callback(None)
        self.assertIs(CacheState.STALE, caches[0].cacheState)

    def test_unsendableAnswer(self) -> None:
        """
        An update whose answer cannot be sent has been taken all the same: the
        publisher is told, and the cache is live.
        """
        pond = Pond("tests.test_tables.Later")
        caches = self.follow(pond)
        told = pond.observers.callRemote("unsendable", pbanswer=True)
        delivery = self.pair.result(told)
        self.assertEqual(3, len(delivery.failed))
        self.assertEqual([CacheState.LIVE] * 3, [c.cacheState for c in caches])
        self.assertEqual(3, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_refusedUpdate(self) -> None:
        """
        An update that holds what this side does not accept makes the cache
        stale, and the publisher is told which tag.
        """
        pond = StockPond()
        caches = self.follow(pond)
        answers = pond.tell("addDuck", Unsendable())
        for answer in answers:
            self.failureResultOf(answer, ZeroDivisionError)
        self.patch(Unsendable, "getStateToCopy", lambda parcel: {})
        answers = pond.tell("addDuck", Unsendable())
        self.pair.flush()
        for answer, cache in zip(answers, caches, strict=True):
            failure = self.failureResultOf(answer)
            self.assertIn("tests.test_tables.Unsendable", str(failure.value))
            self.assertIs(CacheState.STALE, cache.cacheState)

    def test_unreadableState(self) -> None:
        """
        A state that cannot be read is the sender's to know, and the publisher
        is told that nobody holds the object.
        """
        pond = Pond()

        def setCopyableState(cache: Any, state: Any) -> None:
            raise ZeroDivisionError()

        self.patch(Watcher, "setCopyableState", setCopyableState)
        self.connect()
        for link in self.pair.links:
            taker = PondRoot()
            link.client.setNameForLocal("taker", taker)
            remote = link.server.remoteForName("taker")
            answer = remote.callRemote("take", "it", pond)
            self.assertRaises(stock.RemoteError, self.pair.result, answer)
        self.assertEqual(3, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.pair.flush()
        self.assertEqual(3, len(pond.left))
        self.assertEqual({}, self.pair.client.locallyCachedObjects)

    def test_rude(self) -> None:
        """
        A class whose C{__del__} does not call up never has an empty value in
        place of its cache.
        """
        pond = StockPond("tests.test_tables.Rude")
        with connectedPair(PondRoot(pond=pond)) as pair:
            pair.result(pair.root.callRemote("get"))
            [entry] = pair.client.locallyCachedObjects.values()
            self.assertRaises(stock.Error, entry._borgify)
            [answer] = pond.tell("noticed")
            pair.flush()
            self.failureResultOf(answer)

    def test_uncachedUnasked(self) -> None:
        """
        A publisher that lets go of a cache by itself makes it stale.
        """
        caches = self.follow(Pond())
        self.pair.server.sendCall(b"uncache", caches[0].luid)
        self.pair.flush()
        self.assertIs(CacheState.STALE, caches[0].cacheState)
        self.assertIsNone(caches[0].broker)
        del caches[0]
        self.pair.flush()
        self.assertTrue(self.pair.links[0].connected)
