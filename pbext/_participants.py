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
from twisted.spread.pb import Local, RemoteCacheObserver

from pbext._reports import whereRaised
from pbext.interfaces import IParticipant

__all__ = ["Evidence", "GivenReference", "GivenStockCache", "StockEntry"]

_log = Logger(namespace="pbext")


@attrs.define(eq=False)
class Evidence:
    """
    What the answers to the calls that carry a Cacheable say of whether the
    peer has it.  Who got it with an answer of ours has it.

    @ivar waiting: how many are not answered yet.
    @ivar had: whether one has come from a peer that has it.
    @ivar doubted: whether one has come from a peer that may not.
    """

    waiting: int = 0
    had: bool = False
    doubted: bool = False

    def sent(self, asked: bool | None) -> None:
        """
        One more message with it is sent.

        @param asked: see L{IParticipant}.
        """
        if asked:
            self.waiting += 1
        elif asked is None:
            self.had = True

    def heard(self, read: bool | None, again: bool) -> bool:
        """
        One more is answered.

        @param read: see L{IParticipant}.
        @param again: whether the message was not the first one: of what such
            a message says by not being read, nothing is to be had.
        @return: whether the peer cannot have it: it could not read the
            message that had all of it, or does not know its number, and no
            other answer says otherwise, or can yet.
        """
        self.waiting -= 1
        self.had = self.had or read is True
        self.doubted = self.doubted or (read is False if again else not read)
        return self.doubted and not self.had and not self.waiting


@implementer(IParticipant)
@attrs.define(eq=False)
class GivenReference:
    """
    A reference to an object of ours.
    """

    _broker: Any
    luid: int

    def written(self, asked: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        # Another participant of the message may have lost the connection.
        if asked and not self._broker.disconnected:
            self._broker.localObjects[self.luid].incref()

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        if not self._broker.disconnected:
            self._broker.releaseReference(self.luid)

    def answered(self, read: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        self.withdrawn()

    def untaken(self) -> None:
        """
        See L{IParticipant}.
        """
        self.withdrawn()


class StockEntry(Local):
    """
    The broker's entry for a Cacheable of stock's.
    """

    def __init__(self, cached: Any, perspective: Any) -> None:
        super().__init__(cached, perspective)
        self.evidence = Evidence()


@implementer(IParticipant)
@attrs.define(eq=False)
class GivenStockCache:
    """
    A Cacheable of stock's.

    @ivar again: whether the message is not the first one that it is in.
    """

    _broker: Any
    luid: int
    again: bool

    @property
    def _entry(self) -> Any:
        """
        What the broker has of it, if the peer is there and has it.
        """
        broker = self._broker
        if broker.disconnected:
            return None
        return broker.remotelyCachedObjects.get(self.luid)

    def written(self, asked: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        entry = self._entry
        if entry is not None:
            entry.evidence.sent(asked)
            if asked:
                entry.incref()

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        entry = self._entry
        if entry is not None and entry.decref() <= 0:
            self._forget(entry)

    def answered(self, read: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        entry = self._entry
        if entry is None:
            return
        if entry.evidence.heard(read, self.again) and entry.refcount > 1:
            self._forget(entry)
        else:
            self._broker.proto_decache(self.luid)

    def untaken(self) -> None:
        """
        See L{IParticipant}.
        """
        if self._entry is not None:
            self._broker.proto_decache(self.luid)

    def _forget(self, entry: Any) -> None:
        broker, cached, perspective = self._broker, entry.object, entry.perspective
        del broker.remotelyCachedObjects[self.luid]
        del broker.remotelyCachedLUIDs[cached.processUniqueID()]
        try:
            observer = RemoteCacheObserver(broker, cached, perspective)
            cached.stoppedObserving(perspective, observer)
        except Exception:
            _log.error("stoppedObserving failed: {what}", what=whereRaised(Failure()))
