"""
Whatever is sent: what is right arrives equal, and what is not is refused by an
error of pbext's, and leaves nothing behind.
"""

# The names of classes that come later cannot be joined by "|".
# ruff: noqa: UP007

from __future__ import annotations

import collections.abc
import datetime
import enum
import pathlib
import random
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Union

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twisted.persisted.crefutil import NotKnown
from twisted.python.reflect import qual
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, errors, pb
from pbext.errors import PBExtError
from pbext.testing import Pair, connectedPair

REGISTRY = Registry()


class Colour(enum.Enum):
    GREEN = 1
    BLUE = 2


class Base(pb.Copyable, pb.RemoteCopy):
    pass


# Nodes refer to each other in every way.  They are compared by the tests, for
# what is part of a cycle cannot compare itself.


@dataclass(eq=False)
class DataNode(Base):
    name: str
    links: Any = None
    friends: list[AnyNode] = field(default_factory=list)
    table: dict[str, Union[AnyNode, int]] = field(default_factory=dict)
    bag: collections.abc.Sequence[Any] = ()
    colour: Colour = Colour.GREEN
    where: pathlib.PurePosixPath | None = None
    at: datetime.datetime | None = None
    weight: float = 0.0


@dataclass(eq=False, slots=True)
class SlotsDataNode(DataNode):
    pass


@dataclass(eq=False, frozen=True)
class FrozenDataNode(Base):
    name: str
    links: Any = None
    friends: list[AnyNode] = field(default_factory=list, kw_only=True)
    table: dict[str, Union[AnyNode, int]] = field(default_factory=dict)
    bag: collections.abc.Sequence[Any] = ()
    colour: Colour = Colour.GREEN
    where: pathlib.PurePosixPath | None = None
    at: datetime.datetime | None = None
    weight: float = 0.0

    def __post_init__(self) -> None:
        # No part of a cycle is handed to anybody before it is known.
        assert _isWhole(self.links) and _isWhole(self.bag) and _isWhole(self.table)


@attrs.define(eq=False)
class AttrsNode(Base):
    name: str = attrs.field(validator=attrs.validators.instance_of(str))
    links: Any = None
    friends: list[AnyNode] = attrs.Factory(list)
    table: dict[str, Union[AnyNode, int]] = attrs.Factory(dict)
    bag: collections.abc.Sequence[Any] = attrs.field(converter=tuple, default=())
    colour: Colour = Colour.GREEN
    where: pathlib.PurePosixPath | None = None
    at: datetime.datetime | None = None
    weight: float = attrs.field(converter=float, default=0)


@attrs.frozen(eq=False)
class FrozenAttrsNode(AttrsNode):
    pass


class HandMadeNode(Base):
    copyFields = tuple(DataNode.__dataclass_fields__)
    __annotations__ = dict(DataNode.__annotations__)
    links = None
    table: Any
    __annotations__["table"] = DataNode.__annotations__["table"]


class SlottedNode(Base):
    __slots__ = tuple(DataNode.__dataclass_fields__)
    __annotations__ = dict(DataNode.__annotations__)


class PlainNode(Base):
    """
    Declares nothing.
    """


NODES: list[Any] = [
    DataNode,
    SlotsDataNode,
    FrozenDataNode,
    AttrsNode,
    FrozenAttrsNode,
    HandMadeNode,
    SlottedNode,
    PlainNode,
]
AnyNode = Union[tuple(NODES)]
for _cls in NODES:
    _cls.typeToCopy = f"tests.test_contract_property.{_cls.__name__}"
    REGISTRY.setUnjellyableForClass(_cls, _cls)

FIELDS = tuple(DataNode.__dataclass_fields__)


def _isWhole(value: Any, depth: int = 3) -> bool:
    if isinstance(value, NotKnown):
        return False
    if depth and isinstance(value, (list, tuple, dict)):
        parts = value.values() if isinstance(value, dict) else value
        return all(_isWhole(part, depth - 1) for part in parts)
    return True


#: Which fields are of which types, said once more and by hand.
_RIGHT: dict[str, Any] = {
    "name": lambda v: type(v) is str,
    "links": lambda v: True,
    "friends": lambda v: type(v) is list and all(isinstance(n, Base) for n in v),
    "table": lambda v: (
        type(v) is dict
        and all(type(k) is str for k in v)
        and all(type(n) is int or isinstance(n, Base) for n in v.values())
    ),
    "bag": lambda v: True,
    "colour": lambda v: type(v) is Colour,
    "where": lambda v: v is None or type(v) is pathlib.PurePosixPath,
    "at": lambda v: v is None or type(v) is datetime.datetime,
    "weight": lambda v: type(v) is float,
}


def problem(value: Any) -> str | None:
    """
    @return: what is wrong anywhere in what an application was given.
    """
    seen: dict[int, Any] = {}
    parts = [value]
    while parts:
        part = parts.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, NotKnown):
            return f"a {type(part).__name__} of Twisted's"
        if isinstance(part, dict):
            parts += [*part, *part.values()]
        elif isinstance(part, (list, tuple, set, frozenset)):
            parts += part
        elif isinstance(part, Base):
            parts += {**_state(part), **vars(part)}.values()
            if type(part) is not PlainNode and (why := _wrong(part)):
                return f"{type(part).__name__} {why}"
    return None


def _wrong(node: Any) -> str | None:
    state = _state(node)
    others = set(vars(node)) - set(FIELDS)
    if others:
        return f"has {sorted(others)}"
    if set(state) != set(FIELDS) and type(node) is not SlottedNode:
        return f"has only {sorted(state)}"
    for name, found in state.items():
        if not _RIGHT[name](found):
            return f".{name} is a {type(found).__name__}"
    return None


def difference(one: Any, other: Any) -> str | None:
    """
    @return: what is different: whether two values have the same parts, and the
        same parts in the same places.
    """
    to: dict[int, Any] = {}
    back: dict[int, Any] = {}
    pairs = [("$", one, other)]
    while pairs:
        path, a, b = pairs.pop()
        if type(a) is not type(b):
            return f"{path}: {type(a).__name__}, {type(b).__name__}"
        if not isinstance(a, (list, tuple, dict, frozenset, set, Base)):
            if a != b:
                return f"{path}: {a!r}, {b!r}"
            continue
        if a == () or a == frozenset():
            if a != b:
                return f"{path}: one is empty"
            continue
        if id(a) in to or id(b) in back:
            if to.get(id(a)) is not b or back.get(id(b)) is not a:
                return f"{path}: another one"
            continue
        to[id(a)], back[id(b)] = b, a
        if isinstance(a, Base):
            mine, theirs = _state(a), _state(b)
        elif isinstance(a, dict):
            mine, theirs = a, b
        elif isinstance(a, (set, frozenset)):
            mine, theirs = ({n.name: n for n in nodes} for nodes in (a, b))
        else:
            mine, theirs = dict(enumerate(a)), dict(enumerate(b))
        if mine.keys() != theirs.keys():
            return f"{path}: {sorted(mine)}, {sorted(theirs)}"
        pairs += [(f"{path}.{key}", mine[key], theirs[key]) for key in mine]
    return None


def _state(node: Any) -> dict[str, Any]:
    return {name: getattr(node, name) for name in FIELDS if hasattr(node, name)}


def graph(seed: int, size: int, cyclic: bool = True) -> list[Any]:
    """
    @param cyclic: whether parts may contain those that contain them.
    @return: nodes and containers that refer to each other.
    """
    chance = random.Random(seed)
    nodes: list[Any] = []
    pool: list[Any] = [3, "frog", b"frog", None, 2.5, True, datetime.date(2024, 2, 29)]
    lists: list[list[Any]] = []
    friends: list[list[Any]] = []

    def some(of: list[Any], most: int = 3) -> list[Any]:
        return [chance.choice(of) for _ in range(chance.randrange(most + 1)) if of]

    def fill(node: Any) -> None:
        state = {
            "links": chance.choice(pool),
            "friends": chance.choice([*friends, []]),
            "table": {f"key {n}": v for n, v in enumerate(some([*nodes, 7]))},
            "bag": tuple(some(pool)),
            "colour": chance.choice(list(Colour)),
            "where": chance.choice([None, pathlib.PurePosixPath("a/b")]),
            "at": chance.choice(
                [
                    None,
                    datetime.datetime(2024, 1, 1),
                    datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
                ]
            ),
            "weight": chance.choice([0.0, -1.5, float("inf")]),
        }
        if type(node) is PlainNode:
            # Which has no adapters.
            del state["colour"], state["where"], state["at"]
        for name, value in state.items():
            object.__setattr__(node, name, value)

    for number in range(size):
        node: Any = object.__new__(chance.choice(NODES))
        object.__setattr__(node, "name", f"node {number}")
        if not cyclic:
            fill(node)
        nodes.append(node)
        pool.append(node)
        made: list[Any] = [[], {}, [chance.choice(nodes)]]
        lists.append(made[0])
        friends.append(made[2])
        if not cyclic:
            made[0] += some(pool)
            made[1].update(enumerate(some(pool)))
        pool += made
        pool.append((chance.choice(pool), *some(pool)))
        pool.append(chance.choice([frozenset, set])([chance.choice(nodes)]))
    if cyclic:
        for node in nodes:
            fill(node)
        for value in pool:
            if value in lists and not any(value is f for f in friends):
                value += some(pool)
            elif isinstance(value, dict):
                value.update(enumerate(some(pool)))
        for several in friends:
            several += some(nodes)
    return [chance.choice(nodes), *some(pool, 4)]


class Desk(pb.Root):
    def remote_take(self, *things: Any) -> None:
        self.taken = things


def connect(desk: Desk, receiver: Any = None, sender: Any = None) -> Pair:
    """
    @param receiver: makes the server; by default with the registry.
    """
    return connectedPair(
        desk,
        serverFactory=receiver or partial(pb.PBServerFactory, registry=REGISTRY),
        clientFactory=sender,
    )


SEEDS = st.integers(0, 2**32)
SETTINGS = partial(
    settings, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class RoundTripTests(SynchronousTestCase):
    """
    Objects of every make, nested, shared and in cycles, arrive as they were,
    the same ones in the same places.
    """

    def assertArrives(self, things: list[Any], **ends: Any) -> None:
        desk = Desk()
        with connect(desk, **ends) as pair:
            pair.result(pair.root.callRemote("take", *things))
        self.assertIsNone(problem(desk.taken))
        self.assertIsNone(difference(tuple(things), desk.taken))

    @SETTINGS(max_examples=150)
    @given(SEEDS, st.integers(1, 6))
    def test_cycles(self, seed: int, size: int) -> None:
        """
        With pbext at both ends, and with a stock sender.
        """
        things = graph(seed, size)
        self.assertArrives(things)
        self.assertArrives(things, sender=stock.PBClientFactory)

    @SETTINGS(max_examples=80)
    @given(SEEDS, st.integers(1, 6))
    def test_shared(self, seed: int, size: int) -> None:
        """
        Without cycles, which stock does not read all, with a stock receiver as
        well: our classes do it by themselves.
        """
        things = graph(seed, size, cyclic=False)
        self.assertArrives(things)
        for cls in NODES:
            pb.setUnjellyableForClass(cls, cls)
        self.assertArrives(things, receiver=stock.PBServerFactory)
        self.assertArrives(
            things, receiver=stock.PBServerFactory, sender=stock.PBClientFactory
        )


#: What a peer is told of our errors.
OURS = {
    name
    for error in map(vars(errors).get, errors.__all__)
    for name in (qual(error), error.stockName)
}

#: What may be put into a message in the place of something.
HOSTILE: list[Any] = [
    0,
    -1,
    2**447,
    1.5,
    b"",
    b"frog",
    [],
    [5],
    [[]],
    [b"None"],
    [b"unicode", b"frog"],
    [b"unicode", b"GREEN"],
    [b"unicode", b"\xff"],
    [b"unicode", 5],
    [b"unicode"],
    [b"boolean", b"true"],
    [b"boolean", b"maybe"],
    [b"list"],
    [b"tuple"],
    [b"set", [b"list"]],
    [b"set", 1, 1],
    [b"dictionary"],
    [b"dictionary", [1]],
    [b"dictionary", [[b"list"], 1]],
    [b"dictionary", [[b"unicode", b"name"], 7]],
    [b"decimal", 1, 2],
    [b"decimal", b"x", 2],
    [b"datetime", b"2024 1 1 0 0 0 0"],
    [b"date", b"2024 13 1"],
    [b"timedelta", b"9999999999 0 0"],
    [b"unpersistable", b"a reason"],
    [b"persistent", 5],
    [b"class", b"os.system"],
    [b"module", b"os"],
    [b"function", b"os.system"],
    [b"method", b"name", [b"None"], [b"class", b"os.PathLike"]],
    [b"instance", [b"class", b"os.PathLike"], [b"dictionary"]],
    [b"remote", 7],
    [b"local", b"root"],
    [b"lcache", 1],
    [b"cached", 1],
    [b"os.system", b"true"],
    [b"twisted.spread.pb.CopyableFailure", [b"dictionary"]],
    *[[cls.typeToCopy.encode(), [b"dictionary"]] for cls in NODES],
    *[[cls.typeToCopy.encode(), [b"None"]] for cls in NODES],
    *[[cls.typeToCopy.encode(), 5] for cls in NODES],
    [DataNode.typeToCopy.encode()],
    [DataNode.typeToCopy.encode(), 1, [b"dictionary"]],
    [
        FrozenAttrsNode.typeToCopy.encode(),
        [b"dictionary", [[b"unicode", b"name"], [b"unicode", b"x"]]],
    ],
]

#: What may be put in the place of a name.
NAMES = [
    b"__class__",
    b"__dict__",
    b"__init__",
    b"__setattr__",
    b"_private",
    b"setCopyableState",
    b"unjellyFor",
    b"postUnjelly",
    b"copyVersion",
    b"copyFields",
    b"typeToCopy",
    b"name",
    b"links",
    b"friends",
    b"weight",
    b"",
    b"\xff",
    b"a b",
]


def _places(sexp: Any) -> list[tuple[list[Any], int]]:
    """
    @return: all the places in a jelly: a list, and the index in it.
    """
    found, lists = [], [sexp]
    while lists:
        inside = lists.pop()
        for index, value in enumerate(inside):
            found.append((inside, index))
            if isinstance(value, (list, tuple)):
                inside[index] = value = list(value)
                lists.append(value)
    return found


def _isValue(sexp: Any) -> bool:
    return isinstance(sexp, list) and len(sexp) > 1 and isinstance(sexp[0], bytes)


def mutate(sexp: Any, chance: random.Random) -> None:
    """
    Change a jelly in one place.
    """
    places = _places(sexp)
    values = [(p, i) for p, i in places if _isValue(p[i])]
    if not values:
        return
    if chance.random() < 0.8:
        places = values
    inside, index = chance.choice(places)
    other, otherIndex = chance.choice(places)
    named = [p[i][1] for p, i in values if p[i][0] == b"reference"]
    numbers = [number for number in named if type(number) is int] or [1]
    what = chance.randrange(9)
    if what == 0:
        del inside[index]
    elif what == 1:
        inside.insert(index, _copied(other[otherIndex]))
    elif what == 2:
        inside[index] = _copied(other[otherIndex])
    elif what == 3:
        one, two = map(_copied, (inside[index], other[otherIndex]))
        inside[index], other[otherIndex] = two, one
    elif what == 4:
        inside[index] = [b"dereference", chance.choice(numbers)]
    elif what == 5:
        inside[index] = [b"reference", chance.choice([99, *numbers]), inside[index]]
    elif what == 6:
        word = chance.choice([b"tuple", b"set", b"frozenset", b"list"])
        inside[index] = [word, inside[index], [b"dereference", chance.choice(numbers)]]
    elif what == 7:
        inside, index = chance.choice(values)
        inside[index][1:] = [chance.choice(NAMES)]
    else:
        inside[index] = _copied(chance.choice(HOSTILE))


def _copied(sexp: Any) -> Any:
    return list(map(_copied, sexp)) if isinstance(sexp, list) else sexp


class Liar(pb.Broker):
    """
    Says that it has given what it has not, and does not mind.
    """

    def proto_decache(self, objectID: Any) -> None:
        pass

    proto_decref = proto_decache


def _liars() -> Any:
    factory = pb.PBClientFactory()
    factory.protocol = Liar
    return factory


class HostileTests(SynchronousTestCase):
    """
    What no honest peer sends.
    """

    @SETTINGS(max_examples=600)
    @given(SEEDS, st.integers(1, 4), st.integers(1, 4))
    def test_mutations(self, seed: int, size: int, times: int) -> None:
        """
        A message that was changed on its way is accepted as valid, or ends in
        an error of pbext's; no half-built object gets out, and nothing of
        Twisted's own.
        """
        chance = random.Random(seed)
        with connect(Desk()) as pair:
            sexp = _copied([pair.client.serialize(graph(seed, size))])
            for _ in range(times):
                mutate(sexp, chance)
            try:
                value = pair.server.unserialize(sexp[0] if sexp else [])
            except PBExtError as error:
                self.assertTrue(str(error))
            else:
                self.assertIsNone(problem(value))

    @SETTINGS(max_examples=60)
    @given(SEEDS, st.integers(1, 3))
    def test_onTheWire(self, seed: int, times: int) -> None:
        """
        So it is with a call; it is answered, and the connection holds.
        """
        chance = random.Random(seed)
        desk = Desk()
        # As what is mangled may well stand for more than it may.
        endless = pb.Limits(expandedItems=10**12, keyItems=10**12)
        server = partial(pb.PBServerFactory, registry=REGISTRY, limits=endless)
        with connect(desk, server, _liars) as pair:
            sexp = [b"tuple", *map(pair.client.serialize, graph(seed, 3))]
            sexp = _copied(sexp)
            for _ in range(times):
                mutate(sexp, chance)
            answer = pair.root.callRemote("take")
            [number] = pair.client.waitingForAnswers
            pair.client.transport.clear()
            pair.client.sendCall(
                b"message", number, b"root", b"take", 1, sexp, [b"dictionary"]
            )
            pair.flush()
            results: list[Any] = []
            answer.addBoth(results.append)
            self.assertEqual(1, len(results))
            if results != [None]:
                self.assertIn(results[0].type, OURS)
                self.assertFalse(hasattr(desk, "taken"))
            else:
                self.assertIsNone(problem(desk.taken))
            self.assertTrue(pair.links[0].connected)


class Sent(stock.Copyable):
    """
    A copy of stock's, with any tag and state.
    """

    def __init__(self, cls: Any, state: Any) -> None:
        self._tag = cls.typeToCopy.encode()
        self._state = state

    def getTypeToCopy(self) -> bytes:
        return self._tag  # type: ignore[no-any-return]

    def getStateToCopy(self) -> Any:
        return self._state


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**447), 2**447),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.sampled_from(["GREEN", "__class__", "a/b", "2024-01-01T00:00:00+00:00"]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    st.sampled_from([1, 30, 150]).map(_deep),
    st.sampled_from(NODES).map(lambda cls: Sent(cls, {"name": "x"})),
    st.builds(stock.Referenceable),
)
NAMED = st.one_of(
    st.sampled_from([name.decode("latin-1") for name in NAMES]),
    st.sampled_from(FIELDS),
    st.sampled_from(sorted({n for cls in NODES for n in dir(cls)})),
    st.text(max_size=4),
    st.integers(),
)
STATES = st.one_of(
    st.dictionaries(NAMED, VALUES, max_size=8),
    st.dictionaries(NAMED, VALUES, max_size=8).map(lambda s: {**s, "name": "x"}),
    VALUES,
)
SENT = st.tuples(st.sampled_from(NODES), STATES)


def _traces() -> Any:
    """
    @return: all that our classes and theirs have.
    """
    classes = {base for cls in NODES for base in cls.__mro__}
    return {cls: dict(vars(cls)) for cls in classes}, list(map(str, REGISTRY))


class TraceTests(SynchronousTestCase):
    """
    What hostile states leave behind.
    """

    @SETTINGS(max_examples=60)
    @given(st.lists(SENT, min_size=20, max_size=20))
    def test_states(self, states: list[tuple[Any, Any]]) -> None:
        """
        Nothing, on any class; and each object that gets out is as its class
        declares it.
        """
        before = _traces()
        desk = Desk()
        with connect(desk, sender=stock.PBClientFactory) as pair:
            for cls, state in states:
                desk.taken = ()
                answer = pair.root.callRemote("take", Sent(cls, state))
                answer.addErrback(lambda failure: failure.type)
                pair.flush()
                self.assertTrue(answer.called)
                self.assertIsNone(problem(desk.taken))
                for thing in desk.taken:
                    self.assertIs(cls, type(thing))
                    own = set(vars(thing))
                    # Which is data of the class's own, and gives way to others.
                    taken = set(dir(Base)) - {"typeToCopy"}
                    self.assertFalse(own & taken, own)
                    self.assertFalse([n for n in own if n.startswith("_")], own)
            self.assertTrue(pair.links[0].connected)
        self.assertEqual(before, _traces())
