"""
The observer book: who follows a L{Cacheable<pbext._cacheable.Cacheable>}, and how an
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

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.python.failure import Failure
from twisted.spread.flavors import RemoteCacheObserver

from pbext._delivery import Broadcast, Counters, Delivery
from pbext._observer import Observer, keyOf
from pbext._undelivered import report
from pbext.errors import DeadReference, Lagging, Unordered
from pbext.wire._broadcast import Message

__all__ = ["Counters", "Delivery", "Observer", "Observers"]


class _Audience:
    """
    Observers that can be told something: all of a book's, or a choice.
    """

    acknowledged: bool

    def _snapshot(self) -> list[Observer]:
        """For subclasses to override."""
        raise NotImplementedError

    def _tell(self, to: list[Observer], message: Message) -> Deferred[Delivery]:
        """For subclasses to override."""
        raise NotImplementedError

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
            keyOf(o) == keyOf(observer) for o in self._snapshot()
        )

    def without(self, *observers: RemoteCacheObserver) -> _Audience:
        """
        All but these: for an update whose author knows of it already.
        """
        left = frozenset(map(keyOf, observers))
        return _Choice(self, lambda o: keyOf(o) not in left)

    def forPerspective(self, perspective: object) -> _Audience:
        """
        Those who observe as C{perspective}, compared by identity.
        """
        return _Choice(self, lambda o: o.perspective is perspective)

    def callRemote(self, _name: str, *args: Any, **kw: Any) -> Deferred[Delivery]:
        """
        Call C{observe_<name>} of each cache.  None of them can keep the
        others from being told.  C{pbanswer=}C{True} or C{False} overrides
        C{acknowledged} for this once.

        @return: fires with a L{Delivery}: at once, or, if the book is
            C{acknowledged}, when every peer has answered or is gone.  It
            fails if the message could not be written to any observer for
            another reason than that its peer is gone; then nothing was sent.
        """
        wanted = kw.pop("pbanswer", None)
        message = Message(
            _name, args, kw, bool(self.acknowledged if wanted is None else wanted)
        )
        return self._tell(self._snapshot(), message)


class _Choice(_Audience):
    def __init__(self, among: _Audience, chosen: Callable[[Observer], bool]) -> None:
        self.acknowledged = among.acknowledged
        self._among = among
        self._chosen = chosen

    def _snapshot(self) -> list[Observer]:
        return [o for o in self._among._snapshot() if self._chosen(o)]

    def _tell(self, to: list[Observer], message: Message) -> Deferred[Delivery]:
        return self._among._tell(to, message)


class Observers(_Audience):
    """
    The observers of a Cacheable.  A L{Cacheable<pbext._cacheable.Cacheable>} has one as
    C{self.observers} and keeps it; in a plain C{twisted.spread.pb.Cacheable},
    call L{add} and L{discard} in its hooks.

    @ivar acknowledged: whether broadcasts ask the peers for an answer;
        C{False} by default.
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
            and keyOf(observer) in self._entries
        )

    @property
    def lagging(self) -> int:
        """
        How many observers miss updates just now, because they lag.
        """
        return sum(observer.lagging for observer in self)

    def _snapshot(self) -> list[Observer]:
        return list(self._entries.values())

    def add(self, observer: RemoteCacheObserver) -> Observer:
        """
        Enter an observer; one that is in the book already stays as it is.

        @return: the book's own observer for it.
        """
        key = keyOf(observer)
        if isinstance(observer, Observer):
            self._entries[key] = observer
        elif key not in self._entries:
            Observer(observer.broker, observer.cached, observer.perspective).join(self)
        return self._entries[key]

    def discard(self, observer: RemoteCacheObserver) -> None:
        """
        Strike an observer out; silent if it is not in the book.
        """
        key = keyOf(observer)
        entry = self._entries.get(key)
        # An observer of ours that was stopped must not take its successor,
        # the same object sent anew on the same connection, with it.
        if entry is not None and (
            entry is observer or not isinstance(observer, Observer)
        ):
            del self._entries[key]

    def _tell(self, to: list[Observer], message: Message) -> Deferred[Delivery]:
        told = Broadcast(message.name)
        sent = told.sent
        answers: list[tuple[Observer, Deferred[Any]]] = []
        fault: Failure | None = None
        for observer in to:
            try:
                answer = observer.post(message)
            except Lagging:
                told.lagged.append(observer)
            except DeadReference:
                told.dropped.append(observer)
                self.discard(observer)
            except Unordered:
                told.refused[observer] = Failure()
            except Exception:
                fault = told.refused[observer] = Failure()
            else:
                sent.append(observer)
                if answer is not None:
                    answers.append((observer, answer))
        if fault and not sent:
            # Not this or that observer: the message.
            self._close(told)
            return fail(fault)
        for observer, failure in told.refused.items():
            report(observer, message.name, failure)
        waiting = [
            answer.addCallbacks(told.confirm, told.lose, (observer,), {}, (observer,))
            for observer, answer in answers
        ]
        if not waiting:
            return succeed(self._close(told))
        return DeferredList(waiting).addCallback(lambda _: self._close(told))

    def _close(self, told: Broadcast) -> Delivery:
        delivery = told.close()
        self.counters.add(delivery)
        return delivery
