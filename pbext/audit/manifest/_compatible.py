"""
Whether what one end sends in a field is what the other end takes.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import operator
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pbext.audit.manifest._wiretypes import ANY, WireType

__all__ = ["Taken", "taken"]


class Taken(enum.Enum):
    """
    Which of the values of one type are taken as another.
    """

    ALL = "all"
    SOME = "some"
    NONE = "none"
    UNKNOWN = "unknown"


#: Text that stands for something else, in the form of which it always is.
_TEXTS = frozenset({"datetime text", "time text", "Decimal text", "UUID text"})


def taken(receiver: WireType, sender: WireType) -> Taken:
    """
    @param receiver: what is taken.
    @param sender: what is sent.
    @return: which of what is sent is taken, and as what it was meant.
    """
    arms = receiver.args if receiver.name == "Union" else (receiver,)
    return _together(
        _best(_takes(arm, part) for arm in arms) for part in _parts(sender)
    )


def _together(each: Iterable[Taken]) -> Taken:
    """
    Of values that are sent at one time or another.
    """
    found = set(each)
    if len(found) == 1:
        return found.pop()
    if found == {Taken.ALL, Taken.UNKNOWN}:
        return Taken.UNKNOWN
    return Taken.SOME if found else Taken.ALL


def _best(each: Iterable[Taken]) -> Taken:
    """
    Of types of which a value may be any.
    """
    found = set(each)
    for verdict in Taken.ALL, Taken.UNKNOWN, Taken.SOME:
        if verdict in found:
            return verdict
    return Taken.NONE


def _allOf(each: Iterable[Taken]) -> Taken:
    """
    Of the parts of one value.
    """
    found = set(each)
    for verdict in Taken.NONE, Taken.SOME, Taken.UNKNOWN:
        if verdict in found:
            return verdict
    return Taken.ALL


def _parts(kind: WireType) -> Iterator[WireType]:
    """
    @return: what travels for the values of a type, by case.
    """
    limits = dict(kind.limits)
    if kind.name == "Union":
        for arm in kind.args:
            yield from _parts(arm)
    elif kind.name == "bool":
        yield from (WireType("Literal", names=(value,)) for value in (False, True))
    elif kind.name in ("Enum", "Literal"):
        yield from (WireType("Literal", names=(value,)) for value in kind.names)
    elif kind.name == "Object":
        yield from (WireType("Object", names=(tag,)) for tag in kind.names)
    elif kind.name in ("datetime", "time"):
        if not limits.get("tz"):
            yield WireType(kind.name)
        if limits.get("tz") is not False:
            yield WireType(f"{kind.name} text")
    elif kind.name == "Decimal":
        yield kind
        yield WireType("Decimal text")
    elif kind.name == "UUID":
        yield WireType("UUID text")
    elif kind.name == "complex":
        yield WireType("tuple", (WireType("float"), WireType("float")))
    else:
        yield kind


def _takes(receiver: WireType, part: WireType) -> Taken:
    if receiver == ANY:
        return Taken.ALL
    if "Unknown" in (receiver.name, part.name):
        return Taken.UNKNOWN
    if part == ANY:
        return Taken.SOME
    if part.name == "Literal":
        return _takesValue(receiver, part.names[0])
    if receiver.name in ("list", "set", "frozenset", "dict"):
        return _takesItems(receiver, part)
    if receiver.name == "tuple":
        return _takesTuple(receiver, part)
    if receiver.name == "complex":
        return _takesPair(part)
    if receiver.name in ("Object", "Reference"):
        same = receiver.name == part.name and set(part.names) <= set(receiver.names)
        return Taken.ALL if same else Taken.NONE
    if part.name == "Flag" and receiver.name in ("Enum", "Literal"):
        return _some(not {"", *part.names}.isdisjoint(receiver.names))
    if receiver.name == "Literal":
        return _some(any(type(v).__name__ == part.name for v in receiver.names))
    return _takesLeaf(receiver, part)


#: By type of a leaf: what is taken for one, besides itself; of text, all of it.
_ALIKE: Mapping[str, frozenset[str]] = {
    "float": frozenset({"int", "Decimal"}),
    "str": _TEXTS | {"Flag"},
    "datetime": frozenset({"datetime text"}),
    "time": frozenset({"time text"}),
    "Decimal": frozenset({"Decimal text"}),
    "UUID": frozenset({"UUID text"}),
}

#: What some text may be.
_READ_FROM_TEXT = frozenset({"datetime", "time", "Decimal", "UUID", "Enum", "Flag"})


def _takesLeaf(receiver: WireType, part: WireType) -> Taken:
    name, limits = receiver.name, dict(receiver.limits)
    strict = limits.pop("strict", False)
    if part.name == "Flag" and name == "Flag":
        return _all(set(part.names) <= set(receiver.names))
    if part.name == "str" and name in _READ_FROM_TEXT:
        return _some(limits.get("tz") is not False)
    if part.name != name and (strict or part.name not in _ALIKE.get(name, ())):
        return Taken.NONE
    if name in ("datetime", "time"):
        aware = part.name != name
        return Taken.NONE if limits.get("tz", aware) != aware else Taken.ALL
    if part.name in _TEXTS or part.name == "Flag":
        return Taken.UNKNOWN if limits else Taken.ALL
    return _implied(limits, part)


def _all(whether: bool) -> Taken:
    return Taken.ALL if whether else Taken.SOME


def _some(whether: bool) -> Taken:
    return Taken.SOME if whether else Taken.NONE


_Test = Callable[[Any, Any], bool]

#: By limit, on a value: how it is tested; and on which other limits of the
#: sender's it may rest, and how.
_LIMITS: Mapping[str, tuple[_Test, Mapping[str, _Test]]] = {
    "ge": (operator.ge, {"ge": operator.ge, "gt": operator.ge}),
    "gt": (operator.gt, {"gt": operator.ge, "ge": operator.gt}),
    "le": (operator.le, {"le": operator.le, "lt": operator.le}),
    "lt": (operator.lt, {"lt": operator.le, "le": operator.lt}),
    "multiple_of": (
        lambda value, limit: value % limit == 0,
        {"multiple_of": lambda mine, limit: mine % limit == 0},
    ),
    "min_length": (
        lambda value, limit: len(value) >= limit,
        {"min_length": operator.ge},
    ),
    "max_length": (
        lambda value, limit: len(value) <= limit,
        {"max_length": operator.le},
    ),
    "pattern": (
        lambda value, limit: re.search(limit, value) is not None,
        {"pattern": operator.eq},
    ),
}


def _implied(asked: Mapping[str, Any], part: WireType) -> Taken:
    """
    @return: which of the values that keep to the limits of a type keep to those
        that are asked.
    """
    kept = dict(part.limits)
    if part.name == "int":  # between two of these there is nothing
        if "gt" in kept:
            kept["ge"] = kept["gt"] + 1
        if "lt" in kept:
            kept["le"] = kept["lt"] - 1
    for asking, limit in asked.items():
        rests = _LIMITS[asking][1]
        if not any(n in kept and test(kept[n], limit) for n, test in rests.items()):
            # What a pattern lets through may well be of some length.
            return Taken.UNKNOWN if "pattern" in kept else Taken.SOME
    return Taken.ALL


def _keeps(value: Any, limits: Mapping[str, Any]) -> bool:
    return all(_LIMITS[name][0](value, limit) for name, limit in limits.items())


def _takesItems(receiver: WireType, part: WireType) -> Taken:
    if part.name != receiver.name:
        return Taken.NONE
    asked, least = dict(receiver.limits), dict(part.limits).get("min_length", 0)
    theirs = part.args or (ANY,) * len(receiver.args)
    inner = _allOf(map(taken, receiver.args, theirs))
    if inner is Taken.NONE and not max(least, asked.get("min_length", 0)):
        return Taken.SOME  # an empty one is taken
    return _implied(asked, part) if inner is Taken.ALL else inner


def _takesTuple(receiver: WireType, part: WireType) -> Taken:
    if part.name != "tuple":
        return Taken.NONE
    mine, theirs = receiver.args, part.args
    if part.endless:
        each = theirs[0] if theirs else ANY
        if receiver.endless:
            inner = taken(mine[0] if mine else ANY, each)
            inner = Taken.SOME if inner is Taken.NONE else inner
            return _within(receiver, part, inner)
        one = _allOf(taken(kind, each) for kind in mine)
        return Taken.NONE if one is Taken.NONE else Taken.SOME
    if receiver.endless:
        mine = (mine[0] if mine else ANY,) * len(theirs)
    if len(mine) != len(theirs):
        return Taken.NONE
    inner = _allOf(map(taken, mine, theirs))
    if inner is Taken.ALL and _mixed(receiver.names, part.names):
        return Taken.SOME
    return _within(receiver, part, inner)


def _within(receiver: WireType, part: WireType, inner: Taken) -> Taken:
    limits = dict(receiver.limits)
    if inner is not Taken.ALL or not limits:
        return inner
    if not part.endless:
        return Taken.ALL if _keeps(part.args, limits) else Taken.NONE
    return _implied(limits, part)


def _mixed(mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """
    Whether an element of a named tuple is read as one of another name.
    """
    return any(
        name in theirs and theirs.index(name) != place
        for place, name in enumerate(mine)
        if theirs
    )


def _takesPair(part: WireType) -> Taken:
    """
    What makes a complex number: two numbers, or less.
    """
    if part.name != "tuple":
        return Taken.NONE
    if part.endless:
        return Taken.SOME
    if len(part.args) > 2:
        return Taken.NONE
    numbers = {"int", "float", "bool"}
    if all(arg.name in numbers for arg in part.args):
        return Taken.ALL
    return Taken.UNKNOWN


#: By type: of which text it can be read.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
}


def _takesValue(receiver: WireType, value: Any) -> Taken:
    """
    Of one value that is known.
    """
    return Taken.ALL if _isTaken(receiver, value) else Taken.NONE


def _isTaken(receiver: WireType, value: Any) -> bool:
    kind, limits = type(value).__name__, dict(receiver.limits)
    if receiver.name == "Literal":
        return any(type(one) is type(value) and one == value for one in receiver.names)
    if kind == "str":
        if receiver.name == "Enum":
            return value in receiver.names
        if receiver.name == "Flag":
            return all(name in receiver.names for name in value.split("|") if name)
        if receiver.name in _READERS:
            return _isRead(receiver.name, value, limits)
    if limits.pop("strict", False) and kind != "float":
        return False
    alike = kind == receiver.name or (kind, receiver.name) == ("int", "float")
    return alike and _keeps(value, limits)


def _isRead(name: str, text: str, limits: Mapping[str, Any]) -> bool:
    try:
        value = _READERS[name](text)
    except (ValueError, ArithmeticError):
        return False
    if name in ("datetime", "time"):
        return value.tzinfo is not None and limits.get("tz") is not False
    if name == "Decimal":
        return not value.is_finite() and not limits
    return True
