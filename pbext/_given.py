"""
A L{Cacheable<pbext._cacheable.Cacheable>} that a peer has been given: the
broker's entry for it, which is its observer as well.
"""

from __future__ import annotations

from typing import Any

import attrs
from zope.interface import implementer

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.pb import Local

from pbext._observer import Book, Observer
from pbext._participants import Evidence
from pbext._reports import whereRaised
from pbext.errors import DeadReference, Unordered
from pbext.interfaces import IConnection, IParticipant
from pbext.wire._broadcast import address

__all__ = ["give"]

_log = Logger()


@implementer(IParticipant)
class _GivenCache(Observer, Local):
    """
    The observer of one view of a Cacheable of ours, which is also the
    broker's entry for it (C{twisted.spread.pb.Broker.remotelyCachedObjects}).
    """

    _over = False

    def __init__(self, broker: Any, cached: Any, perspective: Any, puid: Any) -> None:
        super().__init__(broker, cached, perspective)
        self.refcount = 1
        self._evidence = Evidence()
        self._puid = puid
        self._luid: int = broker.cacheRemotely(self)
        self._number = address(self._luid)
        broker.remotelyCachedObjects[self._luid] = self

    @property
    def object(self) -> Any:
        """
        To whom asks what the peer means by its number, the Cacheable; when
        the broker lets go of it, which is the one other time that the broker
        asks, the observer, which knows what to tell the Cacheable.  So the
        stand-in never leaks to the application.
        """
        return self if self.refcount <= 0 or self.broker.disconnected else self.cached

    def processUniqueID(self) -> Any:
        """
        What the broker files this view under.
        """
        return self._puid

    @property
    def luid(self) -> int | None:
        """
        See L{Observer.luid}.
        """
        return None if self._over or self.broker.disconnected else self._luid

    def written(self, asked: bool | None) -> None:
        """
        See L{IParticipant}.  While a call is under way, what it carries
        counts once more: the peer may answer with it, having let go of it.
        """
        self.hold(asked)
        super().written(asked)

    def hold(self, asked: bool | None) -> None:
        """
        Count a call that carries it and is to be answered.

        @param asked: see L{IParticipant}.
        """
        self._evidence.sent(asked)
        if asked:
            self.incref()

    def answered(self, read: bool | None, again: bool = False) -> None:
        """
        See L{IParticipant}.

        @param again: whether the message was not the first one.
        """
        if self._over or self.broker.disconnected:
            return
        if self._evidence.heard(read, again) and self.refcount > 1:
            self.withdrawn()
        else:
            self.broker.proto_decache(self._luid)

    def untaken(self) -> None:
        """
        See L{IParticipant}.
        """
        if not self._over and not self.broker.disconnected:
            self.broker.proto_decache(self._luid)

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        if self._over:
            return
        self._forget()
        try:
            self.cached.stoppedObserving(self.perspective, self)
        except Exception:
            _log.error("stoppedObserving failed: {what}", what=whereRaised(Failure()))

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """
        The broker lets go of the object: the peer has dropped it, or is gone.
        """
        stopped = self._stopped
        self.retire()  # the hook may well send the object once more
        # As in stock, the hook has a last word with a peer that is still there.
        self._stopped = stopped
        try:
            self.cached.stoppedObserving(self.perspective, self)
        finally:
            self._over = self._stopped = True
            self._dropHeld()

    def retire(self) -> None:
        """
        See L{Observer.retire}.  The same object can be sent anew on the same
        connection, whole, while the peer still holds the old cache.
        """
        super().retire()
        table = self.broker.remotelyCachedLUIDs
        if table is not None and table.get(self._puid) == self._luid:
            del table[self._puid]
            self._puid = (*self._puid, self._luid)
            table[self._puid] = self._luid

    def _forget(self) -> None:
        """
        The peer was never given the object: undo what was registered.
        """
        self._over = True
        if not self.broker.disconnected:
            del self.broker.remotelyCachedLUIDs[self._puid]
            del self.broker.remotelyCachedObjects[self._luid]
        super().withdrawn()

    def fill(self, jellier: Any) -> Any:
        """
        @return: the jelly of the whole object.
        """
        cached, perspective = self.cached, self.perspective
        try:
            tag = cached.getTypeToCopyFor(perspective)
            state = cached.getStateToCacheAndObserveFor(perspective, self)
        except BaseException:
            self._forget()
            raise
        try:
            sexp = jellier.prepare(cached)
            sexp.extend([tag, self._luid, jellier.jelly(state)])
        except BaseException:
            self.withdrawn()
            raise
        self.unordered = False
        return jellier.preserve(cached, sexp)

    def giveAgain(self) -> None:
        """
        Count that the peer is sent it once more.
        """
        connection = IConnection(self.broker, None)
        if connection is not None:
            if self._held is not None and connection.isAhead(self):
                raise Unordered(className=qual(type(self.cached)))
            connection.enlist(_Again(self))
        self.incref()


@implementer(IParticipant)
@attrs.frozen(eq=False)
class _Again:
    _given: _GivenCache

    @property
    def luid(self) -> int | None:
        """
        See L{IParticipant}.
        """
        return self._given.luid

    def written(self, asked: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        self._given.hold(asked)

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        self._given.decref()

    def answered(self, read: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        self._given.answered(read, again=True)

    def untaken(self) -> None:
        """
        See L{IParticipant}.
        """
        self._given.untaken()


def give(cacheable: Any, book: Book, jellier: Any) -> Any:
    """
    Jelly a Cacheable: the first time for a connection and a perspective as a
    whole, then as a number.
    """
    broker = jellier.invoker
    if broker.disconnected:
        raise DeadReference()
    perspective = broker.serializingPerspective
    # One entry for each object and perspective, whatever the user's classes
    # say of equality.
    puid = (cacheable.processUniqueID(), id(perspective))
    luid = broker.remotelyCachedLUIDs.get(puid)
    if luid is not None:
        broker.remotelyCachedObjects[luid].giveAgain()
        return b"cached", luid
    given = _GivenCache(broker, cacheable, perspective, puid)
    # Before the hook runs, so that no override can lose it.
    given.unordered = not given.join(book)
    return given.fill(jellier)
