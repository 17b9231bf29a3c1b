"""
Cacheable: the publisher's end of a cache.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import attrs

from twisted.spread import pb as stock

from pbext import CacheState, Observers, pb
from pbext.errors import CannotSendBack, NotSendable, Unordered
from pbext.testing import connectedPair
from tests.ponds import (
    STOCK_WATCHER,
    WATCHER,
    ClassicPond,
    Hooked,
    Pond,
    PondRoot,
    PondTestCase,
)


class Tagged(pb.Cacheable):
    typeToCopy = WATCHER


@dataclass(eq=True)
class DataPond(Tagged):
    """
    A dataclass, unhashable, whose observers are a field.
    """

    name: str = "pond"
    observers: list[Any] = field(default_factory=list)


@attrs.define
class AttrsPond(Tagged):
    """
    Slots, and no C{__eq__} that observers could use.
    """

    name: str = "pond"
    _secret: str = "secret"

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


@attrs.define
class SlottedPond(Tagged):
    """
    Has its book in a slot.
    """

    observers: Observers = attrs.field(factory=Observers)


class EveryHook(Tagged):
    """
    Overrides every hook, and calls up nowhere.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def getTypeToCopy(self) -> Any:
        raise AssertionError("not asked")

    def getTypeToCopyFor(self, perspective: Any) -> Any:
        return WATCHER.encode()

    def getStateToCopy(self) -> Any:
        raise AssertionError("not asked")

    def getStateToCopyFor(self, perspective: Any) -> Any:
        raise AssertionError("not asked")

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.calls.append(observer)
        return {"name": "every hook"}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.calls.append(observer)


class EveryHookUp(Tagged):
    """
    Overrides every hook, and calls up in each.
    """

    def __init__(self) -> None:
        self.name = "every hook"

    def getTypeToCopy(self) -> Any:
        return super().getTypeToCopy()

    def getTypeToCopyFor(self, perspective: Any) -> Any:
        return super().getTypeToCopyFor(perspective)

    def getStateToCopy(self) -> Any:
        return super().getStateToCopy()

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return super().getStateToCopyFor(perspective)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        super().stoppedObserving(perspective, observer)

    def processUniqueID(self) -> Any:
        return super().processUniqueID()

    def jellyFor(self, jellier: Any) -> Any:
        return super().jellyFor(jellier)


class Proxy(Tagged):
    """
    One of many for one subject.
    """

    def __init__(self, subject: Any) -> None:
        self._subject = subject

    def processUniqueID(self) -> int:
        return id(self._subject)


class ListCache(pb.RemoteCache):
    """
    Reads a list, as the watcher of Twisted's guide does.
    """

    def setCopyableState(self, state: Any) -> None:
        self.items = state

    def observe_add(self, item: Any) -> None:
        self.items.append(item)


class ListPond(pb.Cacheable):
    typeToCopy = "tests.test_cacheable.ListPond"

    def __init__(self) -> None:
        self.items = ["one"]

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return self.items


pb.setUnjellyableForClass(ListPond.typeToCopy, ListCache)


class Realm:
    """
    What a ViewPoint shows to its perspective.
    """

    def __init__(self, **things: Any) -> None:
        self.things = things

    def view_get(self, perspective: Any, name: str = "pond") -> Any:
        return self.things[name]

    def view_same(self, perspective: Any, thing: Any) -> bool:
        return thing is self.things["pond"]


class CacheableTests(PondTestCase):
    """
    The publisher's end.
    """

    def test_hooks(self) -> None:
        """
        Every hook can be overridden, with or without calling up, and the book
        is right all the same.
        """
        for cls in (EveryHook, EveryHookUp):
            pond = cls()
            caches = self.follow(pond)
            self.assertEqual(["every hook"] * 3, [cache.name for cache in caches])
            before = list(pond.observers)
            self.assertEqual(3, len(before))
            self.pair.links[0].cut()
            del caches[0]
            pond.observers.callRemote("addDuck", "huey")
            self.assertEqual(2, len(pond.observers))
            if isinstance(pond, EveryHook):
                self.assertEqual([*before, before[0]], pond.calls)

    def test_classes(self) -> None:
        """
        Dataclasses, attrs classes with slots, and classes that are unhashable
        or cannot be compared work as they are, and no observer is part of
        their state.
        """
        for pond in (DataPond(), AttrsPond()):
            caches = self.follow(pond)
            for cache in caches:
                self.assertEqual("pond", cache.name)
                self.assertNotIn("observers", cache.__dict__)
                self.assertNotIn("_secret", cache.__dict__)
            book = pb.Cacheable.__dict__["observers"].__get__(pond, type(pond))
            book.callRemote("noticed")
            self.pair.flush()
            self.assertEqual([[("noticed",)]] * 3, [cache.told for cache in caches])

    def test_bookIsBeside(self) -> None:
        """
        The book is nowhere in the object, and goes with it.
        """
        from pbext import _cacheable

        pond = Pond()
        before = len(_cacheable._books)
        book = pond.observers
        self.assertIs(book, pond.observers)
        self.assertNotIn("observers", vars(pond))
        self.assertIsNot(book, copy.copy(pond).observers)
        self.assertEqual(before + 1, len(_cacheable._books))
        del pond
        self.assertEqual(before, len(_cacheable._books))

    def test_assignedListWins(self) -> None:
        """
        A class that sets C{self.observers} reads what it has set, and the
        book goes on.
        """
        pond = ClassicPond()
        self.follow(pond)
        self.assertIsInstance(pond.observers, list)
        self.assertEqual(3, len(pond.book))
        self.assertNotIn("observers", self.caches[0].__dict__)

    def test_assignedBook(self) -> None:
        """
        A book that a class sets as C{self.observers}, also in a slot, is the
        one that observers enter; proxies may share their subject's.
        """
        subject = object()
        shared = Observers()
        one, other = Proxy(subject), Proxy(subject)
        one.observers = other.observers = shared
        strict = Pond()
        strict.observers = Observers(acknowledged=True)
        self.connect(one=one, other=other, strict=strict, slotted=SlottedPond())
        kept = []
        for client in range(3):
            kept += [self.get(client, name) for name in self.root.things]
        self.assertEqual(3, len(shared))
        other.observers.callRemote("noticed")
        self.root.things["slotted"].observers.callRemote("noticed")
        told = strict.observers.callRemote("noticed")
        self.assertEqual(3, len(self.pair.result(told).confirmed))
        self.assertEqual([[("noticed",)]] * 12, [cache.told for cache in kept])
        strict.invalidate()
        self.assertEqual(0, len(strict.observers))

    def test_anyState(self) -> None:
        """
        The state can be whatever the receiver reads: a list, say.
        """
        pond = ListPond()
        caches = self.follow(pond)
        pond.observers.callRemote("add", "two")
        self.pair.flush()
        self.assertEqual([["one", "two"]] * 3, [cache.items for cache in caches])

    def test_proxies(self) -> None:
        """
        Proxies that say that they are one object are one object.
        """
        subject = object()
        self.connect(one=Proxy(subject), other=Proxy(subject))
        for client in range(3):
            one = self.get(client, "one")
            self.assertIs(one, self.get(client, "other"))
        self.assertEqual(0, len(self.root.things["other"].observers))

    def test_sentBack(self) -> None:
        """
        A cache that a peer sends back is the object, also when it is one of
        several and in the midst of a value.
        """
        pond, other = Pond(), ClassicPond()
        self.connect(pond=pond, other=other)
        for client in range(3):
            caches = self.get(client), self.get(client, "other")
            root = self.pair.links[client].root
            self.pair.result(root.callRemote("take", "it", [{"x": caches}]))
            [found] = self.root.kept["it"]
            self.assertIs(pond, found["x"][0])
            self.assertIs(other, found["x"][1])

    def test_views(self) -> None:
        """
        Two perspectives on one connection have two views, each counted and
        dropped by itself; either, sent back, is the object.
        """
        pond = Hooked()
        pond.hook = lambda perspective, observer: {"name": perspective, "ducks": []}
        realm = Realm(pond=pond)
        views = {p: stock.ViewPoint(p, realm) for p in ("admin", "guest")}
        self.connect(3, **views)
        caches: dict[Any, Any] = {}
        for client in range(3):
            for name in views:
                view = self.get(client, name)
                again = [self.pair.result(view.callRemote("get")) for _ in range(2)]
                self.assertIs(*again)
                caches[client, name] = again[0]
                self.assertEqual(name, again[0].name)
                same = self.pair.result(view.callRemote("same", again[0]))
                self.assertIs(True, same)
        del again
        self.assertEqual(6, len(pond.observers))
        del caches[0, "admin"]
        self.pair.flush()
        [gone] = pond.left
        self.assertEqual("admin", gone.perspective)
        self.assertEqual(2, len(pond.observers.forPerspective("admin")))
        self.assertEqual(3, len(pond.observers.forPerspective("guest")))
        self.pair.links[1].cut()
        self.assertEqual(3, len(pond.observers))
        self.assertEqual(3, len(pond.left))

    def test_notOverAnotherConnection(self) -> None:
        """
        A cache that is no Cacheable itself cannot be sent over another
        connection than its own, and the error says why.
        """
        self.follow(Pond())
        root = self.pair.links[1].root
        answer = root.callRemote("take", "it", self.caches[0])
        error = self.failureResultOf(answer, CannotSendBack).value
        self.assertIn("tests.ponds.Watcher", str(error))

    def test_hookFails(self) -> None:
        """
        A hook that raises leaves nothing behind: the next message carries
        the object whole.
        """
        pond = Hooked()
        self.connect(pond=pond)

        def hook(perspective: Any, observer: Any) -> Any:
            raise ZeroDivisionError()

        pond.hook = hook
        for client in range(3):
            self.assertRaises(stock.RemoteError, self.get, client)
            self.assertEqual({}, self.pair.links[client].server.remotelyCachedObjects)
            self.assertEqual({}, self.pair.links[client].server.remotelyCachedLUIDs)
        self.assertEqual(3, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual((0, []), (len(pond.observers), pond.left))
        del pond.hook
        caches = [self.get(client) for client in range(3)]
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in caches])

    def test_A7_9_messageFails(self) -> None:
        """
        If a message cannot be sent after a Cacheable was put into it, the
        Cacheable is told once that nobody observes it, and the next message
        carries it whole.
        """
        pond, sender, late = Pond(), Hooked(), Hooked()

        def hook(perspective: Any, observer: Any) -> Any:
            raise ZeroDivisionError()

        late.hook = hook
        self.connect(pond=[pond, sender, late], again=[pond, sender])
        for client in range(3):
            self.assertRaises(stock.RemoteError, self.get, client)
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual((3, 3), (len(pond.left), len(sender.left)))
        self.assertEqual((0, 0), (len(pond.observers), len(sender.observers)))
        kept = [self.get(client, "again") for client in range(3)]
        pond.addDuck("huey")
        sender.addDuck("dewey")
        self.pair.flush()
        for first, second in kept:
            self.assertEqual((["huey"], ["dewey"]), (first.ducks, second.ducks))
        self.pair.close()
        self.assertEqual((6, 6), (len(pond.left), len(sender.left)))

    def test_stateFails(self) -> None:
        """
        So it is if its own state cannot be put into the message.
        """
        pond, held = Hooked(), Hooked()

        def hook(perspective: Any, observer: Any) -> Any:
            raise ZeroDivisionError()

        held.hook = hook
        pond.hook = lambda perspective, observer: {"name": held}
        self.connect(pond=pond)
        for client in range(3):
            self.assertRaises(stock.RemoteError, self.get, client)
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual((3, 0), (len(pond.left), len(pond.observers)))
        self.assertEqual((0, 0), (len(held.left), len(held.observers)))
        self.pair.close()
        self.assertEqual(3, len(pond.left))

    def test_stoppedObservingFails(self) -> None:
        """
        A C{stoppedObserving} that raises is logged, and keeps neither the
        observer nor another Cacheable.
        """
        bad, good = Pond(), Pond()
        self.connect(bad=bad, good=good)
        self.kept = [self.get(n, name) for n in range(3) for name in ("bad", "good")]

        def whenLeft(observer: Any) -> None:
            raise ZeroDivisionError()

        bad.whenLeft = whenLeft
        self.pair.links[0].cut()
        del self.kept[2]
        self.pair.flush()
        bad.whenLeft = lambda observer: None
        self.assertEqual((1, 2), (len(bad.observers), len(good.observers)))
        self.assertEqual(2, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_lostInTheHook(self) -> None:
        """
        A connection that goes while the state is gathered takes the observer
        with it, once.
        """
        pond, other = Hooked(), Pond()
        self.connect(pond=pond)

        def hook(perspective: Any, observer: Any) -> Any:
            self.pair.links[1].cut()
            return {"ducks": [other]}

        self.caches = [self.get(0)]
        pond.hook = hook
        answer = self.pair.links[1].root.callRemote("get")
        self.pair.flush()
        self.failureResultOf(answer, stock.PBConnectionLost)
        self.flushLoggedErrors()
        self.assertEqual((1, 1), (len(pond.left), len(pond.observers)))
        self.assertEqual((0, 0), (len(other.left), len(other.observers)))

    def test_A8a_announcedInTheHook(self) -> None:
        """
        What is announced while the state is gathered arrives after the
        object, once, in order.
        """
        pond = Hooked()

        def hook(perspective: Any, observer: Any) -> Any:
            state = {"name": pond.name, "ducks": list(pond.ducks)}
            pond.addDuck(f"{len(pond.observers)} here")
            observer.callRemote("addDuck", "you")
            return state

        pond.hook = hook
        caches = self.follow(pond)
        ducks = ["1 here", "you", "2 here", "3 here"]
        self.assertEqual(ducks, caches[0].ducks)
        self.assertEqual(["1 here", "2 here", "you", "3 here"], caches[1].ducks)
        self.assertEqual(["1 here", "2 here", "3 here", "you"], caches[2].ducks)

    def test_A8a_announcingObjectsInTheHook(self) -> None:
        """
        So does an announcement that carries the object itself, or another
        one that the same message carries later.
        """
        pond, other = Hooked(), Pond()

        def hook(perspective: Any, observer: Any) -> Any:
            pond.observers.callRemote("addDuck", [pond, other])
            pond.observers.callRemote("addDuck", "last")
            return {"ducks": [], "other": other}

        pond.hook = hook
        caches = self.follow(pond)
        self.assertEqual([6, 4, 2], [len(cache.ducks) for cache in caches])
        for cache in caches:
            for same, another in cache.ducks[::2]:
                self.assertIs(cache, same)
                self.assertIs(cache.other, another)
            self.assertEqual({"last"}, set(cache.ducks[1::2]))
        other.addDuck("huey")
        self.pair.flush()
        self.assertEqual([["huey"]] * 3, [cache.other.ducks for cache in caches])

    def test_A8a_announcedInVain(self) -> None:
        """
        What is announced in the hook of an object that is then not sent is
        dropped, and says so.
        """
        pond = Hooked()
        outcomes: list[Any] = []

        def hook(perspective: Any, observer: Any) -> Any:
            outcomes.append(pond.observers.callRemote("noticed", pbanswer=True))
            outcomes.append(observer.callRemote("noticed"))
            raise ZeroDivisionError()

        pond.hook = hook
        self.connect(pond=pond)
        for client in range(3):
            self.assertRaises(stock.RemoteError, self.get, client)
        self.flushLoggedErrors(ZeroDivisionError)
        for told, answer in zip(outcomes[::2], outcomes[1::2], strict=True):
            self.assertEqual(1, len(self.successResultOf(told).dropped))
            self.assertIsNone(self.successResultOf(answer))

    def test_A8a_asItWas(self) -> None:
        """
        What is announced in the hook is told as it was then.
        """
        pond, ducks = Hooked(), ["huey"]

        def hook(perspective: Any, observer: Any) -> Any:
            observer.callRemote("addDuck", ducks)
            ducks.append("dewey")

        pond.hook = hook
        [cache] = self.follow(pond, 1)
        self.assertEqual([["huey"]], cache.ducks)

    def test_unsendableInTheHook(self) -> None:
        """
        A value that cannot be sent fails an announcement in the hook at once,
        like any other; beside an object, which is not asked before its turn,
        it fails then, and if nobody waits it is reported.
        """
        pond = Hooked()
        outcomes: list[Any] = []

        def hook(perspective: Any, observer: Any) -> Any:
            outcomes.append(observer.callRemote("addDuck", [pond, object()]))
            self.failureResultOf(observer.callRemote("addDuck", 2**449), NotSendable)
            pond.observers.callRemote("addDuck", [pond, object()])
            observer.callRemote("addDuck", "huey")

        pond.hook = hook
        caches = self.follow(pond)
        for outcome in outcomes:
            self.failureResultOf(outcome, NotSendable)
        # By each for itself, and by those who were there already.
        self.assertEqual(1 + 2 + 3, len(pond.failed))
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in caches])

    def test_resentWhileItLeaves(self) -> None:
        """
        Sent from inside C{stoppedObserving}, an object is sent whole, and
        followed.
        """
        pond = Pond()
        caches = self.follow(pond)
        taker = WatcherRoot()
        self.pair.client.setNameForLocal("taker", taker)
        remote = self.pair.server.remoteForName("taker")
        pond.whenLeft = lambda observer: remote.callRemote("take", pond)
        pond.ducks.append("huey")
        del caches[0]
        self.pair.flush()
        pond.whenLeft = lambda observer: None
        self.assertEqual(3, len(pond.observers))
        self.assertEqual(["huey"], taker.taken.ducks)
        pond.addDuck("dewey")
        self.pair.flush()
        self.assertEqual(["huey", "dewey"], taker.taken.ducks)
        self.assertIs(CacheState.LIVE, taker.taken.cacheState)

    def followOnStock(self, pond: Any) -> list[Any]:
        """
        L{follow}, with Twisted's factory for the server.
        """
        self.pair = connectedPair(
            PondRoot(pond=pond), clients=3, serverFactory=stock.PBServerFactory
        )
        self.addCleanup(self.pair.close)
        return [self.get(client) for client in range(3)]

    def test_onAStockFactory(self) -> None:
        """
        On a stock factory, an announcement in the hook, which would overtake
        its object, is refused for that observer alone, and says what to do;
        the object arrives, and is followed.
        """
        pond = Hooked()
        outcomes: list[Any] = []

        def hook(perspective: Any, observer: Any) -> Any:
            outcomes.append(observer)
            outcomes.append(pond.observers.callRemote("noticed"))

        pond.hook = hook
        caches = self.followOnStock(pond)
        for observer, told in zip(outcomes[::2], outcomes[1::2], strict=True):
            [(refused, failure)] = self.successResultOf(told).refused.items()
            self.assertIs(observer, refused)
            self.assertIsInstance(failure.value, Unordered)
            self.assertIn("PBServerFactory", str(failure.value))
        self.assertEqual(outcomes[::2], [observer for observer, _ in pond.failed])
        pond.addDuck("huey")
        self.pair.flush()
        for cache, noticed in zip(caches, (2, 1, 0), strict=True):
            self.assertEqual(["huey"], cache.ducks)
            self.assertEqual(noticed, cache.told.count(("noticed",)))

    def test_invalidatedOnAStockFactory(self) -> None:
        """
        So is C{invalidate}, and the object that it does not reach goes on.
        """
        pond = Hooked()
        pond.hook = lambda *_: pond.invalidate() and None
        caches = self.followOnStock(pond)
        stale = [cache.cacheState is CacheState.STALE for cache in caches]
        self.assertEqual([True, True, False], stale)
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual([[], [], ["huey"]], [cache.ducks for cache in caches])

    def test_failsOnAStockFactory(self) -> None:
        """
        On a stock factory, too, an object whose own state cannot be put into
        the message leaves nothing behind.
        """
        pond, held = Hooked(), Hooked()
        pond.hook = lambda perspective, observer: {"name": held}
        held.hook = lambda perspective, observer: 1 / 0
        for failing in (pond, held):
            self.assertRaises(stock.RemoteError, self.followOnStock, failing)
            self.assertEqual({}, self.pair.server.remotelyCachedObjects)
            self.assertEqual({}, self.pair.server.remotelyCachedLUIDs)
        self.assertEqual((1, 0), (len(pond.left), len(held.left)))
        self.assertEqual((0, 0), (len(pond.observers), len(held.observers)))
        self.flushLoggedErrors(ZeroDivisionError)


class WatcherRoot(stock.Root):
    taken: Any = None

    def remote_take(self, taken: Any) -> None:
        self.taken = taken


class InvalidateTests(PondTestCase):
    """
    C{invalidate}.
    """

    def test_stale(self) -> None:
        """
        Each cache becomes stale, in order; what is announced later does not
        reach it.
        """
        pond = Pond()
        caches = self.follow(pond)
        reasons: list[Any] = []
        changes: list[Any] = []
        caches[0].notifyOnStale(lambda cache, reason: reasons.append(reason))
        caches[0].notifyOnChange(lambda cache, change: changes.append(change.name))
        pond.addDuck("before")
        delivery = self.successResultOf(pond.invalidate())
        self.assertEqual(3, len(delivery.sent))
        pond.addDuck("after")
        self.assertEqual(0, len(pond.observers))
        self.pair.flush()
        for cache in caches:
            self.assertIs(CacheState.STALE, cache.cacheState)
            self.assertEqual(["before"], cache.ducks)
        self.assertIn("invalidated", str(reasons))
        self.assertEqual(["addDuck"], changes)

    def test_sentAgain(self) -> None:
        """
        Sent again, the object arrives whole, as a new cache, while the peer
        still holds the old one; each is the object when it comes back, and
        each leaves once.
        """
        pond = Pond()
        old = list(self.follow(pond))
        pond.ducks.append("silently")
        pond.invalidate()
        new = [self.get(client) for client in range(3)]
        pond.addDuck("huey")
        self.pair.flush()
        for client in range(3):
            self.assertIsNot(old[client], new[client])
            self.assertEqual([], old[client].ducks)
            self.assertEqual(["silently", "huey"], new[client].ducks)
            root = self.pair.links[client].root
            for cache in (old[client], new[client]):
                self.assertTrue(
                    self.pair.result(root.callRemote("same", "pond", cache))
                )
        self.assertEqual([], pond.left)
        old.clear()
        self.caches.clear()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))
        self.assertEqual(3, len(pond.observers))
        self.pair.close()
        self.assertEqual(6, len(pond.left))
        self.assertEqual(6, len(set(pond.left)))

    def test_twice(self) -> None:
        """
        To invalidate twice, also with nobody there, is no error.
        """
        pond = Pond()
        self.successResultOf(pond.invalidate())
        self.follow(pond)
        pond.invalidate()
        self.assertEqual((), self.successResultOf(pond.invalidate()).sent)
        self.caches.clear()
        self.pair.flush()
        self.assertEqual(3, len(pond.left))

    def test_whereNobodyAnswers(self) -> None:
        """
        A stock receiver is told with the same message.
        """
        pond = Pond(STOCK_WATCHER)
        caches = self.follow(pond)
        pond.invalidate()
        self.pair.flush()
        self.assertEqual([[("invalidate",)]] * 3, [cache.told for cache in caches])

    def test_inTheHook(self) -> None:
        """
        From inside the hook that gathers the state, it reaches the object
        just sent as well, after it.
        """
        pond = Hooked()
        pond.hook = lambda perspective, observer: pond.invalidate() and None
        caches = self.follow(pond)
        self.assertEqual([CacheState.STALE] * 3, [c.cacheState for c in caches])
        del pond.hook
        again = [self.get(client) for client in range(3)]
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in again])

    def test_inTheHookInVain(self) -> None:
        """
        If the message then fails, the object is sent whole the next time, and
        leaves once.
        """
        pond = Hooked()

        def hook(perspective: Any, observer: Any) -> Any:
            pond.invalidate()
            return {"ducks": unsendable}

        unsendable = Hooked()
        unsendable.hook = lambda perspective, observer: 1 / 0
        pond.hook = hook
        self.connect(pond=pond)
        for client in range(3):
            self.assertRaises(stock.RemoteError, self.get, client)
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual(3, len(pond.left))
        del pond.hook
        self.caches = [self.get(client) for client in range(3)]
        self.assertEqual([CacheState.LIVE] * 3, [c.cacheState for c in self.caches])
        self.pair.close()
        self.assertEqual(6, len(pond.left))

    def test_classicList(self) -> None:
        """
        Observers that a program has kept are called in vain.
        """
        pond = ClassicPond()
        caches = self.follow(pond)
        pond.invalidate()
        pond.addDuck("after")
        self.pair.flush()
        self.assertEqual([[]] * 3, [cache.ducks for cache in caches])
