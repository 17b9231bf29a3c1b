"""
From bytes to nested lists, as Banana has them (C{twisted.spread.banana}).
"""

from __future__ import annotations

import re
import struct
from typing import Any

from twisted.spread.banana import SIZE_LIMIT, Banana

from pbext.errors import BadMessage, LimitReached
from pbext.wire._budget import UNLIMITED, Budget
from pbext.wire._expansion import MODULUS, Expansion, Frame

__all__ = ["Decoder", "decodeTokens"]

#: Banana's bound for the digits before a type byte, in bytes
#: (C{twisted.spread.banana._PREFIX_LIMIT}).
_PREFIX_LIMIT = 64

_LIST, _INT, _STRING, _NEG, _FLOAT, _LONGINT, _LONGNEG, _VOCAB = range(0x80, 0x88)
_SIGNS = {_INT: 1, _LONGINT: 1, _NEG: -1, _LONGNEG: -1}

#: By number, the words of the dialect C{pb}.
_WORDS: dict[int, bytes] = dict(Banana.incomingVocabulary)

_typeByte = re.compile(rb"[\x80-\xff]").search
_double = struct.Struct("!d").unpack_from

# Most lists of two are a str, a pair whose key is one, or a bool: by how they
# go on, in the longest that tells them apart.
_TEXT, _PAIR, _BOOL = range(3)
_UNICODE = b"\x07\x82unicode"
_FORMS = {
    _UNICODE: _TEXT,
    (b"\x02\x80" + _UNICODE)[:9]: _PAIR,
    b"\x07\x82boolean": _BOOL,
}
_TRUE, _FALSE = b"\x04\x82true", b"\x05\x82false"
_NONE = b"\x01\x87"

#: Words that say that a message refers to parts of itself, and the longest and
#: the shortest of them.
_REFERRING = frozenset({b"reference", b"dereference"})
_SHORTEST, _LONGEST = min(map(len, _REFERRING)), max(map(len, _REFERRING))


def decodeTokens(data: bytes) -> Any:
    """
    @param data: one expression, of one's own, in the dialect C{pb}.
    @return: it, in nested lists.
    """
    decoder = Decoder(UNLIMITED)
    decoder.vocabulary = True
    decoder.stringLimit = len(data)
    decoder.feed(data)
    return decoder.next()


class Decoder:
    """
    Takes bytes as they come, and gives expressions.  What is wrong with them is
    an error as soon as it is there; then the rest cannot be read any more.

    @ivar vocabulary: whether words may be numbers: whether the dialect C{pb} is
        agreed.  C{False} at first.
    @ivar stringLimit: how many bytes a string, and how many items a list may
        have.  By default as in stock, 640 KiB.
    """

    def __init__(self, budget: Budget) -> None:
        self.vocabulary = False
        self.stringLimit = SIZE_LIMIT
        self._budget = budget
        self._expansion = Expansion(budget)
        # What is being read, from where on it was not, and where the message
        # began (below 0 if that is not in there any more).
        self._buffer = b""
        self._position = 0
        self._start = 0
        # What has come since, and how many bytes the next token takes at least.
        self._more = bytearray()
        self._needed = 0
        # The innermost open list, how many items it waits for, and what it is
        # in.  The outermost one holds the message.
        self._items: list[Any] = []
        self._left = 1
        self._frames: list[Frame] = []
        self._count = 1
        self._deepest = budget.depth
        # Whether the message has anything that refers to something.
        self._referring = False

    @property
    def pending(self) -> int:
        """
        Of what is not a whole message yet, how many bytes there are.
        """
        return len(self._buffer) - self._start + len(self._more)

    @property
    def used(self) -> tuple[int, ...]:
        """
        Of each thing that the L{Budget} bounds, in its order, how much the message
        has by now that is arriving.
        """
        if not self.pending:
            return (0,) * 6
        depth = len(self._frames)
        return self.pending, self._count, depth, *self._expansion.used(self._count)

    def feed(self, chunk: bytes) -> None:
        """
        Take some bytes.
        """
        if self._position < len(self._buffer):
            self._more += chunk
        else:
            self._start -= self._position
            self._buffer = chunk if isinstance(chunk, bytes) else bytes(chunk)
            self._position = 0

    def next(self) -> Any:
        """
        @return: the next expression: bytes, an integer, a float or a list; or
            C{None} if it has not come to its end.
        @raise BadMessage: if it is none.
        @raise LimitReached: if it is more than the budget allows.
        """
        if self._more and not self._join():
            return None
        buffer, position = self._buffer, self._position
        if position == len(buffer):
            return None
        items, left, frames = self._items, self._left, self._frames
        count, referring = self._count, self._referring
        limit, vocabulary, deepest = self.stringLimit, self.vocabulary, self._deepest
        expansion, size = self._expansion, len(buffer)
        ceiling = expansion.ceiling
        # There are quick ways for the usual lists, which look at no limits; up
        # to here none of them can be crossed.  They commit nothing before all
        # of it is there, and look 13 bytes ahead.
        clear = ceiling - 6 if limit > 0x7F and len(frames) + 3 <= deepest else -1
        at = position
        key: Any = None
        try:
            while True:
                number = buffer[at]
                if number < 0x80:
                    kind = buffer[at + 1]
                    end = at + 2
                    if kind < 0x80:
                        number, kind, end = _prefix(buffer, at)
                        if number >= MODULUS and kind in _SIGNS:
                            expansion.integer(items, frames)
                else:
                    number, kind, end = 0, number, at + 1

                if kind == _LIST:
                    item: Any = None
                    if count <= clear and end + 12 < size:
                        if number == 2:
                            form = _FORMS.get(buffer[end : end + 9])
                            if form is None:
                                pass
                            elif form == _TEXT:
                                text = end + 11
                                stop = text + buffer[end + 9]
                                if (
                                    buffer[end + 10] == _STRING
                                    and stop <= size
                                    and stop < text + 0x80
                                ):
                                    item = [b"unicode", buffer[text:stop]]
                                    count += 2
                                    end = stop
                            elif form == _PAIR:
                                text = end + 13
                                stop = text + buffer[end + 11]
                                if (
                                    key is None
                                    and buffer[end + 12] == _STRING
                                    and stop < size
                                    and stop < text + 0x80
                                    and buffer[end + 9 : end + 11] == b"de"
                                ):
                                    # Its value decides when it is there.
                                    key = [b"unicode", buffer[text:stop]]
                                    at = stop
                                    continue
                            elif buffer[end + 9 : end + 15] == _TRUE:
                                item = [b"boolean", b"true"]
                                count += 2
                                end += 15
                            elif buffer[end + 9 : end + 16] == _FALSE:
                                item = [b"boolean", b"false"]
                                count += 2
                                end += 16
                        elif (
                            number == 1
                            and vocabulary
                            and buffer[end : end + 2] == _NONE
                        ):
                            item = [b"None"]
                            count += 1
                            end += 2
                    if item is None:
                        if key is not None:
                            frames.append((items, left))
                            items, left, key = [key], 1, None
                            count += 4
                            position = at
                        if number > limit:
                            raise BadMessage(why="a list that is too long")
                        count += number
                        if count > ceiling:
                            raise expansion.tooMany(count)
                        depth = len(frames)
                        if depth + 3 >= deepest:
                            if depth >= deepest:
                                raise LimitReached(limit="depth", value=deepest)
                            clear = -1
                        if number:
                            frames.append((items, left))
                            items, left = [], number
                            position = at = end
                            continue
                        item = []
                elif kind == _INT:
                    item = number
                elif kind == _STRING:
                    if number > limit:
                        raise BadMessage(why="a string that is too long")
                    text = end
                    end += number
                    if end > size:
                        needed = end - position
                        break
                    item = buffer[text:end]
                    if _SHORTEST <= number <= _LONGEST and item in _REFERRING:
                        referring = True
                        expansion.refer(item, items, left, count)
                elif kind == _VOCAB:
                    item = _WORDS.get(number) if vocabulary else None
                    if item is None:
                        raise BadMessage(why="a word that is not known")
                    if item in _REFERRING:
                        referring = True
                        expansion.refer(item, items, left, count)
                elif kind == _FLOAT:
                    text = end
                    end += 8
                    if end > size:
                        needed = end - position
                        break
                    item = _double(buffer, text)[0]
                elif kind in _SIGNS:
                    item = number * _SIGNS[kind]
                else:
                    raise BadMessage(why="a type byte that is none")

                if key is None:
                    items.append(item)
                else:
                    items.append([key, item])
                    count += 4
                    key = None
                position = at = end
                left -= 1
                while not left:
                    if not frames:
                        return self._whole(items[0], position)
                    ended = items
                    items, left = frames.pop()
                    if referring:
                        expansion.end(ended, items, frames, count)
                        ceiling = expansion.ceiling
                        clear = min(clear, ceiling - 6)
                    items.append(ended)
                    left -= 1
        except IndexError:
            # The end of the bytes, in a token or between two.
            needed = size - position + 1
        self._position, self._needed = position, needed
        self._items, self._left, self._count = items, left, count
        self._referring = referring
        self._checkBytes(max(size, position + needed))
        return None

    def _join(self) -> bool:
        """
        Put together what is there, unless it is too little for one more token.
        """
        rest = len(self._buffer) - self._position
        if rest + len(self._more) < self._needed:
            return False
        self._buffer = self._buffer[self._position :] + self._more
        self._start -= self._position
        self._position = 0
        self._more.clear()
        return True

    def _whole(self, expression: Any, position: int) -> Any:
        self._checkBytes(position)
        if position == len(self._buffer):
            # It may have been large, and the next one may be a long time coming.
            self._buffer, position = b"", 0
        self._position = self._start = position
        self._needed = 0
        self._items, self._left, self._count = [], 1, 1
        self._referring = False
        self._expansion.begin()
        return expression

    def _checkBytes(self, end: int) -> None:
        limit = self._budget.messageBytes
        if end - self._start > limit:
            raise LimitReached(limit="maxMessageBytes", value=limit)


def _prefix(buffer: bytes, position: int) -> tuple[int, int, int]:
    """
    Read the digits of a token, and its type.

    @return: the number, the type byte, and where they end.
    @raise IndexError: if they have not come to their end.
    @raise BadMessage: if there are too many.
    """
    found = _typeByte(buffer, position, position + _PREFIX_LIMIT + 1)
    if found is None:
        if len(buffer) - position > _PREFIX_LIMIT:
            raise BadMessage(why="a number that is too long")
        raise IndexError
    at = found.start()
    number = 0
    for digit in reversed(buffer[position:at]):
        number = number << 7 | digit
    return number, buffer[at], at + 1
