"""
What a peer that calls and does not read the answers does to stock Perspective
Broker (C4d of the faults): gone with a server of pbext's, which does not read
from it either, and goes on serving others.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext.errors import ConnectionTimedOut
from pbext.testing import connectedPair
from tests.raw import RAW, LogRecord, encode
from tests.wires import PBEXT, STOCK, Factories, Line, TLSWire, WireTestCase, across

#: The length of an answer, and how many are asked for: more than the kernel's
#: buffers take.
SIZE, TIMES = 20_000, 500

#: How many bytes of answers may wait for a peer of the tests.
UNREAD = 100_000


def call(number: int, method: bytes = b"fill") -> list[Any]:
    return [b"message", number, b"root", method, 1, [b"tuple"], [b"dictionary"]]


class Well(pb.Root):
    """
    @ivar filled: how many buckets it has filled.
    @ivar waiting: who waits for one.
    """

    def __init__(self) -> None:
        self.filled = 0
        self.waiting: list[Deferred[bytes]] = []

    def remote_fill(self) -> bytes:
        self.filled += 1
        return bytes(SIZE)

    def remote_fillLater(self) -> Deferred[bytes]:
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def remote_echo(self, value: Any) -> Any:
        return value


class _Thirsty:
    """
    The server is to blame, for what waits in it.

    @cvar theirs: the factories of another client.
    """

    async def serve(self, **limits: Any) -> Line:
        """
        @return: the connection of a stranger.
        """
        self.clock = Clock()
        self.well = Well()

        def serverFactory(served: Any) -> Any:
            terms = Limits(**{"unreadBytes": UNREAD, **limits})
            return pb.PBServerFactory(served, limits=terms, clock=self.clock)

        self.wire = self.Wire(
            self.well, Factories(serverFactory, RAW.client), self.theirs
        )
        self.bystander = await self.wire.connect()
        line = await self.wire.connect(RAW.client())
        self.record = LogRecord(self)
        return line

    async def ask(self, line: Line) -> None:
        """
        Let the stranger ask and not read, until the server does not, either.
        """
        line.client.transport.pauseProducing()
        line.client.transport.write(encode(*[call(n) for n in range(TIMES)]))
        # The kernel's buffers fill first.
        still = 0
        while still < 20:
            before = self.well.filled
            await self.assertServed()
            moved = self.well.filled > before or not line.server.outlet.full
            still = 0 if moved else still + 1

    async def assertServed(self) -> None:
        """
        The other client is.
        """
        echo = self.bystander.root.callRemote("echo", "a frog")
        self.assertEqual("a frog", await self.wire.result(echo))

    async def test_C4d_bounded(self) -> None:
        """
        The server has no more waiting for such a peer than it may, and one
        answer; it serves no more of its calls, and all of others.
        """
        line = await self.serve()
        await self.ask(line)
        self.assertLess(self.well.filled, TIMES * 3 // 4)
        waiting, most = line.server.gauges["unreadBytes"]
        self.assertEqual(UNREAD, most)
        self.assertGreater(waiting, most)
        self.assertLess(waiting, most + 2 * SIZE)
        [said] = self.record.take()
        self.assertIn("is near a limit: unreadBytes, ", said)
        self.assertTrue(line.connected)

    async def test_C4d_moreCalls(self) -> None:
        """
        What else such a peer sends stays in its own buffers and the kernel's.
        """
        line = await self.serve()
        await self.ask(line)
        filled = self.well.filled
        more = encode(*[call(n) for n in range(1_000)]) * 20
        for _ in range(10):
            line.client.transport.write(more)
            await self.assertServed()
        # The kernel may find room for a few yet.
        self.assertLess(self.well.filled, filled + 50)
        self.assertLess(line.server._decoder.pending, 2**17)

    async def test_C4d_answered(self) -> None:
        """
        When it reads, all of its calls are answered, in order, and it is read
        from as ever.
        """
        line = await self.serve()
        await self.ask(line)
        line.client.transport.resumeProducing()
        while len(line.client.heard) < TIMES:
            await self.assertServed()
        numbers = [sexp[1] for sexp in line.client.heard]
        self.assertEqual([*range(TIMES)], numbers)
        self.assertEqual({b"answer"}, {sexp[0] for sexp in line.client.heard})
        self.assertEqual((0, UNREAD), line.server.gauges["unreadBytes"])
        line.client.say(call(TIMES))
        await self.wire.result(line.client.next())
        self.assertTrue(line.connected)

    async def test_C4d_later(self) -> None:
        """
        The same for answers that come later.
        """
        line = await self.serve()
        line.client.transport.pauseProducing()
        line.client.transport.write(
            encode(*[call(n, b"fillLater") for n in range(TIMES)])
        )
        while len(self.well.waiting) < TIMES:
            await self.assertServed()
        for waiting in self.well.waiting:
            waiting.callback(bytes(SIZE))
        self.assertTrue(line.server.outlet.full)
        line.client.say(call(TIMES))
        for _ in range(20):
            await self.assertServed()
        self.assertEqual(0, self.well.filled)
        line.client.transport.resumeProducing()
        while len(line.client.heard) <= TIMES:
            await self.assertServed()
        self.assertEqual(1, self.well.filled)

    async def test_C4d_givenUp(self) -> None:
        """
        A peer that takes nothing for too long is given up, for one line in
        the log.
        """
        line = await self.serve(messageSeconds=100)
        await self.ask(line)
        self.record.take()
        self.clock.advance(99)
        await self.assertServed()
        self.assertTrue(line.connected)
        self.clock.advance(1)
        line.client.transport.resumeProducing()
        await self.wire.lost(line)
        self.assertIsInstance(line.server.fault, ConnectionTimedOut)
        [said] = self.record.take()
        self.assertIn("the peer was silent, or read nothing, for too long", said)
        await self.assertServed()

    async def test_C4d_gone(self) -> None:
        """
        One that goes meanwhile leaves nothing behind.
        """
        line = await self.serve()
        await self.ask(line)
        await self.wire.cut(line)
        self.assertEqual((0, UNREAD), line.server.gauges["unreadBytes"])
        calls = self.clock.getDelayedCalls()
        self.assertEqual([], [c for c in calls if c.active() and c.getTime() < 10**6])
        await self.assertServed()


globals().update(
    across(
        module=__name__,
        tests=_Thirsty,
        rows={"": {"theirs": PBEXT}, "BesideStock": {"theirs": STOCK}},
    )
)


class ThirstyTLSWireTests(_Thirsty, WireTestCase):
    """
    The same over TLS.
    """

    Wire = TLSWire
    theirs = PBEXT


class _Both:
    """
    Two ends that ask each other for much at the same time.
    """

    async def test_both(self) -> None:
        """
        Do not wait for each other to read.
        """
        self.wire = self.Wire(Well(), *[self.small(kind) for kind in self.kinds])
        line = await self.wire.connect()
        line.client.setNameForLocal("well", Well())
        wells = line.root, line.server.remoteForName("well")
        asked = [well.callRemote("fill") for _ in range(200) for well in wells]
        filled = await self.wire.result(gatherResults(asked))
        self.assertEqual([bytes(SIZE)] * 400, filled)

    def small(self, kind: Factories) -> Factories:
        if kind is STOCK:
            return kind
        limits = Limits(unreadBytes=UNREAD)
        return Factories(
            lambda root: pb.PBServerFactory(root, limits=limits),
            lambda: pb.PBClientFactory(limits=limits),
        )


globals().update(
    across(
        module=__name__,
        tests=_Both,
        rows={
            "": {"kinds": (PBEXT, PBEXT)},
            "StockServer": {"kinds": (STOCK, PBEXT)},
            "StockClient": {"kinds": (PBEXT, STOCK)},
        },
    )
)


class SlowTests(SynchronousTestCase):
    """
    A peer that reads slowly, in memory.
    """

    def connect(self, **limits: Any) -> Any:
        pair = connectedPair(
            Well(),
            serverFactory=lambda root: pb.PBServerFactory(
                root, limits=Limits(**limits)
            ),
        )
        self.addCleanup(pair.close)
        return pair

    def test_slow(self) -> None:
        """
        Who takes a piece now and then is given the time that it needs: longer
        than a message may take, or than it may be idle.
        """
        pair = self.connect(unreadBytes=UNREAD, messageSeconds=100, idleSeconds=150)
        asked = [pair.root.callRemote("fill") for _ in range(100)]
        answers = gatherResults(asked)
        for _ in range(12):
            pair.clock.advance(99)
            pair.pump()
        pair.clock.advance(99)
        self.assertEqual([bytes(SIZE)] * 100, pair.result(answers))
        self.assertTrue(pair.links[0].connected)

    def test_halfMessage(self) -> None:
        """
        Half a message that has arrived before is waited for anew.
        """
        pair = self.connect(unreadBytes=UNREAD, messageSeconds=100)
        asked = [pair.root.callRemote("fill") for _ in range(20)]
        pair.client.transport.write(b"\x01")
        pair.links[0].pump()
        self.assertTrue(pair.server.outlet.full)
        pair.clock.advance(99)
        pair.result(gatherResults(asked))
        pair.clock.advance(99)
        self.assertTrue(pair.links[0].connected)
        pair.clock.advance(2)
        pair.flush()
        self.assertFalse(pair.links[0].connected)

    def test_client(self) -> None:
        """
        The end that has made the connection is more patient.
        """
        pair = self.connect(unreadBytes=UNREAD)
        self.assertEqual((0, 64 * 2**20), pair.client.gauges["unreadBytes"])

    def test_stock(self) -> None:
        """
        Stock's broker lets all of it wait.
        """
        pair = connectedPair(
            Well(),
            serverFactory=stock.PBServerFactory,
            clientFactory=stock.PBClientFactory,
        )
        self.addCleanup(pair.close)
        for _ in range(100):
            pair.root.callRemote("fill").addErrback(lambda _: None)
        pair.client.transport.pauseProducing()
        pair.flush()
        self.assertGreater(len(pair.server.transport.value()), 100 * SIZE)
