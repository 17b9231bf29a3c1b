"""
What is known of broadcasts: of one, and of all of a book's so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from twisted.python.failure import Failure

from pbext._reports import swallowDeadReference
from pbext._undelivered import report
from pbext.errors import Lagging

if TYPE_CHECKING:
    from pbext._observer import Observer

__all__ = ["Broadcast", "Counters", "Delivery"]


@attrs.frozen(eq=False)
class Delivery:
    """
    What is known of one broadcast.

    @ivar sent: the observers that it was written to.
    @ivar dropped: those whose peer was gone, or had dropped the cache; while
        waiting for the answer, too; and those that lag and whose class says
        C{"disconnect"}, as it does by default.
    @ivar refused: those it could not be written to, and why.
    @ivar lagged: those that it was kept from, because they lag and their class
        says C{"conflate"} or C{"drop"}; no answer of theirs is waited for.
    @ivar confirmed: of an acknowledged broadcast, the answers.
    @ivar failed: of an acknowledged broadcast, the errors of the peers.
    """

    sent: tuple[Observer, ...] = ()
    dropped: tuple[Observer, ...] = ()
    refused: Mapping[Observer, Failure] = attrs.field(factory=dict)
    confirmed: Mapping[Observer, Any] = attrs.field(factory=dict)
    failed: Mapping[Observer, Failure] = attrs.field(factory=dict)
    lagged: tuple[Observer, ...] = ()


@attrs.define
class Counters:
    """
    What a book has delivered so far: numbers of observers, added up over
    its broadcasts.

    @ivar lagged: how many updates were kept from observers that lag, be it
        that their connection was closed for it; also from those that were called
        by themselves.
    @ivar conflated: how many updates were sent that stand for such.
    """

    broadcasts: int = 0
    sent: int = 0
    dropped: int = 0
    refused: int = 0
    confirmed: int = 0
    failed: int = 0
    lagged: int = 0
    conflated: int = 0

    def add(self, delivery: Delivery) -> None:
        self.broadcasts += 1
        self.sent += len(delivery.sent)
        self.dropped += len(delivery.dropped)
        self.refused += len(delivery.refused)
        self.confirmed += len(delivery.confirmed)
        self.failed += len(delivery.failed)


@attrs.define(eq=False)
class Broadcast:
    """
    One broadcast, from its beginning to the last answer that it waits for.
    """

    _name: bytes
    sent: list[Observer] = attrs.field(factory=list)
    dropped: list[Observer] = attrs.field(factory=list)
    refused: dict[Observer, Failure] = attrs.field(factory=dict)
    lagged: list[Observer] = attrs.field(factory=list)
    _confirmed: dict[Observer, Any] = attrs.field(factory=dict)
    _failed: dict[Observer, Failure] = attrs.field(factory=dict)

    def confirm(self, answer: Any, observer: Observer) -> None:
        self._confirmed[observer] = answer

    def lose(self, failure: Failure, observer: Observer) -> None:
        if failure.check(Lagging):
            # It was kept back until its object was written, and then no longer.
            self.sent.remove(observer)
            self.lagged.append(observer)
        elif swallowDeadReference(failure) is None:
            self.dropped.append(observer)
        else:
            self._failed[observer] = failure
            report(observer, self._name, failure)

    def close(self) -> Delivery:
        return Delivery(
            tuple(self.sent),
            tuple(self.dropped),
            self.refused,
            self._confirmed,
            self._failed,
            tuple(self.lagged),
        )
