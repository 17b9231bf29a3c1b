"""
L{pbext.pb.Copyable} and L{pbext.pb.RemoteCopy}: what leaves an object, what
arrives in one, and that either end may be Twisted's.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import pickle
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.spread.flavors import Serializable
from twisted.trial.unittest import SynchronousTestCase

from pbext import LocalOnly, pb
from pbext.testing import connectedPair, restoredRegistry, roundTrip

if TYPE_CHECKING:
    from nowhere import Missing


class Desk(pb.Root):
    """
    Takes one object, and gives one.
    """

    def __init__(self, given: object = None) -> None:
        self.given = given

    def remote_take(self, value: object) -> None:
        self.taken = value

    def remote_give(self) -> object:
        return self.given


def asArgument(value: object, sender: Any, receiver: Any) -> Any:
    """
    @param sender: C{pb} or C{stock}, which makes that end.
    """
    desk = Desk()
    with connectedPair(
        desk,
        serverFactory=receiver.PBServerFactory,
        clientFactory=sender.PBClientFactory,
    ) as pair:
        pair.result(pair.root.callRemote("take", value))
    return desk.taken


def asAnswer(value: object, sender: Any, receiver: Any) -> Any:
    with connectedPair(
        Desk(value),
        serverFactory=sender.PBServerFactory,
        clientFactory=receiver.PBClientFactory,
    ) as pair:
        return pair.result(pair.root.callRemote("give"))


def stateOnWire(value: object, perspective: object = None) -> Any:
    """
    @return: the tag of an object, and its state, as jelly has them.
    """
    with connectedPair(Desk()) as pair:
        tag, state = pair.client.serialize(value, perspective=perspective)
    return tag, jelly.unjelly(state)


# Classes of every make, each of which is its own receiver.


class PlainPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.PlainPond"

    def __init__(self, frogs: int, toads: list[int]) -> None:
        self.frogs = frogs
        self.toads = toads
        self._hidden = "hidden"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlainPond) and (self.frogs, self.toads) == (
            other.frogs,
            other.toads,
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass
class DataPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.DataPond"
    frogs: Any
    toads: list[Any] = field(default_factory=list)
    password: LocalOnly[str] = "secret"


@dataclass(frozen=True)
class FrozenDataPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.FrozenDataPond"
    frogs: Any
    toads: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class SlotsDataPond(pb.RemoteCopy, pb.Copyable):
    typeToCopy = "test_copyable.SlotsDataPond"
    frogs: Any
    toads: list[Any] = field(default_factory=list)


@attrs.define
class AttrsPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.AttrsPond"
    frogs: Any
    toads: list[Any] = attrs.field(factory=list)


@attrs.define(slots=False)
class DictAttrsPond(pb.RemoteCopy, pb.Copyable):
    typeToCopy = "test_copyable.DictAttrsPond"
    frogs: Any
    toads: list[Any] = attrs.field(factory=list)


@attrs.frozen
class FrozenAttrsPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.FrozenAttrsPond"
    frogs: Any
    toads: list[Any] = attrs.field(factory=list)


class SlottedPond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.SlottedPond"
    __slots__ = ("frogs", "toads")

    def __init__(self, frogs: Any, toads: list[Any]) -> None:
        self.frogs = frogs
        self.toads = toads

    def __eq__(self, other: object) -> bool:
        return (self.frogs, self.toads) == (other.frogs, other.toads)  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]


PONDS = [
    PlainPond,
    DataPond,
    FrozenDataPond,
    SlotsDataPond,
    AttrsPond,
    DictAttrsPond,
    FrozenAttrsPond,
    SlottedPond,
]
for cls in PONDS:
    pb.setUnjellyableForClass(cls, cls)


class RegistryCase(SynchronousTestCase):
    """
    Tests that register classes of their own.
    """

    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)


class RoundTripTests(SynchronousTestCase):
    """
    An object goes over, and comes out equal.
    """

    def test_everyMake(self) -> None:
        """
        Plain classes, dataclasses and attrs classes, with slots and frozen,
        arrive as what they were: equal, and another object.
        """
        for cls in PONDS:
            pond = cls(3, [4, 5])
            for arrived in roundTrip(pond), asAnswer(pond, pb, pb):
                self.assertIs(type(arrived), cls)
                self.assertEqual(arrived, pond)
                self.assertIsNot(arrived, pond)

    def test_nested(self) -> None:
        """
        Inside a list, a dictionary and another copy as well.
        """
        for cls in PONDS:
            value = [{"pond": cls(3, [4])}, (PlainPond(1, [cls(7, [])]),)]
            self.assertEqual(roundTrip(value), value)

    def test_sameObject(self) -> None:
        """
        An object that is in a message twice is one object there too, whether
        or not its class can be hashed or says it is equal to another.
        """
        for cls in PONDS:
            pond = cls(3, [])
            one, two, three = roundTrip([pond, cls(3, []), pond])
            self.assertIs(one, three)
            self.assertIsNot(one, two)

    def test_byteByByte(self) -> None:
        """
        However the bytes arrive.
        """
        for cls in PONDS:
            self.assertEqual(roundTrip(cls(3, [4]), chunk=1), cls(3, [4]))

    def test_eitherEndIsStock(self) -> None:
        """
        The same with Twisted's factory at the sender, at the receiver, or at
        both, as an argument and as an answer.
        """
        for sender, receiver in (stock, pb), (pb, stock), (stock, stock):
            for cls in PONDS:
                pond = cls(3, [4])
                self.assertEqual(asArgument(pond, sender, receiver), pond)
                self.assertEqual(asAnswer(pond, sender, receiver), pond)


class StockPond(stock.Copyable):
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def getTypeToCopy(self) -> bytes:
        return b"test_copyable.StockPond"


class CopiedStockPond(pb.RemoteCopy):
    """
    What a stock sender's pond becomes here.
    """

    isOpen = False

    def countFrogs(self) -> int:
        return self.frogs  # type: ignore[no-any-return]

    @property
    def sum(self) -> int:
        return 7


class OurPond(pb.Copyable):
    typeToCopy = "test_copyable.OurPond"


class CopiedOurPond(stock.RemoteCopy):
    """
    What a pond of ours becomes at a stock receiver.
    """


pb.setUnjellyableForClass("test_copyable.StockPond", CopiedStockPond)
pb.setUnjellyableForClass(OurPond, CopiedOurPond)


class StockPeerTests(SynchronousTestCase):
    """
    Twisted's own classes and factories on the other end.
    """

    def test_stockSender(self) -> None:
        """
        A stock sender's copy arrives in a RemoteCopy of ours.
        """
        pond = StockPond(frogs=3, isOpen=True)
        for arrived in asArgument(pond, stock, pb), asAnswer(pond, stock, pb):
            self.assertIsInstance(arrived, CopiedStockPond)
            self.assertEqual(vars(arrived), {"frogs": 3, "isOpen": True})
            self.assertEqual(arrived.countFrogs(), 3)

    def test_stockReceiver(self) -> None:
        """
        A Copyable of ours arrives at a stock receiver.
        """
        pond = OurPond()
        pond.frogs, pond._hidden = 3, 9
        for arrived in asArgument(pond, pb, stock), asAnswer(pond, pb, stock):
            self.assertIsInstance(arrived, CopiedOurPond)
            self.assertEqual(vars(arrived), {"frogs": 3})

    def test_python2Sender(self) -> None:
        """
        A Python 2 peer's attribute names are bytes, and are understood.
        """
        sexp = [b"test_copyable.StockPond", [b"dictionary", [b"frogs", 3]]]
        with connectedPair(Desk()) as pair:
            arrived = pair.server.unserialize(sexp)
        self.assertEqual(vars(arrived), {"frogs": 3})

    def test_B7_methodsStay(self) -> None:
        """
        B7: a stock sender can neither replace a method or a property nor set a
        private name, nor have anything called.
        """
        pond = StockPond(
            frogs=3,
            countFrogs=1,
            sum=8,
            _private=1,
            __dunder__=1,
            unjellyFor=1,
            setCopyableState=1,
            postUnjelly=1,
        )
        arrived = asArgument(pond, stock, pb)
        self.assertEqual(vars(arrived), {"frogs": 3})
        self.assertEqual((arrived.countFrogs(), arrived.sum), (3, 7))

    def test_B7_declaredOnly(self) -> None:
        """
        B7: where the receiver declares fields, a stock sender sets those alone.
        """

        class Undeclared(StockPond):
            def getTypeToCopy(self) -> bytes:
                return b"test_copyable.DataPond"

        pond = Undeclared(frogs=3, password="theirs", extra=1)
        arrived = asArgument(pond, stock, pb)
        self.assertEqual((arrived.frogs, arrived.toads), (3, []))
        self.assertEqual(arrived.password, "secret")
        self.assertFalse(hasattr(arrived, "extra"))

    def test_B8_nothingPrivateLeaves(self) -> None:
        """
        B8: to a stock receiver, too, no private name and no local-only field
        leaves: nothing of them is in the bytes.
        """
        written = []
        pond = OurPond()
        pond.frogs, pond._password = 3, "my password"
        data = DataPond(3, password="my password")
        with connectedPair(Desk(), serverFactory=stock.PBServerFactory) as pair:
            write = pair.client.transport.write
            pair.client.transport.write = lambda data: (
                written.append(data),
                write(data),
            )
            pair.result(pair.root.callRemote("take", [pond, data]))
        sent = b"".join(written)
        self.assertIn(b"frogs", sent)
        self.assertNotIn(b"password", sent)

    def test_B8_freshDict(self) -> None:
        """
        B8: what an override does to the state that it got does nothing to the
        object.
        """

        class Reduced(OurPond):
            def getStateToCopy(self) -> Any:
                state = super().getStateToCopy()
                del state["frogs"]
                state["sum"] = 7
                return state

        pond = Reduced()
        pond.frogs = 3
        self.assertEqual(vars(asArgument(pond, pb, stock)), {"sum": 7})
        self.assertEqual(vars(pond), {"frogs": 3})


class TypeTests(SynchronousTestCase):
    """
    The tag that an object travels under.
    """

    def test_default(self) -> None:
        """
        By default, the name of the module and of the class.
        """

        class Untitled(pb.Copyable):
            pass

        Untitled.__qualname__ = "Untitled"
        tag, _ = stateOnWire(Untitled())
        self.assertEqual(tag, b"tests.test_copyable.Untitled")

    def test_typeToCopy(self) -> None:
        """
        C{typeToCopy} names it, for subclasses as well.
        """

        class Child(OurPond):
            pass

        class Named(OurPond):
            typeToCopy = "teich"

        self.assertEqual(stateOnWire(Child())[0], b"test_copyable.OurPond")
        self.assertEqual(stateOnWire(Named())[0], b"teich")

    def test_hooks(self) -> None:
        """
        C{getTypeToCopy} and C{getTypeToCopyFor} win over it, in that order.
        """

        class Hooked(OurPond):
            def getTypeToCopy(self) -> bytes:
                return super().getTypeToCopy() + b".hooked"

        class ForWhom(Hooked):
            def getTypeToCopyFor(self, perspective: object) -> bytes:
                return f"for {perspective}".encode()

        self.assertEqual(stateOnWire(Hooked())[0], b"test_copyable.OurPond.hooked")
        self.assertEqual(stateOnWire(ForWhom(), "ann")[0], b"for ann")


class HookTests(RegistryCase):
    """
    Every hook of Twisted's can be overridden, calling up or not.
    """

    def test_stateForPerspective(self) -> None:
        """
        C{getStateToCopyFor} receives the perspective, and may call up.
        """

        class Viewed(OurPond):
            def getStateToCopyFor(self, perspective: Any) -> Any:
                state = super().getStateToCopyFor(perspective)
                return {**state, "viewer": perspective}

        pond = Viewed()
        pond.frogs = 3
        _, state = stateOnWire(pond, "ann")
        self.assertEqual(state, {"frogs": 3, "viewer": "ann"})

    def test_stateNotCallingUp(self) -> None:
        """
        C{getStateToCopy} may return whatever dict it likes, private names too.
        """

        class Own(OurPond):
            def getStateToCopy(self) -> Any:
                return {"sum": 7, "_private": 1}

        self.assertEqual(stateOnWire(Own())[1], {"sum": 7, "_private": 1})

    def test_stateThatIsNoDict(self) -> None:
        """
        A state may be anything that jelly takes, where the receiver's own
        C{setCopyableState} reads it.
        """

        class Any_(OurPond):
            typeToCopy = "test_copyable.any"

            def getStateToCopy(self) -> Any:
                return self.state

        class Reading(pb.RemoteCopy):
            def setCopyableState(self, state: Any) -> None:
                self.read = state

        pb.setUnjellyableForClass(Any_, Reading)
        for state in [1, 2], (3, 4), "frogs", b"frogs", 7, 7.5, None, {1, 2}, [], "":
            pond = Any_()
            pond.state = state
            for sender, receiver in (pb, pb), (pb, stock), (stock, pb):
                arrived = asArgument(pond, sender, receiver)
                self.assertEqual(
                    (type(arrived.read), arrived.read), (type(state), state)
                )

    def test_setCallingUp(self) -> None:
        """
        C{setCopyableState} may call up, before or after it does more.
        """

        class Counting(pb.RemoteCopy):
            def setCopyableState(self, state: Any) -> None:
                self.before = len(state)
                super().setCopyableState(state)
                self.after = self.frogs + 1

        pb.setUnjellyableForClass("test_copyable.counting", Counting)

        class Counted(OurPond):
            typeToCopy = "test_copyable.counting"

        pond = Counted()
        pond.frogs = 3
        arrived = roundTrip(pond)
        self.assertEqual(vars(arrived), {"before": 1, "frogs": 3, "after": 4})

    def test_postUnjelly(self) -> None:
        """
        A C{postUnjelly} of the receiver's own class is called, once, when all
        has arrived.
        """

        class Finishing(pb.RemoteCopy):
            def postUnjelly(self) -> None:
                self.finished = [*vars(self)]

        pb.setUnjellyableForClass("test_copyable.finishing", Finishing)

        class Finished(OurPond):
            typeToCopy = "test_copyable.finishing"

        pond = Finished()
        pond.frogs = 3
        self.assertEqual(vars(roundTrip(pond)), {"frogs": 3, "finished": ["frogs"]})

    def test_emptyState(self) -> None:
        """
        A state that is empty, of whatever type, gives an object that has its
        defaults, if it has them for all fields.
        """

        @dataclass
        class Defaults(pb.RemoteCopy):
            frogs: int = 7
            toads: list[int] = field(default_factory=list)

        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        pb.setUnjellyableForClass("test_copyable.Empty", Defaults)

        class Empty(OurPond):
            typeToCopy = "test_copyable.Empty"

            def getStateToCopy(self) -> Any:
                return self.state

        for state in None, {}, [], "", 0:
            pond = Empty()
            pond.state = state
            self.assertEqual(vars(roundTrip(pond)), {"frogs": 7, "toads": []})

    def test_refusedState(self) -> None:
        """
        A state that the receiver does not read is an error at the sender, which
        says so and costs nothing else.
        """

        class Listing(OurPond):
            typeToCopy = "test_copyable.DataPond"

            def getStateToCopy(self) -> Any:
                return ["password"]

        for sender in pb, stock:
            with connectedPair(Desk(), clientFactory=sender.PBClientFactory) as pair:
                error = self.assertRaises(
                    pb.RemoteError,
                    pair.result,
                    pair.root.callRemote("take", Listing()),
                )
                self.assertEqual(error.remoteType, "pbext.errors.RefusedState")
                self.assertIn("DataPond reads a dict", str(error))
                self.assertIn("builtins.list", str(error))
                self.assertNotIn("password", str(error))
                self.assertIsNone(pair.result(pair.root.callRemote("take", 1)))

    def test_stockStateOut(self) -> None:
        """
        Stock's state is one line away: the whole live C{__dict__}.
        """

        class AsBefore(OurPond):
            getStateToCopy = stock.Copyable.getStateToCopy

        pond = AsBefore()
        pond.frogs, pond._hidden = 3, 9
        self.assertIs(pond.getStateToCopy(), vars(pond))
        self.assertEqual(stateOnWire(pond)[1], {"frogs": 3, "_hidden": 9})

    def test_stockStateIn(self) -> None:
        """
        So is stock's receiver, in which a peer sets what it likes.
        """

        class AsBefore(pb.RemoteCopy):
            setCopyableState = stock.RemoteCopy.setCopyableState

            def countFrogs(self) -> int:
                return 3

        pb.setUnjellyableForClass("test_copyable.asBefore", AsBefore)

        class Sent(StockPond):
            def getTypeToCopy(self) -> bytes:
                return b"test_copyable.asBefore"

        arrived = asArgument(Sent(countFrogs=1, _hidden=2), stock, pb)
        self.assertEqual(vars(arrived), {"countFrogs": 1, "_hidden": 2})

    def test_withoutBroker(self) -> None:
        """
        Jelly without a broker, as a way to persist, is as in Twisted: all of
        the object, private names included.
        """
        pond = OurPond()
        pond.frogs, pond._hidden = 3, 9
        sexp = jelly.jelly(pond)
        self.assertIn([b"unicode", b"_hidden"], [key for key, _ in sexp[1][1:]])
        copied = CopiedStockPond()
        copied.frogs, copied._hidden = 3, 9
        again = jelly.unjelly([b"test_copyable.StockPond", *jelly.jelly(copied)[1:]])
        self.assertEqual(vars(again), {"frogs": 3, "_hidden": 9})


class Delegating:
    """
    A base that answers for an object inside.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "postUnjelly":
            raise AttributeError(name)
        return f"delegated {name}"


class Abstract(ABC):
    @abstractmethod
    def countFrogs(self) -> int: ...


class Strict:
    """
    A base whose constructor wants arguments, and whose instances are equal to
    each other.
    """

    def __init__(self, required: int) -> None:
        raise AssertionError("never called for a copy")

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class DelegatingFirst(Delegating, Strict, pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.DelegatingFirst"


class DelegatingLast(pb.RemoteCopy, pb.Copyable, Strict, Delegating):
    typeToCopy = "test_copyable.DelegatingLast"


class AbstractFirst(Abstract, pb.RemoteCopy, pb.Copyable):
    typeToCopy = "test_copyable.AbstractFirst"

    def countFrogs(self) -> int:
        return self.frogs  # type: ignore[no-any-return]


class AbstractLast(pb.Copyable, pb.RemoteCopy, Abstract):
    typeToCopy = "test_copyable.AbstractLast"
    countFrogs = AbstractFirst.countFrogs


MIXED = [DelegatingFirst, DelegatingLast, AbstractFirst, AbstractLast]
for cls in MIXED:
    pb.setUnjellyableForClass(cls, cls)


class OtherBasesTests(RegistryCase):
    """
    The mixins need no C{__init__} and no metaclass, and stand beside other
    bases in either order.
    """

    def test_travels(self) -> None:
        """
        An object of such a class goes over, though no C{__init__} ever ran.
        """
        for cls in MIXED:
            pond = cls.__new__(cls)
            pond.frogs = 3
            for arrived in roundTrip(pond), asAnswer(pond, pb, pb):
                self.assertIs(type(arrived), cls)
                self.assertEqual(vars(arrived), {"frogs": 3})

    def test_getattr(self) -> None:
        """
        Another base's C{__getattr__} goes on answering, before ours or after.
        """
        for cls in DelegatingFirst, DelegatingLast:
            pond = cls.__new__(cls)
            self.assertEqual(pond.anything, "delegated anything")
            self.assertRaises(AttributeError, getattr, pond, "_private")

    def test_bothOrders(self) -> None:
        """
        Copyable and RemoteCopy may stand in either order beside a dataclass
        or an attrs class that is a base itself.
        """

        @dataclass
        class Data:
            frogs: int

        @attrs.define(slots=False)
        class Attrs:
            frogs: int

        for base in Data, Attrs:
            for bases in (
                (base, pb.Copyable, pb.RemoteCopy),
                (
                    pb.RemoteCopy,
                    pb.Copyable,
                    base,
                ),
            ):
                tag = "test_copyable.bothOrders"
                cls: Any = type("Mixed", bases, {"typeToCopy": tag})
                pb.setUnjellyableForClass(tag, cls)
                pond = cls(3)
                pond.extra = 1
                self.assertEqual(vars(roundTrip(pond)), {"frogs": 3})

    def test_noCallOfInit(self) -> None:
        """
        At the receiver C{__init__} is not called, as in stock: neither one that
        would do without arguments nor one that would not.
        """
        called = []

        class Calling(pb.RemoteCopy):
            def __init__(self) -> None:
                called.append(self)

        pb.setUnjellyableForClass("test_copyable.StockCalling", Calling)

        class Sent(StockPond):
            def getTypeToCopy(self) -> bytes:
                return b"test_copyable.StockCalling"

        self.assertEqual(asArgument(Sent(frogs=1), stock, pb).frogs, 1)
        self.assertEqual(called, [])


class Account(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.Account"
    localFields = ("pin",)
    name: str
    password: LocalOnly[str]
    token: LocalOnly[Missing]

    @property
    def masked(self) -> str:
        return "*" * len(self.password)


@attrs.define
class SlottedAccount(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.SlottedAccount"
    name: str
    password: LocalOnly[str]


for cls in Account, SlottedAccount:
    pb.setUnjellyableForClass(cls, cls)


class LocalOnlyTests(SynchronousTestCase):
    """
    What stays here.
    """

    def account(self) -> Account:
        account = Account()
        account.name, account.password = "ann", "secret"
        account.pin, account.token = 1234, "token"
        return account

    def test_stays(self) -> None:
        """
        Local-only fields stay, under C{from __future__ import annotations} and
        where an annotation names what is imported for type checkers alone.
        """
        self.assertEqual(stateOnWire(self.account())[1], {"name": "ann"})
        self.assertEqual(vars(roundTrip(self.account())), {"name": "ann"})

    def test_saysWhy(self) -> None:
        """
        Reading one at the receiver says why it is missing.
        """
        arrived = roundTrip(self.account())
        for name in "password", "token", "pin":
            error = self.assertRaises(AttributeError, getattr, arrived, name)
            self.assertIn(f"Account.{name} is local-only", str(error))
            self.assertFalse(hasattr(arrived, name))

    def test_saysWhyOfSlots(self) -> None:
        """
        With slots, too.
        """
        arrived = roundTrip(SlottedAccount("ann", "secret"))
        self.assertEqual(arrived.name, "ann")
        error = self.assertRaises(AttributeError, getattr, arrived, "password")
        self.assertIn("SlottedAccount.password is local-only", str(error))

    def test_saysWhyThroughAProperty(self) -> None:
        """
        A property that reads it fails with that very reason.
        """
        arrived = roundTrip(self.account())
        error = self.assertRaises(AttributeError, getattr, arrived, "masked")
        self.assertIn("Account.password is local-only", str(error))

    def test_settable(self) -> None:
        """
        The receiver may give it a value of its own.
        """
        arrived = roundTrip(self.account())
        arrived.password = "other"
        self.assertEqual(arrived.masked, "*****")

    def test_otherNames(self) -> None:
        """
        Any other missing name is missing in Python's own words.
        """
        error = self.assertRaises(AttributeError, getattr, Account(), "nothing")
        self.assertEqual(str(error), "'Account' object has no attribute 'nothing'")

    def test_copyAndPickle(self) -> None:
        """
        What arrived can be copied and pickled.
        """
        arrived = roundTrip(self.account())
        for again in (
            copy.copy(arrived),
            copy.deepcopy(arrived),
            pickle.loads(pickle.dumps(arrived)),
        ):
            self.assertEqual(vars(again), {"name": "ann"})


@attrs.frozen(eq=False)
class FrozenNode(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.FrozenNode"
    links: Any
    name: str = "frozen"


@dataclass(slots=True, eq=False)
class SlotsNode(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.SlotsNode"
    links: Any
    name: str = "slots"


class PlainNode(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_copyable.PlainNode"

    def __init__(self, links: Any) -> None:
        self.links = links


NODES = [FrozenNode, SlotsNode, PlainNode]
for cls in NODES:
    pb.setUnjellyableForClass(cls, cls)


class CycleTests(RegistryCase):
    """
    A10b: objects that refer to themselves.
    """

    def both(self, node: object) -> list[Any]:
        return [asArgument(node, s, r) for s, r in ((pb, pb), (stock, pb), (pb, stock))]

    def test_A10b_direct(self) -> None:
        """
        A10b: an object that is its own attribute arrives as one that is.
        """
        for cls in NODES:
            node = cls(None)
            object.__setattr__(node, "links", node)
            for arrived in self.both(node):
                self.assertIs(arrived.links, arrived)

    def test_A10b_twoObjects(self) -> None:
        """
        A10b: so do two that refer to each other, of any two makes.
        """
        for cls in NODES:
            for other in NODES:
                one = cls(None)
                object.__setattr__(one, "links", other(one))
                for arrived in self.both(one):
                    self.assertIs(arrived.links.links, arrived)
                    self.assertIsInstance(arrived.links, other)

    def test_A10b_containers(self) -> None:
        """
        A10b: with containers between, those too that cannot change any more.
        """
        for cls in NODES:
            for around, inside in (
                (lambda n: [n], lambda c: c[0]),
                (lambda n: (n, 1), lambda c: c[0]),
                (lambda n: ((n,),), lambda c: c[0][0]),
                (lambda n: {"self": n}, lambda c: c["self"]),
                (lambda n: frozenset([n]), lambda c: next(iter(c))),
                (lambda n: {n}, lambda c: next(iter(c))),
            ):
                node = cls(None)
                object.__setattr__(node, "links", around(node))
                for arrived in self.both(node):
                    self.assertIs(inside(arrived.links), arrived)

    def test_A10b_defaults(self) -> None:
        """
        A10b: a default is no obstacle to a value that comes late.
        """
        tag = "test_copyable.Late"

        @attrs.define(eq=False)
        class Late(pb.Copyable, pb.RemoteCopy):
            typeToCopy = tag
            links: Any = attrs.field(factory=list)

        pb.setUnjellyableForClass(tag, Late)
        late = Late()
        late.links = late
        arrived = roundTrip(late)
        self.assertIs(arrived.links, arrived)


def typed(value: object) -> object:
    """
    @return: what is equal only for values that are equal and of the same
        types all the way down: C{1}, C{1.0} and C{True} are not.
    """
    if isinstance(value, dict):
        return dict, {typed(k): typed(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(map(typed, value))
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(typed, value))
    return type(value), value


#: Banana's: 448 bits.
INTEGERS = st.integers(-(2**448) + 1, 2**448 - 1)

HASHABLE = st.recursive(
    st.none()
    | st.booleans()
    | INTEGERS
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3)
    ),
    max_leaves=4,
)

VALUES = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=8,
)

#: Deadlines are for machines that do nothing else.
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class PropertyTests(SynchronousTestCase):
    """
    What goes over comes out, whatever it is.
    """

    @FEW
    @given(VALUES)
    def test_values(self, value: object) -> None:
        """
        Plain values, nested in each other, arrive equal and of the same types.
        """
        self.assertEqual(typed(roundTrip(value)), typed(value))

    @FEW
    @given(VALUES, st.sampled_from(PONDS))
    def test_states(self, value: Any, cls: Any) -> None:
        """
        As the state of a dataclass, an attrs class, a plain one, they do too,
        with either end stock.
        """
        pond = cls(value, [value])
        for sender, receiver in (pb, pb), (pb, stock), (stock, pb):
            arrived = asArgument(pond, sender, receiver)
            self.assertIs(type(arrived), cls)
            self.assertEqual(typed(arrived.frogs), typed(value))
            self.assertEqual(typed(arrived.toads), typed([value]))

    @FEW
    @given(
        st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
            | st.from_regex(r"_{1,2}[a-z]{1,5}_{0,2}", fullmatch=True)
            | st.sampled_from(dir(CopiedStockPond)),
            st.integers(),
            max_size=8,
        )
    )
    def test_hostileStates(self, state: dict[str, int]) -> None:
        """
        Of whatever names, an undeclared receiver takes the public ones that
        are none of its class's, and its class is what it was.
        """
        arrived = asArgument(StockPond(**state), stock, pb)
        own = set(dir(CopiedStockPond)) - {"isOpen"}
        expected = {
            name: value
            for name, value in state.items()
            if name[0] != "_" and name not in own and name != "postUnjelly"
        }
        self.assertEqual(vars(arrived), expected)
        self.assertEqual(arrived.sum, 7)


class PlainJellyTests(SynchronousTestCase):
    """
    What the rest of Perspective Broker sees.
    """

    def test_serializable(self) -> None:
        """
        Ours are Twisted's, so that C{isinstance} goes on being true.
        """
        self.assertTrue(issubclass(pb.Copyable, (stock.Copyable, Serializable)))
        self.assertTrue(issubclass(pb.RemoteCopy, stock.RemoteCopy))

    def test_identicalBytes(self) -> None:
        """
        The same state in a stock Copyable is the same bytes.
        """
        state = {"frogs": 3, "toads": [1, "zwei", (3.0, None)]}

        class Twin(StockPond):
            def getTypeToCopy(self) -> bytes:
                return b"test_copyable.DataPond"

        ours, theirs = DataPond(**state), Twin(**state)  # type: ignore[arg-type]
        sent = []
        for value in ours, theirs:
            with connectedPair(Desk()) as pair:
                pair.client.transport.clear()
                pair.root.callRemote("take", value).addErrback(lambda f: None)
                sent.append(pair.client.transport.value())
        self.assertEqual(sent[0], sent[1])

    def test_date(self) -> None:
        """
        Dates and decimals travel in a state as they do anywhere.
        """
        pond = DataPond(datetime.date(2024, 2, 29), [decimal.Decimal("-1.50")])
        self.assertEqual(roundTrip(pond), pond)
