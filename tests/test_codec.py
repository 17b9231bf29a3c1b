"""
L{pbext.wire}: what stock PB writes, byte by byte, and what it reads; each test
with every codec that there is.
"""

from __future__ import annotations

import importlib.util
import os
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.python.failure import Failure
from twisted.spread import banana, jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._references import READERS
from pbext.errors import BadMessage
from pbext.wire import _codec
from pbext.wire._budget import UNLIMITED
from pbext.wire._encoded import Encoded
from tests.codecs import CODECS, StockBanana, cut, lists, outcome
from tests.graphs import graphs, shape
from tests.ponds import STOCK_WATCHER, Pond, PondTestCase, StockPond

_places = st.lists(st.integers(0, 10_000), max_size=6)


class Frog(pb.Copyable):
    typeToCopy = "tests.test_codec.Frog"

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


class StockFrog(stock.Copyable):
    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


class Toad(jelly.Jellyable):
    """
    What is jellied by Twisted's own hook, which is no copy's.
    """

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


class Newt(StockFrog):
    """
    What has a hook of its own, that jellies as it likes, and makes no note of
    what it was.
    """

    def jellyFor(self, jellier: Any) -> Any:
        return [b"newt", jellier.jelly(self.parts), (b"list", [b"None"], 7)]


class Seen(StockFrog):
    """
    What is another thing for each perspective.
    """

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return [perspective, self.parts]


KINDS = [Frog, StockFrog, Toad, Newt, Seen]


@st.composite
def objects(draw: Any, plain: list[Any]) -> Any:
    """
    Objects of all kinds in each other, among data.

    @param plain: objects that have nothing in them.
    """
    made = [kind() for kind in draw(st.lists(st.sampled_from(KINDS), max_size=5))]
    parts = graphs() | st.sampled_from([*made, *plain])
    for thing in made:
        thing.parts += draw(st.lists(parts, max_size=3))
    return [*made, *draw(st.lists(parts, max_size=3))]


class EncoderAgreementTests(PondTestCase):
    """
    What stock writes, we do.
    """

    def setUp(self) -> None:
        self.connect(1)
        one = pb.Referenceable()
        self.plain = [
            one,
            stock.Referenceable(),
            pb.ViewPoint(one, one),
            stock.Viewable(),
            self.pair.root,
            {one: 1},
            frozenset([one, self.pair.root]),
        ]

    def assertAgrees(self, value: Any) -> None:
        """
        All write the same bytes, in both dialects.
        """
        broker: Any = self.pair.client
        expected = StockBanana().encodeValue(value, broker)
        plain = StockBanana(vocabulary=False).encodeValue(value, broker)
        for codec in CODECS:
            encoded = codec.Encoder(broker).encode(value)
            self.assertIs(Encoded, type(encoded))
            self.assertEqual(expected, encoded.data, codec.name)
            written = codec.encodeTokens(encoded, False, banana.SIZE_LIMIT)
            self.assertEqual(plain, written, codec.name)

    @settings(max_examples=60, deadline=None)
    @given(graphs())
    def test_values(self, value: Any) -> None:
        """
        Of data, in several places and in itself.
        """
        self.assertAgrees(value)

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_objects(self, data: Any) -> None:
        """
        Of objects of all kinds, with hooks or without, in each other.
        """
        self.assertAgrees(data.draw(objects(self.plain)))

    def test_numbers(self) -> None:
        """
        Of numbers of all sizes, and what looks like them.
        """
        sizes = [0, 1, 7, 14, 30, 31, 32, 60, 61, 63, 64, 447]
        near = [sign * 2**n + d for n in sizes for d in (-1, 0, 1) for sign in (1, -1)]
        for value in [*near, 2**448 - 1, 1 - 2**448, True, 1.0, -0.0, float("nan")]:
            self.assertAgrees([value, {value: value}])

    def test_sizes(self) -> None:
        """
        Of strings and containers of all sizes.
        """
        for size in 0, 1, 2, 126, 127, 128, 2000:
            for value in (b"a" * size, "a" * size, "\xe9" * size, [0] * size):
                self.assertAgrees(value if type(value) is list else [value, {value: 1}])
            self.assertAgrees([tuple(range(size)), dict.fromkeys(range(size))])
            self.assertAgrees([set(range(size)), frozenset(range(size))])

    def test_words(self) -> None:
        """
        Of data that look like words, as bytes and as str.
        """
        for word in banana.Banana.outgoingVocabulary:
            text = word.decode()
            self.assertAgrees([word, text, {word: text, text: word}, {text}])

    def test_caches(self) -> None:
        """
        Of Cacheables that the peer has, and of those that it gave.
        """
        for pond in (Pond(), StockPond(STOCK_WATCHER)):
            self.pair.result(self.pair.root.callRemote("take", "it", pond))
            self.assertAgrees([pond, {"a": pond}, Frog(pond), [pond]])

    def test_failures(self) -> None:
        """
        Of failures.
        """
        failure = stock.CopyableFailure(Failure(ValueError("no")))
        failure.unsafeTracebacks = False
        self.assertAgrees([failure, failure])

    def test_shared(self) -> None:
        """
        Of what an object with a hook has in common with what is outside of it,
        before and after; also the empty tuple, of which there is one.
        """
        part: list[Any] = [1]
        for kind in KINDS:
            frog = kind(part, ())
            part.append(frog)
            for value in (
                [part, frog, part, frog],
                [frog, part, (), frog.parts],
                {"a": frog, "b": {"c": (part, frog)}},
                [vars(frog), frog],
                [frog, vars(frog)],
            ):
                self.assertAgrees(value)


class DecoderAgreementTests(SynchronousTestCase):
    """
    What stock reads, we do, whatever the chunks.
    """

    def assertAgrees(
        self, data: bytes, places: list[int], vocabulary: bool = True
    ) -> list[Any]:
        """
        @return: what arrives.
        """
        chunks = cut(data, places)
        expected = StockBanana(vocabulary).decode(chunks)
        for codec in CODECS:
            for pieces in chunks, [data], [bytes([byte]) for byte in data]:
                arrived = codec.decode(pieces, vocabulary=vocabulary)
                if expected and isinstance(expected[-1], Exception):
                    self.assertIsInstance(arrived[-1], BadMessage, codec.name)
                    self.assertEqual(repr(expected[:-1]), repr(arrived[:-1]))
                else:
                    # By what it looks like: no number is not itself.
                    self.assertEqual(repr(expected), repr(arrived), codec.name)
        return expected

    @settings(max_examples=60, deadline=None)
    @given(graphs(), graphs(), _places, st.booleans())
    def test_values(
        self, one: Any, two: Any, places: list[int], vocabulary: bool
    ) -> None:
        """
        Of values, several in a row.
        """
        stocks = StockBanana(vocabulary)
        data = b"".join(stocks.encode(jelly.jelly(value)) for value in (one, two, one))
        self.assertEqual(3, len(self.assertAgrees(data, places, vocabulary)))

    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(
            st.one_of(
                st.sampled_from(
                    [
                        b"\x02\x80\x02\x80\x07\x82unicode",
                        b"\x02\x80\x07\x82unicode\x01\x82a",
                        b"\x02\x00\x80\x07\x82unicode\x01\x82a",
                        b"\x02\x00\x80\x02\x00\x80\x07\x82unicode\x01\x82a",
                        b"\x02\x80\x02\x00\x80\x07\x82unicode",
                        b"\x02\x80\x07\x82boolean",
                        b"\x02\x80\x07\x82booleen\x04\x82true",
                        b"\x04\x82true",
                        b"\x01\x80\x01\x87",
                        b"\x02\x81",
                        b"\x00\x01\x83",
                        b"\x84" + struct.pack("!d", 1.5),
                        b"\x03\x80\x04\x87",
                    ]
                ),
                st.sampled_from([*range(0x80, 0x89), *range(6), 0x7F]).map(
                    lambda byte: bytes([byte])
                ),
                st.binary(max_size=3),
            ),
            max_size=14,
        ).map(b"".join),
        _places,
        st.booleans(),
    )
    def test_junk(self, data: bytes, places: list[int], vocabulary: bool) -> None:
        """
        Of bytes of all kinds, up to where they are wrong.
        """
        self.assertAgrees(data, places, vocabulary)

    def test_incomplete(self) -> None:
        """
        Nothing arrives before its end, and how much there is of it is known.
        """
        value = [
            b"a",
            [b"unicode", b"abc"],
            1.5,
            [[b"unicode", b"a"], 2**70],
            b"x" * 99,
        ]
        data = StockBanana().encode(value)
        for codec in CODECS:
            decoder = codec.Decoder(UNLIMITED)
            decoder.vocabulary = True
            for _ in range(2):
                self.assertEqual(0, decoder.pending)
                for place in range(len(data) - 1):
                    decoder.feed(data[place : place + 1])
                    self.assertIs(None, decoder.next())
                    self.assertIs(None, decoder.next())
                    self.assertEqual(place + 1, decoder.pending)
                decoder.feed(data[-1:])
                self.assertEqual(value, lists(decoder.next()))
                self.assertIs(None, decoder.next())

    def test_dialect(self) -> None:
        """
        What has been read may change how the rest is read.
        """
        data = b"\x02\x82pb" + b"\x01\x87"
        for codec in CODECS:
            decoder = codec.Decoder(UNLIMITED)
            self.assertFalse(decoder.vocabulary)
            decoder.feed(data)
            self.assertEqual(b"pb", decoder.next())
            decoder.vocabulary = True
            self.assertEqual(b"None", decoder.next())
            decoder.vocabulary = False
            decoder.feed(b"\x01\x87")
            self.assertRaises(BadMessage, decoder.next)

    def test_prefixes(self) -> None:
        """
        64 digits are as many as there may be.
        """
        for digits in 1, 2, 9, 10, 63, 64, 65, 100:
            for byte in b"\x81\x83\x85\x86":
                self.assertAgrees(b"\x7f" * digits + bytes([byte]), [])
                self.assertAgrees(b"\x00" * digits + bytes([byte]), [])
        for codec in CODECS:
            # One too many is too many, whatever comes next.
            self.assertEqual([], codec.decode([b"\x00" * 64]))
            [error] = codec.decode([b"\x00" * 65])
            self.assertIsInstance(error, BadMessage)

    def test_sizes(self) -> None:
        """
        Strings and lists are as long as is agreed.
        """
        limit = banana.SIZE_LIMIT
        data = StockBanana().encode(b"x" * limit)
        self.assertEqual(1, len(self.assertAgrees(data, [7])[0:1]))
        for kind in b"\x80\x82":
            long = StockBanana().encode(limit + 1)[:-1] + bytes([kind])
            self.assertAgrees(long, [])
        for codec in CODECS:
            for size in 3, 20, 200:
                decoder = codec.Decoder(UNLIMITED)
                decoder.stringLimit = size
                for value in b"x" * size, [7] * size:
                    decoder.feed(StockBanana(vocabulary=False).encode(value))
                    self.assertEqual(value, lists(decoder.next()))
                for value in (
                    b"x" * (size + 1),
                    [7] * (size + 1),
                    [[b"unicode", b"x" * max(size + 1, 8)]],
                ):
                    decoder = codec.Decoder(UNLIMITED)
                    decoder.stringLimit = size
                    decoder.feed(StockBanana(vocabulary=False).encode(value))
                    self.assertRaises(BadMessage, decoder.next)

    def test_manyChunks(self) -> None:
        """
        Long strings arrive in any number of chunks.
        """
        long = StockBanana().encode([b"x" * 100_000] * 2)
        for codec in CODECS:
            [message] = codec.decode(cut(long, range(0, len(long), 10)))
            self.assertEqual([b"x" * 100_000] * 2, message)

    def test_own(self) -> None:
        """
        What is encoded is given back as its lists, fresh ones.
        """
        sexp = [b"list", [b"unicode", b"a"], [[]], -(2**40), 1.5, b"remote"]
        encoded = Encoded(StockBanana().encode(sexp))
        self.assertEqual(sexp, encoded.sexp())
        self.assertIsNot(encoded.sexp()[1], encoded.sexp()[1])
        self.assertFalse(encoded.cyclic)


class ValueTests(SynchronousTestCase):
    """
    What is read of what was written is what it was.
    """

    @settings(max_examples=60, deadline=None)
    @given(graphs())
    def test_values(self, value: Any) -> None:
        """
        The same, all over, with the same parts in the same places; as Twisted
        reads it, where that has no stand-ins of its own in it.
        """
        data = StockBanana().encode(jelly.jelly(value))
        [stocks] = StockBanana().decode([data])
        expected = outcome(jelly.unjelly, stocks)
        if isinstance(expected, AssertionError) or shape(expected)[1]:
            return
        self.assertEqual(shape(value)[0], shape(expected)[0])
        for codec in CODECS:
            found = codec.value(data, jelly.globalSecurity, None, READERS, [], None)
            self.assertEqual(shape(expected)[0], shape(found)[0], codec.name)


class TokenTests(SynchronousTestCase):
    """
    Expressions of Banana's, parts of which may be in bytes.
    """

    @settings(max_examples=60, deadline=None)
    @given(
        st.recursive(
            st.integers(-(2**448) + 1, 2**448 - 1)
            | st.floats()
            | st.binary(max_size=200)
            | st.sampled_from(sorted(banana.Banana.outgoingVocabulary)),
            lambda inner: st.lists(inner, max_size=4) | st.lists(inner).map(tuple),
            max_leaves=10,
        ),
        st.booleans(),
    )
    def test_asInStock(self, sexp: Any, vocabulary: bool) -> None:
        """
        They are written as Banana writes them, with parts in bytes or without.
        """
        stocks = StockBanana(vocabulary)
        expected = stocks.encode([b"message", 1, sexp, [sexp]])
        encoded = Encoded(StockBanana().encode(sexp))
        for codec in CODECS:
            for message in (
                [b"message", 1, sexp, [sexp]],
                (b"message", 1, encoded, [encoded]),
            ):
                written = codec.encodeTokens(message, vocabulary, banana.SIZE_LIMIT)
                self.assertEqual(expected, written, codec.name)

    def test_refused(self) -> None:
        """
        What Banana does not take, and what is too long.
        """
        for codec in CODECS:
            for sexp in (
                None,
                "text",
                [b"a", None],
                2**448,
                -(2**448),
                b"x" * 11,
                [1] * 11,
                (1,) * 11,
                [[b"x" * 11]],
            ):
                self.assertRaises(
                    banana.BananaError, codec.encodeTokens, sexp, True, 10
                )
            self.assertEqual(b"\x0a\x82", codec.encodeTokens(b"x" * 10, True, 10)[:2])


class ChoiceTests(SynchronousTestCase):
    """
    Which codec a process uses.
    """

    def chosen(self) -> Any:
        """
        @return: L{_codec}, as it is if it is imported now.
        """
        spec: Any = importlib.util.find_spec(_codec.__name__)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_pure(self) -> None:
        """
        The pure one, if that is asked for.
        """
        self.patch(os, "environ", {**os.environ, "PBEXT_PURE": "1"})
        codec = self.chosen()
        self.assertEqual("pure Python", codec.CODEC)
        self.assertIs(CODECS[0].Encoder, codec.Encoder)
        self.assertIs(CODECS[0].read, codec.read)

    def test_best(self) -> None:
        """
        The last of those that there are, otherwise.
        """
        self.patch(os, "environ", {})
        codec = self.chosen()
        self.assertEqual(CODECS[-1].name, codec.CODEC)
        self.assertIs(CODECS[-1].Decoder, codec.Decoder)
