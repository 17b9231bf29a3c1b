"""
Messages: what is put into one, and what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import get_ident
from types import CoroutineType
from typing import Any

import attrs

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.spread import banana, jelly, pb

from pbext._registry import Registry, defaultRegistry
from pbext.errors import NotSendable
from pbext.interfaces import Context, IParticipant
from pbext.wire._codec import Encoder, encodeTokens
from pbext.wire._commands import CALLS, VALUES
from pbext.wire._encoded import Encoded
from pbext.wire._jellier import CopyingJellier, Jellier
from pbext.wire._jelly import checkSendable
from pbext.wire._leaves import KINDS

__all__ = ["Incoming", "Messages"]


@attrs.define(eq=False)
class Incoming:
    """
    A call of the peer's, from its arrival to its answer.

    @ivar requestID: the peer's number for it.
    @ivar wanted: whether it is to be answered.
    @ivar method: what was called, for people.
    @ivar held: its arguments and its result, which live until the answer is
        written, for what says that one of them is gone must not overtake it.
    @ivar later: whether the answer is waited for.
    @ivar since: how many messages of ours had had to wait when it came.
    """

    requestID: Any
    wanted: Any
    method: str = "a call"
    held: list[Any] = attrs.field(factory=list)
    later: bool = False
    since: int | None = None


class Messages(pb.Broker):
    """
    The part of a broker that makes messages of values.
    Twisted's own may not be asked to make one while it makes another
    (C{twisted.spread.pb.Broker.serialize}); this one may.
    """

    # Twisted's annotations say None for what is there while it is needed.
    transport: Any
    waitingForAnswers: Any

    # What each connection has lies beside its __dict__: a dict of thirty names
    # or more takes a kilobyte more (CPython's SHARED_KEYS_MAX_SIZE).
    __slots__ = (
        "_asked",
        "_enlisted",
        "_serving",
        "_since",
        "_thread",
        "jellyArgs",
        "jellyKw",
        "jellyMethod",
        "serializingPerspective",
        "stringLimit",
        "vocabulary",
    )

    # See L{Broker<pbext._broker.Broker>}.
    namedReferences = False
    registry: Registry = defaultRegistry

    # What Banana sets in each object of its, and is the same here for all.
    outgoingSymbols = banana.Banana.outgoingVocabulary
    prefixLimit = 64

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        # Banana copies its vocabulary for each connection, and changes none.
        del self.outgoingSymbols
        # What is agreed with the peer on how messages are written: whether words
        # may be numbers, and how long a string or a list may be.
        self.vocabulary = False
        self.stringLimit: int = banana.SIZE_LIMIT  # which programs set
        # Twisted's serialize() sets these, and a hook that sends would leave
        # them None.
        self.serializingPerspective: Any = None
        self.jellyMethod: Any = None
        self.jellyArgs: Any = None
        self.jellyKw: Any = None
        # The call that is being served just now.
        self._serving: Incoming | None = None
        # Of the answer that is being sent, see Incoming.  It is no argument, for
        # programs override sendCall as Twisted has it.
        self._since: int | None = None
        # The thread that the connection is at home in.
        self._thread: int | None = None
        # What was put into the message that is being made at each depth: a
        # hook that sends while its object is serialized starts one within.
        self._enlisted: list[list[IParticipant]] = [[]]
        # What was put into calls that are not answered yet, with their values.
        self._asked: dict[Any, tuple[Sequence[IParticipant], Sequence[Any]]] = {}

    def connectionMade(self) -> None:
        self._thread = get_ident()
        super().connectionMade()

    def inReactorThread(self, function: Callable[[], object]) -> None:
        """
        See L{IConnection}.
        """
        if self._thread in (None, get_ident()):
            function()
        else:
            from twisted.internet import reactor

            reactor.callFromThread(function)  # type: ignore[attr-defined]  # the module stands for the reactor

    def enlist(self, participant: Any) -> bool:
        """
        See L{IConnection}.
        """
        if len(self._enlisted) < 2:
            return False
        self._enlisted[-2].append(participant)
        return True

    def isAhead(self, participant: Any) -> bool:
        """
        See L{IConnection}.
        """
        return any(participant in message for message in self._enlisted[:-2])

    def withdraw(self) -> None:
        """
        See L{IConnection}.
        """
        self._withdrawn(self._takeEnlisted())

    def _withdrawn(self, participants: Sequence[IParticipant]) -> None:
        for participant in reversed(participants):
            participant.withdrawn()

    def _takeEnlisted(self) -> list[IParticipant]:
        """
        What is in the message that is made at this depth; not any more.
        """
        taken = self._enlisted[-1]
        if taken:
            self._enlisted[-1] = []
        return taken

    def serialize(
        self,
        object: Any,
        perspective: Any = None,
        method: Any = None,
        args: Any = None,
        kw: Any = None,
    ) -> Any:
        """
        Jelly an object, or what a Deferred or a coroutine comes to.

        @return: the jelly, nested lists, or a Deferred of it.
        @raise NotSendable: if it holds what cannot be sent.
        """
        return self._make(self._toLists, object, (perspective, method, args, kw))

    def pack(
        self,
        object: Any,
        perspective: Any = None,
        method: Any = None,
        args: Any = None,
        kw: Any = None,
    ) -> Any:
        """
        L{serialize} in one step more: to an L{Encoded}, or a Deferred of it.
        """
        if object is None and self._isForNobody():
            return None  # as of most updates
        return self._make(self._toAnswer, object, (perspective, method, args, kw))

    def _isForNobody(self) -> bool:
        """
        Whether nobody asks for the result of the call that is being served.
        """
        serving = self._serving
        return bool(self.disconnected or not (serving is None or serving.wanted))

    def _toLists(self, object: Any, context: Context) -> Any:
        jellier = CopyingJellier if self.registry.copiers else Jellier
        outer = self.enter(context)
        try:
            return jellier(self.security, self).jellyFull(object)
        finally:
            self.leave(outer)

    def _toBytes(self, object: Any, context: Context) -> Encoded:
        encoded: Encoded = Encoder(self, context).encode(object)
        return encoded

    def _toAnswer(self, object: Any, context: Context) -> Encoded | None:
        return None if self._isForNobody() else self._toBytes(object, context)

    def _make(
        self, form: Callable[[Any, Context], Any], object: Any, context: Context
    ) -> Any:
        """
        Make something to be sent of an object, or of what it comes to.

        @param context: as of L{serialize}.
        """
        kind = type(object)
        if kind is CoroutineType:
            object, kind = Deferred.fromCoroutine(object), Deferred
        # Deferred is an abstract base class: those are slow to say what is none.
        if kind not in KINDS and isinstance(object, Deferred):
            return object.addCallback(self._makeLater, self._serving, form, context)
        if self._serving is not None:
            self._serving.held.append(object)
        try:
            return form(object, context)
        except BaseException:
            self.withdraw()
            raise

    def _makeLater(
        self,
        object: Any,
        serving: Incoming | None,
        form: Callable[[Any, Context], Any],
        context: Context,
    ) -> Any:
        outer, self._serving = self._serving, serving
        try:
            return self._make(form, object, context)
        finally:
            self._serving = outer

    def enter(self, context: Context) -> Context:
        """
        See L{IConnection}.
        """
        outer = (
            self.serializingPerspective,
            self.jellyMethod,
            self.jellyArgs,
            self.jellyKw,
        )
        (
            self.serializingPerspective,
            self.jellyMethod,
            self.jellyArgs,
            self.jellyKw,
        ) = context
        self._enlisted.append([])
        return outer

    def leave(self, outer: Context) -> None:
        """
        See L{IConnection}.
        """
        if self._enlisted[-1]:
            self.withdraw()  # what a hook serialized and did not send
        self._enlisted.pop()
        (
            self.serializingPerspective,
            self.jellyMethod,
            self.jellyArgs,
            self.jellyKw,
        ) = outer

    def setPrefixLimit(self, limit: int) -> None:
        """
        Do nothing: the codec has Banana's own bounds, 64 digits and 448 bits, and
        each connection is five attributes smaller.
        """

    def sendEncoded(self, obj: Any) -> None:
        """
        Send an expression of Banana's, parts of which may be in bytes already.

        @raise twisted.spread.banana.BananaError: if it has no form there.
        """
        # All that it takes a message of the peer's to make this side say.
        answer = type(obj) is tuple and obj[0] not in CALLS
        self._write(encodeTokens(obj, self.vocabulary, self.stringLimit), answer)

    def _write(self, data: bytes, answer: bool = False) -> None:
        self.transport.write(data)

    def sendCall(self, *exp: Any) -> None:
        """
        Send a message, and tell those who are in it.

        @raise twisted.spread.banana.BananaError: if Banana does not take it;
            then nothing was sent, and they are told that.
        """
        since, self._since = self._since, None
        if not self._enlisted[-1] or exp[0] not in VALUES:
            self._post(exp, (), since)
            return
        participants = self._takeEnlisted()
        try:
            self._post(exp, participants, since)
        except BaseException:
            self._withdrawn(participants)
            raise

    def _post(
        self,
        exp: Sequence[Any],
        participants: Sequence[IParticipant],
        since: int | None,
    ) -> None:
        """
        Send a message, now or as soon as may be.
        """
        self.sendEncoded(exp)
        self._written(exp, participants)

    def _written(
        self, exp: Sequence[Any], participants: Sequence[IParticipant]
    ) -> None:
        """
        A message is sent: tell those who are in it.
        """
        if not participants:
            return
        asked = bool(exp[4]) if exp[0] in CALLS else None
        if asked:
            self._asked[exp[1]] = participants, exp[5:]
        for participant in participants:
            participant.written(asked)

    def _unsent(self, *parts: Any) -> Failure:
        """
        @return: the failure that is being handled, or, if it is that parts of
            a message could not be encoded, one that says where and why.
        """
        failure = Failure()
        if failure.check(banana.BananaError):
            try:
                for part in parts:
                    if type(part) is not Encoded:  # which was checked
                        checkSendable(part, strict=False, limit=self.stringLimit)
            except NotSendable:
                return Failure()
        return failure
