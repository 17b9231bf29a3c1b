"""
L{pbext._peerlog}: a log that a peer cannot fill.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext._peerlog import PeerLog


class LogTestCase(SynchronousTestCase):
    """
    @ivar events: what was logged since the test began.
    """

    def setUp(self) -> None:
        captured = capturedLogs()
        self.events: Any = captured.__enter__()
        self.addCleanup(captured.__exit__, None, None, None)
        self.clock = Clock()

    def lines(self) -> list[str | None]:
        """
        @return: what was logged since this was called last.
        """
        lines = [formatEvent(event) for event in self.events]
        self.events.clear()
        return lines


def leftOut(count: int, peer: str = "frog", seconds: float = 60) -> str:
    """
    @return: the line that counts what was left out.
    """
    return f"{count} more events because of {peer} in {seconds} s are not in this log"


class PeerLogTests(LogTestCase):
    """
    Three events of a peer are logged in sixty seconds.
    """

    def setUp(self) -> None:
        super().setUp()
        self.log = PeerLog(Limits(logLines=3), self.clock)

    def allowed(self, events: int, peer: str = "frog") -> int:
        """
        @return: of so many events, how many are logged.
        """
        return sum(self.log.allows(peer) for _ in range(events))

    def test_first(self) -> None:
        """
        The first events are logged, those after them are not.
        """
        self.assertEqual(
            [True, True, True, False, False],
            [self.log.allows("frog") for _ in range(5)],
        )

    def test_counted(self) -> None:
        """
        What was left out is counted, in one line when the window ends.
        """
        self.allowed(10)
        self.clock.advance(59)
        self.assertEqual([], self.lines())
        self.clock.advance(1)
        self.assertEqual([leftOut(7)], self.lines())
        self.clock.advance(1000)
        self.assertEqual([], self.lines())

    def test_warning(self) -> None:
        """
        The line is a warning of pbext's.
        """
        self.allowed(4)
        self.clock.advance(60)
        [event] = self.events
        self.assertIs(LogLevel.warn, event["log_level"])
        self.assertEqual("pbext", event["log_namespace"])

    def test_nothingLeftOut(self) -> None:
        """
        If all were logged there is no such line, and nothing is delayed.
        """
        self.allowed(3)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.clock.advance(60)
        self.assertEqual([], self.lines())

    def test_oneDelayedCall(self) -> None:
        """
        However many are left out, one call is delayed, to the end of the
        window, which began with its first event.
        """
        self.allowed(1)
        self.clock.advance(20)
        self.allowed(100)
        [call] = self.clock.getDelayedCalls()
        self.assertEqual(60, call.getTime())

    def test_newWindow(self) -> None:
        """
        After the end of a window there is a new one, with as many lines.
        """
        for _ in range(3):
            self.assertEqual(3, self.allowed(10))
            self.clock.advance(60)
            self.assertEqual([leftOut(7)], self.lines())

    def test_newWindowAfterSilence(self) -> None:
        """
        A window begins with an event, not with the end of the one before.
        """
        self.allowed(10)
        self.clock.advance(100)
        self.lines()
        self.assertEqual(3, self.allowed(4))
        self.clock.advance(59)
        self.assertEqual([], self.lines())
        self.clock.advance(1)
        self.assertEqual([leftOut(1)], self.lines())

    def test_newWindowUncounted(self) -> None:
        """
        A window with nothing left out ends as well.
        """
        for _ in range(3):
            self.assertEqual(3, self.allowed(3))
            self.clock.advance(60)
        self.assertEqual([], self.lines())

    def test_lateReactor(self) -> None:
        """
        If the reactor is late, the first event of a new window may come before
        the line on the old one, which counts the old one's all the same.
        """
        self.allowed(5)
        # Time passes, and the call that is due has not been made yet.
        self.clock.rightNow += 70
        self.assertEqual(3, self.allowed(4))
        self.clock.advance(0)
        self.assertEqual([leftOut(2)], self.lines())
        self.assertEqual(0, self.allowed(1))
        self.clock.advance(60)
        self.assertEqual([leftOut(2)], self.lines())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_peers(self) -> None:
        """
        Each peer has lines of its own.
        """
        for peer, events in (("frog", 10), ("toad", 3), ("newt", 5)):
            self.assertEqual(3, self.allowed(events, peer))
            self.clock.advance(10)
        self.clock.advance(100)
        self.assertEqual([leftOut(7), leftOut(2, "newt")], self.lines())

    def test_seconds(self) -> None:
        """
        The length of a window is that of the limits.
        """
        self.log = PeerLog(Limits(logLines=1, logSeconds=7), self.clock)
        self.allowed(3)
        self.clock.advance(6)
        self.assertEqual(0, self.allowed(1))
        self.clock.advance(1)
        self.assertEqual([leftOut(3, seconds=7)], self.lines())

    def test_stop(self) -> None:
        """
        At the end, what was left out so far is counted, and nothing is
        delayed any more.
        """
        self.allowed(5)
        self.allowed(2, "toad")
        self.allowed(4, "newt")
        self.log.stop()
        self.assertEqual([leftOut(2), leftOut(1, "newt")], self.lines())
        self.assertEqual([], self.clock.getDelayedCalls())
        self.log.stop()
        self.clock.advance(100)
        self.assertEqual([], self.lines())

    def test_afterStop(self) -> None:
        """
        It goes on from there, as the factory of a client does that connects
        anew: the peer gets no more lines by that, and what is left out
        afterwards is counted by itself.
        """
        self.allowed(5)
        self.allowed(2, "toad")
        self.log.stop()
        self.assertEqual([leftOut(2)], self.lines())
        self.clock.advance(30)
        self.assertEqual(0, self.allowed(4))
        self.assertEqual(1, self.allowed(4, "toad"))
        self.clock.advance(30)
        self.assertEqual([leftOut(4), leftOut(3, "toad")], self.lines())
        self.assertEqual(3, self.allowed(4))


class RoomTests(LogTestCase):
    """
    There are many peers, and their number is bounded.
    """

    def setUp(self) -> None:
        super().setUp()
        self.log = PeerLog(Limits(logLines=2), self.clock)
        self.log.PEERS = 4  # type: ignore[misc]  # fewer, for the test

    def allowed(self, *peers: str) -> list[bool]:
        """
        @return: for an event of each of these, whether it is logged.
        """
        return [self.log.allows(peer) for peer in peers]

    def known(self) -> list[str]:
        """
        @return: of whom the number of events is known.
        """
        return list(self.log._windows)

    def test_bound(self) -> None:
        """
        There are never more of them.
        """
        for number in range(100):
            self.assertTrue(self.log.allows(f"peer {number}"))
            self.assertLessEqual(len(self.known()), 4)
        self.assertEqual([f"peer {n}" for n in range(96, 100)], self.known())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_default(self) -> None:
        """
        By default there is room for a thousand.
        """
        log = PeerLog(Limits(), self.clock)
        for number in range(1500):
            log.allows(str(number))
        self.assertEqual(1000, len(log._windows))
        self.assertEqual(1000, PeerLog.PEERS)

    def test_oldest(self) -> None:
        """
        The one that began first makes room; what was left out of its events
        is counted then.
        """
        self.allowed("a", "a", "a", "a", "b", "c", "d")
        self.assertEqual([], self.lines())
        self.assertEqual([True], self.allowed("e"))
        self.assertEqual(["b", "c", "d", "e"], self.known())
        self.assertEqual([leftOut(2, "a")], self.lines())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_over(self) -> None:
        """
        If there are some whose time is over, these make room, and nobody
        else.
        """
        self.allowed("a", "b")
        self.clock.advance(30)
        self.allowed("c", "d")
        self.clock.advance(30)
        self.assertEqual([True], self.allowed("e"))
        self.assertEqual(["c", "d", "e"], self.known())

    def test_overAndUncounted(self) -> None:
        """
        So do those whose time is over and whose line is late.
        """
        self.allowed("a", "a", "a", "b", "c", "d")
        self.clock.rightNow += 60
        self.allowed("e")
        self.assertEqual(["e"], self.known())
        self.assertEqual([leftOut(1, "a")], self.lines())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_ownRoom(self) -> None:
        """
        A peer that is known needs no room: nobody has to go for its events.
        """
        self.allowed("a", "b", "c", "d", "a", "b", "c", "d")
        self.assertEqual([False] * 4, self.allowed("a", "b", "c", "d"))
        self.assertEqual(["a", "b", "c", "d"], self.known())


class FactoryTests(LogTestCase):
    """
    The log of a factory's connections.
    """

    def connected(self, factory: Any, address: Any) -> Any:
        """
        @return: a broker that is connected with a peer at an address.
        """
        factory.clock = self.clock
        broker = factory.buildProtocol(address)
        broker.makeConnection(StringTransport(peerAddress=address))
        return broker

    def factories(self, **limits: Any) -> list[Any]:
        """
        @return: one of either kind, which waits as long as it takes.
        """
        terms = Limits(negotiationSeconds=None, **limits)
        return [
            pb.PBServerFactory(pb.Root(), limits=terms),
            pb.PBClientFactory(limits=terms),
        ]

    def test_one(self) -> None:
        """
        All connections of a factory have one log, another factory has its
        own.
        """
        address = IPv4Address("TCP", "192.0.2.1", 1)
        logs = []
        for factory in self.factories() + self.factories():
            one, two = (self.connected(factory, address) for _ in range(2))
            self.assertIs(one.peerLog, two.peerLog)
            logs.append(one.peerLog)
        self.assertEqual(4, len(set(logs)))

    def test_alone(self) -> None:
        """
        A broker that no factory of ours has made has its own, when it is
        connected.
        """
        brokers = [pb.Broker() for _ in range(2)]
        for broker in brokers:
            broker.clock = self.clock
            broker.makeConnection(StringTransport())
        self.assertIsNot(brokers[0].peerLog, brokers[1].peerLog)

    def test_host(self) -> None:
        """
        A peer is a host: it gets no more lines by connecting anew.  The lines
        say from which port it is.
        """
        for factory in self.factories(logLines=3):
            for port in (1, 2, 3, 4, 5):
                address = IPv4Address("TCP", "192.0.2.1", port)
                self.connected(factory, address).note("{peer} croaks")
            other = self.connected(factory, IPv4Address("TCP", "192.0.2.2", 1))
            other.note("{peer} croaks")
            self.assertEqual(
                [
                    "192.0.2.1:1 croaks",
                    "192.0.2.1:2 croaks",
                    "192.0.2.1:3 croaks",
                    "192.0.2.2:1 croaks",
                ],
                self.lines(),
            )
            self.clock.advance(60)
            self.assertEqual([leftOut(2, "192.0.2.1")], self.lines())

    def test_noHost(self) -> None:
        """
        A peer whose address has no host is named by the address.
        """
        address = UNIXAddress(b"/run/pond")
        [factory, _] = self.factories(logLines=1)
        for _ in range(2):
            self.connected(factory, address).note("{peer} croaks")
        self.assertEqual([f"{address} croaks"], self.lines())
        factory.stopFactory()
        self.assertEqual([leftOut(1, str(address))], self.lines())

    def test_stopFactory(self) -> None:
        """
        When a factory stops, what was left out is counted, and it leaves no
        delayed call of the log's.
        """
        for factory in self.factories(logLines=1):
            broker = self.connected(factory, IPv4Address("TCP", "192.0.2.1", 1))
            for _ in range(3):
                broker.note("{peer} croaks")
            self.assertEqual(1, len(self.clock.getDelayedCalls()))
            factory.stopFactory()
            self.assertEqual([], self.clock.getDelayedCalls())
            self.assertEqual(
                ["192.0.2.1:1 croaks", leftOut(2, "192.0.2.1")], self.lines()
            )

    def test_stopUnused(self) -> None:
        """
        A factory that had no connection stops as well.
        """
        for factory in self.factories():
            factory.stopFactory()
        self.assertEqual([], self.lines())

    def test_oneLine(self) -> None:
        """
        What a peer has named goes into one line, and not a long one.
        """
        [factory, _] = self.factories()
        broker = self.connected(factory, IPv4Address("TCP", "192.0.2.1", 1))
        broker.note("{peer} croaks: {name}", name="a\nb" + "c" * 1000)
        self.assertEqual(["192.0.2.1:1 croaks: " + "a\\nb" + "c" * 296], self.lines())
