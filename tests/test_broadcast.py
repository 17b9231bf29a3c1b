"""
One encoding for many observers, where that is right, and only there.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.spread import jelly
from twisted.spread import pb as stock

from pbext import Registry, pb
from pbext.errors import CannotSendBack, NotSendable
from pbext.testing import Pair, connectedPair
from pbext.wire._banana import integer
from pbext.wire._broadcast import address
from tests.ponds import WATCHER, Pond, PondRoot, PondTestCase, StockWatcher, Watcher


class Duck(pb.Copyable):
    """
    A Copyable whose hooks depend on nothing.

    @ivar asked: how often each was asked.
    """

    localFields = ("asked",)

    def __init__(self, name: str = "daffy") -> None:
        self.name = name
        self.asked: list[Any] = []

    def getStateToCopy(self) -> Any:
        self.asked.append("state")
        return {"name": self.name, "number": len(self.asked)}

    def getTypeToCopy(self) -> bytes:
        self.asked.append("type")
        return b"tests.test_broadcast.Duck"


class ViewedDuck(Duck):
    """
    Shows each perspective another state.
    """

    def getStateToCopyFor(self, perspective: Any) -> Any:
        self.asked.append(perspective)
        return {"name": f"{self.name} for {perspective}"}


class TypedDuck(Duck):
    """
    Is something else to each perspective.
    """

    def getTypeToCopyFor(self, perspective: Any) -> bytes:
        self.asked.append(perspective)
        return b"tests.test_broadcast.Duck" if perspective else b"tests.OtherDuck"


class OwnDuck(Duck):
    """
    Writes itself.
    """

    def jellyFor(self, jellier: Any) -> Any:
        self.asked.append(jellier.invoker)
        return super().jellyFor(jellier)


class RemoteDuck(pb.RemoteCopy):
    pass


class OtherDuck(pb.RemoteCopy):
    pass


class StockDuck(stock.Copyable):
    """
    Twisted's, with its whole state.
    """

    def __init__(self) -> None:
        self.name = "donald"

    def getTypeToCopy(self) -> bytes:
        return b"tests.test_broadcast.Duck"


class Callee(stock.Referenceable):
    """
    Counts who calls.
    """

    def __init__(self) -> None:
        self.called: list[Any] = []

    def remote_quack(self, who: Any) -> None:
        self.called.append(who)


class Frog:
    """
    No flavor at all.
    """


class Policy(jelly.SecurityOptions):
    """
    One of a program's own.
    """

    def isTypeAllowed(self, typeName: Any) -> bool:
        return True


pb.setUnjellyableForClass(b"tests.test_broadcast.Duck", RemoteDuck)
pb.setUnjellyableForClass(b"tests.OtherDuck", OtherDuck)

#: What stock can say, of all kinds.
PLAIN: list[Any] = [None, True, -5, 2**40, 1.5, "é", b"\x80", (1, [2, {3: {4}}])]


class _Taker(PondRoot):
    def remote_take(self, name: Any, thing: Any) -> None:
        self.kept[name] = thing


class BroadcastTestCase(PondTestCase):
    """
    Ponds that are seen by several perspectives, on servers of several kinds.
    """

    def serve(self, clients: int = 2, **kinds: Any) -> Pair:
        """
        @param kinds: as of L{connectedPair}.
        """
        pair = connectedPair(PondRoot(), clients=clients, **kinds)
        self.addCleanup(pair.close)
        for link in pair.links:
            link.taker = _Taker()  # type: ignore[attr-defined]  # for this test
            link.client.setNameForLocal("taker", link.taker)  # type: ignore[attr-defined]  # as above
        return pair

    def give(self, pond: Any, pair: Pair, *perspectives: Any) -> list[Any]:
        """
        Give a pond to each client of a server, for each perspective.

        @return: the caches.
        """
        for link in pair.links:
            for perspective in perspectives or (None,):
                taker = stock.RemoteReference(perspective, link.server, b"taker", 0)
                pair.result(taker.callRemote("take", perspective, pond))
        return [
            link.taker.kept[perspective]  # type: ignore[attr-defined]  # as above
            for link in pair.links
            for perspective in perspectives or (None,)
        ]


class SharedTests(BroadcastTestCase):
    """
    What is the same for all is made once.
    """

    def test_hooksOnce(self) -> None:
        """
        Of an object whose hooks depend on nothing they are asked once, and
        what they have said is what everybody gets, though they would say
        something else the next time.
        """
        pond, pair = Pond(), self.serve(3)
        caches = self.give(pond, pair, "admin", "guest")
        duck = Duck()
        told = self.successResultOf(pond.addDuck([{"deep": duck}]))
        self.assertEqual(6, len(told.sent))
        self.assertEqual(["type", "state"], duck.asked)
        pair.flush()
        for cache in caches:
            [[found]] = cache.ducks
            self.assertEqual(("daffy", 2), (found["deep"].name, found["deep"].number))

    def test_keywords(self) -> None:
        """
        The same goes for keyword arguments.
        """
        pond, pair = Pond(), self.serve(3)
        caches = self.give(pond, pair)
        duck, callee = Duck(), Callee()
        pond.observers.callRemote("addDuck", duck=duck)
        pond.observers.callRemote("addDuck", duck=callee)
        self.assertEqual(["type", "state"], duck.asked)
        pair.flush()
        for cache in caches:
            one, other = cache.ducks
            self.assertEqual("daffy", one.name)
            pair.result(other.callRemote("quack", 1))
        self.assertEqual([1, 1, 1], callee.called)

    def test_perView(self) -> None:
        """
        An object that asks who is to see it is asked once for each
        perspective, whatever their number of connections, and each gets its
        own.
        """
        for kind in (ViewedDuck, TypedDuck):
            pond, pair = Pond(), self.serve(3)
            caches = self.give(pond, pair, "admin", "", None)
            duck = kind()
            pond.addDuck((1, duck))
            asked = [a for a in duck.asked if a not in ("type", "state")]
            self.assertEqual(["admin", "", None], asked)
            pair.flush()
            found = [cache.ducks[0][1] for cache in caches]
            if kind is ViewedDuck:
                names = [f"daffy for {whom}" for whom in ("admin", "", None)]
                self.assertEqual(names * 3, [duck.name for duck in found])
            else:
                kinds = [RemoteDuck, OtherDuck, OtherDuck]
                self.assertEqual(kinds * 3, [type(duck) for duck in found])

    def test_copier(self) -> None:
        """
        A copier is asked once for each registry that knows it; who has
        another registry gets what that one says.
        """
        asked: list[Any] = []

        def toWire(word: str, frog: Frog) -> Any:
            asked.append(word)
            return word

        pond = Pond()
        servers = []
        for tag in ("Frog", "Toad"):
            registry = Registry()
            registry.setUnjellyableForClass(WATCHER, Watcher)
            registry.registerCopier(Frog, tag, partial(toWire, tag), str)
            pair = self.serve(
                serverFactory=partial(pb.PBServerFactory, registry=registry),
                clientFactory=partial(pb.PBClientFactory, registry=registry),
            )
            servers.append((tag, pair, self.give(pond, pair)))
        told = self.successResultOf(pond.addDuck(Frog()))
        self.assertEqual(4, len(told.sent))
        self.assertEqual(["Frog", "Toad"], asked)
        for tag, pair, caches in servers:
            pair.flush()
            self.assertEqual([[tag], [tag]], [cache.ducks for cache in caches])

    def test_failsOnce(self) -> None:
        """
        If it cannot be sent, the hooks are asked no more often, and the error
        is as long for the last observer as for the first.
        """
        pond, pair = Pond(), self.serve(4)
        self.give(pond, pair)
        duck = Duck()
        failure = self.failureResultOf(pond.addDuck([duck, "\ud800"]), NotSendable)
        self.assertEqual("$[0][1]", failure.value.path)
        self.assertEqual(["type", "state"], duck.asked)
        told = pond.observers.counters
        self.assertEqual((0, 4), (told.sent, told.refused))

    def test_failsForOneView(self) -> None:
        """
        A hook that fails for one perspective fails for that one alone.
        """

        class Shy(ViewedDuck):
            def getStateToCopyFor(self, perspective: Any) -> Any:
                state = super().getStateToCopyFor(perspective)
                return {"admin": state}[perspective]

        pond, pair = Pond(), self.serve(2)
        caches = self.give(pond, pair, "guest", "admin")
        duck = Shy()
        told = self.successResultOf(pond.addDuck(duck))
        self.assertEqual(["guest"] * 2, [o.perspective for o in told.refused])
        self.assertEqual(["admin"] * 2, [o.perspective for o in told.sent])
        self.assertEqual(["guest", "admin"], [a for a in duck.asked if a != "type"])
        pair.flush()
        self.assertEqual([0, 1, 0, 1], [len(cache.ducks) for cache in caches])

    def test_bytes(self) -> None:
        """
        What is written is what Twisted's broker writes, for those that share
        it and for those that do not.
        """
        for value in (*PLAIN, [PLAIN, PLAIN], Duck(), StockDuck(), ViewedDuck()):
            written = []
            for server in (pb.PBServerFactory, stock.PBServerFactory):
                pond, pair = Pond(), self.serve(serverFactory=server)
                self.give(pond, pair)
                if isinstance(value, Duck):
                    value.asked.clear()
                pond.observers.callRemote("addDuck", value, key=value)
                written.append([k.server.transport.value() for k in pair.links])
            # The hooks of Twisted's are asked for each.
            self.assertEqual(written[0][0], written[1][0])
            self.assertTrue(written[0][0])
            if not isinstance(value, Duck) or isinstance(value, ViewedDuck):
                self.assertEqual(written[0], written[1])

    def test_dialect(self) -> None:
        """
        Each gets it in the dialect that was agreed with it.
        """

        class Wordless(pb.Broker):
            knownDialects = [b"none"]  # as in Banana

        class WordlessFactory(pb.PBClientFactory):
            protocol = Wordless

        pond, pair = Pond(), self.serve(2)
        pair.addClient(WordlessFactory())
        pair.addClient(WordlessFactory())
        self.assertEqual(
            [b"pb", b"pb", b"none", b"none"],
            [link.server.currentDialect for link in pair.links],
        )
        root = pair.serverFactory.root
        root.things["pond"] = pond
        caches = [pair.result(k.root.callRemote("get", "pond")) for k in pair.links]
        duck = Duck()
        pond.addDuck([duck, None, "x"])
        self.assertEqual(["type", "state"] * 2, duck.asked)
        pair.flush()
        for cache in caches:
            [[found, *rest]] = cache.ducks
            self.assertEqual(("daffy", [None, "x"]), (found.name, rest))

    def test_large(self) -> None:
        """
        One that is too large for a stock peer is refused for that one, and
        leaves nothing behind (A4d); the others get it, and what follows after
        it.
        """
        pond, pair = Pond(), connectedPair(PondRoot())
        self.addCleanup(pair.close)
        pair.addClient(stock.PBClientFactory())
        pair.addClient()
        pair.serverFactory.root.things["pond"] = pond
        caches = [pair.result(k.root.callRemote("get", "pond")) for k in pair.links]
        large = "x" * 700_000
        told = [
            pond.observers.callRemote("addDuck", duck, pbanswer=True)
            for duck in (large, "huey")
        ]
        first, second, third = pond.observers
        delivery = pair.result(told[0])
        self.assertEqual((first, third), delivery.sent)
        self.assertEqual([first, third], list(delivery.confirmed))
        self.assertTrue(delivery.refused[second].check(NotSendable))
        self.assertEqual(3, len(pair.result(told[1]).confirmed))
        self.assertEqual(
            [[large, "huey"], ["huey"], [large, "huey"]],
            [cache.ducks for cache in caches],
        )
        for link in pair.links:
            self.assertEqual({}, link.server.waitingForAnswers)
            self.assertTrue(link.server.flowing)

    def test_manyRequests(self) -> None:
        """
        The numbers at the head are Banana's integers, however large.
        """
        numbers = [
            n + d for p in (7, 14, 21, 31, 60) for n in (1 << p,) for d in (-1, 0)
        ]
        for number in (0, 1, *numbers):
            self.assertEqual(integer(number), address(number))
        pond, pair = Pond(), self.serve(2)
        caches = self.give(pond, pair)
        for number in numbers:
            for link in pair.links:
                link.server.currentRequestID = number
            pond.addDuck(number)
        pair.flush()
        self.assertEqual([numbers, numbers], [cache.ducks for cache in caches])


class OwnTests(BroadcastTestCase):
    """
    What depends on the connection is made for each.
    """

    def test_referenceable(self) -> None:
        """
        Each observer gets a reference of its own, wherever it stands, and
        counts it.
        """
        pond, pair = Pond(), self.serve(3)
        caches = self.give(pond, pair, "admin", "guest")
        callee = Callee()
        pond.addDuck([[{"deep": (callee,)}], Duck()])
        pair.flush()
        for cache in caches:
            [[[found], _duck]] = cache.ducks
            pair.result(found["deep"][0].callRemote("quack", 1))
        self.assertEqual(6, len(callee.called))
        for link in pair.links:
            luid = link.server.luids[callee.processUniqueID()]
            self.assertEqual(2, link.server.localObjects[luid].refcount)
        del found, _duck
        for cache in caches:
            cache.ducks.clear()
            cache.told.clear()
        pair.flush()
        for link in pair.links:
            self.assertNotIn(callee.processUniqueID(), link.server.luids)

    def test_cacheable(self) -> None:
        """
        A Cacheable inside is given to each, and followed by each.
        """
        pond, other, pair = Pond(), Pond(), self.serve(3)
        caches = self.give(pond, pair)
        pond.addDuck({"other": other})
        other.addDuck("huey")
        self.assertEqual(3, len(other.observers))
        pair.flush()
        found = [cache.ducks[0]["other"] for cache in caches]
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in found])
        pond.addDuck(other)
        pair.flush()
        for cache, before in zip(caches, found, strict=True):
            self.assertIs(before, cache.ducks[1])

    def test_ownJelly(self) -> None:
        """
        What has a C{jellyFor} of its own is asked for each connection.
        """
        pond, pair = Pond(), self.serve(3)
        self.give(pond, pair)
        duck = OwnDuck()
        pond.addDuck([duck])
        brokers = [a for a in duck.asked if a not in ("type", "state")]
        self.assertEqual([link.server for link in pair.links], brokers)

    def test_remoteReference(self) -> None:
        """
        What one of the observers has given goes back to that one, and cannot
        go to the others.
        """
        pond, pair = Pond(), self.serve(3)
        caches = self.give(pond, pair)
        callee = Callee()
        root = pair.serverFactory.root
        pair.result(pair.links[1].root.callRemote("take", "callee", callee))
        told = self.successResultOf(pond.addDuck([root.kept["callee"]]))
        first, second, third = pond.observers
        self.assertEqual((second,), told.sent)
        self.assertEqual([first, third], list(told.refused))
        for failure in told.refused.values():
            self.assertTrue(failure.check(CannotSendBack))
        pair.flush()
        self.assertIs(callee, caches[1].ducks[0][0])

    def test_policy(self) -> None:
        """
        A policy of the program's is asked for each; a stock policy beside it
        shares what it shares.
        """
        pond = Pond()
        own = self.serve(
            serverFactory=partial(pb.PBServerFactory, security=Policy()),
            clientFactory=pb.PBClientFactory,
        )
        usual = self.serve(3)
        caches = self.give(pond, own) + self.give(pond, usual)
        duck = Duck()
        told = self.successResultOf(pond.addDuck([duck]))
        self.assertEqual(5, len(told.sent))
        self.assertEqual(["type", "state"] * (2 + 1), duck.asked)
        own.flush()
        usual.flush()
        self.assertEqual(["daffy"] * 5, [cache.ducks[0][0].name for cache in caches])

    def test_stockBrokers(self) -> None:
        """
        Observers on Twisted's own brokers, beside ours, get what they would
        from Twisted's Cacheable.
        """
        pond = Pond()
        theirs = self.serve(
            serverFactory=stock.PBServerFactory, clientFactory=stock.PBClientFactory
        )
        ours = self.serve(2)
        caches = self.give(pond, theirs) + self.give(pond, ours)
        callee, duck = Callee(), Duck()
        for value in (*PLAIN, duck, callee):
            told = self.successResultOf(pond.addDuck(value))
            self.assertEqual(4, len(told.sent))
        self.assertEqual(["type", "state"] * (2 + 1), duck.asked)
        self.failureResultOf(pond.addDuck(object()), NotSendable)
        for pair in (theirs, ours):
            pair.flush()
        for cache in caches:
            *plain, found, reference = cache.ducks
            self.assertEqual(PLAIN, plain)
            self.assertEqual("daffy", found.name)
            reference.callRemote("quack", 1)
        for pair in (theirs, ours):
            pair.flush()
        self.assertEqual([1] * 4, callee.called)


class HeldTests(BroadcastTestCase):
    """
    What is announced from inside the hook that gathers the state is sent
    after it.
    """

    def test_plain(self) -> None:
        """
        Plain values are those that were there when it was announced.
        """

        class Announcing(Pond):
            def getStateToCacheAndObserveFor(self, perspective: Any, _: Any) -> Any:
                values = ["then"]
                self.observers.callRemote("addDuck", values)
                values.append("later")
                return {"ducks": []}

        pond, pair = Announcing(), self.serve(2)
        caches = self.give(pond, pair)
        self.assertEqual(
            [[["then"], ["then"]], [["then"]]], [cache.ducks for cache in caches]
        )

    def test_hooks(self) -> None:
        """
        Hooks are asked once then too, if others are told at once.
        """
        duck = Duck()

        class Announcing(Pond):
            def getStateToCacheAndObserveFor(self, perspective: Any, _: Any) -> Any:
                if len(self.observers) == 2:
                    self.addDuck(duck)
                return {"ducks": []}

        pond, pair = Announcing(), self.serve(2)
        caches = self.give(pond, pair)
        self.assertEqual(["type", "state"], duck.asked)
        self.assertEqual(["daffy"] * 2, [cache.ducks[0].name for cache in caches])


assert StockWatcher  # what ponds may become
