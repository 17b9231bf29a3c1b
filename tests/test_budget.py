"""
L{pbext.wire._budget}: what one message may cost, counted as it arrives; each
test with every codec that there is.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.spread import jelly
from twisted.trial.unittest import SynchronousTestCase

from pbext.errors import LimitReached
from pbext.limits import Limits
from pbext.wire._budget import UNLIMITED, Budget
from tests.codecs import CODECS, StockBanana, cut
from tests.graphs import graphs
from tests.raw import nested

#: By the field of a budget: the limit that it comes from.
NAMES = {field.name: field.name for field in attrs.fields(Budget)} | {
    "messageBytes": "maxMessageBytes"
}

_MODULUS = sys.hash_info.modulus
_KEYED = (b"set", b"frozenset")


class Measure:
    """
    What an expression comes to, from its lists, in the words of L{Budget}.

    @ivar costs: by the fields of a budget, all but the bytes.
    """

    def __init__(self, sexp: Any) -> None:
        self.costs: Counter[str] = Counter()
        self._references: dict[Any, tuple[int, int]] = {}
        size, _ = self._walk(sexp, 1, False, False)
        self.costs["expandedItems"] = size

    def _walk(
        self, value: Any, depth: int, inKey: bool, inDict: bool
    ) -> tuple[int, int]:
        """
        @return: the items of a value, expanded, and its large integers.
        """
        self.costs["items"] += 1
        if not isinstance(value, list):
            large = int(isinstance(value, int) and abs(value) >= _MODULUS)
            self.costs["keyIntegers"] += large if inKey else 0
            return 1, large
        self.costs["depth"] = max(self.costs["depth"], depth)
        size, integers = 1, 0
        # A pair of a dictionary begins with a key, which is no word.
        word = value[0] if value and not inDict else None
        for index, part in enumerate(value):
            isKey = index > 0 and word in _KEYED or inDict and index == 0
            found = self._walk(
                part, depth + 1, inKey or isKey, index > 0 and word == b"dictionary"
            )
            size, integers = size + found[0], integers + found[1]
            if index == 2 and len(value) == 3 and word == b"reference":
                self._refer(value[1], found)
        if len(value) == 2 and word == b"dereference" and not inDict:
            found = self._found(value[1])
            size, integers = size + found[0], integers + found[1]
            if inKey:
                self.costs["keyItems"] += found[0]
                self.costs["keyIntegers"] += found[1]
        return size, integers

    def _refer(self, number: Any, found: tuple[int, int]) -> None:
        if not isinstance(number, list):
            self._references[number] = found

    def _found(self, number: Any) -> tuple[int, int]:
        if isinstance(number, list):
            return 1, 0
        return self._references.get(number, (1, 0))


_large = st.sampled_from(
    [0, 7, _MODULUS - 1, _MODULUS, -_MODULUS, -_MODULUS + 1, 2**80]
)
_numbers = st.integers(1, 3)

#: Jelly that no jellier makes, but all of which counts.
_jellies = st.recursive(
    _large | st.binary(max_size=2) | st.just([b"None"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: [b"set", *items]),
        st.lists(inner, max_size=3).map(lambda items: [b"frozenset", *items]),
        st.lists(inner, max_size=3).map(lambda items: [b"tuple", *items]),
        st.lists(st.lists(inner, max_size=3), max_size=3).map(
            lambda pairs: [b"dictionary", *pairs]
        ),
        st.builds(lambda n, value: [b"reference", n, value], _numbers, inner),
        st.builds(lambda n: [b"dereference", n], _numbers | inner),
        st.builds(lambda n: [b"dictionary", [b"dereference", n]], _numbers),
        st.builds(lambda value, key: [b"dictionary", [key, value]], inner, inner),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


class BudgetTests(SynchronousTestCase):
    """
    All of it is enforced.
    """

    def limited(self, data: bytes, field: str, limit: int) -> None:
        """
        Up to a limit, a message arrives, and again; one below that it does not,
        for which the limit is named.
        """
        for codec in CODECS:
            for chunks in [data, data], cut(data * 2, range(0, len(data) * 2, 3)):
                enough = attrs.evolve(UNLIMITED, **{field: limit})
                arrived = codec.decode(chunks, enough)
                self.assertEqual(2, len(arrived), (codec.name, field, arrived))
                self.assertNotIsInstance(arrived[-1], Exception)
                less = attrs.evolve(UNLIMITED, **{field: limit - 1})
                [error] = codec.decode(chunks, less)
                self.assertIsInstance(error, LimitReached, (codec.name, field))
                self.assertEqual(
                    (NAMES[field], limit - 1), (error.limit, error.value), codec.name
                )

    def assertCounted(self, sexp: Any, vocabulary: bool = True) -> None:
        """
        All of an expression counts as it should.
        """
        data = StockBanana(vocabulary).encode(sexp)
        costs = Measure(sexp).costs
        for field in NAMES:
            limit = len(data) if field == "messageBytes" else costs[field]
            if limit:
                self.limited(data, field, limit)

    @settings(max_examples=100, deadline=None)
    @given(_jellies, st.booleans())
    def test_jellies(self, sexp: Any, vocabulary: bool) -> None:
        """
        Of whatever a peer may send, with words as numbers or as strings.
        """
        self.assertCounted([b"answer", 1, sexp], vocabulary)

    @settings(max_examples=30, deadline=None)
    @given(graphs())
    def test_values(self, value: Any) -> None:
        """
        Of values.
        """
        self.assertCounted(jelly.jelly([value, {"a": value}]))

    def test_pairs(self) -> None:
        """
        A key that happens to be a word that refers is none.
        """
        shared = [b"reference", 1, [b"tuple", *range(50)]]
        for word in b"reference", b"dereference":
            self.assertCounted([b"list", shared, [b"dictionary", [word, 1]]])
        [counted] = CODECS[0].decode(
            [StockBanana().encode([shared, [b"dictionary", [b"dereference", 1]]])],
            Budget(expandedItems=70),
        )
        self.assertNotIsInstance(counted, Exception)

    def test_expanded(self) -> None:
        """
        What refers to what refers to something counts as all that, so a few
        hundred bytes can be too much.
        """
        sexp: Any = [b"tuple"]
        for number in range(1, 60):
            sexp = [b"tuple", [b"reference", number, sexp], [b"dereference", number]]
        self.assertGreater(Measure(sexp).costs["expandedItems"], 2**59)
        for vocabulary in True, False:
            data = StockBanana(vocabulary).encode(sexp)
            self.refused("expandedItems", data)

    def test_hashed(self) -> None:
        """
        Much less is too much where it has to be hashed.
        """
        sexp: Any = [b"tuple"]
        for number in range(1, 18):
            sexp = [b"tuple", [b"reference", number, sexp], [b"dereference", number]]
        for keyed in (
            [b"dictionary", [sexp, 1]],
            [b"dictionary", [[b"frozenset", [b"list", sexp]], 1]],
            [b"set", sexp],
            [b"frozenset", 1, sexp],
        ):
            for vocabulary in True, False:
                data = StockBanana(vocabulary).encode([b"list", keyed])
                self.refused("keyItems", data)
        unkeyed = [b"dictionary", [1, sexp]]
        for codec in CODECS:
            [found] = codec.decode([StockBanana().encode(unkeyed)], Budget.of(Limits()))
            self.assertEqual(unkeyed, found)

    def test_keyIntegers(self) -> None:
        """
        Integers that may have the same hash are counted where they are hashed,
        also within decimals, and through references.
        """
        many = [number * _MODULUS for number in range(1001)]
        pairs = [[number, [b"None"]] for number in many]
        decimals = [[b"decimal", number, 0] for number in many]
        shared = [b"reference", 1, [b"tuple", *many[:11]]]
        for keyed in (
            [b"dictionary", *pairs, [_MODULUS, 0]],
            [b"set", *many, _MODULUS],
            [b"frozenset", *decimals, _MODULUS],
            [b"list", shared, [b"set", *[[b"tuple", [b"dereference", 1], 1]] * 101]],
        ):
            message = [b"answer", 1, keyed]
            self.refused("keyIntegers", StockBanana().encode(message))

    def refused(self, name: str, data: bytes) -> None:
        """
        It is too much by the limits as they are.
        """
        for codec in CODECS:
            [error] = codec.decode([data], Budget.of(Limits()))
            self.assertEqual(name, getattr(error, "limit", "none"), codec.name)

    def test_announced(self) -> None:
        """
        What is announced counts before it is there, and nothing is made for it.
        """
        for codec in CODECS:
            few = Budget(items=1000)
            [error] = codec.decode([b"\x01\x80\x67\x07\x80"], few)
            self.assertEqual("items", error.limit)
            [error] = codec.decode([b"\x7f\x80" * 9], few)
            self.assertEqual("items", error.limit)
            [error] = codec.decode([b"\x02\x80\x10\x10\x82x"], Budget(messageBytes=99))
            self.assertEqual("maxMessageBytes", error.limit)

    def test_bytes(self) -> None:
        """
        Bytes are those of a message, not of what else is in a chunk; and of one
        that has not come to its end.
        """
        one = StockBanana().encode([b"x" * 50, 1])
        for codec in CODECS:
            budget = Budget(messageBytes=len(one))
            for chunks in [one * 9], cut(one * 9, range(0, 999, 7)):
                self.assertEqual(9, len(codec.decode(chunks, budget)))
            self.assertEqual([], codec.decode([b"\x01\x80" * 27], budget))
            [error] = codec.decode([b"\x01\x80" * 29], budget)
            self.assertEqual("maxMessageBytes", error.limit)

    def test_depth(self) -> None:
        """
        As deep as is allowed, and, however deep, no deeper.
        """
        for codec in CODECS:
            budget = Budget.of(Limits(depth=400))
            deep = b"\x01\x80" * 400
            self.assertEqual(1, len(codec.decode([deep + b"\x00\x81"], budget)))
            for last in b"\x00\x80", b"\x01\x80", b"\x01\x80\x01\x87":
                [error] = codec.decode([deep + last], budget)
                self.assertEqual(("depth", 400), (error.limit, error.value))
            text = StockBanana().encode(nested(397, b"list"))
            self.assertEqual(1, len(codec.decode([text], budget)))
            [error] = codec.decode([b"\x01\x80" * 100_000], budget)
            self.assertEqual("depth", error.limit)

    def test_ordinary(self) -> None:
        """
        What is sent every day is far below the limits as they are.
        """
        book = {(n, str(n)): [n * 2**50, {"a": n, "b": (n,)}] for n in range(2000)}
        data = StockBanana().encode(jelly.jelly([book, book, set(book)]))
        for codec in CODECS:
            [found] = codec.decode([data], Budget.of(Limits()))
            self.assertNotIsInstance(found, Exception)

    def test_eachMessage(self) -> None:
        """
        What was spent on a message is not counted in the next one.
        """
        part = [b"reference", 1, [b"tuple", *range(30), 2**70]]
        one = StockBanana().encode(
            [b"list", part, [b"set", [b"dereference", 1], 2**70, 3]]
        )
        costs = Measure(StockBanana().decode([one])[0]).costs
        budget = Budget(messageBytes=len(one), **costs)
        for codec in CODECS:
            arrived = codec.decode([one * 5], budget)
            self.assertEqual([list] * 5, [type(each) for each in arrived])
