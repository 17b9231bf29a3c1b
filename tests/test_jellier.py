"""
L{pbext.wire._jellier}: from objects to jelly, and what cannot be sent.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import os
import uuid
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface import implementer

from twisted.python.reflect import qual
from twisted.spread import banana, jelly
from twisted.spread import pb as stock

from pbext import pb
from pbext.errors import NotSendable
from pbext.interfaces import IStrict
from pbext.testing import connectedPair
from pbext.wire._jellier import Jellier
from tests.graphs import graphs
from tests.ponds import STOCK_WATCHER, Pond, PondTestCase, StockPond


class Frog(pb.Copyable):
    """
    One of ours that is copied.
    """

    typeToCopy = "tests.test_jellier.Frog"

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


class StockFrog(stock.Copyable):
    """
    One of stock's.
    """

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


class Plain:
    """
    What is nothing to Perspective Broker.
    """


class JellierTestCase(PondTestCase):
    def setUp(self) -> None:
        self.connect(1)

    def ours(self, value: Any) -> Any:
        """
        @return: what our jellier makes of a value.
        """
        broker = self.pair.client
        return Jellier(broker.security, broker).jellyFull(value)

    def stocks(self, value: Any) -> Any:
        """
        @return: what stock's makes of it.
        """
        broker = self.pair.client
        return jelly.jelly(value, broker.security, None, broker)

    def flaw(self, value: Any) -> NotSendable:
        """
        @return: the error for a value that cannot be sent.
        """
        return self.assertRaises(NotSendable, self.ours, value)


class AgreementTests(JellierTestCase):
    """
    What stock jellies, ours does.
    """

    def assertAgrees(self, value: Any) -> None:
        """
        Both make the same bytes of a value.
        """
        stocks = banana.encode(self.stocks(value))
        self.assertEqual(stocks, banana.encode(self.ours(value)))

    @settings(max_examples=200, deadline=None)
    @given(graphs())
    def test_values(self, value: Any) -> None:
        """
        Of values, those that are in several places, and in themselves.
        """
        self.assertAgrees(value)

    @settings(max_examples=50, deadline=None)
    @given(st.data())
    def test_copies(self, data: Any) -> None:
        """
        Of copies, ours and stock's, that hold each other.
        """
        frogs: list[Any] = [Frog(), StockFrog(), Frog(), StockFrog()]
        parts = st.lists(st.sampled_from(frogs) | graphs(), max_size=3)
        for frog in frogs:
            frog.parts += data.draw(parts)
        self.assertAgrees(frogs)

    def test_references(self) -> None:
        """
        Of what is referred to, and of what the peer has given.
        """
        frog = pb.Referenceable()
        self.assertAgrees([frog, stock.Referenceable(), frog, pb.Root()])
        self.assertAgrees({"a": (pb.ViewPoint(frog, frog), stock.Viewable())})
        self.assertAgrees([self.pair.root, {"a": self.pair.root}])

    def test_caches(self) -> None:
        """
        Of Cacheables that the peer has.
        """
        for pond in (Pond(), StockPond(STOCK_WATCHER)):
            self.pair.result(self.pair.root.callRemote("take", "it", pond))
            self.assertAgrees([pond, {"a": pond}])


class PathTests(JellierTestCase):
    """
    What cannot be sent is an error that says where it is.
    """

    def test_containers(self) -> None:
        """
        In containers, however deep.
        """
        it = Plain()
        for value, path in (
            (it, "$"),
            ([1, it], "$[1]"),
            ((it,), "$[0]"),
            ({it}, "$[0]"),
            (frozenset([it]), "$[0]"),
            ({"a": it}, "$.a"),
            ({b"a": it}, "$.a"),
            ({7: it}, "$[7]"),
            ({"not a name": it}, "$[...]"),
            ({it: 1}, "${key}"),
            ([[], [{"a": ({7: [it]},)}]], "$[1][0].a[0][7][0]"),
        ):
            error = self.flaw(value)
            self.assertEqual(path, error.path)
            self.assertIn(qual(Plain), error.got)
            self.assertIn("pb.Copyable", error.fix)

    def test_copies(self) -> None:
        """
        In the state of copies of ours, by the names of the fields; and of
        caches.
        """
        it = Plain()
        for value, path in (
            (Frog(it), "$.parts[0]"),
            ([Frog(1, Frog({"a": it}))], "$[0].parts[1].parts[0].a"),
            ({"a": Frog([], (it,))}, "$.a.parts[1][0]"),
            (StockFrog(Frog(it)), "$.parts[0].parts[0]"),
        ):
            self.assertEqual(path, self.flaw(value).path)
        pond = Pond()
        pond.ducks.append(it)
        self.assertEqual("$[0].ducks[0]", self.flaw([pond]).path)

    def test_shared(self) -> None:
        """
        What is in several places is where it is first; what is in itself has
        a path too.
        """
        it = Plain()
        self.assertEqual("$[0]", self.flaw([it, it, {"a": it}]).path)
        shared = [0, it]
        self.assertEqual("$[1][1]", self.flaw([1, shared, shared]).path)
        within: list[Any] = []
        within += [within, {"a": within}, it]
        self.assertEqual("$[2]", self.flaw(within).path)
        frog = Frog()
        frog.parts += [frog, it]
        self.assertEqual("$[0].parts[1]", self.flaw([frog, frog]).path)

    def test_several(self) -> None:
        """
        Of several, the first.
        """
        self.assertEqual("$[1].a", self.flaw([1, {"a": Plain()}, object()]).path)

    def test_kinds(self) -> None:
        """
        Values that stock sends as nothing that can be read.
        """

        class Colour(enum.Enum):
            RED = 1

        class Text(str):
            pass

        for value in (
            Colour.RED,
            Text("a"),
            collections.OrderedDict(a=1),
            collections.deque([1]),
            uuid.uuid4(),
            bytearray(b"a"),
            1j,
            range(3),
            object(),
            len,
        ):
            error = self.flaw(["x", value])
            self.assertEqual("$[1]", error.path)
            self.assertIn(qual(type(value)), error.got)

    def test_zones(self) -> None:
        """
        Times with a time zone, for which stock has an error of its own, that
        says of no value where it is.
        """
        at = datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)
        pond = Pond()
        pond.ducks.append(at)
        within: list[Any] = []
        within += [within, at]
        for value, path in (
            (at, "$"),
            (at.timetz(), "$"),
            ([1, at], "$[1]"),
            ((at.timetz(),), "$[0]"),
            ({at}, "$[0]"),
            ({"a": [at]}, "$.a[0]"),
            ({at: 1}, "${key}"),
            ({b"a": {"not a name": at}}, "$.a[...]"),
            ([None, Frog(1, {"a": at})], "$[1].parts[1].a"),
            ([pond], "$[0].ducks[0]"),
            (within, "$[1]"),
            ([at.replace(tzinfo=None), {7: at}, at], "$[1][7]"),
        ):
            error = self.flaw(value)
            self.assertEqual(path, error.path)
            self.assertIn("time zone", error.got)
            self.assertNotIn("2024", str(error))

    def test_surrogates(self) -> None:
        """
        A str that cannot be encoded, such as the name of a file that is not
        UTF-8, is found as well.
        """
        name = os.fsdecode(b"\xffsecret")
        for value, path in (
            (name, "$"),
            (["a", name], "$[1]"),
            ({name: 1}, "${key}"),
            ([Frog(1, {"a": name})], "$[0].parts[1].a"),
        ):
            error = self.flaw(value)
            self.assertEqual(path, error.path)
            self.assertIn("surrogate", error.got)
            self.assertNotIn("secret", str(error))

    def test_noValues(self) -> None:
        """
        The error says nothing of the values.
        """

        class Secret:
            def __repr__(self) -> str:
                return "my password"

        error = self.flaw({"a": [Secret()], "b": "my password"})
        self.assertNotIn("password", str(error))
        self.assertIn("$.a[0]", str(error))

    def test_again(self) -> None:
        """
        What is jellied after an error is not taken for part of it.
        """
        self.flaw([Plain()])
        self.assertEqual([b"list", 1], self.ours([1]))
        call = self.pair.root.callRemote("take", "it", {"a": Plain()})
        self.assertEqual("$[1].a", self.failureResultOf(call, NotSendable).value.path)
        self.pair.result(self.pair.root.callRemote("take", "it", 1))
        self.assertEqual({"it": 1}, self.root.kept)

    def test_whatItIsNot(self) -> None:
        """
        Data that look like jelly's own words are data.
        """
        value = [b"unpersistable", [b"unpersistable", b"why"], {b"unpersistable": 1}]
        self.assertEqual(value, jelly.unjelly(self.ours(value)))

    def test_decimals(self) -> None:
        """
        What Jelly has a word for that Banana does not take is found all the
        same.
        """
        error = self.assertRaises(NotSendable, self.ours, [decimal.Decimal("Infinity")])
        self.assertEqual("$[0]", error.path)
        take = self.pair.root.callRemote("take", "it", [decimal.Decimal("Infinity")])
        self.assertEqual("$[1][0]", self.failureResultOf(take, NotSendable).value.path)


class ToleranceTests(JellierTestCase):
    """
    Objects of stock's go with whatever they have, as in stock, and with a
    line in the log.
    """

    def warnings(self, log: list[str]) -> list[str]:
        return [line for line in log if "as stock PB does" in line]

    def fresh(self, *bases: type) -> Any:
        """
        @return: a class that nothing was said of.
        """
        return type("Fresh", bases or (StockFrog,), {})

    def test_sent(self) -> None:
        """
        The peer gets the rest, and what stock sends in that place.
        """
        cls = self.fresh()
        value = [cls(Plain(), 1)]
        log = self.recordLog()
        sexp = self.ours(value)
        self.assertEqual(self.stocks(value), sexp)
        [said] = self.warnings(log)
        self.assertIn(qual(cls), said)
        self.assertIn(qual(Plain), said)

    def test_oncePerClass(self) -> None:
        """
        It is said once of each class.
        """
        one, two = self.fresh(), self.fresh()
        log = self.recordLog()
        for _ in range(3):
            self.ours([one(Plain(), object()), one(len)])
        self.assertEqual(1, len(self.warnings(log)))
        self.ours(two(Plain()))
        self.assertEqual(2, len(self.warnings(log)))

    def test_nothingToSay(self) -> None:
        """
        Nothing is said of what can be read.
        """
        log = self.recordLog()
        self.ours(self.fresh()(1, [pb.Referenceable()]))
        self.assertEqual([], self.warnings(log))

    def test_nested(self) -> None:
        """
        It is tolerated anywhere in the state, also if the object is in one of
        ours, or in itself, or in several places.
        """
        it = Plain()
        within = self.fresh()([{"a": (it,)}])
        within.parts.append(within)
        for value in (
            within,
            [within, within],
            Frog(within),
            {"a": Frog([within]), "b": within},
        ):
            self.assertEqual(self.stocks(value), self.ours(value))

    def test_nearest(self) -> None:
        """
        What counts is the innermost object: what is beside it, or in one of
        ours that is in it, is an error.
        """
        it, tolerated = Plain(), self.fresh()(Plain())
        for value, path in (
            ([tolerated, it], "$[1]"),
            ([it, tolerated], "$[0]"),
            (Frog(tolerated, it), "$.parts[1]"),
            (self.fresh()([Frog(it)]), "$.parts[0][0].parts[0]"),
            (self.fresh()([Frog(tolerated, [it])]), "$.parts[0][0].parts[1][0]"),
        ):
            self.assertEqual(path, self.flaw(value).path)

    def test_caches(self) -> None:
        """
        So it is with Cacheables of stock's.
        """
        pond = self.fresh(StockPond)(STOCK_WATCHER)
        pond.ducks.append(Plain())
        log = self.recordLog()
        self.pair.result(self.pair.root.callRemote("take", "it", pond))
        [duck] = self.root.kept["it"].ducks
        self.assertIsInstance(duck, jelly.Unpersistable)
        self.assertEqual(1, len(self.warnings(log)))

    def test_strict(self) -> None:
        """
        An object of stock's that says that it is strict is.
        """

        @implementer(IStrict)
        class Strict(StockFrog):
            pass

        self.assertEqual("$[0].parts[0]", self.flaw([Strict(Plain())]).path)

    def test_stockState(self) -> None:
        """
        One of ours is strict, also if it has stock's state.
        """

        class Own(Frog):
            getStateToCopy = stock.Copyable.getStateToCopy

        self.assertEqual("$.parts[0]", self.flaw(Own(Plain())).path)

    def test_hooksState(self) -> None:
        """
        A state that a hook makes for the occasion is as any other.
        """

        class Occasional(StockFrog):
            def getStateToCopy(self) -> Any:
                return {"parts": [Plain()]}

        log = self.recordLog()
        self.ours([Occasional(), Occasional()])
        self.assertEqual(1, len(self.warnings(log)))

    def test_jellyable(self) -> None:
        """
        A C{Jellyable} that is no C{Copyable} is no excuse.
        """

        class Own(jelly.Jellyable):
            def __init__(self) -> None:
                self.it = Plain()

        self.assertEqual("$[0].it", self.flaw([Own()]).path)

    def test_arrives(self) -> None:
        """
        A copy of stock's arrives as it does from stock.
        """
        got: list[Any] = []
        for factory in (pb.PBClientFactory, stock.PBClientFactory):
            root = pb.Root()
            root.remote_take = got.append  # type: ignore[attr-defined]
            with connectedPair(root, clientFactory=factory) as pair:
                pair.result(pair.root.callRemote("take", StockFrog(Plain(), 1)))
        self.assertEqual(2, len(got))
        for frog in got:
            self.assertIsInstance(frog.parts[0], jelly.Unpersistable)
            self.assertEqual(1, frog.parts[1])
        self.assertEqual(got[0].parts[0].reason, got[1].parts[0].reason)


class StockFrogCopy(stock.RemoteCopy):
    pass


stock.setUnjellyableForClass(StockFrog, StockFrogCopy)
