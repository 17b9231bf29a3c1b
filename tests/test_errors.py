"""
L{pbext.errors}: what can go wrong, and what each error says.
"""

from __future__ import annotations

import pickle
from typing import Any

import attrs

from twisted.internet.defer import TimeoutError
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import pb as stock
from twisted.spread.banana import BananaError
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, errors, pb
from pbext._reports import whereRaised
from pbext.errors import (
    BadAnswer,
    BadArguments,
    BadDeclaration,
    BadMessage,
    BadReference,
    BadValue,
    CallTimedOut,
    CannotRegister,
    CannotSendBack,
    ConnectionTimedOut,
    DeadReference,
    DeclarationError,
    Lagging,
    LimitReached,
    LinkError,
    NotSendable,
    PBExtError,
    PeerError,
    RefusedField,
    RefusedObject,
    RefusedState,
    RefusedTag,
    RefusedVersion,
    StaleCache,
    UnknownMethod,
    UnknownObject,
    Unordered,
    UpdateFailed,
)
from pbext.testing import connectedPair, roundTrip
from pbext.wire._jelly import ATOMS

#: The peer in memory, as a log names it.
PEER = "192.168.1.1:54321"

#: Each error that is raised: whose fault it is, what of Twisted's or of
#: Python's it is as well, and what it says.
ERRORS: list[tuple[PBExtError, type, type, list[str]]] = [
    (
        RefusedTag(tag="pond.Frog", path="$[0].frogs"),
        PeerError,
        InsecureJelly,
        ["pond.Frog", "$[0].frogs", "pb.setUnjellyableForClass('pond.Frog', "],
    ),
    (
        RefusedState(className="pond.Frog", got="builtins.list"),
        PeerError,
        pb.Error,
        ["pond.Frog", "builtins.list", "setCopyableState"],
    ),
    (
        RefusedField(
            className="pond.Frog",
            path="$[0].frogs",
            expected="int",
            got="builtins.str",
            tag="pond.Frog",
        ),
        PeerError,
        pb.Error,
        ["pond.Frog", "$[0].frogs", "int is declared", "builtins.str was sent"],
    ),
    (
        RefusedObject(
            className="pond.Frog",
            errorType="builtins.ValueError",
            path="$[0]",
            tag="pond.Frog",
        ),
        PeerError,
        pb.Error,
        ["pond.Frog", "$[0]", "failed with builtins.ValueError"],
    ),
    (
        RefusedVersion(
            className="pond.Frog",
            got=4,
            reads=3,
            why="the sender is newer",
            path="$[0]",
            tag="pond.Frog",
        ),
        PeerError,
        pb.Error,
        ["pond.Frog reads version 3", "version 4", "$[0]", "the sender is newer"],
    ),
    (
        NotSendable(path="$.frogs[0]", got="instance of class X", fix="do this"),
        DeclarationError,
        BananaError,
        ["$.frogs[0]", "instance of class X", "do this"],
    ),
    (
        BadDeclaration(className="pond.Frog", attribute="copyFields", why="is no list"),
        DeclarationError,
        TypeError,
        ["pond.Frog.copyFields is no list"],
    ),
    (
        CannotRegister(className="pond.Frog", why="it is frozen"),
        DeclarationError,
        TypeError,
        ["pond.Frog", "it is frozen"],
    ),
    (
        Unordered(className="pond.Frog"),
        DeclarationError,
        Exception,
        ["pond.Frog", "PBServerFactory"],
    ),
    (DeadReference(), LinkError, pb.DeadReferenceError, ["gone"]),
    (
        Lagging(laggingBytes=262144),
        LinkError,
        pb.DeadReferenceError,
        ["laggingBytes=262144", "whenLagging", "limits="],
    ),
    (
        CallTimedOut(method="jump", seconds=3),
        LinkError,
        TimeoutError,
        ["no answer to jump in 3 s"],
    ),
    (
        ConnectionTimedOut(limit="idleSeconds", seconds=3),
        LinkError,
        TimeoutError,
        ["silent", "idleSeconds=3"],
    ),
    (
        BadValue(errorType="builtins.IndexError"),
        PeerError,
        pb.Error,
        ["no jelly", "builtins.IndexError"],
    ),
    (BadReference(kind="local"), PeerError, pb.Error, ["(local)"]),
    (BadMessage(why="it is short"), PeerError, pb.ProtocolError, ["it is short"]),
    (BadAnswer(got="builtins.int"), PeerError, pb.Error, ["builtins.int"]),
    (UnknownObject(), PeerError, pb.Error, ["Invalid Object ID"]),
    (
        UnknownMethod(method="remote_fly"),
        PeerError,
        pb.NoSuchMethod,
        ["No such method: remote_fly"],
    ),
    (
        BadArguments(method="remote_jump", takes="(far)", positional=2, keywords=1),
        PeerError,
        TypeError,
        ["remote_jump takes (far)", "2 positional and 1 keyword"],
    ),
    (
        LimitReached(limit="references", value=7),
        PeerError,
        pb.Error,
        ["references=7", "limits=Limits(references=...)"],
    ),
    (
        CannotSendBack(className="pond.Frog"),
        DeclarationError,
        AssertionError,
        ["pond.Frog", "pb.Cacheable"],
    ),
    (
        StaleCache(className="pond.Frog", reason="the link is lost"),
        LinkError,
        Exception,
        ["pond.Frog", "the link is lost"],
    ),
    (
        UpdateFailed(
            className="pond.Frog", method="observe_jump", errorType="builtins.KeyError"
        ),
        DeclarationError,
        pb.Error,
        ["pond.Frog.observe_jump", "builtins.KeyError"],
    ),
]


#: The fields that are numbers.
NUMBERS = {"laggingBytes", "keywords", "positional", "reads", "seconds", "value"}


class RecordTests(SynchronousTestCase):
    """
    The errors as records.
    """

    def test_all(self) -> None:
        """
        The table above has every error there is, but for the bases.
        """
        classes = {
            found
            for name in errors.__all__
            if isinstance(found := getattr(errors, name), type)
        }
        bases = {PBExtError, DeclarationError, PeerError, LinkError}
        self.assertEqual(classes - bases, {type(error) for error, *_ in ERRORS})

    def test_whoseFault(self) -> None:
        """
        Each says whose fault it is, and is what an existing C{trap} or
        C{check} line asks for.
        """
        for error, fault, known, _ in ERRORS:
            self.assertIsInstance(error, PBExtError)
            faults = [DeclarationError, PeerError, LinkError]
            self.assertEqual([f for f in faults if isinstance(error, f)], [fault])
            self.assertTrue(Failure(error).check(known))

    def test_text(self) -> None:
        """
        The text has all of the fields, and what to do.
        """
        for error, _, _, parts in ERRORS:
            for part in [*parts, *vars(error).values()]:
                self.assertIn(str(part), str(error))

    def test_fields(self) -> None:
        """
        The fields are given by name, and all text but for counts and limits:
        no place for a value that travelled.
        """
        for error, *_ in ERRORS:
            for one in attrs.fields(type(error)):
                self.assertTrue(one.kw_only)
                number = one.name in NUMBERS
                if isinstance(error, RefusedVersion) and one.name == "got":
                    number = True
                kind = int if number else str
                self.assertIsInstance(getattr(error, one.name), kind)

    def test_pickle(self) -> None:
        """
        Each can be pickled, as errors are that go to another process.
        """
        for error, *_ in ERRORS:
            copied = pickle.loads(pickle.dumps(error))
            self.assertIs(type(error), type(copied))
            self.assertEqual(vars(error), vars(copied))
            self.assertEqual(str(error), str(copied))

    def test_identity(self) -> None:
        """
        Two errors are never equal, and each can be a key.
        """
        one, two = DeadReference(), DeadReference()
        self.assertNotEqual(one, two)
        self.assertEqual(len({one, two}), 2)


class Toad(pb.Copyable):
    """
    Nobody registers this.
    """

    typeToCopy = "test_errors.Toad"


class ToadPond(pb.Cacheable):
    typeToCopy = "test_errors.ToadPond"


class StockToad(stock.Copyable):
    def getTypeToCopy(self) -> bytes:
        return b"test_errors.Toad"


class Frog(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_errors.Frog"

    def __init__(self, friend: object) -> None:
        self.friend = friend


pb.setUnjellyableForClass(Frog, Frog)


class Desk(pb.Root):
    def remote_take(self, *values: object, **named: object) -> None:
        raise AssertionError("not reached")

    def remote_add(self, one: int, two: int) -> int:
        return one + two


class RefusedTagTests(SynchronousTestCase):
    """
    A class that nobody on the receiving side has registered.
    """

    def refusal(self, *args: object, sender: Any = pb, receiver: Any = pb) -> Any:
        """
        @return: what the sender's errback gets.
        """
        failures: list[Failure] = []
        with connectedPair(
            Desk(),
            clientFactory=sender.PBClientFactory,
            serverFactory=receiver.PBServerFactory,
        ) as pair:
            pair.root.callRemote("take", *args).addErrback(failures.append)
            pair.flush()
            # and the connection is as good as before
            self.assertEqual(pair.result(pair.root.callRemote("add", 3, 4)), 7)
        # Twisted logs a traceback; ours says all there is to say in one line.
        logged = self.flushLoggedErrors(InsecureJelly)
        self.assertEqual(len(logged), 1 if receiver is stock else 0)
        [failure] = failures
        return failure

    def test_errback(self) -> None:
        """
        Rule 10: C{failure.check} and C{failure.trap} find InsecureJelly at the
        sender, as in stock, and the type is named as in stock.
        """
        for sender, value in (pb, Toad()), (stock, StockToad()), (pb, ToadPond()):
            for receiver in pb, stock:
                failure = self.refusal(value, sender=sender, receiver=receiver)
                self.assertIs(failure.check(InsecureJelly), InsecureJelly)
                self.assertIs(failure.trap(InsecureJelly), InsecureJelly)
                self.assertEqual(failure.type, b"twisted.spread.jelly.InsecureJelly")

    def test_text(self) -> None:
        """
        A receiver of ours says which tag, where, and the line that fixes it, to
        a stock sender as well.
        """
        for sender, value in (pb, Toad()), (stock, StockToad()), (pb, ToadPond()):
            text = self.refusal([1, {"toad": value}], sender=sender).value
            tag = (
                "test_errors.ToadPond"
                if value.__class__ is ToadPond
                else ("test_errors.Toad")
            )
            self.assertEqual(
                text,
                f"the tag {tag!r} (at $[0][1].toad) is not registered on the "
                f"receiving side; there, a module that is imported has to say "
                f"pb.setUnjellyableForClass({tag!r}, TheClassThatReceives)",
            )

    def test_path(self) -> None:
        """
        The path leads through lists, tuples, dictionaries and copies.
        """
        for value, path in (
            (Toad(), "$[0]"),
            ([1, Toad()], "$[0][1]"),
            (("a", Toad(), 3), "$[0][1]"),
            ({"pond": [Toad()]}, "$[0].pond[0]"),
            ({"a b": Toad()}, "$[0][...]"),
            ({5: Toad()}, "$[0][5]"),
            (Frog(Toad()), "$[0].friend"),
            (Frog([Frog(Toad())]), "$[0].friend[0].friend"),
        ):
            self.assertIn(f"(at {path})", self.refusal(value).value)

    def test_first(self) -> None:
        """
        Of several, it names the one that stood first.
        """
        text = self.refusal(Frog(1), [Frog(Toad()), ToadPond()]).value
        self.assertIn("'test_errors.Toad' (at $[1][0].friend)", text)

    def test_keywords(self) -> None:
        """
        In a keyword argument, the path begins with its name.
        """
        failures: list[Any] = []
        with connectedPair(Desk()) as pair:
            d = pair.root.callRemote("take", toad=[Toad()])
            d.addErrback(failures.append)
            pair.flush()
        self.assertIn("(at $.toad[0])", failures[0].value)

    def test_update(self) -> None:
        """
        In an update of a cache, too.
        """
        pond = FollowedPond()
        failures: list[Any] = []

        class Keeper(pb.Root):
            def remote_take(self, value: object) -> None:
                self.cache = value

        with connectedPair(Keeper()) as pair:
            pair.result(pair.root.callRemote("take", pond))
            [observer] = pond.observers
            observer.callRemote("add", Toad()).addErrback(failures.append)
            pair.flush()
        [failure] = failures
        self.assertTrue(failure.check(InsecureJelly))
        self.assertIn("'test_errors.Toad' (at $[0])", failure.value)

    def test_main(self) -> None:
        """
        Of a tag from C{__main__} it says where that comes from.
        """

        class Script(Toad):
            typeToCopy = "__main__.Toad"

        text = self.refusal(Script()).value
        self.assertIn("the sender ran the module that defines the class as a", text)
        self.assertIn("typeToCopy", text)
        self.assertNotIn("script", self.refusal(Toad()).value)

    def test_record(self) -> None:
        """
        On the receiving side it is a record.
        """
        with connectedPair(Desk()) as pair:
            sexp = pair.client.serialize([Toad()])
            error = self.assertRaises(RefusedTag, pair.server.unserialize, sexp)
        self.assertEqual((error.tag, error.path), ("test_errors.Toad", "$[0]"))

    def test_logged(self) -> None:
        """
        The receiving side logs the sentence, as one line of warning.
        """
        with capturedLogs() as events:
            self.refusal(Toad())
        [event] = [e for e in events if e["log_level"] is LogLevel.warn]
        self.assertEqual(
            formatEvent(event),
            f"refused a call of {PEER}: "
            f"{RefusedTag(tag='test_errors.Toad', path='$[0]')}",
        )

    def test_security(self) -> None:
        """
        What stands for code is refused as well, with where it stood, and no
        word on how to let it in.
        """
        with connectedPair(Desk()) as pair:
            for sexp in [b"module", b"os"], [b"class", b"os.path"]:
                error = self.assertRaises(
                    RefusedTag, pair.server.unserialize, [b"list", 7, sexp]
                )
                self.assertEqual(
                    str(error), f"a {sexp[0].decode()} (at $[1]) is not accepted here"
                )

    def test_words(self) -> None:
        """
        So is any other of jelly's own words, where a policy does not allow it:
        there is no class to register for one.
        """
        for word in ATOMS:
            error = RefusedTag(tag=word.decode(), path="$[1]")
            self.assertEqual(
                str(error), f"a {word.decode()} (at $[1]) is not accepted here"
            )
            self.assertRaises(
                CannotRegister, Registry().setUnjellyableForClass, word, Frog
            )


class FollowedPond(pb.Cacheable):
    typeToCopy = "test_errors.FollowedPond"


class FollowingPond(pb.RemoteCache):
    def observe_add(self, toad: object) -> None:
        raise AssertionError("not reached")


pb.setUnjellyableForClass(FollowedPond, FollowingPond)


class NotSendableTests(SynchronousTestCase):
    """
    A value that cannot be sent.  The paths are tested in
    L{tests.test_jelly_paths}.
    """

    def test_A4b_update(self) -> None:
        """
        A4b: an update with such a value fails at the sender with its path, and
        nobody is told anything.
        """
        pond = FollowedPond()
        root = Holder()
        with connectedPair(root, clients=3) as pair:
            for link in pair.links:
                pair.result(link.root.callRemote("take", pond))
            told = pond.observers.callRemote("add", [1, {"toad": object()}])
            error = self.failureResultOf(told, NotSendable).value
            self.assertFalse(pair.pump())
        self.assertEqual(error.path, "$[0][1].toad")
        self.assertIn("builtins.object", error.got)
        self.assertIn("pb.Copyable", error.fix)

    def test_onStockFactories(self) -> None:
        """
        So it does over Twisted's brokers, whether all are told the same or
        each has a message of its own.
        """
        pond, root = FollowedPond(), Holder()
        with connectedPair(
            root,
            clients=2,
            serverFactory=stock.PBServerFactory,
            clientFactory=stock.PBClientFactory,
        ) as pair:
            for link in pair.links:
                pair.result(link.root.callRemote("take", pond))
            for toads in [object()], [Frog(1), object()]:
                told = pond.observers.callRemote("add", toads)
                error = self.failureResultOf(told, NotSendable).value
                self.assertEqual(error.path, f"$[0][{len(toads) - 1}]")
            self.assertFalse(pair.pump())

    def test_isBananaError(self) -> None:
        """
        Who expects Twisted's BananaError goes on getting one.
        """
        told = FollowedPond().observers.callRemote("add", object())
        self.successResultOf(told)  # nobody to send it to
        self.assertTrue(issubclass(NotSendable, BananaError))


class Holder(pb.Root):
    def __init__(self) -> None:
        self.held: list[object] = []

    def remote_take(self, value: object) -> None:
        self.held.append(value)


class WhereRaisedTests(SynchronousTestCase):
    """
    What goes into a log.
    """

    def failure(self) -> Failure:
        try:
            raise KeyError("my password")
        except KeyError:
            return Failure()

    def test_noText(self) -> None:
        """
        The type and the place of an exception, not its text.
        """
        text = whereRaised(self.failure())
        self.assertRegex(
            text, r"^builtins\.KeyError at .*test_errors\.py:\d+ in failure$"
        )
        self.assertNotIn("password", text)

    def test_ours(self) -> None:
        """
        Of an error of ours, which holds no values, the text too.
        """
        error = StaleCache(className="pond.Pond", reason="it is old")
        self.assertEqual(
            whereRaised(Failure(error)),
            f"{qual(StaleCache)} (this pond.Pond is stale: it is old)",
        )

    def test_copied(self) -> None:
        """
        Of a failure that came from a peer, its type.
        """
        failure = roundTrip(stock.CopyableFailure(self.failure()))
        self.assertIsInstance(failure, stock.CopiedFailure)
        self.assertEqual(whereRaised(failure), "builtins.KeyError")
