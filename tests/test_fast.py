"""
C{pbext.wire._fast}: what it reads from bytes is what L{Unjellier} reads from
lists, and so is what it refuses.  The other parts of it are tested beside their
like in Python, in L{tests.test_codec}.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.persisted.crefutil import NotKnown
from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, pb
from pbext._references import READERS
from pbext.errors import PeerError, RefusedField
from pbext.wire._budget import UNLIMITED
from pbext.wire._encoded import Encoded
from tests.codecs import StockBanana
from tests.graphs import graphs

try:
    from pbext.wire import _fast
except ImportError:
    _fast = None  # type: ignore[assignment]  # it was not built

TAG = b"tests.test_fast."


class Plain(stock.RemoteCopy):
    """
    Stock's.
    """


class Loose(pb.RemoteCopy):
    """
    One that declares nothing.
    """


class Declared(pb.RemoteCopy):
    """
    One that refuses what is no number.
    """

    number: int


class Late(pb.RemoteCopy):
    """
    One that is told when the message is read.
    """

    def postUnjelly(self) -> None:
        self.told = True


class Abstract(stock.RemoteCopy, metaclass=abc.ABCMeta):
    """
    One whose class is of a class of its own.
    """


class Made(Plain):
    """
    One with a way of its own to be made.
    """

    def __new__(cls) -> Any:
        made = super().__new__(cls)
        made.new = True
        return made


class Own(stock.RemoteCopy):
    """
    One that reads its jelly itself.
    """

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        self.parts = [unjellier.unjelly(part) for part in jellyList[1:]]
        return self


class Skipping(stock.RemoteCopy):
    """
    One that does not read all of its jelly, nor in order.
    """

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        self.parts = [unjellier.unjelly(part) for part in jellyList[:0:-2]]
        return self


class Changing(stock.RemoteCopy):
    """
    One that changes its jelly, and refuses.
    """

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        del jellyList[2:]
        for part in jellyList[1:]:
            unjellier.unjelly(part)
        raise RefusedField(field="x", expected="y", got="z")


def made(state: Any) -> Any:
    return ["made", state]


CLASSES = {
    cls.__name__: cls for cls in (Plain, Loose, Declared, Late, Abstract, Made, Own)
}
ODD = {cls.__name__: cls for cls in (Skipping, Changing)}


def registry() -> Registry:
    found = Registry()
    for name, cls in {**CLASSES, **ODD}.items():
        found.setUnjellyableForClass(TAG + name.encode(), cls)
    found.setUnjellyableFactoryForClass(TAG + b"made", made)
    return found


class Asked(jelly.SecurityOptions):
    """
    A policy that keeps what it was asked, and allows no sets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.allowBasicTypes()
        self.words: list[Any] = []

    def isTypeAllowed(self, typeName: Any) -> bool:
        self.words.append(typeName)
        return typeName != b"set" and bool(super().isTypeAllowed(typeName))


class Broker:
    """
    As much of one as reading takes.
    """

    unserializingPerspective = None
    namedReferences = False

    def __init__(self) -> None:
        self.locallyCachedObjects: dict[int, Any] = {}
        self.remotelyCachedObjects: dict[int, Any] = {}
        self.localObjects: dict[int, Any] = {}

    def sendDecRef(self, luid: Any) -> None:
        """
        Nobody is told.
        """


def picture(value: Any) -> list[Any]:
    """
    @return: what is the same for values that are alike, and whose parts are the
        same as each other in the same places.
    """
    seen: dict[int, int] = {}
    parts: list[Any] = []
    stack = [value]
    while stack:
        part = stack.pop()
        kind = type(part)
        inner: list[Any] = []
        if kind in (list, tuple):
            inner = list(part)
        elif kind is dict:
            inner = [*part, *part.values()]
        elif kind.__module__ == __name__:
            inner = [*vars(part), *vars(part).values()]
        elif isinstance(part, (NotKnown, stock.RemoteReference)):
            part = None
        else:
            members = part if kind in (set, frozenset) else [part]
            texts = [re.sub("0x[0-9a-f]+", "", repr(member)) for member in members]
            part = " ".join(sorted(texts))
        if not inner or part == ():
            parts.append((kind, part if isinstance(part, str) else len(inner)))
        elif id(part) in seen:
            parts.append(seen[id(part)])
        else:
            seen[id(part)] = len(seen)
            parts.append((kind, len(inner)))
            stack += inner
    return parts


#: By name, what says what may be read.
RULES: dict[str, Any] = {
    "registry": lambda: (jelly.SecurityOptions(), registry().readers),
    "stock's policy": lambda: (jelly.globalSecurity, None),
    "a policy that allows little": lambda: (jelly.SecurityOptions(), None),
    "a policy of one's own": lambda: (Asked(), None),
}


class FastTestCase(SynchronousTestCase):
    if _fast is None:
        skip = "there is no compiled codec here"

    def setUp(self) -> None:
        for name, cls in {**CLASSES, **ODD}.items():
            self.patchTable(jelly.unjellyableRegistry, name, cls)
        self.patchTable(jelly.unjellyableFactoryRegistry, "made", made)

    def patchTable(self, table: Any, name: str, target: Any) -> None:
        tag = TAG + name.encode()
        table[tag] = target
        self.addCleanup(table.pop, tag)

    def parts(self, data: bytes) -> Iterator[Encoded]:
        """
        The values in a message, if it is one.
        """
        decoder = _fast.Decoder(UNLIMITED)
        decoder.vocabulary = True
        decoder.feed(data)
        try:
            message = decoder.next()
        except PeerError:
            return
        for part in message if type(message) is list else []:
            if type(part) is Encoded:
                yield part

    def outcome(self, rule: str, value: Any) -> Any:
        """
        All that comes of reading a value, in lists or in bytes.
        """
        policy, readers = RULES[rule]()
        taken: list[Any] = []
        try:
            if type(value) is Encoded:
                # Not in lists, be it cyclic.
                value = Encoded(value.data)
            came = picture(_fast.read(value, policy, Broker(), READERS, taken, readers))
        except PeerError as error:
            where, error.where = error.where, None
            came = type(error), str(error), where
        except Exception as error:
            came = type(error), [a for a in error.args if type(a) is bytes]
        return came, taken, getattr(policy, "words", None)

    def assertAgree(self, part: Encoded, rules: Any = RULES) -> None:
        for rule in rules:
            self.assertEqual(
                self.outcome(rule, part.sexp()),
                self.outcome(rule, part),
                (rule, part.data),
            )


_tags = st.sampled_from([*CLASSES, "made", "unknown"])


@st.composite
def expressions(draw: Any, tags: Any = _tags) -> Any:
    """
    Jelly in lists: values, and, in the places of some, objects.
    """
    sexp = jelly.jelly(draw(graphs()), jelly.DummySecurityOptions(), None, None)
    lists = [sexp]
    for inner in lists:
        if type(inner) is not list:
            continue
        lists += inner
        if draw(st.integers(0, 5)):
            continue
        # An object is put around what was there: a list, or bytes.
        copy = list(inner)
        kind = draw(st.integers(0, 4))
        if kind == 0:
            inner[:] = [draw(st.sampled_from([b"remote", b"cached", b"local"])), 7]
        elif kind == 1:
            inner[:] = [TAG + draw(tags).encode(), 5, copy]
        else:
            state = draw(st.sampled_from(["dictionary", "number", "as it was"]))
            if state == "number":
                copy = [b"dictionary", [[b"unicode", b"number"], 7]]
            elif state == "dictionary":
                copy = [b"dictionary", [[b"unicode", b"number"], copy], [b"b", 1]]
            inner[:] = [TAG + draw(tags).encode(), copy]
        lists.pop()
    return sexp


class ReadTests(FastTestCase):
    """
    Values from bytes.
    """

    @settings(max_examples=150, deadline=None)
    @given(expressions(), st.booleans())
    def test_expressions(self, sexp: Any, vocabulary: bool) -> None:
        """
        Whatever stands in a message, by whatever rules it is read.
        """
        for part in self.parts(StockBanana(vocabulary).encode([sexp])):
            self.assertAgree(part)

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_mutated(self, data: Any) -> None:
        """
        Bytes in which some are not what they were.
        """
        message = bytearray(StockBanana().encode([data.draw(expressions())]))
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(2, len(message) - 1))
            message[place] = data.draw(st.integers(0, 255) | st.integers(0x80, 0x87))
        for part in self.parts(bytes(message)):
            self.assertAgree(part)

    @settings(max_examples=50, deadline=None)
    @given(expressions(st.sampled_from([*CLASSES, *ODD])))
    def test_oddHooks(self, sexp: Any) -> None:
        """
        Classes that read their jelly out of order, in part, or change it.
        """
        for part in self.parts(StockBanana().encode([sexp])):
            self.assertAgree(part, ["registry"])

    def test_malformed(self) -> None:
        """
        What is no jelly is refused with the same error.
        """
        text, none = [b"unicode", b"a"], [b"None"]
        for sexp in (
            [],
            [[]],
            [5],
            [1.5, 2],
            [b"no such word"],
            [b"unicode"],
            [b"unicode", 5],
            [b"unicode", b"\xff"],
            [b"unicode", b"a" * 200 + b"\xff"],
            [b"unicode", none],
            [b"unicode", b"list"],
            [b"unicode", b"a", b"b"],
            [b"unicode", "é".encode() * 100],
            [b"None", none, [b"no such word"]],
            [b"boolean"],
            [b"boolean", b"yes"],
            [b"boolean", b"true", 5],
            [b"boolean", 1],
            [b"date", b"2020 1 x"],
            [b"date", b" 2020  01 1_0 "],
            [b"date", b"2020 1 1 1 1"],
            [b"datetime", b"1 2 3 4 5 6 7 8 9"],
            [b"time", 5],
            [b"time", b"1 2 3"],
            [b"time", b"25"],
            [b"timedelta", b"1"],
            [b"timedelta", b"1 2 3"],
            [b"timedelta", b"9999999999 2 3"],
            [b"decimal", 5],
            [b"decimal", 5, -2],
            [b"decimal", text, -2],
            [b"dictionary", 5],
            [b"dictionary", b"ab"],
            [b"dictionary", b"abc"],
            [b"dictionary", [1]],
            [b"dictionary", [1, 2, 3]],
            [b"dictionary", [text, 2], [text, 3]],
            [b"dictionary", [[b"list"], 3]],
            [b"dictionary", [b"reference", 1], [b"dereference", 1]],
            [b"set", [b"list"]],
            [b"frozenset", text, text],
            [b"set", [b"dereference", 1], [b"reference", 1, text]],
            [b"reference"],
            [b"reference", 1],
            [b"reference", 1, none],
            [b"reference", 1, 5],
            [b"reference", none, text],
            [b"reference", b"a", text],
            [b"list", [b"reference", 1, text], [b"reference", 1, text]],
            [b"list", [b"reference", 1, text], [b"dereference", 1.0]],
            [b"list", [b"reference", 1, text], [b"dereference", 1, 2]],
            [b"list", [b"reference", 2**80, text], [b"dereference", 2**80]],
            [b"list", [b"dereference", [b"list"]]],
            [b"list", [b"dereference"]],
            [b"tuple", [b"dereference", 1], [b"reference", 1, [b"list", text]]],
            [b"reference", 1, [b"tuple", [b"list", [b"dereference", 1]], text]],
            [b"reference", 1, [b"list", [b"tuple", [b"dereference", 1], text]]],
            [b"dictionary", [[b"dereference", 1], [b"reference", 1, text]]],
            [b"dictionary", [[b"reference", 1, text], [b"dereference", 1]]],
            [b"dictionary", [text, [b"dereference", 1]], [1, [b"reference", 1, text]]],
            [b"class", b"os.system"],
            [b"persistent", 5],
            [b"unpersistable", b"why"],
            [b"remote"],
            [b"remote", 5],
            [b"remote", b"root"],
            [b"list", [b"remote", 5], [b"remote", 5]],
            [TAG + b"Plain"],
            [TAG + b"Plain", none],
            [TAG + b"Plain", 5],
            [TAG + b"Plain", [b"dictionary", [b"a", 1], [text, 2], [5, 6]]],
            [TAG + b"Plain", [b"dictionary", [b"\xff", 1]]],
            [TAG + b"Plain", [b"dictionary", [b"a", 1]], [b"no such word"]],
            [TAG + b"Plain", [b"reference", 1, [b"dictionary", [text, none]]]],
            [TAG + b"Own", [b"list"], 5, text],
            [TAG + b"made"],
            [TAG + b"made", 5],
            [TAG + b"made", 5, text],
            [TAG + b"Late", [b"dictionary"]],
            [TAG + b"Made", [b"dictionary", [b"a", 1]]],
            [TAG + b"Abstract", [b"dictionary", [text, none]]],
        ):
            for outer in (sexp, [b"list", 1, sexp, [b"dictionary", [text, sexp]]]):
                for part in self.parts(StockBanana().encode([outer])):
                    self.assertAgree(part)

    def test_sameTag(self) -> None:
        """
        The second object of a class has to be one as much as the first: with
        nothing but its tag, or with a number as well, it is none.
        """
        for name in (*CLASSES, "made"):
            tag = TAG + name.encode()
            whole: list[Any] = [tag, [b"dictionary", [[b"unicode", b"a"], 1]]]
            state = whole[1]
            odds = [tag], [*whole, 7], [tag, 7, state], [tag, state, state]
            for odd in odds:
                for sexp in ([b"list", whole, odd], [b"list", whole, odd, whole]):
                    for part in self.parts(StockBanana().encode([sexp])):
                        self.assertAgree(part)

    def test_shared(self) -> None:
        """
        A state that is referred to from elsewhere is not the object's own.
        """
        state = [b"reference", 1, [b"dictionary", [[b"unicode", b"a"], [b"list"]]]]
        sexp = [b"list", [TAG + b"Plain", state], [b"dereference", 1]]
        [part] = self.parts(StockBanana().encode([sexp]))
        self.assertAgree(part)
        readers = registry().readers
        copy, other = _fast.read(part, None, Broker(), READERS, [], readers)
        self.assertEqual(vars(copy), other)
        self.assertIsNot(vars(copy), other)

    def test_places(self) -> None:
        """
        The innermost object that refuses its state is where the error is, in
        one that reads its jelly itself as well.
        """
        bad = [TAG + b"Declared", [b"dictionary", [[b"unicode", b"number"], b"x"]]]
        text = [b"unicode", b"a"]
        for sexp, path in (
            (bad, "$"),
            ([b"list", 5, [b"dictionary", [text, bad]]], "$[1].a"),
            ([TAG + b"Own", [b"list", text, [b"tuple", text, bad]]], "$[1][1]"),
            ([b"tuple", [TAG + b"Own", text, [b"list", bad]]], "$[0][0]"),
            ([b"list", [TAG + b"Plain", [b"dictionary", [text, bad]]]], "$[0].a"),
            ([b"reference", 1, [b"list", bad]], "$[0]"),
        ):
            [part] = self.parts(StockBanana().encode([sexp]))
            self.assertAgree(part)
            came, _taken, _words = self.outcome("registry", part)
            self.assertEqual((RefusedField, (path, bad[0])), (came[0], came[2]))

    def test_deep(self) -> None:
        """
        More depth than there is stack for is an error, and no crash.
        """
        data = b"\x02\x80\x08\x87" * 200_000 + b"\x05\x81"
        terms = None, Broker(), READERS, [], registry().readers
        self.assertRaises(RecursionError, _fast.read, Encoded(data), *terms)

    def test_cut(self) -> None:
        """
        Bytes that are no whole expression are an error, wherever they end.
        """
        sexp = [b"list", 2**70, 1.5, b"abc", [b"unicode", b"abc"], [b"set", 1]]
        sexp += [[TAG + b"Plain", [b"dictionary", [[b"unicode", b"abc"], [b"None"]]]]]
        data = StockBanana().encode(sexp)
        for end in range(len(data)):
            terms = None, Broker(), READERS, [], registry().readers
            self.assertRaises(PeerError, _fast.read, Encoded(data[:end]), *terms)
            self.assertRaises(PeerError, _fast.decodeTokens, data[:end])
