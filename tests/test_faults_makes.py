"""
What stock Perspective Broker gets wrong with classes of other makes than its
own, and with what jelly has no words for, fault by fault under its id: gone when
the end that is to blame runs pbext, whatever the other end runs.  All of it in
memory and over loopback TCP.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import pathlib
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.testing import roundTrip
from tests.contracts import (
    MIXINS,
    NOON,
    REGISTRY,
    ROWS,
    Arrived,
    Colour,
    ContractCase,
    Level,
    Point,
    Rights,
    Table,
    Text,
    register,
)
from tests.ponds import StockPond
from tests.wires import across


@register
@attrs.define
class DefinedPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.DefinedPond"
    frogs: int
    toads: list[str]


@register
@attrs.frozen
class FrozenDefinedPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.FrozenDefinedPond"
    frogs: int
    toads: list[str]


@register
@dataclass
class DataPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.DataPond"
    frogs: int
    toads: list[str]


@register
@dataclass(frozen=True)
class FrozenDataPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.FrozenDataPond"
    frogs: int
    toads: list[str]


@register
@dataclass(slots=True)
class SlotsDataPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.SlotsDataPond"
    frogs: int
    toads: list[str]


@register
class SlottedPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.SlottedPond"
    __slots__ = ("frogs", "toads")

    def __init__(self, frogs: int, toads: list[str]) -> None:
        self.frogs = frogs
        self.toads = toads


@register
class ConstructedPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "faults.ConstructedPond"

    def __init__(self, frogs: int, toads: list[str]) -> None:
        self.frogs = frogs
        self.toads = toads


MAKES = (
    DefinedPond,
    FrozenDefinedPond,
    DataPond,
    FrozenDataPond,
    SlotsDataPond,
    SlottedPond,
    ConstructedPond,
)


@register
@attrs.define
class DefinedMirror(pb.RemoteCache):
    name: str
    ducks: list[str]


@register
@dataclass(slots=True)
class SlotsDataMirror(pb.RemoteCache):
    name: str
    ducks: list[str] = field(default_factory=list)


@register
class ConstructedMirror(pb.RemoteCache):
    def __init__(self, name: str, ducks: list[str]) -> None:
        self.name = name
        self.ducks = ducks


class _Makes(ContractCase):
    """
    To blame is the end whose classes are of another make than stock knows.
    """

    async def test_B2_received(self) -> None:
        """
        A class that is one of attrs or of dataclasses, that has slots, is
        frozen, or has a constructor with arguments, receives.
        """
        await self.meet()
        for cls in MAKES:
            sent = self.of(cls, frogs=3, toads=["one"])
            for pond in await self.toOurs(sent):
                self.assertIs(cls, type(pond))
                self.assertEqual((3, ["one"]), (pond.frogs, pond.toads))
        await self.assertUnharmed()

    async def test_B2_sent(self) -> None:
        """
        And is sent, as any other.
        """
        await self.meet()
        for cls in MAKES:
            for copy in await self.toTheirs(cls(3, ["one"])):
                self.assertIs(Arrived, type(copy))
                self.assertEqual({"frogs": 3, "toads": ["one"]}, vars(copy))
        await self.assertUnharmed()

    async def test_B2_caches(self) -> None:
        """
        So does a cache, if it is not frozen.
        """
        await self.meet()
        for cls in DefinedMirror, SlotsDataMirror, ConstructedMirror:
            pond = StockPond(self.tag(cls))
            pond.ducks.append("huey")
            for cache in await self.toOurs(pond):
                self.assertIs(cls, type(cache))
                self.assertEqual(("pond", ["huey"]), (cache.name, cache.ducks))
            self.ourDesk.kept.clear()
            del cache
            await self.settle()
            self.assertLeft(pond)
        await self.assertUnharmed()
        self.assertNothingHeld()


@register
@dataclass
class Declared(pb.Copyable, pb.RemoteCopy):
    """
    Declares what jelly has no words for.
    """

    typeToCopy = "faults.Declared"
    colour: Colour
    level: Level
    rights: Rights
    point: Point
    text: Text
    table: Table
    ordered: collections.OrderedDict[str, int]
    counts: collections.defaultdict[str, int]
    queue: collections.deque[int]
    path: pathlib.PurePosixPath
    number: uuid.UUID
    raw: bytearray
    z: complex
    when: datetime.datetime
    at: datetime.time
    price: decimal.Decimal


DECLARED = Declared(
    colour=Colour.GREEN,
    level=Level.HIGH,
    rights=Rights.READ | Rights.OWN,
    point=Point(1, 2.5),
    text=Text("text"),
    table=Table(a=1),
    ordered=collections.OrderedDict(b=1, a=2),
    counts=collections.defaultdict(int, a=1),
    queue=collections.deque([1, 2]),
    path=pathlib.PurePosixPath("a/b"),
    number=uuid.UUID(int=7),
    raw=bytearray(b"raw"),
    z=1 + 2j,
    when=NOON,
    at=NOON.timetz(),
    price=decimal.Decimal("-Infinity"),
)

#: Its state, in what jelly has words for.
PLAIN: dict[str, Any] = {
    "colour": "GREEN",
    "level": "HIGH",
    "rights": "READ|OWN",
    "point": (1, 2.5),
    "text": "text",
    "table": {"a": 1},
    "ordered": {"b": 1, "a": 2},
    "counts": {"a": 1},
    "queue": [1, 2],
    "path": "a/b",
    "number": "00000000-0000-0000-0000-000000000007",
    "raw": b"raw",
    "z": (1.0, 2.0),
    "when": "2024-05-06T12:00:00+00:00",
    "at": "12:00:00+00:00",
    "price": "-Infinity",
}


class _Adapted(ContractCase):
    """
    To blame is the end whose classes declare what jelly has no words for.
    """

    def assertTyped(self, wanted: dict[str, Any], got: dict[str, Any]) -> None:
        """
        Two states are equal, and so are the types in them.
        """
        self.assertEqual(wanted, got)
        for name, value in wanted.items():
            self.assertIs(type(value), type(got[name]), name)

    async def test_B2b_sent(self) -> None:
        """
        It is sent as plain data, which any peer can read.
        """
        await self.meet()
        for copy in await self.toTheirs(DECLARED):
            self.assertTyped(PLAIN, vars(copy))
        await self.assertUnharmed()

    async def test_B2b_received(self) -> None:
        """
        Such data is what it was declared as, when it arrives.
        """
        await self.meet()
        for copy in await self.toOurs(self.of(Declared, **PLAIN)):
            self.assertIs(Declared, type(copy))
            self.assertTyped(vars(DECLARED), vars(copy))
            self.assertEqual(["b", "a"], list(copy.ordered))
            self.assertEqual(0, copy.counts["none"])
        await self.assertUnharmed()


class BothWaysTests(SynchronousTestCase):
    """
    With pbext at both ends, there and back.
    """

    def test_B2b_bothWays(self) -> None:
        """
        It is what it was, types and all; also a decimal that is equal to
        nothing.
        """
        nan = replace(DECLARED, price=decimal.Decimal("sNaN"))
        for sent in DECLARED, nan:
            copy = roundTrip([sent], REGISTRY)[0]
            self.assertIsNot(sent, copy)
            for name, value in vars(sent).items():
                self.assertIs(type(value), type(getattr(copy, name)), name)
                if value is not nan.price:
                    self.assertEqual(value, getattr(copy, name))
        self.assertTrue(copy.price.is_snan())


globals().update(across(module=__name__, tests=_Makes, rows={**ROWS, **MIXINS}))
globals().update(across(module=__name__, tests=_Adapted, rows={**ROWS, **MIXINS}))
