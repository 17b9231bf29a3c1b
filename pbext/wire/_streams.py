"""
Large messages, in the dialect L{DIALECT}: cut into chunks at one end, with
small messages between them, and put together at the other.

What may go between them is said here, once: Perspective Broker delivers in
order, and programs rely on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import attrs

from pbext.errors import BadMessage, LimitReached
from pbext.wire._codec import encodeTokens
from pbext.wire._commands import ANSWERS, CALLS, VALUES

__all__ = [
    "CHUNK",
    "DIALECT",
    "Arrival",
    "Departures",
    "Parcel",
]

#: What a Banana dialect is called in which this is spoken.
DIALECT = b"pbext1"

#: Bytes of a message that are sent as one; a larger one is cut.  As many as a
#: transport of Twisted's takes before it asks to pause
#: (C{twisted.internet.abstract.FileDescriptor.bufferSize}), so that there is
#: little in front of a small message, and a chunk for each time it is empty.
CHUNK = 64 * 1024

#: What is said of large messages that go the other way.
_WORDS = frozenset({b"took", b"refused"})


@attrs.define(eq=False)
class Parcel:
    """
    A message that is ready to leave.

    @ivar command: its command.
    @ivar objectID: of a call or an update, to which object.
    @ivar parts: its bytes, of which other parcels may have parts as well.
    @ivar carried: the numbers of the references and caches in it that count.
    @ivar since: of an answer, L{Departures.count} when the call came; C{None}
        if that is not known.
    @ivar about: what its owner has to know of it.
    @ivar size: how many bytes it has.
    @ivar left: how many have left.
    """

    command: bytes
    objectID: Any
    parts: Sequence[bytes]
    carried: Sequence[int] = ()
    since: int | None = None
    about: Any = None
    size: int = attrs.field(init=False)
    left: int = attrs.field(init=False, default=0)
    _part: int = attrs.field(init=False, default=0)
    _offset: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.size = sum(map(len, self.parts))

    @property
    def large(self) -> bool:
        """
        Whether it is cut into chunks.
        """
        return self.size > CHUNK and self.command in VALUES

    @property
    def gone(self) -> bool:
        """
        Whether all of it has left.
        """
        return self.left == self.size

    @property
    def isCall(self) -> bool:
        """
        Whether it is a call or an update.
        """
        return self.command in CALLS

    def take(self) -> bytes:
        """
        @return: the next chunk of it, or all of a small one.
        """
        slices: list[memoryview] = []  # or each observer would have its copy
        most = room = CHUNK if self.large else self.size
        while room and self._part < len(self.parts):
            part = memoryview(self.parts[self._part])
            piece = part[self._offset : self._offset + room]
            slices.append(piece)
            room -= len(piece)
            self._offset += len(piece)
            if self._offset == len(part):
                self._part, self._offset = self._part + 1, 0
        self.left += most - room
        return b"".join(slices)

    @property
    def _address(self) -> Hashable:
        return self.command, self.objectID

    def _spokenOf(self) -> Iterable[Hashable]:
        """
        What a later call must not reach before this parcel: the object that
        it calls, and, if they are called at all, those that are in it.
        """
        if self.command in CALLS:
            yield self._address
        for luid in self.carried:
            yield b"cachemessage", luid


class Departures:
    """
    What waits for a large message to leave, in order, that one first.

    A small message may pass those that wait if it carries no references, and

      - it is an answer, and whatever waits is an answer, or was sent before
        the call that it answers came, and so is no effect of that;
      - or it is a call or an update of another object than any of those that
        wait, and no answer waits.

    All else waits its turn: what lets go of something, too.

    @ivar count: how many messages have had to wait so far.
    @ivar size: how many bytes wait.
    @ivar unasked: how many of these are no answers.
    @ivar largest: of what is no answer, how many bytes the largest had since
        nothing waited.
    """

    # Most connections never have any, so what they have of this is small.
    __slots__ = (
        "_answers",
        "_lastCall",
        "_spokenOf",
        "_waiting",
        "count",
        "largest",
        "size",
        "unasked",
    )

    def __init__(self) -> None:
        self.count = self.size = self.unasked = self.largest = 0
        self._waiting: deque[Parcel] | tuple[()] = ()
        self._spokenOf: dict[Hashable, int] = {}
        self._answers = 0
        #: The count at the last one that was no answer.
        self._lastCall = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Parcel:
        """
        What leaves, or will leave next.
        """
        first: Parcel = self._waiting[0]  # type: ignore[misc]  # there is one
        return first

    def mayPass(self, parcel: Parcel) -> bool:
        """
        @return: whether a parcel may leave before those that wait.
        """
        if not self._waiting or parcel.command in _WORDS:
            return True
        if parcel.large or parcel.carried:
            return False
        if parcel.command in ANSWERS:
            if len(self._waiting) == self._answers:
                return True
            return parcel.since is not None and self._lastCall <= parcel.since
        return (
            parcel.command in CALLS
            and not self._answers
            and parcel._address not in self._spokenOf
        )

    def add(self, parcel: Parcel) -> None:
        """
        Let a parcel wait its turn.
        """
        self.count += 1
        self.size += parcel.size
        if not isinstance(self._waiting, deque):
            self._waiting = deque()
        self._waiting.append(parcel)
        for key in parcel._spokenOf():
            self._spokenOf[key] = self._spokenOf.get(key, 0) + 1
        if parcel.command in ANSWERS:
            self._answers += 1
        else:
            self.unasked += parcel.size
            self.largest = max(self.largest, parcel.size)
            self._lastCall = self.count

    def leave(self) -> tuple[bytes, Parcel]:
        """
        @return: what is to be written next, and of which parcel; if it is
            L{gone<Parcel.gone>} with that, it waits no longer.
        """
        parcel = self.first
        begins = parcel.large and not parcel.left
        data = parcel.take()
        self._gone(parcel, len(data))
        if parcel.large:
            data = encodeTokens([b"chunk", data], True, CHUNK)
        if begins:
            data = encodeTokens([b"begin", parcel.size], True, CHUNK) + data
        if parcel.gone:
            self.drop()
        return data, parcel

    def drop(self) -> Parcel:
        """
        @return: the first one, which waits no longer.
        """
        parcel = self.first
        assert isinstance(self._waiting, deque)
        self._waiting.popleft()
        self._gone(parcel, parcel.size - parcel.left)
        for key in parcel._spokenOf():
            self._spokenOf[key] -= 1
            if not self._spokenOf[key]:
                del self._spokenOf[key]
        if parcel.command in ANSWERS:
            self._answers -= 1
        if not self._waiting:
            self._waiting = ()
            self.largest = 0
        return parcel

    def _gone(self, parcel: Parcel, size: int) -> None:
        self.size -= size
        if parcel.command not in ANSWERS:
            self.unasked -= size


class Arrival:
    """
    A large message on its way in, of which no more is kept than has come.

    @ivar open: whether more of it is to come.
    """

    __slots__ = ("_bytes", "_most", "_size", "_skipping", "open")

    def __init__(self, most: int) -> None:
        """
        @param most: how many bytes one may have.
        """
        self.open = False
        self._most = most
        self._size = 0
        self._bytes = bytearray()
        self._skipping = False

    @property
    def come(self) -> int:
        """
        How many bytes of it have come.
        """
        return len(self._bytes)

    def begin(self, size: Any) -> None:
        """
        One is announced.

        @raise LimitReached: if it is too large; its chunks are skipped.
        @raise BadMessage: if this is not the time, or no size.
        """
        if self.open:
            raise BadMessage(why="a large message begins within another one")
        if type(size) is not int or size < 1:
            raise BadMessage(why="a large message has no size")
        self._skipping = size > self._most
        if self._skipping:
            raise LimitReached(limit="maxMessageBytes", value=self._most)
        self.open = True
        self._size = size

    def chunk(self, data: Any) -> bytes | None:
        """
        More of it has come.

        @return: the message, if that was the last of it.
        @raise BadMessage: if there is none, or if it is more than was
            announced, or nothing.
        """
        if type(data) is not bytes or not data:
            raise BadMessage(why="a chunk has no bytes")
        if self._skipping:
            return None
        if not self.open:
            raise BadMessage(why="a chunk belongs to no large message")
        if len(self._bytes) + len(data) > self._size:
            raise BadMessage(why="a large message is larger than announced")
        self._bytes += data
        if len(self._bytes) < self._size:
            return None
        whole = bytes(self._bytes)
        self.open = False
        self._bytes = bytearray()
        return whole
