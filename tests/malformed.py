"""
Messages that are none of Perspective Broker's, by the hundred.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.raw import nested

__all__ = ["ANSWERED", "CLOSING", "IGNORED", "NO_BANANA", "NO_DIALECT", "call"]

_FAILURE = b"twisted.spread.pb.CopyableFailure"

#: Deep, and within the limits.
_DEEP = 300

#: What can stand for a number and is none, or one that was never given.
_ODD = [b"x", [], [[]], -1, 0, 99, 2**400, 1.5, [b"list", 1], nested(_DEEP, b"list")]


def call(
    args: Any = (b"tuple",),
    kw: Any = (b"dictionary",),
    *,
    number: Any = 1000,
    target: Any = b"root",
    method: Any = b"echo",
    wanted: Any = 1,
) -> list[Any]:
    """
    @return: a call, C{root.echo()} if nothing else is said.
    """
    args = list(args) if isinstance(args, tuple) else args
    kw = list(kw) if isinstance(kw, tuple) else kw
    return [b"message", number, target, method, wanted, args, kw]


def _state(*pairs: Any) -> list[Any]:
    return [_FAILURE, [b"dictionary", *pairs]]


#: What no jellier makes, or refers to what was never given, or is not allowed.
_NO_JELLY: list[Any] = [
    [],
    [[]],
    [1],
    [1.5],
    [b""],
    [b"."],
    [b"\xff"],
    [b"\xff.x", 1],
    [b"nothing"],
    [b"tests.nothing", 1],
    [b"tests.nothing", 1, 2],
    [b"unicode"],
    [b"unicode", 5],
    [b"unicode", b"\xff"],
    [b"boolean"],
    [b"boolean", b"x"],
    [b"decimal"],
    [b"decimal", b"x", 1],
    [b"datetime", b"x"],
    [b"datetime", b"1 2 3 4 5 6 7 8 9"],
    [b"date", b""],
    [b"time", 5],
    [b"timedelta", b"1"],
    [b"dictionary", 1],
    [b"dictionary", [1]],
    [b"dictionary", [1, 2, 3]],
    [b"dictionary", [[b"list"], 1]],
    [b"set", [b"list"]],
    [b"frozenset", [b"dictionary"]],
    [b"reference"],
    [b"reference", 1],
    [b"reference", [], [b"list"]],
    [b"tuple", [b"reference", 1, [b"list"]], [b"reference", 1, [b"list"]]],
    [b"dereference"],
    [b"dereference", 1],
    [b"dereference", []],
    [b"list", [b"list", [b"dereference", 1]]],
    [b"set", [b"dereference", 1]],
    [b"remote"],
    [b"remote", b"root"],
    [b"remote", 1, 2],
    [b"local", 99],
    [b"local", b"root"],
    [b"cached", 1],
    [b"lcache", 1],
    [b"class", b"os.system"],
    [b"function", b"os.system"],
    [b"module", b"os"],
    [b"instance", b"os", [b"dictionary"]],
    [b"method", b"a", [b"None"], [b"None"]],
    [b"unpersistable"],
    [_FAILURE],
    [_FAILURE, 1],
    [_FAILURE, [b"list"]],
    _state(),
    _state([[b"unicode", b"parents"], 1], [[b"unicode", b"postUnjelly"], 1]),
    nested(_DEEP, _FAILURE),
]


def _answered() -> Iterator[Any]:
    for bad in _NO_JELLY:
        yield call(bad)
        yield call((b"tuple", bad))
        yield call(kw=bad)
        yield call(kw=(b"dictionary", [b"thing", bad]))
        yield call(kw=(b"dictionary", [bad, 1]))
    for bad in (5, 1.5, b"x", [b"None"], [b"set", 1], [b"unicode", b"x"]):
        yield call(bad)
        yield call(kw=bad)
    for key in (5, b"\xff", b"self", [b"tuple"], [b"unicode", b"other"]):
        yield call(kw=(b"dictionary", [key, 1]))
    yield call((b"tuple", *range(1000)))
    yield call((b"tuple", [b"tests." + b"x" * 600_000, 1]))
    for odd in _ODD:
        yield call(target=odd)
        yield [b"cachemessage", 1000, odd, b"echo", 1, [b"tuple"], [b"dictionary"]]
    for name in (b"", b"\xff", b"__class__", b"x" * 100_000, b"echo\n"):
        yield call(method=name)


def _closing() -> Iterator[Any]:
    arities = {
        b"version": 1,
        b"message": 6,
        b"cachemessage": 6,
        b"answer": 2,
        b"error": 2,
        b"decref": 1,
        b"decache": 1,
        b"uncache": 1,
        b"didNotUnderstand": 1,
    }
    for command, right in arities.items():
        for arity in range(9):
            if arity != right:
                yield [command, *[1] * arity]
    for odd in _ODD:
        yield [b"version", odd]
        yield [b"decref", odd]
        yield [b"decache", odd]
        yield [b"answer", odd, 1]
        yield [b"error", odd, [b"None"]]
        if odd not in (-1, 0, 99, 2**400):
            yield call(number=odd)
        if odd != b"x":
            yield call(method=odd)
        if type(odd) is not int:
            yield [b"uncache", odd]
    yield from (5, -5, 1.5, b"message", [], [[]], [5], [[b"message"]])
    yield nested(_DEEP)


#: Calls that are answered with an error.
ANSWERED = list(_answered())

#: What costs the connection.
CLOSING = list(_closing())

#: What cannot harm, and is let pass: the end of a cache that may have been
#: refused, and the complaints of the peer.
IGNORED = [
    *([b"uncache", odd] for odd in _ODD if type(odd) is int),
    *([b"didNotUnderstand", odd] for odd in _ODD[:-1]),
]

#: Instead of the name of a dialect.
NO_DIALECT = [
    5,
    1.5,
    b"",
    b"banana",
    [],
    [b"pb"],
    [[b"pb"]],
    [b"version", 6],
    call(),
    nested(_DEEP, b"list"),
]

#: Bytes that are no Banana, or more of it than may be.
NO_BANANA = [
    b"\xff",  # no such type
    b"\x01" * 65,  # longer than a number may be
    b"\x01" * 65 + b"\x81",
    b"\x7f" * 9 + b"\x80",  # a list that is too long
    b"\x7f" * 9 + b"\x82",  # a string that is
    b"\x7f\x87",  # a word that is not in the vocabulary
    b"\x02\x80\xfe",  # in the midst of a list
]
