"""
What is too large for stock Perspective Broker arrives where both ends run
pbext, fault by fault under its id, and nothing small waits for it that need
not.  In memory and over loopback TCP.  (What is too large for one end of two is
in L{tests.test_faults_limits} as well.)
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import deferLater
from twisted.python.reflect import qual
from twisted.spread import pb as stock
from twisted.spread.banana import BananaError
from twisted.trial.unittest import TestCase

from pbext import Limits, Observers, pb
from pbext.errors import NotSendable, StaleCache
from tests.desks import CACHEABLES, THINGS, Desk, Ends
from tests.ponds import WATCHER, Pond
from tests.processes import Child
from tests.raw import LogRecord
from tests.stock import stockPython
from tests.wires import PBEXT, Factories, TCPWire, TLSWire, across, pbextWith

reactor: Any = _reactor

LARGE = "x" * 700_000

#: What stock cannot send, for one reason or another.
THINGS_LARGE: list[Any] = [
    LARGE,
    LARGE.encode(),
    "é" * 350_000,
    {"frogs": [1, LARGE]},
    b"x" * 8_000_000,
]

#: As stock can send it, but it is large.
LONG = ["x" * 1000] * 3000

BOTH = {
    "OfAServer": {"ours": PBEXT, "theirs": PBEXT, "serving": True},
    "OfAClient": {"ours": PBEXT, "theirs": PBEXT, "serving": False},
}


class Talker(pb.Referenceable):
    """
    Another object than the desk.

    @ivar said: what it was told, or did, in order.
    """

    def __init__(self, said: list[Any]) -> None:
        self.said = said

    def remote_tell(self, thing: Any, *more: Any) -> None:
        self.said.append(thing if len(str(thing)) < 100 else "large")


class Booked(stock.Cacheable):
    """
    One of Twisted's, with a book of ours.
    """

    def __init__(self) -> None:
        self.book = Observers(acknowledged=True)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.book.add(observer)
        return {}


class Follower(pb.RemoteCache):
    """
    @cvar said: what all of them were told, in order.
    """

    said: list[Any] = []

    def observe_addDuck(self, duck: Any) -> None:
        self.said.append(duck if len(str(duck)) < 100 else "large")


FOLLOWER = "tests.test_faults_large.Follower"
pb.setUnjellyableForClass(FOLLOWER, Follower)


class _Large(Ends):
    """
    Whatever is said, in either direction, arrives.
    """

    async def assertClean(self) -> None:
        """
        No end waits for anything, but for what the test has begun.
        """
        await self.settle()
        for broker in (self.here, self.there):
            self.assertEqual(1, len(broker.waitingForAnswers))
            self.assertEqual({}, broker._asked)
            self.assertEqual(0, len(broker._departures))
            self.assertEqual(0, len(broker._untaken))
            self.assertFalse(broker._arrival.open)

    async def test_E1_calls(self) -> None:
        """
        An argument of more than 640 KiB, of any kind.
        """
        await self.meet()
        # In pure Python, a long list takes its time; once will do.
        long = [[1] * 700_000] if self.serving else []
        for thing in [*THINGS_LARGE, *long]:
            await self.result(self.toThem.callRemote("keep", thing, it=thing))
            self.assertEqual([thing, thing], self.theirDesk.kept)
            self.theirDesk.kept.clear()
        await self.assertClean()
        await self.assertUnharmed()

    async def test_E3_answers(self) -> None:
        """
        A result of more than 640 KiB.
        """
        await self.meet()
        for thing in THINGS_LARGE:
            self.ourDesk.things["large"] = thing
            answer = await self.result(self.toUs.callRemote("get", "large"))
            self.assertEqual(thing, answer)
        await self.assertClean()
        await self.assertUnharmed()

    async def test_E4_answersLater(self) -> None:
        """
        One of a Deferred.
        """
        await self.meet()
        for thing in THINGS_LARGE:
            self.ourDesk.things["large"] = thing
            answer = self.toUs.callRemote("getLater", "large")
            await self.settle()
            self.ourDesk.waiting.pop().callback(None)
            self.assertEqual(thing, await self.result(answer))
        await self.assertClean()
        await self.assertUnharmed()

    async def test_A4d_updates(self) -> None:
        """
        An update of more than 640 KiB reaches every observer, and small ones
        before and after it in their places.
        """
        await self.meet()
        for make in CACHEABLES:
            pond = make()
            for broker in (self.here, self.other.server, self.other.client):
                desk = broker.remoteForName("desk")
                await self.result(desk.callRemote("keep", pond))
            caches = [*self.theirDesk.kept, *self.ourDesk.kept]
            self.assertEqual(3, len(caches))
            for ducks in ("one", LARGE, "two"), (LONG, "three"):
                for duck in ducks:
                    told = pond.addDuck(duck)
                if isinstance(pond, Pond):
                    await self.result(told)
                await self.settle()
            # What comes after that comes after the updates, too.
            for broker in (self.here, self.other.server, self.other.client):
                desk = broker.remoteForName("desk")
                await self.result(desk.callRemote("drop", pb.Referenceable()))
            for cache in caches:
                self.assertEqual(pond.ducks, cache.ducks)
            del cache
            caches.clear()
            self.theirDesk.kept.clear()
            self.ourDesk.kept.clear()
            await self.settle()
        await self.assertClean()
        await self.assertUnharmed()

    async def test_E3_smallAnswersPass(self) -> None:
        """
        The answer of a small call comes before that of an earlier, large one,
        while that is on its way.
        """
        await self.meet()
        self.ourDesk.things["large"] = b"x" * 10_000_000
        answers: list[Any] = []
        large = self.toUs.callRemote("get", "large")
        large.addCallback(lambda answer: answers.append(len(answer)))
        small = self.toUs.callRemote("echo", "small")
        small.addCallback(
            lambda answer: answers.append((answer, self.there._arrival.open))
        )
        await self.result(large)
        self.assertEqual([("small", True), 10_000_000], answers)

    async def test_E1_smallCallsPass(self) -> None:
        """
        A small call of another object is answered before an earlier, large
        one has all arrived; one of the same object waits.
        """
        await self.meet()
        said: list[Any] = []
        self.there.setNameForLocal("talker", Talker(said))
        self.there.setNameForLocal("other", Talker(said))
        talker, other = map(self.here.remoteForName, ("talker", "other"))
        large = talker.callRemote("tell", b"x" * 10_000_000)
        last = talker.callRemote("tell", "same")
        await self.result(other.callRemote("tell", "other"))
        if self.Wire.__name__ == "TCPWire":  # in memory all of it has moved
            self.assertFalse(large.called)
        await self.result(last)
        self.assertEqual(["other", "large", "same"], said)

    async def test_E1_order(self) -> None:
        """
        What carries a reference, or lets go of something, waits as well.
        """
        await self.meet()
        said: list[Any] = []
        self.there.setNameForLocal("talker", Talker(said))
        self.there.setNameForLocal("other", Talker(said))
        talker, other = map(self.here.remoteForName, ("talker", "other"))
        for make in THINGS:
            talker.callRemote("tell", LARGE)
            other.callRemote("tell", 1, make())
            other.callRemote("tell", 2)
            await self.result(other.callRemote("tell", 3, make()))
            self.assertEqual(["large", 1, 2, 3], said)
            said.clear()
        await self.settle()
        self.assertNothingHeld()

    async def test_A4d_effectsBeforeAnswers(self) -> None:
        """
        What a method has announced is there when it has answered; an answer
        to a call that came later does not wait for it.
        """
        await self.meet()
        Follower.said.clear()
        pond, desk = Pond(FOLLOWER), self.ourDesk
        await self.result(self.toThem.callRemote("keep", pond))
        waiting = self.toUs.callRemote("wait")

        class Adding(pb.Referenceable):
            def remote_add(self, duck: Any) -> int:
                pond.addDuck(duck * 700_000)
                desk.waiting.pop().callback("waited")
                return 7

            def remote_addAndFail(self, duck: Any) -> None:
                pond.addDuck(duck * 700_000)
                raise stock.Error("failed")

        self.here.setNameForLocal("adding", Adding())
        adding = self.there.remoteForName("adding")
        await self.settle()
        said = Follower.said
        added = adding.callRemote("add", "x").addCallback(said.append)
        waiting.addCallback(said.append)
        asked = self.toUs.callRemote("echo", "asked").addCallback(said.append)
        for call in (added, waiting, asked):
            await self.result(call)
        self.assertEqual(["asked", "large", "waited", 7], said)
        said.clear()
        failed = adding.callRemote("addAndFail", "x")
        failed.addErrback(lambda failure: said.append(failure.value))
        asked = self.toUs.callRemote("echo", "asked").addCallback(said.append)
        for call in (failed, asked):
            await self.result(call)
        self.assertEqual(["asked", "large", "failed"], said)
        # A heartbeat is answered with an error.
        said.clear()
        pond.addDuck("x" * 10_000_000)
        beat = self.there.remoteForName("nobody").callRemote("x")
        await self.result(beat.addErrback(lambda _: said.append("beat")))
        await self.result(self.toThem.callRemote("drop", pb.Referenceable()))
        self.assertEqual(["beat", "large"], said)
        await self.settle()

    async def test_A4d_snapshotBeforeChanges(self) -> None:
        """
        What is told after a large answer is told after it: who asks for all
        and then hears of changes hears of none before.
        """
        await self.meet()
        said: list[Any] = []
        self.there.setNameForLocal("talker", Talker(said))
        talker = self.here.remoteForName("talker")
        self.ourDesk.things["all"] = LONG

        class Asked(pb.Referenceable):
            def remote_ask(self) -> Any:
                Deferred.fromCoroutine(self.tell())
                return LONG

            async def tell(self) -> None:
                await deferLater(reactor, 0, talker.callRemote, "tell", "a change")

        self.here.setNameForLocal("asked", Asked())
        asked = self.there.remoteForName("asked").callRemote("ask")
        asked.addCallback(lambda _: said.append("all"))
        await self.result(asked)
        while len(said) < 2:
            await deferLater(reactor, 0)
            await self.settle()
        self.assertEqual(["all", "a change"], said)

    async def test_E1_neverOvertaking(self) -> None:
        """
        A program may have stock's order.
        """

        class Strict(pb.Broker):
            overtaking = False

        class StrictServer(pb.PBServerFactory):
            protocol = Strict

        class StrictClient(pb.PBClientFactory):
            protocol = Strict

        self.ours = self.theirs = Factories(StrictServer, StrictClient)
        await self.meet()
        said: list[Any] = []
        self.there.setNameForLocal("talker", Talker(said))
        self.there.setNameForLocal("other", Talker(said))
        talker, other = map(self.here.remoteForName, ("talker", "other"))
        talker.callRemote("tell", LARGE)
        await self.result(other.callRemote("tell", "other"))
        self.assertEqual(["large", "other"], said)

    async def test_A4d_lostMidway(self) -> None:
        """
        When the connection is lost while they are on their way, calls fail,
        and nothing is left of them, nor of what was in them.
        """
        await self.meet()
        ponds = [make() for make in CACHEABLES]
        calls = [self.toThem.callRemote("keep", LARGE, pond) for pond in ponds]
        for pond in ponds:
            calls.append(self.toThem.callRemote("drop", pond))
            oneWay = self.toThem.callRemote("drop", LARGE, pond, pbanswer=False)
            self.assertIsNone(oneWay)
            if isinstance(pond, Pond):
                pond.addDuck("held back")
        self.ourDesk.things["large"] = [LARGE, *ponds]
        calls.append(self.toUs.callRemote("get", "large"))
        booked = Booked()
        calls.append(self.toThem.callRemote("keep", LARGE, booked))
        told = booked.book.callRemote("addDuck", "held back")
        await self.wire.cut(self.line)
        await self.settle()  # who is told of that may be told before the others
        for call in calls:
            self.failureResultOf(call, stock.PBConnectionLost, stock.DeadReferenceError)
        self.assertEqual(1, len(self.successResultOf(told).dropped))
        for pond in ponds:
            self.assertLeft(pond)
        for broker in (self.here, self.there):
            self.assertEqual(0, len(broker._departures))
            self.assertEqual(0, len(broker._untaken))
            self.assertEqual({}, broker._asked)
            self.assertIsNone(broker._nextTurn)
        self.assertEqual([], self.theirDesk.kept)
        await self.assertUnharmed(self.other)


class _Larger(Ends):
    """
    What is larger than one of two ends wants.
    """

    async def meetUnequal(self, ours: Limits, theirs: Limits) -> None:
        self.ours = pbextWith(limits=ours)
        self.theirs = pbextWith(limits=theirs)
        await self.meet()
        self.record = LogRecord(self)

    async def meetNarrow(self) -> None:
        """
        The other end takes less than this one sends.
        """
        await self.meetUnequal(Limits(), Limits(maxMessageBytes=200_000))

    def assertTooLarge(self, failure: Any, what: str) -> None:
        self.assertIsInstance(failure.value, NotSendable)
        self.assertTrue(failure.check(BananaError))
        self.assertIn(what, str(failure.value))

    async def test_E1_forTheSender(self) -> None:
        """
        A call that is larger than the sender's own limit, as a whole, fails
        at once.
        """
        await self.meetUnequal(Limits(maxMessageBytes=1_000_000), Limits())
        for make in THINGS:
            thing = make()
            call = self.toThem.callRemote("keep", thing, LARGE, LARGE[:400_000])
            failure = self.failureResultOf(call)
            self.assertTooLarge(failure, "the value at $ cannot be sent (a message of")
            self.assertIn("as a whole): the limit is", str(failure.value))
            self.assertIn("maxMessageBytes=1000000", str(failure.value))
            self.assertGiven(self.here)
        await self.settle()
        self.assertEqual([], self.theirDesk.kept)
        self.ourDesk.things["large"] = [LARGE, LARGE[:400_000]]
        failure = await self.failure(self.toUs.callRemote("get", "large"))
        self.assertEqual(qual(NotSendable).encode(), failure.type)
        self.assertIn("maxMessageBytes=1000000", failure.value)
        [said] = self.record.take()
        self.assertIn("maxMessageBytes=1000000", said)
        await self.assertUnharmed()

    async def test_E1_forTheReceiver(self) -> None:
        """
        A call that is larger than the receiver's fails as well; what was in it
        does not count as given, and can be sent again.
        """
        await self.meetNarrow()
        for make in THINGS:
            thing = make()
            known = make()
            await self.result(self.toThem.callRemote("keep", known))
            call = self.toThem.callRemote("keep", LARGE, thing, known)
            failure = await self.failure(call)
            self.assertTooLarge(failure, "the peer's limit is maxMessageBytes=200000")
            [said] = self.record.take()
            self.assertIn("is too large", said)
            self.assertIsNone(
                self.toThem.callRemote("keep", LARGE, thing, known, pbanswer=False)
            )
            await self.settle()
            said = self.record.take()
            self.assertEqual(2, len(said))
            self.assertIn("has not taken a message", "".join(said))
            self.assertGiven(self.here, 1)
            self.assertLeft(thing, 2)
            await self.result(self.toThem.callRemote("keep", thing, known))
            self.assertEqual(3, len(self.theirDesk.kept))
            self.assertGiven(self.here, 1, 2)
            self.theirDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_E1_nobodyWaits(self) -> None:
        """
        Who has given up a call, or gives it so much time, is not told of it.
        """
        self.theirs = pbextWith(limits=Limits(maxMessageBytes=200_000))
        self.ours = pbextWith(limits=Limits(callSeconds=1000))
        await self.meet()
        before = set(self.here._deadlines or ())
        call = self.toThem.callRemote("keep", LARGE)
        cancelled = self.toThem.callRemote("keep", LARGE)
        cancelled.cancel()
        await self.failure(call)
        await self.failure(cancelled)
        await self.settle()
        self.assertFalse(self.here._abandoned)
        self.assertEqual(before, set(self.here._deadlines or ()))
        await self.assertUnharmed()

    async def test_E3_forTheReceiver(self) -> None:
        """
        So does one whose answer is larger than who asks for it wants; there is
        a line in the log of each end.
        """
        await self.meetNarrow()
        for make in THINGS:
            self.ourDesk.things["large"] = [LARGE, make()]
            failure = await self.failure(self.toUs.callRemote("get", "large"))
            self.assertEqual(qual(NotSendable).encode(), failure.type)
            self.assertIn("the peer's limit is maxMessageBytes=200000", failure.value)
            await self.settle()
            self.assertNothingHeld()
            self.assertEqual(2, len(self.record.take()))
        await self.assertUnharmed()

    async def test_A4d_forTheReceiver(self) -> None:
        """
        A cache that has missed an update, since it was too large for its end,
        says so.
        """
        await self.meetNarrow()
        for acknowledged in (True, False):
            pond = Pond(WATCHER)
            pond.observers.acknowledged = acknowledged
            for remote in (self.toThem, self.toUs.broker.remoteForName("nobody")):
                if remote is self.toThem:
                    await self.result(remote.callRemote("keep", pond))
            [cache] = self.theirDesk.kept
            delivery = await self.result(pond.addDuck(LARGE))
            await self.settle()
            self.assertEqual([], cache.ducks)
            self.assertEqual("stale", cache.cacheState.value)
            self.failureResultOf(cache.whenLive(), StaleCache)
            if acknowledged:
                [failure] = delivery.failed.values()
                self.assertTooLarge(failure, "maxMessageBytes=200000")
                self.assertEqual(1, len(pond.failed))
            self.record.take()
            del cache
            self.theirDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_E1_items(self) -> None:
        """
        A large message of too many parts costs a call, and no connection.
        """
        await self.meetUnequal(Limits(), Limits(items=50_000))
        call = self.toThem.callRemote("keep", [1] * 60_000, pb.Referenceable())
        failure = await self.failure(call)
        self.assertTooLarge(failure, "the peer's limit is items=50000")
        self.assertEqual(1, len(self.record.take()))
        self.assertNothingHeld()
        await self.assertUnharmed()


#: Twisted's own, in a process of its own: a server that says which dialect it
#: speaks when it is called, and a client that calls and says so.
STOCK_SERVER = """\
import sys
from twisted.internet import reactor
from twisted.spread import pb
class Root(pb.Root):
    def remote_echo(self, thing):
        [broker] = brokers
        return [broker.currentDialect, thing]
brokers = []
class Broker(pb.Broker):
    def connectionReady(self):
        brokers.append(self)
        pb.Broker.connectionReady(self)
factory = pb.PBServerFactory(Root())
factory.protocol = Broker
print("port", reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port)
reactor.run()
"""
STOCK_CLIENT = """\
import sys
from twisted.internet import reactor
from twisted.spread import pb
factory = pb.PBClientFactory()
reactor.connectTCP("127.0.0.1", int(sys.argv[1]), factory)
def call(root):
    echo = root.callRemote("echo", "frog")
    return echo.addCallback(lambda echo: print(root.broker.currentDialect, echo))
def large(_):
    root = factory.getRootObject()
    return root.addCallback(lambda root: root.callRemote("get", "it"))
done = factory.getRootObject().addCallback(call).addCallback(large)
done.addErrback(lambda failure: print("failed:", failure.type))
done.addCallback(lambda _: reactor.stop())
reactor.run()
"""


class StockProcessTests(TestCase):
    """
    With Twisted's at the other end of TCP, the oldest that there may be, the
    dialect is C{pb}, and what is too large is an error of who tries.
    """

    timeout = 60

    async def test_server(self) -> None:
        """
        A client of ours calls.
        """
        child = Child.start(self, [stockPython(), "-c", STOCK_SERVER])
        port = int((await child.waitFor(r"^port (\d+)"))[1])
        factory = pb.PBClientFactory()
        client: Any = await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(
            factory
        )
        self.addCleanup(client.transport.abortConnection)
        root = await factory.getRootObject()
        self.assertEqual([b"pb", "frog"], await root.callRemote("echo", "frog"))
        self.assertEqual(b"pb", client.dialect)
        failure = self.failureResultOf(root.callRemote("echo", LARGE), NotSendable)
        self.assertIn("the limit is 655360 bytes", str(failure.value))
        _, echo = await root.callRemote("echo", LONG)
        self.assertEqual(LONG, echo)

    async def test_client(self) -> None:
        """
        A server of ours is called.
        """
        desk = Desk()
        desk.things["it"] = LARGE
        port = reactor.listenTCP(0, pb.PBServerFactory(desk), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        arguments = [stockPython(), "-c", STOCK_CLIENT, str(port.getHost().port)]
        child = Child.start(self, arguments)
        code, output = await child.ended()
        self.assertEqual(0, code, output)
        dialect, failed = output.splitlines()
        self.assertEqual("b'pb' frog", dialect)
        self.assertIn("NotSendable", failed)


class ClosingTests(TestCase):
    """
    What was said last.
    """

    Wire: Any = TCPWire
    timeout = 20

    async def test_lastWords(self) -> None:
        """
        A large message leaves before the connection is closed, as any that
        was sent before.
        """
        desk = Desk()
        wire = self.Wire(desk, PBEXT, PBEXT)
        line = await wire.connect()
        self.addCleanup(lambda: Deferred.fromCoroutine(wire.close()))
        for _ in range(3):
            line.root.callRemote("keep", b"x" * 5_000_000, pbanswer=False)
        line.client.transport.loseConnection()
        await wire.lost(line)
        self.assertEqual([5_000_000] * 3, [len(thing) for thing in desk.kept])


class ClosingTLSTests(ClosingTests):
    """
    The same over TLS.
    """

    Wire = TLSWire


for _tests in (_Large, _Larger):
    globals().update(across(module=__name__, tests=_tests, rows=BOTH))
