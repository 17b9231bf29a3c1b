"""
Peers that are no brokers: they say what a test tells them to, byte by byte,
and do nothing of what they hear.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import eventAsText, globalLogPublisher
from twisted.spread import banana
from twisted.spread import pb as stock

from tests.wires import Factories

__all__ = ["MUTE", "RAW", "LogRecord", "RawBroker", "bytesOf", "encode", "nested"]


def encode(*sexps: Any) -> bytes:
    """
    @return: what Banana makes of them, however deep they are.
    """
    stream = BytesIO()
    stack = list(reversed(sexps))
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            banana.int2b128(len(value), stream.write)
            stream.write(banana.LIST)
            stack.extend(reversed(value))
        else:
            stream.write(banana.encode(value))
    return stream.getvalue()


def nested(depth: int, *words: Any) -> Any:
    """
    @return: C{[*words, [*words, ...]]}, so deep.
    """
    sexp: list[Any] = list(words)
    for _ in range(depth):
        sexp = [*words, sexp]
    return sexp


class RawBroker(stock.Broker):
    """
    Negotiates; then says what it is told to say.

    @ivar heard: the messages that have arrived.
    @ivar received: the bytes that have arrived.
    """

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.heard: list[Any] = []
        self.received = b""
        self._waiting: list[Deferred[Any]] = []

    def say(self, *sexps: Any) -> None:
        """
        Send some messages, or what is none.
        """
        self.transport.write(encode(*sexps))

    def next(self) -> Deferred[Any]:
        """
        @return: a Deferred of the next message that arrives.
        """
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def dataReceived(self, chunk: bytes) -> None:
        self.received += chunk
        super().dataReceived(chunk)

    def expressionReceived(self, sexp: Any) -> None:
        # What a wire asks, to know that all has arrived, is not the test's.
        asked = sexp[0] == b"message" and sexp[2] == b"nobody"
        if asked or sexp[0] in (b"answer", b"error") and self._asked(sexp[1]):
            super().expressionReceived(sexp)
        elif sexp[0] != b"version":
            self.heard.append(sexp)
            if self._waiting:
                self._waiting.pop(0).callback(sexp)

    def _asked(self, requestID: Any) -> bool:
        return type(requestID) is int and requestID in self.waitingForAnswers


class _Nobody:
    def callRemote(self, name: str) -> Deferred[None]:
        return succeed(None)


class MuteBroker(RawBroker):
    """
    Does not even negotiate.
    """

    def callExpressionReceived(self, obj: Any) -> None:
        self.heard.append(obj)

    def connectionMade(self) -> None:
        self.setPrefixLimit(banana._PREFIX_LIMIT)
        self.currentDialect = None

    def remoteForName(self, name: str) -> Any:
        return _Nobody()


class _RawClient(stock.PBClientFactory):
    protocol = RawBroker


class _RawServer(stock.PBServerFactory):
    protocol = RawBroker


class _MuteClient(stock.PBClientFactory):
    protocol = MuteBroker

    def getRootObject(self) -> Deferred[None]:
        return succeed(None)


class _MuteServer(stock.PBServerFactory):
    protocol = MuteBroker


RAW = Factories(_RawServer, _RawClient)
MUTE = Factories(_MuteServer, _MuteClient)


class LogRecord:
    """
    All that is logged from now on until the end of a test, but for what
    factories say of themselves.

    @ivar events: the events.
    """

    def __init__(self, case: Any) -> None:
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self._add)
        case.addCleanup(globalLogPublisher.removeObserver, self._add)

    def _add(self, event: Any) -> None:
        if not str(event.get("log_format")).endswith("factory {factory!r}"):
            self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """
        Each event as it is written into a file, tracebacks included.
        """
        return [
            eventAsText(event, includeTimestamp=False, includeSystem=False)
            for event in self.events
        ]

    def take(self) -> list[str]:
        """
        @return: the lines; they are not in it any more.
        """
        lines = self.lines
        self.events.clear()
        return lines


def bytesOf(broker: Any) -> list[bytes]:
    """
    @return: a list of what a broker receives from now on.
    """
    received: list[bytes] = []
    dataReceived = broker.dataReceived

    def record(chunk: bytes) -> None:
        received.append(chunk)
        dataReceived(chunk)

    broker.dataReceived = record
    return received
