"""
A log that a peer cannot fill.
"""

from __future__ import annotations

from typing import Any

import attrs

from twisted.logger import Logger

from pbext.limits import Limits

__all__ = ["PeerLog"]

_log = Logger(namespace="pbext")


@attrs.define(eq=False)
class _Window:
    """
    @ivar until: when it ends.
    @ivar events: how many there were in it.
    @ivar closing: counts, when it ends, what was left out.
    """

    until: float
    events: int = 0
    closing: Any = None


class PeerLog:
    """
    Says which events because of a peer are logged: the first few in a while.
    One for each factory, so that a peer gets no more by connecting anew.
    """

    #: Of so many peers the number of events is known; a peer has one address,
    #: but may have a network full of them.
    PEERS = 1000

    def __init__(self, limits: Limits, clock: Any) -> None:
        """
        @param limits: say how many are logged.
        @param clock: an C{IReactorTime}.
        """
        self._lines = limits.logLines
        self._seconds = limits.logSeconds
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def allows(self, peer: str) -> bool:
        """
        Count an event.

        @return: whether to log it.
        """
        now = self._clock.seconds()
        window = self._windows.get(peer)
        if window is None or window.until <= now:
            self._makeRoom(now)
            window = self._windows[peer] = _Window(now + self._seconds)
        window.events += 1
        if window.events <= self._lines:
            return True
        if window.closing is None:
            window.closing = self._clock.callLater(
                window.until - now, self._close, peer, window
            )
        return False

    def _makeRoom(self, now: float) -> None:
        if len(self._windows) < self.PEERS:
            return
        over = [peer for peer, w in self._windows.items() if w.until <= now]
        for peer in over or [next(iter(self._windows))]:
            window = self._windows[peer]
            if window.closing is not None:
                window.closing.cancel()
                self._close(peer, window)
            else:
                del self._windows[peer]

    def _close(self, peer: str, window: _Window) -> None:
        if self._windows.get(peer) is window:
            del self._windows[peer]
        self._count(peer, window)

    def _count(self, peer: str, window: _Window) -> None:
        window.closing = None
        _log.warn(
            "{count} more events because of {peer} in {seconds} s are not in this log",
            count=window.events - self._lines,
            peer=peer,
            seconds=self._seconds,
        )

    def stop(self) -> None:
        """
        Count what was left out so far.  The windows stay: the factory of a
        client stops whenever its connection is lost.
        """
        for peer, window in list(self._windows.items()):
            if window.closing is not None:
                window.closing.cancel()
                self._count(peer, window)
                window.events = self._lines
