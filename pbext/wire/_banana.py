"""
Banana's tokens, and how they are written (C{twisted.spread.banana}).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from twisted.python.reflect import qual
from twisted.spread.banana import Banana, BananaError

from pbext.wire._encoded import Encoded

__all__ = [
    "LARGEST",
    "LARGEST_SHORT",
    "SYMBOLS",
    "encodeTokens",
    "floating",
    "integer",
    "listHead",
    "string",
    "varint",
]

#: Banana's bound for the magnitude of an integer: 64 digits in base 128
#: (C{twisted.spread.banana._PREFIX_LIMIT}).
LARGEST = 2 ** (64 * 7) - 1

#: From here on, a positive integer is a long one; a negative one from one
#: further on.
LARGEST_SHORT = 2**31 - 1

_DIGITS = [bytes([digit]) for digit in range(128)]


def varint(number: int) -> bytes:
    """
    @return: a number from 0 on, in base 128, the lowest digit first.
    """
    if number < 128:
        return _DIGITS[number]
    digits = bytearray()
    while number:
        digits.append(number & 0x7F)
        number >>= 7
    return bytes(digits)


#: The words that are numbers in the dialect C{pb}, as they are there.
SYMBOLS: dict[bytes, bytes] = {
    word: varint(number) + b"\x87" for word, number in Banana.outgoingVocabulary.items()
}

_double = struct.Struct("!d").pack


def floating(value: float) -> bytes:
    """
    @return: a float.
    """
    return b"\x84" + _double(value)


def integer(value: int) -> bytes:
    """
    @return: an integer.
    @raise BananaError: if it has more than 448 bits.
    """
    if value >= 0:
        kind = b"\x81" if value <= LARGEST_SHORT else b"\x85"
    else:
        kind = b"\x83" if value >= -LARGEST_SHORT - 1 else b"\x86"
        value = -value
    if value > LARGEST:
        raise BananaError("an integer of more than 448 bits is too large to send")
    return varint(value) + kind


def string(value: bytes) -> bytes:
    """
    @return: bytes, or a word.
    """
    return SYMBOLS.get(value) or varint(len(value)) + b"\x82" + value


def listHead(length: int) -> bytes:
    """
    @return: what announces a list.
    """
    return varint(length) + b"\x80"


def encodeTokens(sexp: Any, vocabulary: bool, limit: int) -> bytes:
    """
    Write an expression of Banana's, parts of which may be in bytes already.

    @param sexp: lists, tuples, integers, floats, bytes, L{Encoded}.
    @param vocabulary: whether the words of PB are numbers: whether the dialect
        is C{pb}.
    @param limit: how many bytes a string, and how many items a list may have.
    @raise BananaError: if that is too much, or if there is anything else in it.
    """
    parts: list[bytes] = []
    _write(sexp, vocabulary, limit, parts.append)
    return b"".join(parts)


def _write(
    value: Any, vocabulary: bool, limit: int, append: Callable[[bytes], object]
) -> None:
    if isinstance(value, (list, tuple)):
        if len(value) > limit:
            raise BananaError(f"a list of {len(value)} items is too long to send")
        append(listHead(len(value)))
        for item in value:
            _write(item, vocabulary, limit, append)
    elif isinstance(value, bytes):
        if vocabulary and value in SYMBOLS:
            append(SYMBOLS[value])
        elif len(value) > limit:
            raise BananaError(f"a string of {len(value)} bytes is too long to send")
        else:
            append(varint(len(value)) + b"\x82")
            append(value)
    elif isinstance(value, int):
        append(integer(value))
    elif isinstance(value, float):
        append(floating(value))
    elif type(value) is Encoded:
        if vocabulary:
            append(value.data)
        else:
            _write(value.sexp(), vocabulary, limit, append)
    else:
        raise BananaError(f"Banana cannot send {qual(type(value))} objects")
