"""
Values in each other, in several places and in themselves, for the property
tests of jelly.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from twisted.persisted.crefutil import NotKnown

from pbext.wire._jelly import ATOMS

__all__ = ["graphs", "shape"]

#: What is no part of anything.
_ATOMIC = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**447), 2**447),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.binary(max_size=5),
    st.sampled_from(sorted(ATOMS)),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.builds(decimal.Decimal, st.integers(-(10**6), 10**6)),
)


@st.composite
def graphs(draw: Callable[[Any], Any]) -> Any:
    """
    Containers in each other, each perhaps several times; lists and dicts also
    in themselves.
    """
    kinds = st.sampled_from([list, dict, tuple, set, frozenset])
    made: list[Any] = []
    for kind in draw(st.lists(kinds, min_size=1, max_size=6)):
        if kind is tuple:
            parts = _ATOMIC | st.sampled_from(made) if made else _ATOMIC
            made.append(tuple(draw(st.lists(parts, max_size=3))))
        elif kind in (set, frozenset):
            members = _ATOMIC | st.tuples(_ATOMIC)
            made.append(kind(draw(st.lists(members, max_size=3))))
        else:
            made.append(kind())
    parts = _ATOMIC | st.sampled_from(range(len(made))).map(lambda n: made[n])
    for value in made:
        if type(value) is list:
            value.extend(draw(st.lists(parts, max_size=4)))
        elif type(value) is dict:
            value.update(draw(st.dictionaries(_ATOMIC, parts, max_size=3)))
    return made[0] if draw(st.booleans()) else made


def shape(value: Any) -> tuple[list[Any], bool]:
    """
    @return: what is the same for values that are equal and whose parts are
        the same as each other in the same places; and whether there is a
        stand-in of Twisted's in it.
    """
    seen: dict[int, int] = {}
    parts: list[Any] = []
    standIns = False
    stack = [value]
    while stack:
        part = stack.pop()
        kind = type(part)
        if kind not in (list, tuple, dict):
            standIns = standIns or isinstance(part, NotKnown)
            parts.append((kind, part))
        elif part and id(part) in seen:
            parts.append((kind, seen[id(part)]))
        else:
            seen[id(part)] = len(seen)
            parts.append((kind, len(part)))
            stack += [*part, *part.values()] if kind is dict else part
    return parts, standIns
