"""
What stock Perspective Broker gets wrong with the errors that calls end in, fault
by fault under its id: gone when the end that is to blame runs pbext, whatever
the other end runs.  All of it in memory and over loopback TCP.
"""

from __future__ import annotations

import gc
import pickle
import re
from functools import partial
from io import StringIO
from typing import Any

from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.python import log
from twisted.python.reflect import qual
from twisted.spread import pb as stock

from pbext import Limits, pb
from pbext.errors import RefusedTag
from tests.desks import ROWS, Ends
from tests.raw import LogRecord, bytesOf
from tests.wires import PBEXT, across, pbextWith

#: What must not leave the house.
DSN = "postgresql://pond:S3CRET@db/ducks"

#: What the peer is told instead, with the number of the incident.
INCIDENT = re.compile("an error whose text is not sent; .* as ([0-9a-f]{8})")


class NoSuchDuck(stock.Error, LookupError):
    """
    An error that is meant for the peer.
    """


class CopiedError(pb.Copyable, pb.RemoteCopy, Exception):
    """
    An error that travels as the object that it is.
    """

    typeToCopy = "tests.test_faults_errors.CopiedError"

    def __init__(self, what: Any) -> None:
        super().__init__(what)
        self.what = what


pb.setUnjellyableForClass(CopiedError, CopiedError)


class Holding(Exception):
    """
    Holds things that a failure of stock's would try to send.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what, object())
        self.what = {what: object()}


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError(DSN)

    __repr__ = __str__


class UnprintableError(stock.Error):
    __str__ = Unprintable.__str__
    __repr__ = Unprintable.__str__


class CancelledText(stock.Error):
    def __str__(self) -> str:
        raise KeyboardInterrupt(DSN)


class WrongText(stock.Error):
    def __str__(self) -> Any:
        return 5


class UngatheredError(CopiedError):
    """
    Its state cannot be had.
    """

    def getStateToCopy(self) -> Any:
        raise ValueError(DSN)


class Failing(stock.Referenceable):
    """
    Fails, in each way there is.

    @ivar error: makes the error.
    """

    error: Any

    def remote_now(self) -> Any:
        raise self.error()

    def remote_deferred(self) -> Any:
        return fail(self.error())

    async def remote_coroutine(self) -> Any:
        try:
            raise self.error()
        except Exception as error:
            raise error from KeyError(DSN)

    def remote_later(self) -> Any:
        self.waiting: Deferred[None] = Deferred()
        return self.waiting.addCallback(lambda _: self.remote_now())


class _Told(Ends):
    """
    To blame is the end whose methods fail, for what it tells its peer.

    @ivar failing: what fails.
    """

    async def meet(self, **terms: Any) -> None:
        """
        @param terms: what the factories are made with.
        """
        self.ours = pbextWith(**{"limits": Limits(logLines=1_000), **terms})
        await super().meet()
        self.failing = Failing()
        self.here.setNameForLocal("failing", self.failing)
        self.remote = self.there.remoteForName("failing")
        self.record = LogRecord(self)

    async def failures(self, error: Any) -> list[Any]:
        """
        @param error: makes the error.
        @return: the failures that the other end sees, for each way to fail.
        """
        self.failing.error = error
        failures = []
        for name in ("now", "deferred", "coroutine", "later"):
            call = self.remote.callRemote(name)
            await self.settle()
            if name == "later":
                self.failing.waiting.callback(None)
            failures.append(await self.failure(call))
        return failures

    async def test_B6d_noText(self) -> None:
        """
        An error whose text cannot be had is told all the same, and so is what
        its class is; nothing is told of why.
        """
        await self.meet()
        received = bytesOf(self.there)
        for errorType in (Unprintable, UnprintableError, CancelledText, WrongText):
            for failure in await self.failures(errorType):
                self.assertEqual(qual(errorType).encode(), failure.type)
                self.assertTrue(failure.check(errorType))
                self.assertIsInstance(failure.value, str)
                self.assertLess(len(failure.value), 200)
        self.assertEqual(4, len(self.flushLoggedErrors(Unprintable)))
        self.assertNotIn(b"S3CRET", b"".join(received))
        await self.assertUnharmed()

    async def test_B6d_textsOfAnySize(self) -> None:
        """
        Of a text that is too large to send, a part is sent.
        """
        await self.meet(declaredErrors=[OverflowError])
        for text in ("x" * 700_000, "é" * 700_000, "\N{DUCK}" * 700_000):
            for errorType in (stock.Error, NoSuchDuck, OverflowError):
                for failure in await self.failures(partial(errorType, text)):
                    self.assertEqual(qual(errorType).encode(), failure.type)
                    self.assertEqual(text[: Limits().errorText], failure.value)
        for failure in await self.failures(lambda: ValueError("x" * 700_000)):
            self.assertRegex(failure.value, INCIDENT)
        self.assertEqual(4, len(self.flushLoggedErrors(ValueError)))
        await self.assertUnharmed()

    async def test_B6d_noCharacters(self) -> None:
        """
        A text with what is no character of Unicode is sent without that.
        """
        await self.meet()
        for failure in await self.failures(lambda: stock.Error("a \ud800 duck")):
            self.assertEqual("a ? duck", failure.value)
        for failure in await self.failures(lambda: stock.Error(b"\xff", "\udcff")):
            self.assertIn("xff", failure.value)
        await self.assertUnharmed()

    async def test_B6d_noState(self) -> None:
        """
        An error that would travel as the object that it is, and cannot, is
        told as any other.
        """
        await self.meet()
        received = bytesOf(self.there)
        for errorType, what in (
            (CopiedError, object()),
            (CopiedError, [len]),
            (CopiedError, "x" * 17_000_000),
            (CopiedError, 2**448),
            (UngatheredError, None),
        ):
            for failure in await self.failures(partial(errorType, what)):
                self.assertEqual(qual(errorType).encode(), failure.type)
                self.assertTrue(failure.check(errorType))
        self.assertNotIn(b"S3CRET", b"".join(received))
        self.flushLoggedErrors(CopiedError)
        await self.assertUnharmed()

    async def test_B6d_unsafeTracebacks(self) -> None:
        """
        It is the same where tracebacks are asked for, which may be large too.
        """
        await self.meet(unsafeTracebacks=True)
        for error in (
            Unprintable,
            UnprintableError,
            lambda: ValueError("x" * 700_000),
            lambda: stock.Error("é" * 700_000),
            lambda: stock.Error("\ud800"),
        ):
            for failure in await self.failures(error):
                self.assertTrue(failure.traceback)
                self.assertLessEqual(len(failure.traceback), 100_000)
                if len(failure.traceback) < 10_000:
                    self.assertIn("Traceback (most recent call", failure.traceback)
        self.flushLoggedErrors(Unprintable, ValueError)
        await self.assertUnharmed()

    async def test_B6f_incident(self) -> None:
        """
        Of an error that is not meant for it the peer learns the type, and a
        number under which the log here has all the rest.
        """
        await self.meet()
        received = bytesOf(self.there)
        for errorType in (ValueError, KeyError, OSError, Holding):
            for failure in await self.failures(partial(errorType, DSN)):
                self.assertEqual(qual(errorType).encode(), failure.type)
                self.assertTrue(failure.check(errorType, "a.StrangeError"))
                self.assertNotIn("S3CRET", f"{vars(failure)}")
                match = INCIDENT.fullmatch(failure.value)
                self.assertIsNotNone(match, failure.value)
                [said] = [line for line in self.record.lines if match[1] in line]
                self.assertIn("called by ", said)
                self.assertIn("Traceback (most recent call last)", said)
                self.assertIn(DSN, said)
            self.assertEqual(4, len(self.record.take()))
            self.assertEqual(4, len(self.flushLoggedErrors(errorType)))
        self.assertNotIn(b"S3CRET", b"".join(received))
        await self.assertUnharmed()

    async def test_B6f_tooManyIncidents(self) -> None:
        """
        So it is if there are too many of them to be logged.
        """
        await self.meet(limits=Limits(logLines=2))
        received = bytesOf(self.there)
        failures = await self.failures(lambda: ValueError(DSN))
        numbers = [INCIDENT.fullmatch(failure.value) for failure in failures]
        self.assertEqual([True, True, False, False], list(map(bool, numbers)))
        for failure in failures[2:]:
            self.assertIn("too many", failure.value)
            self.assertTrue(failure.check(ValueError))
        self.assertEqual(2, len(self.flushLoggedErrors(ValueError)))
        self.assertNotIn(b"S3CRET", b"".join(received))
        await self.assertUnharmed()

    async def test_B6f_meantForThePeer(self) -> None:
        """
        The text of an error that is meant for the peer reaches it, and is not
        in the log here: of C{pb.Error}, of one that is Copyable, of what the
        factory has declared.
        """
        await self.meet(declaredErrors=[OverflowError, LookupError])
        for errorType in (stock.Error, NoSuchDuck, OverflowError, IndexError):
            for failure in await self.failures(partial(errorType, "no donald")):
                self.assertEqual("no donald", failure.value)
                self.assertEqual(qual(errorType).encode(), failure.type)
        for failure in await self.failures(lambda: CopiedError("donald")):
            self.assertIsInstance(failure.value, CopiedError)
            self.assertEqual("donald", failure.value.what)
        self.assertEqual([], self.record.take())
        for failure in await self.failures(lambda: ArithmeticError(DSN)):
            self.assertRegex(failure.value, INCIDENT)
        self.assertEqual(4, len(self.flushLoggedErrors(ArithmeticError)))
        await self.assertUnharmed()

    async def test_B6f_unsafeTracebacks(self) -> None:
        """
        Who asks for it has stock's texts and tracebacks, and the log.
        """
        await self.meet(unsafeTracebacks=True)
        failures = await self.failures(lambda: KeyError("donald"))
        for failure in failures:
            self.assertEqual(str(KeyError("donald")), failure.value)
            self.assertIn("builtins.KeyError: 'donald'", failure.traceback)
        self.assertIn("in remote_now", failures[0].traceback)
        self.assertEqual(4, len(self.record.take()))
        self.assertEqual(4, len(self.flushLoggedErrors(KeyError)))
        await self.assertUnharmed()

    async def test_B6f_relayed(self) -> None:
        """
        An error of another peer, which a method here ends in, is told as one
        that happened here: under its own name, and with its text only if that
        is meant for peers.
        """
        await self.meet()
        ends = self.other.server, self.other.client
        here, there = ends if self.serving else ends[::-1]
        beyond = Failing()
        there.setNameForLocal("failing", beyond)
        relay = Relay(here.remoteForName("failing"))
        self.here.setNameForLocal("relay", relay)
        remote = self.there.remoteForName("relay")
        received = bytesOf(self.there)
        for way in ("deferred", "coroutine"):
            for name in ("now", "deferred"):
                beyond.error = lambda: ValueError(DSN)
                failure = await self.failure(remote.callRemote(way, name))
                self.assertEqual(b"builtins.ValueError", failure.type)
                self.assertTrue(failure.check(ValueError))
                [match] = INCIDENT.findall(failure.value)
                [said] = [line for line in self.record.take() if match in line]
                self.assertIn(f"{way}, called by ", said)
                beyond.error = lambda: NoSuchDuck("no donald")
                failure = await self.failure(remote.callRemote(way, name))
                self.assertEqual(qual(NoSuchDuck).encode(), failure.type)
                self.assertTrue(failure.check(stock.Error))
                self.assertTrue(failure.check(LookupError))
                self.assertEqual("no donald", failure.value)
                self.assertEqual([], self.record.take())
        self.flushLoggedErrors()
        self.assertNotIn(b"S3CRET", b"".join(received))
        await self.assertUnharmed()


class Relay(stock.Referenceable):
    def __init__(self, beyond: Any) -> None:
        self.beyond = beyond

    def remote_deferred(self, name: str) -> Any:
        return self.beyond.callRemote(name)

    async def remote_coroutine(self, name: str) -> Any:
        return await self.beyond.callRemote(name)


class _Caught(Ends):
    """
    To blame is the end that calls, for what its program gets to see.
    """

    async def catch(self, error: Any = lambda: NoSuchDuck("no donald")) -> list[Any]:
        """
        @return: the failures of calls, at once and later.
        """
        if not hasattr(self, "here"):
            await self.meet()
            self.failing = Failing()
            self.there.setNameForLocal("failing", self.failing)
            self.remote = self.here.remoteForName("failing")
        self.failing.error = error
        calls = [self.remote.callRemote(name) for name in ("now", "deferred")]
        return [await self.failure(call) for call in calls]

    async def test_B6g_text(self) -> None:
        """
        A failure can be printed, in each way there is.
        """
        for failure in await self.catch():
            name = qual(NoSuchDuck)
            self.assertEqual(name, failure.type)
            self.assertEqual("no donald", failure.value)
            self.assertEqual("no donald", failure.getErrorMessage())
            out = StringIO()
            failure.printTraceback(out)
            failure.printBriefTraceback(out)
            failure.printDetailedTraceback(out)
            self.assertEqual(3, out.getvalue().count(f"{name}: no donald\n"))
            for text in (repr(failure), str(failure), failure.getTraceback()):
                self.assertIn(f"{name}: no donald", text)
        await self.assertUnharmed()

    async def test_B6g_type(self) -> None:
        """
        Its type is text, and equals what it is in stock.
        """
        name = qual(NoSuchDuck)
        for failure in await self.catch():
            for same in (name, name.encode()):
                self.assertTrue(failure.type == same)
                self.assertFalse(failure.type != same)
                self.assertIn(failure.type, {same: 1})
                self.assertIn(same, {failure.type})
            self.assertFalse(failure.type == b"another.Error")
            self.assertFalse(failure.type is None)
            self.assertEqual(name, failure.type.decode())
            self.assertEqual("NoSuchDuck", failure.type.__name__)
            self.assertEqual(__name__, failure.type.__module__)
            self.assertIsInstance(failure.type, str)
        await self.assertUnharmed()

    async def test_B6g_check(self) -> None:
        """
        C{check} and C{trap} take the class, those that it is derived from,
        and their names; and say which it was.
        """
        classes = (NoSuchDuck, stock.Error, LookupError, Exception, BaseException)
        for failure in await self.catch():
            for cls in classes:
                for known in (cls, qual(cls), qual(cls).encode()):
                    self.assertEqual(known, failure.check(ValueError, known))
                    self.assertEqual(known, failure.trap(ValueError, known))
                    self.assertEqual(known, failure.check(known, Exception))
            for unknown in (ValueError, "builtins.ValueError", b"x", KeyboardInterrupt):
                self.assertIsNone(failure.check(unknown))
                error = self.assertRaises(stock.RemoteError, failure.trap, unknown)
                self.assertEqual("no donald", str(error))
            self.assertIsNone(failure.check())
        await self.assertUnharmed()

    async def test_B6g_checkWhatIsNoException(self) -> None:
        """
        So it is with what is derived from C{BaseException} alone, if the peer
        can tell it.
        """
        for failure in await self.catch(lambda: KeyboardInterrupt()):
            if self.theirs is PBEXT:
                self.assertIs(KeyboardInterrupt, failure.check(KeyboardInterrupt))
                self.assertIsNone(failure.check(SystemExit, Exception))
                self.assertRaises(stock.RemoteError, failure.raiseException)
            else:
                # Stock's sends the class itself.
                self.assertIsInstance(failure.value, RefusedTag)
        self.flushLoggedErrors(KeyboardInterrupt)
        await self.assertUnharmed()

    async def test_B6g_raised(self) -> None:
        """
        It can be raised, awaited, and thrown into a generator, as an error
        that knows as much.
        """
        await self.catch()

        async def awaited(name: str) -> None:
            await self.remote.callRemote(name)

        @inlineCallbacks
        def yielded(name: str) -> Any:
            yield self.remote.callRemote(name)

        for name in ("now", "deferred"):
            for call in (
                Deferred.fromCoroutine(awaited(name)),
                yielded(name),
                self.remote.callRemote(name).addErrback(lambda f: f.raiseException()),
                self.remote.callRemote(name).addErrback(lambda f: f.trap(KeyError)),
            ):
                failure = await self.failure(call)
                error = failure.value
                self.assertIsInstance(error, stock.RemoteError)
                self.assertEqual("no donald", str(error))
                self.assertEqual(qual(NoSuchDuck), error.remoteType)
                self.assertIn("Traceback unavailable", error.remoteTraceback)
                self.assertIs(LookupError, error.check(ValueError, LookupError))
                self.assertIsNone(error.check(ValueError))
                copied = pickle.loads(pickle.dumps(error))
                self.assertEqual(str(error), str(copied))
                self.assertEqual(vars(error), vars(copied))
        await self.assertUnharmed()

    async def test_B6g_pickled(self) -> None:
        """
        It can be pickled.
        """
        for failure in await self.catch():
            copied = pickle.loads(pickle.dumps(failure))
            self.assertEqual(vars(failure), vars(copied))
            self.assertEqual(repr(failure), repr(copied))
            self.assertTrue(copied.check(LookupError))
        await self.assertUnharmed()

    async def test_B6g_logged(self) -> None:
        """
        It can be logged, and left unhandled, for the log has it then.
        """
        for failure in await self.catch():
            record = LogRecord(self)
            log.err(failure, "what was tried")
            [said] = record.take()
            self.assertIn("what was tried", said)
            self.assertIn(f"{qual(NoSuchDuck)}: no donald", said)
            self.assertEqual(1, len(self.flushLoggedErrors(NoSuchDuck)))
            unhandled: Deferred[None] = Deferred()
            unhandled.errback(failure)
            del unhandled
            gc.collect()
            self.assertIn("no donald", "".join(record.take()))
            self.assertEqual(1, len(self.flushLoggedErrors(LookupError)))
        await self.assertUnharmed()


for _tests in (_Told, _Caught):
    globals().update(across(module=__name__, tests=_tests, rows=ROWS))
