"""
What was put into a message of ours and is counted: references, and
Cacheables of stock's (those of pbext count themselves, see L{pbext._given}).

While a call that carries one is under way, it counts once more: the peer may
well answer with it, and have let go of it before.
"""

from __future__ import annotations

from typing import Any

import attrs
from zope.interface import implementer

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.spread.pb import RemoteCacheObserver

from pbext._reports import whereRaised
from pbext.interfaces import IParticipant

__all__ = ["GivenReference", "GivenStockCache"]

_log = Logger(namespace="pbext")


@implementer(IParticipant)
@attrs.define(eq=False)
class GivenReference:
    """
    A reference to an object of ours.
    """

    _broker: Any
    _luid: int

    def written(self, asked: bool) -> None:
        """
        See L{IParticipant}.
        """
        if asked:
            self._broker.localObjects[self._luid].incref()

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        if not self._broker.disconnected:
            self._broker.releaseReference(self._luid)

    def answered(self, read: bool) -> None:
        """
        See L{IParticipant}.
        """
        self.withdrawn()


@implementer(IParticipant)
@attrs.define(eq=False)
class GivenStockCache:
    """
    A Cacheable of stock's.

    @ivar _again: whether the message is not the first one that it is in.
    """

    _broker: Any
    _luid: int
    _again: bool

    @property
    def _entry(self) -> Any:
        """
        What the broker has of it, if the peer is there and has it.
        """
        broker = self._broker
        if broker.disconnected:
            return None
        return broker.remotelyCachedObjects.get(self._luid)

    def written(self, asked: bool) -> None:
        """
        See L{IParticipant}.
        """
        if asked:
            self._entry.incref()

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        entry = self._entry
        if entry is not None and entry.decref() <= 0:
            self._forget(entry)

    def answered(self, read: bool) -> None:
        """
        See L{IParticipant}.
        """
        entry = self._entry
        if entry is None:
            return
        if read or self._again or entry.refcount < 2:
            self._broker.proto_decache(self._luid)
        else:
            self._forget(entry)  # the peer has never had it

    def _forget(self, entry: Any) -> None:
        broker, cached, perspective = self._broker, entry.object, entry.perspective
        del broker.remotelyCachedObjects[self._luid]
        del broker.remotelyCachedLUIDs[cached.processUniqueID()]
        try:
            observer = RemoteCacheObserver(broker, cached, perspective)
            cached.stoppedObserving(perspective, observer)
        except Exception:
            _log.error("stoppedObserving failed: {what}", what=whereRaised(Failure()))
