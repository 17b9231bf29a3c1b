"""
Pagers, fed: a L{twisted.spread.util.Pager} sends something large in pages.

Twisted's broker registers itself with the transport for them.  There may be
one producer only, and that is the outlet, so here it is the one to ask.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from pbext._backlog import PIECE
from pbext._outlet import Outlet

__all__ = ["Pages"]

_log = Logger(namespace="pbext")

#: A transport that is never full is given so many bytes of pages in a turn of
#: the reactor, which leaves the others theirs.
_IN_A_TURN = 8 * PIECE

#: Seconds until pagers that had no page twice are asked again.
_NOTHING_YET = 0.05


class Pages:
    """
    The pagers of one connection.  As long as the peer reads, each sends a page
    in turn.
    """

    def __init__(
        self, outlet: Outlet, clock: Any, failed: Callable[[], object]
    ) -> None:
        """
        @param clock: an C{IReactorTime}.
        @param failed: called if a pager has failed, with its error logged: its
            collector would wait for ever.
        """
        self._outlet = outlet
        self._clock = clock
        self._failed = failed
        self._pagers: deque[Any] = deque()
        self._feeding = False
        self._due: Any = None
        self._hadNone = False

    def add(self, pager: Any) -> None:
        """
        Feed a pager from now on until it is done.

        @raise Exception: what its first page fails with.
        """
        if not self._pagers and not self._feeding and not self._outlet.paused:
            self._send(pager)  # its first page goes at once, as in stock
        else:
            self._pagers.append(pager)
        self._feed()

    def _send(self, pager: Any) -> bool:
        """
        Let a pager send a page, and ask it whether there are more.

        @return: whether it has sent anything.
        """
        written = self._outlet.written
        pager.sendNextPage()
        if pager.stillPaging():
            self._pagers.append(pager)
        return self._outlet.written > written

    def _feed(self) -> None:
        if self._feeding:
            return
        self._feeding = True
        try:
            sent = self._sendPages()
        except Exception:
            _log.failure("a pager has failed")
            self.stop()
            self._failed()
            return
        finally:
            self._feeding = False
        self._wait(sent)

    def _sendPages(self) -> bool:
        """
        @return: whether anything was sent.
        """
        outlet = self._outlet
        start = outlet.written
        idle = 0
        while self._pagers and not outlet.paused:
            idle = 0 if self._send(self._pagers.popleft()) else idle + 1
            if idle >= len(self._pagers) or outlet.written - start > _IN_A_TURN:
                break
        return outlet.written > start

    def _wait(self, sent: bool) -> None:
        """
        Go on when there may be more to send.
        """
        self._dontWait()
        if not self._pagers:
            return
        if self._outlet.paused:
            self._outlet.whenDrained(self._feed)
        else:
            # One that is just being made has its first page soon.
            later = _NOTHING_YET if self._hadNone and not sent else 0
            self._due = self._clock.callLater(later, self._feed)
            self._outlet.whenAsked(self._feed)
        self._hadNone = not sent

    def _dontWait(self) -> None:
        self._outlet.dontWait(self._feed)
        self._outlet.dontAsk()
        due, self._due = self._due, None
        if due is not None and due.active():
            due.cancel()

    def stop(self) -> None:
        """
        The connection is lost.
        """
        self._pagers.clear()
        self._dontWait()
