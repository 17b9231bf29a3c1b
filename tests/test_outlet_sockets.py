"""
L{pbext._outlet} over sockets: what a peer that does not read leaves in memory,
that all of it arrives in the end, and what leaves without waiting for the
reactor.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.tcp import Server
from twisted.trial.unittest import TestCase

from pbext import pb
from pbext._backlog import PIECE
from pbext._outlet import Outlet
from tests.wires import PBEXT, STOCK, TCPWire, TLSWire, UNIXWire, WireTestCase, across

#: What must not be read by anybody between two ends of TLS.
SECRET = b"what the frogs say to each other"


def turn() -> Deferred[None]:
    """
    @return: a Deferred of the reactor's next turn.
    """
    return deferLater(reactor, 0, lambda: None)


class Basin(pb.Root):
    """
    Counts what is poured into it.
    """

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.full: Deferred[None] = Deferred()

    def remote_pour(self, number: int, last: bool, water: bytes) -> None:
        self.received.append(number)
        if last:
            self.full.callback(None)


class _SlowPeer:
    """
    A server of pbext's, and a client that does not read for a while.
    """

    #: So many messages, of which each has so many bytes: more than the
    #: buffers of the kernel.
    MESSAGES = 4_000
    WATER = bytes(4_000)

    async def connected(self) -> Any:
        """
        @return: the line, and the server's reference to the client's basin.
        """
        self.wire = self.Wire(pb.Root(), PBEXT, self.theirs)
        line = await self.wire.connect()
        self.basin = Basin()
        line.client.setNameForLocal("basin", self.basin)
        return line, line.server.remoteForName("basin")

    async def pourUntilItWaits(self, line: Any, basin: Any) -> int:
        """
        @return: how many messages it took until something waits.
        """
        line.client.transport.pauseProducing()
        for number in range(self.MESSAGES):
            self.pour(basin, number)
            if await self.isStuck(line.server.outlet):
                return number + 1
        raise AssertionError("all of it has left")

    async def isStuck(self, outlet: Any) -> bool:
        """
        Whether much waits, when what could leave has left.
        """
        for _ in range(20):
            before = outlet.behind
            if before <= PIECE:
                return False
            await turn()
            if outlet.behind < before:
                return False
        return True

    def pour(self, basin: Any, number: int, last: bool = False) -> None:
        basin.callRemote("pour", number, last, self.WATER, pbanswer=False)

    async def test_waits(self) -> None:
        """
        What such a client does not read waits in the outlet; when it reads,
        all arrives in order, and then nothing waits.
        """
        line, basin = await self.connected()
        poured = await self.pourUntilItWaits(line, basin)
        outlet = line.server.outlet
        self.assertTrue(outlet.paused)
        # The kernel may have room for some more, and not have said so.
        while not outlet.lagging:
            self.assertLess(poured, self.MESSAGES)
            before = outlet.behind
            self.pour(basin, poured)
            self.assertLess(len(self.WATER), outlet.behind - before)
            poured += 1
        drained: Deferred[None] = Deferred()
        outlet.whenDrained(lambda: drained.callback(None))
        self.pour(basin, poured, last=True)
        line.client.transport.resumeProducing()
        await self.basin.full
        await drained
        self.assertEqual([*range(poured + 1)], self.basin.received)
        self.assertEqual((0, False), (outlet.behind, outlet.lagging))

    async def test_closes(self) -> None:
        """
        A connection that is told to close while something waits sends that
        first, and closes.
        """
        line, basin = await self.connected()
        poured = await self.pourUntilItWaits(line, basin)
        self.pour(basin, poured, last=True)
        line.server.transport.loseConnection()
        await turn()
        self.assertTrue(line.connected)
        line.client.transport.resumeProducing()
        await self.basin.full
        await self.wire.lost(line)
        self.assertEqual([*range(poured + 1)], self.basin.received)

    async def test_closesWhileAsked(self) -> None:
        """
        It closes when its transport is just being asked whether it keeps up.
        """
        line, basin = await self.connected()
        for number in range(20):
            self.pour(basin, number, last=number == 19)
        line.server.transport.loseConnection()
        await self.wire.lost(line)
        self.assertEqual([*range(20)], self.basin.received)

    async def test_lost(self) -> None:
        """
        When the client goes, what waits goes with it.
        """
        line, basin = await self.connected()
        await self.pourUntilItWaits(line, basin)
        outlet = line.server.outlet
        await self.wire.cut(line)
        self.assertEqual((0, False), (outlet.behind, outlet.paused))

    async def test_others(self) -> None:
        """
        Others are served meanwhile.
        """
        line, basin = await self.connected()
        other = await self.wire.connect()
        await self.pourUntilItWaits(line, basin)
        second = Basin()
        other.client.setNameForLocal("basin", second)
        theirs = other.server.remoteForName("basin")
        for number in range(100):
            self.pour(theirs, number, last=number == 99)
        await second.full
        self.assertEqual(0, other.server.outlet.behind)
        line.client.transport.resumeProducing()


globals().update(
    across(
        module=__name__,
        tests=_SlowPeer,
        rows={"": {"theirs": PBEXT}, "Stock": {"theirs": STOCK}},
        wires=(TCPWire, UNIXWire, TLSWire),
    )
)


class _Accepting(TestCase):
    """
    A server of pbext's, and bare sockets.
    """

    timeout = 20

    def serve(self) -> None:
        factory = pb.PBServerFactory(pb.Root())
        self.accepted: Deferred[Any] = Deferred()
        build = factory.buildProtocol

        def accept(address: Any) -> Any:
            broker = build(address)
            deferLater(reactor, 0, self.accepted.callback, broker)
            return broker

        factory.buildProtocol = accept  # type: ignore[method-assign]  # of this one
        self.port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    async def connect(self) -> tuple[Any, socket.socket]:
        """
        @return: the server's broker, and the other end, which waits for five
            seconds at the most.
        """
        self.serve()
        end = socket.create_connection(("127.0.0.1", self.port.getHost().port), 5)
        broker = await self.accepted
        self.addCleanup(self._close, broker, end)
        self.assertIs(Server, type(broker.transport))
        await self.soon(end)  # the dialects
        return broker, end

    def _close(self, broker: Any, end: socket.socket) -> Any:
        end.close()
        if broker.disconnected:
            return None
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        broker.transport.abortConnection()
        return lost

    def arrived(self, end: socket.socket) -> bytes:
        """
        @return: what is there now.
        """
        end.setblocking(False)
        try:
            return end.recv(1000)
        except BlockingIOError:
            return b""
        finally:
            end.settimeout(5)

    async def soon(self, end: socket.socket) -> bytes:
        """
        @return: what is there soon.
        """
        while not (data := self.arrived(end)):
            await turn()
        return data


class PushTests(_Accepting):
    """
    L{Outlet.push} and L{Outlet.pushOnce}.
    """

    async def test_push(self) -> None:
        """
        What was written leaves now, all of it and in order.
        """
        broker, end = await self.connect()
        broker.outlet.write(b"one")
        broker.outlet.write(b"two")
        self.assertEqual(b"", self.arrived(end))
        broker.outlet.push()
        self.assertEqual(b"onetwo", self.arrived(end))
        broker.outlet.push()
        self.assertNotIn(broker.transport, reactor.getWriters())

    async def test_once(self) -> None:
        """
        Once in a turn: the rest leaves with the turn's end.
        """
        broker, end = await self.connect()
        for _ in range(2):
            await turn()
            for data in b"one", b"two", b"three":
                broker.outlet.write(data)
                broker.outlet.pushOnce()
            self.assertEqual(b"one", self.arrived(end))
            self.assertEqual(b"twothree", await self.soon(end))

    async def test_full(self) -> None:
        """
        What the kernel does not take is left to the reactor, and follows.
        """
        broker, end = await self.connect()
        wrote = b""
        while not broker.outlet.paused:
            data = b"%d " % len(wrote) * 2000
            broker.outlet.write(data)
            broker.outlet.push()
            wrote += data
            self.assertLess(len(wrote), 10**8)
        broker.outlet.push()
        self.assertIn(broker.transport, reactor.getWriters())
        end.setblocking(False)
        read = b""
        while len(read) < len(wrote):
            try:
                read += end.recv(2**20)
            except BlockingIOError:
                await turn()
        self.assertEqual(wrote, read)

    async def test_error(self) -> None:
        """
        An error is left to the reactor, which asks again.
        """
        broker, end = await self.connect()
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1" + b"\0" * 7)
        end.close()
        for _ in range(3):
            broker.outlet.write(b"to nobody")
            broker.outlet.push()
            self.assertFalse(broker.disconnected)
            self.assertIn(broker.transport, reactor.getWriters())
        await lost
        broker.outlet.write(b"to nobody")
        broker.outlet.push()

    async def test_closing(self) -> None:
        """
        A connection that closes is left to the reactor.
        """
        broker, end = await self.connect()
        broker.outlet.write(b"the last words")
        broker.transport.loseConnection()
        broker.outlet.push()
        self.assertEqual(b"", self.arrived(end))
        self.assertEqual(b"the last words", await self.soon(end))

    async def test_lagging(self) -> None:
        """
        Whether a peer lags is said after what could leave at once has left.
        """
        broker, end = await self.connect()
        broker.outlet.write(bytes(2**19))
        self.assertGreater(broker.outlet.behind, 2**18)
        self.assertFalse(broker.outlet.lagging)
        while not broker.outlet.lagging:
            broker.outlet.write(bytes(2**19))
            self.assertLess(broker.outlet.written, 10**8)
        self.assertGreater(broker.outlet.behind, 2**18)

    async def test_exactly(self) -> None:
        """
        A subclass may do anything to its bytes.
        """

        class Scrambled(Server):
            pass

        broker, end = await self.connect()
        broker.transport.__class__ = Scrambled
        outlet = Outlet(broker.transport, broker.limits, broker.outlet._turn, broker)
        outlet.write(b"one")
        outlet.push()
        outlet.pushOnce()
        self.assertEqual(b"", self.arrived(end))
        broker.transport.__class__ = Server


class _Listener(Protocol):
    """
    Between a client and a server: passes on what they say, and keeps it.
    """

    def __init__(self, port: int, heard: list[bytes]) -> None:
        self._port = port
        self._heard = heard
        self._early: list[bytes] = []
        self._other: Any = None

    def connectionMade(self) -> None:
        other = Protocol()
        other.dataReceived = self._back  # type: ignore[method-assign]  # of this one
        other.connectionLost = lambda reason=None: self.transport.loseConnection()  # type: ignore[method-assign]  # as well
        factory = Factory.forProtocol(lambda: other)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self._port)
        endpoint.connect(factory).addCallback(self._connected)

    def _connected(self, other: Any) -> None:
        self._other = other
        other.transport.writeSequence(self._early)

    def _back(self, data: bytes) -> None:
        self._heard.append(data)
        self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        self._heard.append(data)
        if self._other is None:
            self._early.append(data)
        else:
            self._other.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        if self._other is not None:
            self._other.transport.loseConnection()


class _ListenedTo(TLSWire):
    """
    TLS, with somebody on the line.

    @ivar heard: what there was on it.
    """

    def _endpoint(self, address: Any) -> Any:
        self.heard: list[bytes] = []
        factory = Factory.forProtocol(lambda: _Listener(address.port, self.heard))
        self.between = reactor.listenTCP(0, factory, interface="127.0.0.1")
        return super()._endpoint(self.between.getHost())

    async def close(self) -> None:
        await super().close()
        await self.between.stopListening()


class Parrot(pb.Root):
    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_tell(self, listener: Any) -> Any:
        """
        Tell several times in one turn, as broadcasts do.
        """
        outlet = listener.broker.outlet
        for _ in range(3):
            listener.callRemote("hear", SECRET, pbanswer=False)
            outlet.pushOnce()
            outlet.push()


class Ear(pb.Referenceable):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def remote_hear(self, what: Any) -> None:
        self.heard.append(what)


class InClearTests(WireTestCase):
    """
    Over TLS no byte leaves in clear.
    """

    async def test_tls(self) -> None:
        """
        On a transport of TLS nothing is pushed, though it lends out what the
        socket below it has.
        """
        self.wire = _ListenedTo(Parrot(), PBEXT, PBEXT)
        line = await self.wire.connect()
        for broker in line.client, line.server:
            self.assertTrue(ISSLTransport.providedBy(broker.transport))
            self.assertTrue(hasattr(broker.transport, "doWrite"))
            broker.transport.transport.doWrite = self.neverPushed(broker)
        ear = Ear()
        await line.root.callRemote("tell", ear)
        self.assertEqual([SECRET] * 3, ear.heard)
        self.assertEqual(SECRET, await line.root.callRemote("echo", SECRET))
        on = b"".join(self.wire.heard)
        self.assertGreater(len(on), 5 * len(SECRET))
        self.assertNotIn(SECRET, on)
        self.assertNotIn(b"echo", on)

    def neverPushed(self, broker: Any) -> Any:
        doWrite = broker.transport.transport.doWrite

        def byTheReactor() -> Any:
            self.assertFalse(broker._reading or broker.outlet._backlog, "pushed")
            return doWrite()

        return byTheReactor

    async def test_startTLS(self) -> None:
        """
        Nor on a socket that has started TLS: its type is still the same.
        """
        from tests.certificates import clientOptions, serverOptions

        self.wire = TCPWire(Parrot(), PBEXT, PBEXT)
        line = await self.wire.connect()
        line.server.transport.startTLS(serverOptions())
        line.client.transport.startTLS(clientOptions())
        self.assertIs(Server, type(line.server.transport))
        calls = []
        doWrite = line.server.transport.doWrite
        line.server.transport.doWrite = lambda: (calls.append(1), doWrite())[1]
        line.server.outlet.push()
        line.server.outlet.pushOnce()
        self.assertEqual([], calls)
        ear = Ear()
        await line.root.callRemote("tell", ear)
        self.assertEqual([SECRET] * 3, ear.heard)
        # What was there before is on: the line closes, too.
        self.assertEqual(0, line.server.outlet.behind)
