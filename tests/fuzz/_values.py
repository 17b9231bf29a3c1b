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

from twisted.spread import flavors, jelly
from twisted.spread import pb as stock

from pbext import pb
from pbext.errors import NotSendable
from pbext.wire._jelly import ATOMS

__all__ = ["KINDS", "Copy", "Pond", "StockCopy", "Strict", "valueOf"]

#: Lists and dicts within each other, at the most; Python recurses deeper.
_DEPTH = 12

#: Values in one.
_MOST = 300

_WORDS = sorted(ATOMS)

#: What is hashed as what it says.
_HASHABLE = frozenset({bool, int, float, str, bytes, decimal.Decimal})

_Point = namedtuple("_Point", "x y")


class _List(list):
    pass


class _Str(str):
    pass


class Copy(pb.Copyable, pb.RemoteCopy):
    """
    Ours.
    """

    typeToCopy = "tests.fuzz.Copy"


class Strict(pb.Copyable, pb.RemoteCopy):
    """
    One that declares what it has.
    """

    typeToCopy = "tests.fuzz.Strict"
    number: int = 0
    things: list[int] | None = None


class StockCopy(stock.Copyable, stock.RemoteCopy):
    """
    Twisted's.
    """


class View(pb.Copyable):
    """
    One that is different for each perspective.
    """

    typeToCopy = "tests.fuzz.Copy"

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"perspective": str(perspective), **vars(self)}


class Changing(pb.Copyable):
    """
    Changes what it is in, while it is sent.
    """

    typeToCopy = "tests.fuzz.Copy"
    _holder: Any = None

    def getStateToCopy(self) -> Any:
        if type(self._holder) is list and len(self._holder) < _MOST:
            self._holder.append(7)
        elif type(self._holder) is dict:
            self._holder["more"] = 7
        return {}


class Failing(stock.Copyable):
    """
    Cannot say what it has.
    """

    def getStateToCopy(self) -> Any:
        raise ZeroDivisionError("no")


class Nameless(stock.Copyable):
    """
    Is sent as what is no name.
    """

    tag: Any = 7

    def getTypeToCopy(self) -> Any:
        return self.tag


class Abstract(jelly.Jellyable):
    """
    Raises what stock raises for some values.
    """

    def jellyFor(self, jellier: Any) -> Any:
        raise NotImplementedError("of its own")


class Torn(pb.Copyable):
    """
    What it has cannot be sent, as it says itself.
    """

    typeToCopy = "tests.fuzz.Copy"

    def getStateToCopy(self) -> Any:
        raise NotSendable(path="$.a", got="nothing", fix="none")


class Own(jelly.Jellyable):
    """
    Jellies itself.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def jellyFor(self, jellier: Any) -> Any:
        sexp = jellier.prepare(self)
        sexp.extend([b"tests.fuzz.Copy", jellier.jelly({"value": self.value})])
        return jellier.preserve(self, sexp)


class Bare(jelly.Jellyable):
    """
    Jellies itself into what is not looked at any more.
    """

    def jellyFor(self, jellier: Any) -> Any:
        return (b"tests.fuzz.Copy", [b"dictionary", [b"a", 1.5], [b"b", 2**70]])


for _cls in (Copy, Strict):
    stock.setUnjellyableForClass(_cls.typeToCopy, _cls)
stock.setUnjellyableForClass("tests.fuzz.StockCopy", StockCopy)


class Pond(pb.Cacheable):
    """
    Ours, of which there are caches.
    """

    typeToCopy = "tests.fuzz.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"ducks": [1, 2]}


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
        for name in ("a", "number", "things", "_private")[: self._byte() % 5]:
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

    def odd(self, depth: int) -> Any:
        made = _ODD[self._byte() % len(_ODD)]()
        self._made.append(made)
        return made


def _named(made: Any, tag: Any) -> Any:
    made.tag = tag
    return made


#: What cannot be sent, or is a reference, or does it all by itself.
_ODD: list[Callable[[], Any]] = [
    object,
    lambda: len,
    lambda: datetime,
    lambda: Copy,
    lambda: 1j,
    lambda: bytearray(b"x"),
    lambda: range(3),
    Failing,
    Bare,
    pb.Referenceable,
    stock.Referenceable,
    Pond,
    flavors.Jellyable,
    Nameless,
    lambda: _named(Nameless(), "tests.fuzz.Copy"),
    lambda: _named(Nameless(), b"x" * 40),
    Abstract,
    Torn,
    lambda: _named(Copy(), "x" * 40),
]

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
    _Values.list,
    _Values.dict,
]


def valueOf(data: bytes, steady: bool = False) -> Any:
    """
    @param steady: whether nothing in it changes while it is sent.
    @return: a value, which is made anew each time.
    """
    return _Values(data, steady).value()
