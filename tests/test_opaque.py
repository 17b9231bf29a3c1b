"""
L{pbext.pb.OpaqueCopy} and L{pbext.pb.OpaqueCache}: objects of classes that
are not at hand.
"""

from __future__ import annotations

from typing import Any

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._opaque import allowOpaque
from pbext.testing import connectedPair, restoredRegistry


class Pond(pb.Copyable):
    typeToCopy = "test_opaque.Pond"

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


class Listed(Pond):
    def getStateToCopy(self) -> Any:
        return [3, 4]


class DuckPond(pb.Cacheable):
    typeToCopy = "test_opaque.DuckPond"

    def __init__(self) -> None:
        self.ducks = ["one"]


class StockPond(stock.Copyable):
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def getTypeToCopy(self) -> bytes:
        return b"test_opaque.Pond"


class StockDuckPond(stock.Cacheable):
    def __init__(self) -> None:
        self.ducks = ["one"]

    def getTypeToCopy(self) -> bytes:
        return b"test_opaque.DuckPond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observer = observer
        return {"ducks": self.ducks}


class Desk(pb.Root):
    def remote_take(self, value: object) -> None:
        self.taken: Any = value


class OpaqueCase(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        allowOpaque("test_opaque.Pond")
        allowOpaque("test_opaque.DuckPond")

    def send(self, value: object, sender: Any = pb) -> Any:
        self.desk = Desk()
        self.pair = connectedPair(self.desk, clientFactory=sender.PBClientFactory)
        self.addCleanup(self.pair.close)
        self.pair.result(self.pair.root.callRemote("take", value))
        return self.desk.taken


class OpaqueCopyTests(OpaqueCase):
    """
    What was copied.
    """

    def test_tagAndFields(self) -> None:
        """
        It has the tag and the fields, whoever sent it.
        """
        for sender, cls in (pb, Pond), (stock, StockPond):
            pond = self.send(cls(frogs=3, colour="green"), sender)
            self.assertIs(type(pond), pb.OpaqueCopy)
            self.assertEqual(pond.tag, "test_opaque.Pond")
            self.assertEqual(pond.fields, {"frogs": 3, "colour": "green"})

    def test_noBehaviour(self) -> None:
        """
        No field becomes an attribute, whatever its name; all are there to be
        looked at.
        """
        state = {"tag": 1, "fields": 2, "_a": 3, "postUnjelly": 4, "a b": 5}
        pond = self.send(StockPond(**state), stock)
        self.assertEqual(pond.fields, state)
        self.assertEqual(pond.tag, "test_opaque.Pond")
        self.assertEqual(set(vars(pond)), {"tag", "fields"})

    def test_otherState(self) -> None:
        """
        A state that is no dict is the one value, under the empty name.
        """
        pond = self.send(Listed())
        self.assertEqual(pond.fields, {"": [3, 4]})
        self.assertEqual(repr(pond), "test_opaque.Pond([3, 4])")

    def test_bytes(self) -> None:
        """
        Names in bytes, as of a Python 2 peer, are read as text.
        """
        pair = connectedPair(Desk())
        self.addCleanup(pair.close)
        state = [b"dictionary", [b"frogs", 3], [b"\xff", 1], [7, 2]]
        pond = pair.server.unserialize([b"test_opaque.Pond", state])
        self.assertEqual(pond.fields, {"frogs": 3, "\ufffd": 1, "7": 2})

    def test_nested(self) -> None:
        """
        One inside another, also inside itself.
        """
        pond = Pond(frogs=3)
        pond.inner = Pond(frogs=4)
        pond.me = pond
        arrived = self.send(pond)
        self.assertEqual(arrived.fields["inner"].fields, {"frogs": 4})
        self.assertIs(arrived.fields["me"], arrived)

    def test_repr(self) -> None:
        """
        It shows the tag and the fields; another one inside it is not opened.
        """
        pond = Pond(frogs=3)
        pond.me = pond
        pond.inner = [Pond(frogs=4)]
        self.assertEqual(
            repr(self.send(pond)),
            "test_opaque.Pond(frogs=3, me=test_opaque.Pond(...), "
            "inner=[test_opaque.Pond(...)])",
        )

    def test_reprIsShort(self) -> None:
        """
        However large a value is, sixty characters of it are shown.
        """
        pond = self.send(Pond(long="x" * 10_000, many=[*range(10_000)]))
        self.assertLess(len(repr(pond)), 170)

    def test_reprOfABomb(self) -> None:
        """
        A few bytes that would unfold into millions are shown as they came.
        """
        pond = Pond(frogs=3)
        for _ in range(11):
            pond = Pond(a=pond, b=[pond, pond])
        inner = "test_opaque.Pond(...)"
        self.assertEqual(
            repr(self.send(pond)),
            f"test_opaque.Pond(a={inner}, b=[{inner}, {inner}])",
        )

    def test_notRegistered(self) -> None:
        """
        A tag that was not allowed is refused, as without any of this.
        """

        class Other(Pond):
            typeToCopy = "test_opaque.Other"

        error = self.assertRaises(pb.RemoteError, self.send, Other())
        self.assertIn("test_opaque.Other", str(error))
        self.flushLoggedErrors()


class OpaqueCacheTests(OpaqueCase):
    """
    What is followed.
    """

    def test_messages(self) -> None:
        """
        It has the state as it came, and the updates since, whoever publishes.
        """
        ours, theirs = DuckPond(), StockDuckPond()
        for sender, pond, announce in (
            (pb, ours, lambda *a, **k: ours.observers.callRemote(*a, **k)),
            (stock, theirs, lambda *a, **k: theirs.observer.callRemote(*a, **k)),
        ):
            cache = self.send(pond, sender)
            self.assertIs(type(cache), pb.OpaqueCache)
            self.assertEqual(cache.tag, "test_opaque.DuckPond")
            announce("addDuck", "two", where="left")
            announce("removeDuck", "one")
            self.pair.flush()
            self.assertEqual(cache.fields, {"ducks": ["one"]})
            self.assertEqual(
                [*cache.messages],
                [
                    pb.Change("addDuck", ("two",), {"where": "left"}),
                    pb.Change("removeDuck", ("one",), {}),
                ],
            )

    def test_lastMessages(self) -> None:
        """
        The last hundred updates are kept.
        """
        pond = DuckPond()
        cache = self.send(pond)
        for number in range(130):
            pond.observers.callRemote("count", number)
        self.pair.flush()
        self.assertEqual([c.args[0] for c in cache.messages], [*range(30, 130)])

    def test_listeners(self) -> None:
        """
        Its listeners are told, of changes and of the loss of the link.
        """
        pond = DuckPond()
        cache = self.send(pond)
        heard: list[Any] = []
        cache.notifyOnChange(lambda c, change: heard.append(change.name))
        cache.notifyOnStale(lambda c, reason: heard.append("stale"))
        self.assertIs(cache.cacheState, pb.CacheState.LIVE)
        pond.observers.callRemote("addDuck", "two")
        self.pair.flush()
        self.pair.close()
        self.assertEqual(heard, ["addDuck", "stale"])
        self.assertIs(cache.cacheState, pb.CacheState.STALE)

    def test_sentTwice(self) -> None:
        """
        Sent again it is the same object.
        """
        pond = DuckPond()
        first = self.send(pond)
        self.pair.result(self.pair.root.callRemote("take", [pond]))
        self.assertIs(self.desk.taken[0], first)

    def test_otherNames(self) -> None:
        """
        Only updates are answered for: other names are missing as ever.
        """
        cache = self.send(DuckPond())
        self.assertRaises(AttributeError, getattr, cache, "ducks")
        self.assertRaises(AttributeError, getattr, cache, "_observe_addDuck")
        self.assertRaises(AttributeError, getattr, cache, "remote_addDuck")

    def test_repr(self) -> None:
        """
        It shows what an L{pb.OpaqueCopy} does.
        """
        cache = self.send(DuckPond())
        self.assertEqual(repr(cache), "test_opaque.DuckPond(ducks=['one'])")
