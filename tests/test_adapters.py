"""
Values of types that Perspective Broker has no word for: in what form they
travel, that a declared field brings them back, and that a stock peer reads them
as plain data.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import pathlib
import uuid
from dataclasses import make_dataclass
from typing import Annotated, Any, NamedTuple, Optional
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, pb
from pbext._annotations import kindOf
from pbext._kinds import Mismatch
from pbext.errors import NotSendable
from pbext.testing import connectedPair, restoredRegistry, roundTrip

UTC = datetime.timezone.utc


class Colour(enum.Enum):
    GREEN = 1
    BLUE = "blue"
    #: Another name for it.
    VERT = 1


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2
    BOTH = 3
    OTHER = 12


class Bit(enum.IntFlag):
    ONE = 1
    TWO = 2


class Named(enum.Flag):
    NOTHING = 0
    SOMETHING = 1


class Spot(NamedTuple):
    x: int
    where: Optional[pathlib.PurePosixPath] = None  # noqa: UP045  # so it can be evaluated anywhere


class Name(str):
    pass


class Count(int):
    pass


class Metres(float):
    pass


class Blob(bytes):
    pass


class Herd(list[int]):
    pass


class Pair(tuple[int, int]):
    pass


class Group(set[int]):
    pass


class Club(frozenset[int]):
    pass


class Table(dict[str, int]):
    pass


#: An annotation, a value, and what travels for it.
TRAVELS: list[tuple[Any, object, object]] = [
    (Colour, Colour.GREEN, "GREEN"),
    (Colour, Colour.BLUE, "BLUE"),
    (Colour, Colour.VERT, "GREEN"),
    (Size, Size.LARGE, "LARGE"),
    (Right, Right.READ, "READ"),
    (Right, Right.READ | Right.WRITE, "READ|WRITE"),
    (Right, Right.BOTH, "READ|WRITE"),
    (Right, Right.OTHER | Right.READ, "READ|OTHER"),
    (Right, Right(0), ""),
    (Bit, Bit.ONE | Bit.TWO, "ONE|TWO"),
    (Bit, Bit(0), ""),
    (Named, Named.NOTHING, ""),
    (Named, Named.SOMETHING, "SOMETHING"),
    (Spot, Spot(1), (1, None)),
    (Spot, Spot(1, pathlib.PurePosixPath("a/b")), (1, "a/b")),
    (
        datetime.datetime,
        datetime.datetime(2024, 2, 29, 12, 0, 0, 5, UTC),
        "2024-02-29T12:00:00.000005+00:00",
    ),
    (
        datetime.datetime,
        datetime.datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")),
        "2024-07-01T00:00:00+02:00",
    ),
    (datetime.time, datetime.time(12, tzinfo=UTC), "12:00:00+00:00"),
    (uuid.UUID, uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (pathlib.Path, pathlib.Path("a/b"), "a/b"),
    (pathlib.PurePosixPath, pathlib.PurePosixPath("/a"), "/a"),
    (pathlib.PureWindowsPath, pathlib.PureWindowsPath("c:/a"), "c:\\a"),
    (decimal.Decimal, decimal.Decimal("Infinity"), "Infinity"),
    (decimal.Decimal, decimal.Decimal("-Infinity"), "-Infinity"),
    (
        collections.OrderedDict[str, int],
        collections.OrderedDict([("b", 1), ("a", 2)]),
        {"b": 1, "a": 2},
    ),
    (
        collections.defaultdict[str, list[int]],
        collections.defaultdict(list, {"a": [1]}),
        {"a": [1]},
    ),
    (collections.deque[int], collections.deque([1, 2]), [1, 2]),
    (collections.Counter[str], collections.Counter("aab"), {"a": 2, "b": 1}),
    (bytearray, bytearray(b"frog"), b"frog"),
    (complex, 1 - 2j, (1.0, -2.0)),
    (Name, Name("ann"), "ann"),
    (Count, Count(3), 3),
    (Metres, Metres(0.5), 0.5),
    (Blob, Blob(b"a"), b"a"),
    (Herd, Herd([1]), [1]),
    (Pair, Pair((1, 2)), (1, 2)),
    (Group, Group({1}), {1}),
    (Club, Club({1}), frozenset({1})),
    (Table, Table(a=1), {"a": 1}),
    # In other annotations, and in each other.
    (Colour | None, Colour.GREEN, "GREEN"),
    (Colour | None, None, None),
    (Annotated[Colour, "of a frog"], Colour.GREEN, "GREEN"),
    (pathlib.PurePosixPath | int, 3, 3),
    (pathlib.PurePosixPath | int, pathlib.PurePosixPath("a"), "a"),
    (list[Colour], [Colour.GREEN], ["GREEN"]),
    (set[Colour], {Colour.GREEN}, {"GREEN"}),
    (tuple[Colour, ...], (Colour.GREEN,), ("GREEN",)),
    (tuple[Colour, int], (Colour.GREEN, 1), ("GREEN", 1)),
    (dict[Colour, Size], {Colour.GREEN: Size.SMALL}, {"GREEN": "SMALL"}),
    (
        collections.deque[dict[str, list[Colour]]],
        collections.deque([{"a": [Colour.BLUE]}]),
        [{"a": ["BLUE"]}],
    ),
]

#: Values that travel as what they are.
AS_EVER: list[tuple[Any, object]] = [
    (datetime.datetime, datetime.datetime(2024, 2, 29, 12)),
    (datetime.time, datetime.time(12)),
    (decimal.Decimal, decimal.Decimal("1.50")),
    (decimal.Decimal, decimal.Decimal("-0")),
]

#: What may arrive for an annotation, and is no such value.
WRONG: list[tuple[Any, list[object]]] = [
    (
        Colour,
        ["RED", "green", "", "GREEN|BLUE", "__class__", "name", 1, None, b"GREEN"],
    ),
    (Size, [1, "1", "SMALL|LARGE"]),
    (Right, ["NONE", "READ|x", "name", 1, None, ["READ"]]),
    (Spot, [(1, 2), ("1", None), (1,), (1, None, 2), [1, None], {"x": 1}, None]),
    (
        datetime.datetime,
        ["2024-02-29T12:00:00", "yesterday", "", datetime.date(2024, 1, 1), 0, None],
    ),
    (datetime.time, ["12:00", "25:00+00:00", 12]),
    (uuid.UUID, ["", "7", 7, b"0" * 16]),
    (pathlib.Path, [b"a", 7, None, ("a",)]),
    (pathlib.WindowsPath, ["a"]),
    (decimal.Decimal, ["1.5", "", "one", 1, 1.5]),
    (collections.OrderedDict[str, int], [[("a", 1)], {"a": "1"}, {1: 1}]),
    (collections.defaultdict[str, list[int]], [{"a": 1}, []]),
    (collections.deque[int], [(1,), ["1"], {1}]),
    (bytearray, ["a", [1], 3]),
    (complex, [1, "1+2j", (1, 2, 3), ("a", "b"), (None, 1), [1, 2], (2**1100, 1)]),
    (Name, [b"ann", 7, None]),
    (Count, ["3", 3.0]),
    (Table, [[("a", 1)], None, "a"]),
    (Herd, [(1,), {1}]),
]

#: What a program may have in a field, against its annotation.
MISUSED: list[tuple[Any, object]] = [
    (pathlib.Path, None),
    (pathlib.Path, "a/b"),
    (uuid.UUID, 7),
    (bytearray, 3),
    (Colour, 1),
    (Colour, "GREEN"),
    (Size, 1),
    (complex, (1, 2)),
    (Spot, (1, None)),
    (collections.OrderedDict[str, int], {"a": 1}),
    (collections.deque[int], [1]),
    (list[pathlib.Path], "abc"),
    (list[pathlib.Path], [None]),
    (dict[str, Colour], {"a": "GREEN"}),
    (tuple[Colour, int], (Colour.GREEN,)),
    (datetime.datetime, datetime.date(2024, 1, 1)),
    (datetime.datetime, "2024-01-01T00:00:00+00:00"),
    (decimal.Decimal, "NaN"),
    (Name, "ann"),
    # Of the right type, and yet with no form that means the same.
    (datetime.time, datetime.time(12, tzinfo=ZoneInfo("Europe/Berlin"))),
    (Bit, Bit.ONE | 8),
]


class AdapterTests(SynchronousTestCase):
    """
    Both ways, without a broker.
    """

    def test_travels(self) -> None:
        """
        A value is written as plain data, and read as what it was.
        """
        for annotation, value, wire in TRAVELS:
            kind = kindOf(annotation)
            self.assertTrue(kind.holds(value), (annotation, value))
            written = kind.writes(value)
            self.assertEqual((wire, type(wire)), (written, type(written)))
            found = kind.read(written)
            self.assertEqual((value, type(value)), (found, type(found)))

    def test_asEver(self) -> None:
        """
        What jelly has a word for travels as it always did.
        """
        for annotation, value in AS_EVER:
            kind = kindOf(annotation)
            self.assertIs(kind.writes(value), value)
            self.assertIs(kind.read(value), value)

    def test_notANumber(self) -> None:
        """
        Decimals that are no number travel as strings, of each kind and sign.
        """
        kind = kindOf(decimal.Decimal)
        for text in ("NaN", "-NaN", "sNaN", "NaN123"):
            written = kind.writes(decimal.Decimal(text))
            self.assertEqual(text, written)
            self.assertEqual(text, str(kind.read(written)))

    def test_otherNames(self) -> None:
        """
        An enum is read by any of its names, a flag by those of its parts too.
        """
        self.assertIs(Colour.GREEN, kindOf(Colour).read("VERT"))
        self.assertEqual(Right.BOTH, kindOf(Right).read("BOTH"))
        self.assertEqual(Right.BOTH, kindOf(Right).read("WRITE|READ|READ"))
        self.assertIs(Named.NOTHING, kindOf(Named).read("NOTHING"))

    def test_defaults(self) -> None:
        """
        A defaultdict goes on making what the annotation says; without one it
        makes nothing.
        """
        found = kindOf(collections.defaultdict[str, list[int]]).read({})
        found["a"].append(1)
        self.assertEqual({"a": [1]}, found)
        bare = kindOf(collections.defaultdict).read({})
        self.assertRaises(KeyError, bare.__getitem__, "a")

    def test_wrong(self) -> None:
        """
        What is no form of a value is a mismatch, never another error.
        """
        for annotation, values in WRONG:
            for value in values:
                self.assertRaises(Mismatch, kindOf(annotation).read, value)

    def test_ownErrors(self) -> None:
        """
        So is what the user's class does not take, whatever it raises.
        """

        class Picky(str):
            def __new__(cls, text: str) -> Picky:
                raise ZeroDivisionError(text)

        class PickySpot(Spot):
            def __new__(cls, *args: Any) -> PickySpot:
                raise LookupError(args)

        for annotation, value in ((Picky, "secret"), (PickySpot, (1, None))):
            error = self.assertRaises(Mismatch, kindOf(annotation).read, value)
            self.assertNotIn("secret", str(error))
        self.assertRaises(Mismatch, kindOf(list[Picky]).read, ["secret"])

    def test_misused(self) -> None:
        """
        A value that is not what the annotation says has no form to travel in:
        C{str} would make something of anything.
        """
        for annotation, value in MISUSED:
            with self.assertRaises((TypeError, ValueError)):
                kindOf(annotation).writes(value)

    @settings(max_examples=60, deadline=None)
    @given(
        st.datetimes(timezones=st.timezones() | st.just(UTC)).filter(
            lambda at: at.utcoffset() is not None
        )
    )
    def test_instants(self, at: datetime.datetime) -> None:
        """
        A point in time arrives as the same point in time.
        """
        kind = kindOf(datetime.datetime)
        found = kind.read(kind.writes(at))
        self.assertEqual(at.astimezone(UTC), found.astimezone(UTC))
        self.assertEqual(at.utcoffset(), found.utcoffset())

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 15))
    def test_flags(self, value: int) -> None:
        """
        A combination of flags arrives whole, or does not leave.
        """
        kind = kindOf(Right)
        try:
            right = Right(value)
            written = kind.writes(right)
        except ValueError:
            self.assertIn(value & 12, (4, 8))  # half of the one with two bits
        else:
            self.assertEqual(right, kind.read(written))


class Desk(pb.Root):
    def remote_take(self, thing: Any) -> None:
        self.taken = thing


class Around(pb.Copyable):
    """
    Has another object.
    """

    def __init__(self, inner: Any) -> None:
        self.parts = [0, inner]


class ConnectionTests(SynchronousTestCase):
    """
    In a field, over a connection.
    """

    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def holder(self, annotation: Any) -> Any:
        """
        @return: a class with one field of this type.
        """

        return make_dataclass(
            "Holder",
            [("value", annotation)],
            bases=(pb.Copyable, pb.RemoteCopy),
            namespace={"typeToCopy": "tests.test_adapters.Holder"},
        )

    def test_roundTrip(self) -> None:
        """
        What a declared field has, it has at the other side.
        """
        for annotation, value, _ in TRAVELS:
            cls, registry = self.holder(annotation), Registry()
            registry.setUnjellyableForClass(cls, cls)
            arrived = roundTrip(cls(value), registry)
            self.assertEqual((value, type(value)), (arrived.value, type(arrived.value)))

    def test_stockReceiver(self) -> None:
        """
        A stock receiver gets it as plain data.
        """

        class Plain(stock.RemoteCopy):
            value: Any

        stock.setUnjellyableForClass("tests.test_adapters.Holder", Plain)
        desk = Desk()
        with connectedPair(desk, serverFactory=stock.PBServerFactory) as pair:
            for annotation, value, wire in TRAVELS:
                holder = self.holder(annotation)(value)
                pair.result(pair.root.callRemote("take", holder))
                self.assertEqual({"value": wire}, vars(desk.taken))
                self.assertIs(type(wire), type(desk.taken.value))

    def test_stockSender(self) -> None:
        """
        And a stock sender's plain data becomes it.
        """

        class Plain(stock.Copyable):
            def getTypeToCopy(self) -> bytes:
                return b"tests.test_adapters.Holder"

        desk = Desk()
        for annotation, value, wire in TRAVELS:
            cls, registry = self.holder(annotation), Registry()
            registry.setUnjellyableForClass(cls, cls)
            plain: Any = Plain()
            plain.value = wire
            with connectedPair(
                desk,
                serverFactory=lambda root, r=registry: pb.PBServerFactory(
                    root, registry=r
                ),
                clientFactory=stock.PBClientFactory,
            ) as pair:
                pair.result(pair.root.callRemote("take", plain))
            self.assertEqual((value, type(value)), (desk.taken.value, type(value)))

    def test_misused(self) -> None:
        """
        A value against its annotation is an error at the sender, which says
        which field, and what is declared, and not the value.
        """
        with connectedPair(Desk()) as pair:
            for annotation, value in MISUSED:
                holder = self.holder(annotation)(value)
                for thing, path in (
                    (holder, "$[0].value"),
                    ([0, {"it": (holder,)}], "$[0][1].it[0].value"),
                    (Around(holder), "$[0].parts[1].value"),
                ):
                    call = pair.root.callRemote("take", thing)
                    error = self.failureResultOf(call, NotSendable).value
                    self.assertEqual(path, error.path)
                    self.assertIn("Holder declares", error.fix)
                    self.assertNotIn("abc", str(error))

    def test_undeclared(self) -> None:
        """
        Where no field declares it, it is an error at the sender as well, with
        its path.
        """

        class Anything(pb.Copyable):
            typeToCopy = "tests.test_adapters.Anything"

        with connectedPair(Desk()) as pair:
            for value in (
                Colour.GREEN,
                Size.LARGE,
                Spot(1),
                pathlib.Path("a"),
                uuid.UUID(int=7),
                collections.deque([1]),
                collections.OrderedDict(a=1),
                bytearray(b"a"),
                1j,
                Name("ann"),
                Table(a=1),
            ):
                thing: Any = Anything()
                thing.parts = [0, value]
                call = pair.root.callRemote("take", thing)
                error = self.failureResultOf(call, NotSendable).value
                self.assertEqual("$[0].parts[1]", error.path)
