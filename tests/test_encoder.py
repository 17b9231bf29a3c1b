"""
L{pbext.wire._encoder}: hooks, what cannot be sent, and what is known of the
bytes; each test with every codec that there is.  That the bytes are stock's is
L{tests.test_codec}'s.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import os
from collections.abc import Callable
from types import MethodType
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.spread import banana, jelly
from twisted.spread import pb as stock

from pbext import pb
from pbext._registry import Registry
from pbext.errors import NotSendable
from pbext.wire._encoded import Encoded
from pbext.wire._jellier import Jellier
from pbext.wire._jelly import checkSendable
from tests.codecs import CODECS, StockBanana, outcome
from tests.graphs import graphs
from tests.ponds import STOCK_WATCHER, Pond, PondTestCase, StockPond
from tests.test_codec import KINDS, Frog, Newt, Seen, StockFrog, Toad


class EncoderTestCase(PondTestCase):
    def setUp(self) -> None:
        self.connect(1)
        self.broker: Any = self.pair.client
        # Two ends of ours have agreed on more than that.
        self.broker.stringLimit = banana.SIZE_LIMIT

    def encoded(self, make: Callable[[], Any]) -> list[Any]:
        """
        @param make: makes the value, for each codec anew.
        @return: what each encoder makes of it, and then the encoders.
        """
        found = []
        for codec in CODECS:
            encoder = codec.Encoder(self.broker)
            found.append((outcome(encoder.encode, make()), encoder))
        return found


class HookTests(EncoderTestCase):
    """
    Hooks are called as by stock.
    """

    def test_once(self) -> None:
        """
        Each is called once, in stock's order, also where what it made cannot be
        sent, and wherever it stands.
        """

        def log(kind: type, name: str) -> type:
            def called(method: str) -> Any:
                def hook(self: Any, *args: Any) -> Any:
                    calls.append((method, self.name))
                    return getattr(kind, method)(self, *args)

                return hook

            hooks = "jellyFor getTypeToCopy getTypeToCopyFor getStateToCopy "
            hooks += "getStateToCopyFor getStateFor"
            found = [hook for hook in hooks.split() if hasattr(kind, hook)]
            if name == "Quiet":
                found.remove("jellyFor")
            return type(name, (kind,), {hook: called(hook) for hook in found})

        calls: list[Any] = []
        for kind in KINDS:
            for name in "Logged", "Quiet":
                cls = log(kind, name)
                one, two, three = cls(), cls(), cls()
                for each, number in (one, 1), (two, 2), (three, 3):
                    each.name = number
                one.parts = [two, {"a": three}, one]
                for value in (
                    [one, three, [one]],
                    {"a": one, "b": two},
                    [three, object()],
                ):
                    broker, security = self.broker, self.broker.security
                    jelly.jelly(value, security, None, broker)
                    expected = calls[:]
                    calls.clear()
                    for codec in CODECS:
                        outcome(codec.Encoder(broker).encode, value)
                        self.assertEqual(expected, calls, (codec.name, cls))
                        calls.clear()

    def test_changingLists(self) -> None:
        """
        A hook may change a list that is being sent: what is sent is what Twisted
        sends, and says how long it is.
        """

        class Meddler(pb.Copyable):
            typeToCopy = "tests.test_encoder.Meddler"

            def __init__(self, meddle: Callable[[], object]) -> None:
                self._meddle = meddle

            def getStateToCopy(self) -> Any:
                self._meddle()
                return {}

        def shrink(items: list[Any]) -> None:
            del items[2:]

        for meddle in (
            lambda items: items.append(7),
            lambda items: items.extend([items, [9], "x"]),
            lambda items: items.clear(),
            lambda items: items.pop(0),
            shrink,
        ):
            for twice in False, True:

                def make(meddle: Any = meddle, twice: bool = twice) -> Any:
                    items: list[Any] = [1, 2, 3]
                    items.insert(1, Meddler(lambda: meddle(items)))
                    return [items, items] if twice else items

                expected = StockBanana().encodeValue(make(), self.broker)
                for found, _ in self.encoded(make):
                    self.assertEqual(expected, found.data)

    def test_changingDicts(self) -> None:
        """
        To change how many there are in a dict is an error, as with Twisted, and
        so it is with a set.
        """

        class Meddler(stock.Copyable):
            it: Any

            def getStateToCopy(self) -> Any:
                self.it.update({8: 8})
                return {}

        def book() -> Any:
            meddler = Meddler()
            meddler.it = {1: meddler, 2: 2}
            return [meddler.it]

        def members() -> Any:
            meddler = Meddler()
            meddler.it = {meddler, 2}
            return [meddler.it]

        for make in book, members:
            for found, _ in self.encoded(make):
                self.assertIsInstance(found, RuntimeError)

    def test_failing(self) -> None:
        """
        What a hook raises is raised, as it is.
        """
        for raised in (
            ZeroDivisionError("no"),
            NotImplementedError("no"),
            UnicodeEncodeError("utf-8", "x", 0, 1, "no"),
            NotSendable(path="$.mine", got="no", fix="no"),
        ):

            class Failing(stock.Copyable):
                def getStateToCopy(self, raised: Exception = raised) -> Any:
                    raise raised

            class FailingToad(jelly.Jellyable):
                def jellyFor(self, jellier: Any, raised: Exception = raised) -> Any:
                    raise raised

            for kind in Failing, FailingToad:
                for found, _ in self.encoded(lambda kind=kind: [{"a": kind()}]):
                    self.assertIs(raised, found)

    def test_ownMethod(self) -> None:
        """
        An object whose own attribute is in the place of a hook has that called.
        """
        frog = StockFrog(1)
        frog.jellyFor = lambda jellier: [b"own", 7]  # type: ignore[method-assign]
        for found, _ in self.encoded(lambda: [frog]):
            self.assertEqual([b"list", [b"own", 7]], found.sexp())
        del frog.jellyFor
        frog.getTypeToCopy = lambda: b"own"  # type: ignore[method-assign]
        frog.getStateToCopyFor = lambda p: [p]  # type: ignore[method-assign]
        for found, _ in self.encoded(lambda: frog):
            self.assertEqual([b"own", [b"list", [b"None"]]], found.sexp())

    def test_nested(self) -> None:
        """
        A hook that sends while it is called sends another message.
        """

        class Sender(pb.Copyable):
            typeToCopy = "tests.test_encoder.Sender"
            _sent: Any = None

            def getStateToCopy(this) -> Any:
                this._sent = self.pair.root.callRemote("take", "it", part)
                return {"part": part}

        part = [1]
        for codec in CODECS:
            sender = Sender()
            encoded = codec.Encoder(self.broker).encode([part, sender])
            state = [b"dictionary", [[b"unicode", b"part"], [b"dereference", 1]]]
            self.assertEqual([b"tests.test_encoder.Sender", state], encoded.sexp()[2])
            self.pair.result(sender._sent)
            self.assertEqual([1], self.root.kept["it"])


class FlawTests(EncoderTestCase):
    """
    What cannot be sent is an error that says where it is, as L{Jellier} says
    it.
    """

    def assertFlawed(self, make: Callable[[], Any]) -> NotSendable:
        """
        @return: the error.
        """

        def listed() -> None:
            sexp = Jellier(self.broker.security, self.broker).jellyFull(make())
            checkSendable(sexp, strict=False)

        expected = self.assertRaises(NotSendable, listed)
        for found, _ in self.encoded(make):
            self.assertIsInstance(found, NotSendable)
            for field in "path", "got", "fix":
                self.assertEqual(getattr(expected, field), getattr(found, field))
        return expected

    def test_kinds(self) -> None:
        """
        Of every kind, in every kind of place.
        """

        class Colour(enum.Enum):
            RED = 1

        class Text(str):
            pass

        at = datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)

        class Mistaken(pb.Copyable):
            def getTypeToCopy(self) -> Any:
                return "text"

        for flaw in (
            object(),
            Text("a"),
            Colour.RED,
            collections.OrderedDict(a=1),
            Frog(1).getTypeToCopy,
            len,
            os,
            at,
            at.timetz(),
            os.fsdecode(b"\xffsecret"),
            decimal.Decimal("Infinity"),
            decimal.Decimal("NaN"),
            decimal.Decimal(10**200),
            2**448,
            -(2**448),
            Mistaken(),
        ):
            for place in (
                lambda it: it,
                lambda it: [1, it],
                lambda it: (1, [it]),
                lambda it: {"name": it},
                lambda it: {7: [it], "not a name": 1},
                lambda it: {"not a name": it},
                lambda it: {b"name": {(1, 2): it}},
                lambda it: Frog(1, it),
                lambda it: [Toad(1, {"a": it})],
                lambda it: [StockFrog(Frog(it))],
            ):
                self.assertFlawed(lambda p=place, it=flaw: p(it))
            if not isinstance(flaw, dict):
                self.assertFlawed(lambda it=flaw: [{it: 1}])
                self.assertFlawed(lambda it=flaw: [{it}])
                self.assertFlawed(lambda it=flaw: frozenset([(it,)]))
        long = "x" * (banana.SIZE_LIMIT + 1)
        for flaw in long, long.encode(), [1] * banana.SIZE_LIMIT:
            self.assertFlawed(lambda it=flaw: [1, {"a": Frog(it)}])

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_anywhere(self, data: Any) -> None:
        """
        In values of all kinds that are in each other.
        """
        kinds = st.sampled_from([Frog, Toad, Seen, list, dict])
        made = [kind() for kind in data.draw(st.lists(kinds, min_size=1, max_size=5))]
        flaw = data.draw(st.sampled_from([object(), 2**448, "\ud800"]))
        flawed = made[data.draw(st.integers(0, len(made) - 1))]
        for thing in made:
            parts = data.draw(st.lists(graphs() | st.sampled_from(made), max_size=3))
            if thing is flawed:
                parts.insert(data.draw(st.integers(0, len(parts))), flaw)
            if isinstance(thing, dict):
                thing.update(enumerate(parts))
            else:
                getattr(thing, "parts", thing).extend(parts)
        # Of Seen, what cannot be sent is let through.
        value = made
        sexp = outcome(Jellier(self.broker.security, self.broker).jellyFull, value)
        if isinstance(sexp, Exception) or outcome(checkSendable, sexp, False):
            self.assertFlawed(lambda: value)
        else:
            for found, _ in self.encoded(lambda: value):
                self.assertEqual(StockBanana().encode(sexp), found.data)

    def test_tolerated(self) -> None:
        """
        Where stock's objects have what cannot be sent, it goes as it did.
        """
        it = object()
        for value in (
            StockFrog(it, [it]),
            [StockFrog(it), StockFrog(StockFrog({"a": it}))],
            [StockFrog(Newt(it)), Frog(StockFrog(it))],
        ):
            expected = StockBanana().encodeValue(value, self.broker)
            for found, _ in self.encoded(lambda value=value: value):
                self.assertEqual(expected, found.data)
        self.assertFlawed(lambda: [StockFrog(it), object()])
        self.assertFlawed(lambda: StockFrog(it, Frog(object())))
        self.assertFlawed(lambda: [StockFrog(it), Toad(object())])

    def test_caches(self) -> None:
        """
        In caches: in ours an error, in stock's let through.
        """

        def holding(pond: Any) -> Any:
            pond.ducks.append(object())
            return [pond]

        for found, _ in self.encoded(lambda: holding(Pond())):
            self.assertEqual("$[0].ducks[0]", found.path)
        for found, _ in self.encoded(lambda: holding(StockPond(STOCK_WATCHER))):
            self.assertIs(Encoded, type(found))

    def test_sizes(self) -> None:
        """
        A connection may have agreed on other sizes.
        """
        self.broker.stringLimit = 100
        for value, path in (
            (["x", "x" * 101], "$[1]"),
            ({"a": {"b": b"x" * 101}}, "$.a.b"),
            ([[1] * 100], "$[0]"),
            ([1, Toad(Frog("x" * 101))], "$[1].parts[0].parts[0]"),
            ({"x" * 101: 1}, "${key}"),
        ):
            for found, _ in self.encoded(lambda value=value: value):
                self.assertIsInstance(found, NotSendable)
                self.assertEqual(path, found.path)
                self.assertIn("100", found.fix)
        for value in ["x" * 100, b"x" * 100], [[1] * 99], [{"a": "x" * 90}] * 90:
            for found, _ in self.encoded(lambda value=value: value):
                self.assertIs(Encoded, type(found))


class PolicyTests(EncoderTestCase):
    """
    What a policy and a registry have to say is heard.
    """

    def test_policies(self) -> None:
        """
        A policy of one's own is asked for each type, as by Twisted.
        """
        asked: list[bytes] = []

        class Policy(jelly.SecurityOptions):
            def isTypeAllowed(self, typeName: Any) -> Any:
                asked.append(typeName)
                return typeName != b"builtins.set"

        self.broker.security = Policy()
        for value in [1, {"a": (2.5, None)}], [Frog(1), {3}]:
            asked.clear()
            expected = outcome(
                jelly.jelly, value, self.broker.security, None, self.broker
            )
            times = asked[:]
            for codec in CODECS:
                asked.clear()
                found = outcome(codec.Encoder(self.broker).encode, value)
                self.assertEqual(times, asked)
                if isinstance(expected, Exception):
                    self.assertIsInstance(found, jelly.InsecureJelly)
                else:
                    self.assertEqual(expected, found.sexp())

    def test_stockPolicies(self) -> None:
        """
        Stock's let all types pass, and classes of which they say so.
        """
        security = jelly.SecurityOptions()
        security.allowInstancesOf(Ordinary)
        for policy in jelly.SecurityOptions(), jelly.DummySecurityOptions(), security:
            self.broker.security = policy
            for found, _ in self.encoded(lambda: [1, {2}, Frog(3)]):
                self.assertIs(Encoded, type(found))
        ordinary = Ordinary()
        ordinary.it = [ordinary]
        expected = StockBanana().encodeValue([ordinary, ordinary], self.broker)
        for found, _ in self.encoded(lambda: [ordinary, ordinary]):
            self.assertEqual(expected, found.data)

    def test_copiers(self) -> None:
        """
        Classes that are not ours travel as their copiers say, which hear of each
        object once; even built-in ones.
        """
        heard: list[Any] = []
        part = [2]

        def toWire(it: Any) -> Any:
            heard.append(it)
            return {"it": [part, 1]}

        for kind in Ordinary, StockFrog, decimal.Decimal, set:
            self.broker.registry = registry = Registry()
            registry.registerCopier(kind, "a.tag", toWire, lambda state: state)
            value = kind()
            for found, _ in self.encoded(lambda value=value: [value, part, (value,)]):
                _list, first, second, third = found.sexp()
                self.assertEqual(b"reference", first[0])
                self.assertEqual(b"a.tag", first[2][0])
                self.assertEqual(b"dereference", second[0])
                self.assertEqual([b"tuple", [b"dereference", first[1]]], third)
            self.assertEqual([value] * len(CODECS), heard)
            heard.clear()


class Ordinary:
    """
    What travels only if somebody says so.
    """

    it: Any = None


class KnowledgeTests(EncoderTestCase):
    """
    What is known of the bytes.
    """

    def test_shared(self) -> None:
        """
        Whether they are the same for every broker, and every perspective.
        """
        for value, shared, perView in (
            ([1, {"a": None}, (), {decimal.Decimal(1)}], True, False),
            ([Frog(1), StockFrog(Frog())], True, False),
            ([Frog(Seen())], True, True),
            ([pb.Referenceable()], False, False),
            ({"a": Frog(stock.Viewable())}, False, False),
            ([self.pair.root], False, False),
            ([Toad()], False, False),
            ([Newt()], False, False),
            ([Pond()], False, False),
        ):
            for _, encoder in self.encoded(lambda value=value: value):
                self.assertEqual(shared, encoder.shared, value)
                if shared:
                    self.assertEqual(perView, encoder.perView)

    def test_cyclic(self) -> None:
        """
        Whether they may refer to what has not ended.
        """
        ring: list[Any] = []
        ring.append([ring])
        toad = Toad()
        toad.parts.append(toad)
        for value, cyclic in (
            ([1, [2]], False),
            ([Toad(1)], False),
            (ring, True),
            ([Frog(ring)], True),
            ([toad], True),
        ):
            for found, _ in self.encoded(lambda value=value: value):
                self.assertIs(cyclic, found.cyclic)

    def test_perspective(self) -> None:
        """
        Hooks are given the perspective that the broker serializes for.
        """
        self.broker.serializingPerspective = "me"
        for found, _ in self.encoded(Seen):
            self.assertEqual([b"unicode", b"me"], found.sexp()[1][1])


class ContextTests(EncoderTestCase):
    """
    The broker is told whom a value is for before the first hook is called, and
    not otherwise.
    """

    def told(self, value: Any) -> list[str]:
        """
        @return: what the broker is told while a value is encoded, the same with
            each codec.
        """
        broker, context = self.broker, ("me", b"method", (), {})
        told: list[str] = []

        def enter(given: Any) -> Any:
            told.append("enter")
            self.assertEqual(context, given)
            return type(broker).enter(broker, given)

        def leave(outer: Any) -> None:
            told.append("leave")
            type(broker).leave(broker, outer)

        each = []
        for codec in CODECS:
            with patch.multiple(broker, create=True, enter=enter, leave=leave):
                outcome(codec.Encoder(broker, context).encode, value)
            self.assertIs(None, broker.serializingPerspective)
            self.assertEqual(1, len(broker._enlisted))
            broker.withdraw()
            each.append(told[:])
            told.clear()
        self.assertEqual(each[:1] * len(each), each)
        return each[0]

    def test_withoutHooks(self) -> None:
        """
        Data have none, and Copyables whose hooks are stock's, or ours where
        nothing is called for the state.
        """
        for value in (
            7,
            [1, {"a": (True, None)}, {b"b"}],
            (StockFrog(StockFrog()), [pb.Copyable()], Frog()),
            1 << 448,
            ["\ud800", StockFrog()],
        ):
            self.assertEqual([], self.told(value))

    def test_once(self) -> None:
        """
        It is told once, and also of what cannot be sent.
        """
        for value in (
            Seen(),
            [Toad(), Seen(), Named()],
            {"a": pb.Referenceable()},
            Named(),
            Property(),
            [Own(), 1 << 448],
            [Property(1), "\ud800"],
            object(),
        ):
            self.assertEqual(["enter", "leave"], self.told(value), value)

    def test_instance(self) -> None:
        """
        A hook that is an attribute of the object is a hook.
        """
        frog = Frog()
        frog.getStateToCopy = Own().getStateToCopy  # type: ignore[method-assign]  # of another
        self.assertEqual(["enter", "leave"], self.told(frog))
        for codec in CODECS:
            sent = codec.Encoder(self.broker).encode(frog).sexp()
            self.assertEqual([b"dictionary", [[b"unicode", b"a"], 1]], sent[1])

    def test_others(self) -> None:
        """
        An object may have a hook of another class's, or of another object's.
        """

        class Eft(Frog):
            typeToCopy = "eft"

        eft, odd = Eft(1), Eft(2)
        odd.getTypeToCopy = MethodType(stock.Copyable.getTypeToCopy, odd)  # type: ignore[method-assign]  # of the instance
        odd.getStateToCopy = MethodType(stock.Copyable.getStateToCopy, eft)  # type: ignore[method-assign]
        value = [eft, odd, Eft(3)]
        broker = self.broker
        expected = jelly.jelly(value, broker.security, None, broker)
        for codec in CODECS:
            self.assertEqual(expected, codec.Encoder(broker).encode(value).sexp())
        self.assertNotEqual(expected[1][0], expected[2][0])

    def test_changed(self) -> None:
        """
        What is known of a class is found out anew after each hook.
        """
        for codec in CODECS:

            class Leaf(pb.Copyable):
                typeToCopy = "green"

            class Autumn(stock.Copyable):
                def getStateToCopy(self, leaf: Any = Leaf) -> Any:
                    leaf.typeToCopy = "red"
                    leaf.getStateToCopy = lambda _: 7
                    return []

            value = [Leaf(), Leaf(), Autumn(), Leaf(), Leaf()]
            sexp = codec.Encoder(self.broker).encode(value).sexp()
            green, red = [b"green", [b"dictionary"]], [b"red", 7]
            self.assertEqual([green, green], sexp[1:3])
            self.assertEqual([red, red], sexp[4:])

    def test_unhashable(self) -> None:
        """
        A hook may be anything that can be called.
        """
        for codec in CODECS:
            sent = codec.Encoder(self.broker).encode(Odd()).sexp()
            self.assertEqual([b"odd", [b"list", 7]], sent)


class Named(Frog):
    def getTypeToCopy(self) -> bytes:
        return b"named"


class Own(Frog):
    def getStateToCopy(self) -> Any:
        return {"a": 1}


class Property(pb.Copyable):
    copyFields = ("a", "parts")

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    @property
    def a(self) -> int:
        return 7


class _Unhashable:
    __hash__ = None  # type: ignore[assignment]  # that is it

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __call__(self, *args: Any) -> Any:
        return self.answer


class Odd(stock.Copyable):
    getTypeToCopy = _Unhashable(b"odd")
    getStateToCopy = MethodType(_Unhashable([7]), 7)
