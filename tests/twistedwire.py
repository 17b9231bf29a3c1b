"""
What Twisted's own tests of C{banana} and C{jelly} use of those modules, but on
the codec that this process has chosen.
"""

from __future__ import annotations

from typing import Any

from twisted.spread import banana as stockBanana
from twisted.spread import jelly as stockJelly

from pbext import Limits, defaultRegistry
from pbext.errors import BadMessage
from pbext.wire._budget import Budget
from pbext.wire._codec import CODEC, Decoder, Encoder, encodeTokens, read
from pbext.wire._encoded import Encoded
from tests.codecs import lists

__all__ = ["CODEC", "Banana", "decode", "encode", "jelly", "unjelly"]


class Banana(stockBanana.Banana):
    """
    Stock's interface, and our reading and writing.
    """

    def __init__(self, isClient: int = 1) -> None:
        super().__init__(isClient)
        self._decoder = Decoder(Budget.of(Limits()))

    def _selectDialect(self, dialect: bytes) -> None:
        self._decoder.vocabulary = dialect == b"pb"
        super()._selectDialect(dialect)

    def dataReceived(self, chunk: bytes) -> None:
        try:
            self._decoder.feed(chunk)
            while (message := self._decoder.next()) is not None:
                self.callExpressionReceived(lists(message))
        except BadMessage as error:
            raise stockBanana.BananaError(str(error)) from error

    def sendEncoded(self, obj: Any) -> None:
        if self.prefixLimit != stockBanana._PREFIX_LIMIT:
            # A peer that goes beyond it, which ours cannot.
            super().sendEncoded(obj)
            return
        vocabulary = self.currentDialect == b"pb"
        self.transport.write(encodeTokens(obj, vocabulary, self.sizeLimit))


def encode(lst: Any) -> bytes:
    """
    As C{twisted.spread.banana.encode}.
    """
    return encodeTokens(lst, False, stockBanana.SIZE_LIMIT)


def decode(data: bytes) -> Any:
    """
    As C{twisted.spread.banana.decode}.
    """
    found: list[Any] = []
    decoder = Banana()
    decoder._selectDialect(b"none")
    decoder.expressionReceived = found.append
    decoder.dataReceived(data)
    return found[0]


class _Broker:
    """
    As much of one as an encoder asks for.
    """

    registry = defaultRegistry
    stringLimit = stockBanana.SIZE_LIMIT
    serializingPerspective = None

    def __init__(self, security: Any) -> None:
        self.security = security


def jelly(
    object: Any,
    taster: Any = stockJelly.DummySecurityOptions(),  # noqa: B008  # as stock has it
    persistentStore: Any = None,
    invoker: Any = None,
) -> Any:
    """
    As C{twisted.spread.jelly.jelly}.
    """
    if persistentStore is not None:
        # Of which no broker has any.
        return stockJelly.jelly(object, taster, persistentStore, invoker)
    broker = invoker if hasattr(invoker, "registerReference") else _Broker(taster)
    for name in ("registry", "stringLimit", "serializingPerspective"):
        if not hasattr(broker, name):
            setattr(broker, name, getattr(_Broker, name))
    broker.security = taster
    return Encoder(broker).encode(object).sexp()


def unjelly(
    sexp: Any,
    taster: Any = stockJelly.DummySecurityOptions(),  # noqa: B008  # likewise
    persistentLoad: Any = None,
    invoker: Any = None,
) -> Any:
    """
    As C{twisted.spread.jelly.unjelly}.
    """
    if persistentLoad is not None:
        return stockJelly.unjelly(sexp, taster, persistentLoad, invoker)
    part = sexp
    try:
        data = encodeTokens(sexp, True, stockBanana.SIZE_LIMIT)
    except stockBanana.BananaError:
        pass  # what no peer could have sent
    else:
        # Whether a reference is in what it refers to, only the encoder knows.
        part = Encoded(data, cyclic=_isCyclic(data))
    return read(part, taster, invoker, {}, [], None)


def _isCyclic(data: bytes) -> bool:
    """
    As a decoder finds it, of a part of a message.
    """
    decoder = Decoder(Budget.of(Limits()))
    decoder.vocabulary = True
    decoder.feed(b"\x01\x80" + data)
    [part] = decoder.next()
    return bool(getattr(part, "cyclic", True))
