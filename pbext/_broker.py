"""
The broker: Twisted's, and what of the promises needs to know when a message
is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.spread import jelly, pb

from pbext.errors import RefusedTag
from pbext.interfaces import IMessageOrder, IParticipant
from pbext.wire._jelly import findTag

__all__ = ["Broker"]

_log = Logger()

#: The commands that carry values (C{twisted.spread.pb.Broker.proto_*}).
_MESSAGES = frozenset({b"message", b"cachemessage", b"answer", b"error"})


@implementer(IMessageOrder)
class Broker(pb.Broker):
    """
    One connection.  What its hooks may do that Twisted's broker forbids or
    gets wrong: send while a message is being serialized (C{serialize} in
    C{twisted.spread.pb} says that it is not reentrant).
    """

    # serialize() sets these, and a hook that sends would leave them None.
    serializingPerspective: Any = None

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        # What was put into the message that is being made at each depth: a
        # hook that sends while its object is serialized starts one within.
        self._enlisted: list[list[IParticipant]] = [[]]
        # Whether nobody waits for the answer to the call that is under way.
        self._oneWay = False

    def enlist(self, participant: Any) -> bool:
        """
        See L{IMessageOrder}.
        """
        if len(self._enlisted) < 2:
            return False
        self._enlisted[-2].append(participant)
        return True

    def isAhead(self, participant: Any) -> bool:
        """
        See L{IMessageOrder}.
        """
        return any(participant in message for message in self._enlisted[:-2])

    def withdraw(self) -> None:
        """
        See L{IMessageOrder}.
        """
        for participant in reversed(self._taken()):
            participant.withdrawn()

    def _taken(self) -> list[IParticipant]:
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
        # Most of what comes here is arguments, which need no closer look.
        if not isinstance(object, (tuple, dict)):
            if isinstance(object, Deferred):
                # It calls back here when it has fired.
                super().serialize(object, perspective, method, args, kw)
                return object.addCallback(self._unasked) if self._oneWay else object
            if isinstance(object, pb.CopyableFailure) and isinstance(
                object.value, RefusedTag
            ):
                # A stock peer may compare the name of the type.
                object = pb.CopyableFailure(jelly.InsecureJelly(str(object.value)))
        outer = self.serializingPerspective
        self._enlisted.append([])
        try:
            result = super().serialize(object, perspective, method, args, kw)
        except BaseException:
            self._endNested()
            self.withdraw()
            raise
        else:
            self._endNested()
            return result
        finally:
            self.serializingPerspective = outer

    def _endNested(self) -> None:
        if self._enlisted[-1]:
            self.withdraw()  # what a hook serialized and did not send
        self._enlisted.pop()

    def sendCall(self, *exp: Any) -> None:
        if not self._enlisted[-1] or exp[0] not in _MESSAGES:
            super().sendCall(*exp)
            return
        try:
            super().sendCall(*exp)
        except BaseException:
            self.withdraw()
            raise
        for participant in self._taken():
            participant.written()

    def proto_message(self, *call: Any) -> None:
        self._receive(super().proto_message, call)

    def proto_cachemessage(self, *call: Any) -> None:
        self._receive(super().proto_cachemessage, call)

    def _receive(self, receive: Callable[..., None], call: tuple[Any, ...]) -> None:
        """
        Twisted serializes the result of every call, also if nobody has asked
        for an answer: then what is in it is never sent.
        """
        _requestID, _objectID, _message, answerRequired, _args, _kw = call
        outer, self._oneWay = self._oneWay, not answerRequired
        try:
            receive(*call)
        finally:
            if self._oneWay and self._enlisted[-1]:
                self.withdraw()
            self._oneWay = outer

    def _unasked(self, jelly: Any) -> Any:
        self.withdraw()
        return jelly

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """
        @raise RefusedTag: if a class is not registered here, with its path.
        """
        try:
            return super().unserialize(sexp, perspective)
        except jelly.InsecureJelly:
            found = findTag(sexp, self._isUnknown)
            if found is None:
                raise
            tag, path = found
        error = RefusedTag(tag=tag.decode("utf-8", "replace"), path=path)
        _log.warn("refused: {error}", error=error)
        raise error

    def _isUnknown(self, tag: Any) -> bool:
        if not self.security.isTypeAllowed(tag):
            return True
        if tag in jelly.unjellyableRegistry or tag in jelly.unjellyableFactoryRegistry:
            return False
        module, _, _ = tag.decode("utf-8", "replace").rpartition(".")
        return not self.security.isModuleAllowed(module)
