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

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.python.failure import Failure
from twisted.spread.flavors import RemoteCacheObserver

from pbext._observer import Observer, keyOf, report
from pbext._reports import swallowDeadReference
from pbext.errors import DeadReference, Unordered
from pbext.wire._broadcast import Message

__all__ = ["Counters", "Delivery", "Observer", "Observers"]


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
        for name in ("sent", "dropped", "refused", "confirmed", "failed"):
            setattr(self, name, getattr(self, name) + len(getattr(delivery, name)))


class _Audience:
    """
    Observers that can be told something: all of a book's, or a choice.
    """

    def _snapshot(self) -> list[Observer]:
        """For subclasses to override."""
        raise NotImplementedError

    def _tell(
        self, to: list[Observer], message: Message, answered: bool | None
    ) -> Deferred[Delivery]:
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
        answered = kw.pop("pbanswer", None)
        return self._tell(self._snapshot(), Message(_name, args, kw), answered)


class _Choice(_Audience):
    def __init__(self, among: _Audience, chosen: Callable[[Observer], bool]) -> None:
        self._among = among
        self._chosen = chosen

    def _snapshot(self) -> list[Observer]:
        return [o for o in self._among._snapshot() if self._chosen(o)]

    def _tell(
        self, to: list[Observer], message: Message, answered: bool | None
    ) -> Deferred[Delivery]:
        return self._among._tell(to, message, answered)


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

    def _tell(
        self, to: list[Observer], message: Message, answered: bool | None
    ) -> Deferred[Delivery]:
        if answered is None:
            answered = self.acknowledged
        sent: dict[Observer, Deferred[Any] | None] = {}
        dropped: list[Observer] = []
        refused: dict[Observer, Failure] = {}
        fault: Failure | None = None
        confirmed: dict[Observer, Any] = {}
        failed: dict[Observer, Failure] = {}

        def confirm(answer: Any, observer: Observer) -> None:
            confirmed[observer] = answer

        def lose(failure: Failure, observer: Observer) -> None:
            if swallowDeadReference(failure) is None:
                dropped.append(observer)
            else:
                failed[observer] = failure
                report(observer, message, failure)

        def close(_: object = None) -> Delivery:
            delivery = Delivery(tuple(sent), tuple(dropped), refused, confirmed, failed)
            self.counters.add(delivery)
            return delivery

        for observer in to:
            try:
                sent[observer] = observer.post(message, answered)
            except DeadReference:
                dropped.append(observer)
                self.discard(observer)
            except Unordered:
                refused[observer] = Failure()
            except Exception:
                fault = refused[observer] = Failure()
        if fault and not sent:
            # Not this or that observer: the message.
            close()
            return fail(fault)
        for observer, failure in refused.items():
            report(observer, message, failure)
        answers = [
            answer.addCallbacks(confirm, lose, (observer,), {}, (observer,))
            for observer, answer in sent.items()
            if answer is not None
        ]
        return DeferredList(answers).addCallback(close) if answers else succeed(close())
