"""
How many updates have arrived in this process, and who waits for how many.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred, succeed

__all__ = ["updatesSeen"]


class Tally:
    """
    A number that somebody waits for.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._count = 0
        self._next: float = float("inf")
        self._waiting: deque[tuple[int, Deferred[None]]] = deque()

    def add(self) -> None:
        self._count += 1
        while self._count == self._next:
            self._waiting.popleft()[1].callback(None)
            self._next = self._waiting[0][0] if self._waiting else float("inf")

    def whenReached(self, count: int) -> Deferred[None]:
        """
        Those who wait ask in the order of what they wait for.

        @return: fires when this has counted up to C{count}.
        """
        if self._count >= count:
            return succeed(None)
        reached: Deferred[None] = Deferred()
        self._waiting.append((count, reached))
        self._next = self._waiting[0][0]
        return reached


updatesSeen = Tally()
