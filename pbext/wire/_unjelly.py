"""
From jelly to objects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from twisted.persisted.crefutil import NotKnown, _DictKeyAndValue

# By name: the module has deprecated attributes, so to ask it for one is slow.
from twisted.spread.jelly import (
    InsecureJelly,
    SecurityOptions,
    _Unjellier,
    unjellyableFactoryRegistry,
    unjellyableRegistry,
)

from pbext.errors import PeerError
from pbext.wire._codec import read
from pbext.wire._crowding import DEFAULT, FEW, checkKeys, membersOf
from pbext.wire._encoded import Encoded
from pbext.wire._jelly import ATOMS, children
from pbext.wire._readers import Reader, readClass, readFactory
from pbext.wire._unfinished import Unfinished

__all__ = ["DATA", "Unjellier", "given"]

_isTypeAllowed = SecurityOptions.isTypeAllowed

#: Words that stand for code: what makes more of them than data.
_CODE = frozenset({b"class", b"function", b"instance", b"method", b"module"})


def _readWord(thunk: Callable[[Any, list[Any]], Any]) -> Reader:
    return lambda unjellier, jellyList: thunk(unjellier, jellyList[1:])


def _readMembers(kind: Callable[[list[Any]], Any]) -> Reader:
    """
    @return: what reads a set.
    """

    def read(unjellier: Any, jellyList: list[Any]) -> Any:
        unjellier.hashing += 1
        items = _readItems(unjellier, jellyList)
        unjellier.hashing -= 1
        make = kind
        if len(items) > FEW:
            make = partial(membersOf, kind, unjellier.collisions)
        if unjellier.references and any(isinstance(item, NotKnown) for item in items):
            # One of them is enough for all the others to be hashed later.
            return Unfinished(items, make, unjellier.queue)
        return make(items)

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
    unjellier.opened.add(number)
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
    """
    A value again that has a number.

    @raise LookupError: if it is, or is within, a key or a member of a set, and
        the value comes only later.
    """
    _word, number = jellyList
    references = unjellier.references
    if number not in references:
        if unjellier.hashing and number not in unjellier.opened:
            # What it stands for would be hashed, however large it is, and nobody
            # has counted it; no jellier refers to what comes later.
            raise LookupError("a dereference before its reference, in a key")
        references[number] = _Part(unjellier.queue)
    return references[number]


def _readUnicode(unjellier: Any, jellyList: list[Any]) -> str:
    return str(jellyList[1], "utf-8")


def _readNone(unjellier: Any, jellyList: list[Any]) -> None:
    return None


def _readBoolean(unjellier: Any, jellyList: list[Any]) -> bool:
    word = jellyList[1]
    if word == b"true":
        return True
    if word == b"false":
        return False
    raise ValueError("a boolean that is neither true nor false")


def _readItems(unjellier: Any, jellyList: list[Any]) -> list[Any]:
    known, references = unjellier.known, unjellier.references
    items: list[Any] = []
    for item in islice(jellyList, 1, None):
        if type(item) is list:
            read = known(item[0]) or unjellier.find(item[0])
            if read is _readUnicode:
                item = str(item[1], "utf-8")
            else:
                item = read(unjellier, item)
                # Nothing is unknown where nothing is referred to.
                if references and isinstance(item, NotKnown):
                    item.addDependant(items, len(items))
        items.append(item)
    return items


def _readTuple(unjellier: Any, jellyList: list[Any]) -> Any:
    items = _readItems(unjellier, jellyList)
    if unjellier.references and any(isinstance(item, NotKnown) for item in items):
        return Unfinished(items, tuple, unjellier.queue)
    return tuple(items)


class _Pairs:
    """
    What is to be in a dict, until it is known whether its keys make one.
    """

    def __init__(self) -> None:
        self._keys: list[Any] = []
        self._values: list[Any] = []
        self._made: dict[Any, Any] | None = None

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._made is None:
            self._keys.append(key)
            self._values.append(value)
        else:
            self._made[key] = value  # a value that was not known until now

    def whole(self, collisions: int) -> dict[Any, Any]:
        """
        @return: the dict.
        """
        checkKeys(self._keys, False, collisions)
        self._made = dict(zip(self._keys, self._values, strict=True))
        return self._made


def _readDict(unjellier: Any, jellyList: list[Any]) -> dict[Any, Any]:
    known, references = unjellier.known, unjellier.references
    found: Any = {} if len(jellyList) <= FEW else _Pairs()
    for key, value in islice(jellyList, 1, None):
        if type(key) is list:
            read = known(key[0]) or unjellier.find(key[0])
            if read is _readUnicode:
                key = str(key[1], "utf-8")
            else:
                unjellier.hashing += 1
                key = read(unjellier, key)
                unjellier.hashing -= 1
                if references and isinstance(key, NotKnown):
                    _readPair(unjellier, found, key, value)
                    continue
        if type(value) is list:
            read = known(value[0]) or unjellier.find(value[0])
            if read is _readUnicode:
                value = str(value[1], "utf-8")
            else:
                value = read(unjellier, value)
                if references and isinstance(value, NotKnown):
                    pair = _DictKeyAndValue(found)
                    pair[0] = key
                    value.addDependant(pair, 1)
        found[key] = value
    return found if type(found) is dict else found.whole(unjellier.collisions)


def _readPair(unjellier: Any, found: Any, key: NotKnown, value: Any) -> None:
    """
    Read a value whose key is not known yet.
    """
    pair = _DictKeyAndValue(found)
    key.addDependant(pair, 0)
    pair[0] = key
    unjellier.unjellyInto(pair, 1, value)


#: What reads the words that are Twisted's own, as it does; but for those that
#: make cycles, and those that most messages are made of.
_WORDS: Mapping[bytes, Reader] = {
    word: _readWord(thunk)
    for word in ATOMS
    if (thunk := getattr(_Unjellier, f"_unjelly_{word.decode()}", None))
} | {
    b"None": _readNone,
    b"boolean": _readBoolean,
    b"dereference": _readDereference,
    b"dictionary": _readDict,
    b"frozenset": _readMembers(frozenset),
    b"list": _readItems,
    b"reference": _readReference,
    b"set": _readMembers(set),
    b"tuple": _readTuple,
    b"unicode": _readUnicode,
}

#: Those of them that are in most messages.
_COMMON: Mapping[bytes, Reader] = {
    word: _WORDS[word]
    for word in (b"None", b"boolean", b"dictionary", b"list", b"tuple", b"unicode")
}

#: What reads the words of plain data.
DATA: Mapping[bytes, Reader] = {
    word: read for word, read in _WORDS.items() if word not in _CODE
}


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
        @param readers: what reads all the others, and none of these; by default
            Twisted's tables, by the policy C{taster}.
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
        @return: the object of a jelly, in lists or in bytes.
        @raise LookupError: if it refers to a part of it that is not there, or
            is a tuple or a set in itself; stock leaves a stand-in of its own
            in that place.
        """
        if type(obj) is not Encoded:
            result = self.unjelly(obj)
        elif read is None or obj.cyclic:
            result = self.unjelly(obj.sexp())
        else:
            result = read(obj, self)
        if self.references and any(
            isinstance(part, NotKnown) for part in self.references.values()
        ):
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
        return (self.known(obj[0]) or self.find(obj[0]))(self, obj)

    def find(self, word: Any) -> Reader:
        """
        @return: what reads the lists that begin with a word.
        @raise InsecureJelly: if nothing does.
        """
        if self._readers is not None:
            read = self._own.get(word)
            if read is None:
                raise InsecureJelly(word)
            return read
        taster, own, found = self.taster, self._own, self._found
        isStock = getattr(taster.isTypeAllowed, "__func__", None) is _isTypeAllowed
        if word in _COMMON and isStock and _isCommon(taster.allowedTypes, own):
            found.update(_COMMON)
            return _COMMON[word]
        if not taster.isTypeAllowed(word):
            raise InsecureJelly(word)
        read = own.get(word) or _inTables(word)
        if isStock:
            found[word] = read
        return read


def _isCommon(allowed: Mapping[bytes, Any], own: Mapping[bytes, Reader]) -> bool:
    """
    Whether the words that are in most messages are all allowed, and nobody has
    given another meaning to one of them.
    """
    words = _COMMON.keys()
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
    return _WORDS.get(word, _Unjellier.unjelly)


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
