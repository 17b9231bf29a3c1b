"""
One observer: the far end of a L{Cacheable<pbext._cacheable.Cacheable>} that a peer
has been given, from the message that carries the object to the peer's last
word on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import attrs
from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.flavors import RemoteCacheObserver
from twisted.spread.pb import Local

from pbext.errors import (
    DeadReference,
    Unordered,
    swallowDeadReference,
    whereRaised,
)
from pbext.interfaces import IMessageOrder, IParticipant
from pbext.wire._broadcast import Message

__all__ = ["Observer", "give", "keyOf", "report"]

_log = Logger()


class _Book(Protocol):
    def add(self, observer: RemoteCacheObserver) -> Observer: ...

    def discard(self, observer: RemoteCacheObserver) -> None: ...


@implementer(IParticipant)
class Observer(RemoteCacheObserver):
    """
    The far end of a cache, as the book knows it and as the hooks of a
    Cacheable receive it: one and the same object as long as the peer holds
    the cache, equal only to itself, hashable.

    @ivar broker: the connection.
    @ivar cached: the Cacheable.
    @ivar perspective: who observes.
    @ivar unordered: whether the object is just being put into a message, by a
        broker that cannot keep back what is announced meanwhile.
    """

    unordered = False

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    _book: _Book | None = None
    #: Whether it is done with: it is sent nothing that is announced now.
    _stopped = False
    #: What waits for the object itself to be written, or None.
    _held: deque[tuple[Message, Deferred[Any] | None]] | None = None

    def __init__(self, broker: Any, cached: Any, perspective: Any) -> None:
        self.broker = broker
        self.cached = cached
        self.perspective = perspective

    def __repr__(self) -> str:
        peer = getattr(self.broker.transport, "getPeer", lambda: None)()
        return f"<Observer of {qual(type(self.cached))} at {peer}>"

    @property
    def luid(self) -> int | None:
        """
        The number of the cache at the peer, or C{None} if the peer is gone or
        does not hold it.
        """
        if self.broker.disconnected:
            return None
        luid: int | None = self.broker.cachedRemotelyAs(self.cached)
        return luid

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        Call C{observe_<name>} of the cache at the peer.

        @return: always a Deferred.  If the peer is gone, or goes before it
            answers, or has dropped the cache, it fires with C{None}; with
            C{pbanswer=False} it does so at once.
        """
        answered = kw.pop("pbanswer", True)
        callback, errback = kw.pop("pbcallback", None), kw.pop("pberrback", None)
        try:
            answer = self.post(Message(_name, args, kw), answered)
        except Exception:
            answer = fail(Failure())
        if answer is None:
            return succeed(None)
        answer.addErrback(swallowDeadReference)
        if callback or errback:  # deprecated, and still stock's
            answer.addCallbacks(callback or (lambda r: r), errback)
        return answer

    def remoteMethod(self, key: str) -> Callable[..., Deferred[Any]]:
        """
        @return: L{callRemote} with its first argument given.
        """
        return partial(self.callRemote, key)

    def post(self, message: Message, answered: bool) -> Deferred[Any] | None:
        """
        Send one update.

        @return: a Deferred of the answer if C{answered}, else C{None}.
        @raise DeadReference: if there is nobody to send it to.
        @raise NotSendable: if the message cannot be sent.
        @raise Unordered: from inside a hook that gathers the state to send,
            if the update would arrive before what it speaks of, and the
            broker cannot keep it back until then.
        """
        if self._stopped or self.luid is None:
            raise DeadReference()
        if self.unordered:
            raise Unordered(className=qual(type(self.cached)))
        answer: Deferred[Any] | None = Deferred() if answered else None
        if self._held is None:
            self._send(message, answer)
        else:
            if message.shared:  # as it is now, and if it cannot be sent, say so
                message.jelliedFor(self.broker, self.perspective)
            self._held.append((message, answer))
        return answer

    def _send(self, message: Message, answer: Deferred[Any] | None) -> None:
        broker = self.broker
        arguments = message.jelliedFor(broker, self.perspective)
        luid = self.luid  # only now: a hook may have lost the connection
        if luid is None:
            raise DeadReference()
        requestID = broker.newRequestID()
        if answer is not None:
            broker.waitingForAnswers[requestID] = answer
        wanted = int(answer is not None)
        try:
            broker.sendCall(
                b"cachemessage", requestID, luid, message.name, wanted, *arguments
            )
        except Exception:
            if answer is not None and broker.waitingForAnswers:
                broker.waitingForAnswers.pop(requestID, None)
            raise

    def join(self, book: _Book) -> bool:
        """
        Enter a book; and if the message that carries the object is being made
        just now, keep updates back until it is written.

        @return: whether they are kept back.
        """
        book.add(self)
        self._book = book
        order = IMessageOrder(self.broker, None)
        if order is not None and order.enlist(self):
            self._held = deque()
        return self._held is not None

    def retire(self) -> None:
        """
        Leave the book; what was announced before is still sent.
        """
        self._stopped = True
        if self._book is not None:
            self._book.discard(self)

    def written(self) -> None:
        """
        See L{IParticipant}.
        """
        # What a hook posts meanwhile is kept back too, and goes last.
        while self._held:
            message, answer = self._held.popleft()
            try:
                self._send(message, answer)
            except Exception:
                failure = Failure()
                if answer is not None:
                    answer.errback(failure)
                elif swallowDeadReference(failure):
                    report(self, message, failure)
        self._held = None

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        self.retire()
        self._dropHeld()

    def _dropHeld(self) -> None:
        held, self._held = self._held or (), None
        for _message, answer in held:
            if answer is not None:
                answer.errback(DeadReference())


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
        self._puid = puid
        self._luid: int = broker.cacheRemotely(self)
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
        order = IMessageOrder(self.broker, None)
        if order is not None:
            if self._held is not None and order.isAhead(self):
                raise Unordered(className=qual(type(self.cached)))
            order.enlist(_Again(self))
        self.incref()


@implementer(IParticipant)
@attrs.frozen(eq=False)
class _Again:
    _given: _GivenCache

    def written(self) -> None:
        """
        See L{IParticipant}.
        """

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        self._given.decref()


def give(cacheable: Any, book: _Book, jellier: Any) -> Any:
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


def keyOf(observer: RemoteCacheObserver) -> tuple[int, int, int]:
    """
    What observers are told apart by: the identity of their connection, of
    their perspective and of what they observe.
    """
    return id(observer.broker), id(observer.perspective), id(observer.cached)


def report(observer: Observer, message: Message, failure: Failure) -> None:
    """
    Say that an update could not be delivered, once, with the observer's name
    and without any value; and give it to the hook C{observerFailed(observer,
    failure)} of the Cacheable, if it has one.
    """
    _log.error(
        "the update {name} to {observer} failed: {what}",
        name=message.name.decode("utf-8", "replace"),
        observer=observer,
        what=whereRaised(failure),
    )
    hook = getattr(observer.cached, "observerFailed", None)
    if hook is not None:
        try:
            hook(observer, failure)
        except Exception:
            _log.error(
                "the hook observerFailed failed: {what}", what=whereRaised(Failure())
            )
