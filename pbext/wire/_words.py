"""
What reads jelly's own words: containers, texts, what refers to something.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from twisted.persisted.crefutil import NotKnown, _DictKeyAndValue
from twisted.spread.jelly import _Unjellier

from pbext.wire._crowding import FEW, checkKeys, membersOf
from pbext.wire._jelly import ATOMS
from pbext.wire._readers import Reader
from pbext.wire._unfinished import Unfinished

__all__ = ["COMMON", "DATA", "WORDS", "Part"]

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


class Part(NotKnown):
    """
    Stands for a part of the message that has not been read to its end.

    @ivar queue: see L{Unjellier<pbext.wire._unjelly.Unjellier>}.
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
    if found is named or not isinstance(named, (Part, type(None))):
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
        references[number] = Part(unjellier.queue)
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
WORDS: Mapping[bytes, Reader] = {
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
COMMON: Mapping[bytes, Reader] = {
    word: WORDS[word]
    for word in (b"None", b"boolean", b"dictionary", b"list", b"tuple", b"unicode")
}

#: What reads the words of plain data.
DATA: Mapping[bytes, Reader] = {
    word: read for word, read in WORDS.items() if word not in _CODE
}
