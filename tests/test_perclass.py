"""
L{pbext._perclass}: what is kept of classes.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pbext._perclass import PerClass


class Alike(type):
    """
    Of classes that are all equal, and cannot be hashed.
    """

    def __eq__(cls, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class PerClassTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.asked: list[str] = []
        self.names = PerClass(self.find)

    def find(self, cls: type) -> str:
        self.asked.append(cls.__name__)
        if cls is int:
            raise ValueError("not this one")
        return cls.__name__

    def test_once(self) -> None:
        """
        It is found out once a class, until it is forgotten.
        """
        for _ in range(3):
            self.assertEqual("str", self.names.of(str))
            self.assertEqual("list", self.names.of(list))
        self.assertEqual(["str", "list"], self.asked)
        self.names.forget(str)
        self.assertNotIn(str, self.names)
        self.assertIn(list, self.names)
        self.assertEqual("str", self.names.of(str))
        self.assertEqual(["str", "list", "str"], self.asked)

    def test_fails(self) -> None:
        """
        An error is not kept.
        """
        for _ in range(2):
            self.assertRaises(ValueError, self.names.of, int)
        self.assertEqual(["int", "int"], self.asked)
        self.assertNotIn(int, self.names)

    def test_kept(self) -> None:
        """
        What is known already need not be found out.
        """
        self.names.keep(str, "text")
        self.names.keep(str, "string")
        self.assertEqual("string", self.names.of(str))
        self.assertEqual([], self.asked)

    def test_metaclass(self) -> None:
        """
        Whatever classes say of their equality.
        """
        one, two = Alike("One", (), {}), Alike("Two", (), {})
        self.assertEqual(["One", "Two"], [self.names.of(cls) for cls in (one, two)])

    def test_gone(self) -> None:
        """
        It goes with the class: another one may get its id.
        """
        for n in range(3):
            cls: Any = type(f"Passing{n}", (), {})
            self.assertEqual(f"Passing{n}", self.names.of(cls))
            gone = weakref.ref(cls)
            del cls
            gc.collect()
            self.assertIsNone(gone())
        self.assertEqual(({}, {}), (self.names._found, self.names._classes))
