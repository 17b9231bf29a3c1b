"""
Redis, which does the sending in a process of its own; that counts as the
publisher's.
"""

from __future__ import annotations

import json
import socket
import subprocess
from typing import Any

import txredisapi

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater

from benchmarks import usage
from benchmarks.tally import updatesSeen

_CHANNEL = "pond"


def _freePort() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def publish(reactor: Any) -> Any:
    port = _freePort()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    for end in (server.terminate, server.wait):
        reactor.addSystemEventTrigger("after", "shutdown", end)
    usage.alsoCount(server.pid)
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    while True:
        try:
            client = await connectProtocol(endpoint, txredisapi.BaseRedisProtocol())
            break
        except Exception:  # it is still starting
            await deferLater(reactor, 0.05)
    client.transport.setTcpNoDelay(True)

    def tell(kind: str, count: int) -> None:
        client.publish(_CHANNEL, json.dumps([kind, count]))

    return port, tell


class Observer(txredisapi.SubscriberProtocol):
    def __init__(self) -> None:
        super().__init__()
        self.ducks: dict[str, int] = {}
        self.subscribed: Deferred[None] = Deferred()

    def replyReceived(self, reply: Any) -> None:
        if reply[0] == "subscribe":
            self.subscribed.callback(None)
        super().replyReceived(reply)

    def messageReceived(self, pattern: Any, channel: str, message: str) -> None:
        kind, count = json.loads(message)
        self.ducks[kind] = count
        updatesSeen.add()


async def observe(reactor: Any, port: int) -> None:
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    observer = await connectProtocol(endpoint, Observer())
    observer.transport.setTcpNoDelay(True)
    observer.subscribe(_CHANNEL)
    await observer.subscribed
