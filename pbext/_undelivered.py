"""
What is said, and to whom, of updates that do not reach an observer.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from pbext._reports import whereRaised

__all__ = ["report", "tellHook"]

_log = Logger()


def report(observer: Any, name: bytes, failure: Failure) -> None:
    """
    Say that an update could not be delivered, once, with the observer's name
    and without any value; and give it to the hook C{observerFailed(observer,
    failure)} of the Cacheable, if it has one.

    @param name: of the update.
    """
    _log.error(
        "the update {name} to {observer} failed: {what}",
        name=name.decode("utf-8", "replace"),
        observer=observer,
        what=whereRaised(failure),
    )
    tellHook("observerFailed", observer, failure)


def tellHook(hook: str, observer: Any, *args: object) -> None:
    """
    Call C{hook(observer, ...)} of the Cacheable, if it has one; if that fails,
    it is logged, and stops nobody.
    """
    told = getattr(observer.cached, hook, None)
    if told is not None:
        try:
            told(observer, *args)
        except Exception:
            _log.error(
                "the hook {hook} failed: {what}",
                hook=hook,
                what=whereRaised(Failure()),
            )
