"""
What is said of errors: under which name, in which words, and of which nothing.
"""

from __future__ import annotations

import traceback
from typing import Any

from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.pb import DeadReferenceError, PBConnectionLost

from pbext.errors import PBExtError

__all__ = ["nameOf", "swallowDeadReference", "whereRaised"]


def nameOf(errorType: type | str | bytes) -> str:
    """
    @return: the full name of a class, which may be given as its name.
    """
    if isinstance(errorType, type):
        return qual(errorType)
    if isinstance(errorType, bytes):
        return errorType.decode("utf-8", "replace")
    return errorType


class _SwallowDeadReference:
    """
    An errback for a call that may find its peer gone:
    C{observer.callRemote(...).addErrback(swallowDeadReference)}.  It ends
    C{DeadReferenceError} and C{PBConnectionLost} and lets all else through,
    also an error of those names that the peer itself reports.

    @ivar swallowed: how many it has ended, in this process.
    """

    swallowed = 0

    def __call__(self, failure: Failure) -> Failure | None:
        # By the value, not by Failure.check: a CopiedFailure, whose value is
        # a str, is the peer's own trouble and no dead link of ours.
        if isinstance(failure.value, (DeadReferenceError, PBConnectionLost)):
            self.swallowed += 1
            return None
        return failure


swallowDeadReference = _SwallowDeadReference()


def whereRaised(failure: Failure) -> str:
    """
    Say what failed and where, without the exception's text, which may hold
    values that must not reach a log.

    @return: for example C{"builtins.KeyError at pond.py:33 in addDuck"}; for
        an error of pbext, which holds none, its text as well.
    """
    kind: Any = failure.type
    text = nameOf(kind)
    if not isinstance(kind, type):
        return text  # a CopiedFailure
    if issubclass(kind, PBExtError):
        text += f" ({failure.value})"
    frames = traceback.extract_tb(failure.getTracebackObject())
    if frames:
        text += f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}"
    return text
