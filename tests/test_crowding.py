"""
L{pbext.wire._crowding}: keys that are in each other's way; each test with every
codec that there is.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.spread import jelly
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._references import READERS
from pbext.errors import LimitReached
from pbext.limits import Limits
from tests.bombs import colliding
from tests.codecs import CODECS, StockBanana, outcome


class Duck(pb.Copyable, pb.RemoteCopy):
    def __hash__(self) -> int:
        return 7


pb.setUnjellyableForClass(Duck, Duck)


class Receiver:
    """
    What stands in the place of a broker.
    """

    limits = Limits()


def read(sexp: Any) -> list[Any]:
    """
    @return: what each codec reads of a jelly, or ends in.
    """
    data = StockBanana().encode(sexp)
    found = []
    for codec in CODECS:
        terms = jelly.globalSecurity, Receiver(), READERS, [], None
        found.append(outcome(codec.value, data, *terms))
    return found


class CrowdingTests(SynchronousTestCase):
    """
    They are refused before they have cost much, and nothing else is.
    """

    if sys.hash_info.width != 64 or sys.implementation.name != "cpython":
        skip = "hashes are others here"

    def assertRefused(self, sexp: Any) -> None:
        for found in read(sexp):
            self.assertIs(LimitReached, type(found))
            self.assertEqual("keyCollisions", found.limit)

    def test_refused(self) -> None:
        """
        In dicts and sets.
        """
        keys = [(a, b) for a, b in colliding(1000)]
        self.assertEqual(1, len({hash(key) for key in keys}))
        for value in dict.fromkeys(keys), set(keys), frozenset(keys):
            self.assertRefused(jelly.jelly([value]))

    def test_late(self) -> None:
        """
        Also where one of them, or part of each, is known only when that is which
        they are in.
        """
        keys = [[b"tuple", a, b] for a, b in colliding(1000)]
        duck = [b"dereference", 1]
        for held in (
            [b"set", *keys, duck],
            [b"frozenset", duck, *keys],
            [b"set", *[[*key, duck] for key in keys]],
            [b"dictionary", *[[key, duck] for key in keys]],
        ):
            state = [b"dictionary", [[b"unicode", b"held"], held]]
            tag = f"{__name__}.Duck".encode()
            self.assertRefused([b"reference", 1, [tag, state]])

    def test_unknown(self) -> None:
        """
        A key that is given only later, by its value, is none.
        """
        pairs = [
            [[b"dereference", number], [b"reference", number, [b"tuple", a, b]]]
            for number, (a, b) in enumerate(colliding(100))
        ]
        for found in read([b"dictionary", *pairs]):
            self.assertIsInstance(found, LookupError)

    def test_few(self) -> None:
        """
        What happens to have one hash is nothing special.
        """
        keys = [(a, b) for a, b in colliding(30)]
        for value in (
            dict.fromkeys([*keys, *range(90)]),
            set(keys),
            {(x, y) for x in range(-20, 20) for y in range(-20, 20)},
            {str(n): n for n in range(2000)} | {b"%d" % n: n for n in range(2000)},
            dict.fromkeys(n * 1.5 for n in range(2000)),
            {n << 40 for n in range(3000)},
        ):
            for found in read(jelly.jelly(value)):
                self.assertEqual(value, found)
