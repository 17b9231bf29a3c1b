"""
Large messages on their way, and what pretends to be some.
"""

from __future__ import annotations

from typing import Any

import pbext._streams
from pbext.errors import LimitReached, PBExtError
from pbext.wire import _streams as streams
from pbext.wire._banana import encodeTokens
from pbext.wire._budget import UNLIMITED
from pbext.wire._streams import Arrival, Departures, Parcel
from tests.fuzz._finding import Finding
from tests.switching import PURE

__all__ = ["streaming"]

#: So small that what a fuzzer has is large.
_CHUNK = 64
for _module in (pbext._streams, streams):
    _module.CHUNK = _CHUNK

#: How many bytes a large message may have, where it arrives; some have more.
_ARRIVES = 200


class _Line:
    """
    Parcels on their way, and what has become of them.
    """

    def __init__(self) -> None:
        self.departures = Departures()
        self._arrival = Arrival(_ARRIVES)
        self._decoder = PURE.Decoder(UNLIMITED)
        self._decoder.vocabulary = True
        self.waiting: list[Any] = []
        self.number = 0

    def send(self, kind: int, size: int, since: int | None) -> None:
        """
        Send a message, of a kind, to one of two objects, or let it wait.
        """
        self.number += 1
        body = encodeTokens([self.number, b"x" * size], True, 1000)
        words = (b"message", b"cachemessage", b"answer", b"error", b"took", b"decref")
        command = words[kind % 6]
        carried = [kind >> 6] if kind & 8 and command != b"took" else []
        parts = [body[:3], body[3:]]
        parcel = Parcel(command, kind >> 4 & 1, parts, carried, since, self.number)
        waits = [(p.command, p.objectID) for p in self.waiting if p.isCall]
        if not parcel.large and self.departures.mayPass(parcel):
            if self.waiting and (carried or (command, parcel.objectID) in waits):
                raise Finding("it passes what is before it")
            if parcel.take() != body or not parcel.gone:
                raise Finding("it is not whole")
            return
        self.waiting.append(parcel)
        self.departures.add(parcel)

    def leave(self) -> None:
        """
        Let a chunk leave, and arrive.
        """
        if not self.departures:
            return
        data, parcel = self.departures.leave()
        if parcel is not self.waiting[0] or parcel.gone != (
            len(self.departures) < len(self.waiting)
        ):
            raise Finding("out of order")
        if parcel.gone:
            self.waiting.pop(0)
        self._decoder.feed(data)
        while (message := self._decoder.next()) is not None:
            if message[0] == b"begin":
                try:
                    self._arrival.begin(message[1])
                except LimitReached:
                    if message[1] <= _ARRIVES:
                        raise
            elif message[0] == b"chunk":
                whole = self._arrival.chunk(message[1])
                if (whole is not None) != (parcel.gone and parcel.size <= _ARRIVES):
                    raise Finding("it does not arrive when it has left")
                come = parcel.left if self._arrival.open else 0
                if self._arrival.come != come:
                    raise Finding("it is not said how much of it has come")
                if whole is not None and whole != b"".join(parcel.parts):
                    raise Finding("it arrives as another one")
            elif message[0] != parcel.about:
                raise Finding("another one arrives")

    def drop(self) -> None:
        """
        Give one up that has not begun to leave.
        """
        if self.departures and not self.departures.first.left:
            if self.departures.drop() is not self.waiting.pop(0):
                raise Finding("another one is dropped")


def _pretended(data: bytes) -> None:
    """
    What comes out of beginnings and chunks in any order, and of what is
    neither, is what has come since a beginning, and as much as that said.
    """
    arrival = Arrival(_ARRIVES)
    size, taken = 0, b""
    begun = False
    for byte in data:
        value: Any = byte if byte & 8 else bytes(byte >> 4)
        try:
            if byte & 1:
                arrival.begin(value)
                size, taken, begun = value, b"", True
                continue
            whole = arrival.chunk(value)
        except LimitReached:
            begun = True  # and skipped
            continue
        except PBExtError:
            continue
        if not begun:
            raise Finding("a chunk of nothing is taken")
        taken += value
        if whole is not None:
            if whole != taken or len(whole) != size:
                raise Finding("it arrives as another one")
            begun = False
        if arrival.come != (len(taken) if arrival.open else 0):
            raise Finding("it is not said how much has come")


def streaming(how: int, data: bytes) -> None:
    """
    Large messages arrive as they were sent, small ones pass them where that
    changes nothing, and what is none is refused.
    """
    if how & 8:
        _pretended(data)
        return
    line = _Line()
    for at in range(0, len(data) - 2, 3):
        action, kind, size = data[at : at + 3]
        if action % 4 == 0:
            line.leave()
        elif action % 16 == 1:
            line.drop()
        else:
            since = None if action & 32 else max(0, line.departures.count - action % 3)
            line.send(kind, size, since)
    while line.departures:
        line.leave()
    if line.waiting or line.departures.size or line.departures.unasked:
        raise Finding("it is not all gone")
