"""
Calls of this side's, and what becomes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import jelly, pb

from pbext._copied import CopiedFailure
from pbext._failures import failureFrom
from pbext._holdings import Holdings
from pbext.errors import (
    BadMessage,
    CallTimedOut,
    DeadReference,
    Lagging,
    RefusedTag,
    Unordered,
)
from pbext.interfaces import IConnection
from pbext.wire._commands import NO_ARGUMENTS, NO_KEYWORDS
from pbext.wire._jelly import findTag
from pbext.wire._parts import listsOf

__all__ = ["Calls"]


@implementer(IConnection)
class Calls(Holdings):
    """
    The part of a broker that calls the peer.  Whatever happens to a call, its
    Deferred fires once.
    """

    # Calls that nobody waits for any more, and when to stop waiting for the
    # others.  Few connections ever have any: the first gets a table of its own.
    _abandoned: dict[int, None] | None = None
    _deadlines: dict[int, Any] | None = None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection is over.  Calls that are not answered fail, once each,
        whatever their errbacks do; if this side has given it up, for its
        reason.
        """
        if self.fault is not None:
            reason = Failure(self.fault)
        self.disconnected = 1
        waiting, self.waitingForAnswers = self.waitingForAnswers, {}
        deadlines, self._deadlines = self._deadlines or {}, None
        for deadline in deadlines.values():
            deadline.cancel()
        for deferred in waiting.values():
            if not deferred.called:
                deferred.errback(Failure(pb.PBConnectionLost(reason)))
        super().connectionLost(reason)
        self.waitingForAnswers = {}  # none, and nothing to stumble over
        self._asked.clear()
        self._abandoned = None

    def _sendMessage(
        self,
        prefix: bytes,
        perspective: Any,
        objectID: Any,
        message: bytes,
        args: Any,
        kw: dict[str, Any],
        seconds: float | None = None,
    ) -> Deferred[Any] | None:
        """
        Every call comes here, in stock too.

        @param seconds: how long to wait for the answer; by default, as long
            as the limits say.
        @return: a Deferred of the answer, or of why it could not be sent;
            C{None} for a call that asks for no answer and was sent.
        """
        answered, callback, errback = True, None, None
        if kw:
            answered = kw.pop("pbanswer", True)
            callback, errback = kw.pop("pbcallback", None), kw.pop("pberrback", None)
        if self.disconnected:
            return fail(DeadReference())
        if prefix and self.isBeingGiven(objectID):
            entry = self.remotelyCachedObjects[objectID]
            return fail(Unordered(className=qual(type(entry.object))))
        if prefix and self.lagging:
            # An update of a Cacheable of stock's, which says nothing of it.
            self._giveUp(Lagging(laggingBytes=self.limits.laggingBytes))
            return fail(DeadReference())
        requestID = None
        netArgs: Any = NO_ARGUMENTS
        netKw: Any = NO_KEYWORDS
        context = perspective, message, None, None
        # A level of its own: an answer may be made and not be sent yet.
        self._enlisted.append([])
        try:
            if args:
                netArgs = self._toBytes(args, context)
            if kw:
                netKw = self._toBytes(kw, context)
            if self.disconnected:  # by a hook that was called
                raise DeadReference()
            requestID = self.newRequestID()
            answer: Deferred[Any] | None = None
            if answered:
                answer = Deferred(partial(self._cancelled, requestID))
                self.waitingForAnswers[requestID] = answer
            self.sendCall(
                prefix + b"message",
                requestID,
                objectID,
                message,
                answered,
                netArgs,
                netKw,
            )
        except BaseException:
            self.withdraw()
            self.waitingForAnswers.pop(requestID, None)
            self._enforceLimits()
            # Not by a name: its traceback holds this frame, and so what was to
            # be sent.
            return fail(self._unsent(netArgs, netKw))
        finally:
            self._enlisted.pop()
        if answer is None:
            return None
        if callback or errback:  # deprecated, and still stock's
            answer.addCallbacks(callback or (lambda result: result), errback)
        self.expect(requestID, message, seconds)
        return answer

    def expect(
        self, requestID: int, method: bytes, seconds: float | None = None
    ) -> None:
        """
        See L{IConnection}.

        @param seconds: how long; by default, as the limits say.
        """
        if seconds is None:
            seconds = self.limits.callSeconds
        if seconds is not None:
            if self._deadlines is None:
                self._deadlines = {}
            self._deadlines[requestID] = self.clock.callLater(
                seconds, self._expire, requestID, method, seconds
            )

    def _deadline(self, requestID: Any) -> Any:
        """
        @return: what ends the waiting for an answer, which is over.
        """
        return self._deadlines.pop(requestID, None) if self._deadlines else None

    def _cancelled(self, requestID: int, deferred: Deferred[Any]) -> None:
        self._abandon(requestID)

    def _abandon(self, requestID: Any) -> Deferred[Any] | None:
        """
        Nobody waits for an answer any more.
        """
        deadline = self._deadline(requestID)
        if deadline is not None and deadline.active():
            deadline.cancel()
        deferred: Deferred[Any] | None = self.waitingForAnswers.pop(requestID, None)
        if deferred is not None:
            if self._abandoned is None:
                self._abandoned = {}
            self._abandoned[requestID] = None
        return deferred

    def _expire(self, requestID: int, message: bytes, seconds: float) -> None:
        deferred = self._abandon(requestID)
        if deferred is not None:
            method = message.decode("utf-8", "replace")
            deferred.errback(CallTimedOut(method=method, seconds=seconds))

    def proto_answer(self, requestID: Any, netResult: Any) -> None:
        """
        The answer to a call.
        """
        self._settle(requestID, netResult)

    def proto_error(self, requestID: Any, fail: Any) -> None:
        """
        The error that a call has ended in.
        """
        self._settle(requestID, fail, failureFrom)

    def _settle(
        self, requestID: Any, sexp: Any, read: Callable[[Any], Any] | None = None
    ) -> None:
        """
        @param read: what the answer is, of the value that is in it; by default,
            that itself.
        """
        deadline = self._deadline(requestID)
        if deadline is not None:
            deadline.cancel()
        deferred = self.waitingForAnswers.pop(requestID, None)
        if deferred is None:
            if not self._abandoned or requestID not in self._abandoned:
                raise BadMessage(why="it answers no call")
            del self._abandoned[requestID]
        result = self._read(sexp, read)
        self._release(requestID, result)
        if deferred is not None:
            if isinstance(result, pb.CopiedFailure):
                result = failureFrom(result)
            deferred.callback(result)
        # If it is a failure, its traceback holds this frame, and so what came
        # with the answer, which is to go at once.
        del result
        self._enforceLimits()

    def _read(self, sexp: Any, read: Callable[[Any], Any] | None) -> Any:
        outer, self._taken = self._taken, []
        try:
            value = self.unserialize(sexp)
            return value if read is None else read(value)
        except BaseException:
            self.giveBack([sexp])
            return Failure()
        finally:
            self._taken = outer

    def _release(self, requestID: Any, result: Any) -> None:
        """
        A call is answered: tell those who are in it.
        """
        asked = self._asked.pop(requestID, None)
        if asked is None:
            return
        participants, values = asked
        numbers = [participant.luid for participant in participants]
        for participant, luid in zip(participants, numbers, strict=True):
            participant.answered(_hasRead(result, luid, numbers, values))


def _hasRead(
    result: Any, luid: int | None, numbers: Iterable[int | None], values: Iterable[Any]
) -> bool | None:
    """
    Whether a peer that has answered with C{result} has what had a number in
    the call: see L{IParticipant<pbext.interfaces.IParticipant>}.

    @param numbers: all that were in the call.
    """
    # A peer of ours has given back what was in a message that it refuses.
    if not isinstance(result, CopiedFailure) or result.check(RefusedTag):
        return True
    # What stock says of a number that it does not know ...
    if result.type == "builtins.KeyError":
        if result.value == str(luid):
            return False
        if result.value in map(str, numbers):
            return None
    # ... and of a message that it could not read, with the tag; but a method
    # may have failed with the like, on behalf of something else.
    if result.type == qual(jelly.InsecureJelly) and any(
        findTag(
            listsOf(value), lambda tag: tag.decode("utf-8", "replace") in result.value
        )
        for value in values
    ):
        return None
    return True
