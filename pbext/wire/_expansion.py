"""
What the references within one message stand for.
"""

from __future__ import annotations

import sys
from typing import Any

from pbext.errors import LimitReached
from pbext.wire._budget import Budget

__all__ = ["MODULUS", "Expansion"]

#: Integers whose magnitude is below this are hashed as themselves.
MODULUS = sys.hash_info.modulus

#: An open list, and how many items it waits for.
Frame = tuple[list[Any], int]


class Expansion:
    """
    Counts, while a message is read, what a L{Budget} says of its references
    and its keys.  It is told of nothing else, so that a message without them
    costs next to nothing.

    @ivar ceiling: the items that the message may have, after what is known of
        its references.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._isFresh = False
        self.begin()

    def begin(self) -> None:
        """
        Begin a message.
        """
        if self._isFresh:
            return
        self._isFresh = True
        self.ceiling = min(self._budget.items, self._budget.expandedItems)
        # The items that dereferences stand for; large integers, with theirs.
        self._extra = self._integers = 0
        self._keyItems = self._keyIntegers = 0
        # For each open C{reference}, the message's items and the two counts, as
        # it began.
        self._marks: list[tuple[int, int, int]] = []
        # By number, what references that have ended stand for.
        self._sizes: dict[Any, tuple[int, int]] = {}
        # Open lists, and whether they are within a key.
        self._known: list[tuple[list[Any], bool, bool]] = []

    def used(self, items: int) -> tuple[int, int, int]:
        """
        @param items: the message's items.
        @return: how many it stands for; of these, within keys; and how many large
            integers are there.
        """
        return items + self._extra, self._keyItems, self._keyIntegers

    def tooMany(self, items: int) -> LimitReached:
        """
        @param items: the message's items, above the C{ceiling}.
        @return: the error for it.
        """
        if items > self._budget.items:
            return LimitReached(limit="items", value=self._budget.items)
        return LimitReached(limit="expandedItems", value=self._budget.expandedItems)

    def refer(self, word: bytes, within: list[Any], left: int, items: int) -> None:
        """
        There is C{b"reference"} or C{b"dereference"}.

        @param within: the list that it is in.
        @param left: how many items that waits for, this among them.
        @param items: the message's items.
        """
        self._isFresh = False
        if word == b"reference" and left == 3 and not within:
            self._marks.append((items, self._extra, self._integers))

    def end(
        self, ended: list[Any], within: list[Any], frames: list[Frame], items: int
    ) -> None:
        """
        A list has ended.

        @param within: the list that it is in.
        @param frames: what that is in.
        @param items: the message's items.
        @raise LimitReached: if it stands for too much.
        """
        if len(ended) == 3 and ended[0] == b"reference":
            before, extra, integers = self._marks.pop()
            if type(ended[1]) is not list:
                size = 1 + items - before + self._extra - extra
                # Not the number itself, which may be a large one.
                number = ended[1]
                if type(number) is int and not -MODULUS < number < MODULUS:
                    integers += 1
                self._sizes[number] = size, self._integers - integers
        elif len(ended) == 2 and ended[0] == b"dereference":
            # A key may happen to be this word, with its value.
            if not self._holdsPairs(within, frames):
                self._dereference(ended[1], within, frames, items)

    def _dereference(
        self, number: Any, within: list[Any], frames: list[Frame], items: int
    ) -> None:
        known = None if type(number) is list else self._sizes.get(number)
        size, integers = known or (1, 0)
        self._extra += size
        self._integers += integers
        if self._isKey(within, frames):
            self._keyItems += size
            if self._keyItems > self._budget.keyItems:
                raise LimitReached(limit="keyItems", value=self._budget.keyItems)
            self._addKeyIntegers(integers)
        self.ceiling = min(self._budget.items, self._budget.expandedItems - self._extra)
        if items > self.ceiling:
            raise self.tooMany(items)

    def integer(self, within: list[Any], frames: list[Frame]) -> None:
        """
        There is an integer that is not hashed as itself.

        @param within: the list that it is in.
        @param frames: what that is in.
        @raise LimitReached: if there are too many of them within keys.
        """
        self._isFresh = False
        self._integers += 1
        if self._isKey(within, frames):
            self._addKeyIntegers(1)

    def _addKeyIntegers(self, integers: int) -> None:
        self._keyIntegers += integers
        if self._keyIntegers > self._budget.keyIntegers:
            raise LimitReached(limit="keyIntegers", value=self._budget.keyIntegers)

    def _holdsPairs(self, within: list[Any], frames: list[Frame]) -> bool:
        """
        Whether a list is a dictionary, and not a pair whose key is that word.
        """
        if not within or within[0] != b"dictionary":
            return False
        self._isKey(within, frames)
        return not self._known[-1][2]

    def _isKey(self, within: list[Any], frames: list[Frame]) -> bool:
        """
        Whether what is next in a list is a key or a member, or within one.
        That stays as it is for all that is next in it, as long as it is open,
        so it is found once for each open list.
        """
        known = self._known
        level = len(frames)
        lists = [within]  # whose answers are not known; the innermost first
        while level and not (level < len(known) and known[level][0] is lists[-1]):
            level -= 1
            lists.append(frames[level][0])
        del known[level + 1 :]
        if not level:
            known[:] = [(lists[-1], False, False)]
        _, inKey, isPair = known[level]
        while True:
            outer = lists.pop()
            inKey = inKey or _isNextKey(outer, isPair)
            if not lists:
                return inKey
            isPair = not isPair and bool(outer) and outer[0] == b"dictionary"
            known.append((lists[-1], inKey, isPair))


def _isNextKey(items: list[Any], isPair: bool) -> bool:
    """
    Whether the next item of a list is a key of a dict or a member of a set.

    @param isPair: whether the list is a key and its value.
    """
    if isPair:
        return not items
    return bool(items) and (items[0] == b"set" or items[0] == b"frozenset")
