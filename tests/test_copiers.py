"""
C{registerCopier}: classes that are not one's own, sent and received.
"""

from __future__ import annotations

import fractions
from functools import partial
from typing import Any

from twisted.spread import pb as stock

from pbext import Registry, defaultRegistry, pb
from pbext.errors import CannotRegister, NotSendable, RefusedTag
from pbext.testing import restoredRegistry, roundTrip
from tests.exchanges import ExchangeCase


class Duck:
    """
    Somebody else's, with a constructor of its own.
    """

    def __init__(self, name: str, friends: Any = ()) -> None:
        self.name = name
        self.friends = friends

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duck) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class Drake(Duck):
    """
    A subclass of it.
    """


class StockDuck(stock.Copyable):
    """
    What a stock peer sends.
    """

    def __init__(self, state: Any, tag: str = "test_copiers.Duck") -> None:
        self.state = state
        self.tag = tag

    def getTypeToCopy(self) -> bytes:
        return self.tag.encode()

    def getStateToCopy(self) -> Any:
        return self.state


class StockCopy(stock.RemoteCopy):
    """
    What a stock peer makes of one.
    """


class DuckPond(pb.Cacheable):
    typeToCopy = "test_copiers.DuckPond"

    def __init__(self, duck: Any) -> None:
        self.duck = duck


class Watcher(pb.RemoteCache):
    def observe_replace(self, duck: Any) -> None:
        self.duck = duck


class DeclaredPond(pb.Copyable, pb.RemoteCopy):
    """
    Declares that there is a duck in it.
    """

    typeToCopy = "test_copiers.DeclaredPond"
    duck: Duck

    def __init__(self, duck: Any) -> None:
        self.duck = duck


def fromWire(state: Any) -> Duck:
    return Duck(**state)


def ducks() -> Registry:
    """
    @return: a registry by which ducks travel.
    """
    registry = Registry()
    registry.registerCopier(Duck, "test_copiers.Duck", vars, fromWire)
    registry.setUnjellyableForClass(DuckPond, Watcher)
    registry.setUnjellyableForClass(DeclaredPond, DeclaredPond)
    return registry


class CopierCase(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        stock.setUnjellyableForClass("test_copiers.Duck", StockCopy)


class BothWaysTests(CopierCase):
    """
    With pbext at both ends.
    """

    def test_arguments(self) -> None:
        """
        An object travels as what C{toWire} makes of it, and C{fromWire} makes
        it anew, at whatever depth, there and back.
        """
        pair = self.connect(ducks(), ducks())
        for thing in (
            Duck("huey"),
            [Duck("huey"), {"it": (Duck("dewey", [1]),)}],
            Duck("louie", [Duck("huey"), Duck("dewey")]),
        ):
            self.assertEqual(self.taken(pair, thing), thing)
            self.assertIsNot(self.desk.kept["it"], thing)
            self.assertEqual(self.given(pair, thing), thing)
            self.assertEqual(pair.result(pair.root.callRemote("echo", thing)), thing)

    def test_updates(self) -> None:
        """
        So it does in the state of a cache, in its updates, and in a copy.
        """
        pair = self.connect(ducks(), ducks())
        pond = DuckPond(Duck("huey"))
        cache = self.taken(pair, pond)
        self.assertEqual(cache.duck, Duck("huey"))
        pond.observers.callRemote("replace", Duck("dewey"))
        pair.flush()
        self.assertEqual(cache.duck, Duck("dewey"))

    def test_declared(self) -> None:
        """
        A field may declare it; then nothing else may stand there.
        """
        arrived = roundTrip(DeclaredPond(Duck("huey")), ducks())
        self.assertEqual(arrived.duck, Duck("huey"))
        wrong = StockDuck({"duck": "huey"}, DeclaredPond.typeToCopy)
        error = self.assertRaises(pb.RemoteError, roundTrip, wrong, ducks())
        self.assertIn("$[0].duck", str(error))
        self.assertIn("test_copiers.Duck is declared", str(error))

    def test_shared(self) -> None:
        """
        One object that is sent twice in a message is one there; it may be in
        its own state, in a list.
        """
        huey = Duck("huey")
        one, two = roundTrip([huey, {"again": huey}], ducks())
        self.assertIs(one, two["again"])
        huey.friends = [huey]
        arrived = roundTrip(huey, ducks())
        self.assertIs(arrived.friends[0], arrived)

    def test_builtIn(self) -> None:
        """
        A class of the standard library is no other.
        """
        registry = Registry()
        registry.registerCopier(fractions.Fraction, "fraction", str, fractions.Fraction)
        third = fractions.Fraction(1, 3)
        self.assertEqual(roundTrip({"it": third}, registry), {"it": third})

    def test_theProcess(self) -> None:
        """
        Registered in the process, it holds for each factory without a
        registry, until C{restoredRegistry} ends.
        """
        duck = Duck("huey")
        with restoredRegistry():
            defaultRegistry.registerCopier(
                Duck, "test_copiers.Duck", vars, fromWire, replace=True
            )
            entry = defaultRegistry.find("test_copiers.Duck")
            assert entry is not None
            self.assertEqual(entry.kind, "copier")
            self.assertEqual(roundTrip(duck), duck)
        self.assertRaises(NotSendable, roundTrip, duck)
        self.assertIsInstance(roundTrip(StockDuck({})), StockCopy)

    def test_eachItsOwn(self) -> None:
        """
        What a factory may send is for its own registry to say, as is what
        arrives there.
        """
        pair = self.connect(ducks(), Registry())
        call = pair.root.callRemote("take", "it", Duck("huey"))
        self.assertEqual(self.failureResultOf(call, NotSendable).value.path, "$[1]")
        self.assertEqual(self.taken(pair, StockDuck({"name": "huey"})), Duck("huey"))
        error = self.assertRaises(RefusedTag, self.given, pair, Duck("huey"))
        self.assertEqual(error.tag, "test_copiers.Duck")

    def test_broadcast(self) -> None:
        """
        Of one update to several connections, each is written by its own
        registry.
        """
        pond = DuckPond(None)
        registry = ducks()
        stranger = Registry()
        stranger.setUnjellyableForClass(DuckPond, Watcher)
        pairs = [
            self.connect(partial(pb.PBServerFactory, registry=r), registry)
            for r in (registry, stranger, registry)
        ]
        caches = []
        for pair in pairs:
            self.desk = pair.serverFactory.root
            caches.append(self.given(pair, pond))
        delivery = self.successResultOf(pond.observers.callRemote("replace", Duck("x")))
        for pair in pairs:
            pair.flush()
        self.assertEqual((len(delivery.sent), len(delivery.refused)), (2, 1))
        [failure] = delivery.refused.values()
        self.assertTrue(failure.check(NotSendable))
        self.assertEqual([cache.duck for cache in caches], [Duck("x"), None, Duck("x")])

    def test_broadcastOfData(self) -> None:
        """
        So it is if what is updated is plain data for some of them.
        """
        special = Registry()
        special.registerCopier(list, "test_copiers.list", tuple, list)
        client = reading()
        client.setUnjellyableForClass(DuckPond, Watcher)
        pond, caches, pairs = DuckPond(None), [], []
        for registry in special, Registry(), special:
            pair = self.connect(registry, client)
            pairs.append(pair)
            caches.append(self.given(pair, pond))
        pond.observers.callRemote("replace", [1, 2])
        for pair in pairs:
            pair.flush()
        self.assertEqual([cache.duck for cache in caches], ["read", [1, 2], "read"])


def reading() -> Registry:
    """
    @return: a registry that shows what a list was sent as.
    """
    registry = Registry()
    registry.setUnjellyableFactoryForClass(
        "test_copiers.list", lambda state: "read" if state == (1, 2) else state
    )
    return registry


class StockPeerTests(CopierCase):
    """
    With Twisted's factories at the other end.
    """

    def test_sent(self) -> None:
        """
        A stock peer reads it as any copy: the tag, and the state.
        """
        pair = self.connect(stock.PBServerFactory, ducks())
        copy = self.taken(pair, [Duck("huey", [Duck("dewey")])])[0]
        self.assertIsInstance(copy, StockCopy)
        self.assertEqual(copy.name, "huey")
        self.assertEqual(copy.friends[0].name, "dewey")
        pair = self.connect(ducks(), stock.PBClientFactory)
        self.assertIsInstance(self.given(pair, Duck("huey")), StockCopy)

    def test_received(self) -> None:
        """
        What a stock peer sends under the tag becomes what C{fromWire} makes
        of it.
        """
        sent = StockDuck({"name": "huey", "friends": [StockDuck({"name": "dewey"})]})
        wanted = Duck("huey", [Duck("dewey")])
        pair = self.connect(ducks(), stock.PBClientFactory)
        self.assertEqual(self.taken(pair, [sent]), [wanted])
        pair = self.connect(stock.PBServerFactory, ducks())
        self.assertEqual(self.given(pair, {"it": sent}), {"it": wanted})

    def test_states(self) -> None:
        """
        The state may be anything that can be sent.
        """
        for state in "huey", None, 7, ["huey"], {"a": ["b"]}:
            registry = Registry()
            registry.registerCopier(
                Duck, "test_copiers.Duck", lambda duck: duck.name, Duck
            )
            pair = self.connect(registry, stock.PBClientFactory)
            self.assertEqual(self.taken(pair, StockDuck(state)), Duck(state))
            self.assertEqual(roundTrip(Duck(state), registry), Duck(state))


class MistakeTests(CopierCase):
    """
    What goes wrong.
    """

    def test_subclass(self) -> None:
        """
        A copier is for a class, not for its subclasses, which may have more
        to say: those cannot be sent.
        """
        error = self.assertRaises(NotSendable, roundTrip, [Drake("huey")], ducks())
        self.assertEqual(error.path, "$[0][0]")
        registry = ducks()
        registry.registerCopier(
            Drake, "test_copiers.Drake", vars, lambda state: Drake(**state)
        )
        arrived = roundTrip([Duck("huey"), Drake("dewey")], registry)
        self.assertEqual([type(duck) for duck in arrived], [Duck, Drake])

    def test_notSendable(self) -> None:
        """
        If what C{toWire} makes cannot be sent, the error says where that is.
        """
        duck = Duck("huey", [object()])
        error = self.assertRaises(NotSendable, roundTrip, {"it": duck}, ducks())
        self.assertEqual(error.path, "$[0].it.friends[0]")

    def test_toWireFails(self) -> None:
        """
        If it fails, so does the call, with its error; the next one is
        answered.
        """

        def toWire(duck: Duck) -> Any:
            raise ZeroDivisionError()

        registry = Registry()
        registry.registerCopier(Duck, "test_copiers.Duck", toWire, fromWire)
        pair = self.connect(Registry(), registry)
        self.assertRaises(ZeroDivisionError, self.taken, pair, Duck("huey"))
        self.assertEqual(self.taken(pair, 7), 7)

    def test_fromWireFails(self) -> None:
        """
        If C{fromWire} fails, the caller gets an error without its text, and
        the next call is answered; so it is if it fails for an answer.
        """
        pair = self.connect(ducks(), stock.PBClientFactory)
        call = pair.root.callRemote("take", "it", StockDuck({"secret": 1}))
        pair.flush()
        failure = self.failureResultOf(call)
        self.assertEqual(failure.type, b"builtins.TypeError")
        self.assertNotIn("secret", failure.value)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(self.taken(pair, 7), 7)
        pair = self.connect(stock.PBServerFactory, ducks())
        self.desk.things["it"] = StockDuck({"secret": 1})
        call = pair.root.callRemote("get", "it")
        pair.flush()
        self.failureResultOf(call, TypeError)
        self.assertEqual(self.given(pair, 7), 7)

    def test_taken(self) -> None:
        """
        A tag that somebody has is not taken from them.
        """
        registry = ducks()
        for tag in "test_copiers.Duck", "test_copiers.DuckPond":
            error = self.assertRaises(
                CannotRegister, registry.registerCopier, Drake, tag, vars, dict
            )
            self.assertIn("this tag is taken", str(error))
        self.assertNotIn(Drake, registry.copiers)
        self.assertEqual(roundTrip(Duck("huey"), registry), Duck("huey"))
