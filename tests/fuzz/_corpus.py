"""
What a fuzzer begins with: real conversations, and all that the tests have of
what is none.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from twisted.spread import util

from pbext import pb
from pbext.testing import connectedPair
from tests.bombs import callOf, colliding, integer, keyed, lists, probing, ring, string
from tests.fuzz._targets import (
    TARGETS,
    decoding,
    reading,
    streaming,
    talking,
    telling,
    writing,
)
from tests.fuzz._values import KINDS
from tests.goods import ERRORS, SENDABLE, UNREGISTERED, End
from tests.malformed import ANSWERED, CLOSING, IGNORED, NO_BANANA, NO_DIALECT
from tests.raw import bytesOf, encode

__all__ = ["seeds"]

#: Longer ones are what the bombs are for, not the fuzzer.
_LONGEST = 8_000


class _Library(pb.Root):
    """
    Sends what is too long for one message.
    """

    def remote_read(self, collector: Any) -> None:
        util.FilePager(collector, BytesIO(b"page " * 4_000))


class _Collector(pb.Referenceable):
    def remote_gotPage(self, page: bytes) -> None:
        pass

    def remote_endedPaging(self) -> None:
        pass


def _conversations() -> Iterator[bytes]:
    """
    What one end says to the other.
    """
    for ours in (True, False):
        server, client = End(True), End(ours)
        with connectedPair(server.desk) as pair:
            heard = [bytesOf(pair.server), bytesOf(pair.client)]
            for name in (*SENDABLE, *UNREGISTERED):
                for method in ("echo", "keep", "slowEcho", "asyncEcho"):
                    pair.root.callRemote(method, client.make(name)).addErrback(_drop)
                    pair.flush()
                pair.root.callRemote("give", name).addErrback(_drop)
                for deferred, make in server.desk.pending:
                    deferred.callback(make())
                server.desk.pending.clear()
                for end in (server, client):
                    for pond in end.ponds:
                        pond.addDuck("mallard")
                pair.flush()
                for said in heard:
                    yield b"".join(said)
                    said.clear()
            for name in ERRORS:
                pair.root.callRemote("fail", name).addErrback(_drop)
                pair.flush()
            server.renew()
            pair.flush()
            for said in heard:
                yield b"".join(said)
    with connectedPair(_Library()) as pair:
        heard = [bytesOf(pair.server), bytesOf(pair.client)]
        pair.root.callRemote("read", _Collector())
        pair.flush()
        for said in heard:
            yield b"".join(said)


def _drop(_: object) -> None:
    pass


def _small() -> Iterator[bytes]:
    """
    The bombs, as much of each as a fuzzer's limits do not take.
    """
    yield b"\x01\x80" * 50
    yield lists(*[b"\x80"] * 1_100)
    yield b"\x02\x80" + string(b"x" * 7_000) * 3
    yield callOf(ring(5, 6, b"list"))
    yield callOf(keyed([ring(8, 2, b"tuple")]))
    yield callOf(keyed([integer(n * (2**61 - 1)) for n in range(1, 8)]))
    yield callOf(
        keyed(
            [lists(string(b"tuple"), integer(a), integer(b)) for a, b in colliding(70)]
        )
    )
    pairs = [lists(string(b"tuple"), integer(a), integer(b)) for a, b in colliding(70)]
    yield callOf(lists(string(b"set"), *pairs))
    for word in (b"set", b"frozenset"):
        yield callOf(lists(string(word), *map(integer, range(100))))
    yield callOf(keyed([integer(n) for n in probing(7)]))
    yield callOf(lists(string(b"set"), integer(2**70), integer(-(2**70))))


#: Cycles, most of which cannot be, and the readers that there are.
_PARTS: list[Any] = [
    [b"reference", 1, [b"list", [b"dereference", 1]]],
    [b"reference", 1, [b"tuple", [b"dereference", 1]]],
    [b"reference", 1, [b"tuple", [b"list", [b"dereference", 1]]]],
    [b"reference", 1, [b"tuple", [b"reference", 2, [b"tuple", [b"dereference", 1]]]]],
    [
        b"reference",
        1,
        [
            b"list",
            [b"reference", 2, [b"tuple", [b"dereference", 1], [b"dereference", 2]]],
            [b"set", [b"tuple", [b"dereference", 1]]],
        ],
    ],
    [
        b"reference",
        1,
        [
            b"list",
            [b"reference", 2, [b"tuple", 1, [b"dereference", 3]]],
            [b"reference", 3, [b"tuple", 2, [b"dereference", 1]]],
            [b"dictionary", [[b"dereference", 2], [b"dereference", 1]]],
        ],
    ],
    [b"list", [b"dereference", 1], [b"reference", 1, [b"tuple", 1, 2]]],
    [b"set", [b"dereference", 1], [b"reference", 1, [b"frozenset", 1, 2]]],
    [b"dictionary", [[b"dereference", 1], 1], [2, [b"reference", 1, [b"tuple"]]]],
    [b"tuple", [b"dereference", 1], [b"reference", 1, [b"tuple", [b"dereference", 2]]]],
    *(
        [
            b"list",
            [b"reference", 1, [b"tests.fuzz." + tag, state]],
            [b"dereference", 1],
        ]
        for tag in (b"Copy Strict StockCopy Reader Plain twice lake nothing".split())
        for state in (
            [b"dictionary", [[b"unicode", b"a"], [b"dereference", 1]]],
            [b"dictionary", [b"number", 1], [b"things", [b"list", 1]], [b"_a", 1]],
            [b"dictionary", [b"number", [b"dereference", 2]]],
            [b"list", 1],
            7,
        )
    ),
    [b"tests.fuzz.Strict", [b"dictionary", [b"number", b"x"]]],
    [
        b"reference",
        1,
        [
            b"list",
            [
                b"tests.fuzz.Strict",
                [b"dictionary", [b"things", [b"dereference", 1]], [b"number", 1]],
            ],
        ],
    ],
    [
        b"reference",
        1,
        [
            b"tests.fuzz.Copy",
            [b"dictionary", [b"a", [b"set", [b"dereference", 1], *range(70)]]],
        ],
    ],
    [
        b"reference",
        1,
        [b"tests.fuzz.Strict", [b"dictionary", [b"things", [b"dereference", 1]]]],
    ],
    [
        b"list",
        [b"tests.fuzz.Strict", [b"dictionary", [b"number", [b"dereference", 9]]]],
        [b"reference", 9, [b"list"]],
    ],
    [b"tests.fuzz.Strict", 1, [b"dictionary"], []],
    [b"tests.fuzz.lake", 1, [b"dictionary"]],
    [b"instance", [b"class", b"tests.fuzz._targets.Reader"], [b"dictionary"]],
    [b"module", b"tests.fuzz._targets"],
    [b"boolean", b"true"],
    [b"decimal", -12, 3],
    [b"decimal", 2**70, -3],
    [b"datetime", b"2000 1 2 3 4 5 6"],
    [b"date", b"2000 1 2"],
    [b"time", b"3 4 5 6"],
    [b"timedelta", b"-3 4 5"],
    [b"None"],
    [b"unicode", b"\xc3\xa4"],
    [b"remote", 5],
    [b"unpersistable", b"because"],
]


def _kinds() -> Iterator[bytes]:
    """
    Each kind of value in each other.
    """
    chosen = random.Random(2)
    for outer in range(len(KINDS)):
        for inner in range(len(KINDS)):
            rest = bytes(chosen.choices(range(256), k=40))
            yield bytes([outer, chosen.randrange(1, 4), inner]) + rest
            yield bytes([outer, inner, chosen.randrange(1, 4)]) + rest


def seeds() -> Iterator[bytes]:
    """
    @return: inputs for L{run<tests.fuzz._targets.run>}.
    """
    talk = [said for said in _conversations() if said]
    bad = [encode(sexp) for sexp in (*ANSWERED, *CLOSING, *IGNORED, *NO_DIALECT)]
    for number, said in enumerate((*talk, *_small(), *bad, *NO_BANANA)):
        said = said[:_LONGEST]
        yield _input(decoding, 8 | number % 8, said)
        yield _input(talking, number % 8, said)
        if number < len(talk):
            yield _input(talking, number % 8 | 16, said)
        if number % 8 == 0:
            yield _input(talking, 8, said)
            yield _input(decoding, 0, said)
    for number, sexp in enumerate(ANSWERED):
        yield _input(reading, number % 4, encode(sexp[5])[:_LONGEST])
    for said in _small():
        yield _input(reading, 0, said)
    for sexp in _PARTS:
        for how in range(4):
            yield _input(reading, how, encode(sexp))
    chosen = random.Random(1)
    for number in range(200):
        data = bytes(chosen.choices(range(256), k=150))
        yield _input(writing, number % 16, data)
        yield _input(telling, number % 4 | (number * 8 & 0xF8), data)
        yield _input(streaming, 8 * (number % 4 == 0), data)
    for number, data in enumerate(_kinds()):
        yield _input(writing, (0, 0, 0, 1, 2, 3, 4, 8)[number % 8], data)


def _input(target: Any, how: int, data: bytes) -> bytes:
    return bytes([TARGETS.index(target), how]) + data
