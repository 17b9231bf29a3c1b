"""
What is known of a value without running the program, as far as the far ends of
connections matter: whether it is one, or holds some, and how.

A far end is what C{callRemote} is called on: the observer that a hook of a
Cacheable is given, or a reference that a remote method is.
"""

from __future__ import annotations

import ast
import enum
from itertools import zip_longest

import attrs

__all__ = [
    "HOLDING",
    "NOTHING",
    "End",
    "How",
    "Kind",
    "Path",
    "Value",
    "far",
    "farEnds",
    "howHeld",
    "itemOf",
    "joined",
    "listOf",
    "mapOf",
    "setOf",
    "stored",
    "tupleOf",
]


class End(enum.Enum):
    """
    Whose a far end is.
    """

    STOCK = "an observer of Twisted's"
    OURS = "an observer of pbext's"
    REFERENCE = "a reference to an object of the peer's"
    FOREIGN = "an observer of Twisted's, of another object"


class Kind(enum.Enum):
    """
    What sort of value it is.
    """

    UNKNOWN = "?"
    SELF = "the object itself"
    FAR = "a far end"
    VIEWER = "a perspective"
    IDENTITY = "the id() of a far end"
    CALL = "the callRemote of a far end"
    LIST = "list"
    SET = "set"
    MAP = "dict"
    TUPLE = "tuple"
    BOOK = "pbext's Observers"
    OTHER = "an object of another class"
    FUNCTION = "function"


#: What holds others, as Python's containers do.
HOLDING = frozenset({Kind.LIST, Kind.SET, Kind.MAP, Kind.TUPLE, Kind.BOOK})


class How(enum.Enum):
    """
    How observers are held.
    """

    SINGLE = "one at a time"
    LIST = "in a list"
    TUPLES = "in a list of tuples"
    SET = "in a set"
    BY_OBSERVER = "in a dict, by observer"
    BY_PERSPECTIVE = "in a dict, by perspective"
    BY_IDENTITY = "in a dict, by id"
    MAP = "in a dict"
    BOOK = "in a book"
    OTHER = "by another object"


#: Where something lives: C{("observers",)} is C{self.observers}, followed by
#: C{"item"}, C{"key"} or C{"value"} for what is in it.
Path = tuple[str, ...]


@attrs.frozen
class Value:
    """
    What is known of a value.

    @ivar kind: what it is.
    @ivar parts: what is in it: the items of a list or set, joined, as one; the
        keys and the values of a dict; each item of a tuple.
    @ivar path: where it lives, if it does: what is done to it is done there.
    @ivar origin: where it was taken from.
    @ivar end: whose, of a far end and of its C{callRemote}.
    @ivar fresh: the hook that was just given this far end, or had its C{id()}
        taken in; C{""} for one that was kept.
    @ivar weak: whether it does not keep alive what is in it.
    @ivar node: the source of a function.
    """

    kind: Kind = Kind.UNKNOWN
    parts: tuple[Value, ...] = ()
    path: Path | None = None
    origin: Path | None = None
    end: End | None = None
    fresh: str = ""
    weak: bool = False
    node: ast.AST | None = None

    @property
    def place(self) -> Path:
        """
        Where it lives or comes from.
        """
        return self.path or self.origin or ()

    @property
    def item(self) -> Value:
        """
        What iterating gives, but for where that comes from.
        """
        if self.kind is Kind.TUPLE:
            return joined(*self.parts)
        if self.kind in (Kind.LIST, Kind.SET, Kind.MAP) and self.parts:
            return self.parts[0]
        return far(End.OURS) if self.kind is Kind.BOOK else NOTHING


NOTHING = Value()

#: Deeper nesting than this is not followed.
_DEPTH = 4


def far(end: End, fresh: str = "") -> Value:
    return Value(Kind.FAR, end=end, fresh=fresh)


def listOf(item: Value = NOTHING) -> Value:
    return Value(Kind.LIST, (item,))


def setOf(item: Value = NOTHING, weak: bool = False) -> Value:
    return Value(Kind.SET, (item,), weak=weak)


def mapOf(key: Value = NOTHING, value: Value = NOTHING, weak: bool = False) -> Value:
    return Value(Kind.MAP, (key, value), weak=weak)


def tupleOf(*items: Value) -> Value:
    return Value(Kind.TUPLE, items)


def farEnds(value: Value) -> list[Value]:
    """
    @return: the far ends that a value is or holds.
    """
    if value.kind in (Kind.FAR, Kind.CALL):
        return [value]
    return [end for part in value.parts for end in farEnds(part)]


def stored(value: Value, depth: int = 0) -> Value:
    """
    @return: a value as it will be found when it has been put somewhere.
    """
    if depth == _DEPTH:
        return Value(Kind.OTHER) if farEnds(value) else NOTHING
    return attrs.evolve(
        value,
        parts=tuple(stored(part, depth + 1) for part in value.parts),
        path=None,
        origin=None,
        fresh="",
    )


def itemOf(container: Value, part: Value, step: str) -> Value:
    """
    @return: part of a container, which knows where it comes from.
    """
    if part.place:
        return part
    origin = (*container.place, step) if container.place else None
    if part.kind is Kind.TUPLE:
        parts = tuple(
            itemOf(Value(origin=origin), item, str(at))
            for at, item in enumerate(part.parts)
        )
        part = attrs.evolve(part, parts=parts)
    path = None if container.path is None else origin
    return attrs.evolve(part, path=path, origin=origin)


def joined(*values: Value) -> Value:
    """
    @return: what is known of a value that is one of these.
    """
    result = NOTHING
    for value in values:
        result = _joined(result, value)
    return result


def _joined(one: Value, other: Value) -> Value:
    if one == other or other.kind is Kind.UNKNOWN:
        return one
    if one.kind is Kind.UNKNOWN:
        return attrs.evolve(other, path=other.path or one.path)
    kinds = {one.kind, other.kind}
    if kinds == {Kind.LIST, Kind.TUPLE}:
        return attrs.evolve(
            one if one.kind is Kind.LIST else other,
            parts=(joined(one.item, other.item),),
        )
    if len(kinds) > 1 or (one.kind is Kind.FUNCTION and one.node is not other.node):
        ends = farEnds(one) or farEnds(other)
        return Value(Kind.OTHER, tuple(ends[:1]), one.path, one.origin)
    return attrs.evolve(
        one,
        parts=tuple(
            joined(a, b)
            for a, b in zip_longest(one.parts, other.parts, fillvalue=NOTHING)
        ),
        path=one.path if one.path == other.path else None,
        origin=one.place if one.place == other.place else None,
        fresh=one.fresh if one.fresh == other.fresh else "",
        weak=one.weak or other.weak,
    )


def howHeld(value: Value) -> How | None:
    """
    @return: how the far ends are held that a value holds; C{None} if it does
        not.
    """
    if value.kind is Kind.BOOK:
        return How.BOOK
    if not farEnds(value):
        return None
    if value.kind is Kind.FAR:
        return How.SINGLE
    if value.kind is Kind.SET:
        return How.SET
    if value.kind is Kind.LIST:
        return How.TUPLES if value.item.kind is Kind.TUPLE else How.LIST
    if value.kind is Kind.MAP:
        return _KEYED.get(value.parts[0].kind, How.MAP)
    return How.OTHER


_KEYED = {
    Kind.FAR: How.BY_OBSERVER,
    Kind.VIEWER: How.BY_PERSPECTIVE,
    Kind.IDENTITY: How.BY_IDENTITY,
}
