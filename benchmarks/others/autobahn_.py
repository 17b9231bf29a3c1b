"""
Autobahn's WebSockets on Twisted: a message that is prepared once and sent to all,
in JSON.
"""

from __future__ import annotations

import json
from typing import Any

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

from twisted.internet.defer import Deferred

from benchmarks.tally import updatesSeen


async def publish(reactor: Any) -> Any:
    observers: list[Any] = []

    class Publisher(WebSocketServerProtocol):
        def onOpen(self) -> None:
            observers.append(self)

    factory = WebSocketServerFactory()
    factory.protocol = Publisher

    def tell(kind: str, count: int) -> None:
        update = factory.prepareMessage(json.dumps([kind, count]).encode())
        for observer in observers:
            observer.sendPreparedMessage(update)

    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    return port.getHost().port, tell


def observe(reactor: Any, port: int) -> Deferred[None]:
    opened: Deferred[None] = Deferred()

    class Observer(WebSocketClientProtocol):
        def __init__(self) -> None:
            super().__init__()
            self.ducks: dict[str, int] = {}

        def onOpen(self) -> None:
            opened.callback(None)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            kind, count = json.loads(payload)
            self.ducks[kind] = count
            updatesSeen.add()

    factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}")
    factory.protocol = Observer
    reactor.connectTCP("127.0.0.1", port, factory)
    return opened
