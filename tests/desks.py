"""
Two ends that call each other, one of them to blame for a fault, and the things
that they give each other: for the tests of faults in references and messages.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb as stock

from pbext import pb
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, StockPond
from tests.wires import PBEXT, STOCK

__all__ = ["CACHEABLES", "ROWS", "THINGS", "Desk", "Ends", "Unknown"]


class Desk(stock.Root):
    """
    What one end lets the other call.

    @ivar things: what may be asked for, by name.
    @ivar kept: what was brought to stay.
    @ivar waiting: for each call that is not answered yet, what answers it.
    """

    def __init__(self) -> None:
        self.things: dict[str, Any] = {}
        self.kept: list[Any] = []
        self.waiting: list[Deferred[Any]] = []

    def remote_get(self, name: str) -> Any:
        return self.things[name]

    def remote_getLater(self, name: str) -> Any:
        return self._later().addCallback(lambda _: self.things[name])

    def remote_wait(self) -> Any:
        return self._later()

    def remote_keep(self, *things: Any, **more: Any) -> None:
        self.kept += [*things, *more.values()]

    def remote_drop(self, *things: Any, **more: Any) -> None:
        pass

    def remote_echo(self, thing: Any) -> Any:
        return thing

    def remote_echoLater(self, thing: Any) -> Any:
        return self._later().addCallback(lambda _: thing)

    def remote_fail(self, *things: Any, **more: Any) -> None:
        raise stock.Error("no")

    def remote_failLater(self, *things: Any, **more: Any) -> Any:
        return self._later().addCallback(lambda _: self.remote_fail(*things))

    def remote_answerBadly(self, *things: Any, **more: Any) -> Any:
        return object()

    async def remote_echoAsync(self, thing: Any) -> Any:
        return thing

    async def remote_echoAsyncLater(self, thing: Any) -> Any:
        await self._later()
        return thing

    def _later(self) -> Deferred[Any]:
        self.waiting.append(Deferred())
        return self.waiting[-1]


class Unknown(pb.Copyable):
    """
    Registered nowhere.
    """

    typeToCopy = "tests.desks.Unknown"

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


#: What makes a new Cacheable, of pbext's or of Twisted's, for a cache of
#: pbext's or of Twisted's.
CACHEABLES = (
    lambda: Pond(WATCHER),
    lambda: Pond(STOCK_WATCHER),
    lambda: StockPond(WATCHER),
    lambda: StockPond(STOCK_WATCHER),
)

#: What makes a new thing that counts how often the peer has it.
THINGS = (pb.Referenceable, stock.Referenceable, *CACHEABLES)

#: The end that is to blame runs pbext, as a server and as a client; once more
#: with pbext at both ends.
ROWS = {
    "OfAServer": {"ours": PBEXT, "theirs": STOCK, "serving": True},
    "OfAClient": {"ours": PBEXT, "theirs": STOCK, "serving": False},
    "WithPbext": {"ours": PBEXT, "theirs": PBEXT, "serving": True},
}


class Ends:
    """
    Mixed with L{WireTestCase<tests.wires.WireTestCase>}: two connections; on
    the first one the fault happens.  Each end calls a L{Desk} of the other's.

    @cvar serving: whether the end that is to blame is the server.
    @ivar here: the broker that is to blame.
    @ivar there: the other end's.
    @ivar toUs: our desk, as they see it.
    @ivar toThem: their desk, as we see it.
    """

    serving: bool

    async def meet(self) -> None:
        """
        Connect; and begin calls, in either direction on each connection,
        which what happens is not to disturb.
        """
        self.ourDesk, self.theirDesk = Desk(), Desk()
        server, client = self.theirDesk, self.ourDesk
        factories = self.theirs, self.ours
        if self.serving:
            server, client, factories = client, server, factories[::-1]
        self.wire = self.Wire(server, *factories)
        self._bystanders: list[list[Any]] = []
        for _ in range(2):
            line = await self.wire.connect()
            line.server.setNameForLocal("desk", server)
            line.client.setNameForLocal("desk", client)
            calls = []
            for end, desk in ((line.server, client), (line.client, server)):
                remote = end.remoteForName("desk")
                call = remote.callRemote("wait").addErrback(
                    lambda failure: failure.type
                )
                await self.wire.settle()
                calls.append((remote, call, desk.waiting.pop()))
            self._bystanders.append(calls)
        self.line, self.other = self.wire.lines
        ends = self.line.server, self.line.client
        self.here, self.there = ends if self.serving else ends[::-1]
        self.toThem = self.here.remoteForName("desk")
        self.toUs = self.there.remoteForName("desk")

    async def result(self, call: Any) -> Any:
        return await self.wire.result(call)

    async def failure(self, call: Any) -> Any:
        """
        @return: the failure that a call ends in.
        """
        failures: list[Any] = []
        await self.wire.result(call.addErrback(failures.append))
        self.assertEqual(1, len(failures))
        return failures[0]

    async def assertUnharmed(self, *lines: Any) -> None:
        """
        The calls in flight are answered, and so is one that is made now, in
        either direction.

        @param lines: on these connections; by default on both.
        """
        await self.wire.settle()
        for line, calls in zip(self.wire.lines, self._bystanders, strict=True):
            if lines and line not in lines:
                continue
            self.assertTrue(line.connected)
            for remote, call, answer in calls:
                self.assertFalse(call.called)
                answer.callback("at last")
                self.assertEqual("at last", await self.result(call))
                again = remote.callRemote("echo", "at once")
                self.assertEqual("at once", await self.result(again))

    def assertGiven(self, broker: Any, *counts: int) -> None:
        """
        What a broker says that its peer holds.

        @param counts: how many times each of them.
        """
        references = {
            luid: entry
            for luid, entry in broker.localObjects.items()
            if not isinstance(luid, bytes)
        }
        caches = broker.remotelyCachedObjects
        entries = [*references.values(), *caches.values()]
        self.assertEqual(sorted(counts), sorted(entry.refcount for entry in entries))
        self.assertEqual(len(references), len(broker.luids))
        self.assertEqual(len(caches), len(broker.remotelyCachedLUIDs))

    def assertNothingHeld(self) -> None:
        """
        Neither end holds anything of the other's, or believes it does.
        """
        for broker in (self.here, self.there):
            self.assertGiven(broker)
            self.assertEqual({}, broker.locallyCachedObjects)

    def assertLeft(self, thing: Any, times: int = 1) -> None:
        """
        If a thing has observers, so many have left, and there are none.
        """
        if isinstance(thing, (Pond, StockPond)):
            self.assertEqual(times, len(thing.left))
        if isinstance(thing, Pond):
            self.assertEqual(0, len(thing.observers))
