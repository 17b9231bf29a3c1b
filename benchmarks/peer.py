"""
The other process: C{python -m benchmarks.peer PORT}.  It connects to the
process that measures, does what that one asks, and ends when the connection
does.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import react
from twisted.logger import globalLogBeginner, textFileLogObserver

from benchmarks import usage
from benchmarks.ponds import pb
from benchmarks.tally import updatesSeen

#: How many connections are opened at a time: as many as a port's backlog.
_AT_ONCE = 50


class Client(pb.PBClientFactory):
    """
    One connection.  Small messages leave at once: Nagle's algorithm waits
    as long as a hundred deliveries take, and would be all that is measured.
    """

    def __init__(self, reactor: Any, port: int) -> None:
        super().__init__()
        self._connector = reactor.connectTCP("127.0.0.1", port, self)

    def clientConnectionMade(self, broker: Any) -> None:
        broker.transport.setTcpNoDelay(True)
        super().clientConnectionMade(broker)

    def leave(self) -> Deferred[None]:
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

    def remote_follow(self, number: int) -> Deferred[None]:
        """
        Have so many more connections, each with a cache of the pond.
        """
        return ensureDeferred(self._follow(number))

    async def _follow(self, number: int) -> None:
        usage.allowFiles(len(self._clients) + number + 100)
        updatesSeen.reset()
        for start in range(0, number, _AT_ONCE):
            group = range(start, min(start + _AT_ONCE, number))
            await gatherResults([ensureDeferred(self._followOne()) for _ in group])

    async def _followOne(self) -> None:
        client = Client(self._reactor, self._port)
        self._clients.append(client)
        root = await client.getRootObject()
        self._ponds.append(await root.callRemote("getPond"))

    def remote_connect(self, number: int) -> Deferred[None]:
        """
        Have so many more connections.
        """
        return ensureDeferred(self._connect(number))

    async def _connect(self, number: int) -> None:
        usage.allowFiles(len(self._clients) + number + 100)
        for start in range(0, number, _AT_ONCE):
            group = range(start, min(start + _AT_ONCE, number))
            clients = [Client(self._reactor, self._port) for _ in group]
            self._clients.extend(clients)
            await gatherResults([client.getRootObject() for client in clients])

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
        return gatherResults([client.leave() for client in clients])

    def remote_whenSeen(self, updates: int) -> Deferred[None]:
        return updatesSeen.whenReached(updates)

    def remote_echo(self, value: int) -> int:
        return value

    def remote_take(self, value: object) -> int:
        return len(value) if isinstance(value, list) else 1


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
    react(main, sys.argv[1:])
