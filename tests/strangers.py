"""
Strangers: what they do to a server of pbext's that serves others at the same
time.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.spread import pb as stock

from pbext import Limits, pb
from pbext.errors import ConnectionTimedOut
from tests.desks import Desk
from tests.raw import RAW, LogRecord
from tests.wires import Factories, Line

__all__ = ["Heedful", "Stranger"]


class Heedful(pb.Broker):
    """
    Says when something arrives.
    """

    arrival: Deferred[None] | None = None

    def dataReceived(self, chunk: bytes) -> None:
        super().dataReceived(chunk)
        arrival, self.arrival = self.arrival, None
        if arrival is not None:
            arrival.callback(None)


class Stranger:
    """
    Mixed with L{WireTestCase<tests.wires.WireTestCase>}.  The server is to
    blame: for what a stranger's bytes do to it, to its log, and to its other
    clients, one of which has a call in flight.

    @cvar theirs: the factories of that other client.
    @ivar wire: what connects them.
    @ivar desk: what the server serves.
    @ivar clock: the time, as the server sees it.
    @ivar record: what is logged.
    """

    Wire: Any
    theirs: Factories
    settle: Any

    async def serve(
        self, root: Any = None, broker: Any = Heedful, **limits: Any
    ) -> None:
        """
        @param root: what is served instead of a desk.
        @param broker: the class of the server's brokers.
        """
        self.clock = Clock()
        self.desk = Desk()

        def serverFactory(served: Any) -> Any:
            factory = pb.PBServerFactory(
                served, limits=Limits(**limits), clock=self.clock
            )
            factory.protocol = broker
            return factory

        server = Factories(serverFactory, RAW.client)
        self.wire = self.Wire(root or self.desk, server, self.theirs)
        self.bystander = await self.wire.connect()
        self.bystander.server.setNameForLocal("desk", self.desk)
        self.theirDesk = self.bystander.client.remoteForName("desk")
        self.inFlight = self.theirDesk.callRemote("wait")
        await self.settle()
        self.record = LogRecord(self)

    async def enter(self, kind: Factories = RAW) -> Line:
        """
        A stranger connects.
        """
        line = await self.wire.connect(kind.client())
        self.record.take()
        return line

    async def heard(self, line: Line, *sexps: Any) -> list[bytes]:
        """
        Let the stranger say something.

        @return: the commands that it hears in answer.
        """
        line.client.heard.clear()
        line.client.say(*sexps)
        await self.settled(line)
        return [sexp[0] for sexp in line.client.heard]

    async def settled(self, line: Line) -> None:
        await self.settle()
        if not line.connected:
            await self.wire.lost(line)

    async def write(self, line: Line, data: bytes) -> None:
        """
        Let the stranger write some bytes, and wait for their arrival.
        """
        line.server.arrival = Deferred()
        line.client.transport.write(data)
        await self.wire.result(line.server.arrival)

    def callStranger(self, line: Line) -> Deferred[Any]:
        """
        Call something of the stranger's, which will not answer.
        """
        call: Deferred[Any] = line.server.remoteForName("something").callRemote("x")
        return call

    async def assertTimedOut(self, line: Line, calls: list[Any], limit: str) -> None:
        """
        The server has closed the connection, because of a limit.

        @param calls: calls of the server's that were not answered.
        """
        await self.wire.lost(line)
        said = self.assertSaid(least=1)
        self.assertIn(limit, said)
        self.assertGreater(len(calls), 0)
        for pending in calls:
            lost = self.failureResultOf(pending, stock.PBConnectionLost).value
            reason = lost.args[0].value
            self.assertIsInstance(reason, ConnectionTimedOut)
            self.assertEqual(limit, reason.limit)

    def assertSaid(self, most: int = 1, least: int = 0, about: Any = None) -> str:
        """
        So many short lines were logged since the last time.

        @return: them.
        """
        said = self.record.take()
        self.assertLessEqual(len(said), most, f"{about}: {said}")
        self.assertGreaterEqual(len(said), least, about)
        for line in said:
            self.assertNotIn("Traceback", line, about)
            self.assertNotIn("\n", line, about)
            self.assertLess(len(line), 500, about)
        return "\n".join(said)

    async def assertUnharmed(self) -> None:
        """
        The other client's call in flight is answered, and so is a new one.
        """
        self.assertFalse(self.inFlight.called)
        self.desk.waiting.pop().callback("at last")
        self.assertEqual("at last", await self.wire.result(self.inFlight))
        again = self.theirDesk.callRemote("echo", "at once")
        self.assertEqual("at once", await self.wire.result(again))
        self.assertTrue(self.bystander.connected)
