"""
What bytes from a stranger cost, fault by fault under its id: bytes that are
Banana, and jelly, and would stall the process or fill its memory.  They are
refused, with one line in the log, and nobody else is disturbed; in memory and
over loopback TCP, with each codec that there is.

Nothing is measured in time: that is done by C{benchmarks.attacks}, beside
stock.  Here bytes of memory, bytes that are copied and calls are counted.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits
from pbext.errors import BadMessage, LimitReached, RefusedTag
from pbext.wire._budget import Budget
from tests.bombs import (
    BOMBS,
    MODULUS,
    callOf,
    colliding,
    header,
    integer,
    keyed,
    lists,
    probing,
    ring,
    string,
)
from tests.codecs import CODECS, Codec
from tests.codecs import lists as listsOf
from tests.raw import MUTE, RAW, encode
from tests.strangers import Stranger
from tests.switching import PURE, using
from tests.wires import PBEXT, STOCK, Line, across

#: A megabyte, in which the bytes of a message, and all else that a connection
#: has, are to fit in.
MEGABYTE = 1_000_000

#: Enough for every line to be logged.
ALL = 1_000_000


def peakOf(work: Callable[[], object]) -> int:
    """
    @return: how much memory some work has taken at the most, in bytes.
    """
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


def callsOf(work: Callable[[], object]) -> int:
    """
    @return: how many functions some work has called, those in C too.
    """
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    # What the collector calls, of whatever was before, is not this work.
    collects = gc.isenabled()
    gc.disable()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        if collects:
            gc.enable()
    return calls


class Counting(bytes):
    """
    Counts how many bytes are copied out of it, and out of what it becomes.
    """

    copied = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if isinstance(index, slice):
            Counting.copied += len(found)
            return Counting(found)
        return found

    def __add__(self, other: Any) -> bytes:
        Counting.copied += len(self) + len(other)
        return Counting(super().__add__(other))


class _Bombs(Stranger):
    """
    @cvar codec: what the server reads with.
    """

    codec: Codec

    async def serve(self, root: Any = None, *args: Any, **limits: Any) -> None:
        chosen = using(self.codec)
        chosen.__enter__()
        self.addCleanup(chosen.__exit__, None, None, None)
        await super().serve(root, *args, **limits)

    async def assertRefused(self, limit: str, data: bytes, early: bool = False) -> None:
        """
        Bytes cost a stranger its connection, because of a limit, for one line
        in the log; its calls fail with that limit, and nobody else notices.
        """
        line = await self.enter(MUTE if early else RAW)
        call = self.callStranger(line)
        line.client.transport.write(data)
        await self.wire.lost(line)
        self.assertIn(f"{limit}=", self.assertSaid(least=1))
        lost = self.failureResultOf(call, stock.PBConnectionLost).value
        self.assertIsInstance(lost.args[0].value, LimitReached)
        self.assertEqual(limit, lost.args[0].value.limit)
        self.assertEqual([], [m for m in line.client.heard if m[0] == b"answer"])

    async def assertAnswered(self, data: bytes, answer: bytes = b"answer") -> Line:
        """
        Bytes are a call, which is answered.
        """
        line = await self.enter()
        line.client.heard.clear()
        line.client.transport.write(data)
        await self.settled(line)
        self.assertTrue(line.connected)
        self.assertEqual([answer], [m[0] for m in line.client.heard])
        return line

    async def test_C2a_unclosedLists(self) -> None:
        """
        Lists that are never closed, one in the other, cost the connection at
        the limit of depth, before the negotiation and after it.
        """
        await self.serve(logLines=ALL)
        for early in (True, False):
            await self.assertRefused("depth", b"\x01\x80" * 100_000, early)
        await self.assertUnharmed()

    async def test_C2a_depth(self) -> None:
        """
        What is not deeper than the limit is read, and what is by one is not.
        """
        await self.serve(depth=20, logLines=ALL)
        deep = b"".join(lists(string(b"list"), b"") for _ in range(18))
        await self.assertAnswered(callOf(deep + integer(1)))
        deep = b"".join(lists(string(b"list"), b"") for _ in range(19))
        await self.assertRefused("depth", callOf(deep + integer(1)))
        await self.assertUnharmed()

    async def test_C2e_emptyLists(self) -> None:
        """
        Lists of empty lists cost the connection at the limit of items, those
        counted that a list announces, before they are there.
        """
        await self.serve(logLines=ALL, items=30_000)
        for early in (True, False):
            await self.assertRefused("items", header(30_001), early)
            data = header(5) + (header(10_000) + b"\x80" * 10_000) * 4
            await self.assertRefused("items", data, early)
        await self.assertUnharmed()

    async def test_C2f_strings(self) -> None:
        """
        Strings in a list that is never closed cost the connection at the limit
        of bytes, also if one of them is only announced.
        """
        await self.serve(logLines=ALL, maxMessageBytes=1_500_000)
        large = string(b"x" * 655_360)
        for early in (True, False):
            await self.assertRefused("maxMessageBytes", header(100) + large * 3, early)
            announced = header(100) + large * 2 + large[:10]
            await self.assertRefused("maxMessageBytes", announced, early)
        await self.assertUnharmed()

    async def test_C2g_tokens(self) -> None:
        """
        What is not more than the limits is read: many items are no fault.
        """
        await self.serve(logLines=ALL)
        data = callOf(lists(string(b"list"), *[b"\x81"] * 20_000))
        line = await self.assertAnswered(data)
        answer = line.client.heard[0][2]
        self.assertEqual([b"list", *[0] * 20_000], answer)
        self.assertSaid(0)
        await self.assertUnharmed()

    async def test_C2h_megabyte(self) -> None:
        """
        A megabyte of small items is read, in memory in one piece.
        """
        await self.serve(logLines=ALL)
        await self.assertAnswered(BOMBS["megabyte"].bytes())
        self.assertSaid(0)
        await self.assertUnharmed()

    def _portal(self) -> Portal:
        return Portal(None, [InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")])

    async def test_C3a_references(self) -> None:
        """
        A value that is in itself again and again, by reference, costs the
        connection at the limit of its expanded size, before a login too.
        """
        await self.serve(self._portal(), logLines=ALL)
        for levels in (7, 9, 60):
            data = callOf(ring(levels, 10, b"list"), integer(1), method=b"login")
            await self.assertRefused("expandedItems", data)
        await self.assertUnharmed()

    async def test_C3a_arity(self) -> None:
        """
        One that is below the limit is read, once for each place of its
        bytes; that the method takes no such arguments is said without them.
        """
        await self.serve(self._portal(), logLines=ALL)
        data = callOf(ring(5, 10, b"list"), integer(1), method=b"login")
        line = await self.assertAnswered(data, b"error")
        self.assertIn("remote_login takes (username)", self.assertSaid(least=1))
        self.assertLess(len(encode(line.client.heard[0])), 1_000)
        await self.assertUnharmed()

    async def test_C3c_keys(self) -> None:
        """
        A tuple of tuples by reference, as a key or as a member of a set, costs
        the connection: to hash it is to walk all that it stands for.
        """
        await self.serve(logLines=ALL)
        for levels in (17, 20, 60):
            dag = ring(levels, 2, b"tuple")
            for data in (
                keyed([dag]),
                keyed([lists(string(b"tuple"), integer(1), dag)]),
                lists(string(b"set"), integer(1), dag),
                lists(string(b"frozenset"), dag),
                lists(string(b"list"), dag, keyed([_again(levels)])),
            ):
                limit = "keyItems" if levels == 17 else None
                await self._assertTooMany(callOf(data), limit)
        await self.assertUnharmed()

    async def _assertTooMany(self, data: bytes, limit: str | None) -> None:
        """
        @param limit: the limit that it runs into; C{None} for this or that.
        """
        line = await self.enter()
        line.client.transport.write(data)
        await self.wire.lost(line)
        said = self.assertSaid(least=1)
        self.assertRegex(said, f"{limit or '(keyItems|expandedItems)'}=")

    async def test_C3c_notAsAKey(self) -> None:
        """
        The same is read where it does not have to be hashed.
        """
        await self.serve(logLines=ALL)
        await self.assertAnswered(callOf(ring(17, 2, b"tuple"), method=b"drop"))
        self.assertSaid(0)
        await self.assertUnharmed()

    async def test_C3d_integers(self) -> None:
        """
        Integers that all have one hash, as keys, in keys or as members of a
        set, or as decimals, cost the connection at the limit of their number.
        """
        await self.serve(logLines=ALL)
        many = [integer(number * MODULUS) for number in range(1, 1_002)]
        for value in (
            keyed(many),
            keyed([integer(-number * MODULUS) for number in range(1, 1_002)]),
            keyed([lists(string(b"tuple"), one) for one in many]),
            keyed([lists(string(b"decimal"), one, integer(0)) for one in many]),
            lists(string(b"set"), *many),
            lists(string(b"frozenset"), *many),
            lists(string(b"list"), keyed(many[:500]), keyed(many[500:])),
        ):
            await self.assertRefused("keyIntegers", callOf(value))
        await self.assertAnswered(callOf(keyed(many[:60])))
        await self.assertAnswered(callOf(lists(string(b"list"), *many * 5)))
        self.assertSaid(0)
        await self.assertUnharmed()

    async def test_C3d_collisions(self) -> None:
        """
        Keys, or members of a set, that were chosen to be in each other's way
        are answered with an error, be they tuples that all have one hash, or
        small integers that a dict looks for where others are; the connection
        stays.
        """
        await self.serve(logLines=ALL, refusals=100)
        pairs = [
            lists(string(b"tuple"), integer(a), integer(b)) for a, b in colliding(1_000)
        ]
        chosen = [integer(number) for number in probing(12)]
        for value in (
            keyed(pairs[:100]),
            keyed(pairs),
            keyed(chosen),
            lists(string(b"set"), *pairs),
            lists(string(b"frozenset"), *pairs),
            lists(string(b"list"), keyed(pairs[:100])),
        ):
            line = await self.assertAnswered(callOf(value), b"error")
            self.assertIn("keyCollisions=32", self.assertSaid(least=1))
            self.assertIn(b"keyCollisions=32", encode(line.client.heard[0]))
        await self.assertUnharmed()

    async def test_C3d_manyKeys(self) -> None:
        """
        Keys that nobody has chosen are read, however many and regular.
        """
        await self.serve(logLines=ALL)
        for keys in (
            range(3_000),
            range(0, 3_000 << 40, 1 << 40),
            range(-3_000, 0),
            [number * MODULUS // 3_000 for number in range(3_000)],
        ):
            for value in (
                keyed([integer(key) for key in keys]),
                lists(string(b"set"), *map(integer, keys)),
                keyed([lists(string(b"tuple"), integer(key)) for key in keys]),
            ):
                await self.assertAnswered(callOf(value, method=b"drop"))
        self.assertSaid(0)
        await self.assertUnharmed()

    async def test_C3c_later(self) -> None:
        """
        What a key or a member of a set refers to has been there before, or is
        what it is in: else nobody has counted what it stands for.
        """
        await self.serve(logLines=ALL)
        large = lists(string(b"reference"), integer(100), ring(12, 2, b"tuple"))
        for value in (
            lists(string(b"list"), lists(string(b"set"), *[_again(100)] * 9), large),
            lists(string(b"dictionary"), lists(_again(100), large)),
            lists(
                string(b"list"),
                keyed([lists(string(b"tuple"), _again(100))]),
                large,
            ),
        ):
            await self.assertAnswered(callOf(value), b"error")
            self.assertIn("LookupError", self.assertSaid(least=1))
        await self.assertAnswered(callOf(lists(string(b"list"), _again(100), large)))
        await self.assertUnharmed()

    async def test_C3_inItself(self) -> None:
        """
        A long tuple that is in a list that is in it is read, in time
        that grows with its length: this test would take minutes.
        """
        await self.serve(logLines=ALL)
        outer = lists(string(b"reference"), integer(1), b"")
        inner = lists(string(b"list"), b"")
        zeros = lists(string(b"tuple"), *[b"\x81"] * 100_000, _again(1))
        itself = lists(string(b"tuple"), *[_again(1)] * 20_000)
        for value in (zeros, itself):
            await self.assertAnswered(callOf(outer + inner + value, method=b"drop"))
        self.assertSaid(0)
        await self.assertUnharmed()

    async def test_C3_refusedDeepDown(self) -> None:
        """
        Where a class stands that is refused is found in a bit of memory,
        however many values stand before it and however deep they are.
        """
        await self.serve(logLines=ALL)
        deep = b"".join(lists(string(b"list"), b"") for _ in range(90))
        many = deep + lists(string(b"list"), *[b"\x81"] * 20_000)
        unknown = lists(string(b"tests.nothing"), integer(1))
        line = await self.enter()
        broker = line.server
        sexp = self.codec.decode([lists(string(b"list"), many, unknown)])[0]
        peak = peakOf(lambda: self.assertRaises(RefusedTag, broker.unserialize, sexp))
        self.assertLess(peak, 2 * MEGABYTE)
        await self.assertAnswered(callOf(many, unknown), b"error")
        self.assertIn("tests.nothing", self.assertSaid(least=1))
        await self.assertUnharmed()


def _again(number: int) -> bytes:
    return lists(string(b"dereference"), integer(number))


class _Servers:
    """
    The same from a server, to a client of pbext's that has called it.
    """

    Wire: Any
    wire: Any
    codec: Codec
    theirs = STOCK

    async def test_C3a_answers(self) -> None:
        """
        A bomb in an answer costs the connection; the calls in flight fail with
        the limit.
        """
        chosen = using(self.codec)
        chosen.__enter__()
        self.addCleanup(chosen.__exit__, None, None, None)
        for bomb, limit in (
            (ring(9, 10, b"list"), "expandedItems"),
            (keyed([ring(17, 2, b"tuple")]), "keyItems"),
            (b"\x01\x80" * 1_000, "depth"),
        ):
            self.wire = self.Wire(stock.Root(), RAW, PBEXT)
            line = await self.wire.connect()
            asking = line.server.next()
            calls: list[Deferred[Any]] = [line.root.callRemote("x") for _ in "ab"]
            asked = await self.wire.result(asking)
            answer = lists(string(b"answer"), integer(asked[1]), bomb)
            line.server.transport.write(answer)
            await self.wire.lost(line)
            for call in calls:
                lost = self.failureResultOf(call, stock.PBConnectionLost)
                self.assertEqual(limit, lost.value.args[0].value.limit)
            await self.wire.close()


_CODECS = {"".join(codec.name.title().split()): {"codec": codec} for codec in CODECS}

globals().update(
    across(
        module=__name__,
        tests=_Bombs,
        rows={
            f"{kind}Beside{whose}": {**row, "theirs": theirs}
            for kind, row in _CODECS.items()
            for whose, theirs in (("Stock", STOCK), ("Pbext", PBEXT))
        },
    )
)
globals().update(across(module=__name__, tests=_Servers, rows=_CODECS))


class _Reads:
    """
    What the decoder alone takes.

    @cvar codec: whose.
    """

    codec: Codec
    assertLess: Any
    assertEqual: Any
    assertRaises: Any

    def decoder(self, **limits: Any) -> Any:
        return self.codec.Decoder(Budget.of(Limits(**limits)))

    def assertCheap(self, limit: str, data: bytes, memory: int, **limits: Any) -> None:
        """
        Bytes run into a limit, and have taken no more than so much memory,
        in pieces as they come from a socket, and in small ones.
        """
        for size in (65_536, 1_000):
            decoder = self.decoder(**limits)

            def read(size: int = size, decoder: Any = decoder) -> None:
                with_ = self.assertRaises(LimitReached, self.feed, decoder, data, size)
                self.assertEqual(limit, with_.limit)

            self.assertLess(peakOf(read), memory, (limit, size))

    def feed(self, decoder: Any, data: bytes, size: int) -> list[Any]:
        found = []
        for start in range(0, len(data), size):
            decoder.feed(data[start : start + size])
            while (message := decoder.next()) is not None:
                found.append(message)
        return found


class _Costs(_Reads):
    """
    How much that is.
    """

    def test_C2a_memory(self) -> None:
        """
        A megabyte of unclosed lists takes next to nothing.
        """
        self.assertCheap("depth", b"\x01\x80" * 500_000, 150_000)

    def test_C2e_memory(self) -> None:
        """
        Empty lists take what the limit of items says, and not more: 72 bytes
        each.
        """
        data = header(5) + (header(3_000) + b"\x80" * 3_000) * 5
        self.assertCheap("items", data, 72 * 12_000 + 100_000, items=12_000)
        self.assertCheap("items", header(600_000) * 4, 50_000)

    def test_C2f_memory(self) -> None:
        """
        Strings take no more than the limit of bytes, and half as much again
        while they are put together.
        """
        data = header(100) + string(b"x" * 100_000) * 100
        self.assertCheap(
            "maxMessageBytes", data, 3 * MEGABYTE, maxMessageBytes=MEGABYTE
        )

    def test_C2_byDefault(self) -> None:
        """
        These limits are there by default.
        """
        for limit, data in (
            ("depth", b"\x01\x80" * 401),
            ("items", header(600_000) * 4),
            ("maxMessageBytes", header(100) + string(b"x" * 650_000) * 26),
        ):
            error = self.assertRaises(
                LimitReached, self.feed, self.decoder(), data, 65_536
            )
            self.assertEqual(limit, error.limit)

    def test_C3_memory(self) -> None:
        """
        The bombs of a kilobyte take less than a megabyte.
        """
        for name in ("references", "key"):
            bomb = BOMBS[name]
            self.assertCheap(bomb.limit, bomb.bytes(), MEGABYTE // 4)

    def test_C3_work(self) -> None:
        """
        They are refused after no more work than there is in their bytes,
        counted in calls, of which there is at most one for a byte.
        """
        for name in ("references", "key"):
            data = BOMBS[name].bytes()
            decoder = self.decoder()

            def read(decoder: Any = decoder, data: bytes = data) -> None:
                self.assertRaises(LimitReached, self.feed, decoder, data, len(data))

            self.assertLess(callsOf(read), len(data))


class _Linear(_Reads):
    def read(self, data: bytes, size: int) -> int:
        """
        @return: how many bytes are copied while these are read.
        """
        Counting.copied = 0
        decoder = self.decoder()
        chunks = [
            Counting(data[start : start + size]) for start in range(0, len(data), size)
        ]
        found = []
        for chunk in chunks:
            decoder.feed(chunk)
            while (message := decoder.next()) is not None:
                found.append(message)
        self.assertEqual(1, len(found))
        return Counting.copied

    def test_C2h_bytesCopied(self) -> None:
        """
        Each byte is copied a few times, whatever the chunks.
        """
        items = [string(b"ab"), integer(7), lists(string(b"unicode"), string(b"c"))]
        many = lists(*items * 2_000)
        for size in (len(many), 65_536, 1_000, 7, 1):
            self.assertLess(self.read(many, size), 4 * len(many), size)
        large = lists(string(b"x" * 200_000), string(b"y" * 300_000))
        for size in (len(large), 65_536, 1_000, 7):
            self.assertLess(self.read(large, size), 4 * len(large), size)

    def test_C2g_calls(self) -> None:
        """
        Twice as many items are twice as many calls.
        """

        def calls(count: int) -> int:
            data = lists(*[b"\x81", string(b"ab"), b"\x80"] * count)
            decoder = self.decoder()
            return callsOf(lambda: self.feed(decoder, data, 1_000))

        small, large = calls(2_000), calls(4_000)
        self.assertLess(large, 2.1 * small)


class _Odd(_Reads):
    def test_nothingAfterAnError(self) -> None:
        """
        What is wrong stays wrong: the decoder is of no use any more, and the
        broker closes the connection; no error comes but the two.
        """
        for data in (b"\xff", b"\x01" * 65, b"\x7f\x87", header(700_000)):
            decoder = self.decoder()
            self.assertRaises(BadMessage, self.feed, decoder, data, 1)

    def test_encodedWithinItself(self) -> None:
        """
        What the codec leaves in bytes is what it gives in lists.
        """
        data = callOf(ring(3, 2, b"list"))
        [message] = self.feed(self.decoder(), data, 10)
        self.assertEqual(data, encode(listsOf(message)))


for _name, _row in _CODECS.items():
    for _tests in (_Costs, _Odd, *([_Linear] if _row["codec"] is PURE else [])):
        _case = f"{_tests.__name__[1:]}{_name}Tests"
        globals()[_case] = type(
            _case, (_tests, SynchronousTestCase), {**_row, "__module__": __name__}
        )
