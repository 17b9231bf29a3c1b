"""
What is wrong with a value, on the way from where it stands to the whole.
"""

from __future__ import annotations

import attrs

from pbext.errors import NotSendable

__all__ = ["Flaw"]


class Flaw(Exception):
    """
    Part of a value cannot be sent.  Each container that this passes adds the
    step that leads to it; the last one to have it says it with L{whole}.

    @ivar steps: the steps, the innermost first.
    """

    def __init__(self, error: NotSendable) -> None:
        """
        @param error: with the path from the part that has the first step.
        """
        super().__init__()
        self._error = error
        self.steps: list[str] = []

    def whole(self) -> NotSendable:
        """
        @return: the error, with the path from the outermost container.
        """
        way = "".join(reversed(self.steps)) + self._error.path.removeprefix("$")
        return attrs.evolve(self._error, path=f"${way}")
