"""
The observer book: who follows a L{Cacheable<pbext.pb.Cacheable>}, and how an
update reaches them all.

    >>> from pbext import Observers
    >>> book = Observers()
    >>> book.callRemote("addDuck", "daffy")    # nobody is listening
    <Deferred at ... current result: Delivery(sent=(), dropped=(), refused={}, ...)>

Observers are told apart by the identity of their broker, their perspective
and what they observe.  Twisted's own observers compare and hash by value, and
both raise (C{twisted.spread.flavors.RemoteCacheObserver.__cmp__}; tw#9671),
so here they are never compared and never hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import attrs
from zope.interface import implementer

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.flavors import RemoteCacheObserver
from twisted.spread.pb import DeadReferenceError, PBConnectionLost

from pbext.errors import DeadReference, Unordered, whereRaised
from pbext.interfaces import IMessageOrder, IParticipant
from pbext.wire._broadcast import Message

__all__ = ["Counters", "Delivery", "Observer", "Observers", "swallowDeadReference"]

_log = Logger()


class _SwallowDeadReference:
    """
    An errback for a call that may find its peer gone:
    C{observer.callRemote(...).addErrback(swallowDeadReference)}.  It ends
    C{DeadReferenceError} and C{PBConnectionLost} and lets all else through,
    also an error of those names that the peer itself reports.

    @ivar swallowed: how many it has ended, in this process.
    """

    swallowed = 0

    def __call__(self, failure: Failure) -> Failure | None:
        # By the value, not by Failure.check: a CopiedFailure, whose value is
        # a str, is the peer's own trouble and no dead link of ours.
        if isinstance(failure.value, (DeadReferenceError, PBConnectionLost)):
            self.swallowed += 1
            return None
        return failure


swallowDeadReference = _SwallowDeadReference()


@implementer(IParticipant)
class Observer(RemoteCacheObserver):
    """
    The far end of a cache, as the book knows it and as the hooks of a
    Cacheable receive it: one and the same object as long as the peer holds
    the cache, equal only to itself, hashable.

    @ivar broker: the connection.
    @ivar cached: the Cacheable.
    @ivar perspective: who observes.
    """

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    def __init__(
        self, broker: Any, cached: Any, perspective: Any, ownEntry: bool = True
    ) -> None:
        """
        @param ownEntry: whether the broker's tables hold this observer (see
            L{pbext._tables}), or the Cacheable, as stock's C{Cacheable} has
            it.
        """
        self.broker = broker
        self.cached = cached
        self.perspective = perspective
        self._registered = self if ownEntry else cached
        self._book: Observers | None = None
        self._stopped = False
        self._retired = False
        self._unordered = False
        #: What waits for the object itself to be written, or None.
        self._held: list[tuple[bytes, Any, Deferred[Any] | None]] | None = None

    def __repr__(self) -> str:
        peer = getattr(self.broker.transport, "getPeer", lambda: None)()
        return f"<Observer of {qual(type(self.cached))} at {peer}>"

    @property
    def key(self) -> tuple[int, int, int]:
        return _keyOf(self)

    def processUniqueID(self) -> object:
        """
        What the broker files this observer under: one entry for each object
        and perspective, whatever the user's classes say of equality.
        """
        viewed = (self.cached.processUniqueID(), id(self.perspective))
        return (*viewed, id(self)) if self._retired else viewed

    @property
    def luid(self) -> int | None:
        """
        The number of the cache at the peer, or L{None} if the peer is gone or
        does not hold it.
        """
        if self.broker.disconnected:
            return None
        luid: int | None = self.broker.cachedRemotelyAs(self._registered)
        return luid

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        Call C{observe_<name>} of the cache at the peer.

        @return: always a Deferred.  If the peer is gone, or goes before it
            answers, or has dropped the cache, it fires with L{None}; with
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

        @return: a Deferred of the answer if C{answered}, else L{None}.
        @raise DeadReference: if there is nobody to send it to.
        @raise NotSendable: if the message cannot be sent.
        @raise Unordered: from inside a hook that gathers the state to send,
            on a broker that cannot keep the update back until then.
        """
        if self._stopped or self.luid is None:
            raise DeadReference()
        if self._unordered:
            raise Unordered(className=qual(type(self.cached)))
        arguments = message.jelliedFor(self.broker, self.perspective)
        answer: Deferred[Any] | None = Deferred() if answered else None
        if self._held is not None:
            self._held.append((message.name, arguments, answer))
        else:
            self._send(message.name, arguments, answer)
        return answer

    def _send(
        self, name: bytes, arguments: tuple[Any, Any], answer: Deferred[Any] | None
    ) -> None:
        broker, luid = self.broker, self.luid
        if luid is None:
            raise DeadReference()
        requestID = broker.newRequestID()
        if answer is not None:
            broker.waitingForAnswers[requestID] = answer
        wanted = int(answer is not None)
        try:
            broker.sendCall(b"cachemessage", requestID, luid, name, wanted, *arguments)
        except Exception:
            if answer is not None:
                broker.waitingForAnswers.pop(requestID, None)
            raise

    # The life of an observer: it joins while its object is put into a
    # message, and then the message is written or withdrawn; it is stopped
    # when the peer has dropped the object, or is gone.

    def join(self, book: Observers, order: IMessageOrder | None) -> None:
        """
        Enter the book, and keep updates back: the message that carries the
        object is not even complete, and they must not arrive before it.
        """
        book.add(self)
        self._book = book
        if order is None:
            self._unordered = True
        else:
            self._held = []
            order.enlist(self)

    def joined(self) -> None:
        """
        The object has been put into the message.
        """
        self._unordered = False

    def written(self) -> None:
        """
        See L{IParticipant}.
        """
        held, self._held = self._held or [], None
        for name, arguments, answer in held:
            try:
                self._send(name, arguments, answer)
            except Exception:
                if answer is not None:
                    answer.errback(Failure())

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        if self._stopped:
            return
        self.forget()
        try:
            self.cached.stoppedObserving(self.perspective, self)
        except Exception:
            _log.error("stoppedObserving failed: {what}", what=whereRaised(Failure()))

    def forget(self) -> None:
        """
        The peer was never given the object: undo what was registered.
        """
        broker, luid = self.broker, self.luid
        if luid is not None:
            del broker.remotelyCachedLUIDs[self.processUniqueID()]
            del broker.remotelyCachedObjects[luid]
        held, self._held = self._held or [], None
        self._stop()
        for _name, _arguments, answer in held:
            if answer is not None:
                answer.errback(DeadReference())

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """
        The broker lets go of the object: the peer has dropped it, or is gone.
        """
        self._stop()
        self.cached.stoppedObserving(self.perspective, self)

    def _stop(self) -> None:
        self._stopped = True
        if self._book is not None:
            self._book.discard(self)

    def retire(self) -> None:
        """
        Stop, and let the same object be sent anew on the same connection,
        whole, while the peer still holds the old cache.
        """
        self._stop()
        table = self.broker.remotelyCachedLUIDs
        if self._registered is self and table is not None and not self._retired:
            luid = table.pop(self.processUniqueID(), None)
            self._retired = True
            if luid is not None:
                table[self.processUniqueID()] = luid


def _keyOf(observer: RemoteCacheObserver) -> tuple[int, int, int]:
    return id(observer.broker), id(observer.perspective), id(observer.cached)


@attrs.frozen(eq=False)
class Delivery:
    """
    What is known of one broadcast.

    @ivar sent: the observers that it was written to.
    @ivar dropped: those whose peer was gone, or had dropped the cache; while
        waiting for the answer, too.
    @ivar refused: those it could not be written to, and why.
    @ivar confirmed: of an acknowledged broadcast, the answers.
    @ivar failed: of an acknowledged broadcast, the errors of the peers.
    """

    sent: tuple[Observer, ...] = ()
    dropped: tuple[Observer, ...] = ()
    refused: Mapping[Observer, Failure] = attrs.field(factory=dict)
    confirmed: Mapping[Observer, Any] = attrs.field(factory=dict)
    failed: Mapping[Observer, Failure] = attrs.field(factory=dict)


@attrs.define
class Counters:
    """
    What a book has delivered so far: numbers of observers, added up over
    its broadcasts.
    """

    broadcasts: int = 0
    sent: int = 0
    dropped: int = 0
    refused: int = 0
    confirmed: int = 0
    failed: int = 0

    def add(self, delivery: Delivery) -> None:
        self.broadcasts += 1
        self.sent += len(delivery.sent)
        self.dropped += len(delivery.dropped)
        self.refused += len(delivery.refused)
        self.confirmed += len(delivery.confirmed)
        self.failed += len(delivery.failed)


class _Audience:
    """
    Observers that can be told something: all of a book's, or a choice.
    """

    def _snapshot(self) -> list[Observer]:
        raise NotImplementedError("for subclasses")

    def _tell(self, to: list[Observer], message: Message) -> Deferred[Delivery]:
        raise NotImplementedError("for subclasses")

    def __iter__(self) -> Iterator[Observer]:
        """
        Walk a snapshot: what a hook adds or discards meanwhile changes
        nothing.
        """
        return iter(self._snapshot())

    def __len__(self) -> int:
        return len(self._snapshot())

    def __contains__(self, observer: object) -> bool:
        return isinstance(observer, RemoteCacheObserver) and any(
            o.key == _keyOf(observer) for o in self._snapshot()
        )

    def without(self, *observers: RemoteCacheObserver) -> _Audience:
        """
        All but these: for an update whose author knows of it already.
        """
        left = frozenset(map(_keyOf, observers))
        return _Choice(self, lambda o: o.key not in left)

    def forPerspective(self, perspective: object) -> _Audience:
        """
        Those who observe as C{perspective}, compared by identity.
        """
        return _Choice(self, lambda o: o.perspective is perspective)

    def callRemote(self, _name: str, *args: Any, **kw: Any) -> Deferred[Delivery]:
        """
        Call C{observe_<name>} of each cache.  None of them can keep the
        others from being told.

        @return: fires with a L{Delivery}: at once, or, if the book is
            C{acknowledged}, when every peer has answered or is gone.  It
            fails if the message could not be written to any observer for
            another reason than that its peer is gone; then nothing was sent.
        """
        return self._tell(self._snapshot(), Message(_name, args, kw))


class _Choice(_Audience):
    def __init__(self, among: _Audience, chosen: Callable[[Observer], bool]) -> None:
        self._among = among
        self._chosen = chosen

    def _snapshot(self) -> list[Observer]:
        return [o for o in self._among._snapshot() if self._chosen(o)]

    def _tell(self, to: list[Observer], message: Message) -> Deferred[Delivery]:
        return self._among._tell(to, message)


class Observers(_Audience):
    """
    The observers of a Cacheable.  A L{pbext.pb.Cacheable} has one as
    C{self.observers} and keeps it; in a plain C{twisted.spread.pb.Cacheable},
    call L{add} and L{discard} in its hooks.

    @ivar acknowledged: whether broadcasts ask the peers for an answer;
        L{False} by default.
    @ivar counters: what became of the broadcasts so far.
    """

    def __init__(self, acknowledged: bool = False) -> None:
        self.acknowledged = acknowledged
        self.counters = Counters()
        self._entries: dict[tuple[int, int, int], Observer] = {}

    def __repr__(self) -> str:
        return f"<Observers: {len(self)}>"

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, observer: object) -> bool:
        return (
            isinstance(observer, RemoteCacheObserver)
            and _keyOf(observer) in self._entries
        )

    def _snapshot(self) -> list[Observer]:
        return list(self._entries.values())

    def add(self, observer: RemoteCacheObserver) -> Observer:
        """
        Enter an observer; one that is in the book already stays as it is.

        @return: the book's own observer for it.
        """
        if isinstance(observer, Observer):
            self._entries[observer.key] = observer
            return observer
        key = _keyOf(observer)
        if key not in self._entries:
            self._entries[key] = Observer(
                observer.broker, observer.cached, observer.perspective, ownEntry=False
            )
        return self._entries[key]

    def discard(self, observer: RemoteCacheObserver) -> None:
        """
        Strike an observer out; silent if it is not in the book.
        """
        key = _keyOf(observer)
        entry = self._entries.get(key)
        # An observer of ours that was stopped must not take its successor,
        # the same object sent anew on the same connection, with it.
        if entry is not None and not (
            isinstance(observer, Observer) and observer is not entry
        ):
            del self._entries[key]

    def invalidate(self) -> Deferred[Delivery]:
        """
        Tell every cache that it is stale, C{observe_invalidate()}, and be
        done with it: the next time the object is sent, it is sent whole.
        What is announced from now on reaches only who receives it then.
        """
        observers = self._snapshot()
        told = self._tell(observers, Message("invalidate", (), {}))
        for observer in observers:
            observer.retire()
            self.discard(observer)
        return told

    def _tell(self, to: list[Observer], message: Message) -> Deferred[Delivery]:
        sent: list[Observer] = []
        dropped: list[Observer] = []
        refused: dict[Observer, Failure] = {}
        answers: list[Deferred[Any]] = []
        for observer in to:
            try:
                answer = observer.post(message, self.acknowledged)
            except DeadReference:
                dropped.append(observer)
                self.discard(observer)
            except Exception:
                refused[observer] = Failure()
            else:
                sent.append(observer)
                if answer is not None:
                    answers.append(answer)
        if refused and not sent:
            # Not this or that observer: the message.
            self._close(sent, dropped, refused)
            return fail(next(iter(refused.values())))
        for observer, failure in refused.items():
            self._report(observer, message, failure)
        if not answers:
            return succeed(self._close(sent, dropped, refused))
        return DeferredList(answers, consumeErrors=True).addCallback(
            self._answered, message, sent, dropped, refused
        )

    def _answered(
        self,
        results: list[tuple[bool, Any]],
        message: Message,
        sent: list[Observer],
        dropped: list[Observer],
        refused: dict[Observer, Failure],
    ) -> Delivery:
        confirmed: dict[Observer, Any] = {}
        failed: dict[Observer, Failure] = {}
        for observer, (success, result) in zip(sent, results):
            if success:
                confirmed[observer] = result
            elif swallowDeadReference(result) is None:
                dropped.append(observer)
            else:
                failed[observer] = result
                self._report(observer, message, result)
        return self._close(sent, dropped, refused, confirmed, failed)

    def _close(
        self,
        sent: list[Observer],
        dropped: list[Observer],
        refused: dict[Observer, Failure],
        confirmed: Mapping[Observer, Any] = MappingProxyType({}),
        failed: Mapping[Observer, Failure] = MappingProxyType({}),
    ) -> Delivery:
        delivery = Delivery(tuple(sent), tuple(dropped), refused, confirmed, failed)
        self.counters.add(delivery)
        return delivery

    def _report(self, observer: Observer, message: Message, failure: Failure) -> None:
        """
        Say it once, with the observer's name and without any value, and give
        it to the hook C{observerFailed(observer, failure)} of the Cacheable,
        if it has one.
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
