"""
The broker: Twisted's, but one that always answers.

    >>> from pbext import Limits, PBServerFactory, pb
    >>> class Pond(pb.Root):
    ...     async def remote_countFrogs(self):
    ...         return 7
    >>> factory = PBServerFactory(Pond(), limits=Limits(callsInFlight=100))
    >>> factory.buildProtocol(None).gauges["callsInFlight"]
    (0, 100)

A mistake costs the call that it was made in, and no other: an answer that
cannot be read or sent, an error that is none, a message that nobody expects.

It is made of layers, each a class of its own that knows those below: messages
(L{pbext._messages}) and the reading of the peer's (L{pbext._reading}), the
connection (L{pbext._connection}), what the two ends hold of each other
(L{pbext._holdings}), calls (L{pbext._calls}), messages too large to leave at once
(L{pbext._streams}), and here the serving of the peer's calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.spread import jelly
from twisted.spread.jelly import Jellyable

from pbext._copied import RemoteError
from pbext._failures import TAG, isDeclared, stateOf
from pbext._messages import Incoming
from pbext._referenceable import receiver
from pbext._streams import Streams
from pbext.errors import (
    BadMessage,
    LinkError,
    PBExtError,
    PeerError,
    UnknownObject,
    UpdateFailed,
)
from pbext.wire._encoded import Encoded

__all__ = ["Broker"]

_log = Logger(namespace="pbext")


class Broker(Streams):
    """
    One connection.  A factory of ours sets what it needs; with another one,
    the defaults hold.

    @ivar limits: what the peer may have.
    @ivar clock: an C{IReactorTime}; the reactor if it is C{None}.
    @ivar peerLog: says what is logged of peers.
    @ivar declaredErrors: the classes of errors whose text may be sent, beside
        L{pb.Error<twisted.spread.pb.Error>} and errors that are Copyable.
    @ivar registry: which classes may arrive, and which class a tag becomes.
    @ivar fault: why this side has given the connection up, or C{None}.
    @cvar namedReferences: whether the peer may send back, as an argument, an
        object that it knows by name alone, such as the root; C{False} by
        default, for knowing a name proves nothing.
    """

    declaredErrors: tuple[type, ...] = ()

    def proto_message(self, *call: Any) -> None:
        """
        A call of an object of ours.
        """
        self._serve(self.localObjectForID, *call)

    def proto_cachemessage(self, *call: Any) -> None:
        """
        An update of a cache that the peer has given.
        """
        self._serve(self._cacheForID, *call)

    def localObjectForID(self, luid: Any) -> Any:
        """
        @return: the object that the peer calls by a number or by a name, or
            C{None}.
        """
        local = self.localObjects.get(luid) if type(luid) in (int, bytes) else None
        return None if local is None else local.object

    def _cacheForID(self, luid: Any) -> Any:
        return self.locallyCachedObjects.get(luid) if type(luid) is int else None

    def _serve(
        self,
        find: Callable[[Any], Any],
        requestID: Any,
        objectID: Any,
        message: Any,
        answerRequired: Any,
        netArgs: Any,
        netKw: Any,
    ) -> None:
        """
        Do what the peer asks, and answer, if it wants that.

        @raise BadMessage: if it cannot be answered, or asks for nothing.
        """
        if type(requestID) is not int or type(message) is not bytes:
            raise BadMessage(why="a call without a number, or a name")
        wanted = answerRequired != 0
        call = Incoming(requestID, wanted, since=self._departures.count)
        outer = self._serving, self._taken
        self._serving, self._taken = call, []
        try:
            try:
                if self._inFlight:  # else there is room, for one is always allowed
                    self._makeRoom("callsInFlight", self._inFlight)
                call.method = message.decode("utf-8", "replace")
                target = find(objectID)
                if target is None:
                    raise UnknownObject()
                result = receiver(target)(self, call.method, netArgs, netKw)
            except BaseException:
                self.giveBack([netArgs, netKw])
                # Not by a name: its traceback holds this frame, and so the
                # arguments, which are to go at once.
                self._fail(Failure(), call)
                return
        finally:
            self._serving, self._taken = outer
        # Deferred is an abstract base class: those are slow to say what is none.
        done = result is None or type(result) is Encoded
        if not done and isinstance(result, Deferred):
            call.later = True
            self._inFlight += 1
            result.addCallbacks(self._answer, self._fail, (call,), {}, (call,))
        else:
            self._answer(result, call)

    def _answer(self, sexp: Any, call: Incoming) -> None:
        """
        Answer a call; if that cannot be, with an error.
        """
        if self.disconnected or not call.wanted:
            if self._enlisted[-1]:
                self.withdraw()
            self._done(call)
            return
        try:
            self._reply(b"answer", call, sexp)
        except Exception:
            self._fail(self._unsent(sexp), call)
        else:
            self._done(call)

    def _reply(self, command: bytes, call: Incoming, value: Any) -> None:
        self._since = call.since
        try:
            self.sendCall(command, call.requestID, value)
        finally:
            self._since = None

    def _done(self, call: Incoming) -> None:
        call.held.clear()
        if call.later:
            call.later = False
            self._inFlight -= 1

    def _fail(self, failure: Failure, call: Incoming) -> None:
        """
        Answer a call with an error.
        """
        self.withdraw()  # a result that will not be sent
        text = self._report(failure, call)
        if call.wanted and not self.disconnected:
            told = (self._tellError(call, make) for make in self._errors(failure, text))
            if not any(told):
                # Better no connection than a caller that waits for ever.
                self.transport.loseConnection()
        self._done(call)
        self._enforceLimits()

    def _tellError(self, call: Incoming, make: Callable[[], Any]) -> bool:
        try:
            self._reply(b"error", call, make())
        except Exception:
            self.withdraw()
            return False  # there is a simpler one
        return True

    def _errors(
        self, failure: Failure, text: str | None
    ) -> Iterator[Callable[[], Any]]:
        """
        The ways to tell an error, of which the first that can be sent is: as
        it is, if it is an object that travels; or as a failure.
        """
        unsafe = bool(getattr(self.factory, "unsafeTracebacks", False))
        if self._travels(failure.value):
            yield partial(self._toBytes, failure.value, (None, None, None, None))
        yield partial(self._jellied, failure, text, unsafe)
        yield partial(self._jellied, failure, text, False)

    def _jellied(self, failure: Failure, text: str | None, traceback: bool) -> Any:
        state = stateOf(failure, text, traceback)
        state["value"] = state["value"][: self.limits.errorText]
        # Nothing but strings and numbers, so no policy has to be asked.
        return [TAG, jelly.jelly(state)]

    def _travels(self, error: Any) -> bool:
        """
        Whether an error is sent as the object that it is; stock's rule
        (C{twisted.spread.pb.Broker._sendError}).
        """
        allowed: bool = self.security.isClassAllowed(type(error))
        return isinstance(error, Jellyable) or allowed

    def _report(self, failure: Failure, call: Incoming) -> str | None:
        """
        Log an error that a call has ended in, if it is one that anybody here
        should know of.

        @return: what the peer is told of it, or C{None} for its own text.
        """
        error = failure.value
        if isinstance(error, (UnknownObject, UpdateFailed)):
            return None  # what a heartbeat asks for; what the cache has logged
        ours = isinstance(error, PBExtError) and not isinstance(error, RemoteError)
        if ours and isinstance(error, PeerError) and not call.later:
            self.note("refused a call of {peer}: {error}", error=error)
            return None
        # Later, it is what another peer has sent to the method.
        if ours and not isinstance(error, LinkError):
            self.note(
                "{method}, called by {peer}, failed: {error}",
                LogLevel.error,
                method=call.method,
                error=error,
            )
            return None
        if isinstance(error, jelly.InsecureJelly):
            refusal = "the security policy does not allow what is in it"
            self.note("refused a call of {peer}: {error}", error=refusal)
            return refusal
        if self._travels(error) or isDeclared(failure, self.declaredErrors):
            return None
        return self._incident(failure, call)

    def _incident(self, failure: Failure, call: Incoming) -> str | None:
        """
        Log an error that is nobody's business but ours.

        @return: as L{_report}.
        """
        incident, peer = token_hex(4), self._mayLog()
        if peer is not None:
            _log.failure(
                "incident {incident}: {method}, called by {peer}, failed",
                failure,
                incident=incident,
                method=repr(call.method)[1:-1][:100],
                peer=peer,
            )
        if getattr(self.factory, "unsafeTracebacks", False):
            return None
        if peer is None:
            return "an error whose text is not sent; there are too many to log"
        return f"an error whose text is not sent; the log there has it as {incident}"
