"""
L{pbext.wire._jelly}: where something stands in a message, and what in it
could not be sent.
"""

from __future__ import annotations

import decimal
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.spread import banana, jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.errors import NotSendable
from pbext.testing import connectedPair
from pbext.wire._jelly import ATOMS, checkSendable, findTag, pathTo

#: As in L{banana}: bytes of a string, items of a list.
LIMIT = banana.SIZE_LIMIT


def jellied(value: object) -> Any:
    return jelly.jelly(value, jelly.globalSecurity, None, None)


class Pond(pb.Copyable):
    typeToCopy = "test_jelly_paths.Pond"

    def __init__(self, content: object) -> None:
        self.content = content


class DuckPond(pb.Cacheable):
    typeToCopy = "test_jelly_paths.DuckPond"

    def __init__(self, ducks: object) -> None:
        self.ducks = ducks


def onWire(value: object) -> Any:
    """
    As a broker jellies the arguments of a call.
    """
    with connectedPair(pb.Root()) as pair:
        # Stock's, which finds nothing wrong with what cannot be sent.
        return stock.Broker.serialize(pair.client, (value,))


class AtomTests(SynchronousTestCase):
    """
    What is a word of jelly's, and what a tag.
    """

    def test_atoms(self) -> None:
        """
        Each word that Twisted's unjellier knows is among them, and so is each
        that the flavors register; the class of a failure is a tag.
        """
        known = {
            name.removeprefix("_unjelly_").encode()
            for name in dir(jelly._Unjellier)
            if name.startswith("_unjelly_")
        }
        flavors = {b"remote", b"local", b"cached", b"lcache"}
        self.assertEqual(ATOMS, known | flavors)
        for flavor in flavors:
            self.assertIn(flavor, jelly.unjellyableRegistry)


class FindTagTests(SynchronousTestCase):
    """
    Where a tag stands.
    """

    def find(self, value: object, *refused: bytes) -> Any:
        return findTag(onWire(value), lambda tag: not refused or tag in refused)

    def test_places(self) -> None:
        """
        Through everything that can hold something.
        """
        tag = b"test_jelly_paths.Pond"
        pond = Pond(None)
        for value, path in (
            (pond, "$[0]"),
            ([0, pond], "$[0][1]"),
            ((0, pond), "$[0][1]"),
            ({pond}, "$[0][0]"),
            (frozenset([pond]), "$[0][0]"),
            ({"a": [pond]}, "$[0].a[0]"),
            ({b"a": pond}, "$[0].a"),
            ({-3: pond}, "$[0][-3]"),
            ({(1, 2): pond}, "$[0][...]"),
            ({pond: 1}, "$[0]{key}"),
        ):
            self.assertEqual(self.find(value), (tag, path))

    def test_insideObjects(self) -> None:
        """
        Through copies and caches, by the names of their fields.
        """
        inner = b"test_jelly_paths.Pond"
        self.assertEqual(
            self.find(DuckPond([Pond(1)]), inner), (inner, "$[0].ducks[0]")
        )

        class Other(Pond):
            typeToCopy = "test_jelly_paths.Other"

        self.assertEqual(self.find(Other(Pond(1)), inner), (inner, "$[0].content"))

    def test_reference(self) -> None:
        """
        What is sent twice is where it was first.
        """
        shared = [Pond(1)]
        found = self.find([shared, shared])
        self.assertEqual(found, (b"test_jelly_paths.Pond", "$[0][0][0]"))

    def test_none(self) -> None:
        """
        There may be none: strings that look like one are no tags.
        """
        for value in 1, "pond.Pond", [b"pond.Pond"], {"pond.Pond": b"pond.Pond"}:
            self.assertIsNone(self.find(value))

    def test_odd(self) -> None:
        """
        A jelly that no jellier has made, with lists where none belong or empty
        ones, is walked all the same.
        """
        tag = b"pond.Pond"
        for sexp in (
            [],
            [[]],
            [b"dictionary", []],
            [b"dictionary", [1], [1, 2, 3], b"a", 7],
            [b"reference"],
            [b"reference", 1],
            [b"list", []],
            [7, 8],
        ):
            self.assertIsNone(findTag(sexp, lambda tag: True))
        self.assertEqual(findTag([[tag, 1]], lambda t: True), None)
        self.assertEqual(findTag([tag], lambda t: True), (tag, "$"))
        self.assertEqual(findTag([7, [tag]], lambda t: True), (tag, "$"))

    def test_deep(self) -> None:
        """
        However deep, for a peer decides how deep.
        """
        sexp: list[Any] = [b"pond.Pond"]
        for _ in range(50_000):
            sexp = [b"list", sexp]
        tag, path = findTag(sexp, lambda tag: True) or (b"", "")
        self.assertEqual((tag, len(path)), (b"pond.Pond", len("$") + 3 * 50_000))


class PathToTests(SynchronousTestCase):
    """
    Where a part stands.
    """

    def test_part(self) -> None:
        """
        It is the very list that is looked for, not one that is equal to it.
        """
        part: list[Any] = [b"list"]
        sexp = [b"list", [b"list"], [b"dictionary", [b"a", [b"pond.Pond", part]]]]
        self.assertEqual("$[1].a", pathTo(sexp, part))
        self.assertEqual("$[0]", pathTo(sexp, sexp[1]))
        self.assertEqual("$", pathTo(sexp, sexp))

    def test_none(self) -> None:
        """
        What does not stand anywhere is said of the whole.
        """
        self.assertEqual("$", pathTo([b"list", [b"list"], 7, ()], [b"list"]))


class CheckSendableTests(SynchronousTestCase):
    """
    What cannot be sent is found, with its path, before anything is.
    """

    def flaw(self, value: object) -> NotSendable:
        return self.assertRaises(NotSendable, checkSendable, onWire(value))

    def test_sendable(self) -> None:
        """
        What can be sent is let through.
        """
        for value in (
            None,
            True,
            1.5,
            b"bytes",
            "text",
            [1, (2, {3}, frozenset([4]))],
            {"a": {b"b": [None]}},
            decimal.Decimal("1.5"),
            Pond([Pond(1)]),
            DuckPond(["one"]),
            pb.Root(),
            2**448 - 1,
            -(2**448) + 1,
            b"x" * LIMIT,
            [b"unpersistable", "why"],
            {b"unpersistable": b"unicode", b"unicode": 7, b"function": 8},
            {(b"unpersistable",): 1},
            [b"unicode"],
        ):
            checkSendable(onWire(value))

    def test_unpersistable(self) -> None:
        """
        An object that is nothing to Perspective Broker: the path, its class,
        and what to do.
        """
        for value, path in (
            (object(), "$[0]"),
            ([1, object()], "$[0][1]"),
            ({"a": (object(),)}, "$[0].a[0]"),
            ({object(): 1}, "$[0]{key}"),
            ({(1, object()): 1}, "$[0]{key}[1]"),
            (Pond([object()]), "$[0].content[0]"),
            (DuckPond({"a": object()}), "$[0].ducks.a"),
            ([[Pond(1)], Pond(Pond({1: object()}))], "$[0][1].content.content[1]"),
        ):
            error = self.flaw(value)
            self.assertEqual(error.path, path)
            self.assertIn("builtins.object", error.got)
            self.assertIn("pb.Copyable", error.fix)

    def test_shared(self) -> None:
        """
        In what is sent twice, where it stands first.
        """
        shared = ["a", object()]
        self.assertEqual(self.flaw([shared, shared]).path, "$[0][0][1]")

    def test_code(self) -> None:
        """
        Functions, methods and modules, which jelly has words for.
        """
        for value, got in (
            (self.flaw, "a method"),
            (jellied, "a function"),
            (os, "a module"),
        ):
            error = self.flaw({"a": value})
            self.assertEqual((error.path, error.got), ("$[0].a", got))

    def test_tags(self) -> None:
        """
        A tag that is no bytes, as of C{getTypeToCopyFor}; without its text.
        """

        class Unnamed(pb.Copyable):
            def getTypeToCopyFor(self, perspective: Any) -> Any:
                return "pond"

        error = self.flaw({"a": Unnamed()})
        self.assertEqual(
            (error.path, error.got, error.fix),
            ("$[0].a", "a tag that is a str", "a tag has to be bytes"),
        )

    def test_integers(self) -> None:
        """
        Integers that Banana has no room for.
        """
        for value in 2**448, -(2**448):
            error = self.flaw([value])
            self.assertEqual(error.path, "$[0][0]")
            self.assertIn("448 bits", error.got)

    def test_sizes(self) -> None:
        """
        Strings and lists above Banana's limit: how large, and how large they
        may be.
        """
        for value, got in (
            (b"x" * (LIMIT + 1), f"{LIMIT + 1} bytes"),
            ("x" * (LIMIT + 1), f"a str of {LIMIT + 1} bytes"),
            ("é" * (LIMIT // 2 + 1), f"a str of {LIMIT + 2} bytes"),
            ([1] * LIMIT, f"{LIMIT + 1} items"),
            (dict.fromkeys(range(LIMIT)), f"{LIMIT + 1} items"),
        ):
            error = self.flaw({"a": value})
            self.assertEqual((error.path, error.got), ("$[0].a", got))
            self.assertIn(str(LIMIT), error.fix)

    def test_decimals(self) -> None:
        """
        A decimal that is no number.
        """
        error = self.flaw([decimal.Decimal("Infinity")])
        self.assertEqual((error.path, error.got), ("$[0][0]", "a decimal"))

    def test_wrongTag(self) -> None:
        """
        An object whose tag is not bytes.
        """

        class Mistaken(Pond):
            def getTypeToCopy(self) -> Any:
                return "pond"

        self.assertEqual(self.flaw([Mistaken(1)]).path, "$[0][0]")

    def test_noValue(self) -> None:
        """
        The error says nothing of the value but its type.
        """

        class Secret:
            def __repr__(self) -> str:
                return "my password"

        text = str(self.flaw(Secret()))
        self.assertNotIn("password", text)
        self.assertIn("Secret", text)

    @settings(max_examples=60, deadline=None)
    @given(
        st.recursive(
            st.integers() | st.text() | st.binary() | st.sampled_from([*ATOMS]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.binary() | st.sampled_from([*ATOMS]), inner, max_size=3
                )
            ),
            max_leaves=8,
        ),
        st.booleans(),
    )
    def test_agreesWithBanana(self, value: object, spoil: bool) -> None:
        """
        Whatever is let through can be encoded and comes out as it went in; and
        whatever holds what cannot be sent is not let through, even among bytes
        that look like jelly's own words.
        """
        sexp = onWire([value, object()] if spoil else [value])
        if spoil:
            error = self.assertRaises(NotSendable, checkSendable, sexp)
            self.assertEqual(error.path, "$[0][1]")
        else:
            checkSendable(sexp)
            decoded = banana.decode(banana.encode(sexp))
            self.assertEqual(jelly.unjelly(decoded), ([value],))

    def test_stockObservers(self) -> None:
        """
        A reference of Twisted's is sendable: it is not looked into.
        """
        checkSendable(onWire([stock.Referenceable(), stock.Root()]))
