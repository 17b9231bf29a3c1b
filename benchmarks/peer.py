"""
The other process: C{python -m benchmarks.peer PORT}.  It connects to the
process that measures, does what that one asks, and ends when the connection
does.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from twisted.internet.defer import (
    Deferred,
    ensureDeferred,
    gatherResults,
    maybeDeferred,
    succeed,
)
from twisted.internet.task import deferLater, react
from twisted.logger import globalLogBeginner, textFileLogObserver

from benchmarks import usage
from benchmarks.ponds import pb
from benchmarks.profiles import profiled
from benchmarks.stage import otherLibrary
from benchmarks.tally import updatesSeen

#: How many connections are opened at a time: as many as a port's backlog.
_AT_ONCE = 50


class Client(pb.PBClientFactory):
    """
    One connection.  Small messages leave at once: Nagle's algorithm waits
    as long as a hundred deliveries take, and would be all that is measured.
    """

    def __init__(self, reactor: Any, port: int, tls: bool = False) -> None:
        super().__init__()
        if tls:
            # Not before: it needs OpenSSL, which need not be there.
            from benchmarks.tls import clientContext

            reactor.connectSSL("127.0.0.1", port, self, clientContext())
        else:
            reactor.connectTCP("127.0.0.1", port, self)

    def clientConnectionMade(self, broker: Any) -> None:
        broker.transport.setTcpNoDelay(True)
        super().clientConnectionMade(broker)

    @property
    def gone(self) -> Any:
        return self._broker is None or self._broker.disconnected

    def leave(self) -> Deferred[None] | None:
        if self.gone:
            return None
        gone: Deferred[None] = Deferred()
        self._broker.notifyOnDisconnect(lambda: gone.callback(None))
        self.disconnect()
        return gone


class Peer(pb.Referenceable):
    """
    What the measuring process may ask for.
    """

    def __init__(self, reactor: Any, port: int) -> None:
        self._reactor = reactor
        self._port = port
        self._clients: list[Client] = []
        self._ponds: list[Any] = []
        self._log: io.StringIO | None = None

    def remote_cpu(self) -> float:
        return usage.cpu()

    def remote_memory(self) -> int:
        return usage.memory()

    def remote_follow(self, number: int, **how: Any) -> Deferred[None]:
        """
        Have so many more connections, each with a cache of the pond.

        @param how: what the L{Client} takes: C{port} and C{tls}.
        """
        updatesSeen.reset()
        return ensureDeferred(
            self._inGroups(number, lambda: ensureDeferred(self._follow(how)))
        )

    async def _inGroups(self, number: int, one: Callable[[], Any]) -> None:
        usage.allowFiles(len(self._clients) + number + 100)
        for start in range(0, number, _AT_ONCE):
            group = range(start, min(start + _AT_ONCE, number))
            await gatherResults([one() for _ in group])

    async def _follow(self, how: dict[str, Any]) -> None:
        client = Client(self._reactor, **{"port": self._port, **how})
        self._clients.append(client)
        root = await client.getRootObject()
        self._ponds.append(await root.callRemote("getPond"))

    def remote_connect(self, number: int) -> Deferred[None]:
        """
        Have so many more connections.
        """
        return ensureDeferred(self._inGroups(number, self._connect))

    def _connect(self) -> Any:
        client = Client(self._reactor, self._port)
        self._clients.append(client)
        return client.getRootObject()

    def remote_serve(self) -> Any:
        """
        Answer the calls of another library.

        @return: at which port.
        """
        return _async(otherLibrary().serve, self._reactor)

    def remote_observe(self, number: int, port: int) -> Deferred[None]:
        """
        Have so many more observers of another library.
        """
        updatesSeen.reset()
        observe = otherLibrary().observe
        return ensureDeferred(
            self._inGroups(number, lambda: _async(observe, self._reactor, port))
        )

    def remote_whenRightOrCut(
        self, kind: str, count: int, seconds: float
    ) -> Deferred[str]:
        """
        Look at the last pond until it has a number of ducks, or is lost.

        @return: fires with C{right}, C{cut}, or C{neither} when the time is up.
        """
        return ensureDeferred(self._whenRightOrCut(kind, count, seconds))

    async def _whenRightOrCut(self, kind: str, count: int, seconds: float) -> str:
        start = self._reactor.seconds()
        while self._reactor.seconds() - start < seconds:
            if self._ponds[-1].ducks.get(kind) == count:
                return "right"
            if self._clients[-1].gone:
                return "cut"
            await deferLater(self._reactor, 0.01)
        return "neither"

    def remote_logged(self) -> int:
        """
        @return: how many bytes are in the log, which is kept from the first
            time on that somebody asks.
        """
        if self._log is None:
            self._log = io.StringIO()
            globalLogBeginner.beginLoggingTo(
                [textFileLogObserver(self._log)], redirectStandardIO=False
            )
        return self._log.tell()

    def remote_fail(self) -> None:
        raise ValueError("as it was asked to")

    def remote_leave(self) -> Deferred[Any]:
        clients, self._clients, self._ponds = self._clients, [], []
        return gatherResults([maybeDeferred(client.leave) for client in clients])

    def remote_whenSeen(self, updates: int) -> Deferred[None]:
        return updatesSeen.whenReached(updates)

    def remote_echo(self, value: int) -> int:
        return value

    def remote_take(self, value: object) -> int:
        return len(value) if isinstance(value, list) else 1


def _async(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    """
    Call what may be a coroutine function.
    """
    result = function(*arguments)
    return ensureDeferred(result) if isawaitable(result) else succeed(result)


async def main(reactor: Any, *argv: str) -> None:
    """
    Serve the process at the port that is the one argument.
    """
    [port] = map(int, argv)
    client = Client(reactor, port)
    root = await client.getRootObject()
    over: Deferred[None] = Deferred()
    root.notifyOnDisconnect(lambda _: over.callback(None))
    await root.callRemote("enter", Peer(reactor, port))
    await over


if __name__ == "__main__":
    with profiled("peer"):
        react(main, sys.argv[1:])
