"""
What cannot be made yet, because it is in itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.persisted.crefutil import NotKnown

__all__ = ["Unfinished"]


class Unfinished(NotKnown):
    """
    Stands for a tuple or a set until all that is in it is known.  As Twisted's
    own C{_Container}, which looks for each part among all the others.

    @ivar queue: see L{Unjellier<pbext.wire._unjelly.Unjellier>}.
    """

    def __init__(
        self,
        items: list[Any],
        kind: Callable[[list[Any]], Any],
        queue: deque[Callable[[], None]],
    ) -> None:
        """
        @param items: what is in it; some of that is not known.
        @param kind: makes it of them.
        """
        super().__init__()
        self.queue = queue
        self._items = items
        self._kind = kind
        self._missing = 0
        for index, item in enumerate(items):
            if isinstance(item, NotKnown):
                self._missing += 1
                item.addDependant(self, index)

    def __setitem__(self, index: int, item: Any) -> None:
        """
        Something is known that was not; or is something else that is not.
        """
        self._items[index] = item
        if not isinstance(item, NotKnown):
            self._missing -= 1
            if not self._missing:
                self.resolveDependants(self._kind(self._items))
