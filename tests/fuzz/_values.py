"""
Values, by the bytes of a fuzzer: what can be sent and what cannot, in each
other, in several places, and in themselves.
"""

from __future__ import annotations

import datetime
import decimal
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

from pbext.wire._jelly import ATOMS
from tests.fuzz._objects import (
    ODD,
    Changing,
    Copy,
    Own,
    StockCopy,
    Strict,
    Veil,
    View,
)

__all__ = ["KINDS", "spelled", "valueOf"]

#: Lists and dicts within each other, at the most; Python recurses deeper.
_DEPTH = 12

#: Values in one.
_MOST = 300

_WORDS = sorted(ATOMS)

#: What holds many items, which are small.
_WIDE: list[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    lambda items: {f"field {n}": item for n, item in enumerate(items)},
    lambda items: dict.fromkeys(range(len(items))),
    lambda items: set(range(len(items))),
    lambda items: frozenset(range(len(items))),
]

#: What an object has.
_FIELDS = ("a", "number", "things", "_private", "level")

#: What is hashed as what it says.
_HASHABLE = frozenset({bool, int, float, str, bytes, decimal.Decimal})

_Point = namedtuple("_Point", "x y")


class _List(list):
    pass


class _Str(str):
    pass


class _Values:
    """
    Draws from the bytes; when they are over, there is nothing but zeros.
    """

    def __init__(self, data: bytes, steady: bool) -> None:
        self._steady = steady
        self._data = memoryview(data)
        self._at = 0
        self._made: list[Any] = []
        self._left = _MOST
        self._zone = datetime.timezone.utc

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def _bytes(self, most: int) -> bytes:
        size = self._byte() % (most + 1)
        found = bytes(self._data[self._at : self._at + size])
        self._at += size
        return found

    def value(self, depth: int = 0) -> Any:
        """
        @return: the next value.
        """
        self._left -= 1
        kinds = KINDS if depth < _DEPTH and self._left > 0 else _LEAVES
        return kinds[self._byte() % len(kinds)](self, depth)

    def _several(self, depth: int) -> list[Any]:
        return [self.value(depth + 1) for _ in range(self._byte() % 6)]

    def _hashable(self, depth: int) -> list[Any]:
        found = []
        for value in self._several(depth):
            try:
                hash(value)
            except TypeError:
                continue
            found.append(value)
        return found

    def integer(self, depth: int) -> int:
        number = int.from_bytes(self._bytes(60), "little")
        return -number if self._byte() & 1 else number

    def double(self, depth: int) -> float:
        return self._byte() / 16 or float("inf")

    def text(self, depth: int) -> str:
        return self._bytes(80).decode("utf-8", "surrogateescape")

    def data(self, depth: int) -> bytes:
        return self._bytes(20)

    def word(self, depth: int) -> bytes:
        return _WORDS[self._byte() % len(_WORDS)]

    def term(self, depth: int) -> str:
        return self.word(depth).decode("ascii")

    def long(self, depth: int) -> Any:
        isText = self._byte() & 1
        data = b"long" * (self._byte() // 2)
        return data.decode("ascii") if isText else data

    def wide(self, depth: int) -> Any:
        make = _WIDE[self._byte() % len(_WIDE)]
        size = self._byte()
        made = make([self.value(_DEPTH)] * size)
        self._made.append(made)
        return made

    def date(self, depth: int) -> Any:
        return datetime.date(1 + self._byte(), 1 + self._byte() % 12, 3)

    def datetime(self, depth: int) -> Any:
        zone = self._zone if self._byte() > 250 else None
        return datetime.datetime(2000, 2, 3, self._byte() % 24, tzinfo=zone)

    def time(self, depth: int) -> Any:
        zone = self._zone if self._byte() > 250 else None
        return datetime.time(self._byte() % 24, 5, tzinfo=zone)

    def timedelta(self, depth: int) -> Any:
        return datetime.timedelta(self._byte() - 128, self._byte(), self._byte())

    def decimal(self, depth: int) -> Any:
        if self._byte() > 250:
            return decimal.Decimal("NaN")
        digits = tuple(digit % 10 for digit in self._bytes(160)) or (0,)
        return decimal.Decimal((self._byte() & 1, digits, self._byte() - 128))

    def again(self, depth: int) -> Any:
        return self._made[self._byte() % len(self._made)] if self._made else None

    def list(self, depth: int) -> Any:
        made: Any = []
        self._made.append(made)
        made += self._several(depth)
        return made

    def subclass(self, depth: int) -> Any:
        kind = self._byte() % 4
        if kind == 0:
            return _List(self._several(depth))
        if kind == 1:
            return _Str("x")
        if kind == 2:
            return OrderedDict(a=1)
        return _Point(1, 2)

    def tuple(self, depth: int) -> Any:
        made = tuple(self._several(depth))
        self._made.append(made)
        return made

    def dict(self, depth: int) -> Any:
        made: Any = {}
        self._made.append(made)
        for key in self._hashable(depth):
            made[key] = self.value(depth + 1)
        return made

    def _members(self) -> list[Any]:
        # Nothing whose hash is its address: two sets of it have other orders.
        leaves = [self.value(_DEPTH) for _ in range(self._byte() % 6)]
        members = [x for x in leaves if type(x) in _HASHABLE and x == x]
        return [tuple(members), *members] if self._byte() & 1 else members

    def set(self, depth: int) -> Any:
        made = set(self._members())
        self._made.append(made)
        return made

    def frozenset(self, depth: int) -> Any:
        made = frozenset(self._members())
        self._made.append(made)
        return made

    def _object(self, cls: Any, depth: int) -> Any:
        made = cls()
        self._made.append(made)
        for name in _FIELDS[: self._byte() % (len(_FIELDS) + 1)]:
            setattr(made, name, self.value(depth + 1))
        return made

    def copy(self, depth: int) -> Any:
        return self._object(Copy, depth)

    def strict(self, depth: int) -> Any:
        return self._object(Strict, depth)

    def stockCopy(self, depth: int) -> Any:
        return self._object(StockCopy, depth)

    def view(self, depth: int) -> Any:
        return self._object(View, depth)

    def changing(self, depth: int) -> Any:
        made = Changing()
        if self._made and not self._steady:
            made._holder = self._made[self._byte() % len(self._made)]
        return made

    def own(self, depth: int) -> Any:
        return Own(self.value(depth + 1))

    def veil(self, depth: int) -> Any:
        return Veil(self.value(depth + 1))

    def odd(self, depth: int) -> Any:
        made = ODD[self._byte() % len(ODD)]()
        self._made.append(made)
        return made


_LEAVES: list[Callable[[_Values, int], Any]] = [
    lambda values, depth: None,
    lambda values, depth: True,
    lambda values, depth: False,
    _Values.integer,
    _Values.double,
    _Values.text,
    _Values.data,
    _Values.word,
    _Values.date,
    _Values.datetime,
    _Values.time,
    _Values.timedelta,
    _Values.decimal,
    _Values.again,
    _Values.term,
    _Values.long,
]

#: All that there is, in the order of the bytes.
KINDS = [
    *_LEAVES,
    _Values.list,
    _Values.tuple,
    _Values.dict,
    _Values.set,
    _Values.frozenset,
    _Values.copy,
    _Values.strict,
    _Values.stockCopy,
    _Values.view,
    _Values.changing,
    _Values.own,
    _Values.subclass,
    _Values.odd,
    _Values.veil,
    _Values.wide,
    _Values.list,
    _Values.dict,
]


def spelled(name: str, *rest: bytes) -> bytes:
    """
    @param name: of a kind, as the method above is called that makes it.
    @param rest: what that draws.
    @return: the bytes of a value of that kind.
    """
    return bytes([KINDS.index(getattr(_Values, name)), *b"".join(rest)])


def valueOf(data: bytes, steady: bool = False) -> Any:
    """
    @param steady: whether nothing in it changes while it is sent.
    @return: a value, which is made anew each time.
    """
    return _Values(data, steady).value()
