"""
Annotations, and values for them: at least one of each sort that they allow.
"""

# What is imported here is what the annotations are written in, old names too.
# ruff: noqa: F401, UP035

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import pathlib
import uuid
from collections import OrderedDict, defaultdict, deque
from typing import (
    Annotated,
    Any,
    Dict,
    List,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Sequence,
    Tuple,
    TypedDict,
    Union,
)

from msgspec import Meta

__all__ = ["NAMES", "TABLE", "evaluated"]


class Colour(enum.Enum):
    A = 1
    B = 2


class Colours(enum.Enum):
    A = 1
    B = 2
    D = 3
    Again = 1


class Level(enum.IntEnum):
    X = 1


class Rights(enum.Flag):
    R = 1
    W = 2


class MoreRights(enum.Flag):
    R = 1
    W = 2
    OWN = 4
    RW = 3


class Point(NamedTuple):
    x: int
    y: int


class Turned(NamedTuple):
    y: int
    x: int


class Pair(NamedTuple):
    a: int
    b: int


class Text(str):
    pass


class Age(int):
    pass


class Metres(float):
    pass


class Items(list):  # type: ignore[type-arg]  # as people write them
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class Typed(TypedDict):
    a: int


Weight = NewType("Weight", float)

NOON = datetime.datetime(2024, 5, 6, 12)
AWARE = NOON.replace(tzinfo=datetime.timezone.utc)
ONE = uuid.UUID(int=5)

#: Strings that may be taken for something else.
STRINGS = [
    "",
    "x",
    "A",
    "B",
    "D",
    "R",
    "R|W",
    "X",
    "a",
    "NaN",
    NOON.isoformat(),
    AWARE.isoformat(),
    "12:00:00+00:00",
    str(ONE),
]
_SHOWN = ", ".join(map(repr, STRINGS))

#: By annotation: values, as they are written.
TABLE: dict[str, str] = {
    "None": "None",
    "bool": "True, False",
    "int": "-1, 0, 1, 5",
    "float": "-1.0, 0.0, 1.5, 7.0",
    "str": _SHOWN,
    "bytes": "b'', b'x'",
    "datetime.date": "NOON.date()",
    "datetime.datetime": "NOON, AWARE",
    "datetime.time": "NOON.time(), AWARE.timetz()",
    "datetime.timedelta": "datetime.timedelta(1)",
    "decimal.Decimal": "decimal.Decimal(1), decimal.Decimal('NaN')",
    "uuid.UUID": "ONE",
    "pathlib.Path": f"*map(pathlib.Path, [{_SHOWN}])",
    "bytearray": "bytearray(b'x'), bytearray()",
    "complex": "1 + 2j",
    "Colour": "*Colour",
    "Colours": "*Colours",
    "Level": "Level.X",
    "Rights": "Rights(0), Rights.R, Rights.R | Rights.W",
    "MoreRights": "MoreRights(0), MoreRights.R, MoreRights.OWN | MoreRights.W",
    "Point": "Point(1, 2)",
    "Turned": "Turned(1, 2)",
    "Pair": "Pair(1, 2)",
    "Text": f"*map(Text, [{_SHOWN}])",
    "Age": "*map(Age, [-1, 0, 1, 5])",
    "Metres": "Metres(1.5), Metres(-1)",
    "Weight": "-1.0, 0.0, 1.5, 7.0",
    "Items": "Items(), Items([1]), Items(['x']), Items([1.5]), Items([None])",
    "Table": "Table(), Table(a=1), Table(a='x'), Table({1: 1.5})",
    "Typed": "{'a': 1}, {}, {'a': 'x'}, {1: 1.5}",
    "list": "[], [1], ['x'], [None], ['A'], [1.5]",
    "list[int]": "[], [1], [-1]",
    "List[int]": "[], [1], [-1]",
    "list[float]": "[], [1.5], [2.0]",
    "list[Colour]": "[], [Colour.A], [Colour.B]",
    "list[Optional[int]]": "[], [None], [1], [1, None]",
    "list[list[int]]": "[], [[]], [[1]]",
    "Annotated[list[int], Meta(min_length=1)]": "[1], [-1]",
    "set[int]": "set(), {1}",
    "frozenset[int]": "frozenset(), frozenset([1])",
    "tuple": "(), (1,), (1, 2), ('x', 'y'), (1, 2, 3), (1, 'x')",
    "Tuple[int, ...]": "(), (1,), (1, 2), (1, 2, 3)",
    "tuple[int, float]": "(1, 2.0)",
    "tuple[int, str]": "(1, 'x')",
    "tuple[()]": "()",
    "tuple[int]": "(1,)",
    "dict": "{}, {'a': 1}, {1: 1}, {'a': 'x'}",
    "Dict[str, int]": "{}, {'a': 1}",
    "dict[str, Any]": "{}, {'a': 1}, {'a': 'x'}",
    "dict[Colour, int]": "{}, {Colour.A: 1}, {Colour.B: 1}",
    "deque[int]": "deque(), deque([1])",
    "OrderedDict[str, int]": "OrderedDict(), OrderedDict(a=1)",
    "defaultdict[str, int]": "defaultdict(int), defaultdict(int, a=1)",
    "Literal['A', 'B']": "'A', 'B'",
    "Literal['A']": "'A'",
    "Literal[1]": "1",
    "Literal[True]": "True",
    "Literal[Colour.A]": "Colour.A",
    "Literal['R']": "'R'",
    "Literal[b'x']": "b'x'",
    "Literal[None, 1]": "None, 1",
    "Optional[int]": "None, -1, 0, 1, 5",
    "int | None": "None, -1, 0, 1, 5",
    "Union[int, str]": f"-1, 0, 1, 5, {_SHOWN}",
    "Union[int, float]": "-1, 0, 5, 1.5",
    "Union[list[int], list[str]]": "[], [1], ['x'], ['A']",
    "Union[Colour, int]": "Colour.A, Colour.B, -1, 0, 1",
    "Union[Colour, str]": f"Colour.A, {_SHOWN}",
    "Annotated[int, Meta(gt=0)]": "1, 5",
    "Annotated[int, Meta(ge=1)]": "1, 5",
    "Annotated[int, Meta(ge=0)]": "0, 1, 5",
    "Annotated[int, Meta(gt=0, le=3)]": "1, 3",
    "Annotated[float, Meta(gt=0)]": "1.5, 5.0",
    "Annotated[str, Meta(min_length=1)]": ", ".join(map(repr, STRINGS[1:])),
    "Annotated[str, Meta(max_length=3)]": "'', 'x', 'A', 'D', 'NaN', 'a', 'X', 'R'",
    "Annotated[str, Meta(pattern='^a')]": "'a', 'ab'",
    "Annotated[datetime.datetime, Meta(tz=True)]": "AWARE",
    "Annotated[datetime.datetime, Meta(tz=False)]": "NOON",
    "Optional[Annotated[int, Meta(gt=0)]]": "None, 1, 5",
    "Sequence[int]": "[], [1], (1,), 'x', b'x', None, {}",
    "Any": "None, True, 1, -1, 1.5, '', 'x', b'x', NOON, [1], [], {1}, "
    "frozenset([1]), (1,), (), {'a': 1}",
}

#: What the annotations and the values are written in.
NAMES: dict[str, Any] = {
    name: value
    for name, value in globals().items()
    if name[0] != "_" and name not in ("TABLE", "annotations")
}


def evaluated(annotation: str) -> tuple[Any, list[Any]]:
    """
    @return: an annotation, and the values for it.
    """
    return eval(annotation, NAMES), eval(f"[{TABLE[annotation]}]", NAMES)
