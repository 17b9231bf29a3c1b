"""
What reads the objects of the classes that are registered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from twisted.spread import flavors

from pbext.errors import PeerError, RefusedObject

__all__ = [
    "STATES",
    "ClassReader",
    "FactoryReader",
    "Reader",
    "readClass",
    "readFactory",
]

#: Reads one value: the unjellier, and the value's jelly.
Reader = Callable[[Any, list[Any]], Any]

#: Makes an object of its state.
Simple = Callable[[Any], Any]

#: By a C{setCopyableState}: for a class that has it, what makes an instance of
#: it, if all of its state is known, more quickly than by calling it on a blank
#: one, but does the same.
STATES: dict[Any, Callable[[type], Simple]] = {}

#: How many classes' readers are kept that no registry keeps.
_KEPT = 512

_unjellyFor = flavors.RemoteCopy.unjellyFor


class ClassReader:
    """
    Reads the objects of a class, or calls a function that is in the place of
    one.
    """

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self._setState: Any = None
        self._simple: Simple | None = None

    @property
    def simple(self) -> Simple | None:
        """
        What makes an object of its state, where the jelly is a tag and a state,
        the unjellier has an invoker, and nothing in the state stands for a part
        of a cycle; C{None} for a class that reads its jelly itself, and for a
        function.
        """
        cls = self._cls
        if not isinstance(cls, type):
            return None
        if getattr(cls, "unjellyFor", None) is not _unjellyFor:
            return None
        # Looked up each time: it may have been put into the class later.
        setState = cls.setCopyableState  # type: ignore[attr-defined]  # a RemoteCopy
        if setState is not self._setState:
            make = STATES.get(setState)
            self._simple = make(cls) if make else partial(_fill, cls)
            self._setState = setState
        return self._simple

    def __call__(self, unjellier: Any, jellyList: list[Any]) -> Any:
        """
        See L{Reader}.
        """
        simple = self.simple
        try:
            if simple is not None and unjellier.invoker is not None:
                state = unjellier.unjelly(jellyList[1])
                # Nothing is unknown where nothing is referred to.
                known = not unjellier.references
                made = simple(state) if known else _fill(self._cls, state)
            elif isinstance(self._cls, type):
                made = _read(self._cls, unjellier, jellyList)
            else:
                made = self._cls(unjellier, jellyList)
        except PeerError as error:
            # The innermost object says where it was.
            if error.where is None:
                error.where = jellyList
            raise
        if unjellier.references:
            unjellier.places[id(made)] = jellyList
        return unjellier._maybePostUnjelly(made)


def _fill(cls: Any, state: Any) -> Any:
    made = cls.__new__(cls)
    made.setCopyableState(state)
    return made


def _read(cls: Any, unjellier: Any, jellyList: list[Any]) -> Any:
    # As twisted.spread.jelly._Unjellier.unjelly has it.
    method = getattr(cls.__new__(cls), "unjellyFor", cls)
    return method(unjellier, jellyList)


class FactoryReader:
    """
    Reads objects by a function of their state.

    @ivar simple: that function; as L{ClassReader.simple}.
    """

    def __init__(self, factory: Callable[[Any], Any]) -> None:
        self.simple = factory

    def __call__(self, unjellier: Any, jellyList: list[Any]) -> Any:
        """
        See L{Reader}.
        """
        try:
            if len(jellyList) != 2:
                # A Cacheable: a number before the state, and then updates.
                raise RefusedObject(
                    className=jellyList[0].decode("utf-8", "replace"),
                    errorType="a factory, which cannot follow a Cacheable",
                )
            made = self.simple(unjellier.unjelly(jellyList[1]))
        except PeerError as error:
            if error.where is None:
                error.where = jellyList
            raise
        return unjellier._maybePostUnjelly(made)


_kept = lru_cache(_KEPT)(ClassReader)


def readClass(cls: Any) -> ClassReader:
    """
    @return: what reads the objects of a class, or calls a function that is in
        the place of one.
    """
    # Not everything has a hash that is in the place of a class, or is one.
    usual = isinstance(cls, type) and type(cls).__hash__ is type.__hash__
    return _kept(cls) if usual else ClassReader(cls)


def readFactory(factory: Callable[[Any], Any]) -> FactoryReader:
    """
    @return: what reads objects by a function of their state.
    """
    return FactoryReader(factory)
