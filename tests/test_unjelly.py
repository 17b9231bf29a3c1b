"""
L{pbext.wire._unjelly}: from jelly to objects, as Twisted reads them.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.persisted.crefutil import NotKnown
from twisted.spread import banana, jelly
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly, globalSecurity
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._references import READERS
from pbext.errors import RefusedField
from pbext.testing import connectedPair, restoredRegistry
from pbext.wire import _unjelly
from pbext.wire._jelly import ATOMS
from pbext.wire._unjelly import Unjellier
from tests.codecs import CODECS
from tests.switching import using


class Duck(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "tests.test_unjelly.Duck"

    def __init__(self, content: Any = None) -> None:
        self.content = content


class StockDuck(stock.Copyable, stock.RemoteCopy):
    """
    Twisted's, which is told when all of the message is read.
    """

    def __init__(self, content: Any = None) -> None:
        self.content = content

    def postUnjelly(self) -> None:
        self.whole = True


class MadeDuck(stock.Copyable):
    def getTypeToCopy(self) -> bytes:
        return b"tests.test_unjelly.MadeDuck"

    def __init__(self, content: Any = None) -> None:
        self.content = content


class Numbered(pb.RemoteCopy):
    number: int


class Wrong(pb.Copyable):
    typeToCopy = "tests.test_unjelly.Numbered"
    number = "seven"

    def getStateToCopy(self) -> Any:
        return {"number": self.number}


pb.setUnjellyableForClass(Duck, Duck)
pb.setUnjellyableForClass("tests.test_unjelly.Numbered", Numbered)
stock.setUnjellyableForClass(StockDuck, StockDuck)
stock.setUnjellyableFactoryForClass(MadeDuck, lambda state: StockDuck(state))

#: Words that mean something else to a broker than to jelly, or to nobody.
_REFERRING = {b"remote", b"local", b"cached", b"lcache"}


def ours(sexp: Any, broker: Any = None, readers: Any = None) -> Any:
    """
    @return: what L{Unjellier} reads.
    """
    unjellier = Unjellier(globalSecurity, broker, readers or {}, [])
    return unjellier.unjellyFull(sexp)


def outcome(read: Callable[[], Any]) -> Any:
    """
    @return: what it returns, or raises.
    """
    try:
        return read()
    except Exception as error:
        return error


def alike(one: Any, two: Any, seen: dict[int, int] | None = None) -> bool:
    """
    Whether two values look the same all over, down to which of their parts
    are one and the same, however they go in circles.
    """
    seen = {} if seen is None else seen
    if type(one) is not type(two):
        return False
    if isinstance(one, NotKnown):
        return True  # what Twisted leaves in a copy that holds itself
    if isinstance(one, (jelly.Unpersistable, Duck, StockDuck)):
        return alike(vars(one), vars(two), seen)
    if not isinstance(one, (list, tuple, dict, set, frozenset)):
        return bool(one == two or one != one)  # or no number, both
    if id(one) in seen:
        return seen[id(one)] == id(two)
    seen[id(one)] = id(two)
    if isinstance(one, dict):
        one, two = list(one.items()), list(two.items())
        # The pairs themselves are nobody's.
        return len(one) == len(two) and all(
            alike(key, otherKey, seen) and alike(value, other, seen)
            for (key, value), (otherKey, other) in zip(one, two, strict=True)
        )
    if isinstance(one, (set, frozenset)):
        return bool(one == two)
    return len(one) == len(two) and all(
        alike(a, b, seen) for a, b in zip(one, two, strict=True)
    )


def hasStandIn(value: Any, seen: set[int] | None = None) -> bool:
    """
    Whether there is something of Twisted's in a value where a part of a circle
    belongs.
    """
    seen = set() if seen is None else seen
    if isinstance(value, NotKnown):
        return True
    if id(value) in seen:
        return False
    seen.add(id(value))
    parts: Any = ()
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts = value
    elif hasattr(value, "__dict__"):
        parts = vars(value).values()
    return any(hasStandIn(part, seen) for part in parts)


_atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**440), 2**440),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.sampled_from([*ATOMS]),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(allow_nan=False, allow_infinity=False),
)
_keys = st.one_of(
    st.integers(), st.text(max_size=5), st.binary(max_size=5), st.tuples(st.integers())
)
_values = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(_keys, inner, max_size=4),
        st.sets(_keys, max_size=4),
        st.frozensets(_keys, max_size=4),
        st.builds(Duck, inner),
        st.builds(StockDuck, inner),
        st.builds(MadeDuck, inner),
    ),
    max_leaves=12,
)

#: Places where values meet: what each of some is, and which others it holds.
_graphs = st.lists(
    st.tuples(
        st.sampled_from(["list", "dict", "tuple", "duck", "stockDuck"]),
        st.lists(st.integers(0, 7), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


def graph(places: list[tuple[str, list[int]]]) -> Any:
    """
    @return: values that hold each other, several times or in circles.
    """
    kinds: dict[str, Any] = {
        "list": list,
        "dict": dict,
        "duck": Duck,
        "stockDuck": StockDuck,
    }
    made = [kinds[kind]() if kind != "tuple" else () for kind, _ in places]
    for number, (kind, held) in enumerate(places):
        # A tuple holds what there was before it, if only by half.
        others = [made[other % len(made)] for other in held]
        if kind == "tuple":
            made[number] = tuple(others)
    for thing, (_, held) in zip(made, places, strict=True):
        others = [made[other % len(made)] for other in held]
        if isinstance(thing, list):
            thing.extend(others)
        elif isinstance(thing, dict):
            thing.update(enumerate(others))
        elif not isinstance(thing, tuple):
            thing.content = others
    return made


#: What no jellier has made.
_junk = st.recursive(
    st.integers()
    | st.binary(max_size=3)
    | st.sampled_from([b"true", b"1 2 3", b"tests.test_unjelly.StockDuck"]),
    lambda inner: (
        st.builds(
            lambda word, rest: [word, *rest],
            st.sampled_from(sorted({*ATOMS} - _REFERRING))
            | st.sampled_from([b"tests.test_unjelly.Duck", b"nobody.Knows"])
            | inner,
            st.lists(inner, max_size=3),
        )
        | st.just([])
    ),
    max_leaves=12,
)


class AgreementTests(SynchronousTestCase):
    """
    What Twisted reads, this reads as the same.
    """

    def arrived(self, value: Any, broker: Any) -> Any:
        """
        @return: the jelly of a value, as it arrives.
        """
        sexp = jelly.jelly(value, globalSecurity, None, broker)
        return banana.decode(banana.encode(sexp))

    def assertAgreed(self, value: Any) -> Any:
        """
        @return: what a value arrives as.
        """
        with connectedPair(pb.Root()) as pair:
            sexp, broker = self.arrived(value, pair.client), pair.server
            theirs, found = (
                outcome(lambda: jelly.unjelly(sexp, globalSecurity, None, broker)),
                outcome(lambda: ours(sexp, broker, READERS)),
            )
        # There are tuples in circles that Twisted cannot read, or fills with
        # stand-ins of its own; L{tests.test_cycles} has them as they should be.
        if isinstance(found, Exception):
            self.assertIs(type(theirs), type(found))
        elif not (isinstance(theirs, Exception) or hasStandIn(theirs)):
            self.assertTrue(alike(theirs, found), (theirs, found))
        return found

    @settings(max_examples=150, deadline=None)
    @given(_values)
    def test_values(self, value: Any) -> None:
        """
        Any value.
        """
        self.assertAgreed([value])

    @settings(max_examples=150, deadline=None)
    @given(_graphs)
    def test_graphs(self, places: Any) -> None:
        """
        Values that stand in several places, and those that hold themselves.
        """
        self.assertAgreed(graph(places))

    @settings(max_examples=300, deadline=None)
    @given(_junk)
    def test_junk(self, sexp: Any) -> None:
        """
        What is no jelly of anything ends in an error, and so does a reference
        to what is not there.
        """
        theirs = outcome(lambda: jelly.unjelly(sexp, globalSecurity))
        found = outcome(lambda: ours(sexp))
        if isinstance(theirs, Exception):
            self.assertIsInstance(found, Exception)
        elif not isinstance(found, (LookupError, ValueError)):
            self.assertTrue(alike(theirs, found), (theirs, found))

    def test_shared(self) -> None:
        """
        What stands in several places is one object in all of them.
        """
        shared = [1]
        first, second, third = self.assertAgreed([shared, (shared,), {"a": shared}])
        self.assertIs(first, second[0])
        self.assertIs(first, third["a"])

    def test_cycles(self) -> None:
        """
        What holds itself does so here.
        """
        ring: list[Any] = []
        duck = Duck(ring)
        ring.extend([ring, (ring,), {"a": ring}, duck])
        found = self.assertAgreed(ring)
        self.assertIs(found, found[0])
        self.assertIs(found, found[1][0])
        self.assertIs(found, found[2]["a"])
        self.assertIs(found, found[3].content)

    def test_wholeAtLast(self) -> None:
        """
        Whoever asks for it is told when all of the message is read.
        """
        duck = self.assertAgreed(StockDuck(StockDuck()))
        self.assertTrue(duck.whole)
        self.assertTrue(duck.content.whole)
        made = self.assertAgreed(MadeDuck(7))
        self.assertEqual({"content": 7}, made.content)
        self.assertTrue(made.whole)

    def test_kinds(self) -> None:
        """
        One of each kind, by itself.
        """
        for value in (
            None,
            True,
            7,
            -(2**40),
            1.5,
            b"bytes",
            "text",
            [],
            (),
            {},
            set(),
            frozenset([1]),
            decimal.Decimal("-1.50"),
            datetime.date(2020, 2, 3),
            datetime.time(1, 2, 3, 4),
            datetime.datetime(2020, 2, 3, 4, 5, 6, 7),
            datetime.timedelta(days=-1, seconds=2, microseconds=3),
        ):
            found = self.assertAgreed(value)
            self.assertEqual((type(value), value), (type(found), found))


class UnjellierTests(SynchronousTestCase):
    """
    L{Unjellier}, where it has ways of its own.
    """

    def test_readers(self) -> None:
        """
        Its readers come before whatever is registered in the process, and are
        given it and the whole jelly.
        """
        calls: list[Any] = []

        def read(unjellier: Any, sexp: Any) -> str:
            calls.append((unjellier.invoker, sexp))
            unjellier.taken.append(sexp)
            return "read"

        taken: list[Any] = []
        broker, sexp = object(), [b"remote", 7]
        unjellier = Unjellier(globalSecurity, broker, {b"remote": read}, taken)
        with restoredRegistry():
            jelly.setUnjellyableForClass("remote", Duck)
            self.assertEqual(["read"], unjellier.unjellyFull([b"list", sexp]))
        self.assertEqual([(broker, sexp)], calls)
        self.assertIs(sexp, taken[0])

    def test_policy(self) -> None:
        """
        The policy comes before the readers, and before Twisted's words.
        """
        strict = jelly.SecurityOptions()
        for sexp in [b"remote", 7], [b"list", 7], [b"dictionary"]:
            unjellier = Unjellier(strict, None, {b"remote": lambda *_: 7}, [])
            self.assertRaises(InsecureJelly, unjellier.unjellyFull, sexp)

    def test_classes(self) -> None:
        """
        What a policy lets in without its being registered comes in, as with
        Twisted, and nothing else.
        """
        security = jelly.SecurityOptions()
        security.allowInstancesOf(Allowed)
        state = [b"dictionary", [b"name", 7]]
        for name, allowed in ("Allowed", True), ("Forbidden", False):
            sexp = [f"{__name__}.{name}".encode(), state]
            unjellier = Unjellier(security, None, {}, [])
            if allowed:
                found = unjellier.unjellyFull(sexp)
                self.assertIs(Allowed, type(found))
                self.assertEqual({b"name": 7}, vars(found))
            else:
                self.assertRaises(InsecureJelly, unjellier.unjellyFull, sexp)

    def test_registeredWord(self) -> None:
        """
        A program that has registered one of jelly's own words has that read,
        as with Twisted.
        """
        with restoredRegistry():
            jelly.setUnjellyableForClass("list", lambda unjellier, sexp: len(sexp))
            self.assertEqual(3, ours([b"list", 1, 2]))
            jelly.setUnjellyableFactoryForClass("set", lambda state: state + 1)
            self.assertEqual(8, ours([b"set", 7]))

    def test_nothingThere(self) -> None:
        """
        A reference to a part that is not there is an error, wherever it
        stands, where Twisted leaves a stand-in of its own.
        """
        missing = [b"dereference", 1]
        for sexp in (
            missing,
            [b"list", missing],
            [b"tuple", missing],
            [b"set", missing],
            [b"dictionary", [1, missing]],
            [b"list", [b"reference", 2, [b"list"]], missing],
            [b"tests.test_unjelly.StockDuck", [b"dictionary", [b"content", missing]]],
        ):
            self.assertRaises(LookupError, ours, sexp)

    def test_thereLater(self) -> None:
        """
        One to a part that is there only later is none.
        """
        first, second = ours(
            [b"list", [b"dereference", 1], [b"reference", 1, [b"list", 7]]]
        )
        self.assertEqual([7], first)
        self.assertIs(first, second)


class Allowed:
    """
    A class that a policy allows.
    """


class Forbidden:
    """
    One that stands beside it.
    """


class GivenTests(SynchronousTestCase):
    """
    What the peer counts as given in a message.
    """

    def find(self, sexp: Any) -> list[Any]:
        return sorted(_unjelly.given(sexp))

    def test_kinds(self) -> None:
        """
        References, caches that are new, and those that are known.
        """
        whole = [b"pond.Pond", 7, [b"dictionary"]]
        for sexp in [b"remote", 7], [b"cached", 7], whole:
            self.assertEqual([tuple(sexp[:2])], self.find(sexp))

    def test_others(self) -> None:
        """
        Nothing else is counted: no copies, and not what is the receiver's own.
        """
        for sexp in (
            7,
            b"remote",
            [],
            [b"list"],
            [b"local", 7],
            [b"lcache", 7],
            [b"pond.Duck", [b"dictionary"]],
            [b"pond.Duck", b"state"],
            [b"list", b"remote", 7],
            [b"dictionary", [b"remote", 7]],
            [b"dictionary", [b"pond.Pond", 7]],
            [b"unicode", b"remote"],
        ):
            self.assertEqual([], self.find(sexp))

    def test_malformed(self) -> None:
        """
        Nor is what looks like it, and has no number or too much.
        """
        for sexp in (
            [b"remote"],
            [b"remote", b"root"],
            [b"remote", [b"list"]],
            [b"remote", 7, 8],
            [b"cached", b"7"],
            [b"pond.Pond", b"7", [b"dictionary"]],
            [b"pond.Pond", 7, [b"dictionary"], 8],
            [7, 8, 9],
        ):
            self.assertEqual([], self.find(sexp))

    def test_everywhere(self) -> None:
        """
        Wherever it stands, and as often.
        """
        remote, cached = [b"remote", 1], [b"cached", 2]
        inner: list[Any] = [b"pond.Pond", 3, [b"dictionary", [b"a", remote]]]
        sexp = [
            b"tuple",
            [b"list", cached, [b"reference", 1, inner]],
            [b"dictionary", [[b"tuple", cached], [b"set", remote]]],
            [b"pond.Duck", [b"dictionary", [b"b", [b"frozenset", cached]]]],
            [b"dereference", 1],
        ]
        counted = [remote, remote, cached, cached, cached, inner[:2]]
        self.assertEqual(sorted(map(tuple, counted)), self.find(sexp))

    def test_deep(self) -> None:
        """
        However deep, for a peer decides how deep.
        """
        sexp: list[Any] = [b"remote", 7]
        for _ in range(50_000):
            sexp = [b"list", sexp]
        self.assertEqual([(b"remote", 7)], self.find(sexp))


class WrittenHereTests(SynchronousTestCase):
    """
    What was written here can be read here, in its bytes.
    """

    def test_path(self) -> None:
        """
        An error says where the object is that refuses what it has, whichever
        codec reads it.
        """
        bad = Wrong()
        for codec in CODECS:
            with using(codec), connectedPair(pb.Root()) as pair:
                packed = pair.client.pack([7, bad])
                error = self.assertRaises(RefusedField, pair.client.unserialize, packed)
                self.assertEqual("$[1].number", error.path, codec.name)
