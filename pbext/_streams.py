"""
Large messages: with a peer of pbext's they leave in chunks, between which small
ones get their turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import attrs

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.spread import banana, jelly

from pbext._backlog import isTooMuch
from pbext._calls import Calls
from pbext._messages import Incoming
from pbext.errors import (
    BadMessage,
    ConnectionTimedOut,
    LimitReached,
    NotSendable,
)
from pbext.interfaces import IParticipant
from pbext.limits import Limits
from pbext.wire._banana import listHead
from pbext.wire._budget import Budget
from pbext.wire._codec import Decoder, encodeTokens
from pbext.wire._commands import CALLS, NO_ARGUMENTS, NO_KEYWORDS, VALUES
from pbext.wire._encoded import Encoded
from pbext.wire._streams import (
    CHUNK,
    DIALECT,
    Arrival,
    Departures,
    Parcel,
)

__all__ = ["Streams"]

#: What a peer may name as the reason why it has not taken a message.
_LIMITS = frozenset(field.name.encode("ascii") for field in attrs.fields(Limits))

#: What tells a cache that it has missed something, after its number.
_INVALIDATE = (b"invalidate", 0, NO_ARGUMENTS, NO_KEYWORDS)


@attrs.frozen(eq=False)
class _About:
    """
    What is to be known of a message that waits, or was large.

    @ivar head: what stands before its values.
    @ivar values: its values, as long as it has not left.
    """

    head: Sequence[Any]
    values: Sequence[Any]
    participants: Sequence[IParticipant]


class Streams(Calls):
    """
    The part of a broker that speaks the dialect C{pbext1}, see
    L{pbext.wire._streams}.

    @ivar dialect: the dialect that was agreed on, or C{None} before.  (That of
        Banana, C{currentDialect}, is C{b"pb"} in C{pbext1} too: its vocabulary
        depends on that.)
    @cvar overtaking: whether small messages may pass large ones; C{False} for
        the order of stock PB, whatever that takes.
    """

    #: The next turn of those that wait; or something, while they have one.
    _nextTurn: Any = None
    #: Large messages that the peer has not said anything of, in order.
    _untaken: deque[Parcel] | tuple[()] = ()
    #: Whether more answers wait for their turn than may.
    _full = False
    #: When a large message has to go on at the latest.
    _goesOn: Any = None

    #: A client skips what it does not know, and stock offers no more than its
    #: own (C{twisted.spread.banana.Banana.callExpressionReceived}).
    knownDialects = [DIALECT, *banana.Banana.knownDialects]
    overtaking = True

    __slots__ = ("_arrival", "_departures", "dialect")

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        self._departures = Departures()
        self._arrival: Arrival | None = None
        self.dialect: bytes | None = None

    def _selectDialect(self, dialect: bytes) -> None:
        self.dialect = dialect
        if dialect == DIALECT:
            most = self.limits.maxMessageBytes
            self.stringLimit = self._decoder.stringLimit = most
            self._arrival = Arrival(most)
            dialect = b"pb"
        super()._selectDialect(dialect)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection is over, for what is on its way, too.
        """
        departures, self._departures = self._departures, Departures()
        self._untaken = ()
        self._arrival = None
        for call in (self._goesOn, self._nextTurn):
            if call is not None and call is not _NOW and call.active():
                call.cancel()
        self._goesOn = self._nextTurn = None
        super().connectionLost(reason)
        while departures:
            self._withdrawn(departures.drop().about.participants)

    @property
    def gauges(self) -> dict[str, tuple[int, int]]:
        """
        See L{Holdings.gauges<pbext._holdings.Holdings.gauges>}; with what waits
        for its turn, and what has come of a large message.
        """
        gauges = super().gauges
        waiting, arrival = self._departures, self._arrival
        more = {
            "unreadBytes": waiting.size - waiting.unasked,
            "laggingBytes": waiting.unasked,
            "maxMessageBytes": 0 if arrival is None else arrival.come,
        }
        for name, count in more.items():
            used, most = gauges[name]
            gauges[name] = used + count, most
        return gauges

    # What leaves.

    @property
    def flowing(self) -> bool:
        """
        See L{IConnection}.
        """
        outlet = self.outlet
        waits = self._departures.size or outlet is None or outlet.paused
        return not waits and self.fault is None

    @property
    def lagging(self) -> bool:
        """
        See L{IConnection}.
        """
        waiting = self._departures
        most = self.limits.laggingBytes
        waits = isTooMuch(waiting.unasked, waiting.largest, most)
        return waits and self._isPaused() or super().lagging

    def _post(
        self,
        exp: Sequence[Any],
        participants: Sequence[IParticipant],
        since: int | None,
    ) -> None:
        if self.dialect != DIALECT:
            super()._post(exp, participants, since)
            return
        parts = self._partsOf(exp)
        waits = self._departures.size
        if len(parts) == 1 and len(parts[0]) <= CHUNK and not waits:
            self._write(parts[0], exp[0] not in CALLS)
            self._written(exp, participants)
            return
        values = VALUES.get(exp[0], 2)
        parcel = Parcel(
            exp[0],
            exp[2] if exp[0] in CALLS else None,
            parts,
            [p.luid for p in participants if p.luid is not None],
            since,
            _About(exp[:values], exp[values:], participants),
        )
        most = self.limits.maxMessageBytes
        if parcel.size > most:
            raise _tooLarge(parcel, f"the limit is maxMessageBytes={most}")
        if not parcel.large and self._mayPass(parcel):
            self._write(parcel.take(), not parcel.isCall)
            self._written(exp, participants)
            return
        self._departures.add(parcel)
        if self._nextTurn is None:
            self._turn()
        if not self._full and self._isUnread() and self._isPaused():
            self._full = True
            self.unreadReached()

    def _mayPass(self, parcel: Parcel) -> bool:
        return self.overtaking and self._departures.mayPass(parcel)

    def _partsOf(self, exp: Sequence[Any]) -> Sequence[bytes]:
        """
        @return: a message in bytes.  Where that of a value are many, they are
            those that it has, for others may send them as well.
        """
        for value in exp[-2:]:  # there they stand
            if type(value) is Encoded and len(value.data) > CHUNK:
                break
        else:
            return [encodeTokens(exp, self.vocabulary, self.stringLimit)]
        return [
            listHead(len(exp)),
            *(
                value.data
                if type(value) is Encoded
                else encodeTokens(value, self.vocabulary, self.stringLimit)
                for value in exp
            ),
        ]

    def _turn(self) -> None:
        """
        Let so much leave as a chunk is, and the rest in turns to come.
        """
        self._nextTurn = _NOW
        room = CHUNK
        while room > 0 and self._departures and not self._isPaused():
            begins = self._departures.first.large and not self._departures.first.left
            data, parcel = self._departures.leave()
            if begins:
                if not isinstance(self._untaken, deque):
                    self._untaken = deque()
                self._untaken.append(parcel)
            self._write(data, not parcel.isCall)
            room -= len(data)
            if parcel.gone:
                about = parcel.about
                parcel.parts, parcel.about = (), attrs.evolve(about, values=())
                self._written([*about.head, *about.values], about.participants)
        self._nextTurn = None
        if self._departures:
            self._nextTurn = self._whenNext()
        if self._full:
            self._full = self._isUnread()
            self.unreadMoved()

    def _isUnread(self) -> bool:
        # The largest answer that there may be stops nobody.
        most = self.limits.maxMessageBytes
        if self.outlet is not None:
            most = max(most, self.outlet.unreadBytes)
        return self._departures.size - self._departures.unasked > most

    def _isFull(self) -> bool:
        outlet = self.outlet  # not by super(), for it is asked with each message
        return self._full or (outlet is not None and outlet.full)

    def _isPaused(self) -> bool:
        return self.outlet is not None and self.outlet.paused

    def _whenNext(self) -> Any:
        if self.outlet is None or not self.outlet.paused:
            return self.clock.callLater(0, self._turn)
        self.outlet.whenDrained(self._turn)
        return _NOW

    def proto_took(self) -> None:
        """
        The peer has taken the first of our large messages that it has not said
        so of.
        """
        self._answered()

    def proto_refused(self, limit: Any, value: Any) -> None:
        """
        The peer has not taken it, and will never look at it.

        @param limit: which of its limits it does not keep to.
        @param value: what that is.
        """
        if limit not in _LIMITS or type(value) not in (int, float):
            raise BadMessage(why="it refuses a message for no known reason")
        parcel = self._answered()
        why = f"the peer's limit is {limit.decode('ascii')}={value}"
        self._undo(parcel)
        self._failed(parcel, _tooLarge(parcel, why))

    def _answered(self) -> Parcel:
        if not self._untaken:
            raise BadMessage(why="it speaks of a large message that was never sent")
        return self._untaken.popleft()

    def _undo(self, parcel: Parcel) -> None:
        """
        The peer has nothing of what is in a message, and never will.
        """
        participants = parcel.about.participants
        if not parcel.gone:
            self._departures.drop()
            self._withdrawn(participants)
            return
        if parcel.isCall:
            for participant in self._asked.pop(parcel.about.head[1], ((),))[0]:
                participant.answered(None)
        for participant in participants:
            participant.untaken()

    def _failed(self, parcel: Parcel, error: NotSendable) -> None:
        """
        A message was not taken; say so to whom it concerns.
        """
        command, requestID, *address = parcel.about.head
        if not address:
            self._fail(Failure(error), Incoming(requestID, True))
            return
        if command == b"cachemessage" and address[0] in self.remotelyCachedObjects:
            # It may not go on as if nothing was missing.
            number = self.newRequestID()
            self.sendCall(b"cachemessage", number, address[0], *_INVALIDATE)
        if self._abandoned:
            self._abandoned.pop(requestID, None)
        deadline = self._deadline(requestID)
        if deadline is not None:
            deadline.cancel()
        waiting = self.waitingForAnswers.pop(requestID, None)
        if waiting is not None:
            waiting.errback(error)
        elif not address[2]:  # else its caller has given it up
            self.note("{peer} has not taken a message: {error}", error=error)

    def _fail(self, failure: Failure, call: Incoming) -> None:
        raise NotImplementedError("of the layer above")

    # What arrives.

    def proto_begin(self, size: Any) -> None:
        """
        The peer announces a large message.
        """
        try:
            self._stream.begin(size)
        except LimitReached as error:
            self._refuseLarge(error)
        self._await()

    def proto_chunk(self, data: Any) -> None:
        """
        The next part of it.
        """
        whole = self._stream.chunk(data)
        self._await()
        if whole is None:
            return
        try:
            message = self._readLarge(whole)
        except LimitReached as error:
            self._refuseLarge(error)
            return
        self.sendCall(b"took")
        self.expressionReceived(message)

    @property
    def _stream(self) -> Arrival:
        if self._arrival is None:
            raise BadMessage(why="a large message in a dialect that has none")
        return self._arrival

    def _readLarge(self, whole: bytes) -> list[Any]:
        """
        @raise LimitReached: if it goes beyond the limits of one message.
        @raise BadMessage: if it is none, or none that may be large.
        """
        decoder = Decoder(Budget.of(self.limits))
        decoder.vocabulary, decoder.stringLimit = True, self.stringLimit
        decoder.feed(whole)
        message = decoder.next()
        if (
            type(message) is not list
            or decoder.pending
            or not message
            or type(message[0]) is not bytes
            or message[0] not in VALUES
        ):
            raise BadMessage(why="what has come in chunks is no message")
        return message

    def _refuseLarge(self, error: LimitReached) -> None:
        self.note("a message of {peer} is too large: {error}", error=error)
        self.sendCall(b"refused", error.limit.encode("ascii"), error.value)

    def _await(self) -> None:
        """
        If more of a large message is to come, it has to come in time.
        """
        seconds = self.limits.messageSeconds
        if self._goesOn is not None:
            self._goesOn.cancel()
            self._goesOn = None
        if seconds is not None and self._stream.open:
            late = ConnectionTimedOut(limit="messageSeconds", seconds=seconds)
            self._goesOn = self.clock.callLater(seconds, self._late, late)

    def _late(self, error: ConnectionTimedOut) -> None:
        self._goesOn = None
        if self._isFull():
            self._await()  # it is this end that does not read
        else:
            self._giveUp(error)


#: In place of a call that is delayed: it is just being done, or waits for the
#: outlet.
_NOW = object()


def _tooLarge(parcel: Parcel, why: str) -> NotSendable:
    return NotSendable(
        path="$", got=f"a message of {parcel.size} bytes as a whole", fix=why
    )
