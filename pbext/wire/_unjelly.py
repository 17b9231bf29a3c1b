"""
From jelly to objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.persisted.crefutil import NotKnown, _Dereference

# By name: the module has deprecated attributes, so to ask it for one is slow.
from twisted.spread.jelly import (
    InsecureJelly,
    _createBlank,
    _Unjellier,
    unjellyableFactoryRegistry,
    unjellyableRegistry,
)

from pbext.wire._jelly import ATOMS, children

__all__ = ["Unjellier", "given"]

#: Twisted's methods for the words that are its own.
_THUNKS: Mapping[bytes, Callable[[Any, list[Any]], Any]] = {
    word: thunk
    for word in ATOMS
    if (thunk := getattr(_Unjellier, f"_unjelly_{word.decode()}", None))
}


class Unjellier(_Unjellier):
    """
    Twisted's, but that references are read by the connection's own rules, and
    that it says which of them it has read.

    @ivar taken: the references and caches on the wire that have become
        objects here, each of which tells the peer when it is gone.
    """

    def __init__(
        self,
        taster: Any,
        invoker: Any,
        readers: Mapping[bytes, Callable[[Any, list[Any]], Any]],
        taken: list[Any],
    ) -> None:
        super().__init__(taster, None, invoker)
        self._readers = readers
        self.taken = taken

    def unjellyFull(self, obj: Any) -> Any:
        """
        @return: the object of a jelly.
        @raise LookupError: if it refers to a part of it that is not there;
            stock leaves a stand-in of its own in that place.
        """
        result = super().unjellyFull(obj)
        if any(map(_isStandIn, self.references.values())):
            raise LookupError("a dereference without its reference")
        return result

    def unjelly(self, obj: Any) -> Any:
        if type(obj) is not list:
            return obj
        word = obj[0]
        if not self.taster.isTypeAllowed(word):
            raise InsecureJelly(word)
        read = self._readers.get(word)
        if read is not None:
            return read(self, obj)
        registered = unjellyableRegistry.get(word)
        if registered is not None:
            blank = _createBlank(registered)
            method: Any = getattr(blank, "unjellyFor", registered)
            return self._maybePostUnjelly(method(self, obj))
        if word in unjellyableFactoryRegistry:
            return super().unjelly(obj)
        thunk = _THUNKS.get(word)
        # The rest is what a security policy allows, and all that is refused.
        return super().unjelly(obj) if thunk is None else thunk(self, obj[1:])


def _isStandIn(part: Any) -> bool:
    """
    Whether it stands for a value that is not there, or, as a tuple that has
    itself in it, cannot be.
    """
    if type(part) is _Dereference:
        return True
    return isinstance(part, NotKnown) and not part.resolved


def given(sexp: object) -> Iterator[list[Any]]:
    """
    Find what the peer counts as given to this side in a message.

    @return: the C{[b"remote", luid]}, C{[b"cached", luid]} and C{[tag, luid,
        state]} in it.
    """
    stack: list[object] = [sexp]
    while stack:
        value = stack.pop()
        if not isinstance(value, list) or not value:
            continue
        word = value[0]
        counted = len(value) > 1 and type(value[1]) is int
        if word == b"remote" or word == b"cached":
            if len(value) == 2 and counted:
                yield value
        elif isinstance(word, bytes) and word not in ATOMS:
            if len(value) == 3 and counted:
                yield value
        stack.extend(child for _step, child in children(value))
