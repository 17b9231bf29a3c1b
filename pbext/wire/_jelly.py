"""
Reading a jelly, the nested list that stands between an object and its bytes,
without building anything from it: where a tag stands, and what in it Banana
or the peer could not take.

Paths are written as in C{$.ducks[3].name}: C{$} is the value as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.spread.banana import SIZE_LIMIT

from pbext.errors import NotSendable

__all__ = ["ATOMS", "UNSENDABLE", "checkSendable", "children", "findTag", "pathTo"]

#: The first words of a jelly that are not tags of classes; from the
#: C{_unjelly_} methods of C{twisted.spread.jelly._Unjellier} and the
#: registrations in C{twisted.spread.flavors} and C{twisted.spread.pb}.
ATOMS = frozenset(
    b"None unicode boolean decimal datetime date time timedelta tuple list set "
    b"frozenset dictionary reference dereference persistent unpersistable class "
    b"module function method instance remote local cached lcache".split()
)

#: Banana's bounds for an integer: 64 digits in base 128
#: (C{twisted.spread.banana._PREFIX_LIMIT}).
_LARGEST = 2 ** (64 * 7) - 1
_SMALLEST = -_LARGEST

#: What to do with an object that Perspective Broker cannot send.
UNSENDABLE = "make its class a pb.Copyable, or send its parts"

_ITEMS = frozenset({b"tuple", b"list", b"set", b"frozenset"})


def children(sexp: list[object]) -> Iterator[tuple[str, object]]:
    """
    The values inside one jellied value, each with its step of the path.
    """
    head = sexp[0] if sexp else None
    rest = sexp[1:]
    if head == b"dictionary":
        for pair in rest:
            if isinstance(pair, (list, tuple)) and len(pair) == 2:
                yield "{key}", pair[0]
                yield _keyStep(pair[0]), pair[1]
    elif isinstance(head, bytes) and head in _ITEMS:
        for index, item in enumerate(rest):
            yield f"[{index}]", item
    elif head == b"reference":
        yield "", rest[1] if len(rest) == 2 else None
    elif not isinstance(head, bytes) or head not in ATOMS:
        # a class: [tag, state] or [tag, luid, state]
        for item in rest:
            yield "", item


def _keyStep(key: object) -> str:
    if isinstance(key, (list, tuple)) and len(key) == 2 and key[0] == b"unicode":
        key = key[1]
    if isinstance(key, bytes):
        name = key.decode("utf-8", "replace")
        return f".{name}" if name.isidentifier() else "[...]"
    return f"[{key}]" if isinstance(key, int) else "[...]"


def findTag(
    sexp: object, refused: Callable[[bytes], bool], words: bool = False
) -> tuple[bytes, str] | None:
    """
    Find the first tag that C{refused} says yes to.

    @param words: look at the words of jelly's own instead of at the tags.
    @return: the tag and its path, or C{None}.
    """
    for where, value in _lists(sexp):
        head = value[0]
        if isinstance(head, bytes) and (head in ATOMS) is words and refused(head):
            return head, _path(where)
    return None


def pathTo(sexp: object, part: object) -> str:
    """
    @return: where C{part}, the very list, stands; C{$} if it does not.
    """
    for where, value in _lists(sexp):
        if value is part:
            return _path(where)
    return "$"


#: Where a value stands: where that stands which it is in, and the step from
#: there; C{None} is the whole.
_Where = Any


def _lists(sexp: object) -> Iterator[tuple[_Where, list[Any] | tuple[Any, ...]]]:
    """
    @return: the lists in a jelly that are values and not empty, in their order.
    """
    # Iterative: a peer decides how deep this is.  And only links, for it decides
    # as well of how many parts a path would have to be made.
    stack: list[tuple[_Where, object]] = [(None, sexp)]
    while stack:
        where, value = stack.pop()
        if isinstance(value, (list, tuple)) and value:
            yield where, value
            inner = [
                ((where, step), child)
                for step, child in children(list(value))
                if isinstance(child, (list, tuple))
            ]
            stack.extend(reversed(inner))


def _path(where: _Where) -> str:
    steps = []
    while where is not None:
        where, step = where
        steps.append(step)
    return "".join(["$", *reversed(steps)])


def checkSendable(sexp: object, strict: bool = True, limit: int = SIZE_LIMIT) -> None:
    """
    Make sure that a jelly says what its author meant, and that Banana takes
    it.  Stock PB puts an C{unpersistable} where it finds an object that it
    cannot send, without a word to the sender, and finds a value too large
    only when it encodes.

    @param strict: whether an C{unpersistable} is an error.
    @param limit: how many bytes a string, and how many items a list may have.
    @raise NotSendable: with the path of the first such value.
    """
    if _sendable(sexp, strict, limit):
        return
    path = "$"
    descending = True
    while descending:
        # Only now, on the way to an error, is a path worth its cost.
        descending = False
        if isinstance(sexp, (list, tuple)) and not _flaw(sexp, strict, limit):
            for step, child in children(list(sexp)):
                if not _sendable(child, strict, limit):
                    path, sexp, descending = path + step, child, True
                    break
    flaw = _flaw(sexp, strict, limit)
    if flaw is None:
        # In what stands for the value itself: for a function, a method, a
        # module or a decimal that is no number, jelly has words that Banana
        # does not take.
        head = sexp[0] if isinstance(sexp, (list, tuple)) else sexp
        if isinstance(head, bytes):
            flaw = f"a {head.decode('utf-8', 'replace')}", "send a simpler value"
        else:
            flaw = f"a tag that is a {type(head).__name__}", "a tag has to be bytes"
    got, fix = flaw
    raise NotSendable(path=path, got=got, fix=fix)


def _sendable(value: object, strict: bool, limit: int) -> bool:
    # One loop over all that is inside, and the usual kinds first: each
    # message goes through here.
    lists: list[Any] = [(value,)]
    for items in lists:
        for item in items:
            kind = type(item)
            if kind is bytes:
                if len(item) > limit:
                    return False
            elif kind is int:
                if not _SMALLEST <= item <= _LARGEST:
                    return False
            elif _flaw(item, strict, limit) is not None:
                return False
            elif isinstance(item, (list, tuple)):
                # Pair by pair: a key may well be the bytes b"unpersistable".
                pairs = item and item[0] == b"dictionary"
                lists.extend(item[1:]) if pairs else lists.append(item)
    return True


def _flaw(value: object, strict: bool, limit: int) -> tuple[str, str] | None:
    """
    @return: what is wrong with this value itself, not with what is in it, and
        what to do.
    """
    if isinstance(value, bytes):
        if len(value) > limit:
            return f"{len(value)} bytes", f"the limit is {limit} bytes"
    elif isinstance(value, int):
        if not _SMALLEST <= value <= _LARGEST:
            return "an integer of more than 448 bits", "send it as a string"
    elif isinstance(value, (list, tuple)):
        if len(value) > limit:
            return f"{len(value)} items", f"the limit is {limit} items"
        if value and value[0] == b"unpersistable" and strict:
            return value[1].decode("utf-8", "replace"), UNSENDABLE
        if value and value[0] == b"unicode" and len(value[1]) > limit:
            return f"a str of {len(value[1])} bytes", f"the limit is {limit} bytes"
    elif not isinstance(value, float):
        return f"a {type(value).__name__} where bytes belong", "send a simpler value"
    return None
