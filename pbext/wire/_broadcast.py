"""
One update on its way to many observers: encoded once for all of them that it
is the same for, but for two numbers at its head.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import attrs

from pbext.interfaces import IConnection
from pbext.wire._banana import integer, listHead, varint
from pbext.wire._codec import Encoder, encodeTokens
from pbext.wire._jelly import checkSendable
from pbext.wire._leaves import CONTAINERS, LEAVES
from pbext.wire._streams import CHUNK

__all__ = ["Encoding", "Message", "address"]

#: Deeper values are not looked into; this also ends on a cycle.
_DEPTH = 20

#: What announces a call.
_CALL = listHead(7)

#: Bytes of an update that is sent as it is; a larger one may be cut.
_SPLICED = CHUNK - 64

#: The lower digits of an integer, and the highest, with what says that it was one.
_LOWER = [varint(digit) for digit in range(128)]
_HIGHEST = [integer(digit) for digit in range(128)]


def address(number: int) -> bytes:
    """
    @param number: of a request, or of a cache.
    @return: the same as C{integer}, and fast for small ones; for there is one in
        each delivery.
    """
    if number < 1 << 7:
        return _HIGHEST[number]
    if number < 1 << 14:
        return _LOWER[number & 127] + _HIGHEST[number >> 7]
    if number < 1 << 21:
        lower = _LOWER[number & 127] + _LOWER[number >> 7 & 127]
        return lower + _HIGHEST[number >> 14]
    return integer(number)


def _isPlain(value: Any, depth: int = _DEPTH) -> bool:
    """
    Whether a value is made of nothing but exact built-in types, so that no
    hook is asked what it is.
    """
    kind = type(value)
    if kind in LEAVES:
        return True
    if not depth or kind not in CONTAINERS:
        return False
    parts = [*value, *value.values()] if kind is dict else value
    return all(_isPlain(part, depth - 1) for part in parts)


@attrs.frozen(eq=False)
class Encoding:
    """
    An update as it goes to one observer, or to many.

    @ivar parts: its arguments and its keyword arguments, as the broker takes
        them.
    @ivar front: where they are the same for many, and not large, the bytes that
        stand before the number of the request and that of the cache; else empty.
    @ivar tail: the bytes that stand after these.
    """

    parts: tuple[Any, ...]
    front: bytes = b""
    tail: bytes = b""

    def addressed(self, requestID: int, number: bytes) -> bytes:
        """
        @param number: of the cache, as of L{address}.
        @return: the message to one of these observers.
        """
        return b"".join((self.front, address(requestID), number, self.tail))


@attrs.frozen(eq=False)
class _Terms:
    """
    What of a connection an encoding depends on: what may be sent, and as what,
    is the factory's to say; how it is written, what the ends agree on.

    @ivar perspective: whom it is for.
    """

    security: Any
    registry: Any
    vocabulary: bool | None
    stringLimit: int | None
    perspective: Any

    @classmethod
    def of(cls, broker: Any, perspective: object) -> _Terms:
        """
        @param broker: Twisted's, too, which has none but the first of these.
        """
        return cls(
            broker.security,
            getattr(broker, "registry", None),
            getattr(broker, "vocabulary", None),
            getattr(broker, "stringLimit", None),
            perspective,
        )

    def key(self, perView: bool) -> tuple[Any, ...]:
        """
        The same, to be looked up: objects by their identity.

        @param perView: whether whom it is for matters.
        """
        return (
            id(self.security),
            id(self.registry),
            self.vocabulary,
            self.stringLimit,
            id(self.perspective) if perView else None,
        )


@attrs.frozen(eq=False)
class _Found:
    """
    What has come of an attempt to encode an update.

    @ivar terms: those it was made under, and holds for.
    @ivar perView: whether it holds for that perspective alone.
    """

    terms: _Terms
    perView: bool
    encoding: Encoding | None = None
    error: Exception | None = None
    traceback: TracebackType | None = None

    def get(self) -> Encoding:
        if self.error is not None:
            # With where it was raised, or that would grow with each observer.
            raise self.error.with_traceback(self.traceback)
        assert self.encoding is not None
        return self.encoding


class Message:
    """
    The name and the arguments of an update.

    For how many observers one encoding is right is for the encoding to say.
    Of an object that travels by value nothing depends on the connection, so its
    hooks are asked once; or once for each perspective, if they ask for whom.
    What the two ends count, references and caches, and what has a C{jellyFor}
    of its own, is encoded for each observer.

    @ivar wanted: whether it is to be answered.
    """

    def __init__(
        self,
        name: str | bytes,
        args: tuple[Any, ...],
        kw: dict[str, Any],
        wanted: bool,
    ) -> None:
        self.name = name.encode("utf-8") if isinstance(name, str) else name
        self.wanted = wanted
        self._args = args
        self._kw = kw
        self._known: dict[tuple[Any, ...], _Found] = {}
        #: What the last observer was sent, and the next one is likely to be.
        self._latest: _Found | None = None

    def settle(self, broker: Any, perspective: object) -> None:
        """
        It will be sent later: if no hook has a say in what it is, let it be
        what it is now.

        @raise NotSendable: if it cannot be sent.
        """
        if self._isPlain():
            self.encodingFor(broker, perspective)

    def _isPlain(self) -> bool:
        return _isPlain(self._args) and _isPlain(self._kw)

    def encodingFor(self, broker: Any, perspective: object) -> Encoding:
        """
        @return: the message as it goes to one observer.
        @raise NotSendable: if the peer could not be given what is meant.
        """
        terms = _Terms.of(broker, perspective)
        found = self._find(terms)
        if found is None:
            found = self._attempt(broker, terms)
        return found.get()

    def sharedFor(self, broker: Any, perspective: object) -> Encoding | None:
        """
        As L{encodingFor}, for a broker of ours, and only what is known.
        """
        found = self._latest
        if found is not None:
            terms = found.terms
            if (
                terms.security is broker.security
                and terms.registry is broker.registry
                and terms.vocabulary is broker.vocabulary
                and terms.stringLimit == broker.stringLimit
                and (terms.perspective is perspective or not found.perView)
            ):
                return found.encoding
        found = self._latest = self._find(_Terms.of(broker, perspective))
        return None if found is None else found.encoding

    def _find(self, terms: _Terms) -> _Found | None:
        known = self._known
        return known.get(terms.key(False)) or known.get(terms.key(True))

    def _attempt(self, broker: Any, terms: _Terms) -> _Found:
        ours = IConnection(broker, None) is not None
        encoders: list[Any] = []
        try:
            if ours:
                encoding = self._encode(broker, terms.perspective, encoders)
            else:
                encoding = self._jelly(broker, terms.perspective)
            perView = any(encoder.perView for encoder in encoders)
            found = _Found(terms, perView, encoding)
        except Exception as error:
            # It may be one perspective's, of a hook that was asked for it.
            found = _Found(terms, True, None, error, error.__traceback__)
        # Twisted's broker does not say what it has met.
        if _areShared(encoders) if ours else self._isPlain():
            self._known[terms.key(found.perView)] = found
        return found

    def _encode(
        self, broker: Any, perspective: object, encoders: list[Any]
    ) -> Encoding:
        def encode(value: Any) -> Any:
            encoder = Encoder(broker, (perspective, self.name, None, None))
            encoders.append(encoder)
            return encoder.encode(value)

        try:
            parts = encode(self._args), encode(self._kw)
        except BaseException:
            broker.withdraw()
            raise
        if not _areShared(encoders):
            return Encoding(parts)

        def written(part: Any) -> bytes:
            return encodeTokens(part, broker.vocabulary, broker.stringLimit)

        rest = self.name, int(self.wanted), *parts
        tail = b"".join(map(written, rest))
        if len(tail) > _SPLICED:
            return Encoding(parts)
        return Encoding(parts, _CALL + written(b"cachemessage"), tail)

    def _jelly(self, broker: Any, perspective: object) -> Encoding:
        parts = tuple(
            broker.serialize(value, perspective=perspective, method=self.name)
            for value in (self._args, self._kw)
        )
        for part in parts:
            checkSendable(part)
        return Encoding(parts)


def _areShared(encoders: list[Any]) -> bool:
    return all(encoder.shared for encoder in encoders)
