"""
L{pbext._timeouts}: how long a peer may be silent.  How long a call waits is
tested in L{tests.test_call_timeouts}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext._timeouts import LAST_WORDS, Patience
from pbext.errors import ConnectionTimedOut
from pbext.testing import Pair, connectedPair
from tests.desks import Desk

#: No limit of time, but for what a test says.
FREE = {"negotiationSeconds": None, "messageSeconds": None}


class PatienceTests(SynchronousTestCase):
    """
    The patience with one peer.

    @ivar over: why it was over, in order.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.over: list[ConnectionTimedOut] = []

    def watch(self, **limits: Any) -> Patience:
        return Patience(Limits(**{**FREE, **limits}), self.clock, self.over.append)

    def assertOver(self, limit: str, seconds: float) -> None:
        """
        It is over, once, because of a limit.
        """
        self.assertEqual(
            [(limit, seconds)], [(error.limit, error.seconds) for error in self.over]
        )

    def assertNotOver(self) -> None:
        self.assertEqual([], self.over)

    def assertNothingDelayed(self) -> None:
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_noLimits(self) -> None:
        """
        Without limits nothing is delayed, whatever there is.
        """
        patience = self.watch()
        self.assertNothingDelayed()
        patience.received(0, True)
        patience.negotiated()
        patience.received(1, True)
        patience.received(2, False)
        self.assertNothingDelayed()
        patience.stop()
        self.assertNotOver()

    def test_negotiation(self) -> None:
        """
        A peer that does not end the negotiation is given up, after so long
        and not before.
        """
        self.watch(negotiationSeconds=7)
        self.clock.advance(6.9)
        self.assertNotOver()
        self.clock.advance(0.1)
        self.assertOver("negotiationSeconds", 7)
        self.assertNothingDelayed()

    def test_negotiationTrickles(self) -> None:
        """
        That something arrives does not make the negotiation take longer.
        """
        patience = self.watch(negotiationSeconds=7)
        for _ in range(7):
            patience.received(0, True)
            self.clock.advance(1)
        self.assertOver("negotiationSeconds", 7)

    def test_negotiated(self) -> None:
        """
        After the negotiation there is nothing to wait for.
        """
        patience = self.watch(negotiationSeconds=7)
        self.clock.advance(6.9)
        patience.negotiated()
        self.assertNothingDelayed()
        self.clock.advance(100)
        self.assertNotOver()

    def test_negotiatedWithout(self) -> None:
        """
        The negotiation may end without a limit of its time.
        """
        self.watch().negotiated()
        self.assertNothingDelayed()

    def test_halfMessage(self) -> None:
        """
        A message that has begun must end, after so long and not later.
        """
        patience = self.watch(messageSeconds=7)
        self.assertNothingDelayed()
        self.clock.advance(100)
        patience.received(0, True)
        self.clock.advance(6.9)
        self.assertNotOver()
        self.clock.advance(0.1)
        self.assertOver("messageSeconds", 7)
        self.assertNothingDelayed()

    def test_trickle(self) -> None:
        """
        From its first byte: what arrives of it later does not help.
        """
        patience = self.watch(messageSeconds=7)
        for _ in range(7):
            patience.received(3, True)
            self.clock.advance(1)
        self.assertOver("messageSeconds", 7)

    def test_completed(self) -> None:
        """
        When it has ended, there is nothing to wait for.
        """
        patience = self.watch(messageSeconds=7)
        patience.received(0, True)
        self.clock.advance(6.9)
        patience.received(1, False)
        self.assertNothingDelayed()
        self.clock.advance(100)
        self.assertNotOver()

    def test_whole(self) -> None:
        """
        Messages that arrive whole cost no delayed call.
        """
        patience = self.watch(messageSeconds=7)
        for messages in range(1, 100):
            patience.received(messages, False)
            self.assertNothingDelayed()

    def test_nextHalf(self) -> None:
        """
        The next message has its own time, if it begins with the bytes that
        end the one before, too.
        """
        patience = self.watch(messageSeconds=7)
        for messages in range(10):
            patience.received(messages, True)
            self.assertEqual(1, len(self.clock.getDelayedCalls()))
            self.clock.advance(6)
        self.assertNotOver()
        self.clock.advance(1)
        self.assertOver("messageSeconds", 7)

    def test_many(self) -> None:
        """
        However many messages end with the same bytes.
        """
        patience = self.watch(messageSeconds=7)
        patience.received(0, True)
        self.clock.advance(6)
        patience.received(100, True)
        self.clock.advance(6)
        self.assertNotOver()
        patience.received(100, True)
        self.clock.advance(1)
        self.assertOver("messageSeconds", 7)

    def test_idle(self) -> None:
        """
        A peer that says nothing is given up, after so long and not before.
        """
        self.watch(idleSeconds=7)
        self.clock.advance(6.5)
        self.assertNotOver()
        self.clock.advance(0.5)
        self.assertOver("idleSeconds", 7)
        self.assertNothingDelayed()

    def test_notIdle(self) -> None:
        """
        So long since the last byte, be it of half a message.
        """
        patience = self.watch(idleSeconds=7)
        patience.negotiated()
        for incomplete in (True, False) * 10:
            self.clock.advance(6.5)
            patience.received(0, incomplete)
        self.clock.advance(6.5)
        self.assertNotOver()
        self.clock.advance(0.5)
        self.assertOver("idleSeconds", 7)

    def test_idleOnce(self) -> None:
        """
        What arrives makes no delayed call anew: there is one at all times.
        """
        patience = self.watch(idleSeconds=7)
        [first] = self.clock.getDelayedCalls()
        for _ in range(6):
            patience.received(0, False)
            self.clock.advance(1)
        self.assertEqual([first], self.clock.getDelayedCalls())
        self.clock.advance(1)
        [second] = self.clock.getDelayedCalls()
        self.assertIsNot(first, second)
        self.assertNotOver()

    def test_first(self) -> None:
        """
        Each limit is watched, and the first that is reached is named.
        """
        limits = {"negotiationSeconds": 3, "messageSeconds": 4, "idleSeconds": 5}
        for name in limits:
            self.over.clear()
            patience = self.watch(**{**limits, name: 2})
            patience.received(0, True)
            self.clock.advance(1)
            self.assertNotOver()
            self.clock.advance(1)
            self.assertOver(name, 2)
            patience.stop()

    def test_stop(self) -> None:
        """
        When the connection is over, no delayed call is left.
        """
        patience = self.watch(negotiationSeconds=7, messageSeconds=7, idleSeconds=7)
        patience.received(0, True)
        self.assertEqual(3, len(self.clock.getDelayedCalls()))
        patience.stop()
        self.assertNothingDelayed()
        patience.stop()
        self.clock.advance(100)
        self.assertNotOver()

    def test_stopInside(self) -> None:
        """
        It may be stopped by what is told that it is over.
        """
        patience = Patience(
            Limits(negotiationSeconds=7, idleSeconds=8),
            self.clock,
            lambda error: (self.over.append(error), patience.stop()),
        )
        self.clock.advance(7)
        self.assertOver("negotiationSeconds", 7)
        self.assertNothingDelayed()

    def test_lastWords(self) -> None:
        """
        For what was written last to leave there is a while, and no other
        limit any more.
        """
        patience = self.watch(negotiationSeconds=7, messageSeconds=7, idleSeconds=7)
        patience.received(0, True)
        said: list[str] = []
        patience.lastWords(lambda: said.append("over"))
        self.clock.advance(LAST_WORDS - 0.5)
        self.assertEqual([], said)
        self.clock.advance(0.5)
        self.assertEqual(["over"], said)
        self.clock.advance(100)
        self.assertEqual(["over"], said)
        self.assertNotOver()

    def test_stopLastWords(self) -> None:
        """
        If the connection is over before, it was in time; and if it is by
        this, nothing is left either.
        """
        said: list[str] = []
        early, late = self.watch(), self.watch()
        early.lastWords(lambda: said.append("early"))
        late.lastWords(lambda: (said.append("late"), late.stop()))
        early.stop()
        self.assertEqual(1, len(self.clock.getDelayedCalls()))
        self.clock.advance(LAST_WORDS)
        self.assertEqual(["late"], said)
        late.stop()
        self.assertNothingDelayed()


class ConnectionTests(SynchronousTestCase):
    """
    A connection whose peer is silent.
    """

    def serve(self, clients: int = 1, chunk: int | None = None, **limits: Any) -> Pair:
        pair = connectedPair(
            Desk(),
            clients=clients,
            chunk=chunk,
            serverFactory=lambda root: pb.PBServerFactory(
                root, limits=Limits(**limits)
            ),
        )
        self.addCleanup(pair.close)
        return pair

    def test_idle(self) -> None:
        """
        One that is idle is closed, with one line in the log; one that is not,
        stays.
        """
        pair = self.serve(2, idleSeconds=60)
        silent, other = pair.links
        waiting = silent.client.remoteForName("root").callRemote("wait")
        pair.flush()
        with capturedLogs() as events:
            for _ in range(3):
                pair.clock.advance(30)
                pair.result(other.root.callRemote("echo", 1))
        self.assertFalse(silent.connected)
        self.assertTrue(other.connected)
        self.failureResultOf(waiting, stock.PBConnectionLost)
        self.assertIsInstance(silent.server.fault, ConnectionTimedOut)
        [event] = events
        line = formatEvent(event) or ""
        self.assertTrue(line.startswith("the connection with "))
        self.assertTrue(line.endswith(f" is closed: {silent.server.fault}"))

    def test_waitingCalls(self) -> None:
        """
        The calls of this side that wait for such a peer fail, for the reason
        that the connection was closed.
        """
        pair = self.serve(idleSeconds=60)
        desk = Desk()
        pair.client.setNameForLocal("desk", desk)
        waiting = pair.server.remoteForName("desk").callRemote("wait")
        pair.flush()
        with capturedLogs():
            pair.clock.advance(60)
            pair.flush()
        failure = self.failureResultOf(waiting, stock.PBConnectionLost)
        self.assertIn("idleSeconds=60", str(failure.value))

    def test_half(self) -> None:
        """
        Half a message costs the connection in the end.
        """
        pair = self.serve(chunk=1, messageSeconds=7)
        pair.root.callRemote("keep", 1, pbanswer=False)
        pair.pump()
        pair.clock.advance(6.5)
        pair.pump()
        self.assertTrue(pair.links[0].connected)
        with capturedLogs():
            pair.clock.advance(0.5)
            pair.flush()
        self.assertFalse(pair.links[0].connected)
        self.assertEqual("messageSeconds", pair.server.fault.limit)
        self.assertEqual([], pair.serverFactory.root.kept)

    def test_slow(self) -> None:
        """
        A message that comes byte by byte does not, if it ends in time; nor do
        many of them.
        """
        pair = self.serve(chunk=1, messageSeconds=7)
        for number in range(5):
            pair.root.callRemote("keep", number, pbanswer=False)
        while pair.pump():
            pair.clock.advance(0.125)
        self.assertEqual([0, 1, 2, 3, 4], pair.serverFactory.root.kept)
        self.assertGreater(pair.clock.seconds(), 2 * 7)
        self.assertTrue(pair.links[0].connected)
        self.assertEqual([], pair.clock.getDelayedCalls())

    def test_noneLeft(self) -> None:
        """
        A connection that is lost leaves no delayed calls at either end.
        """
        limits = Limits(idleSeconds=60, callSeconds=60)
        pair = connectedPair(
            Desk(),
            serverFactory=lambda root: pb.PBServerFactory(root, limits=limits),
            clientFactory=lambda: pb.PBClientFactory(limits=limits),
        )
        waiting = pair.root.callRemote("wait")
        pair.flush()
        self.assertEqual(3, len(pair.clock.getDelayedCalls()))
        pair.close()
        self.assertEqual([], pair.clock.getDelayedCalls())
        self.failureResultOf(waiting, stock.PBConnectionLost)

    def test_quietConnection(self) -> None:
        """
        By default, a connection that was negotiated has no delayed calls.
        """
        pair = self.serve()
        pair.result(pair.root.callRemote("echo", 1))
        self.assertEqual([], pair.clock.getDelayedCalls())
