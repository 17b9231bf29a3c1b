"""
Of which kind a value is: what an annotation asks for, what of the values that
arrive it takes, and what it says of the others.  What travels in another form is
seen in L{tests.test_adapters}.
"""

# What older programs write is to be understood as well.
# ruff: noqa: UP006, UP007, UP045

from __future__ import annotations

import collections
import collections.abc
import datetime
import decimal
import enum
import pathlib
import typing
from collections.abc import Callable
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
)

from msgspec import Meta

from twisted.persisted.crefutil import NotKnown
from twisted.trial.unittest import SynchronousTestCase

from pbext._annotations import kindOf
from pbext._kinds import Mismatch, Postponed


class Frog:
    pass


class TreeFrog(Frog):
    pass


class Toad:
    pass


class Colour(enum.Enum):
    GREEN = 1
    BLUE = 2


class Spot(NamedTuple):
    x: int
    y: int


class Movie(TypedDict):
    title: str


class Swimming(Protocol):
    def swim(self) -> None: ...


T = TypeVar("T")


class Box(Generic[T]):
    pass


Weight = NewType("Weight", float)
Herd = NewType("Herd", list[Frog])


class KindCase(SynchronousTestCase):
    def assertTakes(self, annotation: Any, *values: object) -> None:
        """
        Values of a kind are read as what they are, and need no other form.
        """
        kind = kindOf(annotation)
        for value in values:
            self.assertIs(kind.read(value), value)
            self.assertTrue(kind.holds(value), (annotation, value))
            self.assertIs(kind.writes(value), value)

    def refusal(self, annotation: Any, value: object) -> Mismatch:
        """
        @return: what is said of a value that is not of a kind.
        """
        kind = kindOf(annotation)
        self.assertFalse(kind.holds(value), (annotation, value))
        error: Mismatch = self.assertRaises(Mismatch, kind.read, value)
        return error

    def assertRefuses(self, annotation: Any, *values: object) -> None:
        for value in values:
            self.refusal(annotation, value)


#: A value of each leaf type, and others that somebody might take for one.
LEAVES: list[tuple[Any, list[object], list[object]]] = [
    (int, [0, -1, 2**447], [True, 1.0, "1", b"1", None, decimal.Decimal(1)]),
    (bool, [True, False], [1, 0, "true", None]),
    (float, [0.5, float("inf"), -0.0], [True, "0.5", "nan", None]),
    (str, ["", "frog", "\x00"], [b"frog", 1, None]),
    (bytes, [b"", b"frog"], ["frog", "ZnJvZw==", [1], None]),
    (None, [None], [0, "", False, []]),
    (type(None), [None], [0, "None"]),
    (
        datetime.date,
        [datetime.date(2024, 2, 29)],
        [datetime.datetime(2024, 2, 29), "2024-02-29", 0, None],
    ),
    (
        datetime.timedelta,
        [datetime.timedelta(1, 2, 3)],
        [5, 5.0, "PT5S", None],
    ),
]


class LeafTests(KindCase):
    """
    Values without parts, which msgspec checks.
    """

    def test_itself(self) -> None:
        """
        A value of the type is one.
        """
        for annotation, values, _ in LEAVES:
            self.assertTakes(annotation, *values)

    def test_strict(self) -> None:
        """
        Nothing is converted: no string that looks like one, no number for a
        bool or a bool for a number, no point in time for a day.
        """
        for annotation, _, others in LEAVES:
            self.assertRefuses(annotation, *others)

    def test_intForFloat(self) -> None:
        """
        An int is taken for a float, as type checkers have it, and becomes one,
        wherever it stands.
        """
        for annotation, value, expected in (
            (float, 3, 3.0),
            (Optional[float], 3, 3.0),
            (list[float], [1, 2.0], [1.0, 2.0]),
            (dict[str, float], {"a": 1}, {"a": 1.0}),
            (tuple[float, ...], (1,), (1.0,)),
            (tuple[float, int], (1, 1), (1.0, 1)),
            (set[float], {1}, {1.0}),
            (list[Optional[float]], [1, None], [1.0, None]),
            (list[Weight], [1], [1.0]),
            (list[Annotated[float, Meta(ge=0)]], [1], [1.0]),
            (list[list[float]], [[1]], [[1.0]]),
        ):
            found = kindOf(annotation).read(value)
            self.assertEqual(repr(found), repr(expected))
        self.assertTakes(Union[int, float], 3, 3.5)
        self.assertTakes(list[Union[int, float]], [3, 3.5])

    def test_constraints(self) -> None:
        """
        msgspec's constraints are checked, of numbers larger than its own too.
        """
        self.assertTakes(Annotated[int, Meta(ge=0)], 0, 2**64, 2**447)
        self.assertRefuses(Annotated[int, Meta(ge=0)], -1, -(2**64), "0")
        self.assertRefuses(Annotated[int, Meta(le=10)], 11, 2**64)
        self.assertRefuses(Annotated[int, Meta(multiple_of=3)], 4)
        self.assertTakes(Annotated[str, Meta(max_length=3, pattern="^f")], "fr")
        self.assertRefuses(Annotated[str, Meta(max_length=3, pattern="^f")], "frog")
        self.assertRefuses(Annotated[str, Meta(pattern="^f")], "toad")
        self.assertRefuses(Annotated[bytes, Meta(min_length=1)], b"")
        self.assertRefuses(Optional[Annotated[int, Meta(ge=1)]], 0)
        self.assertTakes(Optional[Annotated[int, Meta(ge=1)]], 1, None)
        self.assertRefuses(list[Annotated[int, Meta(ge=1)]], [1, 0])
        self.assertRaises(Mismatch, kindOf(Annotated[Weight, Meta(gt=0)]).read, 0.0)

    def test_constrainedContainers(self) -> None:
        """
        So are those on the length of a container of anything, in whichever form
        it travels, and on whether a point in time has a zone.
        """
        frog = Frog()
        few = Meta(max_length=1)
        for annotation, right, wrong in (
            (list[Frog], [frog], [frog, frog]),
            (set[Frog], {frog}, {frog, Frog()}),
            (frozenset[object], frozenset([1]), frozenset([1, 2])),
            (tuple[Frog, ...], (frog,), (frog, frog)),
            (dict[tuple[int, int], Frog], {(1, 2): frog}, {(1, 2): frog, (2, 1): frog}),
        ):
            self.assertTakes(Annotated[annotation, few], right)
            self.assertRaises(Mismatch, kindOf(Annotated[annotation, few]).read, wrong)
        for annotation, wire in (
            (collections.deque[int], [1, 2]),
            (collections.OrderedDict[int, int], {1: 1, 2: 2}),
            (collections.defaultdict[int, int], {1: 1, 2: 2}),
        ):
            self.assertRaises(Mismatch, kindOf(Annotated[annotation, few]).read, wire)
        aware = kindOf(Annotated[datetime.datetime, Meta(tz=True)])
        self.assertRaises(Mismatch, aware.read, datetime.datetime(2024, 1, 1))
        self.assertEqual(0, aware.read("2024-01-01T00:00:00+00:00").hour)

    def test_constrainedElements(self) -> None:
        """
        A container with a constraint goes on asking for its elements.
        """
        error = self.assertRaises(
            Mismatch, kindOf(Annotated[list[Frog], Meta(max_length=2)]).read, [1]
        )
        self.assertEqual("[0]", error.path)

    def test_nonsense(self) -> None:
        """
        A constraint that msgspec does not know for this type is an error when
        the annotation is read, rather than one that nobody checks.
        """
        for annotation in (
            Annotated[int, Meta(pattern="a")],
            Annotated[str, Meta(ge=1)],
            Annotated[list[Frog], Meta(ge=1)],
            Annotated[decimal.Decimal, Meta(ge=1)],
            Annotated[pathlib.Path, Meta(max_length=1)],
            Annotated[Frog, Meta(ge=1)],
            list[Annotated[int, Meta(pattern="a")]],
            Optional[Annotated[int, Meta(pattern="a")]],
        ):
            self.assertRaises(TypeError, kindOf, annotation)

    def test_otherAnnotations(self) -> None:
        """
        What else stands in C{Annotated} is for others, be it unhashable; so is
        what a C{Meta} only describes.
        """
        self.assertTakes(Annotated[int, {"unit": "kg"}], 3)
        self.assertRefuses(Annotated[int, {"unit": "kg"}], "3")
        self.assertTakes(list[Annotated[int, {"unit": "kg"}]], [3])
        self.assertRefuses(dict[str, Annotated[int, {"unit": "kg"}]], {"a": "3"})
        frog = Frog()
        self.assertTakes(Annotated[Frog, "green", Meta(title="A frog")], frog)

    def test_literals(self) -> None:
        """
        A literal is one of its values, and of the same type.
        """
        self.assertTakes(Literal["a", 1, None, True], "a", 1, None, True)
        self.assertRefuses(Literal["a", 1], "b", b"a", 2, True, 1.0, None, [], {})
        self.assertTakes(Literal[b"a", "b"], b"a", "b")
        self.assertRefuses(Literal[b"a", "b"], b"b", "a", [])
        self.assertTakes(list[Literal["a"]], ["a"])

    def test_literalEnums(self) -> None:
        """
        A literal may be a member of an enum; no other one is taken for it.
        """
        kind = kindOf(Literal[Colour.GREEN, "none"])
        for member, wire in ((Colour.GREEN, "GREEN"), ("none", "none")):
            self.assertTrue(kind.holds(member))
            self.assertEqual(wire, kind.writes(member))
            self.assertEqual(member, kind.read(wire))
        self.assertFalse(kind.holds(Colour.BLUE))
        self.assertRaises(Mismatch, kind.read, "BLUE")
        self.assertRaises(Mismatch, kind.read, 1)


class ExactTests(KindCase):
    """
    Types whose instances need not be looked at.
    """

    VALUES: ClassVar[list[Any]] = [
        *(value for _, right, wrong in LEAVES for value in right + wrong),
        *(Frog(), TreeFrog(), Toad(), Colour.GREEN, [1], (1,), {"a": 1}),
    ]

    def test_asRead(self) -> None:
        """
        What is exactly of a type that a kind names is what it reads.
        """
        for annotation, types in (
            (int, {int}),
            (float, {float}),
            (Optional[str], {str, type(None)}),
            (Union[int, float], {int, float}),
            (Frog, {Frog}),
            (Optional[Frog], {Frog, type(None)}),
            (Union[Frog, Toad, str], {Frog, Toad, str}),
            # It would be a float, or the name of a colour.
            (Union[float, Frog, int], {float}),
            (Union[Colour, Frog, str], set()),
            (Literal["a", 1], set()),
            (Literal[b"a"], set()),
            (Annotated[int, Meta(ge=1)], set()),
            (Annotated[NewType("Depth", int), Meta(ge=1)], set()),
            (list[int], set()),
            (Colour, set()),
        ):
            kind = kindOf(annotation)
            self.assertEqual(types, kind.exact, annotation)
            self.assertTakes(annotation, *[v for v in self.VALUES if type(v) in types])
        for value in self.VALUES:
            if type(value) in kindOf(Any).exact:
                self.assertTakes(Any, value)
        self.assertNotIn(list, kindOf(Any).exact)  # which may hold a part of a cycle


class UnionTests(KindCase):
    """
    One kind or another.
    """

    def test_optional(self) -> None:
        """
        C{Optional}, however it is written.
        """
        for annotation in (Optional[int], Union[None, int], int | None):
            self.assertTakes(annotation, 3, None)
            self.assertRefuses(annotation, "3", True, [])

    def test_classes(self) -> None:
        """
        A union of classes takes instances of each, and of their subclasses.
        """
        for annotation in (Frog | Toad | None, Union[Frog, Toad, None]):
            self.assertTakes(annotation, Frog(), TreeFrog(), Toad(), None)
            self.assertRefuses(annotation, 3, "Frog", {})

    def test_twoKindsOfStrings(self) -> None:
        """
        msgspec refuses C{str | bytes}; it means what it says.
        """
        self.assertTakes(str | bytes, "a", b"a")
        self.assertTakes(list[str | bytes | None], ["a", b"a", None])
        self.assertRefuses(str | bytes, 1, None)

    def test_leavesAndObjects(self) -> None:
        """
        Leaves, objects and containers may be in one union.
        """
        self.assertTakes(int | Frog | list[int], 3, Frog(), [3])
        self.assertRefuses(int | Frog | list[int], "3", ["3"], Toad())

    def test_deepest(self) -> None:
        """
        Of the arms, the one that a value comes closest to says what is wrong
        with it.
        """
        error = self.refusal(Frog | dict[str, list[int]] | None, {"a": [1, "x"]})
        self.assertEqual((".a[1]", "int"), (error.path, error.expected))
        error = self.refusal(Frog | None, 3)
        self.assertEqual("", error.path)
        self.assertIn("Frog | None", error.expected)

    def test_containersByElements(self) -> None:
        """
        Which of two lists a list is, its elements say, at both ends.
        """
        kind = kindOf(list[int] | list[pathlib.PurePosixPath])
        for value, wire in (
            ([1], [1]),
            ([pathlib.PurePosixPath("a")], ["a"]),
            ([], []),
        ):
            self.assertEqual(wire, kind.writes(value))
            self.assertEqual(value, kind.read(wire))
        kind = kindOf(tuple[int, int] | tuple[Colour] | dict[str, int])
        self.assertEqual(("BLUE",), kind.writes((Colour.BLUE,)))
        self.assertEqual((Colour.BLUE,), kind.read(("BLUE",)))
        self.assertEqual((1, 2), kind.read((1, 2)))
        self.assertRaises(Mismatch, kind.read, (1,))


class ContainerTests(KindCase):
    """
    Values with parts.
    """

    def test_itself(self) -> None:
        """
        A container whose elements are right keeps its identity, and so do
        they.
        """
        frog = Frog()
        self.assertTakes(list[int], [], [1, 2])
        self.assertTakes(list[Frog], [frog, frog])
        self.assertTakes(set[str], {"a"}, set())
        self.assertTakes(frozenset[Frog], frozenset([frog]))
        self.assertTakes(tuple[int, ...], (), (1, 2, 3))
        self.assertTakes(tuple[int, Frog], (1, frog))
        self.assertTakes(dict[str, list[Frog]], {"a": [frog]}, {})
        self.assertTakes(dict[int, int], {1: 2})
        inner = [frog]
        self.assertIs(kindOf(list[list[Frog]]).read([inner])[0], inner)

    def test_bare(self) -> None:
        """
        Without parameters, any elements will do.
        """
        for annotation, value in (
            (list, [1, "a", Frog()]),
            (typing.List, [1]),
            (typing.Tuple, (1, "a")),
            (set, {1, "a"}),
            (tuple, (1, "a")),
            (dict, {1: "a"}),
        ):
            self.assertTakes(annotation, value)

    def test_noOther(self) -> None:
        """
        One container is not taken for another, nor for a string of its
        elements.
        """
        self.assertRefuses(list[str], ("a",), {"a"}, "a", {"a": 1}, None)
        self.assertRefuses(tuple[str, ...], ["a"], "a")
        self.assertRefuses(set[str], ["a"], frozenset("a"))
        self.assertRefuses(frozenset[str], {"a"})
        self.assertRefuses(dict[str, int], [("a", 1)], None)
        self.assertRefuses(list[Frog], Frog(), (Frog(),))

    def test_lengths(self) -> None:
        """
        A tuple of some kinds has as many elements.
        """
        error = self.refusal(tuple[int, str], (1,))
        self.assertEqual("a tuple of 1", error.got)
        self.assertRefuses(tuple[int, str], (1, "a", 2), ())
        for nothing in (tuple[()], typing.Tuple[()]):
            self.assertTakes(nothing, ())
            self.assertRefuses(nothing, (1,), [])

    def test_paths(self) -> None:
        """
        An error says where in the container, from the outside to the inside.
        """
        for annotation, value, path, expected in (
            (list[int], [1, "x"], "[1]", "int"),
            (list[Frog], [Frog(), "x"], "[1]", "tests.test_kinds.Frog"),
            (tuple[int, int], (1, "x"), "[1]", "int"),
            (tuple[int, ...], (1, "x"), "[1]", "int"),
            (set[int], {"x"}, "[...]", "int"),
            (dict[str, int], {"a": "x"}, ".a", "int"),
            (dict[str, int], {"not a name": "x"}, "[...]", "int"),
            (dict[int, int], {7: "x"}, "[...]", "int"),
            (dict[int, int], {"x": 1}, "{key}", "int"),
            (dict[tuple[int, int], int], {(1, "x"): 1}, "{key}[1]", "int"),
            (list[dict[str, list[int]]], [{"a": ["x"]}], "[0].a[0]", "int"),
            (list[Frog], ["x"], "[0]", "tests.test_kinds.Frog"),
        ):
            error = self.refusal(annotation, value)
            self.assertEqual(path, error.path)
            self.assertEqual((expected, "builtins.str"), (error.expected, error.got))

    def test_nothingIsChangedInPlace(self) -> None:
        """
        A container that has to be converted is a new one: what has arrived may
        stand in another place as well, where it is declared otherwise.
        """
        path = pathlib.PurePosixPath("a")
        for annotation, wire, expected in (
            (list[pathlib.PurePosixPath], ["a"], [path]),
            (set[pathlib.PurePosixPath], {"a"}, {path}),
            (dict[str, pathlib.PurePosixPath], {"a": "a"}, {"a": path}),
            (list[list[pathlib.PurePosixPath]], [["a"]], [[path]]),
            (list[float], [1], [1.0]),
        ):
            kind, before = kindOf(annotation), repr(wire)
            self.assertEqual(expected, kind.read(wire))
            self.assertEqual(before, repr(wire))
            self.assertEqual(repr(expected), repr(kind.read(wire)))

    def test_nothingIsChangedInVain(self) -> None:
        """
        Nor is anything changed by an arm of a union that gives up.
        """
        kind = kindOf(list[list[pathlib.PurePosixPath]] | list[list[Any]])
        wire: list[Any] = [["a"], [7]]
        self.assertIs(kind.read(wire), wire)
        self.assertEqual([["a"], [7]], wire)


class OtherAnnotationTests(KindCase):
    """
    What stands for another type, or cannot be asked at run time.
    """

    def test_newTypes(self) -> None:
        """
        A C{NewType} is the type that it is made of.
        """
        self.assertTakes(Weight, 0.5)
        self.assertRefuses(Weight, "0.5")
        self.assertTakes(Herd, [Frog()])
        self.assertRefuses(Herd, [Toad()])

    def test_final(self) -> None:
        """
        C{Final} is for others; what is in it counts.
        """
        self.assertTakes(Final[int], 3)
        self.assertRefuses(Final[int], "3")
        self.assertTakes(Final, 3, "3")

    def test_aliases(self) -> None:
        """
        So is an alias of Python 3.12's, in which it may stand itself.
        """
        json: Any = _alias("json", lambda: None | int | list[json] | dict[str, json])
        value = {"a": [1, None, {"b": []}]}
        kind = kindOf(json)
        self.assertEqual(value, kind.read(value))
        self.assertEqual(value, kind.writes(value))
        self.assertTrue(kind.holds(value))
        self.assertFalse(kind.holds([object()]))
        error = self.assertRaises(Mismatch, kind.read, {"a": [1, "x"]})
        self.assertEqual(".a[1]", error.path)
        self.assertRaises(Mismatch, kindOf(list[json]).read, [object()])

    def test_anything(self) -> None:
        """
        What cannot be asked at run time, any value is.
        """
        for annotation in (
            Any,
            object,
            T,
            Swimming,
            collections.abc.Sequence[int],
            collections.abc.Hashable,
            Callable[[int], int],
            ClassVar[int],
            "no type at all",
            7,
        ):
            self.assertTakes(annotation, 3, "a", None, [1], Frog())
        self.assertTakes(list[T], [1, "a"])  # type: ignore[valid-type]

    def test_generics(self) -> None:
        """
        An instance of a generic class is one, whatever is in it.
        """
        for annotation in (Box, Box[int], Box[T]):  # type: ignore[valid-type]
            self.assertTakes(annotation, Box())
            self.assertRefuses(annotation, Frog())

    def test_typedDicts(self) -> None:
        """
        A C{TypedDict} is a dict.
        """
        self.assertTakes(Movie, {"title": "Pond"})
        self.assertRefuses(Movie, [], "Pond", None)

    def test_namedTuplesOfNowhere(self) -> None:
        """
        The annotations of a named tuple may name what is not there when the
        program runs; then its elements may be anything.
        """

        class Lost(NamedTuple):
            x: Nowhere  # type: ignore[name-defined]  # noqa: F821

        self.assertEqual(Lost(3), kindOf(Lost).read((3,)))

    def test_classes(self) -> None:
        """
        Any other class is one whose objects arrive as such.
        """
        self.assertTakes(Frog, Frog(), TreeFrog())
        error = self.refusal(TreeFrog, Frog())
        self.assertEqual("tests.test_kinds.TreeFrog", error.expected)
        self.assertEqual("tests.test_kinds.Frog", error.got)
        self.assertTakes(type, int)

    def test_shown(self) -> None:
        """
        Kinds are shown as programs write them.
        """
        for annotation, expected in (
            (int, "int"),
            (Optional[int], "Optional[int]"),
            (list[Frog], "list[tests.test_kinds.Frog]"),
            (Frog, "tests.test_kinds.Frog"),
            (Spot, "tests.test_kinds.Spot"),
        ):
            self.assertEqual(expected, kindOf(annotation).shown)


class NotKnownTests(KindCase):
    """
    Values that have a part which is not known yet.
    """

    def missing(self, annotation: Any, value: object) -> NotKnown:
        error = self.assertRaises(Postponed, kindOf(annotation).read, value)
        return error.part  # type: ignore[no-any-return]

    def test_postponed(self) -> None:
        """
        Whether it is of a kind cannot be said of a value that is not known, of
        whichever kind.
        """
        for annotation in (
            int,
            Optional[int],
            Frog,
            Frog | None,
            Any,
            Colour,
            Spot,
            Movie,
            list[int],
            list[Frog],
            dict[str, int],
            tuple[int, int],
            Literal[Colour.GREEN],
            Annotated[list[Frog], Meta(max_length=1)],
            collections.deque[int],
            datetime.datetime,
            Swimming,
        ):
            part = NotKnown()
            self.assertIs(part, self.missing(annotation, part))

    def test_inside(self) -> None:
        """
        Nor of a container that has such a part, however deep, and even if any
        value will do: a constructor would see it.
        """
        for annotation in (
            Any,
            list[Any],
            list,
            list[Frog],
            list[int],
            list[Frog | None],
            collections.abc.Sequence[Frog],
        ):
            part = NotKnown()
            self.assertIs(part, self.missing(annotation, [part]))
        part = NotKnown()
        for annotation, value in (
            (Any, [1, ([{"a": [part]}],)]),
            (dict[str, Any], {"a": ([part],)}),
            (dict, {"a": part}),
            (Movie, {"title": part}),
            (tuple[Any, int], ([part], 1)),
            (Any | None, [part]),
        ):
            self.assertIs(part, self.missing(annotation, value))

    def test_cycles(self) -> None:
        """
        To look for one comes to an end, in what contains itself too.
        """
        value: list[Any] = [1]
        value += [value, {"a": value}]
        self.assertIs(kindOf(Any).read(value), value)
        value.append(NotKnown())
        self.assertIs(self.missing(Any, value), value[-1])


def _alias(name: str, value: Callable[[], Any]) -> Any:
    """
    @return: what C{type name = value()} makes.
    """
    return TypeAliasType(name, value)


class TypeAliasType:
    """
    As in Python 3.12.
    """

    def __init__(self, name: str, value: Callable[[], Any]) -> None:
        self._name = name
        self._value = value

    def __repr__(self) -> str:
        return self._name

    def __or__(self, other: Any) -> Any:
        return Union[self, other]

    @property
    def __value__(self) -> Any:
        return self._value()

    def __call__(self) -> None:
        """
        C{typing} takes what can be called for a type.
        """
