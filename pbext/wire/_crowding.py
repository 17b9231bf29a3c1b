"""
Keys that are in each other's way.

Python salts the hashes of strings, and of no numbers and of nothing that is
made of numbers.  So a peer may choose keys that all have one hash, or that a
dict looks for in the same places one after the other, and each of them costs as
much as all before it.  Here they are put into no more than a map of the places,
as CPython does it (C{Objects/dictobject.c}, C{Objects/setobject.c}), until there
are too many in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pbext.errors import LimitReached

__all__ = ["DEFAULT", "FEW", "SALTED", "checkKeys", "isCrowded", "membersOf"]

#: So many keys, whatever they are, are not worth a look.
FEW = 64

#: Of these, no peer can choose the hash.
SALTED = frozenset({str, bytes})

#: See L{Limits.keyCollisions<pbext.limits.Limits>}.
DEFAULT = 32

#: How far into a hash each further place is looked for (C{PERTURB_SHIFT}), and
#: how many neighbours a set looks at (C{LINEAR_PROBES}).
_SHIFT, _NEIGHBOURS = 5, 9

_WORD = 2**64 - 1


def checkKeys(keys: Sequence[Any], ofSet: bool, most: int) -> None:
    """
    @param keys: the keys of a dict, or the members of a set.
    @param most: how many others each of them may have in its way, on average.
    @raise LimitReached: if it is more.
    """
    if len(keys) > FEW and sum(type(key) not in SALTED for key in keys) > FEW:
        if isCrowded([hash(key) for key in keys], ofSet, most):
            raise LimitReached(limit="keyCollisions", value=most)


def membersOf(kind: Callable[[list[Any]], Any], most: int, members: list[Any]) -> Any:
    """
    @param kind: C{set} or C{frozenset}.
    @return: one of these.
    @raise LimitReached: see L{checkKeys}.
    """
    checkKeys(members, True, most)
    return kind(members)


def isCrowded(hashes: Sequence[int], ofSet: bool, most: int) -> bool:
    """
    Whether a table of any of the sizes that it has while it grows, which are
    powers of two, becomes crowded: it is never more than two thirds full.
    """
    slots = 8
    while slots * 2 // 3 < 4 * len(hashes):
        count = min(slots * 2 // 3, len(hashes))
        if count > FEW and _inTheWay(hashes[:count], slots, ofSet, most * count):
            return True
        slots *= 2
    return False


def _inTheWay(hashes: Sequence[int], slots: int, ofSet: bool, most: int) -> bool:
    """
    Whether more than C{most} places are taken that one looks at.
    """
    taken = bytearray(slots)
    mask = slots - 1
    for number in hashes:
        perturb = number & _WORD
        slot = perturb & mask
        while taken[slot]:
            most -= 1
            if most < 0:
                return True
            if ofSet and slot + _NEIGHBOURS <= mask:
                free = taken.find(0, slot, slot + _NEIGHBOURS + 1)
                if free >= 0:
                    slot = free
                    break
            perturb >>= _SHIFT
            slot = (slot * 5 + perturb + 1) & mask
        taken[slot] = 1
    return False
