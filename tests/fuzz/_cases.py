"""
What bytes that are drawn seldom come to: values at the edge of what can be sent,
where hooks have a say; and messages that are no more than pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pbext.wire._jelly import ATOMS
from tests.bombs import callOf, integer, lists, string
from tests.fuzz._objects import ODD, Listener
from tests.fuzz._values import spelled

__all__ = ["edges", "pretended", "streamed", "taken", "values"]

_ONE = spelled("integer", b"\1\7\0")
_NAME = spelled("text", b"\1a")


def edges() -> Iterator[bytes]:
    """
    @return: values that hold no others, or others that do not matter.
    """
    for sign in (b"\0", b"\1"):
        yield spelled("integer", b"\x38", b"\xff" * 56, sign)
        yield spelled("integer", b"\x3c", b"\xff" * 60, sign)
        yield spelled("decimal", b"\0\xa0", b"\x09" * 160, sign, b"\0")
    yield spelled("decimal", b"\xff")
    for kind in ("datetime", "time"):
        yield spelled(kind, b"\xff\1")
    yield spelled("text", b"\2a\xff")
    for size in (b"\x10", b"\x11", b"\xfe", b"\xff"):
        yield spelled("long", size)
    for number in range(len(ATOMS)):
        yield spelled("term", bytes([number]))
    for number in range(6):
        yield spelled("wide", bytes([number]), b"\xc8", _ONE)
        yield spelled("wide", bytes([number]), b"\x28", _NAME)
    yield spelled("dict", b"\1", spelled("text", b"\x50", b"n" * 80), _ONE)
    for number in range(len(ODD)):
        yield spelled("odd", bytes([number]))
    yield spelled("strict", b"\5", _ONE * 5)


#: What a value is put into; a hook may take it out again.
_IN: list[Callable[[bytes], bytes]] = [
    lambda inner: spelled("list", b"\2", _ONE, inner),
    lambda inner: spelled("dict", b"\1", _NAME, inner),
    lambda inner: spelled("dict", b"\1", inner, _ONE),
    lambda inner: spelled("copy", b"\1", inner),
    lambda inner: spelled("strict", b"\2", _ONE, inner),
    lambda inner: spelled("own", inner),
    lambda inner: spelled("veil", inner),
    lambda inner: spelled("dict", b"\1", _NAME, spelled("veil", inner)),
    lambda inner: spelled("list", b"\2", _ONE, spelled("veil", inner)),
    lambda inner: spelled("own", spelled("dict", b"\1", _NAME, inner)),
    lambda inner: spelled("own", spelled("list", b"\3", inner, _LAST, _LAST)),
    lambda inner: spelled("list", b"\3", inner, spelled("own", _LAST), _LAST),
]

#: The second thing of those that were made.
_LAST = spelled("again", b"\1")


def values() -> Iterator[bytes]:
    """
    @return: these in others, for L{valueOf<tests.fuzz._values.valueOf>}.
    """
    for edge in edges():
        for put in _IN:
            yield put(edge)


def taken() -> bytes:
    """
    @return: what a client says to an object that takes all calls itself.
    """
    wanted = spelled("odd", bytes([ODD.index(Listener)]))
    arguments = lists(string(b"tuple"), integer(5), lists(string(b"list")))
    call = lists(
        string(b"message"),
        integer(2),
        integer(1),
        string(b"whatever"),
        integer(1),
        arguments,
        lists(string(b"dictionary")),
    )
    return callOf(string(wanted), method=b"make", number=1) + call


def _begin(size: bytes) -> bytes:
    return lists(string(b"begin"), size)


def _chunks(data: bytes, size: int) -> bytes:
    """
    @param size: of each of them, in bytes.
    """
    return b"".join(
        lists(string(b"chunk"), string(data[at : at + size]))
        for at in range(0, len(data), size)
    )


def streamed() -> Iterator[bytes]:
    """
    @return: large messages, and what pretends to be some, as they arrive.
    """
    call = callOf(string(b"x" * 300))
    begin, chunks = _begin(integer(len(call))), _chunks(call, 100)
    yield begin + chunks
    yield begin + call + chunks  # with another one between
    yield begin + chunks + chunks
    yield begin + begin
    yield chunks
    yield _begin(integer(len(call) - 1)) + chunks
    yield _begin(integer(20_001)) + chunks + call
    yield _begin(integer(20_001)) + chunks + begin + chunks
    yield _begin(integer(4)) + _chunks(b"\1\x80\1\x80", 4)  # no message
    yield _begin(integer(3)) + _chunks(call, 3)[:9]  # nor that
    for size in (integer(0), integer(-1), integer(2**70), string(b"x"), lists()):
        yield _begin(size) + chunks
    for data in (string(b""), integer(5), lists()):
        yield begin + lists(string(b"chunk"), data)


def pretended() -> Iterator[bytes]:
    """
    @return: the same for what puts them together alone: a byte for each, as
        L{streaming<tests.fuzz._streaming.streaming>} takes it.
    """
    begin, large, chunk = b"\x09", b"\xc9", b"\x30"
    yield begin + chunk * 4
    yield begin + chunk + begin + chunk * 2
    yield begin + chunk * 2 + b"\xf0" + chunk
    yield chunk + b"\0\x08\1" + begin + chunk * 3
    yield large + chunk * 4 + begin + chunk * 4
    yield large + b"\1" + chunk + large + begin + begin + chunk * 3
