"""
How many updates have arrived in this process, and who waits for how many.
"""

from __future__ import annotations

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
        self._wanted = -1
        self._reached: Deferred[None] = Deferred()

    def add(self) -> None:
        self._count += 1
        if self._count == self._wanted:
            self._reached.callback(None)

    def whenReached(self, count: int) -> Deferred[None]:
        """
        One waits at a time.

        @return: fires when this has counted up to C{count}.
        """
        if self._count >= count:
            return succeed(None)
        self._wanted, self._reached = count, Deferred()
        return self._reached


updatesSeen = Tally()
