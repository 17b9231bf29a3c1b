"""
From jelly to objects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.persisted.crefutil import NotKnown

# By name: the module has deprecated attributes, so to ask it for one is slow.
from twisted.spread.jelly import (
    InsecureJelly,
    _createBlank,
    _Unjellier,
    unjellyableFactoryRegistry,
    unjellyableRegistry,
)

from pbext.errors import PeerError, RefusedObject
from pbext.wire._jelly import ATOMS, children

__all__ = ["DATA", "Reader", "Unjellier", "given", "readClass", "readFactory"]

#: Reads one value: the unjellier, and the value's jelly.
Reader = Callable[[Any, list[Any]], Any]

#: Words that stand for code: what makes more of them than data.
_CODE = frozenset({b"class", b"function", b"instance", b"method", b"module"})


def _readWord(thunk: Callable[[Any, list[Any]], Any]) -> Reader:
    return lambda unjellier, jellyList: thunk(unjellier, jellyList[1:])


def _readWhole(thunk: Callable[[Any, list[Any]], Any]) -> Reader:
    """
    A tuple or a set, which stands for itself until all that is in it is known.
    """

    def read(unjellier: Any, jellyList: list[Any]) -> Any:
        found = thunk(unjellier, jellyList[1:])
        if isinstance(found, NotKnown):
            if found.resolved:
                return found.resolvedObject  # which it became while it was read
            found.queue = unjellier.queue  # type: ignore[attr-defined]  # see _Part
        return found

    return read


class _Part(NotKnown):
    """
    Stands for a part of the message that has not been read to its end.

    @ivar queue: see L{Unjellier}.
    """

    def __init__(self, queue: deque[Callable[[], None]]) -> None:
        super().__init__()
        self.queue = queue
        self._other: Any = None

    def addDependant(self, mutableObject: Any, key: Any) -> None:
        """
        Twisted's C{NotKnown.addDependant}.
        """
        if self._other is None:
            super().addDependant(mutableObject, key)
        else:
            self._other.addDependant(mutableObject, key)

    def isLike(self, other: NotKnown) -> None:
        """
        What waits for this has to wait for another one.
        """
        self._other = other
        for mutableObject, key in self.dependants:
            other.addDependant(mutableObject, key)


def _readReference(unjellier: Any, jellyList: list[Any]) -> Any:
    """
    A value with a number.  It may not be known itself, being a tuple that waits
    for another value: then what waits for its number waits for it.  Stock says
    to those that it is there, and never again; they keep its own stand-in.

    @raise LookupError: if it is nothing but itself.
    """
    _word, number, inner = jellyList
    found, references = unjellier.unjelly(inner), unjellier.references
    named = references.get(number)
    if found is named or not isinstance(named, (_Part, type(None))):
        raise LookupError("a reference to itself, or one of two with one number")
    references[number] = found
    if isinstance(found, NotKnown):
        found.addDependant(references, number)
        if named is not None:
            named.isLike(found)
    elif named is not None:
        named.resolveDependants(found)
        unjellier.goOn()
    return found


def _readDereference(unjellier: Any, jellyList: list[Any]) -> Any:
    _word, number = jellyList
    references = unjellier.references
    if number not in references:
        references[number] = _Part(unjellier.queue)
    return references[number]


#: What reads the words that are Twisted's own, as it does; but for those that
#: make cycles.
_WORDS: Mapping[bytes, Reader] = {
    word: _readWord(thunk)
    for word in ATOMS
    if (thunk := getattr(_Unjellier, f"_unjelly_{word.decode()}", None))
} | {
    b"dereference": _readDereference,
    b"frozenset": _readWhole(_Unjellier._unjelly_frozenset),
    b"reference": _readReference,
    b"set": _readWhole(_Unjellier._unjelly_set),
    b"tuple": _readWhole(_Unjellier._unjelly_tuple),
}

#: What reads the words of plain data.
DATA: Mapping[bytes, Reader] = {
    word: read for word, read in _WORDS.items() if word not in _CODE
}


def readClass(cls: Any) -> Reader:
    """
    @return: what reads the objects of a class, or calls a function that is in
        the place of one.
    """

    def read(unjellier: Any, jellyList: list[Any]) -> Any:
        method: Any = getattr(_createBlank(cls), "unjellyFor", cls)
        try:
            made = method(unjellier, jellyList)
        except PeerError as error:
            # The innermost object says where it was.
            if error.where is None:
                error.where = jellyList
            raise
        if unjellier.references:
            unjellier.places[id(made)] = jellyList
        return unjellier._maybePostUnjelly(made)

    return read


def readFactory(factory: Callable[[Any], Any]) -> Reader:
    """
    @return: what reads objects by a function of their state.
    """

    def read(unjellier: Any, jellyList: list[Any]) -> Any:
        try:
            if len(jellyList) != 2:
                # A Cacheable: a number before the state, and then updates.
                raise RefusedObject(
                    className=jellyList[0].decode("utf-8", "replace"),
                    errorType="a factory, which cannot follow a Cacheable",
                )
            made = factory(unjellier.unjelly(jellyList[1]))
        except PeerError as error:
            if error.where is None:
                error.where = jellyList
            raise
        return unjellier._maybePostUnjelly(made)

    return read


class Unjellier(_Unjellier):
    """
    Twisted's, but that references are read by the connection's own rules, and
    that it says which of them it has read.

    @ivar taken: the references and caches on the wire that have become
        objects here, each of which tells the peer when it is gone.
    @ivar places: by the C{id} of an object that may wait for part of a cycle:
        its jelly.
    @ivar queue: what goes on as soon as a part of a cycle is known to all that
        it stands in.
    """

    def __init__(
        self,
        taster: Any,
        invoker: Any,
        own: Mapping[bytes, Reader],
        taken: list[Any],
        readers: Mapping[bytes, Reader] | None = None,
    ) -> None:
        """
        @param own: what reads the words that belong to the connection.
        @param readers: what reads all the others; by default Twisted's
            tables, by the policy C{taster}.
        """
        super().__init__(taster, None, invoker)
        self._own = own
        self._readers = readers
        self.taken = taken
        self.places: dict[int, list[Any]] = {}
        self.queue: deque[Callable[[], None]] = deque()

    def unjellyFull(self, obj: Any) -> Any:
        """
        @return: the object of a jelly.
        @raise LookupError: if it refers to a part of it that is not there, or
            is a tuple or a set in itself; stock leaves a stand-in of its own
            in that place.
        """
        result = self.unjelly(obj)
        if any(isinstance(part, NotKnown) for part in self.references.values()):
            raise LookupError("a dereference without its reference")
        for callback in self.postCallbacks:
            callback()
        return result

    def goOn(self) -> None:
        """
        Call what is in the queue.
        """
        while self.queue:
            try:
                self.queue.popleft()()
            except PeerError as error:
                if error.where is None:
                    error.where = self.places.get(id(error.owner))
                error.owner = None
                raise

    def _maybePostUnjelly(self, unjellied: Any) -> Any:
        # Of the class's alone: stock calls what a peer has put into the object.
        if hasattr(type(unjellied), "postUnjelly"):
            self.postCallbacks.append(unjellied.postUnjelly)
        return unjellied

    def unjelly(self, obj: Any) -> Any:
        if type(obj) is not list:
            return obj
        word = obj[0]
        if self._readers is not None:
            read = self._own.get(word) or self._readers.get(word)
            if read is None:
                raise InsecureJelly(word)
            return read(self, obj)
        if not self.taster.isTypeAllowed(word):
            raise InsecureJelly(word)
        read = self._own.get(word)
        if read is not None:
            return read(self, obj)
        registered = unjellyableRegistry.get(word)
        if registered is not None:
            return readClass(registered)(self, obj)
        factory = unjellyableFactoryRegistry.get(word)
        if factory is not None:
            return readFactory(factory)(self, obj)
        read = _WORDS.get(word)
        # The rest is what a security policy allows, and all that is refused.
        return super().unjelly(obj) if read is None else read(self, obj)


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
