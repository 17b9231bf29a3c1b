"""
L{pbext.wire._unjelly}: values that are in several places, or in themselves.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from twisted.spread import banana, jelly
from twisted.trial.unittest import SynchronousTestCase

from pbext._references import READERS
from pbext.wire._unjelly import Unjellier
from tests.graphs import graphs, shape


def unjelly(sexp: Any) -> Any:
    """
    @return: what our unjellier makes of a jelly.
    """
    return Unjellier(jelly.globalSecurity, None, READERS, []).unjellyFull(sexp)


class CycleTests(SynchronousTestCase):
    """
    What refers to another place.
    """

    @settings(max_examples=300, deadline=None)
    @given(graphs())
    def test_asInStock(self, value: Any) -> None:
        """
        What stock reads as it was written is read as it was written.
        """
        sexp = banana.decode(banana.encode(jelly.jelly(value)))
        try:
            expected, standIns = shape(jelly.unjelly(sexp))
        except AssertionError:
            return  # stock has tripped over a stand-in of its own
        if not standIns:
            self.assertEqual(shape(value)[0], expected)
            self.assertEqual(expected, shape(unjelly(sexp))[0])

    def test_cycles(self) -> None:
        """
        Lists and dicts in themselves, at once and by way of tuples.
        """
        ring: list[Any] = []
        ring.append(ring)
        found = unjelly(jelly.jelly(ring))
        self.assertIs(found, found[0])
        book: dict[Any, Any] = {}
        book["it"] = (book, [book])
        found = unjelly(jelly.jelly(book))
        self.assertIs(found, found["it"][0])
        self.assertIs(found, found["it"][1][0])

    def test_notThere(self) -> None:
        """
        What refers to something that is not there is no value, and neither is
        a tuple or a set that is in itself, as no program can make one: stock
        gives the program a stand-in of its own.
        """
        nothing = [b"dereference", 1]
        for sexp in (
            nothing,
            [b"list", nothing],
            [b"dictionary", [b"a", nothing]],
            [b"tuple", nothing],
            [b"set", nothing],
            [b"list", [b"reference", 2, [b"list"]], nothing],
            [b"reference", 1, nothing],
            [b"reference", 1, [b"tuple", nothing]],
            [b"list", [b"reference", 1, [b"set", nothing]]],
            [b"reference", 1, [b"tuple", [b"tuple", nothing]]],
            [b"reference", 1, [b"tuple", [b"reference", 2, [b"frozenset", nothing]]]],
        ):
            self.assertTrue(shape(jelly.unjelly(sexp))[1])
            self.assertRaises(LookupError, unjelly, sexp)

    def test_twice(self) -> None:
        """
        Two values with one number are no value.
        """
        one = [b"reference", 1, [b"list"]]
        self.assertRaises(LookupError, unjelly, [b"list", one, one])
