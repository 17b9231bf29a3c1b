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

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.flavors import RemoteCacheObserver

from pbext._delivery import Counters
from pbext._lagging import beginLagging, endLagging, whenLagging
from pbext._reports import swallowDeadReference
from pbext._undelivered import report
from pbext.errors import DeadReference, Lagging, Unordered
from pbext.interfaces import IConnection, IParticipant
from pbext.wire._broadcast import Message, address

__all__ = ["Book", "Observer", "keyOf"]


#: Tells a cache that it is no longer right: who lags has to know that too.
_LAST_WORD = b"invalidate"


class Book(Protocol):
    counters: Counters

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
    @ivar lagging: whether it misses updates, because its peer does not read
        them; see L{pbext._lagging}.
    """

    unordered = False
    lagging = False

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    _book: Book | None = None
    #: Whether it is done with: it is sent nothing that is announced now.
    _stopped = False
    #: What waits for the object itself to be written, or None.
    _held: deque[tuple[Message, Deferred[Any] | None]] | None = None
    #: The number of the cache in bytes, if it is once and for all the same.
    _number = b""
    #: The same, as long as an update may be sent to it without another thought.
    _address = b""

    def __init__(self, broker: Any, cached: Any, perspective: Any) -> None:
        whenLagging(type(cached))  # or it would come out with the first that lags
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
            answers, or has dropped the cache, or lags, it fires with C{None}; with
            C{pbanswer=False} it does so at once.
        """
        wanted = bool(kw.pop("pbanswer", True))
        callback, errback = kw.pop("pbcallback", None), kw.pop("pberrback", None)
        try:
            answer = self.post(Message(_name, args, kw, wanted))
        except Lagging:
            answer = succeed(None)
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

    def post(self, message: Message) -> Deferred[Any] | None:
        """
        Send one update.

        @return: a Deferred of the answer if one is wanted, else C{None}.
        @raise DeadReference: if there is nobody to send it to.
        @raise Lagging: if it is not sent because the observer lags.
        @raise NotSendable: if the message cannot be sent.
        @raise Unordered: from inside a hook that gathers the state to send,
            if the update would arrive before what it speaks of, and the
            broker cannot keep it back until then.
        """
        broker = self.broker
        if self._address and not message.wanted and not broker.disconnected:
            # What most deliveries are: nothing is to be encoded or found out.
            encoding = message.sharedFor(broker, self.perspective)
            if encoding is not None and encoding.front and broker.flowing:
                data = encoding.addressed(broker.newRequestID(), self._address)
                broker.writeAtOnce(data)
                return None
        if self._stopped or self.luid is None:
            raise DeadReference()
        if self.unordered:
            raise Unordered(className=qual(type(self.cached)))
        answer: Deferred[Any] | None = Deferred() if message.wanted else None
        if self._held is None:
            self.send(message, answer)
        else:
            message.settle(broker, self.perspective)
            self._held.append((message, answer))
        return answer

    def send(self, message: Message, answer: Deferred[Any] | None = None) -> None:
        """
        Send one update now, as L{post}.

        @param answer: fires with the answer.
        """
        broker = self.broker
        if getattr(broker, "fault", None) is not None:  # Twisted's has none
            raise DeadReference()
        if message.name != _LAST_WORD and self._misses():
            if self._stopped:
                raise DeadReference()
            raise Lagging(laggingBytes=broker.limits.laggingBytes)
        encoding = message.encodingFor(broker, self.perspective)
        luid = self.luid  # only now: a hook may have lost the connection
        if luid is None:
            raise DeadReference()
        requestID = broker.newRequestID()
        if answer is not None:
            broker.waitingForAnswers[requestID] = answer
        try:
            if encoding.front and broker.flowing:
                broker.writeAtOnce(encoding.addressed(requestID, address(luid)))
            else:
                broker.sendCall(
                    b"cachemessage",
                    requestID,
                    luid,
                    message.name,
                    int(message.wanted),
                    *encoding.parts,
                )
        except Exception:
            if answer is not None and broker.waitingForAnswers:
                broker.waitingForAnswers.pop(requestID, None)
            raise
        connection = None if answer is None else IConnection(broker, None)
        if connection is not None:
            connection.expect(requestID, message.name)

    def _misses(self) -> bool:
        """
        Whether it misses an update, because it lags.
        """
        if not self.lagging:
            if not getattr(self.broker, "lagging", False):  # Twisted's has none
                return False
            self.lagging = True
            self._readdress()
            beginLagging(self)
        if self._book is not None:
            self._book.counters.lagged += 1
        return True

    def catchUp(self) -> None:
        """
        All has left that it was sent.
        """
        if self.broker.lagging:  # by what others have been sent since
            self.broker.whenDrained(self.catchUp)
            return
        self.lagging = False
        if self._stopped or self.luid is None:
            return
        self._held = deque()  # what is announced by a hook that is asked follows
        if endLagging(self) and self._book is not None:
            self._book.counters.conflated += 1
        if self._stopped:
            self._dropHeld()
        else:
            self._sendHeld()

    def _readdress(self) -> None:
        straight = self._held is None and not (self._stopped or self.lagging)
        self._address = self._number if straight else b""

    def join(self, book: Book) -> bool:
        """
        Enter a book; and if the message that carries the object is being made
        just now, keep updates back until it is written.

        @return: whether they are kept back.
        """
        book.add(self)
        self._book = book
        connection = IConnection(self.broker, None)
        if connection is not None and connection.enlist(self):
            self._held = deque()
        return self._held is not None

    def retire(self) -> None:
        """
        Leave the book; what was announced before is still sent.
        """
        self._stopped = True
        self._readdress()
        if self._book is not None:
            self._book.discard(self)

    def written(self, asked: bool | None) -> None:
        """
        See L{IParticipant}.
        """
        self._sendHeld()

    def _sendHeld(self) -> None:
        # What a hook posts meanwhile is kept back too, and goes last.
        while self._held:
            message, answer = self._held.popleft()
            try:
                self.send(message, answer)
            except Exception:
                failure = Failure()
                if answer is not None:
                    answer.errback(failure)
                elif swallowDeadReference(failure):
                    report(self, message.name, failure)
        self._held = None
        self._readdress()

    def withdrawn(self) -> None:
        """
        See L{IParticipant}.
        """
        self.retire()
        self._dropHeld()

    def answered(self, read: bool | None) -> None:
        """
        See L{IParticipant}.
        """

    def untaken(self) -> None:
        """
        See L{IParticipant}.
        """

    def _dropHeld(self) -> None:
        held, self._held = self._held or (), None
        for _message, answer in held:
            if answer is not None:
                answer.errback(DeadReference())


def keyOf(observer: RemoteCacheObserver) -> tuple[int, int, int]:
    """
    What observers are told apart by: the identity of their connection, of
    their perspective and of what they observe.
    """
    return id(observer.broker), id(observer.perspective), id(observer.cached)
