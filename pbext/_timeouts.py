"""
How long a peer may be silent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pbext.errors import ConnectionTimedOut
from pbext.limits import Limits

__all__ = ["LAST_WORDS", "Patience"]

#: Seconds for what was written before the connection is closed to leave.
LAST_WORDS = 10


class Patience:
    """
    Watches one connection: its negotiation, each message that has begun, that
    its answers are read, and that there is anything at all.

    A call that is delayed is made anew only when it is due, and for a message
    only if it is left incomplete: what arrives whole costs nothing here.
    """

    __slots__ = ("_clock", "_due", "_giveUp", "_heard", "_limits", "_mark")

    def __init__(
        self,
        limits: Limits,
        clock: Any,
        give: Callable[[ConnectionTimedOut], object],
    ) -> None:
        """
        @param clock: an C{IReactorTime}.
        @param give: called when it is over.
        """
        self._limits = limits
        self._clock = clock
        self._giveUp = give
        self._due: dict[str, Any] = {}
        #: The number of messages when the incomplete one began.
        self._mark = 0
        self._heard = clock.seconds()
        self._start("negotiationSeconds", self._over)
        self._start("idleSeconds", self._listen)

    def _start(self, limit: str, then: Callable[[str], object]) -> None:
        seconds = getattr(self._limits, limit)
        if seconds is not None:
            self._due[limit] = self._clock.callLater(seconds, then, limit)

    def _cancel(self, limit: str) -> None:
        due = self._due.pop(limit, None)
        if due is not None and due.active():
            due.cancel()

    def _over(self, limit: str) -> None:
        del self._due[limit]
        seconds = getattr(self._limits, limit)
        self._giveUp(ConnectionTimedOut(limit=limit, seconds=seconds))

    def _listen(self, limit: str) -> None:
        seconds = getattr(self._limits, limit)
        left = self._heard + seconds - self._clock.seconds()
        if left > 0:
            self._due[limit] = self._clock.callLater(left, self._listen, limit)
        else:
            self._over(limit)

    def negotiated(self) -> None:
        """
        The negotiation is over.
        """
        self._cancel("negotiationSeconds")
        self._due = dict(self._due)  # most often none, for as long as it lasts

    def received(self, messages: int, incomplete: bool) -> None:
        """
        Some bytes have arrived.

        @param messages: how many messages by now.
        @param incomplete: whether there is the beginning of another one.
        """
        if self._limits.idleSeconds is not None:
            self._heard = self._clock.seconds()
        limit = "messageSeconds"
        if limit in self._due:
            if incomplete and messages == self._mark:
                return
            self._cancel(limit)
        if incomplete:
            self._mark = messages
            self._start(limit, self._over)

    def hold(self) -> None:
        """
        The peer does not read what it has asked for, and nothing is read of it
        until it does.  It is given as long as for a message, from now on.
        """
        self._heard = self._clock.seconds()
        self._mark = -1  # whatever has arrived of a message
        self._cancel("messageSeconds")
        self._start("messageSeconds", self._over)

    def lastWords(self, then: Callable[[], object]) -> None:
        """
        The connection is closed when what was written has left; a peer that
        does not read is not waited for.
        """
        self.stop()
        self._due["lastWords"] = self._clock.callLater(LAST_WORDS, then)

    def stop(self) -> None:
        """
        The connection is over.
        """
        for limit in list(self._due):
            self._cancel(limit)
