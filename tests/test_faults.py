"""
What stock Perspective Broker gets wrong with caches and observers, fault by
fault under its id: gone when the end that is to blame runs pbext, whatever the
other end runs.

A fault of the publisher's is tried with pbext's mixins on pbext's factories
and on Twisted's, against peers of both kinds; a fault of the receiver's
likewise.  All of it in memory and over loopback TCP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zope.interface import implementer

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.reflect import qual
from twisted.spread import pb as stock

from pbext import CacheState, pb
from pbext.errors import StaleCache, UpdateFailed
from tests.ponds import (
    STOCK_WATCHER,
    WATCHER,
    ClassicPond,
    Pond,
    PondRoot,
    StockPond,
)
from tests.wires import PBEXT, STOCK, Line, across


@dataclass(eq=True)
class EqualPond(pb.Cacheable):
    """
    Equal to any other of its kind, and unhashable.
    """

    tag: str
    name: str = "pond"

    def getTypeToCopy(self) -> bytes:
        return self.tag.encode()


class HookedDuck(pb.Copyable):
    """
    Calls something while it is being sent, to each observer anew.
    """

    typeToCopy = "tests.test_faults.Duck"

    def __init__(self, hook: Any) -> None:
        self._hook = hook

    def jellyFor(self, jellier: Any) -> Any:
        self._hook(jellier.invoker.serializingPerspective)
        return super().jellyFor(jellier)


class Duck(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(HookedDuck, Duck)


class ViewedPond(Pond):
    """
    Shows each perspective its own view.
    """

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"name": f"as {perspective.name} sees it", "ducks": []}


class Visitor(stock.Avatar):
    def __init__(self, name: str, pond: Any) -> None:
        self.name = name
        self.pond = pond

    def perspective_getPond(self) -> Any:
        return self.pond

    def perspective_isMine(self, pond: Any) -> bool:
        return pond is self.pond


@implementer(IRealm)
class Realm:
    def __init__(self, pond: Any) -> None:
        self.pond = pond

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        visitor = Visitor(avatarId.decode(), self.pond)
        return stock.IPerspective, visitor, lambda: None


class _Publisher:
    """
    The server publishes, and is to blame.
    """

    async def connect(self, root: Any, clients: int = 3) -> list[Line]:
        self.wire = self.Wire(root, self.ours, self.theirs)
        return [await self.wire.connect() for _ in range(clients)]

    async def follow(self, pond: Any, clients: int = 3) -> tuple[list[Line], list[Any]]:
        """
        @return: the lines, and a cache at the end of each.
        """
        lines = await self.connect(PondRoot(pond=pond), clients)
        caches = [await self.get(line) for line in lines]
        return lines, caches

    async def get(self, line: Line, name: str = "pond") -> Any:
        return await self.wire.result(line.root.callRemote("get", name))

    def assertTold(self, caches: list[Any], *ducks: str) -> None:
        """
        Each cache was told of these, once each, in this order.
        """
        for cache in caches:
            self.assertEqual(
                [("addDuck", duck) for duck in ducks], cache.__dict__.get("told", [])
            )

    async def test_A1_anObserverThatIsGoneIsCalledInVain(self) -> None:
        """
        To call an observer whose peer has disconnected is no error, and gives
        a Deferred that has fired.
        """
        pond = Pond(self.tag)
        lines, caches = await self.follow(pond)
        observers = list(pond.observers)
        swallowed = pb.swallowDeadReference.swallowed
        await self.wire.cut(lines[0])
        for _ in range(2):
            self.assertIsNone(
                self.successResultOf(observers[0].callRemote("addDuck", "x"))
            )
        self.assertIsNone(
            self.successResultOf(
                observers[0].callRemote("addDuck", "x", pbanswer=False)
            )
        )
        self.assertEqual(swallowed + 3, pb.swallowDeadReference.swallowed)

    async def test_A1_theLoopGoesOn(self) -> None:
        """
        The classic loop tells everybody else, whichever observer is gone.
        """
        pond = ClassicPond(self.tag)
        lines, caches = await self.follow(pond, 4)
        pond.addDuck("huey")
        await self.settle()
        await self.wire.cut(lines[1])
        pond.addDuck("dewey")
        await self.settle()
        await self.wire.cut(lines[0])
        pond.addDuck("louie")
        await self.settle()
        self.assertTold(caches[2:], "huey", "dewey", "louie")
        self.assertTold(caches[1:2], "huey")
        self.assertEqual(2, len(pond.observers))

    async def test_A1_aListThatKeepsTheDead(self) -> None:
        """
        A list from which the dead are never removed starves nobody either.
        """
        pond = ClassicPond(self.tag, removes=False)
        lines, caches = await self.follow(pond)
        await self.wire.cut(lines[0])
        pond.addDuck("huey")
        await self.settle()
        self.assertTold(caches[1:], "huey")
        self.assertEqual(3, len(pond.observers))

    async def test_A1_anObserverThatDies(self) -> None:
        """
        An observer that goes with an update unanswered is no error, either
        of the book's or of the loop's.
        """
        pond = ClassicPond(self.tag)
        lines, caches = await self.follow(pond)
        dying, healthy = pond.observers[0], pond.observers[1:]
        answer = dying.callRemote("addDuck", "huey")
        told = pond.book.callRemote("addDuck", "dewey", pbanswer=True)
        await self.wire.cut(lines[0])
        await self.settle()
        self.assertIsNone(self.successResultOf(answer))
        delivery = self.successResultOf(told)
        self.assertEqual((dying,), delivery.dropped)
        self.assertEqual(set(healthy), set(delivery.confirmed))
        self.assertEqual({}, delivery.failed)

    async def test_A1d_announcedWhileTheConnectionIsBeingLost(self) -> None:
        """
        What C{stoppedObserving} announces while the connection is being lost
        reaches the others, and nobody twice.
        """
        pond = Pond(self.tag)
        lines, caches = await self.follow(pond)
        outcomes = []

        def whenLeft(observer: Any) -> None:
            outcomes.append(observer.callRemote("addDuck", "to the dead"))
            outcomes.append(pond.addDuck("goodbye"))

        pond.whenLeft = whenLeft
        await self.wire.cut(lines[1])
        await self.settle()
        alone, delivered = map(self.successResultOf, outcomes)
        self.assertIsNone(alone)
        self.assertEqual(2, len(delivered.sent))
        self.assertTold([caches[0], caches[2]], "goodbye")

    async def test_A2_theReceiverHasDroppedIt(self) -> None:
        """
        An update after the receiver has dropped its last reference is dropped
        quietly, with the book and with the loop.
        """
        pond = ClassicPond(self.tag, removes=False)
        lines, caches = await self.follow(pond)
        dropped = pond.observers[0]
        del caches[0]
        await self.settle()
        self.assertNotIn(dropped, pond.book)
        pond.addDuck("huey")
        await self.settle()
        self.assertTold(caches, "huey")
        self.assertIsNone(self.successResultOf(dropped.callRemote("addDuck", "x")))

    async def test_A2b_droppedAndSentAgain(self) -> None:
        """
        Dropped, and sent again on the same connection, an object has one
        observer there, and each update arrives once.
        """
        pond = ClassicPond(self.tag)
        forgetful = ClassicPond(self.tag, "forgetful", removes=False)
        lines = await self.connect(PondRoot(pond=pond, forgetful=forgetful))
        for name, publisher in (("pond", pond), ("forgetful", forgetful)):
            for line in lines:
                await self.get(line, name)
            await self.settle()
            caches = [await self.get(line, name) for line in lines]
            publisher.addDuck("huey")
            await self.settle()
            self.assertTold(caches, "huey")
            self.assertEqual(3, len(publisher.book))
            self.assertEqual(3, len(publisher.left))
        self.assertEqual(6, len(forgetful.observers))

    async def test_A3_remove(self) -> None:
        """
        C{self.observers.remove(observer)} takes out the one that has left,
        wherever it stands in the list.
        """
        pond = ClassicPond(self.tag)
        lines, caches = await self.follow(pond, 4)
        for index in (2, 0, 1):
            before = list(pond.observers)
            gone = next(o for o in before if o.broker is lines[index].server)
            await self.wire.cut(lines[index])
            self.assertEqual([o for o in before if o is not gone], pond.observers)
            self.assertIs(gone, pond.left[-1])
        pond.addDuck("huey")
        await self.settle()
        self.assertTold(caches[3:], "huey")

    async def test_A3c_observersInSetsAndDicts(self) -> None:
        """
        Observers can be the members of a set and the keys of a dict, any
        number of them.
        """
        ponds = {str(n): ClassicPond(self.tag, str(n)) for n in range(40)}
        lines = await self.connect(PondRoot(**ponds))
        asked = [line.root.callRemote("get", name) for name in ponds for line in lines]
        await self.settle()
        caches = [self.successResultOf(answer) for answer in asked]
        observers = [o for pond in ponds.values() for o in pond.observers]
        self.assertEqual(len(caches), len(set(observers)))
        names = {o: o.cached.name for o in observers}
        for observer in observers:
            self.assertEqual(observer.cached.name, names.pop(observer))
        self.assertEqual({}, names)

    async def test_A3d_equalAndUnhashable(self) -> None:
        """
        Cacheables that are equal to each other, and unhashable, have
        observers of their own.
        """
        one, other = EqualPond(self.tag), EqualPond(self.tag)
        self.assertEqual(one, other)
        lines = await self.connect(PondRoot(one=one, other=other))
        ones = [await self.get(line, "one") for line in lines]
        others = [await self.get(line, "other") for line in lines]
        self.assertEqual(6, len({*one.observers, *other.observers}))
        for observer in one.observers:
            self.assertNotIn(observer, list(other.observers))
        one.observers.callRemote("noticed")
        await self.settle()
        for cache in ones:
            self.assertEqual([("noticed",)], cache.told)
        for cache in others:
            self.assertNotIn("told", cache.__dict__)

    async def test_A4_oneFailsAndTheRestAreTold(self) -> None:
        """
        An update that fails for one observer reaches all the others; then
        the failure is told, once, with the observer.
        """
        pond = Pond(self.tag)
        lines, caches = await self.follow(pond, 4)
        unlucky = list(pond.observers)[1]
        calls = []

        def hook(perspective: Any) -> None:
            calls.append(perspective)
            if len(calls) == 2:
                raise KeyError("secret")

        delivery = self.successResultOf(pond.addDuck(HookedDuck(hook)))
        await self.settle()
        self.assertEqual([unlucky], list(delivery.refused))
        self.assertEqual(3, len(delivery.sent))
        self.assertEqual([(unlucky, delivery.refused[unlucky])], pond.failed)
        self.assertIsInstance(delivery.refused[unlucky].value, KeyError)
        told = [cache.__dict__.get("told", []) for cache in caches]
        self.assertEqual([1, 0, 1, 1], [len(updates) for updates in told])

    async def test_A5_theBookChangesMeanwhile(self) -> None:
        """
        A broadcast goes to those who were in the book when it began, once
        each, whoever leaves and joins meanwhile.
        """
        pond = Pond(self.tag)
        lines, caches = await self.follow(pond)
        book = pond.observers
        latecomer = pb.RemoteCacheObserver(lines[0].server, Pond(), None)
        visited = []

        def hook(perspective: Any) -> None:
            visited.append(perspective)
            for observer in list(book):
                book.discard(observer)
            book.add(latecomer)

        delivery = self.successResultOf(pond.addDuck(HookedDuck(hook)))
        await self.settle()
        self.assertEqual(3, len(visited))
        self.assertEqual(3, len(delivery.sent))
        self.assertEqual([1, 1, 1], [len(cache.told) for cache in caches])
        self.assertEqual(1, len(book))

    async def test_A12_twoAvatarsOnOneConnection(self) -> None:
        """
        Each perspective on one connection has a view of its own, and its own
        observer; the stand-in for a view that comes back is the object.
        """
        pond = ViewedPond(self.tag)
        checker = InMemoryUsernamePasswordDatabaseDontUse(admin=b"a", guest=b"g")
        await self.connect(Portal(Realm(pond), [checker]), 0)
        caches, avatars = {}, {}
        for _ in range(3):
            line = await self.wire.connect()
            for name in ("admin", "guest"):
                key = UsernamePassword(name.encode(), name[:1].encode())
                avatar = await self.wire.result(line.factory.login(key))
                avatars[line, name] = avatar
                caches[line, name] = await self.wire.result(
                    avatar.callRemote("getPond")
                )
        self.assertEqual(6, len(pond.observers))
        for (_, name), cache in caches.items():
            self.assertEqual(f"as {name} sees it", cache.name)
        guests = [o for o in pond.observers if o.perspective.name == "guest"]
        self.assertEqual(3, len(guests))
        pond.observers.without(*guests).callRemote("addDuck", "for admins")
        for guest in guests:
            pond.observers.forPerspective(guest.perspective).callRemote(
                "addDuck", "for one guest"
            )
        for (line, name), cache in caches.items():
            back = avatars[line, name].callRemote("isMine", cache)
            self.assertIs(True, await self.wire.result(back))
            wanted = {"admin": "for admins", "guest": "for one guest"}[name]
            self.assertEqual([("addDuck", wanted)], cache.told)


class _Receiver:
    """
    The clients receive, and are to blame.
    """

    async def connect(self, root: Any, clients: int = 3) -> list[Line]:
        self.wire = self.Wire(root, self.theirs, self.ours)
        return [await self.wire.connect() for _ in range(clients)]

    async def follow(self, clients: int = 3) -> tuple[list[Line], list[Any]]:
        """
        @return: the lines, and a cache at the end of each.
        """
        self.pond = self.Pond(WATCHER)
        self.root = PondRoot(pond=self.pond, both=[self.pond, {"it": self.pond}])
        lines = await self.connect(self.root, clients)
        return lines, [await self.get(line) for line in lines]

    async def get(self, line: Line, name: str = "pond") -> Any:
        return await self.wire.result(line.root.callRemote("get", name))

    def tell(self, name: str, *args: Any) -> list[Any]:
        """
        Call a method of each cache, and ask for the answers.
        """
        if isinstance(self.pond, StockPond):
            return self.pond.tell(name, *args)
        return [o.callRemote(name, *args) for o in self.pond.observers]

    def tellOneWay(self, name: str, *args: Any) -> None:
        if isinstance(self.pond, StockPond):
            for observer in self.pond.followers.values():
                observer.callRemote(name, *args, pbanswer=False)
        else:
            self.pond.observers.callRemote(name, *args)

    def recordLog(self) -> list[Any]:
        """
        @return: a list of what is logged from now on, as text.
        """
        lines: list[str] = []

        def observe(event: Any) -> None:
            lines.append(formatEvent(event) + str(event.get("log_format")))
            if "log_failure" in event:
                lines.append(event["log_failure"].getTraceback())

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        return lines

    async def test_A7_2_receivedTwice(self) -> None:
        """
        An object that is received twice, in one message or in two, is one
        object: the same, equal, and with one hash.
        """
        lines, caches = await self.follow()
        for line, cache in zip(lines, caches, strict=True):
            again = await self.get(line)
            one, other = await self.get(line, "both")
            for same in (again, one, other["it"]):
                self.assertIs(cache, same)
            self.assertEqual(1, len({cache, again, one, other["it"]}))
        self.assertEqual(3, len(set(caches)))
        self.pond.addDuck("huey")
        await self.settle()
        for cache in caches:
            self.assertEqual([("addDuck", "huey")], cache.told)

    async def test_A9_connectionLost(self) -> None:
        """
        A cache whose connection is lost says so, tells its listeners once,
        and the others go on.
        """
        lines, caches = await self.follow()
        told = []
        for cache in caches:
            cache.notifyOnStale(lambda cache, reason: told.append((cache, reason)))
        await self.wire.cut(lines[1])
        self.pond.addDuck("huey")
        await self.settle()
        states = [cache.cacheState for cache in caches]
        self.assertEqual([CacheState.LIVE, CacheState.STALE, CacheState.LIVE], states)
        [(cache, reason)] = told
        self.assertIs(caches[1], cache)
        self.assertIsInstance(reason, StaleCache)
        self.assertIs(reason, self.failureResultOf(cache.whenLive()).value)
        self.assertEqual([], caches[1].ducks)
        self.assertEqual(["huey"], caches[0].ducks)
        await self.wire.close()
        self.assertEqual(3, len(told))

    async def test_A11_anAnsweredUpdateFails(self) -> None:
        """
        If an C{observe_} method fails, its cache is stale and says so, and
        the publisher gets neither the error's text nor the arguments.
        """
        for how in ("fail", "failLater", "failDeferred", "missing"):
            lines, caches = await self.follow()
            log = self.recordLog()
            told: list[Any] = []
            caches[0].notifyOnStale(lambda *news, told=told: told.append(news))
            answers = self.tell(how, "secret")
            await self.settle()
            for cache in caches:
                later, cache.later = getattr(cache, "later", None), None
                if later is not None:
                    later.errback(ValueError("secret"))
            await self.settle()
            self.assertEqual({CacheState.STALE}, {c.cacheState for c in caches})
            self.assertEqual(1, len(told))
            for answer in answers:
                failure = self.failureResultOf(answer)
                self.assertEqual(qual(UpdateFailed).encode(), failure.type)
                self.assertNotIn("secret", failure.value)
                self.assertIn(f"observe_{how}", failure.value)
            said = [line for line in log if f"observe_{how}" in line]
            self.assertEqual(3, len(said), log)
            self.assertNotIn("secret", "".join(log))
            await self.wire.close()

    async def test_A11_aOneWayUpdateFails(self) -> None:
        """
        So it is if nobody waits for an answer; and it is said once, where it
        happened.
        """
        for how in ("fail", "failLater", "failDeferred", "missing"):
            lines, caches = await self.follow()
            log = self.recordLog()
            self.tellOneWay(how, "secret")
            await self.settle()
            for cache in caches:
                later, cache.later = getattr(cache, "later", None), None
                if later is not None:
                    later.errback(ValueError("secret"))
                    del later
            await self.settle()
            self.assertEqual({CacheState.STALE}, {c.cacheState for c in caches})
            self.assertEqual(3, len(log), log)
            self.assertNotIn("secret", "".join(log))
            await self.wire.close()

    async def test_A13_whatTheApplicationHolds(self) -> None:
        """
        A cache is followed as long as the application holds it; when it lets
        go, the publisher is told, once.
        """
        lines, caches = await self.follow()
        held = caches.pop(0)
        del caches[:]
        await self.settle()
        self.assertEqual(2, len(self.pond.left))
        self.pond.addDuck("huey")
        await self.settle()
        self.assertEqual(["huey"], held.ducks)
        await self.wire.close()
        self.assertEqual(3, len(self.pond.left))


_STOCK = {"theirs": STOCK, "tag": STOCK_WATCHER}
_PBEXT = {"theirs": PBEXT, "tag": WATCHER}

globals().update(
    across(
        module=__name__,
        tests=_Publisher,
        rows={
            "ToStock": {"ours": PBEXT, **_STOCK},
            "ToPbext": {"ours": PBEXT, **_PBEXT},
            "OnStockFactoriesToStock": {"ours": STOCK, **_STOCK},
            "OnStockFactoriesToPbext": {"ours": STOCK, **_PBEXT},
        },
    )
)
globals().update(
    across(
        module=__name__,
        tests=_Receiver,
        rows={
            "FromStock": {"ours": PBEXT, "theirs": STOCK, "Pond": StockPond},
            "FromPbext": {"ours": PBEXT, "theirs": PBEXT, "Pond": Pond},
            "OnStockFactoriesFromStock": {
                "ours": STOCK,
                "theirs": STOCK,
                "Pond": StockPond,
            },
            "OnStockFactoriesFromPbext": {
                "ours": STOCK,
                "theirs": PBEXT,
                "Pond": Pond,
            },
        },
    )
)
