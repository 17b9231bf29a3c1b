"""
Parts of a message, which may be jelly in its bytes or in nested lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pbext.wire._encoded import Encoded

__all__ = ["inLists", "listsOf", "takesBytes"]

_F = TypeVar("_F", bound=Callable[..., Any])


def listsOf(part: Any) -> Any:
    """
    @return: a part in nested lists, as stock PB has it.
    """
    return part.sexp() if type(part) is Encoded else part


def takesBytes(method: _F) -> _F:
    """
    Mark a C{remoteMessageReceived} of ours: it does nothing with the arguments
    but hand them to the broker, and so may be given them in bytes.
    """
    method.takesBytes = True  # type: ignore[attr-defined]  # of a function
    return method


def inLists(receive: Callable[..., Any]) -> Callable[..., Any]:
    """
    @param receive: takes a broker, a message and its arguments.
    @return: what does the same with arguments in bytes; for a method that a
        program has written, they are nested lists, as in stock PB.
    """
    if getattr(receive, "takesBytes", False):
        return receive
    return lambda broker, message, args, kw: receive(
        broker, message, listsOf(args), listsOf(kw)
    )
