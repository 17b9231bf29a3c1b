"""
What becomes of a state that arrives, without a broker.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry
from pbext._state import restoreState
from pbext.errors import PeerError, RefusedField

__all__ = ["ContractCase", "blank"]


def blank(cls: Any, state: Any) -> Any:
    """
    @return: what becomes of a state.
    """
    instance = object.__new__(cls)
    restoreState(instance, state)
    return instance


class ContractCase(SynchronousTestCase):
    def refusal(self, cls: Any, state: Any) -> Any:
        """
        @return: the error that a state ends in.
        """
        return self.assertRaises(PeerError, blank, cls, state)

    def assertRefusesField(self, cls: Any, state: Any, path: str) -> None:
        error = self.refusal(cls, state)
        self.assertIsInstance(error, RefusedField)
        self.assertEqual(path, error.path)

    def register(self, cls: Any) -> Registry:
        registry = Registry()
        registry.setUnjellyableForClass("tests.states", cls)
        return registry
