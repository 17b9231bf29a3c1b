"""
A kind of values: what may stand in a field, and in what form it travels.
Leaf values (numbers, strings, dates) are checked by msgspec, with its
constraints; objects, unions of classes and identity are ours.
"""

from __future__ import annotations

import datetime
import decimal
import types
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from twisted.persisted.crefutil import NotKnown
from twisted.python.reflect import qual

__all__ = [
    "NATIVE",
    "Kind",
    "Mismatch",
    "Postponed",
    "anything",
    "instance",
    "isLeaf",
    "leaf",
    "only",
    "shown",
    "union",
    "unlike",
    "whole",
]


class Mismatch(Exception):
    """
    A value is not of its kind.

    @ivar expected: what should be there.
    @ivar got: the type of what is, never that itself.
    @ivar path: where, from the value that was checked: C{""} for itself.
    """

    def __init__(self, expected: str, got: str, path: str = "") -> None:
        super().__init__(expected, got, path)
        self.expected = expected
        self.got = got
        self.path = path

    def under(self, step: str) -> Mismatch:
        """
        @return: the same, seen from a step further up.
        """
        return Mismatch(self.expected, self.got, step + self.path)


def unlike(expected: str, value: object) -> Exception:
    """
    @return: what to raise for a value that is not what is expected, or not
        known yet.
    """
    if isinstance(value, NotKnown):
        return Postponed(value)
    return Mismatch(expected, qual(type(value)))


class Postponed(Exception):
    """
    A value holds one that is not known yet, because it is part of a cycle.

    @ivar part: that.
    """

    def __init__(self, part: NotKnown) -> None:
        super().__init__(part)
        self.part = part


def _itself(value: Any) -> Any:
    return value


@attrs.frozen
class Kind:
    """
    What an annotation asks for.

    @ivar shown: it, for people.
    @ivar read: what arrives, to what is meant; raises L{Mismatch}, or
        L{Postponed} if that cannot be said yet.
    @ivar holds: whether a value that is to be sent is one.
    @ivar write: what is meant, to what travels; C{None} if they are the same.
    @ivar leaf: what msgspec checks it by, if it can.
    @ivar exact: types each instance of which is one, and is read as itself.
    @ivar keeps: whether all that is one is read as itself.
    """

    shown: str
    read: Callable[[Any], Any]
    holds: Callable[[Any], bool]
    write: Callable[[Any], Any] | None = None
    leaf: Any = None
    exact: frozenset[type] = frozenset()
    keeps: bool = False

    @property
    def writes(self) -> Callable[[Any], Any]:
        return self.write or _itself


def only(cls: type, write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """
    @return: C{write}, for instances of a class alone: C{str}, say, would make
        something of any value, but nothing that was meant.
    """

    def checked(value: Any) -> Any:
        if not isinstance(value, cls):
            raise TypeError
        return write(value)

    return checked


#: What msgspec takes for what it is, and never out of a string.
NATIVE = (
    bytes,
    bytearray,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
)

_LEAVES = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    datetime.date,
    datetime.timedelta,
)

#: What has nothing in it.
_ATOMS = frozenset(_LEAVES)

#: What msgspec knows in a C{Literal}.
_LITERAL = {type(None), bool, int, str}


def shown(annotation: Any) -> str:
    if isinstance(annotation, type) and not get_args(annotation):
        return (
            annotation.__name__
            if annotation.__module__ == "builtins"
            else qual(annotation)
        )
    return str(annotation).replace("typing.", "")


def anything(annotation: Any = Any) -> Kind:
    return Kind(shown(annotation), whole, lambda value: True, exact=_ATOMS)


def whole(value: Any) -> Any:
    """
    @return: the value.
    @raise Postponed: if something in its containers is not known yet.
    """
    seen: set[int] = set()
    parts = [value]
    while parts:
        part = parts.pop()
        kind = type(part)
        if kind is list or kind is tuple or kind is dict:
            if id(part) not in seen:
                seen.add(id(part))
                parts.extend(part.values() if kind is dict else part)
        elif isinstance(part, NotKnown):
            raise Postponed(part)
    return value


def isLeaf(annotation: Any) -> bool:
    """
    Whether msgspec alone can say whether a value is one.
    """
    origin = get_origin(annotation)
    if annotation is None or any(annotation is cls for cls in _LEAVES):
        return True
    if origin is Annotated:
        return isLeaf(get_args(annotation)[0])
    if origin is Literal:
        return {type(v) for v in get_args(annotation)} <= _LITERAL
    if origin in (Union, types.UnionType):
        return all(map(isLeaf, get_args(annotation))) and _compiles(annotation)
    return False


def _compiles(annotation: Any) -> bool:
    import msgspec

    try:
        msgspec.convert(object(), annotation)
    except msgspec.ValidationError:
        return True
    except TypeError:
        return False  # two kinds of strings in one union, say
    return True


def _exactly(annotation: Any) -> frozenset[type]:
    """
    @return: the types whose instances, all of them, are values of a leaf kind.
    """
    if annotation is None:
        return frozenset({type(None)})
    if get_origin(annotation) in (Union, types.UnionType):
        return frozenset().union(*map(_exactly, get_args(annotation)))
    if get_origin(annotation) is not None:
        return frozenset()  # with constraints, or a literal
    return frozenset({annotation})


def leaf(annotation: Any) -> Kind:
    """
    @raise TypeError: if it is constrained by what makes no sense for it.
    """
    import msgspec

    name, convert, invalid = shown(annotation), msgspec.convert, msgspec.ValidationError
    exact = _exactly(annotation)

    def read(value: Any) -> Any:
        if type(value) in exact:
            return value
        try:
            return convert(value, annotation, builtin_types=NATIVE)
        except invalid:
            raise unlike(name, value) from None

    def holds(value: Any) -> bool:
        try:
            convert(value, annotation, builtin_types=NATIVE)
        except invalid:
            return False
        return True

    holds(None)  # so that it is said now, and not when data arrives
    return Kind(name, read, holds, leaf=annotation, exact=exact)


def instance(cls: type) -> Kind:
    """
    An object of a class of the user's, which has arrived as one.
    """

    def read(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        raise unlike(qual(cls), value)

    return Kind(
        qual(cls),
        read,
        lambda value: isinstance(value, cls),
        exact=frozenset({cls}),
        keeps=True,
    )


def union(name: str, arms: list[Kind]) -> Kind:
    def read(value: Any) -> Any:
        deepest: Mismatch | None = None
        for arm in arms:
            try:
                return arm.read(value)
            except Mismatch as error:
                if deepest is None or len(error.path) > len(deepest.path):
                    deepest = error
        if deepest is not None and deepest.path:
            raise deepest
        raise unlike(name, value)

    def write(value: Any) -> Any:
        for arm in arms:
            if arm.holds(value):
                return arm.writes(value)
        return value

    travels = all(arm.write is None for arm in arms)
    exact: set[type] = set()
    for arm in arms:
        exact |= arm.exact
        if not arm.keeps:
            break  # it may make something else of what later ones are exact about
    return Kind(
        name,
        read,
        lambda value: any(arm.holds(value) for arm in arms),
        None if travels else write,
        exact=frozenset(exact),
    )
