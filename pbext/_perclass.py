"""
What has been found out about classes: kept as long as they live, and found
again at once, since it is asked for with every object that travels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import ref

__all__ = ["PerClass", "forget"]

_T = TypeVar("_T")


class PerClass(Generic[_T]):
    """
    What one function says of each class.  A C{WeakKeyDictionary} would do; it
    takes three times as long, and asks metaclasses what is equal to what.
    """

    def __init__(self, find: Callable[[type], _T]) -> None:
        """
        @param find: the function; what it returns must not refer to the class.
        """
        self._find = find
        self._found: dict[int, _T] = {}
        # Without these another class might be found by the id of one that is
        # gone.
        self._classes: dict[int, ref[type]] = {}
        _everything.append(self)

    def of(self, cls: type) -> _T:
        """
        @return: what C{find} says of a class; it is asked once.
        @raise Exception: what C{find} raises, each time.
        """
        try:
            return self._found[id(cls)]
        except KeyError:
            pass
        found = self._find(cls)
        self.keep(cls, found)
        return found

    def keep(self, cls: type, found: _T) -> None:
        """
        Take it that this is what C{find} says of a class.
        """
        number = id(cls)
        self._classes[number] = ref(cls, lambda _: self._drop(number))
        self._found[number] = found

    def __contains__(self, cls: type) -> bool:
        return id(cls) in self._found

    def _drop(self, number: int) -> None:
        self._found.pop(number, None)
        self._classes.pop(number, None)

    def forget(self, cls: type) -> None:
        """
        Ask C{find} again, when a class is asked about next.
        """
        self._drop(id(cls))


#: All that there are, each of which belongs to a module.
_everything: list[PerClass[Any]] = []


def forget(cls: type) -> None:
    """
    Find out again all that is known of a class, when it is asked for next.
    """
    for each in _everything:
        each.forget(cls)
