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
    SecurityOptions,
    _Unjellier,
    unjellyableFactoryRegistry,
    unjellyableRegistry,
)

from pbext.errors import PeerError
from pbext.wire._crowding import DEFAULT
from pbext.wire._jelly import ATOMS, children, pathTo
from pbext.wire._parts import listsOf
from pbext.wire._readers import Reader, readClass, readFactory
from pbext.wire._words import COMMON, WORDS

__all__ = ["Unjellier", "given", "read"]

_isTypeAllowed = SecurityOptions.isTypeAllowed


class Unjellier(_Unjellier):
    """
    Twisted's, but that references are read by the connection's own rules, and
    that it says which of them it has read.

    @ivar taken: the words and the numbers of the references and caches on the
        wire that have become objects here, each of which tells the peer when
        it is gone.
    @ivar places: by the C{id} of an object that may wait for part of a cycle:
        its jelly.
    @ivar known: gives what reads the lists that begin with a word, or C{None},
        which says nothing: L{find} it.
    @ivar queue: what goes on as soon as a part of a cycle is known to all that
        it stands in.
    @ivar collisions: how many other keys each key of a dict, and each member of
        a set, may have in its way.
    """

    persistentLoad = None

    _queue: deque[Callable[[], None]] | None = None

    def __init__(
        self,
        taster: Any,
        invoker: Any,
        own: Mapping[bytes, Reader],
        taken: list[tuple[bytes, Any]],
        readers: Mapping[bytes, Reader] | None = None,
    ) -> None:
        """
        @param own: what reads the words that belong to the connection.
        @param readers: what reads all words, these among them; by default these
            and Twisted's tables, by the policy C{taster}.
        """
        # One is made for each value, so what Twisted's sets is set here.
        self.taster = taster
        self.references: dict[Any, Any] = {}
        self.postCallbacks: list[Callable[[], object]] = []
        self.invoker = invoker
        self._own = own
        self._readers = readers
        # Neither Twisted's tables nor a policy of stock's change within a
        # message, so what was found there is kept.
        self._found: dict[bytes, Reader] = {}
        # Whether a key or a member of a set is read, and of which references the
        # beginning has been read.
        self.hashing = 0
        self.opened: set[Any] = set()
        self.known = (self._found if readers is None else readers).get
        self.taken = taken
        self.places: dict[int, list[Any]] = {}

    @property
    def collisions(self) -> int:
        limits = getattr(self.invoker, "limits", None)
        most: int = getattr(limits, "keyCollisions", DEFAULT)
        return most

    @property
    def queue(self) -> deque[Callable[[], None]]:
        """
        What goes on as soon as a part of a cycle is known to all that it stands
        in.
        """
        if self._queue is None:
            self._queue = deque()
        return self._queue

    def unjellyFull(self, obj: Any) -> Any:
        """
        @return: the object of a jelly in lists.
        @raise LookupError: as of L{finish}.
        """
        result = self.unjelly(obj)
        self.finish()
        return result

    def finish(self) -> None:
        """
        All is read.

        @raise LookupError: if it refers to a part of it that is not there, or
            is a tuple or a set in itself; stock leaves a stand-in of its own
            in that place.
        """
        if self.references and any(
            isinstance(part, NotKnown) for part in self.references.values()
        ):
            raise LookupError("a dereference without its reference")
        for callback in self.postCallbacks:
            callback()

    def goOn(self) -> None:
        """
        Call what is in the queue.
        """
        while self.queue:
            try:
                self.queue.popleft()()
            except PeerError as error:
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
        return (self.known(obj[0]) or self.find(obj[0]))(self, obj)

    def find(self, word: Any) -> Reader:
        """
        @return: what reads the lists that begin with a word.
        @raise InsecureJelly: if nothing does.
        """
        if self._readers is not None:
            raise InsecureJelly(word)
        taster, own, found = self.taster, self._own, self._found
        isStock = getattr(taster.isTypeAllowed, "__func__", None) is _isTypeAllowed
        if word in COMMON and isStock and _isCommon(taster.allowedTypes, own):
            found.update(COMMON)
            return COMMON[word]
        if not taster.isTypeAllowed(word):
            raise InsecureJelly(word)
        read = own.get(word) or _inTables(word)
        if isStock:
            found[word] = read
        return read


def read(part: Any, *terms: Any) -> Any:
    """
    @param part: a value's jelly, in lists or in bytes.
    @param terms: as of L{Unjellier}.
    @return: the value.
    @raise PeerError: if it is refused; the C{where} is the path of the object
        that refuses, and the object's word.
    """
    sexp = listsOf(part)
    try:
        return Unjellier(*terms).unjellyFull(sexp)
    except PeerError as error:
        if type(error.where) is list:
            error.where = pathTo(sexp, error.where), error.where[0]
        raise


def _isCommon(allowed: Mapping[bytes, Any], own: Mapping[bytes, Reader]) -> bool:
    """
    Whether the words that are in most messages are all allowed, and nobody has
    given another meaning to one of them.
    """
    words = COMMON.keys()
    return (
        words <= allowed.keys()
        # By keys, for then the smaller one is gone through.
        and words.isdisjoint(own.keys())
        and words.isdisjoint(unjellyableRegistry.keys())
        and words.isdisjoint(unjellyableFactoryRegistry.keys())
    )


def _inTables(word: Any) -> Reader:
    """
    As Twisted finds it.
    """
    registered = unjellyableRegistry.get(word)
    if registered is not None:
        return readClass(registered)
    factory = unjellyableFactoryRegistry.get(word)
    if factory is not None:
        return readFactory(factory)
    # The rest is what a security policy allows, and all that is refused.
    return WORDS.get(word, _Unjellier.unjelly)


def given(sexp: object) -> Iterator[tuple[bytes, int]]:
    """
    Find what the peer counts as given to this side in a message.

    @return: the words and the numbers of the C{[b"remote", luid]}, C{[b"cached",
        luid]} and C{[tag, luid, state]} in it.
    """
    stack: list[object] = [sexp]
    while stack:
        value = stack.pop()
        if not isinstance(value, list) or not value:
            continue
        word = value[0]
        luid = value[1] if len(value) > 1 else None
        if type(luid) is int and isinstance(word, bytes):
            size = 2 if word in (b"remote", b"cached") else 3
            if len(value) == size and (size == 2 or word not in ATOMS):
                yield word, luid
        stack.extend(child for _step, child in children(value))
