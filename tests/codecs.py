"""
The codecs that there are, and what stock PB does in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import attrs

from twisted.spread import banana, jelly

from pbext.wire import _banana, _decoder, _encoder, _unjelly
from pbext.wire._budget import UNLIMITED, Budget
from pbext.wire._encoded import Encoded

__all__ = ["CODECS", "Codec", "StockBanana", "cut", "lists", "outcome"]


@attrs.frozen
class Codec:
    """
    A codec, as L{pbext.wire._codec} chooses one.
    """

    name: str
    Decoder: Any
    Encoder: Any
    encodeTokens: Callable[[Any, bool, int], bytes]
    read: Callable[..., Any]

    def value(self, data: bytes, *terms: Any) -> Any:
        """
        @param terms: as of L{pbext.wire._unjelly.Unjellier}.
        @return: what a value is read as that arrives as part of a message.
        """
        decoder = self.Decoder(UNLIMITED)
        decoder.vocabulary = True
        decoder.feed(b"\x01\x80" + data)
        [part] = decoder.next()
        return self.read(part, *terms)

    def decode(
        self,
        chunks: Iterable[bytes],
        budget: Budget | None = None,
        vocabulary: bool = True,
    ) -> list[Any]:
        """
        @return: what arrives in these chunks, in lists; at its end, the error
            that it ends with, if it does.
        """
        decoder = self.Decoder(budget or UNLIMITED)
        decoder.vocabulary = vocabulary
        arrived: list[Any] = []
        try:
            for chunk in chunks:
                decoder.feed(chunk)
                while (expression := decoder.next()) is not None:
                    arrived.append(lists(expression))
        except Exception as error:
            arrived.append(error)
        return arrived


def _found() -> list[Codec]:
    codecs = [
        Codec(
            "pure Python",
            _decoder.Decoder,
            _encoder.Encoder,
            _banana.encodeTokens,
            _unjelly.read,
        )
    ]
    try:
        from pbext.wire import _fast  # type: ignore[attr-defined]  # if it was built
    except ImportError:
        pass
    else:
        codecs.append(
            Codec(
                "compiled",
                _fast.Decoder,
                _fast.Encoder,
                _fast.encodeTokens,
                _fast.read,
            )
        )
    return codecs


#: Each of those that can be imported here.
CODECS = _found()


def lists(expression: Any) -> Any:
    """
    @return: an expression that a decoder gives, all of it in lists.
    """
    if type(expression) is Encoded:
        return expression.sexp()
    if type(expression) is list:
        return [lists(part) for part in expression]
    return expression


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """
    @return: data in pieces.
    """
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def outcome(function: Callable[..., Any], *args: Any) -> Any:
    """
    @return: what it returns, or raises.
    """
    try:
        return function(*args)
    except Exception as error:
        return error


class StockBanana(banana.Banana):
    """
    Twisted's, with its dialect agreed.

    @ivar arrived: what has arrived; at its end, the error that it ended with.
    """

    def __init__(self, vocabulary: bool = True) -> None:
        super().__init__()
        self.setPrefixLimit(64)
        self.currentDialect = b"pb" if vocabulary else b"none"
        self.arrived: list[Any] = []

    def expressionReceived(self, lst: Any) -> None:
        self.arrived.append(lst)

    def decode(self, chunks: Iterable[bytes]) -> list[Any]:
        """
        As L{Codec.decode}.
        """
        try:
            for chunk in chunks:
                self.dataReceived(chunk)
        except Exception as error:
            self.arrived.append(error)
        return self.arrived

    def encode(self, sexp: Any) -> bytes:
        """
        @return: the bytes of an expression.
        """
        stream = BytesIO()
        self._encode(sexp, stream.write)
        return stream.getvalue()

    def encodeValue(self, value: Any, broker: Any) -> bytes:
        """
        @return: the bytes of a value, as it is sent by a broker.
        """
        return self.encode(jelly.jelly(value, broker.security, None, broker))
