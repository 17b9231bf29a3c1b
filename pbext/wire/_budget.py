"""
What one message may cost, before anything is built from it.
"""

from __future__ import annotations

import attrs

from pbext.limits import Limits

__all__ = ["PER_MESSAGE", "UNLIMITED", "Budget"]

#: The fields of L{Limits} that bound one message, in the order of a budget's.
PER_MESSAGE = (
    "maxMessageBytes",
    "items",
    "depth",
    "expandedItems",
    "keyItems",
    "keyIntegers",
)

#: More than any message has.
_ENDLESS = 2**62


@attrs.frozen
class Budget:
    """
    What L{Limits} say of one message.

    An I{item} is a token of Banana's: a number, a string, or a list, whose
    items count besides.  A I{dereference} counts as its own three items, and
    in C{expandedItems} as all those that it stands for as well: those of what
    stands in the C{reference} of its number, expanded, or one if that is not
    known, because it has not ended yet, or comes later.

    What C{keyItems} and C{keyIntegers} count stands within a key of a
    C{dictionary}, or within a member of a C{set} or a C{frozenset}: Python
    hashes those as they are read.

    @ivar messageBytes: bytes.
    @ivar items: items, those that a list announces counted as it begins.
    @ivar depth: lists that are open at once.
    @ivar expandedItems: items, with what each dereference stands for.
    @ivar keyItems: items that dereferences within keys stand for.
    @ivar keyIntegers: integers within keys, and within what dereferences there
        stand for, of a magnitude of C{sys.hash_info.modulus} or above, which on
        64 bits is C{2**61 - 1}.
    """

    messageBytes: int = _ENDLESS
    items: int = _ENDLESS
    depth: int = _ENDLESS
    expandedItems: int = _ENDLESS
    keyItems: int = _ENDLESS
    keyIntegers: int = _ENDLESS

    @classmethod
    def of(cls, limits: Limits) -> Budget:
        """
        @return: what these limits say.
        """
        return cls(*(getattr(limits, name) for name in PER_MESSAGE))


#: For what is one's own.
UNLIMITED = Budget()
