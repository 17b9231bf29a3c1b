"""
What stock Perspective Broker gets wrong with values that cannot be sent and
with objects that are part of themselves, fault by fault under its id: gone when
the end that is to blame runs pbext, whatever the other end runs.  All of it in
memory and over loopback TCP.
"""

from __future__ import annotations

import collections
import decimal
import gc
import pathlib
import uuid
from dataclasses import dataclass
from typing import Any

import attrs

from pbext import pb
from pbext.errors import NotSendable
from tests.contracts import (
    MIXINS,
    NOON,
    ROWS,
    Colour,
    ContractCase,
    Level,
    Point,
    Rights,
    Table,
    Text,
    register,
)
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, StockPond
from tests.wires import PBEXT, across


class _Unsendable(ContractCase):
    """
    To blame is the end that sends what cannot be sent.
    """

    #: Values, and what is said of each.
    things: list[tuple[Any, str]] = [
        (object(), "builtins.object"),
        (len, "builtin_function_or_method"),
        (lambda: None, "a function"),
        (gc, "a module"),
        (range(3), "builtins.range"),
        (2**448, "448 bits"),
    ]

    #: B2b: such as people take for data; in stock most arrive as something
    #: else, and some cost the connection.
    data: list[tuple[Any, str]] = [
        (Colour.RED, "Colour"),
        (Level.LOW, "Level"),
        (Rights.READ | Rights.OWN, "Rights"),
        (Point(1, 2.5), "Point"),
        (Text("text"), "Text"),
        (Table(a=1), "Table"),
        (collections.OrderedDict(a=1), "OrderedDict"),
        (collections.defaultdict(int, a=1), "defaultdict"),
        (collections.deque([1]), "deque"),
        (pathlib.PurePosixPath("x"), "PurePosixPath"),
        (uuid.UUID(int=1), "UUID"),
        (bytearray(b"x"), "bytearray"),
        (1j, "complex"),
        (NOON, "time zone"),
        (NOON.timetz(), "time zone"),
        (decimal.Decimal("NaN"), "not finite"),
        (decimal.Decimal("-Infinity"), "not finite"),
    ]

    def assertSays(self, failure: Any, path: str, got: str) -> None:
        """
        A failure is about a value that cannot be sent, with its path and what
        it is; here it is the error itself, there what is told of it.
        """
        self.assertTrue(failure.check(NotSendable), failure)
        text = str(failure.value)
        self.assertIn(f"the value at {path} cannot be sent", text)
        self.assertIn(got, text)

    async def calls(self, things: list[tuple[Any, str]]) -> None:
        await self.meet()
        for thing, got in things:
            call = self.toThem.callRemote("keep", 1, [2, {"toad": thing}])
            self.assertSays(self.failureResultOf(call), "$[1][1].toad", got)
            call = self.toThem.callRemote("keep", thing=(thing,))
            self.assertSays(self.failureResultOf(call), "$.thing[0]", got)
        await self.settle()
        self.assertEqual([], self.theirDesk.kept)
        await self.assertUnharmed()
        self.assertNothingHeld()

    async def answers(self, things: list[tuple[Any, str]]) -> None:
        await self.meet()
        for thing, got in things:
            self.ourDesk.things["it"] = ["fine", {"toad": thing}]
            call = self.toUs.callRemote("get", "it")
            self.assertSays(await self.failure(call), "$[1].toad", got)
            call = self.toUs.callRemote("getLater", "it")
            await self.settle()
            self.ourDesk.waiting.pop().callback(None)
            self.assertSays(await self.failure(call), "$[1].toad", got)
        await self.assertUnharmed()

    async def updates(self, things: list[tuple[Any, str]]) -> None:
        await self.meet()
        tag = WATCHER if self.theirs is PBEXT else STOCK_WATCHER
        for pond in Pond(tag), StockPond(tag):
            self.theirDesk.kept.clear()
            await self.result(self.toThem.callRemote("keep", pond))
            [cache] = self.theirDesk.kept
            for thing, got in things:
                calls = [o.callRemote("addDuck", [thing]) for o in following(pond)]
                if isinstance(pond, Pond):
                    tell = pond.observers.callRemote
                    calls.append(tell("addDuck", [thing]))
                    calls.append(tell("addDuck", [thing], pbanswer=True))
                for call in calls:
                    self.assertSays(self.failureResultOf(call), "$[0][0]", got)
            await self.settle()
            self.assertEqual([], cache.__dict__.get("told", []))
            for observer in following(pond):
                observer.callRemote("addDuck", "huey")
            await self.settle()
            self.assertEqual([("addDuck", "huey")], cache.told)
            del cache
        await self.assertUnharmed()

    async def test_A4b_calls(self) -> None:
        """
        A call with such a value fails here, with the path of the value;
        nothing is sent.
        """
        await self.calls(self.things)

    async def test_A4b_answers(self) -> None:
        """
        An answer with one is an error for the caller, with the path of the
        value.
        """
        await self.answers(self.things)

    async def test_A4b_updates(self) -> None:
        """
        An update with one fails here, however it is announced, and no cache
        is told anything; the next one arrives.
        """
        await self.updates(self.things)

    async def test_A4b_states(self) -> None:
        """
        So it is for the state of a copy, and of a cache, which nobody follows
        then.
        """
        await self.meet()
        for thing, got in self.things + self.data:
            node = Node([1, {"toad": thing}])
            call = self.toThem.callRemote("keep", {"it": node})
            self.assertSays(self.failureResultOf(call), "$[0].it.links[1].toad", got)
            pond = Pond(STOCK_WATCHER, name=thing)
            call = self.toThem.callRemote("keep", pond)
            self.assertSays(self.failureResultOf(call), "$[0].name", got)
            self.assertEqual(0, len(pond.observers))
        await self.settle()
        self.assertEqual([], self.theirDesk.kept)
        await self.assertUnharmed()
        self.assertNothingHeld()

    async def test_B2b_calls(self) -> None:
        """
        What no field declares and jelly has no word for is such a value, in a
        call.
        """
        await self.calls(self.data)

    async def test_B2b_answers(self) -> None:
        """
        So it is in an answer.
        """
        await self.answers(self.data)

    async def test_B2b_updates(self) -> None:
        """
        And in an update.
        """
        await self.updates(self.data)


def following(pond: Any) -> list[Any]:
    """
    @return: the observers of a Cacheable.
    """
    if isinstance(pond, StockPond):
        return list(pond.followers.values())
    return list(pond.observers)


@register
class Node(pb.Copyable, pb.RemoteCopy):
    """
    Declares nothing.
    """

    typeToCopy = "faults.Node"

    def __init__(self, links: Any = None) -> None:
        self.links = links


@register
@attrs.define(eq=False)
class CheckedNode(pb.RemoteCopy):
    """
    Declares what is in it.
    """

    links: Any
    name: str = "node"


@register
@dataclass(frozen=True, eq=False, slots=True)
class FrozenNode(pb.RemoteCopy):
    links: Any


NODES = Node, CheckedNode, FrozenNode


@register
class Mirror(pb.RemoteCache):
    """
    What follows a L{StockPond} that is in its own state.
    """


@register
class CheckedMirror(pb.RemoteCache):
    name: str
    ducks: list[Any]


MIRRORS = Mirror, CheckedMirror


class Knot(StockPond):
    """
    A Cacheable of stock's that has itself for an attribute as well.
    """

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        state = super().getStateToCacheAndObserveFor(perspective, observer)
        return {**state, "me": self}


class _Cycles(ContractCase):
    """
    To blame is the end that receives what is part of itself.
    """

    async def collected(self) -> None:
        """
        Wait until what nobody has is collected, and the other end knows.
        """
        await self.settle()  # so that no answer is on the stack
        gc.collect()
        await self.settle()

    async def test_A10b_direct(self) -> None:
        """
        An attribute that is the object itself is that, of whatever make the
        class is.
        """
        await self.meet()
        for cls in NODES:
            sent = self.of(cls)
            sent.state["links"] = sent
            for node in await self.toOurs(sent):
                self.assertIs(cls, type(node))
                self.assertIs(node, node.links)
        await self.assertUnharmed()

    async def test_A10b_around(self) -> None:
        """
        So is one by way of another object, or of containers.
        """
        await self.meet()
        for cls in NODES:
            one = self.of(cls)
            one.state["links"] = self.of(Node, links=one)
            for node in await self.toOurs(one):
                self.assertIs(Node, type(node.links))
                self.assertIs(node, node.links.links)
            one.state["links"] = ({"it": [one]}, one)
            for node in await self.toOurs(one):
                self.assertIs(node, node.links[0]["it"][0])
                self.assertIs(node, node.links[1])
        await self.assertUnharmed()

    async def test_A10b_caches(self) -> None:
        """
        So is one of a cache.
        """
        await self.meet()
        for cls in MIRRORS:
            knot = Knot(self.tag(cls))
            for cache in await self.toOurs(knot):
                self.assertIs(cls, type(cache))
                self.assertEqual("pond", cache.name)
                if cls is Mirror:  # the other one does not know of it
                    self.assertIs(cache, cache.me)
            self.ourDesk.kept.clear()
            del cache
            await self.collected()
            self.assertNothingHeld()
            self.assertLeft(knot)
        await self.assertUnharmed()

    async def test_A10c_collected(self) -> None:
        """
        A cache that is in its own state, in a list or directly, is collected
        like any other when nobody has it; its publisher is told, once.
        """
        await self.meet()
        for cls in MIRRORS:
            for make in StockPond, Knot:
                pond = make(self.tag(cls))
                pond.ducks.append([pond])
                await self.result(self.toUs.callRemote("keep", pond))
                [cache] = self.ourDesk.kept
                self.assertIs(cls, type(cache))
                self.assertIs(cache, cache.ducks[0][0])
                self.assertGiven(self.there, 1)
                self.ourDesk.kept.clear()
                del cache
                await self.collected()
                self.assertLeft(pond)
                self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_A10c_ofTwo(self) -> None:
        """
        So are two that are in each other's.
        """
        await self.meet()
        for cls in MIRRORS:
            tag = self.tag(cls)
            one, other = StockPond(tag, "one"), StockPond(tag, "other")
            one.ducks.append(other)
            other.ducks.append(one)
            for _ in range(2):
                await self.result(self.toUs.callRemote("keep", one, other))
            [first, second, *_] = self.ourDesk.kept
            self.assertIs(first, second.ducks[0])
            self.assertIs(second, first.ducks[0])
            self.ourDesk.kept.clear()
            del first, second, _
            await self.collected()
            self.assertLeft(one)
            self.assertLeft(other)
            self.assertNothingHeld()
        await self.assertUnharmed()


globals().update(across(module=__name__, tests=_Unsendable, rows=ROWS))
globals().update(across(module=__name__, tests=_Cycles, rows={**ROWS, **MIXINS}))
