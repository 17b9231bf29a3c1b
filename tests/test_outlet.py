"""
L{pbext._outlet}: what a broker writes, on transports that do not take it all.
Over sockets it is in L{tests.test_outlet_sockets}; what it owes to peers that do
not read, in L{tests.test_faults_unread}.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from zope.interface import directlyProvides

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import FileWrapper
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.test.iosim import FakeTransport
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits
from pbext._backlog import PIECE
from pbext._memory import _MemoryTransport
from pbext._outlet import Outlet
from pbext._turn import turnOf

#: As much as a transport takes before it says that it is full.
FULL = 2**16


class Wired:
    """
    An outlet on a transport in memory.

    @ivar events: what its owner was told.
    @ivar onMoved: what the owner does when something has left.
    """

    def __init__(self, transport: Any = None, **limits: int) -> None:
        self.clock = Clock()
        self.transport = _MemoryTransport() if transport is None else transport
        self.events: list[str] = []
        self.onMoved: Any = lambda: None
        self.outlet = Outlet(self.transport, Limits(**limits), turnOf(self.clock), self)

    def unreadReached(self) -> None:
        self.events.append("reached")

    def unreadMoved(self) -> None:
        self.events.append("moved")
        self.onMoved()

    def block(self) -> None:
        """
        Write until the transport is full, and nothing waits.
        """
        self.outlet.write(b"x" * (FULL + 1))

    def drain(self) -> bytes:
        """
        @return: all that comes out of the transport.
        """
        out = b""
        while piece := self.transport.take(None):
            out += piece
        return out


def tls() -> Any:
    """
    @return: a transport in memory that says that it is TLS, and is never full.
    """
    transport = StringTransport()
    directlyProvides(transport, ISSLTransport)
    return transport


class BackPressureTests(SynchronousTestCase):
    """
    What waits, and where.
    """

    def test_little(self) -> None:
        """
        As long as little is written, it is written, and the transport is
        asked nothing.
        """
        wired = Wired()
        for _ in range(FULL // 1000):
            wired.outlet.write(b"x" * 1000)
            self.assertIsNone(wired.transport.producer)
        self.assertEqual(FULL // 1000 * 1000, len(wired.drain()))

    def test_keepsUp(self) -> None:
        """
        A transport that keeps up is asked for each 64 KiB, and then left
        alone.
        """
        wired = Wired()
        asked = []
        register = wired.transport.registerProducer
        wired.transport.registerProducer = lambda *how: (
            asked.append(how),
            register(*how),
        )
        for _ in range(10 * FULL // 1000):
            wired.outlet.write(b"x" * 1000)
            wired.drain()
            self.assertIsNone(wired.transport.producer)
            self.assertFalse(wired.outlet.paused)
        self.assertEqual([(wired.outlet, True)] * 9, asked)
        self.assertEqual([], wired.clock.getDelayedCalls())

    def test_waits(self) -> None:
        """
        What is written when the transport is full waits here; when it has
        left, the transport is left alone.
        """
        wired = Wired()
        wired.block()
        self.assertTrue(wired.outlet.paused)
        self.assertEqual(0, wired.outlet.behind)
        wired.outlet.write(b"first")
        wired.outlet.write(b"second")
        self.assertEqual(11, wired.outlet.behind)
        self.assertEqual(FULL + 1, len(wired.transport.value()))
        self.assertIs(wired.outlet, wired.transport.producer)
        self.assertTrue(wired.drain().endswith(b"xfirstsecond"))
        self.assertEqual((False, 0), (wired.outlet.paused, wired.outlet.behind))
        self.assertIsNone(wired.transport.producer)

    def test_noticed(self) -> None:
        """
        However small the writes, it is noticed before 128 KiB wait in the
        transport.
        """
        wired = Wired()
        for _ in range(10_000):
            wired.outlet.write(b"x" * 100)
        self.assertLess(len(wired.transport.value()), 2 * FULL)
        self.assertEqual(1_000_000 - len(wired.transport.value()), wired.outlet.behind)

    def test_large(self) -> None:
        """
        Of what is large the transport has a piece at a time.
        """
        wired = Wired()
        wired.outlet.write(bytes(range(256)) * 2**14)
        left = []
        while piece := wired.transport.take(None):
            left.append(len(piece))
        self.assertEqual([PIECE] * (2**22 // PIECE), left)

    def test_resumedOften(self) -> None:
        """
        A transport may resume its producer when it has not paused it.
        """
        wired = Wired()
        wired.outlet.resumeProducing()
        wired.block()
        wired.outlet.write(b"more")
        for _ in range(3):
            wired.outlet.pauseProducing()
        self.assertEqual(4, wired.outlet.behind)
        for _ in range(3):
            wired.outlet.resumeProducing()
        self.assertEqual(0, wired.outlet.behind)
        self.assertTrue(wired.drain().endswith(b"xmore"))

    def test_pausedLater(self) -> None:
        """
        TLS, which writes in the reactor's next turn, may say then that it is
        full; and is left alone after one more.
        """
        wired = Wired(tls())
        wired.outlet.write(b"x" * FULL)
        wired.clock.advance(1)
        self.assertIsNone(wired.transport.producer)
        wired.outlet.write(b"x" * FULL)
        self.assertFalse(wired.outlet.paused)
        wired.transport.producer.pauseProducing()
        wired.outlet.write(b"more")
        self.assertEqual(4, wired.outlet.behind)
        wired.clock.advance(1)
        self.assertIs(wired.outlet, wired.transport.producer)
        wired.outlet.resumeProducing()
        self.assertIs(wired.outlet, wired.transport.producer)
        wired.clock.advance(1)
        self.assertIsNone(wired.transport.producer)
        self.assertEqual([], wired.clock.getDelayedCalls())

    def test_leftLast(self) -> None:
        """
        TLS that was told to close forgets what it has gathered if its producer
        leaves: it is left after what it was given last.
        """
        wired = Wired(tls())
        wired.outlet.write(b"x" * FULL)
        [leaving] = wired.clock.getDelayedCalls()
        first = leaving.getTime()
        wired.clock.advance(first / 2)
        wired.outlet.pauseProducing()
        wired.outlet.write(b"more")
        wired.outlet.resumeProducing()
        wired.clock.callLater(0, wired.events.append, "gathered")
        wired.clock.advance(first / 2)
        self.assertEqual(["gathered"], wired.events)
        self.assertIs(wired.outlet, wired.transport.producer)
        wired.clock.advance(first / 2)
        self.assertIsNone(wired.transport.producer)

    @given(
        st.lists(
            st.one_of(
                st.integers(1, 300_000),
                st.sampled_from([("take", 1), ("take", 70_000), ("take", None)]),
            ),
            max_size=40,
        )
    )
    def test_sameBytes(self, steps: list[Any]) -> None:
        """
        Whatever is written and taken, what comes out is what went in, in this
        order, and the count of what waits is right.
        """
        wired = Wired()
        wrote, out = b"", b""
        for number, step in enumerate(steps):
            if isinstance(step, int):
                data = bytes([number]) * step
                wired.outlet.write(data, answer=bool(number % 2))
                wrote += data
            else:
                out += wired.transport.take(step[1])
            held = len(wired.transport.value())
            self.assertLessEqual(held, 2 * FULL + PIECE)
            self.assertEqual(len(wrote) - len(out) - held, wired.outlet.behind)
            self.assertLessEqual(wired.outlet.unread, wired.outlet.behind)
            self.assertEqual(len(wrote), wired.outlet.written)
        self.assertEqual(wrote, out + wired.drain())
        self.assertEqual((0, 0), (wired.outlet.behind, wired.outlet.unread))
        self.assertFalse(wired.outlet.paused)

    def test_lagging(self) -> None:
        """
        A peer lags behind when more than so much waits, not counting what the
        transport has, nor answers, and more than three messages.
        """
        wired = Wired(laggingBytes=1000)
        wired.block()
        wired.outlet.write(b"x" * 5000, True)
        for _ in range(10):
            wired.outlet.write(b"x" * 100)
            self.assertIs(False, wired.outlet.lagging)
        wired.outlet.write(b"x")
        self.assertIs(True, wired.outlet.lagging)
        wired.drain()
        wired.block()
        for _ in range(3):
            wired.outlet.write(b"x" * 5000)
            self.assertIs(False, wired.outlet.lagging)
        wired.outlet.write(b"x")
        self.assertIs(True, wired.outlet.lagging)
        wired.drain()
        self.assertIs(False, wired.outlet.lagging)

    def test_laggingDefault(self) -> None:
        """
        By default it is 256 KiB.
        """
        wired = Wired()
        wired.block()
        for _ in range(2**8):
            wired.outlet.write(b"x" * 2**10)
        self.assertFalse(wired.outlet.lagging)
        wired.outlet.write(b"x")
        self.assertTrue(wired.outlet.lagging)

    def test_stopped(self) -> None:
        """
        When the connection is lost, what waits is dropped, nobody is told, and
        nothing is left to be called.
        """
        wired = Wired()
        wired.block()
        wired.outlet.write(b"more")
        wired.outlet.whenDrained(lambda: wired.events.append("drained"))
        wired.transport.connectionLost()
        self.assertEqual((False, 0), (wired.outlet.paused, wired.outlet.behind))
        wired.outlet.resumeProducing()
        wired.outlet.write(b"x" * FULL)
        wired.outlet.stop()
        self.assertEqual([], wired.events)
        self.assertEqual([], wired.clock.getDelayedCalls())

    def test_stoppedWhileAsking(self) -> None:
        """
        Also when a transport is just being asked; one that is lost already
        says so in its own way.
        """
        wired = Wired(tls())
        wired.outlet.write(b"x" * FULL)
        self.assertEqual(1, len(wired.clock.getDelayedCalls()))
        wired.outlet.stop()
        self.assertEqual([], wired.clock.getDelayedCalls())
        lost = Wired()
        lost.transport.connectionLost()
        lost.outlet.write(b"x" * FULL)
        lost.outlet.write(b"x" * FULL)
        self.assertFalse(lost.outlet.paused)


class DrainedTests(SynchronousTestCase):
    """
    L{Outlet.whenDrained}.
    """

    def test_atOnce(self) -> None:
        """
        Where nothing waits, it is now.
        """
        wired = Wired()
        wired.outlet.whenDrained(lambda: wired.events.append("drained"))
        self.assertEqual(["drained"], wired.events)

    def test_once(self) -> None:
        """
        Each is called once, in order, when nothing waits any more; also the
        one that has to do with nothing but the transport's being full.
        """
        wired = Wired()
        for waiting in b"", b"more":
            wired.block()
            wired.outlet.write(waiting)
            for name in "one", "two":
                wired.outlet.whenDrained(lambda name=name: wired.events.append(name))
            self.assertEqual([], wired.events)
            wired.drain()
            self.assertEqual(["one", "two"], wired.events)
            wired.events.clear()

    def test_dontWait(self) -> None:
        """
        Who does not want to know any more is not told.
        """
        wired = Wired()
        wired.block()

        def one() -> None:
            wired.events.append("one")

        wired.outlet.dontWait(one)
        wired.outlet.whenDrained(one)
        wired.outlet.whenDrained(lambda: wired.events.append("two"))
        wired.outlet.dontWait(one)
        wired.outlet.dontWait(one)
        wired.drain()
        self.assertEqual(["two"], wired.events)

    def test_writesMuch(self) -> None:
        """
        If one of them writes more than can leave, the others wait until that
        has left too.
        """
        wired = Wired()
        wired.block()

        def much() -> None:
            wired.events.append("much")
            wired.outlet.write(b"y" * 3 * FULL)

        wired.outlet.whenDrained(much)
        wired.outlet.whenDrained(lambda: wired.events.append("next"))
        wired.transport.take(None)
        self.assertEqual(["much"], wired.events)
        wired.drain()
        self.assertEqual(["much", "next"], wired.events)

    def test_fails(self) -> None:
        """
        If one of them fails, it is logged, and the others are called.
        """
        wired = Wired()
        wired.block()
        wired.outlet.whenDrained(lambda: 1 // 0)
        wired.outlet.whenDrained(lambda: wired.events.append("next"))
        wired.drain()
        self.assertEqual(["next"], wired.events)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertIsNone(wired.transport.producer)


class UnreadTests(SynchronousTestCase):
    """
    Answers that wait.
    """

    def test_reached(self) -> None:
        """
        The owner is told once that more answers wait than may, and from then
        on whenever some of what waits has left, until fewer do.
        """
        wired = Wired(unreadBytes=PIECE)
        wired.block()
        for _ in range(2):
            wired.outlet.write(b"x" * PIECE)
        wired.outlet.write(b"x" * PIECE, answer=True)
        self.assertEqual([], wired.events)
        wired.outlet.write(b"x", answer=True)
        wired.outlet.write(b"x", answer=True)
        for moved in range(3):
            self.assertTrue(wired.outlet.full)
            self.assertEqual(PIECE + 2, wired.outlet.unread)
            self.assertEqual(["reached"] + ["moved"] * moved, wired.events)
            wired.transport.take(None)
        self.assertFalse(wired.outlet.full)
        self.assertEqual(2, wired.outlet.unread)
        wired.drain()
        self.assertEqual(["reached", "moved", "moved", "moved"], wired.events)

    def test_answersWhenMoved(self) -> None:
        """
        What the owner writes when it is told so follows the rest, and is not
        forgotten.
        """
        wired = Wired(unreadBytes=1)
        wired.block()

        left = [b"bb", b"cc", b"d"]

        def answer() -> None:
            if left:
                wired.outlet.write(left.pop(0), answer=True)

        wired.onMoved = answer
        wired.outlet.write(b"aa", answer=True)
        self.assertTrue(wired.drain().endswith(b"xaabbccd"))
        self.assertFalse(wired.outlet.paused)

    def test_stoppedWhenMoved(self) -> None:
        """
        The owner may give the connection up meanwhile.
        """
        wired = Wired(unreadBytes=1)
        wired.block()
        wired.onMoved = wired.transport.abortConnection
        wired.outlet.write(b"a" * PIECE, answer=True)
        wired.outlet.write(b"a" * PIECE, answer=True)
        wired.drain()
        self.assertEqual(["reached", "moved"], wired.events)
        self.assertFalse(wired.outlet.full)


class Bare:
    """
    A transport that can write, and no more.
    """

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


class OddTransportsTests(SynchronousTestCase):
    """
    Transports that know nothing of producers, or have one.
    """

    def test_other(self) -> None:
        """
        Where somebody else has registered a producer, nothing waits, and that
        it cannot be seen is logged once.
        """
        wired = Wired()
        other = Outlet(wired.transport, Limits(), turnOf(wired.clock), wired)
        wired.transport.registerProducer(other, True)
        with capturedLogs() as events:
            for _ in range(5):
                wired.outlet.write(b"x" * FULL)
        self.assertFalse(wired.outlet.paused)
        self.assertEqual(5 * FULL, len(wired.transport.value()))
        [line] = [formatEvent(event) for event in events]
        self.assertIn("192.168.1.1", line)
        self.assertIn("takes no producer of pbext's", line)
        self.assertIs(other, wired.transport.producer)

    def test_otherGone(self) -> None:
        """
        When that is gone, it is seen again.
        """
        wired = Wired()
        other = Outlet(wired.transport, Limits(), turnOf(wired.clock), wired)
        wired.transport.registerProducer(other, True)
        wired.outlet.write(b"x" * FULL)
        wired.transport.unregisterProducer()
        wired.outlet.write(b"x" * FULL)
        self.assertTrue(wired.outlet.paused)

    def test_never(self) -> None:
        """
        No transport fails because of that.
        """
        file = BytesIO()
        fake = FakeTransport(None, True)
        string = StringTransport()
        bare = Bare()
        transports = {
            FileWrapper(file): file.getvalue,
            fake: fake.getOutBuffer,
            string: string.value,
            bare: lambda: b"".join(bare.written),
        }
        for transport, written in transports.items():
            wired = Wired(transport)
            for size in 10, FULL, PIECE + 1, 10, FULL:
                wired.outlet.write(b"x" * size)
                wired.outlet.push()
                wired.outlet.pushOnce()
                wired.clock.advance(1)
            self.assertFalse(wired.outlet.paused)
            self.assertFalse(wired.outlet.lagging)
            self.assertEqual(20 + 2 * FULL + PIECE + 1, len(written()))
            self.assertIsNone(getattr(transport, "producer", None))
            wired.outlet.stop()

    def test_unregistered(self) -> None:
        """
        Nor if somebody has unregistered it.
        """
        wired = Wired(tls())
        wired.outlet.write(b"x" * FULL)
        wired.transport.unregisterProducer()
        wired.clock.advance(1)
        wired.outlet.write(b"x" * FULL)
        self.assertIs(wired.outlet, wired.transport.producer)


class TurnTests(SynchronousTestCase):
    """
    L{pbext._turn}.
    """

    def test_number(self) -> None:
        """
        It is another one in each turn, for one delayed call.
        """
        clock = Clock()
        one, two = turnOf(clock), turnOf(clock)
        numbers = []
        for _ in range(3):
            numbers.append(one.number)
            self.assertEqual(numbers[-1], two.number)
            self.assertEqual(1, len(clock.getDelayedCalls()))
            clock.advance(0)
        self.assertEqual(3, len(set(numbers)))
        self.assertEqual([], clock.getDelayedCalls())

    def test_clocks(self) -> None:
        """
        Each clock has its own, which goes with who has it.
        """
        one, two = Clock(), Clock()
        self.assertIsNot(turnOf(one), turnOf(two))
        kept = turnOf(one)
        self.assertIs(kept, turnOf(one))
