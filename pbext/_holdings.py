"""
What the two ends of a connection hold of each other, counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger
from twisted.python.reflect import qual
from twisted.spread import pb

from pbext._connection import Connection
from pbext._observer import Observer
from pbext._participants import GivenReference, GivenStockCache, StockEntry
from pbext._references import RemoteReference
from pbext.errors import BadMessage, DeadReference, LimitReached, Unordered
from pbext.wire._budget import PER_MESSAGE

__all__ = ["Holdings"]

_log = Logger(namespace="pbext")

#: At this share of a limit there is a warning.
_NEAR = 0.8


class Holdings(Connection):
    """
    The part of a broker that keeps its tables, within its limits.
    """

    #: Calls of the peer's that are not answered yet.
    _inFlight = 0
    _refusals = 0

    @property
    def gauges(self) -> dict[str, tuple[int, int]]:
        """
        By the name of each limit that counts: how many there are, and how
        many there may be; of a message, in the one that is arriving.
        """
        counts = {
            "references": self._references(),
            "caches": len(self.remotelyCachedObjects or ()),
            "cachesReceived": len(self.locallyCachedObjects or ()),
            "callsInFlight": self._inFlight,
        }
        gauges = {name: (n, getattr(self.limits, name)) for name, n in counts.items()}
        unread, behind, most = 0, 0, self.limits.unreadBytes
        outlet = self.outlet
        if outlet is not None:
            unread, behind, most = outlet.unread, outlet.behind, outlet.unreadBytes
        gauges["unreadBytes"] = unread, most
        gauges["laggingBytes"] = behind, self.limits.laggingBytes
        used = self._decoder.used if self._decoder else (0,) * len(PER_MESSAGE)
        for name, count in zip(PER_MESSAGE, used, strict=True):
            gauges[name] = count, getattr(self.limits, name)
        return gauges

    def _references(self) -> int:
        objects = self.localObjects or ()
        return len(objects) - (b"root" in objects)

    def _makeRoom(self, name: str, used: int) -> None:
        """
        Make sure that there may be one more.

        @raise LimitReached: if not.
        """
        limit = getattr(self.limits, name)
        if used < limit * _NEAR:
            return
        if used >= limit:
            self._refusals += 1
            raise LimitReached(limit=name, value=limit)
        self._warnOf(name, used, limit)

    def _enforceLimits(self) -> None:
        """
        Close the connection of a peer that runs into its limits too often.
        """
        refusals = self.limits.refusals
        if self._refusals > refusals:
            error = LimitReached(limit="refusals", value=refusals)
            self._giveUp(error, atOnce=False)

    def registerReference(self, object: Any) -> int:
        """
        Count that the peer is given a reference to an object of ours.

        @return: its number.
        @raise LimitReached: if the peer has too many.
        @raise DeadReference: if the connection is lost.
        """
        if self.disconnected:
            raise DeadReference()
        puid = object.processUniqueID()
        luid: int | None = self.luids.get(puid)
        if luid is None:
            self._makeRoom("references", self._references())
            luid = self.newLocalID()
            self.localObjects[luid] = pb.Local(object)
            self.luids[puid] = luid
        else:
            self.localObjects[luid].incref()
        self.enlist(GivenReference(self, luid))
        return luid

    def cacheRemotely(self, instance: Any) -> int:
        """
        Count that the peer is given a Cacheable.

        @return: its number.
        @raise LimitReached: if the peer has too many.
        @raise DeadReference: if the connection is lost.
        """
        if self.disconnected:
            raise DeadReference()
        self._makeRoom("caches", len(self.remotelyCachedObjects))
        luid: int = self.newLocalID()
        self.remotelyCachedLUIDs[instance.processUniqueID()] = luid
        entry = StockEntry(instance, self.serializingPerspective)
        self.remotelyCachedObjects[luid] = entry
        if not isinstance(instance, Observer):  # whose own entry follows
            self.enlist(GivenStockCache(self, luid, again=False))
        return luid

    def cachedRemotelyAs(self, instance: Any, incref: int = 0) -> int | None:
        """
        @return: the number of a Cacheable, or C{None} if the peer does not
            have it; when the connection is lost, one of nothing, to which a
            call fails.
        @raise DeadReference: if it is to be counted, and the connection is
            lost.
        @raise Unordered: if it is to be counted, and is itself in a message
            that will arrive after the one that is being made.
        """
        if self.disconnected:
            if incref:
                raise DeadReference()
            return 0
        luid: int | None = super().cachedRemotelyAs(instance)
        if incref and luid is not None:
            if self._isGivenIn(self._enlisted[:-2], luid):
                raise Unordered(className=qual(type(instance)))
            self.remotelyCachedObjects[luid].incref()
            self.enlist(GivenStockCache(self, luid, again=True))
        return luid

    def isBeingGiven(self, luid: Any) -> bool:
        """
        @return: whether a Cacheable of stock's is itself in a message that is
            being made: what is sent now, by a hook, overtakes it.
        """
        return self._isGivenIn(self._enlisted[:-1], luid)

    def _isGivenIn(self, messages: Iterable[Iterable[Any]], luid: Any) -> bool:
        return any(
            isinstance(given, GivenStockCache)
            and given.luid == luid
            and not given.again
            for message in messages
            for given in message
        )

    def cacheLocally(self, cid: Any, instance: Any) -> None:
        """
        Enter a cache that the peer has given.

        @raise LimitReached: if it has given too many.
        """
        try:
            self._makeRoom("cachesReceived", len(self.locallyCachedObjects))
        except LimitReached:
            if isinstance(instance, pb.RemoteCache):
                # Stock's has a copy already, and each would give it back.
                instance.broker = None
            raise
        super().cacheLocally(cid, instance)

    def remoteForName(self, name: str | bytes) -> RemoteReference:
        """
        @return: a reference to what the peer has under a name, if anything.
        """
        key = name if isinstance(name, bytes) else name.encode("utf-8")
        return RemoteReference(None, self, key, 0)

    def _known(self, objectID: Any) -> bool:
        """
        Whether the peer may speak of a number: it was given out, be it that
        what it stood for is gone.

        @raise BadMessage: if not.
        """
        if type(objectID) is int and 0 < objectID <= self.currentLocalID:
            return True
        raise BadMessage(why="it lets go of something that was never given")

    def proto_decref(self, objectID: Any) -> None:
        """
        The peer has dropped a reference.
        """
        if self._known(objectID) and objectID in self.localObjects:
            self.releaseReference(objectID)

    def releaseReference(self, luid: int) -> None:
        """
        Count one reference of the peer's less.
        """
        local = self.localObjects.get(luid)
        if local is None or local.decref() > 0:
            return
        del self.localObjects[luid]
        puid = local.object.processUniqueID()
        if self.luids.get(puid) == luid:
            del self.luids[puid]
        try:
            self._localCleanup.pop(puid, lambda: None)()
        except Exception:  # of a realm's logout
            _log.failure("what is done when a peer drops an object failed")

    def proto_decache(self, objectID: Any) -> None:
        """
        The peer has dropped a cache.
        """
        if self._known(objectID) and objectID in self.remotelyCachedObjects:
            super().proto_decache(objectID)

    def proto_uncache(self, objectID: Any) -> None:
        """
        The publisher agrees that a cache is gone; it may be one that was
        refused here.
        """
        if type(objectID) is not int:
            raise BadMessage(why="it lets go of something that has no number")
        if objectID in self.locallyCachedObjects:
            super().proto_uncache(objectID)
