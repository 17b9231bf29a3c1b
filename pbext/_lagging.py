"""
What becomes of updates for an observer whose peer does not read.

What its transport cannot take is kept in memory, up to a mark,
L{Limits.laggingBytes<pbext.limits.Limits>}.  Above it the observer I{lags}: it is
sent no more updates until all that waits has left.  What that means is for
the class of what it observes to say, in C{whenLagging}:

    - C{"disconnect"}, the default: the connection is closed at once.  Who has
      missed an update is not right any more, and so the peer knows.
    - C{"conflate"}: once all has left, the observer is sent one update that
      stands for those it has missed: what C{getUpdateToConflateFor(perspective)}
      returns by then, as C{(name, args, kw)}.
    - C{"drop"}: those it has missed are lost, and counted; the next one is sent
      as before.

A hook C{observerLagging(observer)} of the object is called when it begins.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.python.failure import Failure
from twisted.python.reflect import qual

from pbext._fields import choiceOf
from pbext._reports import swallowDeadReference
from pbext._undelivered import report, tellHook
from pbext.errors import BadDeclaration, DeadReference, Lagging
from pbext.interfaces import IConnection
from pbext.wire._broadcast import Message

__all__ = ["beginLagging", "endLagging", "whenLagging"]

#: Named as C{getStateToCopyFor} is: what is asked for, what to do with it, and
#: for whom.
_HOOK = "getUpdateToConflateFor"

_PARTS: tuple[Any, ...] = ((str, bytes), tuple, dict)
_SAID = "has to return a name, a tuple of arguments and a dict of keyword arguments"


def whenLagging(cls: type) -> str:
    """
    @return: what a class says in C{whenLagging}.
    @raise BadDeclaration: if there is no such thing, or the class lacks what
        it takes.
    """
    choice = choiceOf(cls, "whenLagging", tuple(_BEGIN))
    if choice == "conflate" and not callable(getattr(cls, _HOOK, None)):
        raise BadDeclaration(
            className=qual(cls),
            attribute="whenLagging",
            why=f"is 'conflate': give the class a method {_HOOK}(self, perspective) "
            "that returns the name, the arguments (a tuple) and the keyword arguments "
            "(a dict) of one update that stands for all that was missed",
        )
    return choice


def beginLagging(observer: Any) -> None:
    """
    An observer misses an update, and had missed none.
    """
    _BEGIN[whenLagging(type(observer.cached))](observer)
    tellHook("observerLagging", observer)


def _disconnect(observer: Any) -> None:
    broker = observer.broker
    observer.retire()
    error = Lagging(laggingBytes=broker.limits.laggingBytes)
    IConnection(broker).giveUp(error)


def _wait(observer: Any) -> None:
    observer.broker.whenDrained(observer.catchUp)


_BEGIN: dict[str, Callable[[Any], None]] = {
    "disconnect": _disconnect,
    "conflate": _wait,
    "drop": _wait,
}


def endLagging(observer: Any) -> bool:
    """
    All has left that an observer was sent: make up for what it has missed.  If
    that cannot be, tell its cache that it is stale, and be done with it.

    @return: whether one update was sent for all that it has missed.
    """
    cached = observer.cached
    if whenLagging(type(cached)) != "conflate":
        return False
    try:
        said = getattr(cached, _HOOK)(observer.perspective)
        if not _isUpdate(said):  # a list of arguments would be many of them
            raise BadDeclaration(
                className=qual(type(cached)), attribute=_HOOK, why=_SAID
            )
        name, args, kw = said
        observer.send(Message(name, args, kw, False))
    except Exception:
        failure = Failure()
        if swallowDeadReference(failure) is not None:
            report(observer, b"that stands for those it has missed", failure)
            with suppress(DeadReference):
                observer.send(Message("invalidate", (), {}, False))
            observer.retire()
        return False
    return True


def _isUpdate(said: Any) -> bool:
    if not (isinstance(said, tuple) and len(said) == len(_PARTS)):
        return False
    return all(isinstance(part, kind) for part, kind in zip(said, _PARTS, strict=True))
