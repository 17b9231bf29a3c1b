"""
What the peer is told of an error, and what it says of one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import pb
from twisted.spread.flavors import RemoteCopy

from pbext._copied import CopiedFailure, RemoteError
from pbext._reports import nameOf
from pbext.errors import BadAnswer, PBExtError

__all__ = ["TAG", "failureFrom", "isDeclared", "stateOf"]

#: The tag of a failure on the wire.
TAG = b"twisted.spread.pb.CopyableFailure"

#: Characters of a traceback that are sent, where that is asked for: the last
#: ones, so that it fits into what Banana takes, whatever they are.
_TRACEBACK = 100_000

#: Characters of the name of a class that are sent; that of an error from
#: another peer is whatever that has said.
_NAME = 1000


def _lineage(failure: Failure) -> list[str]:
    """
    @return: the name of an error's class, and of all that it is derived from;
        for an error that came from another peer, the names over there.
    """
    value = failure.value
    if isinstance(failure, pb.CopiedFailure):
        copied = CopiedFailure.normalized(failure)
        return [copied.type, *copied.parents]
    names = [qual(cls) for cls in type(value).__mro__ if cls is not object]
    if isinstance(value, RemoteError):
        return [value.remoteType, *value.parents, *names]
    if isinstance(value, PBExtError) and value.stockName:
        return [value.stockName, *names]
    return names


def isDeclared(failure: Failure, declared: Iterable[type]) -> bool:
    """
    Whether the text of an error may go to the peer: that of L{pb.Error
    <twisted.spread.pb.Error>}, which is meant for it, that of pbext's own
    errors, which hold no values, and that of the classes C{declared}.  An
    error that came from another peer is judged by the names of its classes.
    """
    value = failure.value
    if isinstance(failure, pb.CopiedFailure) or isinstance(value, RemoteError):
        meant = {qual(pb.Error), *map(qual, declared)}
        return not meant.isdisjoint(_lineage(failure))
    return isinstance(value, (pb.Error, PBExtError, *declared))


def stateOf(failure: Failure, text: str | None, traceback: bool) -> dict[str, Any]:
    """
    The state of a failure on the wire, as stock's
    C{CopyableFailure.getStateToCopy} makes it, without what else may be in a
    failure's C{__dict__}.

    @param text: what is said of it, or C{None} for its own text.
    @param traceback: whether its traceback is sent.
    """
    names = (_encodable(str(name)[:_NAME]) for name in _lineage(failure))
    lineage = list(dict.fromkeys(names))
    said = "Traceback unavailable\n"  # stock's words
    if traceback:
        said = _sendable(failure.getTraceback)[-_TRACEBACK:]
    return {
        "type": lineage[0].encode("utf-8"),
        "value": _sendable(lambda: failure.value) if text is None else text,
        "parents": lineage,
        "traceback": said,
        "tb": None,
        "frames": [],
        "stack": [],
        "captureVars": False,
        "count": 0,
        "pickled": 1,
    }


def _sendable(text: Any) -> str:
    """
    @return: what C{text()} says, in characters that can be encoded.
    """
    try:
        return _encodable(str(text()))
    except BaseException as error:
        return f"(its text cannot be had: {nameOf(type(error))})"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def failureFrom(answer: Any) -> Failure:
    """
    @param answer: what the peer has sent as an error.
    @return: a failure, whatever that is.
    """
    if isinstance(answer, pb.CopiedFailure):
        return CopiedFailure.normalized(answer)
    if isinstance(answer, (Exception, RemoteCopy)):
        return Failure(answer)  # an error that is copied as such
    return Failure(BadAnswer(got=qual(type(answer))))
