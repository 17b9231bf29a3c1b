"""
What writes values that hold no others.
"""

from __future__ import annotations

import datetime
import decimal
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from pbext.errors import NotSendable
from pbext.wire._banana import LARGEST, SYMBOLS, integer, listHead, string, varint
from pbext.wire._flaw import Flaw
from pbext.wire._jellier import AS_TEXT, notUTF8, zoned

__all__ = ["CONTAINERS", "KINDS", "LEAVES", "NAMES", "SHORT", "TWO"]

#: How many names of fields are remembered in their bytes, and how long they may
#: be: fields of classes, not data.
_MOST, _NAME = 4096, 64

#: How a list of two begins.
TWO = listHead(2)

#: Lists and strings of fewer items are begun by what is at hand.
SHORT = 128


class _Integers(dict[int, bytes]):
    """
    The usual ones; the others are written when they are asked for.
    """

    def __missing__(self, value: int) -> bytes:
        if -LARGEST <= value <= LARGEST:
            return integer(value)
        raise _flawed("an integer of more than 448 bits", "send it as a string")


_integer = _Integers({value: integer(value) for value in range(-128, 1024)}).__getitem__

#: The str that are words, and how those that are none begin, by their length.
_WORDS = {word.decode("ascii"): word for word in SYMBOLS}
_UNICODE = TWO + string(b"unicode")
_TEXTS = [_UNICODE + varint(length) + b"\x82" for length in range(SHORT)]


def _text(value: str) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise Flaw(notUTF8()) from None
    if len(data) < SHORT and value not in _WORDS:
        return _TEXTS[len(data)] + data
    return _UNICODE + string(data)


class _Names(dict[str, bytes]):
    """
    Keys of dicts that are str, each with what begins the pair.
    """

    def __missing__(self, name: str) -> bytes:
        data = TWO + _text(name)
        if len(name) <= _NAME:
            if len(self) >= _MOST:
                self.clear()
            self[name] = data
        return data


NAMES = _Names()


def _flawed(got: str, fix: str) -> Flaw:
    return Flaw(NotSendable(path="$", got=got, fix=fix))


def _numbers(word: bytes, *numbers: int) -> bytes:
    return TWO + string(word) + string(" ".join(map(str, numbers)).encode("ascii"))


def _date(value: datetime.date) -> bytes:
    return _numbers(b"date", value.year, value.month, value.day)


def _time(value: datetime.time) -> bytes:
    if value.tzinfo:
        raise Flaw(zoned())
    return _numbers(b"time", value.hour, value.minute, value.second, value.microsecond)


def _datetime(value: datetime.datetime) -> bytes:
    if value.tzinfo:
        raise Flaw(zoned())
    return _numbers(
        b"datetime",
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def _timedelta(value: datetime.timedelta) -> bytes:
    return _numbers(b"timedelta", value.days, value.seconds, value.microseconds)


def _decimal(value: decimal.Decimal) -> bytes:
    if not value.is_finite():
        raise _flawed("a decimal that is not finite", AS_TEXT)
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits)))
    if number > LARGEST:
        raise _flawed("a decimal", "send a simpler value")
    number = -number if sign else number
    return listHead(3) + string(b"decimal") + integer(number) + integer(int(exponent))


#: What writes what cannot hold anything.
LEAVES: dict[type, Callable[[Any], bytes]] = {
    type(None): {None: listHead(1) + SYMBOLS[b"None"]}.__getitem__,
    bool: {
        value: TWO + string(b"boolean") + string(word)
        for value, word in [(True, b"true"), (False, b"false")]
    }.__getitem__,
    int: _integer,
    float: partial(struct.Struct("!cd").pack, b"\x84"),
    str: _text,
    bytes: string,
    datetime.date: _date,
    datetime.time: _time,
    datetime.datetime: _datetime,
    datetime.timedelta: _timedelta,
    decimal.Decimal: _decimal,
}

#: What holds others, and is written here as well.
CONTAINERS = frozenset({list, tuple, dict, set, frozenset})

#: Exact types of which no hook is asked what they are.
KINDS = CONTAINERS | LEAVES.keys()
