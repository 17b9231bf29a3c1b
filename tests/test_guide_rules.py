"""
The rules of Twisted's guide to passing complex types, by their numbers in the
project's table: kept, made safe, or corrected.

Everything is tried with pbext's factories at both ends, and with Twisted's at
either; where a rule is about the classes at an end, with Twisted's classes
there too.
"""

from __future__ import annotations

import gc
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import attrs

from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase

from pbext import LocalOnly, Registry, pb
from pbext.errors import BadDeclaration, CannotRegister, RefusedTag
from pbext.testing import Pair, connectedPair, restoredRegistry

#: The libraries of the client's and the server's factory.
ENDS: list[tuple[Any, Any]] = [(pb, pb), (stock, pb), (pb, stock)]


class Desk(pb.Root):
    """
    Takes objects, gives them, and shows them to others.
    """

    def __init__(self) -> None:
        self.taken: Any = None
        self.named: dict[str, Any] = {}
        self.shown: Any = None

    def remote_take(self, *values: Any, **named: Any) -> str:
        [self.taken] = values or [None]
        self.named = named
        return "safe and sound"

    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_show(self) -> Any:
        return self.shown


class RuleCase(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)

    def connect(
        self, client: Any = pb, server: Any = pb, root: Any = None, clients: int = 1
    ) -> Pair:
        self.desk = Desk()
        pair = connectedPair(
            self.desk if root is None else root,
            clients=clients,
            clientFactory=client.PBClientFactory,
            serverFactory=server.PBServerFactory,
        )
        self.addCleanup(pair.close)
        return pair

    def pairs(self, clients: int = 1) -> Iterator[Pair]:
        for client, server in ENDS:
            yield self.connect(client, server, clients=clients)

    def errorOf(self, pair: Pair, deferred: Any) -> Failure:
        pair.flush()
        return self.failureResultOf(deferred)


# Copies.


class LilyPond:
    """
    What a pond does, wherever it is.
    """

    def setStuff(self, colour: str, frogs: int) -> None:
        self.colour = colour
        self.frogs = frogs

    def countFrogs(self) -> int:
        return self.frogs


class CopyPond(LilyPond, pb.Copyable):
    pass


class ReceiverPond(pb.RemoteCopy, LilyPond):
    pass


class StockCopyPond(LilyPond, stock.Copyable):
    pass


class StockReceiverPond(stock.RemoteCopy, LilyPond):
    pass


class Unrelated(pb.RemoteCopy):
    """
    Has nothing to do with what it is sent as.
    """

    def describe(self) -> str:
        return f"{self.frogs} in {self.colour}"


def aPond(cls: Any = CopyPond) -> Any:
    pond = cls()
    pond.setStuff("green", 7)
    return pond


class AcceptingTests(RuleCase):
    """
    Rules 1 to 3: what may arrive, and as what.
    """

    def test_rule01_refused(self) -> None:
        """
        An object of a class that the receiver has not accepted ends in
        InsecureJelly, and the error says which tag, where, on which side, and
        the line that would register it.
        """
        for sender, cls in (pb, CopyPond), (stock, StockCopyPond):
            pair = self.connect(sender, pb)
            failure = self.errorOf(pair, pair.root.callRemote("take", [aPond(cls)]))
            self.assertTrue(failure.check(InsecureJelly))
            tag = f"tests.test_guide_rules.{cls.__name__}"
            for part in (
                tag,
                "$[0][0]",
                "receiving side",
                f"pb.setUnjellyableForClass({tag!r}, ",
            ):
                self.assertIn(part, failure.value)
            self.assertIsNone(self.desk.taken)

    def test_rule01_unprepared(self) -> None:
        """
        An instance of a class that is no flavor at all is nothing that can be
        sent: the receiver builds nothing from it, and a sender of ours is told
        so, where it stands and what to do.
        """
        for pair in self.pairs():
            answer = pair.root.callRemote("take", LilyPond())
            if isinstance(pair.client, pb.Broker):
                error = self.errorOf(pair, answer)
                self.assertTrue(error.check(InsecureJelly))
                self.assertIn("at $[0]", error.getErrorMessage())
                self.assertIn("make its class a pb.Copyable", error.getErrorMessage())
                self.assertIsNone(self.desk.taken)
            else:
                pair.result(answer)
            self.assertNotIsInstance(self.desk.taken, LilyPond)

    def test_rule01_receiverChooses(self) -> None:
        """
        The receiver chooses which local class represents what arrives.
        """
        for receiver in ReceiverPond, Unrelated, StockReceiverPond:
            for cls in CopyPond, StockCopyPond:
                pb.setUnjellyableForClass(cls, receiver, replace=True)
                for pair in self.pairs():
                    pair.result(pair.root.callRemote("take", aPond(cls)))
                    self.assertIs(type(self.desk.taken), receiver)
                    self.assertEqual(self.desk.taken.frogs, 7)

    def test_rule01_theLine(self) -> None:
        """
        The line that the error tells is the line that registers it.
        """
        for number, cls in enumerate((CopyPond, StockCopyPond)):
            pair = self.connect((pb, stock)[number], pb)
            failure = self.errorOf(pair, pair.root.callRemote("take", aPond(cls)))
            [line] = re.findall(r"pb\.setUnjellyableForClass\(.*?\)", failure.value)
            eval(line, {"pb": pb, "TheClassThatReceives": ReceiverPond})
            pair.result(pair.root.callRemote("take", aPond(cls)))
            self.assertIsInstance(self.desk.taken, ReceiverPond)

    def test_rule01_answers(self) -> None:
        """
        So it is where an answer is refused: there the caller is the receiving
        side.
        """
        for cls in CopyPond, StockCopyPond:
            for server in pb, stock:
                pair = self.connect(pb, server)
                self.desk.shown = {"it": (aPond(cls),)}
                failure = self.errorOf(pair, pair.root.callRemote("show"))
                self.assertTrue(failure.check(InsecureJelly))
                self.assertIsInstance(failure.value, RefusedTag)
                self.assertEqual(
                    (failure.value.tag, failure.value.path),
                    (f"tests.test_guide_rules.{cls.__name__}", "$.it[0]"),
                )
                self.assertEqual(pair.result(pair.root.callRemote("echo", 7)), 7)

    def test_rule01_eachClass(self) -> None:
        """
        Each class has to be accepted: one that is says nothing of what is in
        it, of its subclasses, or of other classes of its module.
        """
        pb.setUnjellyableForClass(CopyPond, ReceiverPond)
        subclass = type("Pool", (CopyPond,), {"__module__": __name__})
        for pair in self.pairs():
            if not isinstance(pair.server, pb.Broker):
                continue
            full = aPond()
            full.inside = aPond(StockCopyPond)
            for thing in full, aPond(subclass), aPond(StockCopyPond):
                failure = self.errorOf(pair, pair.root.callRemote("take", thing))
                self.assertTrue(failure.check(InsecureJelly))
                self.assertIsNone(self.desk.taken)

    def test_rule02_name(self) -> None:
        """
        The tag is module and class as the sender knows them: the same class
        known by another name is another tag.
        """
        pb.setUnjellyableForClass(
            "tests.test_guide_rules.CopyPond", ReceiverPond, replace=True
        )
        for pair in self.pairs():
            pair.result(pair.root.callRemote("take", aPond()))
            self.assertIsInstance(self.desk.taken, ReceiverPond)
        asSibling = type("CopyPond", (CopyPond,), {"__module__": "test_guide_rules"})
        pair = self.connect()
        failure = self.errorOf(pair, pair.root.callRemote("take", aPond(asSibling)))
        self.assertIn("'test_guide_rules.CopyPond'", failure.value)

    def test_rule02_main(self) -> None:
        """
        A module that was run as a script is C{__main__}: the error says so.
        """
        script = type("CopyPond", (CopyPond,), {"__module__": "__main__"})
        pair = self.connect()
        failure = self.errorOf(pair, pair.root.callRemote("take", aPond(script)))
        self.assertIn("'__main__.CopyPond'", failure.value)
        self.assertIn("as a script", failure.value)

    def test_rule02_explicit(self) -> None:
        """
        C{typeToCopy} makes it explicit: then no module's name matters.
        """
        script = type(
            "CopyPond",
            (CopyPond,),
            {"__module__": "__main__", "typeToCopy": "pond.LilyPond"},
        )
        pb.setUnjellyableForClass("pond.LilyPond", ReceiverPond)
        for pair in self.pairs():
            pair.result(pair.root.callRemote("take", aPond(script)))
            self.assertIsInstance(self.desk.taken, ReceiverPond)

    def test_rule03_unrelated(self) -> None:
        """
        The classes may be unrelated but for the registration, with either of
        them Twisted's.
        """

        class StockUnrelated(stock.RemoteCopy):
            describe = Unrelated.describe

        for sender, receiver in (
            (CopyPond, Unrelated),
            (StockCopyPond, Unrelated),
            (CopyPond, StockUnrelated),
        ):
            pb.setUnjellyableForClass(sender, receiver, replace=True)
            for pair in self.pairs():
                pair.result(pair.root.callRemote("take", aPond(sender)))
                self.assertEqual(self.desk.taken.describe(), "7 in green")
                self.assertNotIsInstance(self.desk.taken, LilyPond)

    def test_rule03_flavors(self) -> None:
        """
        What is sent is a Copyable: a RemoteCopy alone cannot be sent on.  What
        receives is a RemoteCopy, or it cannot be registered.
        """
        pb.setUnjellyableForClass(CopyPond, ReceiverPond)
        pair = self.connect()
        pair.result(pair.root.callRemote("take", aPond()))
        error = self.errorOf(pair, pair.root.callRemote("take", self.desk.taken))
        self.assertTrue(error.check(InsecureJelly))
        self.assertIn("at $[0]", error.getErrorMessage())
        for cls in LilyPond, CopyPond:
            error = self.assertRaises(
                CannotRegister, pb.setUnjellyableForClass, "rule03", cls
            )
            self.assertIn("derive it from pb.RemoteCopy", str(error))

    def test_rule03_theRegistration(self) -> None:
        """
        The receiving program need only have imported the registration: by
        the tag alone, it knows nothing of the class that is sent.
        """
        source = (
            "from pbext import pb\n"
            "@pb.defaultRegistry.unjellyableFor('far.away.Pond')\n"
            "class Arrived(pb.RemoteCopy):\n"
            "    pass\n"
        )
        away = type("Pond", (StockCopyPond,), {"__module__": "far.away"})
        space: dict[str, Any] = {"__name__": "receiver"}
        exec(source, space)
        self.assertNotIn("far.away", sys.modules)
        for pair in self.pairs():
            pair.result(pair.root.callRemote("take", aPond(away)))
            self.assertIs(type(self.desk.taken), space["Arrived"])
            self.assertEqual(vars(self.desk.taken), {"colour": "green", "frogs": 7})

    def test_rule03_aPorts(self) -> None:
        """
        The registry can belong to a port: what that accepts, and as what, is
        for it to say, and no other port accepts it.
        """
        for receiver in ReceiverPond, Unrelated, StockReceiverPond:
            registry = Registry()
            registry.setUnjellyableForClass(CopyPond, receiver)
            for client in pb, stock:
                pair = connectedPair(
                    Desk(),
                    serverFactory=partial(pb.PBServerFactory, registry=registry),
                    clientFactory=client.PBClientFactory,
                )
                self.addCleanup(pair.close)
                pair.result(pair.root.callRemote("take", aPond()))
                taken = pair.serverFactory.root.taken
                self.assertIs(type(taken), receiver)
                self.assertEqual(taken.frogs, 7)
        pair = self.connect(stock, pb)
        failure = self.errorOf(pair, pair.root.callRemote("take", aPond()))
        self.assertTrue(failure.check(InsecureJelly))


class Called:
    """
    Notes which constructors have run.
    """

    calls: list[Any] = []


class HandMade(pb.RemoteCopy):
    frogs: int
    depth = 1

    def __init__(self, frogs: int = 0) -> None:
        Called.calls.append(frogs)
        self.frogs = frogs
        self.built = True


class HandMadeWithArguments(pb.RemoteCopy):
    def __init__(self, frogs: int, toads: int) -> None:
        Called.calls.append((frogs, toads))


class StockHandMade(stock.RemoteCopy):
    def __init__(self, frogs: int) -> None:
        Called.calls.append(frogs)


class AsksForIt(HandMade):
    copyConstruct = True


@dataclass
class Generated(pb.RemoteCopy):
    frogs: int
    toads: list[str] = field(default_factory=list)
    twice: int = field(init=False)

    def __post_init__(self) -> None:
        Called.calls.append(self.frogs)
        self.twice = 2 * self.frogs


@dataclass(frozen=True)
class GeneratedFrozen(pb.RemoteCopy):
    frogs: int
    toads: list[str] = field(default_factory=list)
    twice: int = field(init=False)

    def __post_init__(self) -> None:
        Called.calls.append(self.frogs)
        object.__setattr__(self, "twice", 2 * self.frogs)


@attrs.frozen
class GeneratedByAttrs(pb.RemoteCopy):
    frogs: int = attrs.field(
        converter=lambda frogs: frogs + 1, validator=attrs.validators.lt(100)
    )
    toads: list[str] = attrs.field(factory=list)
    twice: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        Called.calls.append(self.frogs - 1)
        object.__setattr__(self, "twice", 2 * (self.frogs - 1))


class SentPond(stock.Copyable):
    """
    Of stock's, with any state.
    """

    def __init__(self, **state: Any) -> None:
        self.__dict__ = state


class ConstructorTests(RuleCase):
    """
    Rule 9: whose constructor runs.
    """

    def setUp(self) -> None:
        super().setUp()
        self.patch(Called, "calls", [])

    def arrivals(self, cls: Any, **state: Any) -> Iterator[Any]:
        """
        @return: what arrives of an object, at each end that takes it.
        """
        pb.setUnjellyableForClass(SentPond, cls, replace=True)
        for pair in self.pairs():
            Called.calls.clear()
            pair.result(pair.root.callRemote("take", SentPond(**state)))
            yield self.desk.taken

    def test_rule09_handWritten(self) -> None:
        """
        A constructor that is written by hand does not run, whatever arguments
        it takes; in stock it does not either, whatever the guide says.
        """
        for cls in HandMade, HandMadeWithArguments, StockHandMade:
            for pond in self.arrivals(cls, frogs=3):
                self.assertIs(type(pond), cls)
                self.assertEqual(vars(pond), {"frogs": 3})
                self.assertEqual(Called.calls, [])

    def test_rule09_generated(self) -> None:
        """
        Those that dataclasses and attrs generate do, once each, with their
        defaults, converters, and what comes after.
        """
        for cls, more in (Generated, 0), (GeneratedFrozen, 0), (GeneratedByAttrs, 1):
            toads = []
            for pond in self.arrivals(cls, frogs=3):
                self.assertIs(type(pond), cls)
                self.assertEqual((pond.frogs, pond.toads), (3 + more, []))
                self.assertEqual(pond.twice, 6)
                self.assertEqual(Called.calls, [3])
                toads.append(pond.toads)
            self.assertEqual(len({id(each) for each in toads}), 3)
            for pond in self.arrivals(cls, frogs=3, toads=["one"]):
                self.assertEqual(pond.toads, ["one"])

    def test_rule09_generatedRefuses(self) -> None:
        """
        What a validator does not take is refused, without its words, and so is
        a value that is missing; nothing of it arrives.
        """
        pb.setUnjellyableForClass(SentPond, GeneratedByAttrs)
        for state, says in (
            ({"frogs": 1234}, "failed with builtins.ValueError"),
            ({"toads": []}, "int is declared, and nothing was sent"),
        ):
            for client in pb, stock:
                pair = self.connect(client, pb)
                failure = self.errorOf(
                    pair, pair.root.callRemote("take", SentPond(**state))
                )
                self.assertIn(says, str(failure.value))
                self.assertNotIn("1234", str(failure.value))
                self.assertIsNone(self.desk.taken)

    def test_rule09_asked(self) -> None:
        """
        One that is written by hand runs where the class asks for it, with
        what has arrived, or with its defaults.
        """
        for pond in self.arrivals(AsksForIt, frogs=3):
            self.assertEqual(vars(pond), {"frogs": 3, "built": True})
            self.assertEqual(Called.calls, [3])
        for pond in self.arrivals(AsksForIt):
            self.assertEqual(vars(pond), {"frogs": 0, "built": True})

    def test_rule09_askedInVain(self) -> None:
        """
        If it needs more than what travels, that is said at registration.
        """

        class Asks(HandMadeWithArguments):
            copyConstruct = True
            frogs: int

        error = self.assertRaises(
            BadDeclaration, pb.setUnjellyableForClass, SentPond, Asks
        )
        self.assertIn("Asks.copyConstruct", str(error))
        self.assertIn("needs toads", str(error))

    def test_rule09_caches(self) -> None:
        """
        Stock does call that of a RemoteCache, without arguments, and so does
        pbext; one that needs some makes a class of stock's that can receive
        nothing, and does not run in one of ours.
        """
        for base in pb.RemoteCache, stock.RemoteCache:

            class Bare(base):  # type: ignore[misc, valid-type]  # either base
                def __init__(self) -> None:
                    Called.calls.append("bare")

            class Needing(base):  # type: ignore[misc, valid-type]  # either base
                def __init__(self, frogs: int) -> None:
                    Called.calls.append(frogs)

            pb.setUnjellyableForClass("rule09.Pond", Bare, replace=True)
            for pair in self.pairs():
                Called.calls.clear()
                pair.result(pair.root.callRemote("take", FollowedPond()))
                self.assertEqual(Called.calls, ["bare"])
                self.assertEqual(self.desk.taken.frogs, 3)
            if base is stock.RemoteCache:
                error = self.assertRaises(
                    CannotRegister, pb.setUnjellyableForClass, "rule09", Needing
                )
                self.assertIn("without arguments", str(error))
                continue
            pb.setUnjellyableForClass("rule09.Pond", Needing, replace=True)
            for pair in self.pairs():
                Called.calls.clear()
                pair.result(pair.root.callRemote("take", FollowedPond()))
                self.assertEqual(Called.calls, [])
                self.assertEqual(self.desk.taken.frogs, 3)


class FollowedPond(stock.Cacheable):
    def getTypeToCopy(self) -> bytes:
        return b"rule09.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"frogs": 3}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class Traveller(pb.Copyable, pb.RemoteCopy):
    """
    Goes and comes, each in its own way.
    """

    typeToCopy = "test_guide_rules.Traveller"

    def __init__(self, miles: int) -> None:
        self.miles = miles

    def getStateToCopy(self) -> Any:
        return {"kilometres": 2 * self.miles}

    def setCopyableState(self, state: Any) -> None:
        self.miles = state["kilometres"] // 2


@dataclass
class DataTraveller(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_guide_rules.DataTraveller"
    miles: int
    stops: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FrozenTraveller(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_guide_rules.FrozenTraveller"
    miles: int


@attrs.define
class AttrsTraveller(pb.RemoteCopy, pb.Copyable):
    typeToCopy = "test_guide_rules.AttrsTraveller"
    miles: int


class SummingPond(pb.Copyable):
    """
    Sends one sum for two numbers; persists as both.
    """

    typeToCopy = "test_guide_rules.SummingPond"

    def __init__(self, frogs: int, toads: int) -> None:
        self.frogs = frogs
        self.toads = toads

    def getStateToCopy(self) -> Any:
        state = super().getStateToCopy()
        return {"count": state.pop("frogs") + state.pop("toads"), **state}

    def __getstate__(self) -> Any:
        return {"both": (self.frogs, self.toads)}

    def __setstate__(self, state: Any) -> None:
        self.frogs, self.toads = state["both"]


class CountedPond(pb.RemoteCopy):
    def setCopyableState(self, state: Any) -> None:
        self.count = state["count"]

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("not for what arrives")


class Store(pb.Referenceable):
    """
    Where each side keeps its things.
    """

    def __init__(self, where: str) -> None:
        self.where = where


class StoredPond(pb.Copyable):
    """
    Refers to the sender's store, which must not travel.
    """

    typeToCopy = "test_guide_rules.StoredPond"

    def __init__(self, store: Store) -> None:
        self.store = store

    def getStateToCopy(self) -> Any:
        return {**super().getStateToCopy(), "store": "STORE"}


class FindsItsStore:
    here = Store("receiver")

    def setCopyableState(self, state: Any) -> None:
        if state["store"] == "STORE":
            state = {**state, "store": self.here}
        super().setCopyableState(state)  # type: ignore[misc]


class ReceivedStoredPond(FindsItsStore, pb.RemoteCopy):
    pass


class CachedStoredPond(pb.Cacheable):
    """
    The same for a cache.
    """

    typeToCopy = "test_guide_rules.CachedStoredPond"

    def __init__(self, store: Store) -> None:
        self.store = store

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        state = super().getStateToCacheAndObserveFor(perspective, observer)
        return {**state, "store": "STORE"}

    def move(self) -> Any:
        return self.observers.callRemote("move", "STORE")


class FollowedStoredPond(FindsItsStore, pb.RemoteCache):
    def observe_move(self, marker: str) -> None:
        self.store = self.here if marker == "STORE" else None
        self.moved = True


class Challenge(pb.Copyable, pb.RemoteCopy):
    """
    Comes back, and has to be what went.
    """

    typeToCopy = "test_guide_rules.Challenge"
    localFields = ("secret",)

    def __init__(self, secret: str, text: str) -> None:
        self.secret = secret
        self.text = text
        self.seal = self.expected(secret)

    def expected(self, secret: str) -> str:
        return sha256((self.text + secret).encode()).hexdigest()


@dataclass
class Account(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_guide_rules.Account"
    name: str
    password: LocalOnly[str]
    attempts: LocalOnly[int] = 3


class CopyRulesTests(RuleCase):
    """
    Rules 4 to 8: what goes and what comes.
    """

    def test_rule04_copyBothWays(self) -> None:
        """
        One class may go and come: plain, dataclass, attrs, with slots, frozen.
        """
        for cls in Traveller, DataTraveller, FrozenTraveller, AttrsTraveller:
            pb.setUnjellyableForClass(cls, cls)
            for pair in self.pairs():
                back = pair.result(pair.root.callRemote("echo", cls(26)))
                self.assertIs(type(back), cls)
                self.assertEqual(back.miles, 26)
                again = pair.result(pair.root.callRemote("echo", [back]))[0]
                self.assertEqual(again.miles, 26)

    def test_rule04_relay(self) -> None:
        """
        One class may be Cacheable and RemoteCache at once, and so pass on over
        another connection a cache that it has been given: the changes come
        through.
        """
        pb.setUnjellyableForClass(RelayPond.typeToCopy, RelayPond)
        for client, server in ENDS:
            source, publisher = RelayPond("daffy"), Desk()
            first = self.connect(client, server)
            firstDesk = self.desk
            first.result(first.root.callRemote("take", source))
            relay = firstDesk.taken
            first.result(first.root.callRemote("take", publisher))
            second = self.connect(client, server)
            second.result(second.root.callRemote("take", relay))
            end = self.desk.taken
            self.assertEqual(end.ducks, ["daffy"])
            source.addDuck("donald")
            first.flush()
            second.flush()
            self.assertEqual(relay.ducks, ["daffy", "donald"])
            self.assertEqual(end.ducks, ["daffy", "donald"])
            # and sent back where it came from, it is the original
            first.result(firstDesk.taken.callRemote("take", relay))
            self.assertIs(publisher.taken, source)

    def test_rule05_reduced(self) -> None:
        """
        C{getStateToCopy} may put one sum in the place of frogs and toads, and
        C{setCopyableState} gets whatever came.
        """
        pb.setUnjellyableForClass(SummingPond, CountedPond)
        for pair in self.pairs():
            pair.result(pair.root.callRemote("take", SummingPond(3, 4)))
            self.assertEqual(vars(self.desk.taken), {"count": 7})

    def test_rule05_persistence(self) -> None:
        """
        Both are apart from C{__getstate__} and C{__setstate__}: the same object
        persists otherwise than it travels.
        """
        again = pickle.loads(pickle.dumps(SummingPond(3, 4)))
        self.assertEqual(vars(again), {"frogs": 3, "toads": 4})

    def test_rule05_default(self) -> None:
        """
        By default the state is what is declared or public, in a fresh dict.
        """
        pond = CopyPond()
        pond.frogs, pond._spawn = 7, 1000
        self.assertEqual(pond.getStateToCopy(), {"frogs": 7})
        self.assertIsNot(pond.getStateToCopy(), vars(pond))

    def test_rule06_copy(self) -> None:
        """
        A reference to a local object may be a marker on the way, and the
        receiver's own object on arrival.
        """
        pb.setUnjellyableForClass(StoredPond, ReceivedStoredPond)
        for pair in self.pairs():
            pond = StoredPond(Store("sender"))
            pair.result(pair.root.callRemote("take", pond))
            self.assertIs(self.desk.taken.store, ReceivedStoredPond.here)
            self.assertEqual(pond.store.where, "sender")

    def test_rule06_cache(self) -> None:
        """
        It works on a cache, in its state and in its updates.
        """
        pb.setUnjellyableForClass(CachedStoredPond, FollowedStoredPond)
        for pair in self.pairs():
            pond = CachedStoredPond(Store("sender"))
            pair.result(pair.root.callRemote("take", pond))
            cache = self.desk.taken
            self.assertIs(cache.store, FollowedStoredPond.here)
            cache.store = None
            pond.move()
            pair.flush()
            self.assertTrue(cache.moved)
            self.assertIs(cache.store, FollowedStoredPond.here)

    def test_rule07_stays(self) -> None:
        """
        A local-only attribute stays, by declaration: it is not in the bytes.
        """
        pb.setUnjellyableForClass(Account, Account)
        for pair in self.pairs():
            answer = pair.root.callRemote("take", Account("ann", "my password"))
            self.assertNotIn(b"password", pair.client.transport.value())
            pair.result(answer)
            self.assertEqual(self.desk.taken.name, "ann")

    def test_rule08_roundTrip(self) -> None:
        """
        A Copyable comes back unchanged: what it declares is equal, and it is
        another object.  So what was sealed here can be checked here.
        """
        pb.setUnjellyableForClass(Challenge, Challenge)
        for pair in self.pairs():
            sent = Challenge("secret", "who are you?")
            back = pair.result(pair.root.callRemote("echo", sent))
            self.assertIsNot(back, sent)
            self.assertEqual((back.text, back.seal), (sent.text, sent.seal))
            self.assertEqual(back.seal, back.expected("secret"))
            self.assertFalse(hasattr(back, "secret"))

    def test_rule08_localOnly(self) -> None:
        """
        A local-only field does not come back: it has its default, or reading it
        says why it is missing.
        """
        pb.setUnjellyableForClass(Account, Account)
        for pair in self.pairs():
            back = pair.result(pair.root.callRemote("echo", Account("ann", "pw", 1)))
            self.assertEqual((back.name, back.attempts), ("ann", 3))
            error = self.assertRaises(AttributeError, getattr, back, "password")
            self.assertIn("Account.password is local-only", str(error))


# Caches.


class DuckPond(pb.Cacheable):
    """
    Announces with the book.
    """

    typeToCopy = "test_guide_rules.DuckPond"

    def __init__(self, *ducks: str) -> None:
        self.ducks = [*ducks]

    def count(self) -> int:
        return len(self.ducks)

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        self.observers.callRemote("addDuck", duck)

    def removeDuck(self, duck: str) -> None:
        self.ducks.remove(duck)
        self.observers.callRemote("removeDuck", duck)


class FollowedDuckPond(pb.RemoteCache):
    ducks: list[str]

    def count(self) -> int:
        return len(self.ducks)

    def observe_addDuck(self, duck: str) -> None:
        self.ducks.append(duck)

    def observe_removeDuck(self, duck: str) -> None:
        self.ducks.remove(duck)


class StockFollowedDuckPond(stock.RemoteCache):
    """
    The guide's.
    """

    def setCopyableState(self, state: Any) -> None:
        self.ducks = state["ducks"]

    count = FollowedDuckPond.count
    observe_addDuck = FollowedDuckPond.observe_addDuck
    observe_removeDuck = FollowedDuckPond.observe_removeDuck


class MasterDuckPond(DuckPond):
    """
    The guide's own, with its base class changed and nothing else: a list, a
    loop, an errback that throws away.
    """

    def __init__(self, *ducks: str) -> None:
        self.observers = []  # type: ignore[assignment]
        self.ducks = [*ducks]
        self.left: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)  # type: ignore[attr-defined]
        return {"ducks": self.ducks}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)  # type: ignore[attr-defined]
        self.left.append(observer)

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        for observer in self.observers:
            observer.callRemote("addDuck", duck).addErrback(lambda failure: None)

    def removeDuck(self, duck: str) -> None:
        self.ducks.remove(duck)
        for observer in self.observers:
            observer.callRemote("removeDuck", duck).addErrback(lambda failure: None)


class StockDuckPond(stock.Cacheable):
    """
    A stock publisher, for one client: with more, stock's list fails.
    """

    def __init__(self, *ducks: str) -> None:
        self.ducks = [*ducks]
        self.observers: list[Any] = []

    def getTypeToCopy(self) -> bytes:
        return b"test_guide_rules.DuckPond"

    getStateToCacheAndObserveFor = MasterDuckPond.getStateToCacheAndObserveFor
    addDuck = MasterDuckPond.addDuck
    removeDuck = MasterDuckPond.removeDuck


class RelayPond(DuckPond, FollowedDuckPond):
    typeToCopy = "test_guide_rules.RelayPond"

    def observe_addDuck(self, duck: str) -> None:
        self.addDuck(duck)


class Watching:
    """
    Several clients that watch a pond, and their caches.
    """

    def __init__(self, pair: Pair, pond: Any) -> None:
        self.pair = pair
        self.pond = pond
        pair.serverFactory.root.shown = pond
        self.caches = [pair.result(link.root.callRemote("show")) for link in pair.links]

    def ducks(self) -> list[list[str]]:
        self.pair.flush()
        return [cache.ducks for cache in self.caches]

    def drop(self, number: int) -> None:
        """
        The client of this number drops the last reference that it holds.
        """
        self.caches[number] = None
        del self.caches[number]
        gc.collect()
        self.pair.flush()


class CacheCase(RuleCase):
    def watching(
        self, makePond: Callable[..., Any], clients: int = 3
    ) -> Iterator[Watching]:
        """
        @return: a pond of two ducks watched by some clients, for each pairing of
            the ends and each kind of receiver.
        """
        for receiver in FollowedDuckPond, StockFollowedDuckPond:
            pb.setUnjellyableForClass(
                "test_guide_rules.DuckPond", receiver, replace=True
            )
            for pair in self.pairs(clients):
                yield Watching(pair, makePond("one", "two"))


class CacheRulesTests(CacheCase):
    """
    Rules 11 to 17: what is followed.
    """

    def test_rule11_changes(self) -> None:
        """
        The state is sent once and then the changes, which each receiver sees,
        whichever end is Twisted's.
        """
        for make in DuckPond, MasterDuckPond:
            for watching in self.watching(make):
                self.assertEqual(watching.ducks(), [["one", "two"]] * 3)
                watching.pond.addDuck("three")
                self.assertEqual(watching.ducks(), [["one", "two", "three"]] * 3)
                watching.pond.removeDuck("one")
                self.assertEqual(watching.ducks(), [["two", "three"]] * 3)
                self.assertEqual([c.count() for c in watching.caches], [2] * 3)

    def test_rule11_stockPublisher(self) -> None:
        """
        A RemoteCache of ours follows a stock publisher.
        """
        pb.setUnjellyableForClass(
            "test_guide_rules.DuckPond", FollowedDuckPond, replace=True
        )
        for client, server in ENDS:
            pair = self.connect(client, server)
            watching = Watching(pair, StockDuckPond("one"))
            watching.pond.addDuck("two")
            watching.pond.removeDuck("one")
            self.assertEqual(watching.ducks(), [["two"]])

    def test_rule11_onlyChanges(self) -> None:
        """
        What does not change is not sent again: not with a change, and not when
        the object itself is sent once more.
        """
        for watching in self.watching(DuckPond, clients=1):
            watching.pond.removeDuck("two")
            transport = watching.pair.server.transport
            self.assertNotIn(b"one", transport.value())
            watching.pair.flush()
            watching.pair.root.callRemote("show").addErrback(lambda f: None)
            watching.pair.links[0].pump()
            self.assertNotIn(b"one", transport.value())

    def test_rule12_atomic(self) -> None:
        """
        Between the state and the first change nothing falls, whatever the class
        overrides, calling up or not: a change made before the message has even
        left arrives, once, and so does one made while it is under way.
        """

        class CallingUp(DuckPond):
            def getStateToCacheAndObserveFor(self, perspective: Any, obs: Any) -> Any:
                state = super().getStateToCacheAndObserveFor(perspective, obs)
                return {"ducks": [*state["ducks"]]}

        class NotCallingUp(DuckPond):
            def getStateToCacheAndObserveFor(self, perspective: Any, obs: Any) -> Any:
                return {"ducks": [*self.ducks]}

        class OnlyState(DuckPond):
            def getStateToCopyFor(self, perspective: Any) -> Any:
                return {"ducks": [*self.ducks]}

        for make in DuckPond, CallingUp, NotCallingUp, OnlyState:
            for receiver in FollowedDuckPond, StockFollowedDuckPond:
                pb.setUnjellyableForClass(
                    "test_guide_rules.DuckPond", receiver, replace=True
                )
                for pair in self.pairs():
                    pond = make("one")
                    answer = pair.root.callRemote("take", pond)
                    pond.addDuck("two")
                    pair.pump()
                    pond.addDuck("three")
                    pair.result(answer)
                    self.assertEqual(self.desk.taken.ducks, ["one", "two", "three"])

    def test_rule12_insideTheHook(self) -> None:
        """
        On pbext's broker even a change that is made inside the hook, after the
        state was gathered, arrives after it.
        """

        class Restless(DuckPond):
            def getStateToCacheAndObserveFor(self, perspective: Any, obs: Any) -> Any:
                state = {"ducks": [*self.ducks]}
                self.addDuck("two")
                return state

        for receiver in FollowedDuckPond, StockFollowedDuckPond:
            pb.setUnjellyableForClass(
                "test_guide_rules.DuckPond", receiver, replace=True
            )
            for server in pb, stock:
                pair = self.connect(pb, server)
                pair.result(pair.root.callRemote("take", Restless("one")))
                self.assertEqual(self.desk.taken.ducks, ["one", "two"])

    def test_rule13_noBookkeeping(self) -> None:
        """
        The observers are no part of the state: the book is not in the object,
        and a list called C{observers} stays where it is.
        """

        class Careless(MasterDuckPond):
            def getStateToCacheAndObserveFor(self, perspective: Any, obs: Any) -> Any:
                super().getStateToCacheAndObserveFor(perspective, obs)
                state = self.getStateToCopyFor(perspective)
                del state["left"]
                return state

        for watching in self.watching(DuckPond):
            self.assertEqual(set(vars(watching.pond)), {"ducks"})
            self.assertEqual(len(watching.pond.observers), 3)
            self.assertEqual(watching.pond.getStateToCopy(), {"ducks": ["one", "two"]})
        for watching in self.watching(Careless):
            self.assertNotIn("observers", watching.pond.getStateToCopy())
            watching.pond.addDuck("three")
            self.assertEqual(watching.ducks(), [["one", "two", "three"]] * 3)

    def test_rule14_oneForEachProgram(self) -> None:
        """
        There is one observer for each program, however many references to the
        cache it holds, and each change is told it once.
        """
        for make in DuckPond, MasterDuckPond:
            for watching in self.watching(make):
                pond, pair = watching.pond, watching.pair
                again = [
                    pair.result(link.root.callRemote("show")) for link in pair.links
                ]
                pair.serverFactory.root.shown = [pond, {"pond": pond}]
                more = [
                    pair.result(link.root.callRemote("show")) for link in pair.links
                ]
                self.assertEqual(len(pond.observers), 3)
                pond.addDuck("three")
                self.assertEqual(watching.ducks(), [["one", "two", "three"]] * 3)
                self.assertEqual([c.ducks for c in again], watching.ducks())
                self.assertEqual([c[1]["pond"].ducks for c in more], watching.ducks())

    def test_rule14_list(self) -> None:
        """
        The guide's own list is right with any number of clients, of which any
        goes: the one that is meant is removed, and the others are told.
        """
        for number in 0, 1, 2:
            for watching in self.watching(MasterDuckPond):
                gone = watching.pond.observers[number]
                watching.drop(number)
                self.assertEqual(watching.pond.left, [gone])
                self.assertEqual(len(watching.pond.observers), 2)
                watching.pond.addDuck("three")
                self.assertEqual(watching.ducks(), [["one", "two", "three"]] * 2)
        for number in 0, 1, 2:
            for watching in self.watching(MasterDuckPond):
                gone = watching.pond.observers[number]
                watching.pair.links[number].cut()
                self.assertEqual(watching.pond.left, [gone])
                watching.pond.addDuck("three")
                expected = [["one", "two", "three"]] * 3
                expected[number] = ["one", "two"]
                self.assertEqual(watching.ducks(), expected)

    def test_rule15_lastReference(self) -> None:
        """
        When the last reference goes, and not before, C{stoppedObserving} is
        called, once, and nothing is announced to that program any more.
        """
        for watching in self.watching(MasterDuckPond):
            pond, pair = watching.pond, watching.pair
            second = pair.result(pair.links[1].root.callRemote("show"))
            watching.drop(1)
            self.assertEqual(pond.left, [])
            second = None  # noqa: F841  # the last one
            gc.collect()
            pair.flush()
            self.assertEqual(len(pond.left), 1)
            pond.addDuck("three")
            self.assertEqual(pair.links[1].server.transport.value(), b"")
            self.assertNotEqual(pair.links[0].server.transport.value(), b"")
            pair.close()
            self.assertEqual(len(pond.left), 3)

    def test_rule15_disconnect(self) -> None:
        """
        At a disconnect it is called as well, once for each.
        """
        for watching in self.watching(MasterDuckPond):
            observers = [*watching.pond.observers]
            watching.pair.close()
            self.assertEqual(watching.pond.left, observers)
            watching.caches.clear()
            gc.collect()
            self.assertEqual(len(watching.pond.left), 3)
            self.assertEqual(watching.pond.observers, [])

    def test_rule15_sentAgain(self) -> None:
        """
        Sent again after that, it is followed again, with the state of then.
        """
        for make in DuckPond, MasterDuckPond:
            for watching in self.watching(make, clients=1):
                watching.drop(0)
                watching.pond.addDuck("three")
                again = Watching(watching.pair, watching.pond)
                self.assertEqual(again.ducks(), [["one", "two", "three"]])
                watching.pond.addDuck("four")
                self.assertEqual(again.ducks(), [["one", "two", "three", "four"]])

    def test_rule16_afterTheLoss(self) -> None:
        """
        A call to an observer that is gone never raises, neither in the loop nor
        later: it fires a Deferred, whose errback need not even be there.
        """
        for watching in self.watching(MasterDuckPond):
            observers = [*watching.pond.observers]
            watching.pair.links[0].cut()
            watching.drop(1)
            for observer in observers[:2]:
                self.successResultOf(observer.callRemote("addDuck", "three"))
                method = observer.remoteMethod("addDuck")
                self.successResultOf(method("three"))
            self.assertNoResult(observers[2].callRemote("addDuck", "three"))
            watching.pair.flush()

    def test_rule16_whileWaiting(self) -> None:
        """
        One that is lost while it waits for its answer is swallowed, counted,
        and reported as dropped; the others are confirmed.
        """

        class Asking(DuckPond):
            acknowledged = True

        for watching in self.watching(Asking):
            one, two, three = watching.pond.observers
            told = watching.pond.observers.callRemote("addDuck", "three")
            before = pb.swallowDeadReference.swallowed
            watching.pair.links[1].cut()
            watching.pair.flush()
            delivery = self.successResultOf(told)
            self.assertEqual(delivery.dropped, (two,))
            self.assertEqual({*delivery.confirmed}, {one, three})
            self.assertGreater(pb.swallowDeadReference.swallowed, before)

    def test_rule16_nothingElse(self) -> None:
        """
        Nothing but dead references is swallowed: an error in the receiver's
        method comes back.
        """
        for watching in self.watching(DuckPond, clients=1):
            [observer] = watching.pond.observers
            failed = observer.callRemote("noSuchThing")
            watching.pair.flush()
            failure = self.failureResultOf(failed)
            self.assertFalse(failure.check(pb.DeadReferenceError, pb.PBConnectionLost))
            self.flushLoggedErrors()

    def test_rule17_viewers(self) -> None:
        """
        The state may be made for who views it, one view for each perspective
        and connection, also on one connection.
        """
        pb.setUnjellyableForClass(Opinion.typeToCopy, HeardOpinion)
        for client, server in ENDS:
            opinion = Opinion()
            pair = self.connect(client, server, root=Doors(opinion), clients=2)
            heard = {}
            for number, link in enumerate(pair.links):
                for name in "ann", "bob":
                    avatar = pair.result(link.root.callRemote("enter", name))
                    heard[number, name] = pair.result(avatar.callRemote("opinion"))
            for (_, name), cache in heard.items():
                self.assertEqual(cache.text, f"{name}, I think")
            self.assertEqual(len(opinion.observers), 4)
            self.assertEqual(len({id(cache) for cache in heard.values()}), 4)
            opinion.say("still")
            pair.flush()
            for (_, name), cache in heard.items():
                self.assertEqual(cache.text, f"{name}, still")

    def test_rule17_copies(self) -> None:
        """
        So for a copy.
        """

        class Viewed(CopyPond):
            typeToCopy = "test_guide_rules.Viewed"

            def getStateToCopyFor(self, perspective: Any) -> Any:
                return {"viewer": perspective.name}

        pb.setUnjellyableForClass(Viewed, Unrelated)
        for client, server in ENDS:
            pair = self.connect(client, server, root=Doors(Viewed()))
            for name in "ann", "bob":
                avatar = pair.result(pair.root.callRemote("enter", name))
                seen = pair.result(avatar.callRemote("opinion"))
                self.assertEqual(seen.viewer, name)


class Opinion(pb.Cacheable):
    typeToCopy = "test_guide_rules.Opinion"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"text": f"{perspective.name}, I think"}

    def say(self, what: str) -> None:
        for observer in self.observers:
            observer.callRemote("say", f"{observer.perspective.name}, {what}")


class HeardOpinion(pb.RemoteCache):
    def observe_say(self, text: str) -> None:
        self.text = text


class Doors(pb.Root):
    """
    Lets anybody in, as whom they like, several times over one connection.
    """

    def __init__(self, opinion: Any) -> None:
        self.opinion = opinion
        self.inside: dict[str, Any] = {}

    def remote_enter(self, name: str) -> Any:
        return pb.AsReferenceable(Visitor(name, self), "perspective")


class Visitor(pb.Avatar):
    def __init__(self, name: str, doors: Doors) -> None:
        self.name = name
        self.doors = doors

    def perspective_opinion(self) -> Any:
        return self.doors.opinion


# Every flavor everywhere.


class Envelope(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_guide_rules.Envelope"

    def __init__(self, content: Any) -> None:
        self.content = content


class Box(pb.Cacheable):
    typeToCopy = "test_guide_rules.Box"

    def __init__(self, content: Any) -> None:
        self.content = content


class ReceivedBox(pb.RemoteCache):
    def observe_put(self, content: Any) -> None:
        self.content = content


class Bell(pb.Referenceable):
    def __init__(self) -> None:
        self.rung = 0

    def remote_ring(self) -> int:
        self.rung += 1
        return self.rung


class View(pb.Viewable):
    def __init__(self) -> None:
        self.seen = 0

    def view_ring(self, perspective: Any) -> int:
        self.seen += 1
        return self.seen


#: Ways to put a value in another, and to take it out.
PLACES: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda v: v, lambda v: v),
    (lambda v: [0, v], lambda v: v[1]),
    (lambda v: (v, 0), lambda v: v[0]),
    (lambda v: {"a": v}, lambda v: v["a"]),
    (lambda v: Envelope(v), lambda v: v.content),
    (lambda v: Box(v), lambda v: v.content),
    (
        lambda v: [{"a": (Envelope([Box({"b": v})]),)}],
        lambda v: v[0]["a"][0].content[0].content["b"],
    ),
]


class Sending:
    """
    One pair, and one place for a value.
    """

    def __init__(self, pair: Pair, desk: Desk, place: Any, taken: Any) -> None:
        self.pair = pair
        self.desk = desk
        self.place = place
        self.taken = taken

    def argument(self, value: Any) -> Any:
        self.pair.result(self.pair.root.callRemote("take", self.place(value)))
        return self.taken(self.desk.taken)

    def keyword(self, value: Any) -> Any:
        self.pair.result(self.pair.root.callRemote("take", a=self.place(value)))
        return self.taken(self.desk.named["a"])

    def answer(self, value: Any) -> Any:
        self.desk.shown = self.place(value)
        self.held = self.pair.result(self.pair.root.callRemote("show"))
        return self.taken(self.held)

    def update(self, value: Any) -> Any:
        box = Box(None)
        self.pair.result(self.pair.root.callRemote("take", box))
        self.held = self.desk.taken
        box.observers.callRemote("put", self.place(value))
        self.pair.flush()
        return self.taken(self.held.content)


class EverywhereTests(RuleCase):
    """
    Rule 20: whatever flavor, in whatever position.
    """

    def setUp(self) -> None:
        super().setUp()
        pb.setUnjellyableForClass(Envelope, Envelope)
        pb.setUnjellyableForClass(Box, ReceivedBox)
        pb.setUnjellyableForClass(
            "test_guide_rules.DuckPond", FollowedDuckPond, replace=True
        )
        pb.setUnjellyableForClass(DataTraveller, DataTraveller)

    def sendings(self) -> Iterator[Callable[[Any], Any]]:
        """
        @return: functions that send a value, each in another position of a call,
            and return what has arrived.
        """
        for place, taken in PLACES:
            for pair in self.pairs():
                self.pair = pair
                sending = Sending(pair, self.desk, place, taken)
                yield sending.argument
                yield sending.keyword
                yield sending.answer
                yield sending.update

    def test_rule20_copies(self) -> None:
        """
        A copy arrives in each of them.
        """
        for send in self.sendings():
            arrived = send(DataTraveller(26, ["here"]))
            self.assertEqual(arrived, DataTraveller(26, ["here"]))

    def test_rule20_caches(self) -> None:
        """
        A cache arrives, and follows.
        """
        for send in self.sendings():
            pond = DuckPond("one")
            cache = send(pond)
            pond.addDuck("two")
            self.pair.flush()
            self.assertEqual(cache.ducks, ["one", "two"])

    def test_rule20_references(self) -> None:
        """
        A Referenceable arrives as what can be called.
        """
        for send in self.sendings():
            bell = Bell()
            self.assertEqual(self.pair.result(send(bell).callRemote("ring")), 1)
            self.assertEqual(bell.rung, 1)

    def test_rule20_views(self) -> None:
        """
        So does a Viewable.
        """
        for send in self.sendings():
            view = View()
            self.assertEqual(self.pair.result(send(view).callRemote("ring")), 1)
            self.assertEqual(view.seen, 1)

    def test_rule20_sameTwice(self) -> None:
        """
        An object that is in the message twice is one object on arrival.
        """
        for send in self.sendings():
            for one in DataTraveller(1), DuckPond("one"), [1]:
                first, second = send([one, one])
                self.assertIs(first, second)

    def test_rule20_back(self) -> None:
        """
        What came from a peer goes back to it as the original, wherever it is.
        """
        for place, taken in PLACES:
            for client, server in ENDS:
                root = Holder()
                pair = self.connect(client, server, root=root)
                bell, pond = Bell(), DuckPond("one")
                pair.result(pair.root.callRemote("hold", [bell, pond]))
                for index, original in enumerate((bell, pond)):
                    root.answer = place(root.held[index])
                    back = pair.result(pair.root.callRemote("back"))
                    self.assertIs(taken(back), original)


class Holder(pb.Root):
    def remote_hold(self, value: Any) -> None:
        self.held = value

    def remote_back(self) -> Any:
        return self.answer
