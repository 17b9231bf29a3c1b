"""
L{pbext._copied}: errors of the peer's, as failures and as exceptions.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Generator
from io import StringIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python import log
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext._copied import CopiedFailure, RemoteError
from pbext.errors import PBExtError, PeerError, RefusedTag

#: What a peer says of an error, as it is in the state of a failure.
NAME = "pond.Dry"
PARENTS = ["pond.Dry", "builtins.ValueError", "builtins.Exception"]
VALUE = "no water in \N{FROG FACE}"
TRACEBACK = "Traceback (most recent call last):\n  in the pond\n"
UNAVAILABLE = "Traceback unavailable\n"


class Dry(Exception):
    """
    Not the peer's, but of its name if this module is C{pond}.
    """

    __module__ = "pond"


def arrived(**state: Any) -> stock.CopiedFailure:
    """
    @param state: what is not as above.
    @return: what Twisted makes of a failure on the wire.
    """
    said = {
        "type": NAME.encode(),
        "parents": PARENTS,
        "value": VALUE,
        "traceback": TRACEBACK,
        **state,
    }
    failure = stock.CopiedFailure.__new__(stock.CopiedFailure)
    failure.setCopyableState(said)
    return failure


def copied(traceback: str = TRACEBACK) -> CopiedFailure:
    return CopiedFailure(NAME, PARENTS, VALUE, traceback)


class TypeTests(SynchronousTestCase):
    """
    The type of a failure that was copied.
    """

    def test_text(self) -> None:
        """
        It is a C{str}: the full name of a class.
        """
        name = copied().type
        self.assertIsInstance(name, str)
        self.assertEqual(NAME, str(name))
        self.assertEqual(f"<{NAME}>", f"<{name}>")
        self.assertEqual(repr(NAME), repr(name))

    def test_equal(self) -> None:
        """
        It is equal to its name, as text and as the bytes that it is in stock,
        whoever is asked.
        """
        name = copied().type
        for same in (NAME, NAME.encode(), copied().type):
            self.assertTrue(name == same)
            self.assertTrue(same == name)
            self.assertFalse(name != same)
            self.assertFalse(same != name)

    def test_notEqual(self) -> None:
        """
        It is equal to nothing else.
        """
        name = copied().type
        for other in ("pond.Wet", b"pond.Wet", b"\xff", None, 7, Dry):
            self.assertFalse(name == other)
            self.assertFalse(other == name)
            self.assertTrue(name != other)
            self.assertTrue(other != name)

    def test_key(self) -> None:
        """
        A table of names finds it, whether these are text or bytes.
        """
        name = copied().type
        self.assertIn(name, {NAME})
        self.assertIn(name, {NAME.encode()})
        self.assertEqual("dry", {NAME: "dry"}[name])
        self.assertEqual("dry", {NAME.encode(): "dry"}[name])
        self.assertEqual("dry", {name: "dry"}[NAME])

    def test_notASCII(self) -> None:
        """
        So it is with a name that is not ASCII, but for tables of bytes.
        """
        failure = CopiedFailure("pond.D\xfcrr", [], "", "")
        self.assertTrue(failure.type == "pond.D\xfcrr".encode())
        self.assertIn(failure.type, {"pond.D\xfcrr"})

    def test_asInStock(self) -> None:
        """
        Who decodes it, as stock's has to be, goes on doing so.
        """
        name = copied().type
        for decoded in (name.decode(), name.decode("utf-8"), name.decode("ascii")):
            self.assertEqual(NAME, decoded)
            self.assertIs(str, type(decoded))

    def test_asAClass(self) -> None:
        """
        Who asks it for its module and its name, as classes are asked, gets
        them.
        """
        name = copied().type
        self.assertEqual(("pond", "Dry"), (name.__module__, name.__name__))
        bare = CopiedFailure("Dry", [], "", "").type
        self.assertEqual(("", "Dry"), (bare.__module__, bare.__name__))


class CopiedFailureTests(SynchronousTestCase):
    """
    The failure.
    """

    def test_kind(self) -> None:
        """
        It is one of Twisted's, of both kinds.
        """
        self.assertIsInstance(copied(), stock.CopiedFailure)
        self.assertIsInstance(copied(), Failure)

    def test_fields(self) -> None:
        """
        It has what the peer has said.
        """
        failure = copied()
        self.assertEqual(NAME, failure.type)
        self.assertEqual(VALUE, failure.value)
        self.assertEqual(TRACEBACK, failure.traceback)
        self.assertEqual(PARENTS, failure.parents)

    def test_asAFailure(self) -> None:
        """
        It has what other failures have, though there is nothing in it.
        """
        failure = copied()
        self.assertIs(None, failure.tb)
        self.assertEqual([], failure.frames)
        self.assertFalse(failure.captureVars)
        self.assertIs(None, failure.getTracebackObject())

    def test_repr(self) -> None:
        """
        It can be printed, which stock's cannot.
        """
        self.assertRaises(AttributeError, repr, arrived())
        self.assertEqual(f"<CopiedFailure {NAME}: {VALUE}>", repr(copied()))

    def test_str(self) -> None:
        """
        As text, it says what the peer has said.
        """
        self.assertIn(f"{NAME}: {VALUE}", str(copied()))

    def test_getErrorMessage(self) -> None:
        """
        Its message is the text of the error.
        """
        self.assertEqual(VALUE, copied().getErrorMessage())

    def test_check(self) -> None:
        """
        It is asked for classes and for their names, as text or as bytes, and
        says which one it found first.
        """
        failure = copied()
        self.assertIs(ValueError, failure.check(KeyError, ValueError, Exception))
        self.assertIs(Dry, failure.check(Dry))
        for name in (NAME, NAME.encode(), failure.type, "builtins.Exception"):
            self.assertIs(name, failure.check("pond.Wet", name))

    def test_checkNothing(self) -> None:
        """
        If it is none of them, it says so.
        """
        for asked in ((), (KeyError, "pond.Wet", b"pond.Wet", b"\xff", "")):
            self.assertIs(None, copied().check(*asked))

    def test_trap(self) -> None:
        """
        C{trap} ends what it finds, and raises what it does not.
        """
        self.assertIs(ValueError, copied().trap(KeyError, ValueError))
        self.assertEqual(NAME, copied().trap(NAME))
        error = self.assertRaises(RemoteError, copied().trap, KeyError)
        self.assertEqual(NAME, error.remoteType)

    def test_error(self) -> None:
        """
        As an exception, it says the same.
        """
        error = copied().error
        self.assertIs(RemoteError, type(error))
        self.assertEqual(VALUE, str(error))
        self.assertEqual(NAME, error.remoteType)
        self.assertEqual(NAME.encode(), error.remoteType)
        self.assertEqual(TRACEBACK, error.remoteTraceback)
        self.assertEqual(tuple(PARENTS), error.parents)

    def test_raiseException(self) -> None:
        """
        It can be raised, which stock's cannot.
        """
        error = self.assertRaises(RemoteError, copied().raiseException)
        self.assertEqual((NAME, VALUE), (error.remoteType, str(error)))
        self.assertRaises(AttributeError, arrived().raiseException)

    def test_throwExceptionIntoGenerator(self) -> None:
        """
        It can be thrown into a generator, whose next value is returned.
        """

        def pond() -> Generator[Any, None, None]:
            try:
                yield "full"
            except RemoteError as error:
                yield error

        generator = pond()
        next(generator)
        error = copied().throwExceptionIntoGenerator(generator)
        self.assertEqual((NAME, VALUE), (error.remoteType, str(error)))
        self.assertIs(RemoteError, type(error))

    def test_await(self) -> None:
        """
        Who awaits a Deferred that ended in it can catch it.
        """

        async def visit(pond: Deferred[None]) -> Any:
            try:
                await pond
            except RemoteError as error:
                return error

        pond: Deferred[None] = Deferred()
        visiting = Deferred.fromCoroutine(visit(pond))
        pond.errback(copied())
        error = self.successResultOf(visiting)
        self.assertEqual((NAME, VALUE), (error.remoteType, str(error)))

    def printed(self, method: str, failure: CopiedFailure) -> str:
        """
        @return: what one of the methods prints.
        """
        file = StringIO()
        getattr(failure, method)(file)
        return file.getvalue()

    def test_print(self) -> None:
        """
        Whichever way it is printed, it says the type, the text and the peer's
        traceback, if it has sent one.
        """
        first = f"Traceback from remote host -- {NAME}: {VALUE}\n"
        for method in (
            "printTraceback",
            "printBriefTraceback",
            "printDetailedTraceback",
        ):
            self.assertEqual(first + TRACEBACK, self.printed(method, copied()))
            self.assertEqual(first, self.printed(method, copied(UNAVAILABLE)))

    def test_printArguments(self) -> None:
        """
        It takes the arguments of C{Failure.printTraceback}.
        """
        file = StringIO()
        copied().printTraceback(file, elideFrameworkCode=True, detail="verbose")
        self.assertIn(VALUE, file.getvalue())

    def test_printToLog(self) -> None:
        """
        Without a file, it is printed to the log.
        """
        file = StringIO()
        self.patch(log, "logerr", file)
        copied().printTraceback()
        self.assertIn(f"{NAME}: {VALUE}", file.getvalue())

    def test_getTraceback(self) -> None:
        """
        What is printed is had as text, too.
        """
        printed = self.printed("printTraceback", copied())
        self.assertEqual(printed, copied().getTraceback())
        self.assertEqual(printed, copied().getBriefTraceback())
        self.assertEqual(printed, copied().getTraceback(detail="verbose"))

    def test_cleanFailure(self) -> None:
        """
        To clean it changes nothing.
        """
        failure = copied()
        failure.cleanFailure()
        self.assertEqual(vars(copied()), vars(failure))

    def test_log(self) -> None:
        """
        It can be logged.
        """
        log.err(copied(), "the pond")
        [failure] = self.flushLoggedErrors(Dry)
        self.assertEqual(VALUE, failure.value)

    def test_pickle(self) -> None:
        """
        It can be pickled and copied, and is the same then.
        """
        pickles = [
            pickle.loads(pickle.dumps(copied(), protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ]
        for same in (*pickles, copy.copy(copied()), copy.deepcopy(copied())):
            self.assertIs(CopiedFailure, type(same))
            self.assertEqual(vars(copied()), vars(same))
            self.assertEqual(NAME.encode(), same.type)
            self.assertIs(ValueError, same.check(ValueError))


class NormalizedTests(SynchronousTestCase):
    """
    What a peer may send as a failure.
    """

    def test_all(self) -> None:
        """
        What a failure has is taken.
        """
        failure = CopiedFailure.normalized(arrived())
        self.assertIs(CopiedFailure, type(failure))
        self.assertEqual(vars(copied()), vars(failure))

    def test_subclass(self) -> None:
        """
        It is of the class that is asked.
        """

        class PondFailure(CopiedFailure):
            pass

        failure = PondFailure.normalized(arrived())
        self.assertIs(PondFailure, type(failure))
        self.assertEqual(f"<PondFailure {NAME}: {VALUE}>", repr(failure))

    def test_noMore(self) -> None:
        """
        Nothing else is, in particular nothing that hides a method.
        """
        failure = CopiedFailure.normalized(
            arrived(check=1, trap=2, raiseException=3, secret=4, tb=5, pickled=6)
        )
        self.assertEqual(vars(copied()), vars(failure))
        self.assertIs(ValueError, failure.check(ValueError))

    def test_bytes(self) -> None:
        """
        Bytes, as a peer of Python 2 sends them, are text; and if they are
        none, nearly so.
        """
        failure = CopiedFailure.normalized(
            arrived(value=b"no \xff", traceback=b"in the pond", parents=[b"pond.Dry"])
        )
        self.assertEqual("no \N{REPLACEMENT CHARACTER}", failure.value)
        self.assertEqual("in the pond", failure.traceback)
        self.assertEqual([NAME], failure.parents)

    def test_junk(self) -> None:
        """
        In place of what is no text there is what says nothing.
        """
        for junk in (None, 7, [], {}, object()):
            failure = CopiedFailure.normalized(
                arrived(type=junk, parents=junk, value=junk, traceback=junk)
            )
            self.assertEqual("builtins.Exception", failure.type)
            self.assertEqual(["builtins.Exception"], failure.parents)
            self.assertEqual("", failure.value)
            self.assertEqual(UNAVAILABLE, failure.traceback)

    def test_nothing(self) -> None:
        """
        So it is where there is nothing at all.
        """
        empty = stock.CopiedFailure.__new__(stock.CopiedFailure)
        failure = CopiedFailure.normalized(empty)
        self.assertEqual("<CopiedFailure builtins.Exception: >", repr(failure))
        self.assertIs(Exception, failure.check(Exception))

    def test_parents(self) -> None:
        """
        Its type is the first of its parents, each of which is there once.
        """
        failure = CopiedFailure.normalized(
            arrived(parents=["builtins.Exception", 7, NAME, b"builtins.Exception"])
        )
        self.assertEqual([NAME, "builtins.Exception", ""], failure.parents)

    def test_twice(self) -> None:
        """
        To take it once more changes nothing.
        """
        once = CopiedFailure.normalized(arrived())
        twice = CopiedFailure.normalized(once)
        self.assertIsNot(once, twice)
        self.assertEqual(vars(once), vars(twice))

    def test_unharmed(self) -> None:
        """
        What has arrived is not changed.
        """
        failure = arrived()
        before = copy.deepcopy(vars(failure))
        CopiedFailure.normalized(failure).parents.append("more")
        self.assertEqual(before, vars(failure))


class RemoteErrorTests(SynchronousTestCase):
    """
    The exception.
    """

    def error(self) -> RemoteError:
        return RemoteError(NAME, VALUE, TRACEBACK, PARENTS)

    def test_kind(self) -> None:
        """
        It is Twisted's own as well, and the peer's fault.
        """
        for kind in (stock.RemoteError, PeerError, PBExtError):
            self.assertIsInstance(self.error(), kind)

    def test_fields(self) -> None:
        """
        It has what the peer has said, as Twisted's has, and the parents.
        """
        error = self.error()
        self.assertEqual(NAME, error.remoteType)
        self.assertEqual(TRACEBACK, error.remoteTraceback)
        self.assertEqual(tuple(PARENTS), error.parents)
        self.assertEqual((VALUE,), error.args)

    def test_asInStock(self) -> None:
        """
        It is made as Twisted's is, for then nothing is known of its parents.
        """
        error = RemoteError(NAME, VALUE, TRACEBACK)
        self.assertEqual((), error.parents)
        self.assertIs(None, error.check(Exception))

    def test_text(self) -> None:
        """
        Its text is the peer's, which may hold braces.
        """
        self.assertEqual(VALUE, str(self.error()))
        self.assertEqual(f"RemoteError({VALUE!r})", repr(self.error()))
        braces = RemoteError(NAME, "{self.remoteType}", TRACEBACK)
        self.assertEqual("{self.remoteType}", str(braces))

    def test_check(self) -> None:
        """
        It is asked for classes and for their names, as a failure is.
        """
        error = self.error()
        self.assertIs(ValueError, error.check(KeyError, ValueError, Exception))
        self.assertIs(Dry, error.check(Dry))
        for name in (NAME, NAME.encode(), copied().type):
            self.assertIs(name, error.check(RefusedTag, "pond.Wet", name))
        self.assertIs(None, error.check(KeyError, "pond.Wet", b"\xff"))
        self.assertIs(None, error.check())

    def test_caught(self) -> None:
        """
        A program that catches Twisted's goes on doing so.
        """
        with self.assertRaises(stock.RemoteError) as caught:
            copied().raiseException()
        self.assertEqual(VALUE, str(caught.exception))

    def test_failure(self) -> None:
        """
        A failure of it can be trapped by its class.
        """
        failure = Failure(copied().error)
        self.assertIs(stock.RemoteError, failure.trap(stock.RemoteError))
        self.assertIs(None, failure.check(ValueError))

    def test_pickle(self) -> None:
        """
        It can be pickled and copied, whether a program has made it or a
        failure, and is the same then.
        """
        for error in (self.error(), copied().error):
            pickles = [
                pickle.loads(pickle.dumps(error, protocol))
                for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
            ]
            for same in (*pickles, copy.copy(error), copy.deepcopy(error)):
                self.assertIs(RemoteError, type(same))
                self.assertEqual(vars(self.error()), vars(same))
                self.assertEqual(self.error().args, same.args)
                self.assertIs(ValueError, same.check(ValueError))

    def test_pickleSubclass(self) -> None:
        """
        So can one that a program has derived.
        """
        error = DryError(NAME, VALUE, TRACEBACK, PARENTS)
        same = pickle.loads(pickle.dumps(error))
        self.assertIs(DryError, type(same))
        self.assertEqual(vars(error), vars(same))


class DryError(RemoteError):
    pass
