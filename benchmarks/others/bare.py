"""
The floor: no objects, only bytes of about the size that C{pb}'s messages have, on
bare transports.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.protocols.basic import Int32StringReceiver

from benchmarks.lanes import inLanes
from benchmarks.tally import updatesSeen

_SIZES = {"echo": 25, "object": 150}

#: As C{pb} sends an update of a str and an int, with the header for its length.
_UPDATE = b"\0\0\0\x2c" + b"." * 44


class Quick(Int32StringReceiver):
    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)


class Echo(Quick):
    def stringReceived(self, string: bytes) -> None:
        self.sendString(string)


class Caller(Quick):
    def __init__(self) -> None:
        self._waiting: list[Deferred[bytes]] = []

    def call(self, string: bytes) -> Deferred[bytes]:
        answer: Deferred[bytes] = Deferred()
        self._waiting.insert(0, answer)
        self.sendString(string)
        return answer

    def stringReceived(self, string: bytes) -> None:
        self._waiting.pop().callback(string)


class Observer(Quick):
    def __init__(self) -> None:
        self.entered: Deferred[None] = Deferred()

    def stringReceived(self, string: bytes) -> None:
        if string:
            updatesSeen.add()
        else:
            self.entered.callback(None)


def _listen(reactor: Any, protocol: type[Quick]) -> tuple[Factory, int]:
    factory = Factory.forProtocol(protocol)
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    return factory, port.getHost().port


def _connect(reactor: Any, port: int, protocol: Quick) -> Any:
    return connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), protocol)


def serve(reactor: Any) -> int:
    return _listen(reactor, Echo)[1]


async def calling(reactor: Any, port: int) -> Any:
    caller = await _connect(reactor, port, Caller())

    def work(kind: str, times: int, inFlight: int) -> Any:
        call = partial(caller.call, b"." * _SIZES[kind])
        return ensureDeferred(inLanes(call, times, inFlight))

    return work


async def publish(reactor: Any, pushed: bool = False) -> Any:
    """
    @param pushed: whether the first bytes of a turn leave at once, and do not wait
        for the reactor.
    """
    observers: list[Any] = []
    turn: list[Any] = []

    class Publisher(Quick):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.sendString(b"")
            observers.append(self.transport)

    def tell(kind: str, count: int) -> None:
        first = pushed and not turn
        if first:
            turn.append(reactor.callLater(0, turn.clear))
        for transport in observers:
            transport.write(_UPDATE)
            if first:
                transport.doWrite()

    return _listen(reactor, Publisher)[1], tell


async def observe(reactor: Any, port: int) -> None:
    observer = await _connect(reactor, port, Observer())
    await observer.entered
