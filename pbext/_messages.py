"""
Messages: what is put into one, what becomes of it, and what is read out of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import get_ident
from types import CoroutineType
from typing import Any

import attrs

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import jelly, pb
from twisted.spread.banana import BananaError

from pbext._references import READERS
from pbext._registry import Registry, defaultRegistry
from pbext.errors import BadValue, NotSendable, PBExtError, PeerError, RefusedTag
from pbext.interfaces import IParticipant
from pbext.wire._jellier import CopyingJellier, Jellier
from pbext.wire._jelly import checkSendable, findTag, pathTo
from pbext.wire._unjelly import Unjellier, given

__all__ = ["Incoming", "Messages"]

#: The commands that ask for an answer, if their fifth word says so, and those
#: that carry values (C{twisted.spread.pb.Broker.proto_*}).
_CALLS = frozenset({b"message", b"cachemessage"})
_MESSAGES = _CALLS | {b"answer", b"error"}

#: What reads jelly: an error that is raised there, and not in a hook that is
#: called from there, means that there was no jelly to read.
_READERS = ("twisted.", "pbext.")

#: What is asked of an object that is put into a set, or is a key; part of a
#: cycle, it may have no values yet.
_ASKED = ("__hash__", "__eq__")


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
    """

    requestID: Any
    wanted: Any
    method: str = "a call"
    held: list[Any] = attrs.field(factory=list)
    later: bool = False


class Messages(pb.Broker):
    """
    The part of a broker that makes messages of values and values of messages.
    Twisted's own may not be asked to make one while it makes another
    (C{twisted.spread.pb.Broker.serialize}); this one may.
    """

    # Twisted's annotations say None for what is there while it is needed.
    transport: Any
    waitingForAnswers: Any

    # serialize() sets these, and a hook that sends would leave them None.
    serializingPerspective: Any = None
    jellyMethod: Any = None
    jellyArgs: Any = None
    jellyKw: Any = None

    # See L{Broker<pbext._broker.Broker>}.
    namedReferences = False
    registry: Registry = defaultRegistry

    #: The call that is being served just now.
    _serving: Incoming | None = None
    #: The thread that the connection is at home in.
    _thread: int | None = None

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        # Banana copies its vocabulary for each connection, and changes none.
        self.outgoingSymbols = self.outgoingVocabulary
        # What was put into the message that is being made at each depth: a
        # hook that sends while its object is serialized starts one within.
        self._enlisted: list[list[IParticipant]] = [[]]
        # What was put into calls that are not answered yet, with their values.
        self._asked: dict[Any, tuple[list[IParticipant], tuple[Any, ...]]] = {}
        # What of the message that is being read has become an object.
        self._taken: list[Any] = []

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
        for participant in reversed(self._takeEnlisted()):
            participant.withdrawn()

    def _takeEnlisted(self) -> list[IParticipant]:
        """
        What is in the message that is made at this depth; not any more.
        """
        taken, self._enlisted[-1] = self._enlisted[-1], []
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

        @return: the jelly, or a Deferred of it.
        @raise NotSendable: if it holds what cannot be sent.
        """
        if type(object) is CoroutineType:
            object = Deferred.fromCoroutine(object)
        if isinstance(object, Deferred):
            return object.addCallback(
                self._serializeLater, self._serving, perspective, method, args, kw
            )
        if self._serving is not None:
            self._serving.held.append(object)
        return self._jelly(object, perspective, method, args, kw)

    def _serializeLater(
        self,
        object: Any,
        serving: Incoming | None,
        perspective: Any,
        method: Any,
        args: Any,
        kw: Any,
    ) -> Any:
        outer, self._serving = self._serving, serving
        try:
            return self.serialize(object, perspective, method, args, kw)
        finally:
            self._serving = outer

    def _jelly(
        self,
        object: Any,
        perspective: Any,
        method: Any,
        args: Any = None,
        kw: Any = None,
    ) -> Any:
        outer = self.serializingPerspective
        outerCall = self.jellyMethod, self.jellyArgs, self.jellyKw
        self.serializingPerspective = perspective
        self.jellyMethod, self.jellyArgs, self.jellyKw = method, args, kw
        self._enlisted.append([])
        try:
            copiers = self.registry.copiers
            jellier = CopyingJellier if copiers else Jellier
            result = jellier(self.security, self).jellyFull(object)
        except BaseException:
            self._endNested()
            self.withdraw()
            raise
        else:
            self._endNested()
            return result
        finally:
            self.serializingPerspective = outer
            self.jellyMethod, self.jellyArgs, self.jellyKw = outerCall

    def _endNested(self) -> None:
        if self._enlisted[-1]:
            self.withdraw()  # what a hook serialized and did not send
        self._enlisted.pop()

    def sendCall(self, *exp: Any) -> None:
        """
        Send a message, and tell those who are in it.

        @raise twisted.spread.banana.BananaError: if Banana does not take it;
            then nothing was sent, and they are told that.
        """
        if not self._enlisted[-1] or exp[0] not in _MESSAGES:
            self.sendEncoded(exp)
            return
        try:
            self.sendEncoded(exp)
        except BaseException:
            self.withdraw()
            raise
        participants = self._takeEnlisted()
        asked = bool(exp[4]) if exp[0] in _CALLS else None
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
        if failure.check(BananaError):
            try:
                for part in parts:
                    checkSendable(part, strict=False)
            except NotSendable:
                return Failure()
        return failure

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """
        Read a value.

        @raise RefusedTag: if a class is not registered here, with its path.
        @raise BadReference: if it refers to what was never given.
        @raise BadValue: if it is no jelly.
        """
        if sexp == [b"dictionary"]:
            return {}  # as most calls have no keyword arguments
        outer = self.unserializingPerspective
        self.unserializingPerspective = perspective
        try:
            unjellier = Unjellier(
                self.security, self, READERS, self._taken, self.registry.readers
            )
            result = unjellier.unjellyFull(sexp)
        except jelly.InsecureJelly as error:
            raise self._refusal(sexp, error) from None
        except PeerError as error:
            raise _located(error, sexp) from None
        except PBExtError:
            raise
        except Exception as error:
            if _isReading(error):
                raise BadValue(errorType=qual(type(error))) from None
            raise  # from a hook
        finally:
            self.unserializingPerspective = outer
        if self._serving is not None:
            self._serving.held.append(result)
        return result

    def _refusal(self, sexp: Any, error: Exception) -> Exception:
        found = findTag(sexp, self._isUnknown) or findTag(
            sexp, self._isForbidden, words=True
        )
        if found is None:
            word = error.args[0] if error.args else ""
            if isinstance(word, str):
                return error  # in a hook's words
            if type(word) is not bytes:
                return BadValue(errorType=qual(type(error)))
            found = word, "$"  # in what is no jelly either
        return RefusedTag(tag=found[0].decode("utf-8", "replace"), path=found[1])

    def _isForbidden(self, word: Any) -> bool:
        readers = self.registry.readers
        if readers is not None:
            return word not in readers and word not in READERS
        return not self.security.isTypeAllowed(word)

    def _isUnknown(self, tag: Any) -> bool:
        if self.registry.readers is not None:
            return tag not in self.registry.readers
        if not self.security.isTypeAllowed(tag):
            return True
        if tag in jelly.unjellyableRegistry or tag in jelly.unjellyableFactoryRegistry:
            return False
        module, _, _ = tag.decode("utf-8", "replace").rpartition(".")
        return not self.security.isModuleAllowed(module)

    def giveBack(self, parts: Iterable[Any]) -> None:
        """
        The message that is being read is refused: tell the peer that nobody
        here has what it has given in it.  What has become an object tells it
        so by itself.

        @param parts: the values in the message.
        """
        if self.disconnected:
            return
        taken = {id(value) for value in self._taken}
        for part in parts:
            for value in given(part):
                word, luid = value[:2]
                if id(value) in taken:
                    continue
                if word == b"remote":
                    self.sendDecRef(luid)
                elif word == b"cached" or luid not in self.locallyCachedObjects:
                    self.decCacheRef(luid)

    def sendDecRef(self, objectID: Any) -> None:
        """
        Tell the peer that one reference is gone.  Called by finalizers, in
        whatever thread the garbage collector runs.
        """
        self.inReactorThread(lambda: self._tell(b"decref", objectID))

    def decCacheRef(self, objectID: Any) -> None:
        """
        Tell the peer that a cache is gone; as L{sendDecRef}.
        """
        self.inReactorThread(lambda: self._tell(b"decache", objectID))

    def _tell(self, command: bytes, objectID: Any) -> None:
        if not self.disconnected:
            self.sendCall(command, objectID)


def _located(error: Any, sexp: Any) -> Exception:
    """
    @return: an error that knows of its object, as one that knows where that
        was.
    """
    part, error.where = error.where, None
    found: Exception = error
    if part is not None and hasattr(error, "path"):
        path = pathTo(sexp, part) + error.path.removeprefix("$")
        found = attrs.evolve(error, path=path, tag=part[0].decode("utf-8", "replace"))
    return found


def _isReading(error: BaseException) -> bool:
    """
    Whether an error was raised by what reads jelly, and not by a hook.
    """
    if isinstance(error, RecursionError):
        return True  # wherever it hit, the peer decides how deep this is
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_name in _ASKED:
            return True
        if not frame.f_globals.get("__name__", "").startswith(_READERS):
            return False
        traceback = traceback.tb_next
    return True
