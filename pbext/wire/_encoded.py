"""
Jelly in its bytes.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Encoded"]


class Encoded:
    """
    One value, as jelly says it and Banana writes it, which can be put into a
    message as it is.

    @ivar data: exactly one expression of Banana's, in which the words of PB may
        be numbers, as in the dialect C{pb}.
    @ivar cyclic: whether a C{dereference} in it may stand before the end of its
        C{reference}.
    """

    __slots__ = ("cyclic", "data")

    # As the lists that it stands for, it cannot be a key: a peer that sends one
    # in the place of a number has sent no number.
    __hash__ = None  # type: ignore[assignment]  # this is how Python says so

    def __init__(self, data: bytes, cyclic: bool = False) -> None:
        self.data = data
        self.cyclic = cyclic

    def sexp(self) -> Any:
        """
        @return: the same in nested lists, fresh ones, as stock PB has it.
        """
        from pbext.wire._codec import decodeTokens  # which knows of this class

        return decodeTokens(self.data)
