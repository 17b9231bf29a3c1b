"""
What a server that is none does to stock Perspective Broker's clients, fault by
fault under its id: gone with a client of pbext's.  All of it in memory and over
loopback TCP.
"""

from __future__ import annotations

import pickle
from functools import partial
from io import StringIO
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

from pbext import Limits, pb
from pbext._copied import CopiedFailure
from pbext.errors import (
    BadAnswer,
    BadMessage,
    BadReference,
    BadValue,
    ConnectionTimedOut,
    PeerError,
    RefusedTag,
)
from pbext.testing import connectedPair
from tests.desks import Desk
from tests.malformed import CLOSING, NO_BANANA, NO_DIALECT
from tests.raw import MUTE, RAW, LogRecord, MuteBroker, encode, nested
from tests.wires import Factories, across

_FAILURE = b"twisted.spread.pb.CopyableFailure"


def _failure(**state: Any) -> list[Any]:
    """
    @return: the jelly of a failure, with some of its state as given, in jelly.
    """
    usual = {
        "type": b"builtins.KeyError",
        "value": [b"unicode", b"a key"],
        "parents": [b"list", [b"unicode", b"builtins.KeyError"]],
        "traceback": [b"unicode", b"Traceback unavailable\n"],
        "tb": [b"None"],
        "frames": [b"list"],
        "stack": [b"list"],
        "count": 0,
        "pickled": 1,
    }
    pairs = [[[b"unicode", k.encode()], v] for k, v in {**usual, **state}.items()]
    return [_FAILURE, [b"dictionary", *(pair for pair in pairs if pair[1] is not None)]]


#: What is sent as an error and is none, and what the caller gets.
_NO_ERRORS: list[tuple[Any, type[PeerError]]] = [
    (5, BadAnswer),
    (1.5, BadAnswer),
    (b"x", BadAnswer),
    ([b"None"], BadAnswer),
    ([b"list"], BadAnswer),
    ([b"list", [b"unicode", b"x"]], BadAnswer),
    ([b"dictionary", [b"type", 5]], BadAnswer),
    ([b"boolean", b"true"], BadAnswer),
    ([b"persistent", 5], BadAnswer),
    ([b"unpersistable", b"x"], BadAnswer),
    ([b"remote", 5], BadAnswer),
    ([], BadValue),
    ([b"unicode"], BadValue),
    ([b"reference", 1], BadValue),
    ([b"dereference", 1], BadValue),
    (nested(300, b"list", []), BadValue),
    (nested(300, _FAILURE), BadValue),
    ([_FAILURE], BadValue),
    ([_FAILURE, 5], BadValue),
    ([_FAILURE, [b"list"]], BadValue),
    (_failure(parents=None), BadValue),
    ([b"tests.nothing", 1], RefusedTag),
    (_failure(value=[b"tests.nothing", 1]), RefusedTag),
    ([b"class", b"os.system"], RefusedTag),
    ([b"local", b"root"], BadReference),
    ([b"cached", 1], BadReference),
]

#: Failures with junk in them.
_JUNK = [
    _failure(check=5, trap=5, raiseException=5, __class__=5, __dict__=5),
    _failure(postUnjelly=5),
    _failure(getErrorMessage=5, getTraceback=5, printTraceback=5, cleanFailure=5),
    _failure(throwExceptionIntoGenerator=5, _withoutTraceback=5, __reduce__=5),
    _failure(type=None, value=None, traceback=None),
    _failure(type=5, value=5, traceback=5, parents=5),
    _failure(type=[b"list"], value=[b"list"], traceback=[b"list"], parents=b"x"),
    _failure(type=[b"remote", 5], value=[b"remote", 6], parents=[b"remote", 7]),
    _failure(type=b"\xff", value=b"\xff", traceback=b"\xff"),
    _failure(parents=[b"list", 5, [b"list"], [b"None"], b"\xff", [b"dictionary"]]),
    _failure(parents=[b"dictionary", [b"x", 5]]),
    _failure(tb=5, frames=5, stack=5, count=b"x", pickled=[b"list"], captureVars=5),
    [_FAILURE, [b"dictionary", [b"parents", 1], [5, 5], [[b"unicode", b"parents"], 1]]],
]


class _Client:
    """
    The client is to blame.  It has a call in flight over the connection on
    which it is told nonsense.
    """

    async def meet(self, **limits: Any) -> None:
        factory = partial(pb.PBClientFactory, limits=Limits(**limits), clock=Clock())
        self.wire = self.Wire(Desk(), RAW, Factories(None, factory))
        self.record = LogRecord(self)
        await self.again()

    async def again(self) -> None:
        """
        Connect.
        """
        self.line = await self.wire.connect()
        self.call, self.number = await self.ask()
        self.record.take()

    async def ask(self) -> tuple[Deferred[Any], Any]:
        """
        @return: the Deferred of a call, and the number that it has.
        """
        heard = self.line.server.next()
        call = self.line.root.callRemote("x")
        return call, (await self.wire.result(heard))[1]

    async def told(self, *sexps: Any) -> None:
        self.line.server.say(*sexps)
        await self.settle()

    async def failure(self, command: bytes, sexp: Any) -> Any:
        """
        @return: the failure of a call that is answered with something.
        """
        call, number = await self.ask()
        failures: list[Any] = []
        call.addErrback(failures.append)
        await self.told([command, number, sexp])
        self.assertEqual(1, len(failures), encode(sexp)[:100])
        return failures[0]

    async def assertUnharmed(self) -> None:
        """
        The call in flight is answered, and so is a new one; and nothing was
        logged.
        """
        self.assertEqual([], self.record.take())
        self.assertFalse(self.call.called)
        call, number = await self.ask()
        await self.told([b"answer", self.number, 6], [b"answer", number, 7])
        self.assertEqual(6, self.successResultOf(self.call))
        self.assertEqual(7, self.successResultOf(call))
        self.assertTrue(self.line.connected)

    async def assertClosed(self, about: Any = None) -> None:
        """
        The client has closed the connection, in a line of the log, and says
        so to who waits.
        """
        await self.wire.lost(self.line)
        lost = self.failureResultOf(self.call, stock.PBConnectionLost).value
        self.assertIsInstance(lost.args[0].value, BadMessage)
        [said] = self.record.take()
        self.assertIn("is closed", said)
        self.assertNotIn("Traceback", said)
        self.assertLess(len(said), 500)

    def assertWorks(self, failure: Any) -> None:
        """
        All that is done with a failure can be done with this one.
        """
        self.assertIsInstance(failure, Failure)
        for text in (
            repr(failure),
            str(failure),
            failure.getErrorMessage(),
            failure.getTraceback(),
            failure.getBriefTraceback(),
        ):
            self.assertIsInstance(text, str)
        failure.printTraceback(StringIO())
        failure.cleanFailure()
        self.assertIsNone(failure.check(ZeroDivisionError))
        error = self.assertRaises(PeerError, failure.raiseException)
        self.assertRaises(PeerError, failure.trap, ZeroDivisionError)
        caught: Deferred[Any] = Deferred()
        caught.addErrback(lambda f: f.trap(type(error), "x", b"x"))
        caught.addErrback(lambda f: f)
        caught.errback(failure)
        caught.addErrback(lambda f: None)
        self.assertEqual(repr(failure), repr(pickle.loads(pickle.dumps(failure))))

    async def test_B6h_noError(self) -> None:
        """
        What comes as an error and is none, is one all the same: it says that
        the peer is to blame.
        """
        await self.meet()
        for sexp, errorType in _NO_ERRORS:
            failure = await self.failure(b"error", sexp)
            self.assertIs(errorType, failure.type, encode(sexp)[:100])
            self.assertWorks(failure)
        await self.assertUnharmed()

    async def test_B6h_junkInAFailure(self) -> None:
        """
        A failure of the peer's has what a failure has, whatever has come with
        it; be it the error of a call or what it is answered with.
        """
        await self.meet()
        usual = await self.failure(b"error", _failure())
        self.assertEqual(("builtins.KeyError", "a key"), (usual.type, usual.value))
        for sexp in _JUNK:
            for command in (b"error", b"answer"):
                failure = await self.failure(command, sexp)
                self.assertIs(CopiedFailure, type(failure))
                self.assertEqual(set(vars(usual)), set(vars(failure)))
                for name in ("type", "value", "traceback"):
                    self.assertIsInstance(getattr(failure, name), str)
                self.assertTrue(all(type(name) is str for name in failure.parents))
                self.assertWorks(failure)
        await self.assertUnharmed()

    async def test_B6h_answersNothing(self) -> None:
        """
        An answer, or an error, to a call that was not made, or that has been
        answered, closes the connection; calls in flight fail because of that.
        """
        await self.meet()
        for command in (b"answer", b"error"):
            for odd in (99, 0, -1, 2**400, b"x", [], [b"list"], 1.5):
                await self.told([command, odd, _failure()])
                await self.assertClosed(odd)
                await self.again()
            call, number = await self.ask()
            await self.told([b"answer", number, 7], [command, number, _failure()])
            self.assertEqual(7, self.successResultOf(call))
            await self.assertClosed()
            await self.again()
        await self.assertUnharmed()

    async def test_B6h_answersTooLate(self) -> None:
        """
        The answer to a call for which nobody waits any more is none of that,
        once.
        """
        await self.meet()
        for command in (b"answer", b"error"):
            call, number = await self.ask()
            call.cancel()
            self.failureResultOf(call, CancelledError)
            await self.told([command, number, _failure()])
            self.assertTrue(self.line.connected)
        self.assertFalse(self.call.called)
        await self.told([command, number, _failure()])
        await self.assertClosed()

    async def test_B7e_forgedReferences(self) -> None:
        """
        A forged reference in an answer is refused, and says so to the caller.
        """
        await self.meet()
        for forged in (
            [b"remote", b"root"],
            [b"remote", []],
            [b"remote"],
            [b"local", b"root"],
            [b"local", 999],
            [b"cached", 1],
            [b"lcache", 1],
        ):
            for sexp in (forged, [b"list", [b"dictionary", [b"a", forged]]]):
                failure = await self.failure(b"answer", sexp)
                self.assertIs(BadReference, failure.type, sexp)
                self.assertEqual(forged[0].decode(), failure.value.kind)
        await self.assertUnharmed()

    async def test_C1_closing(self) -> None:
        """
        What is no message, from a server too, closes the connection.
        """
        await self.meet(logLines=1_000_000)
        said = [encode(sexp) for sexp in CLOSING] + NO_BANANA
        for data in said:
            self.line.server.transport.write(data)
            await self.assertClosed(data[:100])
            await self.again()
        await self.assertUnharmed()


globals().update(across(module=__name__, tests=_Client, rows={"": {}}))


class _Early:
    """
    A client's factory is asked for the root, and the server is none.
    """

    def begin(self, *words: Any) -> Any:
        """
        @param words: what the server says.
        @return: a Deferred of the root.
        """
        self.clock = Clock()
        self.record = LogRecord(self)
        self.factory = pb.PBClientFactory(clock=self.clock)

        class Server(MUTE.server):  # type: ignore[misc, name-defined]
            class protocol(MuteBroker):
                def connectionMade(self) -> None:
                    super().connectionMade()
                    self.say(*words)

        self.server = Server(Desk())
        return self.factory.getRootObject()

    async def test_C4a_neverNegotiates(self) -> None:
        """
        If the server never negotiates, there is no root, and this is why.
        """
        root = self.begin()
        login = self.factory.login(stock.Anonymous())
        await self.meet()
        self.clock.advance(29)
        self.assertNoResult(root)
        self.record.take()
        self.clock.advance(1)
        await self.part()
        for waiting in (root, login):
            error = self.failureResultOf(waiting, ConnectionTimedOut).value
            self.assertEqual("negotiationSeconds", error.limit)
        [said] = self.record.take()
        self.assertIn("negotiationSeconds", said)

    async def test_C1_negotiatesNothing(self) -> None:
        """
        If it offers no dialect that there is, there is no root either.
        """
        for words in NO_DIALECT:
            if words == [b"pb"]:
                continue  # which is right here
            root = self.begin(words, words, words)
            await self.meet()
            await self.part()
            self.failureResultOf(root, BadMessage)
            said = [line for line in self.record.take() if "is closed" in line]
            self.assertEqual(1, len(said), words)


class EarlyMemoryTests(_Early, TestCase):
    async def meet(self) -> None:
        self.pair = connectedPair(
            Desk(), clients=0, serverFactory=lambda root: self.server, clock=self.clock
        )
        self.link = self.pair.addClient(self.factory)

    async def part(self) -> None:
        self.pair.flush()
        self.assertFalse(self.link.connected)
        # As a connector does.
        self.factory.clientConnectionLost(None, Failure(ConnectionLost()))


class EarlyTCPTests(_Early, TestCase):
    timeout = 20

    async def meet(self) -> None:
        reactor: Any = _reactor
        port = reactor.listenTCP(0, self.server, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        made: Deferred[None] = Deferred()
        self.gone: Deferred[None] = Deferred()
        gone = self.gone

        class Client(pb.Broker):
            def connectionMade(self) -> None:
                super().connectionMade()
                made.callback(None)

        class Server(self.server.protocol):  # type: ignore[misc, name-defined]
            def connectionLost(self, reason: Any) -> None:
                super().connectionLost(reason)
                gone.callback(None)

        self.server.protocol = Server
        self.factory.protocol = Client
        reactor.connectTCP("127.0.0.1", port.getHost().port, self.factory)
        await made

    async def part(self) -> None:
        await self.gone
