"""
Bytes of a stranger's that are small, or well-formed, or both, and cost the
process that reads them far more than they cost the stranger: rows C2 and C3.

They are made of plain strings, without a vocabulary, and so the same before
the negotiation and after it, in either dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

__all__ = [
    "BOMBS",
    "MODULUS",
    "Bomb",
    "callOf",
    "colliding",
    "header",
    "integer",
    "keyed",
    "lists",
    "probing",
    "ring",
    "string",
]

_LIST, _INT, _STRING, _NEG = b"\x80", b"\x81", b"\x82", b"\x83"

#: The largest string that Banana takes, and the longest list.
_LARGEST = 640 * 1024

#: The largest integer whose hash is itself: those of this and multiples of it
#: are 0.
MODULUS = 2**61 - 1


def _b128(number: int) -> bytes:
    digits = bytearray()
    while True:
        digits.append(number & 0x7F)
        number >>= 7
        if not number:
            return bytes(digits)


def integer(number: int) -> bytes:
    """
    @return: the token.
    """
    return _b128(abs(number)) + (_NEG if number < 0 else _INT)


def string(value: bytes) -> bytes:
    """
    @return: the token.
    """
    return _b128(len(value)) + _STRING + value


def header(length: int) -> bytes:
    """
    @return: the token that a list of so many items begins with.
    """
    return _b128(length) + _LIST


def lists(*parts: bytes) -> bytes:
    """
    @return: the tokens of a list.
    """
    return header(len(parts)) + b"".join(parts)


def callOf(*args: bytes, method: bytes = b"echo", number: int = 1000) -> bytes:
    """
    @return: a call of the root.
    """
    return lists(
        string(b"message"),
        integer(number),
        string(b"root"),
        string(method),
        integer(1),
        lists(string(b"tuple"), *args),
        lists(string(b"dictionary")),
    )


def keyed(keys: Iterator[bytes] | list[bytes]) -> bytes:
    """
    @return: a dictionary with these keys.
    """
    none = lists(string(b"None"))
    return lists(string(b"dictionary"), *(lists(key, none) for key in keys))


def ring(levels: int, width: int, word: bytes) -> bytes:
    """
    @return: containers in each other, each C{width} times in the next one,
        by reference: C{width ** levels} of the innermost.
    """
    value = lists(string(word))
    for number in range(1, levels + 1):
        again = lists(string(b"dereference"), integer(number))
        value = lists(
            string(word),
            lists(string(b"reference"), integer(number), value),
            *[again] * (width - 1),
        )
    return value


def colliding(count: int) -> Iterator[tuple[int, int]]:
    """
    Pairs of integers, all of the same hash: that of a tuple is not salted
    (C{Objects/tupleobject.c}), and each step of it can be undone.
    """
    one, two, five = 11400714785074694791, 14029467366897019727, 2870177450012600261
    whole = 2**64 - 1

    def turned(number: int, bits: int) -> int:
        return ((number << bits) | (number >> (64 - bits))) & whole

    undoOne, undoTwo = pow(one, -1, 2**64), pow(two, -1, 2**64)
    goal, first = 12345, 0
    while count:
        sofar = turned((five + first * two) & whole, 31) * one & whole
        second = (turned(goal * undoOne & whole, 33) - sofar) * undoTwo & whole
        second -= second >> 63 << 64
        if abs(second) < MODULUS and second != -1:
            yield first, second
            count -= 1
        first += 1


def probing(bits: int) -> list[int]:
    """
    Small integers that a dict of C{2 ** bits} slots looks for
    in all the wrong places: half of it is one chain of slots, each of which
    is looked at after the one before, and each of the others, so many as fit
    in, enters the chain only after all its digits are used up
    (C{Objects/dictobject.c}: C{PERTURB_SHIFT}).
    """
    slots = 2**bits
    chain, slot = [], 0
    for _ in range(slots // 2):
        chain.append(slot)
        slot = (slot * 5 + 1) % slots
    taken = bytearray(slots)
    for slot in chain:
        taken[slot] = 1
    last: list[int] = []
    # The larger a number, the more digits have to be unlucky.
    number = slots
    while len(last) < slots * 2 // 3 - slots // 2 - 8:
        number += 1
        slot, perturb = number % slots, number
        while taken[slot] and perturb:
            perturb >>= 5
            slot = (slot * 5 + perturb + 1) % slots
        if taken[slot]:
            last.append(number)
    return chain + last


@attrs.frozen
class Bomb:
    """
    @ivar row: the row of C{FAULTS.md}.
    @ivar about: what it is.
    @ivar limit: which limit it runs into by default; empty if it is read.
    @ivar bytes: makes them.
    @ivar early: whether it is as good before the negotiation.
    """

    row: str
    about: str
    limit: str
    bytes: Callable[[], bytes]
    early: bool = False


#: By name.
BOMBS: dict[str, Bomb] = {
    "nested": Bomb(
        "C2a",
        "a million lists in each other, unclosed",
        "depth",
        lambda: b"\x01\x80" * 1_000_000,
        early=True,
    ),
    "empty": Bomb(
        "C2e",
        "four lists of 655,360 empty lists",
        "items",
        lambda: header(5) + (header(_LARGEST) + b"\x80" * _LARGEST) * 4,
        early=True,
    ),
    "strings": Bomb(
        "C2f",
        "64 strings of 640 KiB in an unclosed list",
        "maxMessageBytes",
        lambda: header(1000) + string(b"x" * _LARGEST) * 64,
        early=True,
    ),
    "tokens": Bomb(
        "C2g",
        "a list of 650,000 tokens of one byte",
        "",
        lambda: callOf(lists(string(b"list"), *[b"\x81"] * 650_000), method=b"drop"),
    ),
    "megabyte": Bomb(
        "C2h",
        "a megabyte of small items",
        "",
        lambda: callOf(
            lists(string(b"list"), *[string(b"ab"), integer(7)] * 170_000),
            method=b"drop",
        ),
    ),
    "references": Bomb(
        "C3a",
        "a list of lists of lists, each ten times in the next, by reference",
        "expandedItems",
        lambda: callOf(ring(9, 10, b"list"), integer(1), method=b"login"),
    ),
    "key": Bomb(
        "C3c",
        "a tuple of tuples of tuples, each twice in the next, as a key",
        "keyItems",
        lambda: callOf(keyed([ring(28, 2, b"tuple")])),
    ),
    "integers": Bomb(
        "C3d",
        "20,000 multiples of 2**61 - 1 as keys",
        "keyIntegers",
        lambda: callOf(keyed([integer(n * MODULUS) for n in range(1, 20_001)])),
    ),
    "decimals": Bomb(
        "C3d",
        "the same as decimals",
        "keyIntegers",
        lambda: callOf(
            keyed(
                [
                    lists(string(b"decimal"), integer(n * MODULUS), integer(0))
                    for n in range(1, 20_001)
                ]
            )
        ),
    ),
    "pairs": Bomb(
        "C3d",
        "20,000 tuples of two integers, of one hash, as keys",
        "keyCollisions",
        lambda: callOf(
            keyed(
                [
                    lists(string(b"tuple"), integer(a), integer(b))
                    for a, b in colliding(20_000)
                ]
            )
        ),
    ),
    "probes": Bomb(
        "C3d",
        "87,000 small integers as keys, each looked for behind the others",
        "keyCollisions",
        lambda: callOf(keyed([integer(n) for n in probing(17)])),
    ),
}
