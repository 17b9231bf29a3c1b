"""
L{pbext._connection}: one connection, on whichever factory and transport, and
what happens just when it is lost.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.spread import banana
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext.errors import BadMessage, DeadReference, NotSendable
from pbext.testing import connectedPair
from tests.ponds import STOCK_WATCHER, Pond, PondRoot, PondTestCase, StockPond


class Server(stock.PBServerFactory):
    """
    Twisted's factory, with our broker.
    """

    protocol = pb.Broker


class Client(stock.PBClientFactory):
    """
    Twisted's factory, with our broker.
    """

    protocol = pb.Broker


class Failing(pb.Root):
    def remote_fail(self) -> None:
        raise ZeroDivisionError("my password")

    def remote_countFrogs(self) -> int:
        return 7


class OtherFactoryTests(SynchronousTestCase):
    """
    Our broker on a factory of Twisted's, and the other way round.
    """

    def test_defaults(self) -> None:
        """
        A factory that says nothing of limits, of errors and of a clock has
        the defaults.
        """
        with connectedPair(Failing(), serverFactory=Server, clientFactory=Client) as p:
            for broker in p.client, p.server:
                self.assertEqual(Limits(), broker.limits)
                self.assertIs(reactor, broker.clock)
                self.assertEqual((), broker.declaredErrors)
            self.assertEqual(7, p.result(p.root.callRemote("countFrogs")))
            self.assertIsNot(p.client.peerLog, p.server.peerLog)

    def test_incidents(self) -> None:
        """
        An error whose text is not to be sent is not.
        """
        with connectedPair(Failing(), serverFactory=Server, clientFactory=Client) as p:
            answer = p.root.callRemote("fail")
            p.flush()
            failure = self.failureResultOf(answer, ZeroDivisionError)
        [logged] = self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual("my password", str(logged.value))
        self.assertNotIn("password", failure.value)

    def test_nothingDelayed(self) -> None:
        """
        The reactor is asked to call for the negotiation, and for no longer
        than that.
        """
        before = {*reactor.getDelayedCalls()}  # type: ignore[attr-defined]  # the module stands for the reactor
        broker = Server(Failing()).buildProtocol(None)
        broker.makeConnection(StringTransport())
        [delayed] = {*reactor.getDelayedCalls()} - before  # type: ignore[attr-defined]
        self.assertTrue(delayed.active())
        broker.connectionLost(Failure(ConnectionDone()))
        self.assertFalse(delayed.active())
        with connectedPair(Failing(), serverFactory=Server, clientFactory=Client):
            after = {*reactor.getDelayedCalls()}  # type: ignore[attr-defined]
        self.assertEqual(before, after)

    def test_otherBroker(self) -> None:
        """
        Our factories take another broker than ours, and do nothing to it.
        """

        class OurServer(pb.PBServerFactory):
            protocol = stock.Broker

        class OurClient(pb.PBClientFactory):
            protocol = stock.Broker

        with connectedPair(
            Failing(), serverFactory=OurServer, clientFactory=OurClient
        ) as p:
            self.assertIs(stock.Broker, type(p.server))
            self.assertEqual({p.server}, p.serverFactory.connections)
            self.assertFalse(hasattr(p.server, "limits"))
            self.assertEqual(7, p.result(p.root.callRemote("countFrogs")))
        self.assertEqual(set(), p.serverFactory.connections)

    def test_reasonOfTheTransport(self) -> None:
        """
        A client whose connection was not given up here is told why its
        transport has lost it.
        """
        never, once = pb.PBClientFactory(), pb.PBClientFactory()
        broker = once.buildProtocol(None)
        broker.makeConnection(StringTransport())
        broker.connectionLost()
        for factory in never, once:
            root, reason = factory.getRootObject(), Failure(ConnectionDone())
            factory.clientConnectionLost(None, reason)
            self.assertIs(reason, self.failureResultOf(root))


class _Transport:
    """
    One that can be closed in one way only.
    """

    def __init__(self) -> None:
        self.written = b""
        self.closed = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def loseConnection(self) -> None:
        self.closed += 1

    def getPeer(self) -> UNIXAddress:
        return UNIXAddress(b"/pond")


class NonsenseTests(SynchronousTestCase):
    """
    A peer that talks nonsense, over a transport that is not lost at once.
    """

    def connect(self, transport: Any, **limits: Any) -> Any:
        """
        @return: a server's broker.
        """
        self.clock = Clock()
        factory = pb.PBServerFactory(
            Failing(), limits=Limits(**limits), clock=self.clock
        )
        broker = factory.buildProtocol(None)
        broker.makeConnection(transport)
        broker.dataReceived(banana.encode(b"pb"))
        return broker

    def test_onceOnly(self) -> None:
        """
        The first nonsense closes the connection, with one line in the log,
        and is its fault; the rest is not even read, and that the peer falls
        silent then is no news.
        """
        broker = self.connect(StringTransport(), idleSeconds=5)
        with capturedLogs() as events:
            broker.dataReceived(banana.encode(b"one") + banana.encode([b"message"]))
            fault = broker.fault
            broker.dataReceived(banana.encode([b"message"]))
            self.clock.advance(9)
        self.assertIsInstance(fault, BadMessage)
        self.assertIs(fault, broker.fault)
        [line] = [formatEvent(event) for event in events]
        self.assertEqual(
            f"the connection with 192.168.1.1:54321 is closed: {fault}", line
        )

    def test_transports(self) -> None:
        """
        A transport that cannot be aborted is closed as it can be; and a peer
        that has no host and no port is named as its address is.
        """
        transport = _Transport()
        broker = self.connect(transport)
        with capturedLogs() as events:
            broker.dataReceived(banana.encode(b"one"))
        self.assertEqual(1, transport.closed)
        [line] = [formatEvent(event) or "" for event in events]
        self.assertIn(f"with {UNIXAddress(b'/pond')} is closed", line)

    def test_afterTheLoss(self) -> None:
        """
        What is found wrong when the connection is lost already is not said.
        """
        broker = self.connect(StringTransport())
        broker.connectionLost(Failure(ConnectionDone()))
        with capturedLogs() as events:
            broker.dataReceived(banana.encode(b"one"))
        self.assertIsNone(broker.fault)
        self.assertEqual([], events)

    def test_neverConnected(self) -> None:
        """
        A broker that was never connected can be lost all the same.
        """
        told: list[None] = []
        broker = pb.Broker()
        broker.notifyOnDisconnect(lambda: told.append(None))
        broker.connectionLost()
        self.assertEqual([None], told)
        self.assertTrue(broker.disconnected)


class Cutting(pb.Copyable):
    """
    Cuts the line while it is put into a message.
    """

    def __init__(self, pair: Any, then: Any = None) -> None:
        self._pair = pair
        self._then = then

    def getStateToCopy(self) -> Any:
        self._pair.close()
        return {"then": self._then}


class CuttingRoot(PondRoot):
    """
    Cuts the line when it is called.
    """

    pair: Any

    def remote_cut(self) -> None:
        self.pair.close()

    def remote_cutLater(self) -> Any:
        return Cutting(self.pair, self.things["pond"])

    def remote_note(self, what: str) -> None:
        self.kept[what] = True


class LossTests(PondTestCase):
    """
    A connection that is lost in the midst of something.
    """

    def serve(self, **things: Any) -> Any:
        """
        @return: the root, as the client sees it.
        """
        self.root = CuttingRoot(**things)
        self.pair = self.root.pair = connectedPair(self.root)
        self.addCleanup(self.pair.close)
        return self.pair.root

    def assertQuiet(self, events: Any) -> None:
        self.assertEqual([], [e for e in events if e["log_level"] >= LogLevel.warn])

    def test_restOfAChunk(self) -> None:
        """
        What has arrived together with the message that loses the connection
        is not done any more, nor said to have failed.
        """
        root = self.serve()
        with capturedLogs() as events:
            answers = [
                root.callRemote("note", "before"),
                root.callRemote("cut"),
                root.callRemote("note", "after"),
                root.callRemote("nothing"),
            ]
            self.pair.client.sendCall(b"decache", 7)
            self.pair.flush()
        for answer in answers:
            self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual({"before": True}, self.root.kept)
        self.assertQuiet(events)

    def test_whileACallIsMade(self) -> None:
        """
        A call that is lost while it is made fails, whatever is in it, be it
        the first thing in it or the last.
        """
        for things in (
            lambda cutting: [cutting],
            lambda cutting: [pb.Referenceable(), Pond(), StockPond(), cutting],
            lambda cutting: [cutting, pb.Referenceable()],
            lambda cutting: [cutting, Pond()],
            lambda cutting: [cutting, StockPond()],
        ):
            root = self.serve()
            with capturedLogs() as events:
                failed = root.callRemote("take", *things(Cutting(self.pair)))
                self.failureResultOf(failed, DeadReference)
                root = self.serve()
                failed = root.callRemote("take", it=things(Cutting(self.pair)))
                self.failureResultOf(failed, DeadReference)
            self.assertQuiet(events)
            self.assertEqual({}, self.pair.client.waitingForAnswers)

    def test_whileAnAnswerIsMade(self) -> None:
        """
        An answer that is lost while it is made is lost quietly, and nobody
        observes what is in it.
        """
        for pond in Pond(), StockPond():
            root = self.serve(pond=pond)
            with capturedLogs() as events:
                answer = root.callRemote("cutLater")
                self.pair.flush()
            self.failureResultOf(answer, pb.PBConnectionLost)
            self.assertQuiet(events)
            self.assertEqual([], pond.left)

    def test_whileStateIsGathered(self) -> None:
        """
        A Cacheable that loses the connection while its state is gathered has
        no observer then; be it that what it returns cannot be sent.
        """
        for state in {"name": "pond"}, object(), [object()], Pond():

            class Cut(Pond):
                def getStateToCacheAndObserveFor(self, perspective: Any, o: Any) -> Any:
                    self.pair.close()
                    return state  # noqa: B023  # called in this round

            pond = Cut()
            root = self.serve()
            pond.pair = self.pair
            with capturedLogs() as events:
                failed = root.callRemote("take", "it", pond)
                self.failureResultOf(failed, DeadReference, NotSendable)
            self.assertEqual(0, len(pond.observers))
            self.assertQuiet(events)

    def test_stockObservers(self) -> None:
        """
        An observer of stock's whose peer is gone can be called in vain.
        """
        pond = StockPond(STOCK_WATCHER)
        root = self.serve(pond=pond)
        self.cache = self.pair.result(root.callRemote("get"))
        [observer] = pond.followers.values()
        self.pair.close()
        for answer in (
            observer.callRemote("addDuck", "huey"),
            observer.remoteMethod("addDuck")("huey"),
        ):
            self.failureResultOf(answer, stock.DeadReferenceError)
        self.assertEqual([observer], pond.left)


class _Broken(StringTransport):
    """
    Cannot be written to, from some time on.
    """

    broken = False

    def write(self, data: bytes) -> None:
        if self.broken:
            raise OSError("no")
        super().write(data)


class BrokenTransportTests(SynchronousTestCase):
    """
    A transport that raises when it is written to, which none should.
    """

    def connect(self, pond: Any = None) -> Any:
        """
        @return: a server's broker, at whose other end nobody is.
        """
        self.transport = _Broken()
        factory = pb.PBServerFactory(Failing(), clock=Clock())
        broker = factory.buildProtocol(None)
        broker.makeConnection(self.transport)
        broker.dataReceived(banana.encode(b"pb"))
        return broker

    def test_call(self) -> None:
        """
        A call fails for that, and nothing is left of it.
        """
        broker = self.connect()
        self.transport.broken = True
        pond, duck = Pond(), pb.Referenceable()
        call = broker.remoteForName("root").callRemote("take", pond, duck)
        self.failureResultOf(call, OSError)
        self.assertEqual({}, broker.waitingForAnswers)
        self.assertEqual((0, 1), (len(pond.observers), len(pond.left)))
        self.assertEqual({}, broker.luids)

    def test_update(self) -> None:
        """
        So does an update.
        """
        broker, pond = self.connect(), Pond()
        call = broker.remoteForName("root").callRemote("take", pond)
        self.assertNoResult(call)
        [observer] = pond.observers
        waiting = dict(broker.waitingForAnswers)
        self.transport.broken = True
        self.failureResultOf(observer.callRemote("addDuck", "huey"), OSError)
        self.assertEqual(waiting, broker.waitingForAnswers)

    def test_answer(self) -> None:
        """
        A caller that cannot be told anything loses the connection rather than
        wait for ever.
        """
        broker = self.connect()
        self.transport.broken = True
        message = [b"message", 1, b"root", b"countFrogs", 1, [b"tuple"]]
        broker.dataReceived(banana.encode([*message, [b"dictionary"]]))
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(1, len(self.flushLoggedErrors(OSError)))
