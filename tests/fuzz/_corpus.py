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
from tests.fuzz._cases import edges, pretended, streamed, taken, values
from tests.fuzz._parts import PARTS
from tests.fuzz._streaming import streaming
from tests.fuzz._targets import TARGETS, decoding, reading, talking, telling, writing
from tests.fuzz._values import KINDS
from tests.goods import ERRORS, SENDABLE, UNREGISTERED, End
from tests.malformed import ANSWERED, CLOSING, IGNORED, NO_BANANA, NO_DIALECT
from tests.raw import bytesOf, encode

__all__ = ["seeds"]

#: Longer ones are what the bombs are for, not the fuzzer.
_LONGEST = 8_000

#: In turn, how a value is written: by the policies, with a limit that is small, as
#: what is taken for jelly, and read again.  As many as have nothing in common
#: with what it is that is written.
_HOWS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 19)


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
    for sexp in PARTS:
        yield _input(decoding, 8, encode(sexp))
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
    for data in edges():
        for how in _HOWS:
            yield _input(writing, how, data)
    for number, data in enumerate(values()):
        yield _input(writing, _HOWS[number % len(_HOWS)], data)
        yield _input(telling, number % 256, data)
    for data in (taken(), *streamed()):
        yield _input(talking, 16, data)
    for data in pretended():
        yield _input(streaming, 8, data)


def _input(target: Any, how: int, data: bytes) -> bytes:
    return bytes([TARGETS.index(target), how]) + data
