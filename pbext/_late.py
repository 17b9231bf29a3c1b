"""
States that hold parts of cycles: what has to wait until they are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.persisted.crefutil import NotKnown

from pbext._contract import Contract
from pbext._kinds import Mismatch, Postponed, whole
from pbext._versions import upgraded
from pbext.errors import PeerError

__all__ = ["Place", "Unfinished", "Versioned"]


class Place:
    """
    Where a value goes that is not known yet: part of a cycle, which Twisted
    fills in by C{place[name] = value} (C{twisted.persisted.crefutil}).
    """

    def __init__(self, instance: object) -> None:
        self._instance = instance

    def __setitem__(self, name: str, value: object) -> None:
        object.__setattr__(self._instance, name, value)


class _Late:
    """
    What has to wait for parts of cycles.  Twisted says that one is known by
    C{late[name] = part}; others may not have been told yet, so that this goes
    on when all have been (L{pbext.wire._unjelly.Unjellier}).
    """

    #: What is to be called then, of the message that is being read.
    _queue: deque[Callable[[], None]] | None = None

    def __init__(self, instance: object) -> None:
        self._instance = instance

    def wait(self, name: str, part: NotKnown) -> None:
        """
        Wait for what is missing of the value of this name.
        """
        self._queue = getattr(part, "queue", None)
        part.addDependant(self, name)

    def __setitem__(self, name: str, part: object) -> None:
        if self._queue is None:
            self._known(name, part)
        else:
            self._queue.append(partial(self._known, name, part))

    def _known(self, name: str, part: object) -> None:
        try:
            self.goOn(name, part)
        except PeerError as error:
            # Whoever has called this cannot know.
            error.owner = error.owner or self._instance
            raise

    def goOn(self, name: str, part: object) -> None:
        """
        A part of the value of this name, or that itself, is known.
        """
        raise NotImplementedError("for subclasses")


class Unfinished(_Late):
    """
    An object some of whose values are not known yet; it is made when the last
    one is.
    """

    def __init__(
        self, instance: object, contract: Contract, values: dict[str, object]
    ) -> None:
        super().__init__(instance)
        self._contract = contract
        self._values = values
        self.waiting: dict[str, object] = {}

    def goOn(self, name: str, part: object) -> None:
        """
        See L{_Late.goOn}.
        """
        value = self.waiting.pop(name)
        # It was the value itself, or something in a container, which has it now.
        value = part if isinstance(value, NotKnown) else value
        try:
            self._values[name] = self._contract.reads[name][0](value)
        except Mismatch as error:
            raise self._contract.refusal(name, error) from None
        except Postponed as missing:
            self.waiting[name] = value
            self.wait(name, missing.part)
        if not self.waiting:
            self._contract.make(self._instance, self._values)


class Versioned(_Late):
    """
    A state that may be of an older version.  The class is to upgrade it, and so
    has to see it whole.
    """

    def __init__(
        self,
        instance: object,
        state: dict[Any, Any],
        take: Callable[[Any, Mapping[Any, Any]], None],
    ) -> None:
        """
        @param take: what puts the upgraded state into the object.
        """
        super().__init__(instance)
        self._state = state
        self._take = take

    def goOn(self, name: str, part: object) -> None:
        """
        See L{_Late.goOn}.
        """
        if isinstance(self._state[name], NotKnown):
            self._state[name] = part
        self.upgrade()

    def upgrade(self) -> None:
        """
        Do it, and take the state, if nothing is missing.
        """
        for name, value in self._state.items():
            try:
                whole(value)
            except Postponed as missing:
                self.wait(name, missing.part)
                return
        self._take(self._instance, upgraded(type(self._instance), self._state))
