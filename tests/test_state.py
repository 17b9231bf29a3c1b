"""
L{pbext._state}: states that have the shape of others that have arrived before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import attrs

from twisted.persisted.crefutil import NotKnown
from twisted.trial.unittest import SynchronousTestCase

from pbext._fields import forgetFields
from pbext._state import _MOST_SHAPES, _Declared, _plans
from pbext.errors import PBExtError, RefusedField, RefusedObject
from tests.states import blank


class NoHash(type):
    """
    Of classes that are equal to all others, and have no hash.
    """

    def __eq__(cls, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Odd(metaclass=NoHash):
    pass


class Even:
    pass


class TreeFrog(Even):
    pass


def makes() -> list[Any]:
    """
    @return: new classes that declare fields, of many makes.
    """

    @dataclass
    class Data:
        name: str
        number: int | None = None
        friend: Even | None = None
        ratio: float = 0.5
        tags: list[str] = field(default_factory=list)

    @attrs.define
    class Positive:
        name: str
        number: int | None = attrs.field(default=None, alias="count")
        friend: Any = None

        @number.validator
        def _positive(self, attribute: Any, value: Any) -> None:
            if value is not None and value < 0:
                raise ValueError(value)

    class Loose:
        name: str
        number: Any = 7

    class Level:
        copyFields = ("name", "number")

        @property
        def number(self) -> int:
            return self._number

        @number.setter
        def number(self, number: int) -> None:
            self._number = number + 1

    class Computed:
        copyFields = ("name", "number")
        copyChecked = False

        @property
        def number(self) -> int:
            return 3

    class Strict(Data):
        copyUnknown = "forbid"

    return [Data, Positive, Loose, Level, Computed, Strict]


STATES: list[Any] = [
    {"name": "a"},
    {"name": "a", "number": 3},
    {"number": 3, "name": "a"},
    {"name": "a", "number": None},
    {"name": "a", "number": -3},
    {"name": "a", "number": True},
    {"name": "a", "ratio": 1},
    {"name": "a", "ratio": 1.5, "friend": None},
    {"name": "a", "friend": Even()},
    {"name": "a", "friend": TreeFrog()},
    {"name": "a", "friend": Odd()},
    {"name": "a", "number": Odd},
    {"name": "a", "tags": ["b"]},
    {"name": "a", "tags": [3]},
    {"name": "a", "newts": 3},
    {"name": "a", "_private": 3},
    {b"name": "a"},
    {"name": "a", b"number": 3},
    {"name": b"a"},
    {"name": 3},
    {"number": 3},
    {},
]


def outcome(cls: Any, state: Any) -> Any:
    """
    @return: what becomes of a state, or the error that it ends in.
    """
    try:
        made = blank(cls, dict(state))
    except (PBExtError, TypeError) as error:
        return type(error), str(error)
    names = ("name", "number", "friend", "ratio", "tags", "newts", "_private")
    return [getattr(made, name, NotImplemented) for name in names]


class ShapeTests(SynchronousTestCase):
    def test_asAtFirst(self) -> None:
        """
        A state is taken, or refused, as it is when it is the first of its
        shape.
        """
        for cls in makes():
            first = []
            for state in STATES:
                forgetFields(cls)
                first.append(outcome(cls, state))
            for _ in range(3):
                for state, expected in zip(STATES, first, strict=True):
                    self.assertEqual(expected, outcome(cls, state), (cls, state))
            self.assertTrue(_plans.of(cls)._right)  # type: ignore[union-attr]  # it declares fields

    def test_whatItIs(self) -> None:
        """
        Some of them, once more.
        """
        data, positive, _loose, level, _computed, strict = makes()
        for _ in range(3):
            self.assertEqual(data("a", 3), blank(data, {"number": 3, "name": "a"}))
            self.assertIs(float, type(blank(data, {"name": "a", "ratio": 1}).ratio))
            self.assertRaises(
                RefusedObject, blank, positive, {"name": "", "number": -1}
            )
            self.assertEqual(1, blank(positive, {"name": "", "number": 1}).number)
            odd = Odd()
            self.assertIs(odd, blank(positive, {"name": "", "friend": odd}).friend)
            self.assertEqual(4, blank(level, {"name": "", "number": 3}).number)
            self.assertRaises(RefusedField, blank, strict, {"name": "", "newts": 1})
            self.assertFalse(hasattr(blank(data, {"name": "", "newts": 1}), "newts"))

    def test_notShared(self) -> None:
        """
        What is made of a state has nothing of it but the values.
        """
        for cls in makes():
            state = (
                {"name": "a"} if cls.__name__ != "Level" else {"name": "a", "number": 1}
            )
            made = [blank(cls, state) for _ in range(3)]
            made[-1].name = "b"
            self.assertEqual("a", state["name"])
            self.assertEqual("a", made[0].name)

    def test_cycles(self) -> None:
        """
        A value that is not known yet is waited for.
        """
        data = makes()[0]
        for _ in range(3):
            part = NotKnown()
            made = blank(data, {"name": "a", "friend": part})
            self.assertFalse(hasattr(made, "name"))
            part.resolveDependants(friend := Even())
            self.assertIs(friend, made.friend)

    def test_bounded(self) -> None:
        """
        There is a limit to how many shapes are remembered.
        """
        names = [f"field{n}" for n in range(6)]
        cls: Any = type("Pond", (), {"__annotations__": dict.fromkeys(names, Any)})
        plan = _plans.of(cls)
        assert isinstance(plan, _Declared)
        for number in range(3 * _MOST_SHAPES):
            kinds = [(str, int, float)[number // 3**place % 3] for place in range(6)]
            blank(cls, {name: kind() for name, kind in zip(names, kinds, strict=True)})
            self.assertLessEqual(len(plan._right), _MOST_SHAPES)
        self.assertEqual(_MOST_SHAPES, len(plan._right))
