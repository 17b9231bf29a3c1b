"""
Connections for the tests that run twice, in memory and over loopback TCP,
with pbext's factories or Twisted's own at either end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    wrapClientTLS,
)
from twisted.spread import pb as stock
from twisted.spread.banana import SIZE_LIMIT
from twisted.trial.unittest import TestCase

from pbext import Limits, pb
from pbext.testing import connectedPair

__all__ = [
    "NARROW",
    "PBEXT",
    "STOCK",
    "Factories",
    "Line",
    "MemoryWire",
    "TCPWire",
    "TLSWire",
    "UNIXWire",
    "WireTestCase",
    "across",
    "pbextWith",
]


@attrs.frozen
class Factories:
    """
    The factories of one end.
    """

    server: Any
    client: Any


PBEXT = Factories(pb.PBServerFactory, pb.PBClientFactory)
STOCK = Factories(stock.PBServerFactory, stock.PBClientFactory)


def pbextWith(**terms: Any) -> Factories:
    """
    @param terms: keyword arguments of pbext's factories.
    @return: factories that have them.
    """
    return Factories(
        partial(pb.PBServerFactory, **terms), partial(pb.PBClientFactory, **terms)
    )


#: To these as much is too large as to Twisted's, whatever the other end is.
NARROW = pbextWith(limits=Limits(maxMessageBytes=SIZE_LIMIT))


@attrs.frozen(eq=False)
class Line:
    """
    One client's connection: both brokers, the client's factory, and the root
    as the client sees it.
    """

    client: Any
    server: Any
    factory: Any
    root: Any
    link: Any = None

    @property
    def connected(self) -> bool:
        return not (self.client.disconnected or self.server.disconnected)


class MemoryWire:
    """
    L{pbext.testing.connectedPair} with an interface that can wait.
    """

    def __init__(self, root: Any, server: Factories, client: Factories) -> None:
        self._pair = connectedPair(
            root,
            clients=0,
            serverFactory=server.server,
            clientFactory=client.client,
        )
        self._client = client.client
        self.lines: list[Line] = []

    async def connect(self, factory: Any = None) -> Line:
        """
        @param factory: the client's, if it is another one than this wire's.
        """
        factory = factory or self._client()
        link = self._pair.addClient(factory)
        line = Line(link.client, link.server, factory, link.root, link)
        self.lines.append(line)
        return line

    async def settle(self) -> None:
        """
        Wait until everything that was sent has arrived.
        """
        self._pair.flush()

    async def result(self, deferred: Deferred[Any]) -> Any:
        """
        Wait until a Deferred has fired.
        """
        self._pair.flush()
        if not deferred.called:
            raise AssertionError("it has not fired, and nothing moves any more")
        return await deferred

    async def cut(self, line: Line) -> None:
        """
        Cut a line; all that was sent by now is lost.
        """
        line.link.cut()

    async def lost(self, line: Line) -> None:
        """
        Wait until both ends have seen that a line is lost.
        """
        self._pair.flush()
        if line.connected:
            raise AssertionError("it is connected, and nothing moves any more")

    async def close(self) -> None:
        self._pair.close()


class TCPWire:
    """
    Loopback TCP.
    """

    def __init__(self, root: Any, server: Factories, client: Factories) -> None:
        self._factory = server.server(root)
        self._client = client.client
        self._port: Any = None
        self._accepting: list[Deferred[Any]] = []
        self._factory.buildProtocol = self._build
        self.lines: list[Line] = []

    def _build(self, address: Any) -> Any:
        broker = type(self._factory).buildProtocol(self._factory, address)
        self._accepting.pop(0).callback(broker)
        return broker

    async def connect(self, factory: Any = None) -> Line:
        """
        @param factory: the client's, if it is another one than this wire's.
        """
        if self._port is None:
            self._port = await self._server().listen(self._factory)
        accepted: Deferred[Any] = Deferred()
        self._accepting.append(accepted)
        factory = factory or self._client()
        client = await self._endpoint(self._port.getHost()).connect(factory)
        root = await factory.getRootObject()
        line = Line(client, await accepted, factory, root)
        for broker in (line.client, line.server):
            self._prepare(broker.transport)
        self.lines.append(line)
        await self.settle()
        return line

    def _server(self) -> Any:
        return TCP4ServerEndpoint(_reactor, 0, interface="127.0.0.1")

    def _endpoint(self, address: Any) -> Any:
        return TCP4ClientEndpoint(_reactor, "127.0.0.1", address.port)

    def _prepare(self, transport: Any) -> None:
        # Each end writes many small things and waits for none of them.
        transport.setTcpNoDelay(True)

    async def settle(self) -> None:
        """
        Wait until everything that was sent has arrived, and what was sent
        because of it.
        """
        for _ in range(2):
            for line in self.lines:
                if line.connected:
                    # There is no such object, which is answered quietly.
                    nobody = line.client.remoteForName("nobody")
                    await nobody.callRemote("x").addErrback(lambda _: None)

    async def result(self, deferred: Deferred[Any]) -> Any:
        """
        Wait until a Deferred has fired.
        """
        return await deferred

    async def cut(self, line: Line) -> None:
        """
        Cut a line, and wait until both ends have seen it.
        """
        line.client.transport.abortConnection()
        await self.lost(line)

    async def lost(self, line: Line) -> None:
        """
        Wait until both ends have seen that a line is lost.
        """
        await gatherResults([_lost(line.client), _lost(line.server)])

    async def close(self) -> None:
        for line in self.lines:
            if line.connected:
                await self.cut(line)
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)


class TLSWire(TCPWire):
    """
    Loopback TLS.
    """

    def _server(self) -> Any:
        from tests.certificates import serverOptions

        return SSL4ServerEndpoint(_reactor, 0, serverOptions(), interface="127.0.0.1")

    def _endpoint(self, address: Any) -> Any:
        from tests.certificates import clientOptions

        return wrapClientTLS(clientOptions(), super()._endpoint(address))


class UNIXWire(TCPWire):
    """
    A UNIX socket.
    """

    def _server(self) -> Any:
        self._directory = TemporaryDirectory(prefix="pbext-test-")
        return UNIXServerEndpoint(_reactor, f"{self._directory.name}/socket")

    def _endpoint(self, address: Any) -> Any:
        return UNIXClientEndpoint(_reactor, f"{self._directory.name}/socket")

    def _prepare(self, transport: Any) -> None:
        pass

    async def close(self) -> None:
        await super().close()
        self._directory.cleanup()


def _lost(broker: Any) -> Deferred[None]:
    lost: Deferred[None] = Deferred()
    if broker.disconnected:
        lost.callback(None)
    else:
        broker.notifyOnDisconnect(lambda: lost.callback(None))
    return lost


class WireTestCase(TestCase):
    """
    A server and clients.

    @cvar Wire: what connects the ends.
    @cvar ours: the factories of the end that is to blame.
    @cvar theirs: those of the other end.
    @cvar tag: what the publisher's objects become.
    @ivar wire: what C{connect} of the subclass has made.
    """

    Wire: Any
    ours: Factories
    theirs: Factories
    tag: str
    timeout = 20

    def run(self, result: Any) -> Any:
        # What dies with a cycle tells its peer so, wherever the collector runs;
        # within the asyncio reactor's own removeWriter it loses the writer, and
        # the test waits for ever for what a stock peer has said.
        gc.disable()
        try:
            return super().run(result)
        finally:
            gc.enable()

    def tearDown(self) -> Any:
        wire = getattr(self, "wire", None)
        return None if wire is None else Deferred.fromCoroutine(wire.close())

    async def connect(self, root: Any, clients: int = 3) -> list[Line]:
        raise NotImplementedError("for subclasses")

    async def settle(self) -> None:
        await self.wire.settle()


def across(
    *,
    module: str,
    tests: type,
    rows: dict[str, dict[str, Any]],
    wires: Iterable[Any] = (MemoryWire, TCPWire),
) -> dict[str, type]:
    """
    @param module: the name of the module that has the tests.
    @param tests: the tests, to be mixed with L{WireTestCase}.
    @param rows: attributes of a test case, by what its name has for them.
    @param wires: by default in memory and over TCP.
    @return: test cases by name: for each row, by each of the wires.
    """
    cases = {}
    for wire in wires:
        for row, attributes in rows.items():
            name = f"{tests.__name__.strip('_')}{row}{wire.__name__}Tests"
            namespace = {"Wire": wire, "__module__": module, **attributes}
            cases[name] = type(name, (tests, WireTestCase), namespace)
    return cases
