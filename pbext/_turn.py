"""
Turns of the reactor, told apart: one for all that have the same clock.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

__all__ = ["Turn", "turnOf"]


class Turn:
    """
    The turns of one clock, numbered, as far as anybody asks.

    @ivar clock: an C{IReactorTime}.
    """

    __slots__ = ("__weakref__", "_asked", "_number", "clock")

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self._number = 0
        self._asked = False

    @property
    def number(self) -> int:
        """
        Another one in each turn of the reactor.  Costs one delayed call in a
        turn, whoever asks and how often ever.
        """
        if not self._asked:
            self._asked = True
            self.clock.callLater(0, self._end)
        return self._number

    def _end(self) -> None:
        self._asked = False
        self._number += 1


#: By the id of its clock, which each of them keeps alive.
_turns: WeakValueDictionary[int, Turn] = WeakValueDictionary()


def turnOf(clock: Any) -> Turn:
    """
    @param clock: an C{IReactorTime}.
    @return: its turns, the same for as long as somebody keeps them.
    """
    turn = _turns.get(id(clock))
    if turn is None:
        turn = _turns[id(clock)] = Turn(clock)
    return turn
