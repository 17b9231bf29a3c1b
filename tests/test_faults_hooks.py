"""
What stock Perspective Broker gets wrong with what a hook does: it sends
something while its object is put into a message, or it keeps the cache that it
is called for.  Fault by fault under its id: gone when the end that is to blame
runs pbext, whatever the other end runs.  All of it in memory and over loopback
TCP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb as stock

from pbext import CacheState, pb
from pbext.errors import Unordered
from tests.desks import ROWS, Ends
from tests.ponds import STOCK_WATCHER, WATCHER, Hooked, Pond, StockPond, Watcher
from tests.wires import NARROW, STOCK, across

KEEPING = "tests.test_faults_hooks.Keeping"

#: What has kept itself.
KEPT: list[Any] = []


class Keeping(Watcher):
    def observe_keep(self) -> None:
        KEPT.append(self)


class Carrier(pb.Copyable):
    """
    Does something while it is put into a message.
    """

    typeToCopy = "tests.test_faults_hooks.Carrier"

    def __init__(self, hook: Callable[[Any], Any]) -> None:
        self._hook = hook

    def getStateToCopyFor(self, perspective: Any) -> Any:
        self._hook(perspective)
        return {}


class Carried(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(KEEPING, Keeping)
pb.setUnjellyableForClass(Carrier, Carried)


class _Keeper(Ends):
    """
    To blame is the end that receives the update.
    """

    def tell(self, pond: Any, name: str) -> Any:
        if isinstance(pond, StockPond):
            return pond.tell(name)[0]
        [observer] = pond.observers
        return observer.callRemote(name)

    async def test_A7_12_keptByAnUpdate(self) -> None:
        """
        C{self} in an C{observe_} method is the cache: kept there, and nowhere
        else, it is as good as any reference to it, as long as it is kept.
        """
        await self.meet()
        self.addCleanup(KEPT.clear)
        for pond in (Pond(KEEPING), StockPond(KEEPING)):
            await self.result(self.toUs.callRemote("keep", pond))
            for _ in range(2):
                await self.result(self.tell(pond, "keep"))
            first, second = KEPT
            self.assertIs(first, second)
            self.assertIs(first, self.ourDesk.kept.pop())
            del first, second
            await self.settle()
            self.assertEqual([], pond.left)
            pond.addDuck("huey")
            await self.settle()
            self.assertEqual(["huey"], KEPT[0].ducks)
            self.assertIs(CacheState.LIVE, KEPT[0].cacheState)
            await self.result(self.toThem.callRemote("keep", KEPT[0]))
            self.assertIs(pond, self.theirDesk.kept.pop())
            KEPT.clear()
            await self.settle()
            self.assertNothingHeld()
            self.assertLeft(pond)
        await self.assertUnharmed()


class _Announcer(Ends):
    """
    To blame is the end that publishes.
    """

    def announcing(self, tag: str, outcomes: list[Any]) -> Any:
        """
        @return: what announces three ducks whenever its state is gathered.
        """
        pond = Hooked(tag)

        def hook(perspective: Any, observer: Any) -> Any:
            outcomes.append(observer.callRemote("addDuck", "huey"))
            outcomes.append(observer.callRemote("addDuck", "dewey", pbanswer=False))
            told = pond.observers.callRemote("addDuck", "louie", pbanswer=True)
            outcomes.append(told)
            return {"name": pond.name, "ducks": []}

        pond.hook = hook
        return pond

    def assertTold(self, cache: Any, *ducks: str) -> None:
        self.assertEqual([("addDuck", duck) for duck in ducks], cache.told)
        self.assertEqual(list(ducks), cache.ducks)

    async def send(self, way: str, pond: Any) -> Any:
        """
        @return: what arrives.
        """
        if way == "call":
            await self.result(self.toThem.callRemote("keep", [pond]))
            return self.theirDesk.kept.pop()[0]
        self.ourDesk.things["pond"] = [pond]
        call = self.toUs.callRemote(way, "pond")
        if way == "getLater":
            await self.settle()
            self.ourDesk.waiting.pop().callback(None)
        return (await self.result(call))[0]

    async def test_A8a_updates(self) -> None:
        """
        What is announced while the state is gathered arrives after the object,
        in order, and before what is announced then.
        """
        await self.meet()
        for way in ("call", "get", "getLater"):
            for tag in (WATCHER, STOCK_WATCHER):
                outcomes: list[Any] = []
                pond = self.announcing(tag, outcomes)
                cache = await self.send(way, pond)
                pond.observers.callRemote("addDuck", "donald")
                await self.settle()
                self.assertTold(cache, "huey", "dewey", "louie", "donald")
                first, oneWay, told = map(self.successResultOf, outcomes)
                self.assertEqual((None, None), (first, oneWay))
                self.assertEqual(1, len(told.confirmed))
                del cache
                await self.settle()
                self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_A8a_withinAnUpdate(self) -> None:
        """
        So it is if the object is part of an update; and who has the object
        already is told once.
        """
        await self.meet()
        end = self.other.server if self.serving else self.other.client
        elsewhere = end.remoteForName("desk")
        for tag in (WATCHER, STOCK_WATCHER):
            outcomes: list[Any] = []
            new, known = self.announcing(tag, outcomes), Pond(tag)
            hook, new.hook = new.hook, lambda perspective, observer: None
            await self.result(elsewhere.callRemote("keep", new))
            await self.result(self.toThem.callRemote("keep", known))
            new.hook = hook
            known.addDuck(new)
            await self.settle()
            already, cache = self.theirDesk.kept
            self.assertTold(cache.ducks.pop(), "huey", "dewey", "louie")
            self.assertTold(already, "louie")
            told = self.successResultOf(outcomes[2])
            self.assertEqual(2, len(told.confirmed))
            self.theirDesk.kept.clear()
            cache.told.clear()
            del already, cache
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_A8a_neverSent(self) -> None:
        """
        If the object is not sent, there is nobody to be told.
        """
        self.ours = NARROW
        await self.meet()
        for tag in (WATCHER, STOCK_WATCHER):
            outcomes: list[Any] = []
            pond = self.announcing(tag, outcomes)
            self.failureResultOf(self.toThem.callRemote("keep", pond, object()))
            self.failureResultOf(self.toThem.callRemote("keep", pond, "x" * 700_000))
            await self.settle()
            self.assertGiven(self.here)
            for first, oneWay, told in (outcomes[:3], outcomes[3:]):
                self.assertIsNone(self.successResultOf(first))
                self.assertIsNone(self.successResultOf(oneWay))
                self.assertEqual(1, len(self.successResultOf(told).dropped))
            self.assertLeft(pond, 2)
            cache = await self.send("call", pond)
            await self.settle()
            self.assertTold(cache, "huey", "dewey", "louie")
            del cache
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_A8a_ofStocksClass(self) -> None:
        """
        A Cacheable of stock's has an observer that cannot wait: what it says
        from inside the hook fails, and does not overtake.
        """
        await self.meet()
        for way in ("call", "get", "getLater"):
            outcomes: list[Any] = []

            class Announcing(StockPond):
                def getStateToCacheAndObserveFor(
                    self, perspective: Any, observer: Any
                ) -> Any:
                    outcomes.append(observer.callRemote("addDuck", "huey"))  # noqa: B023  # of this turn
                    return super().getStateToCacheAndObserveFor(perspective, observer)

            pond = Announcing(WATCHER)
            cache = await self.send(way, pond)
            self.failureResultOf(outcomes[0], Unordered)
            pond.addDuck("dewey")
            await self.settle()
            self.assertTold(cache, "dewey")
            del cache
        await self.assertUnharmed()


class Reader(stock.Avatar):
    """
    Gives what is in its list.
    """

    def __init__(self, things: list[Any]) -> None:
        self.things = things

    def perspective_get(self) -> Any:
        return self.things

    def perspective_getLater(self) -> Any:
        self.later: Deferred[Any] = Deferred()
        return self.later.addCallback(lambda _: self.things)


class Lake(stock.Viewable):
    def view_whose(self, perspective: Any) -> Any:
        return perspective.name


class _Perspectives(Ends):
    """
    To blame is the end that has the perspectives.
    """

    async def visit(self, *things: Any) -> tuple[Any, Any]:
        """
        @return: a perspective that gives things, and what they call.
        """
        reader = Reader(list(things))
        reader.name = "somebody"
        self.ourDesk.things["reader"] = stock.AsReferenceable(reader, "perspective")
        return reader, await self.result(self.toUs.callRemote("get", "reader"))

    async def test_A8b_thePerspectiveIsKept(self) -> None:
        """
        A hook may call over the connection that its object is sent on,
        whatever comes of that: what follows in the message is sent to the
        same perspective.
        """
        await self.meet()
        seen: list[Any] = []
        calls: list[Any] = []

        def hook(perspective: Any, observer: Any = None) -> None:
            seen.append(perspective)
            calls.append(self.toThem.callRemote("keep", len(seen)))
            calls.append(self.toThem.callRemote("keep", object()))
            calls.append(self.toThem.callRemote("keep", within))
            calls.append(self.toThem.callRemote("fail"))

        within = Carrier(lambda perspective: seen.append(("within", perspective)))
        for tag in (WATCHER, STOCK_WATCHER):
            for later in (False, True):
                pond, last = Hooked(tag), Pond(tag)
                pond.hook = hook
                lake = Lake()
                reader, remote = await self.visit(
                    Carrier(hook), pond, lake, Carrier(hook), last
                )
                call = remote.callRemote("getLater" if later else "get")
                await self.settle()
                if later:
                    reader.later.callback(None)
                _, _, view, _, cache = await self.result(call)
                self.assertEqual([reader, ("within", None)] * 3, seen)
                whose = await self.result(view.callRemote("whose"))
                self.assertEqual("somebody", whose)
                [observer] = last.observers.forPerspective(reader)
                self.assertIs(last, observer.cached)
                await self.settle()
                self.assertEqual([1, 3, 5], self.theirDesk.kept[::2])
                for index, call in enumerate(calls):
                    if index % 4 in (0, 2):
                        self.assertIsNone(self.successResultOf(call))
                    else:
                        self.failureResultOf(call)
                del seen[:], calls[:], self.theirDesk.kept[:]
                del view, cache, remote
        await self.assertUnharmed()


globals().update(
    across(
        module=__name__,
        tests=_Keeper,
        rows={
            **ROWS,
            "OnStockFactories": {"ours": STOCK, "theirs": STOCK, "serving": True},
        },
    )
)
globals().update(across(module=__name__, tests=_Announcer, rows=ROWS))
globals().update(across(module=__name__, tests=_Perspectives, rows=ROWS))
