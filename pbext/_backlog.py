"""
What waits for a peer to read, and when it is too much.
"""

from __future__ import annotations

from collections import deque

__all__ = ["FEW", "PIECE", "Backlog", "isTooMuch"]

#: What waits is given to the transport in pieces of so many bytes: as many as
#: it gives to the kernel at a time (C{FileDescriptor.SEND_LIMIT}).
PIECE = 2**17

#: So many messages may wait, however large, before a peer is found to lag: one
#: that is on its way, one that was written meanwhile, and the next one.
FEW = 3


def isTooMuch(unasked: int, largest: int, most: int) -> bool:
    """
    Whether a peer lags behind.  Answers do not count, for it has asked for them;
    nor do so L{FEW} messages, however large.

    @param unasked: how many bytes wait that are no answers.
    @param largest: how many the largest message among them has or had.
    @param most: how many may wait.
    """
    return unasked > max(most, FEW * largest)


class Backlog:
    """
    What waits, in pieces.

    @ivar size: how many bytes.
    @ivar unread: how many of them are answers.
    @ivar largest: of what is no answer, how many bytes the largest message has
        or had.
    @ivar paused: whether the transport takes no more.
    @ivar giving: whether it is just being given some.
    """

    __slots__ = ("_pieces", "giving", "largest", "paused", "size", "unread")

    def __init__(self) -> None:
        # Of each: its parts, its bytes, and how many of these are answers.
        self._pieces: deque[tuple[list[bytes], int, int]] = deque()
        self.size = self.unread = self.largest = 0
        self.paused = True
        self.giving = False

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, data: bytes, answer: bool) -> None:
        if not answer:
            self.largest = max(self.largest, len(data))
        # What is large is cut, so that one can see it leave.
        for start in range(0, len(data), PIECE):
            self._add(data[start : start + PIECE], answer)

    def _add(self, part: bytes, answer: bool) -> None:
        size = len(part)
        unread = size if answer else 0
        self.size += size
        self.unread += unread
        if self._pieces and self._pieces[-1][1] + size <= PIECE:
            parts, before, unreadBefore = self._pieces.pop()
            parts.append(part)
            self._pieces.append((parts, before + size, unreadBefore + unread))
        else:
            self._pieces.append(([part], size, unread))

    def take(self) -> bytes:
        parts, size, unread = self._pieces.popleft()
        self.size -= size
        self.unread -= unread
        return b"".join(parts)

    @property
    def unasked(self) -> int:
        """
        How many bytes are no answers.
        """
        return self.size - self.unread
