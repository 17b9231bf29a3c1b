"""
L{pbext.limits}: how much a peer may have.
"""

from __future__ import annotations

from typing import Any

import attrs

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

import pbext
from pbext import Limits, pb
from pbext._broker import Broker
from pbext.testing import connectedPair

#: Limits that count, and cannot be 0.
COUNTS = (
    "references",
    "caches",
    "cachesReceived",
    "callsInFlight",
    "maxMessageBytes",
    "items",
    "depth",
    "expandedItems",
    "keyItems",
    "keyIntegers",
    "keyCollisions",
    "unreadBytes",
    "laggingBytes",
    "errorText",
    "logLines",
)

#: Limits in seconds that may be C{None}.
SECONDS = ("negotiationSeconds", "messageSeconds", "idleSeconds", "callSeconds")


class LimitsTests(SynchronousTestCase):
    """
    The record.
    """

    def test_defaults(self) -> None:
        """
        Without arguments, the limits are those that the documentation says.
        """
        self.assertEqual(
            {
                "references": 1024,
                "caches": 1024,
                "cachesReceived": 10_000,
                "callsInFlight": 10_000,
                "maxMessageBytes": 16 * 1024 * 1024,
                "items": 2_000_000,
                "depth": 400,
                "expandedItems": 4_000_000,
                "keyItems": 100_000,
                "keyIntegers": 1_000,
                "keyCollisions": 32,
                "unreadBytes": 1024 * 1024,
                "laggingBytes": 256 * 1024,
                "refusals": 3,
                "negotiationSeconds": 30,
                "messageSeconds": 300,
                "idleSeconds": None,
                "callSeconds": None,
                "errorText": 10_000,
                "logLines": 20,
                "logSeconds": 60,
            },
            attrs.asdict(Limits()),
        )

    def test_documented(self) -> None:
        """
        Each limit is in the docstring, and the tables here have all of them.
        """
        names = [field.name for field in attrs.fields(Limits)]
        for name in names:
            self.assertIn(f"@ivar {name}: ", Limits.__doc__ or "")
        self.assertEqual({*names}, {*COUNTS, *SECONDS, "refusals", "logSeconds"})

    def test_set(self) -> None:
        """
        What is given holds, and the others keep their defaults.
        """
        for name in (*COUNTS, *SECONDS, "refusals", "logSeconds"):
            limits = Limits(**{name: 7})
            self.assertEqual(7, getattr(limits, name))
            self.assertEqual(attrs.evolve(Limits(), **{name: 7}), limits)

    def test_none(self) -> None:
        """
        Seconds may be C{None}, for no limit.
        """
        for name in SECONDS:
            self.assertIs(None, getattr(Limits(**{name: None}), name))

    def test_fractions(self) -> None:
        """
        Seconds need not be whole ones.
        """
        for name in (*SECONDS, "logSeconds"):
            self.assertEqual(0.5, getattr(Limits(**{name: 0.5}), name))

    def test_least(self) -> None:
        """
        One is the least that a peer may have; but it need not be allowed to
        run into its limits at all.
        """
        for name in COUNTS:
            self.assertEqual(1, getattr(Limits(**{name: 1}), name))
        self.assertEqual(0, Limits(refusals=0).refusals)

    def assertRefused(self, name: str, value: Any, text: str) -> None:
        """
        Such a limit is refused, with a text that says which, and why.
        """
        error = self.assertRaises(ValueError, Limits, **{name: value})
        self.assertEqual(text, str(error))

    def test_tooLittle(self) -> None:
        """
        What would stop all work is refused where it is said.
        """
        for name in COUNTS:
            for value in (0, -1):
                self.assertRefused(name, value, f"'{name}' must be >= 1: {value}")
        for name in (*SECONDS, "logSeconds"):
            for value in (0, -0.5, float("nan")):
                self.assertRefused(name, value, f"'{name}' must be > 0: {value}")
        self.assertRefused("refusals", -1, "'refusals' must be >= 0: -1")

    def test_tooMuch(self) -> None:
        """
        An error's text that Banana would not take, at four bytes for each of
        its characters, is refused: it could not be answered.
        """
        most = 160_000
        self.assertEqual(most, Limits(errorText=most).errorText)
        self.assertRefused(
            "errorText", 160_001, "'errorText' must be <= 160000: 160001"
        )

    def test_mostText(self) -> None:
        """
        The longest text of an error that there may be is sent, whatever its
        characters are.
        """

        class Pond(pb.Root):
            def remote_fail(self) -> None:
                raise pb.Error("\N{FROG FACE}" * 200_000)

        def serve(root: Any) -> Any:
            return pb.PBServerFactory(root, limits=Limits(errorText=160_000))

        with connectedPair(Pond(), serverFactory=serve) as pair:
            failure = self.failureOf(pair, pair.root.callRemote("fail"))
            self.assertTrue(pair.links[0].connected)
        self.assertEqual("\N{FROG FACE}" * 160_000, failure.value)

    def failureOf(self, pair: Any, call: Any) -> Any:
        """
        @return: the failure that a call ends in.
        """
        pair.flush()
        return self.failureResultOf(call)

    def test_notNumbers(self) -> None:
        """
        What is no number is refused.
        """
        for name in (*COUNTS, "refusals", "logSeconds"):
            self.assertRaises(TypeError, Limits, **{name: None})
            self.assertRaises(TypeError, Limits, **{name: "7"})
        for name in SECONDS:
            self.assertRaises(TypeError, Limits, **{name: "7"})

    def test_byName(self) -> None:
        """
        A limit is given by its name, and there are no others.
        """
        makeAny: Any = Limits
        self.assertRaises(TypeError, makeAny, 7)
        self.assertRaises(TypeError, makeAny, frogs=7)

    def test_frozen(self) -> None:
        """
        Limits do not change: many connections may share them.
        """
        limits = Limits()
        for field in attrs.fields(Limits):
            self.assertRaises(
                attrs.exceptions.FrozenInstanceError, setattr, limits, field.name, 7
            )
        self.assertRaises(AttributeError, setattr, limits, "frogs", 7)

    def test_equal(self) -> None:
        """
        Limits are values: equal if they say the same, and then one key.
        """
        self.assertEqual(Limits(caches=7), Limits(caches=7))
        self.assertNotEqual(Limits(caches=7), Limits(caches=8))
        self.assertEqual(1, len({Limits(caches=7), Limits(caches=7)}))

    def test_public(self) -> None:
        """
        C{pbext.Limits} is the class.
        """
        self.assertIs(Limits, pbext.Limits)
        self.assertEqual("pbext.limits", Limits.__module__)


class StockLimitTests(SynchronousTestCase):
    """
    Twisted's own limit, C{twisted.spread.pb.MAX_BROKER_REFS}.
    """

    def test_whenMade(self) -> None:
        """
        A program that has set Twisted's limit gets what it has set, if it
        makes the limits afterwards.
        """
        before = Limits()
        self.patch(stock, "MAX_BROKER_REFS", 7)
        after = Limits()
        self.assertEqual((7, 7), (after.references, after.caches))
        self.assertEqual((1024, 1024), (before.references, before.caches))

    def test_given(self) -> None:
        """
        What is given to the limits themselves goes before it.
        """
        self.patch(stock, "MAX_BROKER_REFS", 7)
        limits = Limits(references=8)
        self.assertEqual((8, 7), (limits.references, limits.caches))

    def test_factory(self) -> None:
        """
        A factory without limits makes them when it is made itself.
        """
        early = pb.PBServerFactory(pb.Root())
        self.patch(stock, "MAX_BROKER_REFS", 7)
        late = pb.PBServerFactory(pb.Root())
        self.assertEqual(1024, early.limits.references)
        self.assertEqual(7, late.limits.references)


class TermsTests(SynchronousTestCase):
    """
    Whose limits hold for a connection.
    """

    def test_factories(self) -> None:
        """
        Those of its factory do, at either end.
        """
        ours, theirs = Limits(caches=7), Limits(caches=8)
        with connectedPair(
            pb.Root(),
            serverFactory=lambda root: pb.PBServerFactory(root, limits=ours),
            clientFactory=lambda: pb.PBClientFactory(limits=theirs),
        ) as pair:
            self.assertIs(ours, pair.server.limits)
            self.assertIs(theirs, pair.client.limits)
            self.assertEqual((0, 7), pair.server.gauges["caches"])
            self.assertEqual((0, 8), pair.client.gauges["caches"])

    def test_otherFactory(self) -> None:
        """
        With a factory of Twisted's, a broker of ours has the defaults.
        """
        factory = stock.PBServerFactory(pb.Root())
        factory.protocol = Broker
        broker = factory.buildProtocol(None)
        self.assertEqual(Limits(), broker.limits)
