"""
RemoteCache: the receiver's end of a cache, and what passes one on.
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field
from typing import Any

import attrs

from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import CacheState, pb
from pbext._cacheable import RESERVED
from pbext.errors import CannotRegister, StaleCache
from pbext.testing import connectedPair
from tests.ponds import (
    WATCHER,
    Hooked,
    Pond,
    PondRoot,
    PondTestCase,
    Watcher,
)


class DictCache(pb.RemoteCache):
    """
    Assigns C{self.__dict__}, always.
    """

    def setCopyableState(self, state: Any) -> None:
        self.__dict__ = state

    def observe_replace(self, state: Any) -> None:
        self.__dict__ = state


@dataclass
class DataCache(pb.RemoteCache):
    name: str
    ducks: list[Any] = field(default_factory=lambda: ["default"])

    def observe_rename(self, name: str) -> None:
        self.name = name


@attrs.define
class AttrsCache(pb.RemoteCache):
    name: str
    size: int = 3

    def observe_rename(self, name: str) -> None:
        self.name = name


class SlotsCache(pb.RemoteCache):
    __slots__ = ("name",)

    def observe_rename(self, name: str) -> None:
        self.name = name


class BuiltCache(pb.RemoteCache):
    """
    Has an C{__init__} without arguments.
    """

    def __init__(self) -> None:
        self.__dict__ = {"built": True}
        self.told: list[Any] = []
        self.notifyOnChange(lambda cache, change: self.told.append(change))


class OwnDispatch(pb.RemoteCache):
    """
    Takes any message.
    """

    def remoteMessageReceived(
        self, broker: Any, message: Any, args: Any, kw: Any
    ) -> Any:
        if message == "up":
            return super().remoteMessageReceived(broker, "known", args, kw)
        if message == "bad":
            raise ValueError("secret")
        self.any = message, broker.unserialize(args)
        return broker.serialize("any")

    def observe_known(self) -> str:
        return "known"


class Relay(pb.Cacheable, pb.RemoteCache):
    """
    Passes a cache on.
    """

    typeToCopy = WATCHER

    def __init__(self) -> None:
        self.ducks: list[Any] = []

    def observe_addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)
        self.observers.callRemote("addDuck", duck)


class OtherRelay(pb.RemoteCache, pb.Cacheable):
    """
    The same, with its bases in the other order.
    """

    typeToCopy = WATCHER
    observe_addDuck = Relay.observe_addDuck


class LiveRelay(Relay):
    getStateToCopy = stock.Copyable.getStateToCopy


_CACHES = [
    DictCache,
    DataCache,
    AttrsCache,
    SlotsCache,
    BuiltCache,
    OwnDispatch,
    Relay,
    OtherRelay,
    LiveRelay,
]
for _cls in _CACHES:
    pb.setUnjellyableForClass(f"tests.test_remote_cache.{_cls.__name__}", _cls)


def tagFor(cls: type) -> str:
    return f"tests.test_remote_cache.{cls.__name__}"


class RemoteCacheTests(PondTestCase):
    """
    The receiver's end.
    """

    def followAs(self, cls: type, **state: Any) -> tuple[Any, list[Any]]:
        pond = Hooked(tagFor(cls))
        pond.hook = lambda perspective, observer: dict(state)
        return pond, self.follow(pond)

    def test_states(self) -> None:
        """
        C{WAITING} until it has arrived, C{LIVE}, and C{STALE} for good; what
        waits for it to be live is told either way.
        """
        fresh = Watcher()
        self.assertIs(CacheState.WAITING, fresh.cacheState)
        self.assertNoResult(fresh.whenLive())
        self.assertEqual((None, None), (fresh.broker, fresh.luid))
        cache, *_ = self.follow(Pond())
        self.assertIs(CacheState.LIVE, cache.cacheState)
        self.assertIs(cache, self.successResultOf(cache.whenLive()))
        self.assertIs(self.pair.client, cache.broker)
        self.pair.links[0].cut()
        self.assertIs(CacheState.STALE, cache.cacheState)
        self.failureResultOf(cache.whenLive(), StaleCache)

    def test_whenLiveInTheMiddle(self) -> None:
        """
        Who waits while the state is being read is told when it has been; or
        that it could not be.
        """
        waiting: list[Any] = []

        def setCopyableState(cache: Any, state: Any) -> None:
            self.assertIs(CacheState.WAITING, cache.cacheState)
            waiting.append(cache.whenLive())
            if fails:
                raise ZeroDivisionError()

        self.patch(Watcher, "setCopyableState", setCopyableState)
        fails = False
        caches = self.follow(Pond())
        self.assertEqual(caches, [self.successResultOf(d) for d in waiting])
        fails = True
        root = PondRoot()
        self.pair.client.setNameForLocal("taker", root)
        remote = self.pair.server.remoteForName("taker")
        pond = Pond()
        answer = remote.callRemote("take", "it", pond)
        self.assertRaises(stock.RemoteError, self.pair.result, answer)
        self.failureResultOf(waiting[-1], StaleCache)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_changes(self) -> None:
        """
        C{notifyOnChange} tells of each update, after it; a listener that
        raises disturbs nobody, and its error is logged without the values.
        """
        pond = Pond()
        caches = self.follow(pond)
        changes: list[Any] = []

        def bad(cache: Any, change: Any) -> None:
            raise ValueError("secret")

        def good(cache: Any, change: Any) -> None:
            changes.append((cache, change, list(cache.ducks)))

        log = self.recordLog()
        caches[0].notifyOnChange(bad)
        caches[0].notifyOnChange(good)
        pond.addDuck("huey")
        pond.observers.callRemote("addDuck", duck="secret")
        self.pair.flush()
        self.assertEqual([caches[0]] * 2, [cache for cache, _, _ in changes])
        self.assertEqual(["addDuck"] * 2, [change.name for _, change, _ in changes])
        self.assertEqual(("huey",), changes[0][1].args)
        self.assertEqual({"duck": "secret"}, changes[1][1].kw)
        self.assertEqual(["huey"], changes[0][2])
        self.assertEqual(2, len(log))
        self.assertNotIn("secret", "".join(log))
        caches[0].dontNotifyOnChange(good)
        caches[0].dontNotifyOnChange(good)
        caches[1].dontNotifyOnChange(good)
        pond.addDuck("dewey")
        self.pair.flush()
        self.assertEqual(2, len(changes))

    def test_staleListeners(self) -> None:
        """
        C{notifyOnStale} tells once, at once if it is too late, and not who
        has asked not to be told.
        """
        cache, *_ = self.follow(Pond())
        told: list[Any] = []

        def first(cache: Any, reason: Any) -> None:
            told.append(("first", cache, str(reason)))
            cache.dontNotifyOnStale(second)
            raise ValueError("secret")

        def second(cache: Any, reason: Any) -> None:
            told.append(("second", cache, str(reason)))

        def third(cache: Any, reason: Any) -> None:
            told.append(("third", cache, str(reason)))

        log = self.recordLog()
        for listener in (first, second, third):
            cache.notifyOnStale(listener)
        cache.dontNotifyOnStale(third)
        cache.dontNotifyOnStale(third)
        self.pair.links[0].cut()
        self.assertEqual(["first", "second"], [name for name, _, _ in told])
        self.assertIn("the connection to its publisher is lost", told[0][2])
        self.assertEqual(1, len(log))
        cache.notifyOnStale(third)
        self.assertEqual(("third", cache), told[-1][:2])
        self.assertEqual(3, len(told))

    def test_staleOnce(self) -> None:
        """
        The first reason is the one that is told, and that stays.
        """
        pond = Pond()
        caches = self.follow(pond)
        told: list[Any] = []
        for cache in caches:
            cache.notifyOnStale(lambda cache, reason: told.append(reason))
        for _ in range(2):
            pond.observers.callRemote("fail", "x")
            self.pair.flush()
        pond.invalidate()
        self.pair.flush()
        self.pair.close()
        self.assertEqual(3, len(told))
        for cache, reason in zip(caches, told, strict=True):
            self.assertIn("observe_fail failed", reason.reason)
            self.assertIs(reason, self.failureResultOf(cache.whenLive()).value)

    def test_assignsDict(self) -> None:
        """
        C{self.__dict__ = state} is allowed, at first and in an update: the
        cache goes on, with its listeners.
        """
        pond, caches = self.followAs(DictCache, name="one")
        changes: list[Any] = []
        for cache in caches:
            before = hash(cache)
            cache.notifyOnChange(lambda cache, change: changes.append(cache.name))
            self.assertEqual("one", cache.name)
        for name in ("two", "three"):
            pond.observers.callRemote("replace", {"name": name})
            self.pair.flush()
        self.assertEqual(["two"] * 3 + ["three"] * 3, changes)
        for cache in caches:
            self.assertEqual("three", cache.name)
            self.assertIs(CacheState.LIVE, cache.cacheState)
            self.assertIn(cache, {cache})
        self.assertEqual(before, hash(caches[-1]))
        self.pair.close()
        self.assertIs(CacheState.STALE, caches[0].cacheState)

    def test_classes(self) -> None:
        """
        Dataclasses and attrs classes without defaults, and classes with
        slots, are received and kept in step.
        """
        for cls in (DataCache, AttrsCache, SlotsCache):
            pond, caches = self.followAs(cls, name="pond")
            for cache in caches:
                self.assertIs(cls, type(cache))
                self.assertEqual("pond", cache.name)
            pond.observers.callRemote("rename", "lake")
            self.pair.flush()
            self.assertEqual(["lake"] * 3, [cache.name for cache in caches])
            del cache
            caches.clear()
            self.pair.flush()
            self.assertEqual(3, len(pond.left))

    def test_defaults(self) -> None:
        """
        What did not arrive has its default.
        """
        _, caches = self.followAs(DataCache, name="pond")
        self.assertEqual([["default"]] * 3, [cache.ducks for cache in caches])
        self.assertIsNot(caches[0].ducks, caches[1].ducks)
        _, caches = self.followAs(AttrsCache, name="pond")
        self.assertEqual([3] * 3, [cache.size for cache in caches])

    def test_init(self) -> None:
        """
        An C{__init__} without arguments is called before the state is set,
        whatever it does to the object.
        """
        pond, caches = self.followAs(BuiltCache, name="pond")
        for cache in caches:
            self.assertTrue(cache.built)
            self.assertEqual("pond", cache.name)
            self.assertIs(CacheState.LIVE, cache.cacheState)

    def test_ownDispatch(self) -> None:
        """
        A class can dispatch messages itself, and call up; if that fails, the
        cache is stale.
        """
        pond, caches = self.followAs(OwnDispatch)
        told = pond.observers.callRemote("anything", 1, pbanswer=True)
        confirmed = self.pair.result(told).confirmed
        self.assertEqual(["any"] * 3, list(confirmed.values()))
        self.assertEqual([("anything", (1,))] * 3, [cache.any for cache in caches])
        told = pond.observers.callRemote("up", pbanswer=True)
        confirmed = self.pair.result(told).confirmed
        self.assertEqual(["known"] * 3, list(confirmed.values()))
        log = self.recordLog()
        pond.observers.callRemote("bad")
        self.pair.flush()
        self.assertEqual([CacheState.STALE] * 3, [c.cacheState for c in caches])
        self.assertEqual(3, len(log))
        self.assertNotIn("secret", "".join(log))

    def test_reserved(self) -> None:
        """
        A state cannot replace what a RemoteCache has itself; a class that
        declares a field of such a name is refused.
        """
        self.assertIn("broker", RESERVED)
        self.assertIn("cacheState", RESERVED)
        self.assertIn("observers", RESERVED)
        names = [*RESERVED - {"observers"}, "_pbextRecord", "__class__"]
        state = {"name": "pond", **dict.fromkeys(names, "forged")}
        _, caches = self.followAs(Relay, observers="forged", **state)
        for cache in caches:
            self.assertEqual("pond", cache.name)
            self.assertIs(CacheState.LIVE, cache.cacheState)
            self.assertNotIn("forged", vars(cache).values())
        _, caches = self.followAs(DictCache, **state)
        for cache in caches:
            self.assertIs(CacheState.LIVE, cache.cacheState)
            self.assertIsInstance(cache.luid, int)

        class Forged(pb.RemoteCache):
            broker: str

        self.assertRaises(CannotRegister, pb.setUnjellyableForClass, "x.y", Forged)

    def test_copies(self) -> None:
        """
        A deep copy of a cache, and a pickled one, are no longer in step and
        say so; the cache goes on.
        """
        pond = Pond()
        caches = self.follow(pond)
        copies = [
            copy.deepcopy(caches[0]),
            pickle.loads(pickle.dumps(caches[0])),
        ]
        for one in copies:
            self.assertIs(CacheState.STALE, one.cacheState)
            self.assertEqual("pond", one.name)
        del one, copies
        self.pair.flush()
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["huey"], caches[0].ducks)
        self.assertEqual([], pond.left)


class Lake(pb.Cacheable):
    def __init__(self, ducks: list[Any]) -> None:
        self.ducks = ducks


class WithoutABrokerTests(SynchronousTestCase):
    """
    Jelly by itself, which knows no peers.
    """

    def test_cacheable(self) -> None:
        """
        A Cacheable comes back as what it is, and is observed by nobody.
        """
        lake = Lake(["huey"])
        found = jelly.unjelly(jelly.jelly(lake))
        self.assertIs(Lake, type(found))
        self.assertEqual(["huey"], found.ducks)
        self.assertEqual((0, 0), (len(lake.observers), len(found.observers)))

    def test_remoteCache(self) -> None:
        """
        So does a cache, which follows nobody then.
        """
        pond = Pond(tagFor(DictCache))
        with connectedPair(PondRoot(pond=pond)) as pair:
            cache = pair.result(pair.root.callRemote("get"))
            found = jelly.unjelly(jelly.jelly(cache))
            self.assertIs(DictCache, type(found))
            self.assertEqual(cache.name, found.name)
            self.assertIs(CacheState.LIVE, cache.cacheState)
            self.assertIs(CacheState.WAITING, found.cacheState)
            self.assertIsNone(found.broker)
            del found
            pair.flush()
            self.assertEqual(1, len(pond.observers))


class RelayTests(PondTestCase):
    """
    A class that is both a Cacheable and a RemoteCache.
    """

    def relay(self, cls: type) -> Any:
        """
        @return: a publisher, the relay's end of it, and three caches of that.
        """
        source = Pond(tagFor(cls))
        upstream = self.connect(1, pond=source)
        relay = self.get(0)
        sourceRoot = self.root
        downstream = self.follow(relay)
        return source, relay, downstream, upstream, sourceRoot

    def test_relay(self) -> None:
        """
        In either order of its bases, updates flow through; each end is told
        when its end leaves; the upstream's loss makes it stale.
        """
        for cls in (Relay, OtherRelay):
            source, relay, caches, upstream, sourceRoot = self.relay(cls)
            source.addDuck("huey")
            upstream.flush()
            self.pair.flush()
            self.assertEqual([["huey"]] * 3, [cache.ducks for cache in caches])
            self.assertEqual(3, len(relay.observers))
            del caches[0]
            self.pair.flush()
            self.assertEqual(2, len(relay.observers))
            back = upstream.root.callRemote("same", "pond", relay)
            self.assertIs(True, upstream.result(back))
            root = self.pair.links[1].root
            back = root.callRemote("same", "pond", caches[0])
            self.assertIs(True, self.pair.result(back))
            upstream.close()
            self.assertIs(CacheState.STALE, relay.cacheState)
            self.assertIs(CacheState.LIVE, caches[0].cacheState)
            relay.invalidate()
            self.pair.flush()
            self.assertIs(CacheState.STALE, caches[0].cacheState)

    def test_liveState(self) -> None:
        """
        One that sends its live C{__dict__}, as stock's do, sends nothing of
        what it knows of itself.
        """
        source, relay, caches, upstream, _ = self.relay(LiveRelay)
        self.assertIn("_pbextRecord", vars(relay))
        for cache in caches:
            self.assertIs(CacheState.LIVE, cache.cacheState)
            self.assertIsNot(relay._record, cache._record)
            self.assertEqual([], cache.ducks)
        source.addDuck("huey")
        upstream.flush()
        self.pair.flush()
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in caches])
        upstream.close()

    def test_released(self) -> None:
        """
        When nobody holds the relay's end any more, its publisher is told.
        """
        for cls in (Relay, OtherRelay):
            source, relay, caches, upstream, _ = self.relay(cls)
            caches.clear()
            self.root.things.clear()
            self.pair.flush()
            self.assertEqual([], source.left)
            del relay
            upstream.flush()
            self.assertEqual(1, len(source.left))
            upstream.close()
