"""
L{pbext._pages}: L{twisted.spread.util.Pager} on a broker of pbext's.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.spread.util import (
    CallbackPageCollector,
    FilePager,
    Pager,
    StringPager,
    getAllPages,
)
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext._outlet import PIECE, Outlet
from pbext._pages import Pages
from pbext._turn import turnOf
from pbext.testing import connectedPair
from tests.wires import (
    PBEXT,
    STOCK,
    MemoryWire,
    TCPWire,
    TLSWire,
    UNIXWire,
    across,
)

#: More than the kernel's buffers take.
BOOK = bytes(range(256)) * 40_000


class File(BytesIO):
    """
    Counts what is read of it.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.consumed = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.consumed += len(data)
        return data


class Library(pb.Root):
    """
    @ivar files: those that were given out.
    @ivar done: the callbacks of pagers that have sent all.
    """

    def __init__(self) -> None:
        self.files: list[File] = []
        self.done: list[Any] = []

    def remote_lend(self, collector: Any) -> None:
        self.files.append(File(BOOK))
        FilePager(collector, self.files[-1], self.done.append, "file")

    def remote_lendAndClose(self, collector: Any) -> None:
        self.remote_lend(collector)
        collector.broker.transport.loseConnection()

    def remote_visit(self) -> None:
        pass

    def remote_copy(self, collector: Any, text: bytes) -> None:
        StringPager(collector, text, 1000, self.done.append, "string")


class _Readers:
    """
    A server of pbext's, and a client that reads.
    """

    async def connect(self) -> Any:
        self.library = Library()
        self.wire = self.Wire(self.library, PBEXT, self.theirs)
        return await self.wire.connect()

    async def test_all(self) -> None:
        """
        All pages arrive, in order; the pager is told when the last one was
        sent, and nothing is left.
        """
        line = await self.connect()
        for _ in range(2):
            pages = await self.wire.result(getAllPages(line.root, "lend"))
            self.assertEqual(BOOK, b"".join(pages))
            self.assertGreater(len(pages), 100)
        self.assertEqual(["file", "file"], self.library.done)
        await self.settle()
        self.assertEqual(0, line.server.outlet.behind)

    async def test_several(self) -> None:
        """
        Several pagers take turns, and calls are answered between their pages.
        """
        line = await self.connect()
        long = getAllPages(line.root, "lend")
        short = [getAllPages(line.root, "copy", b"%d" % n * 5000) for n in range(5)]
        texts = await self.wire.result(gatherResults(short))
        self.assertEqual(
            [b"%d" % n * 5000 for n in range(5)], [b"".join(text) for text in texts]
        )
        self.assertEqual(BOOK, b"".join(await self.wire.result(long)))
        self.assertEqual(["string"] * 5 + ["file"], self.library.done)

    async def test_doesNotRead(self) -> None:
        """
        Of a file whose reader does not read, no more is read than what the
        buffers of the kernel take; and all of it in the end.
        """
        line = await self.connect()
        other = await self.wire.connect()
        collected: Deferred[Any] = Deferred()
        collector = CallbackPageCollector(collected.callback)
        lent = line.root.callRemote("lend", collector)
        line.client.transport.pauseProducing()
        still = read = 0
        while still < 20:
            await self.wire.result(other.root.callRemote("visit"))
            before, read = read, sum(file.consumed for file in self.library.files)
            still = still + 1 if 0 < read == before else 0
        self.assertLess(read, len(BOOK) * 3 // 4)
        self.assertLess(line.server.outlet.behind, PIECE)
        line.client.transport.resumeProducing()
        await self.wire.result(lent)
        self.assertEqual(BOOK, b"".join(await self.wire.result(collected)))

    async def test_closes(self) -> None:
        """
        A connection that is told to close sends all pages first.
        """
        line = await self.connect()
        collected: Deferred[Any] = Deferred()
        collector = CallbackPageCollector(collected.callback)
        line.root.callRemote("lendAndClose", collector).addErrback(lambda _: None)
        self.assertEqual(BOOK, b"".join(await self.wire.result(collected)))
        await self.wire.lost(line)

    async def test_lost(self) -> None:
        """
        When the connection is lost, no more is read.
        """
        line = await self.connect()
        other = await self.wire.connect()
        line.root.callRemote("lend", CallbackPageCollector(None)).addErrback(
            lambda _: None
        )
        line.client.transport.pauseProducing()
        while not self.library.files:
            await self.wire.result(other.root.callRemote("visit"))
        await self.wire.cut(line)
        [file] = self.library.files
        read = file.consumed
        await self.wire.result(other.root.callRemote("visit"))
        self.assertEqual(read, file.consumed)
        self.assertLess(read, len(BOOK))


globals().update(
    across(
        module=__name__,
        tests=_Readers,
        rows={"": {"theirs": PBEXT}, "Stock": {"theirs": STOCK}},
        wires=(MemoryWire, TCPWire, UNIXWire, TLSWire),
    )
)


class Reading(Pager):
    """
    @ivar pages: what it has to send; what is C{None} comes later.
    """

    def __init__(self, desk: Any, name: str, pages: list[Any]) -> None:
        self.desk = desk
        self.name = name
        self.pages = pages
        self._stillPaging = 1
        self.callback = None

    def sendNextPage(self) -> None:
        page = self.pages.pop(0)
        if page is not None:
            self.desk.told.append(self.name)
            self.desk.outlet.write(page)
        if not self.pages:
            self.stopPaging()

    def stillPaging(self) -> int:
        return self._stillPaging


class Desk:
    """
    Pages on a transport that takes everything.

    @ivar told: the pagers that have sent a page, in order.
    @ivar failed: how often it was told that one has failed.
    """

    def __init__(self, transport: Any = None) -> None:
        self.clock = Clock()
        self.transport = transport or StringTransport()
        self.outlet = Outlet(self.transport, Limits(), turnOf(self.clock), self)
        self.told: list[str] = []
        self.failed = 0
        self.pages = Pages(self.outlet, self.clock, self._fail)

    def _fail(self) -> None:
        self.failed += 1

    def unreadReached(self) -> None: ...

    def unreadMoved(self) -> None: ...

    def add(self, name: str, *pages: Any) -> Reading:
        pager = Reading(self, name, list(pages))
        self.pages.add(pager)
        return pager


class PagesTests(SynchronousTestCase):
    """
    The pages alone.
    """

    def test_turns(self) -> None:
        """
        When the peer reads again, each pager has a page sent in turn, and none
        before.
        """
        desk = Desk()
        desk.outlet.pauseProducing()
        for name in "abc":
            desk.add(name, *[b"x"] * 3)
        self.assertEqual([], desk.told)
        desk.outlet.resumeProducing()
        self.assertEqual([*"abcabcabc"], desk.told)
        self.assertEqual([], desk.clock.getDelayedCalls())

    def test_pausedBetween(self) -> None:
        """
        They go on where they were when the transport was full.
        """
        desk = Desk()
        desk.outlet.pauseProducing()
        for name in "ab":
            desk.add(name, *[b"x" * 40_000] * 4)
        write = desk.transport.write

        def full(data: bytes) -> None:
            write(data)
            desk.outlet.pauseProducing()

        desk.transport.write = full
        for turn in range(8):
            desk.outlet.resumeProducing()
            self.assertEqual([*"abababab"][: turn + 1], desk.told)
        self.assertEqual([], desk.clock.getDelayedCalls())

    def test_muchAtOnce(self) -> None:
        """
        A transport that is never full gets a mebibyte in a turn of the
        reactor; nothing of this is recursive.
        """
        desk = Desk()
        desk.add("a", *[b"x" * 500] * 5_000)
        self.assertLess(2**20, desk.outlet.written)
        self.assertLess(desk.outlet.written, 2**20 + 1000)
        desk.clock.advance(0)
        self.assertLess(2 * 2**20, desk.outlet.written)
        desk.clock.advance(0)
        self.assertEqual(5_000 * 500, desk.outlet.written)
        desk.clock.advance(1)
        self.assertEqual([], desk.clock.getDelayedCalls())

    def test_nothingYet(self) -> None:
        """
        A pager that has no page is asked again in the next turn, then now and
        then; others are not kept waiting.
        """
        desk = Desk()
        slow = desk.add("a", *[None] * 8, b"x")
        desk.add("b", b"x", b"x")
        self.assertEqual([*"bb"], desk.told)
        left = []
        while slow.stillPaging():
            left.append(len(slow.pages))
            desk.clock.advance(0.05)
        self.assertEqual([4, 2, 1], left)
        self.assertEqual([*"bba"], desk.told)
        self.assertEqual([], desk.clock.getDelayedCalls())

    def test_fails(self) -> None:
        """
        A pager that fails is logged, and its connection is closed.
        """
        desk = Desk()
        desk.outlet.pauseProducing()
        desk.add("a", b"x")
        desk.add("b", "no bytes")
        desk.add("c", b"x", b"x")
        desk.outlet.resumeProducing()
        self.assertEqual(1, desk.failed)
        self.assertEqual(1, len(self.flushLoggedErrors(TypeError)))
        desk.outlet.resumeProducing()
        self.assertEqual([*"ab"], desk.told)

    def test_failsAtOnce(self) -> None:
        """
        What the first page fails with is the maker's.
        """
        desk = Desk()
        self.assertRaises(TypeError, desk.add, "a", "no bytes")
        self.assertEqual(0, desk.failed)
        desk.add("b", b"x")
        self.assertEqual([*"ab"], desk.told)

    def test_stop(self) -> None:
        """
        When the connection is lost, nothing is left to be called.
        """
        desk = Desk()
        desk.add("a", None, b"x")
        desk.pages.stop()
        self.assertEqual([], desk.clock.getDelayedCalls())
        self.assertIsNone(desk.transport.producer)

    def test_lostBefore(self) -> None:
        """
        A pager for a connection that is lost is not asked.
        """
        pair = connectedPair(pb.Root())
        pair.close()
        StringPager(pair.root, b"for nobody")
        self.assertEqual([], pair.clock.getDelayedCalls())
