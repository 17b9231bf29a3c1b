"""
How an input becomes another one: by its tokens, for bytes that are changed at
random are most often no Banana any more, and not looked at.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.bombs import header, integer, lists, string

__all__ = ["mutated"]

#: What the type bytes of strings and floats are followed by.
_STRING, _FLOAT = 0x82, 0x84

_WORDS = (
    b"list tuple dictionary set frozenset unicode boolean decimal date time datetime "
    b"timedelta reference dereference remote local cached lcache unpersistable None "
    b"message cachemessage answer error decref decache uncache version root echo keep "
    b"make tests.fuzz.Copy tests.fuzz.Strict tests.fuzz.StockCopy tests.nothing a "
    b"tests.fuzz.Reader tests.fuzz.Plain tests.fuzz.twice tests.fuzz.lake class module "
    b"tests.fuzz.later "
    b"begin chunk took refused"
).split()

_NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    127,
    128,
    1000,
    2**31,
    2**61 - 1,
    2**70,
    2**447,
    -1,
    -(2**61),
)


def _tokens(data: bytes) -> list[bytes]:
    """
    @return: the tokens, as far as there are any, and the rest.
    """
    found, start, at = [], 0, 0
    while at < len(data):
        kind, at = data[at], at + 1
        if kind < 0x80:
            continue
        if kind == _STRING:
            size = sum(d << 7 * n for n, d in enumerate(data[start : at - 1][:4]))
            at += size
        elif kind == _FLOAT:
            at += 8
        found.append(data[start:at])
        start = at
    return [*found, data[start:]]


def _new(chosen: random.Random) -> bytes:
    """
    @return: a token, or a few.
    """
    kind = chosen.randrange(8)
    if kind < 2:
        return string(chosen.choice(_WORDS))
    if kind == 2:
        return integer(chosen.choice(_NUMBERS))
    if kind == 3:
        return header(chosen.randrange(6))
    if kind == 4:
        return bytes([chosen.randrange(1, 32), 0x87])
    if kind == 5:
        return lists(string(b"unicode"), string(chosen.choice(_WORDS)))
    number = integer(chosen.randrange(1, 4))
    if kind == 6:
        return lists(string(b"dereference"), number)
    return header(3) + string(b"reference") + number


def _remove(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    del tokens[at : at + chosen.randrange(1, 4)]


def _insert(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    tokens.insert(at, _new(chosen))


def _replace(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    tokens[at] = _new(chosen)


def _repeat(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    size = chosen.randrange(1, 12)
    tokens[at:at] = tokens[at : at + size] * chosen.randrange(1, 5)


def _move(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    size = chosen.randrange(1, 12)
    other = chosen.randrange(len(tokens))
    tokens[at:at] = tokens[other : other + size]


def _nest(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    word = string(chosen.choice((b"list", b"tuple", b"set")))
    tokens[at:at] = [header(2), word] * chosen.randrange(1, 25)


def _cut(tokens: list[bytes], at: int, chosen: random.Random) -> None:
    tokens[at] = tokens[at][: chosen.randrange(len(tokens[at]) + 1)]


_WAYS: list[Callable[[list[bytes], int, random.Random], None]] = [
    _remove,
    _insert,
    _insert,
    _replace,
    _replace,
    _repeat,
    _move,
    _move,
    _nest,
    _cut,
]


def mutated(data: bytes, seed: int) -> bytes:
    """
    @param data: an input: two bytes, and tokens.
    @return: it, changed in a few places.
    """
    chosen = random.Random(seed)
    head, tokens = data[:2], _tokens(data[2:])
    for _ in range(chosen.randrange(1, 4)):
        at = chosen.randrange(len(tokens)) if tokens else 0
        if not tokens:
            tokens.append(b"")
        chosen.choice(_WAYS)(tokens, at, chosen)
    if chosen.randrange(8) == 0 and len(head) == 2:
        head = bytes([head[0], chosen.randrange(32)])
    return head + b"".join(tokens)
