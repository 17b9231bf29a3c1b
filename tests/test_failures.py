"""
L{pbext._failures}: what the peer is told of an error, and what it says of one
of its own.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, fail
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._copied import CopiedFailure, RemoteError
from pbext._failures import TAG, failureFrom, isDeclared, stateOf
from pbext.errors import (
    BadAnswer,
    DeadReference,
    LimitReached,
    RefusedTag,
    UnknownMethod,
    UnknownObject,
)
from pbext.testing import connectedPair

UNAVAILABLE = "Traceback unavailable\n"


class Dry(ValueError):
    """
    Of the program's, without a text for peers.
    """


class Drier(Dry):
    pass


class Closed(pb.Error):
    """
    Of the program's, with a text for peers.
    """


class Silent(Exception):
    """
    Has no text to speak of.
    """

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __str__(self) -> str:
        raise self._error


class Travelling(pb.Copyable, Exception):
    """
    An error that is sent as the object that it is.
    """

    typeToCopy = "tests.test_failures.Travelling"


class Travelled(pb.RemoteCopy, Exception):
    pass


class Card(pb.RemoteCopy):
    """
    No exception.
    """


pb.setUnjellyableForClass(Travelling, Travelled)


def raised(error: BaseException) -> Failure:
    """
    @return: a failure with a traceback.
    """
    try:
        raise error
    except BaseException:
        return Failure()


def remote(*parents: str) -> list[Failure]:
    """
    @param parents: the names of a class of another peer's and of what it is
        derived from.
    @return: the failure that an error of it is here, as it comes from our
        broker, as it comes from Twisted's, and as it is raised.
    """
    ours = CopiedFailure(parents[0], parents, "no water", "over there\n")
    theirs = stock.CopiedFailure.__new__(stock.CopiedFailure)
    theirs.setCopyableState(
        {
            "type": parents[0].encode(),
            "parents": list(parents),
            "value": "no water",
            "traceback": "over there\n",
        }
    )
    return [ours, theirs, raised(ours.error)]


class StateOfTests(SynchronousTestCase):
    """
    The state of a failure on the wire.
    """

    def test_fields(self) -> None:
        """
        It has what stock's has, and no more.
        """
        self.assertEqual(
            {
                "type": qual(Drier).encode(),
                "value": "no water",
                "parents": [
                    qual(Drier),
                    qual(Dry),
                    "builtins.ValueError",
                    "builtins.Exception",
                    "builtins.BaseException",
                ],
                "traceback": UNAVAILABLE,
                "tb": None,
                "frames": [],
                "stack": [],
                "captureVars": False,
                "count": 0,
                "pickled": 1,
            },
            stateOf(raised(Drier("no water")), None, False),
        )

    def test_asInStock(self) -> None:
        """
        Whatever stock's says of the error itself, it says as well.
        """
        failure = stock.CopyableFailure(Dry("no water"))
        state = failure.getStateToCopy()
        ours = stateOf(failure, None, False)
        for name in ("type", "value", "traceback", "tb", "frames", "stack"):
            self.assertEqual(state[name], ours[name])
        self.assertEqual([*ours["parents"], "builtins.object"], state["parents"])

    def test_nothingElse(self) -> None:
        """
        What else is in the C{__dict__} of a failure stays here.
        """
        failure = raised(Dry("no water"))
        failure.secret = "password"  # type: ignore[attr-defined]  # of its own
        self.assertNotIn("secret", stateOf(failure, None, True))

    def test_text(self) -> None:
        """
        A text that is given takes the place of the error's own.
        """
        failure = raised(Dry("password"))
        self.assertEqual("nothing", stateOf(failure, "nothing", False)["value"])
        self.assertEqual("", stateOf(failure, "", False)["value"])
        self.assertEqual("password", stateOf(failure, None, False)["value"])

    def test_unasked(self) -> None:
        """
        If a text is given, the error is not even asked for its own.
        """
        failure = Failure(Silent(AssertionError("asked")))
        self.assertEqual("nothing", stateOf(failure, "nothing", False)["value"])

    def test_noText(self) -> None:
        """
        If the text cannot be had, the peer is told so, and of what kind the
        error was that kept it.
        """
        for error in (KeyError("a"), SystemExit(1), CancelledError(), Dry("b")):
            self.assertEqual(
                f"(its text cannot be had: {qual(type(error))})",
                stateOf(Failure(Silent(error)), None, False)["value"],
            )

    def test_notEncodable(self) -> None:
        """
        What of a text cannot be encoded is replaced.
        """
        failure = Failure(Dry("no \ud83d water \N{FROG FACE}"))
        value = stateOf(failure, None, False)["value"]
        self.assertEqual("no ? water \N{FROG FACE}", value)

    def test_traceback(self) -> None:
        """
        The traceback is in it if that is asked for.
        """
        failure = raised(Dry("no water"))
        state = stateOf(failure, None, True)
        self.assertEqual(failure.getTraceback(), state["traceback"])
        self.assertIn("in raised", state["traceback"])

    def test_longTraceback(self) -> None:
        """
        Of a long traceback the end is sent, where it says what happened, so
        that Banana takes it.
        """
        failure = raised(Dry("\N{FROG FACE}" * 300_000 + "the end"))
        said = stateOf(failure, "", True)["traceback"]
        self.assertEqual(100_000, len(said))
        self.assertTrue(said.endswith("the end\n"))
        self.assertLess(len(said.encode()), 640 * 1024)

    def test_noTraceback(self) -> None:
        """
        If the traceback cannot be had, the peer is told so.
        """

        class Untraceable(Failure):
            def getTraceback(self, *args: Any, **kw: Any) -> str:
                raise KeyError("a")

        said = stateOf(Untraceable(Dry()), None, True)["traceback"]
        self.assertEqual("(its text cannot be had: builtins.KeyError)", said)

    def test_exits(self) -> None:
        """
        What is no C{Exception} is named as well (stock sends a class in place
        of its parents, and cannot encode it).
        """
        for error in (SystemExit(3), GeneratorExit(), KeyboardInterrupt()):
            state = stateOf(raised(error), None, False)
            name = qual(type(error))
            self.assertEqual(name.encode(), state["type"])
            self.assertEqual([name, "builtins.BaseException"], state["parents"])

    def test_stockName(self) -> None:
        """
        An error of pbext's is named as stock names its own in that case, and
        its own classes are among the parents.
        """
        for error, name in (
            (UnknownObject(), "twisted.spread.pb.Error"),
            (
                UnknownMethod(method="remote_fly"),
                "twisted.spread.flavors.NoSuchMethod",
            ),
            (RefusedTag(tag="a", path="$"), "twisted.spread.jelly.InsecureJelly"),
            (LimitReached(limit="caches", value=7), "twisted.spread.pb.Error"),
        ):
            state = stateOf(raised(error), None, False)
            self.assertEqual(name.encode(), state["type"])
            self.assertEqual(name, state["parents"][0])
            self.assertIn(qual(type(error)), state["parents"])
            self.assertEqual(1, state["parents"].count(name))

    def test_noStockName(self) -> None:
        """
        Where stock has no such error, it has its own name.
        """
        state = stateOf(raised(DeadReference()), None, False)
        self.assertEqual(qual(DeadReference).encode(), state["type"])

    def test_remote(self) -> None:
        """
        An error that came from another peer keeps the names that it has
        there, whichever way it goes through this program.
        """
        copies = remote("pond.Dry", "builtins.Exception")
        for failure in copies:
            state = stateOf(failure, None, False)
            self.assertEqual(b"pond.Dry", state["type"])
            self.assertEqual("no water", state["value"])
            self.assertEqual(["pond.Dry", "builtins.Exception"], state["parents"][:2])
            self.assertEqual({str}, {type(name) for name in state["parents"]})

    def test_remoteAsRaised(self) -> None:
        """
        One that was raised here is what it is here as well.
        """
        *copies, caught = remote("pond.Dry", "builtins.Exception")
        name = qual(RemoteError)
        self.assertIn(name, stateOf(caught, None, False)["parents"])
        for failure in copies:
            self.assertNotIn(name, stateOf(failure, None, False)["parents"])

    def test_remoteTraceback(self) -> None:
        """
        If tracebacks are sent, so is the one that another peer has sent.
        """
        *copies, caught = remote("pond.Dry")
        ours, _ = copies
        self.assertIn("over there", stateOf(ours, None, True)["traceback"])
        self.assertIn("in raised", stateOf(caught, None, True)["traceback"])

    def test_longNames(self) -> None:
        """
        Names that another peer has made up do not keep an error from being
        sent.
        """
        for name in ("x" * 700_000, "\N{REPLACEMENT CHARACTER}" * 500_000):
            for failure in remote(name, "builtins.Exception", name + "y"):
                state = stateOf(failure, None, False)
                self.assertEqual(name[:1000].encode(), state["type"])
                self.assertEqual(
                    [name[:1000], "builtins.Exception"], state["parents"][:2]
                )

    def test_badNames(self) -> None:
        """
        Nor do those that cannot be encoded.
        """
        ours = CopiedFailure("pond.\ud83d", ["\ud83d"], "", "")
        for failure in (ours, raised(ours.error)):
            state = stateOf(failure, None, False)
            self.assertEqual(b"pond.?", state["type"])
            self.assertEqual(["pond.?", "?"], state["parents"][:2])

    def test_sendable(self) -> None:
        """
        A state is jelly under the tag, and what a peer of Twisted's makes of
        it is a failure that says the same.
        """
        for failure in (raised(Drier("no water")), *remote("pond.Dry")):
            state = stateOf(failure, None, True)
            sexp = [TAG, jelly.jelly(state)]
            got = jelly.unjelly(sexp, jelly.DummySecurityOptions())
            self.assertIs(stock.CopiedFailure, type(got))
            self.assertEqual(state["type"], got.type)
            self.assertEqual(state["value"], got.value)
            self.assertEqual(state["parents"], got.parents)


class RelayTests(SynchronousTestCase):
    """
    An error of a peer's peer.
    """

    def test_longNames(self) -> None:
        """
        A caller is answered, whatever the peer of the one that it calls has
        sent as the name of an error.
        """
        failures = remote("x" * 700_000)[::2]  # for stock's cannot be raised

        class Relay(pb.Root):
            def remote_ask(self) -> Any:
                return fail(failures.pop())

            def remote_askAndRaise(self) -> None:
                failures.pop().raiseException()

        with connectedPair(Relay()) as pair:
            for method in ("ask", "askAndRaise"):
                call = pair.root.callRemote(method)
                pair.flush()
                failure = self.failureResultOf(call)
                self.assertEqual("x" * 1000, failure.type)
                self.assertTrue(pair.links[0].connected)
        self.assertEqual(2, len(self.flushLoggedErrors()))


class IsDeclaredTests(SynchronousTestCase):
    """
    Whether the text of an error may go to the peer.
    """

    def assertDeclared(self, error: Any, *declared: type) -> None:
        self.assertIs(True, isDeclared(raised(error), declared))

    def assertNotDeclared(self, error: Any, *declared: type) -> None:
        self.assertIs(False, isDeclared(raised(error), declared))

    def test_others(self) -> None:
        """
        That of an ordinary error may not.
        """
        for error in (Dry(), KeyError("a"), SystemExit(1), Exception()):
            self.assertNotDeclared(error)

    def test_stock(self) -> None:
        """
        That of a C{pb.Error} may, which is there for that.
        """
        self.assertDeclared(pb.Error("no"))
        self.assertDeclared(Closed("no"))

    def test_pbext(self) -> None:
        """
        That of pbext's own errors may, for it holds no values.
        """
        self.assertDeclared(DeadReference())
        self.assertDeclared(UnknownObject())

    def test_declared(self) -> None:
        """
        That of the classes that are declared may, and of those derived from
        them.
        """
        self.assertDeclared(Dry(), Dry)
        self.assertDeclared(Drier(), KeyError, Dry)
        self.assertNotDeclared(Dry(), Drier)
        self.assertNotDeclared(ValueError(), KeyError, Dry)

    def test_iterable(self) -> None:
        """
        The classes may be in whatever can be gone through.
        """
        for failure in (raised(Dry()), *remote(qual(Dry))):
            for declared in ([Dry], {Dry}, iter([Dry])):
                self.assertTrue(isDeclared(failure, declared))

    def test_remote(self) -> None:
        """
        An error that came from another peer is judged by the names of its
        classes there.
        """
        for failure in remote("pond.Drier", qual(Dry), "builtins.Exception"):
            self.assertFalse(isDeclared(failure, ()))
            self.assertFalse(isDeclared(failure, (Drier, KeyError)))
            self.assertTrue(isDeclared(failure, (KeyError, Dry)))
            self.assertTrue(isDeclared(failure, (Exception,)))

    def test_remoteError(self) -> None:
        """
        That of a C{pb.Error} there may go on.
        """
        for failure in remote("pond.Closed", "twisted.spread.pb.Error"):
            self.assertTrue(isDeclared(failure, ()))

    def test_remoteNotOurs(self) -> None:
        """
        That it is raised here as an error of pbext's does not make its text
        one that holds no values.
        """
        *_, caught = remote("builtins.KeyError")
        self.assertIsInstance(caught.value, RemoteError)
        self.assertFalse(isDeclared(caught, ()))

    def test_remoteErrorDeclared(self) -> None:
        """
        Who declares C{RemoteError} lets all go on that was raised here.
        """
        *_, caught = remote("builtins.KeyError")
        self.assertTrue(isDeclared(caught, (stock.RemoteError,)))


class FailureFromTests(SynchronousTestCase):
    """
    What the peer has sent as an error.
    """

    def test_copied(self) -> None:
        """
        A failure of stock's is taken as ours.
        """
        _, theirs, _ = remote("pond.Dry", "builtins.Exception")
        failure = failureFrom(theirs)
        self.assertIs(CopiedFailure, type(failure))
        self.assertEqual("<CopiedFailure pond.Dry: no water>", repr(failure))
        self.assertIs(Exception, failure.check(Exception))

    def test_copiedByOurs(self) -> None:
        """
        One that is ours already stays what it is.
        """
        ours, *_ = remote("pond.Dry", "builtins.Exception")
        failure = failureFrom(ours)
        self.assertIs(CopiedFailure, type(failure))
        self.assertEqual(vars(ours), vars(failure))

    def test_exception(self) -> None:
        """
        An error that was copied as the object that it is, is the value of a
        failure.
        """
        for error in (Dry("no water"), Travelled()):
            failure = failureFrom(error)
            self.assertIs(Failure, type(failure))
            self.assertIs(error, failure.value)
            self.assertIs(type(error), failure.type)

    def test_copy(self) -> None:
        """
        So is a copy that is no exception, which stock sends as an error too.
        """
        card = Card()
        failure = failureFrom(card)
        self.assertIs(card, failure.value)
        self.assertIs(Card, failure.type)

    def test_none(self) -> None:
        """
        Anything else is no error, and the failure says what it is instead.
        """
        for answer in (None, 7, "no water", b"", [], {}, (1, 2), Dry, SystemExit(1)):
            failure = failureFrom(answer)
            self.assertIs(BadAnswer, failure.type)
            self.assertEqual(qual(type(answer)), failure.value.got)

    def test_noValue(self) -> None:
        """
        It does not say what it holds.
        """
        self.assertNotIn("password", str(failureFrom("password").value))

    def test_across(self) -> None:
        """
        An error that is sent as an object is caught as what it became.
        """

        class Pond(pb.Root):
            def remote_dry(self) -> None:
                raise Travelling()

        with connectedPair(Pond()) as pair:
            call = pair.root.callRemote("dry")
            self.assertRaises(Travelled, pair.result, call)
