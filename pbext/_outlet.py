"""
What leaves a connection: the one place through which a broker writes.

A transport takes whatever it is given and keeps what its peer does not read.
It says so only to a producer, and over TLS a connection that has a producer
does not close.  So the outlet is one now and then: for each 64 KiB that it
writes it asks whether the transport keeps up.  If it does not, what is
written from then on waits here, where it is counted, and where one can see
whether any of it leaves.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from zope.interface import implementer

from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.logger import Logger
from twisted.python.reflect import qual

from pbext._backlog import PIECE, Backlog, isTooMuch
from pbext._turn import Turn
from pbext.limits import Limits

__all__ = ["Outlet", "Owner"]

_log = Logger(namespace="pbext")

#: So many bytes are written between two questions: as many as a transport of
#: Twisted's keeps before it says that it is full
#: (C{twisted.internet.abstract.FileDescriptor.bufferSize}).
_PROBE = 2**16

#: Seconds for which TLS is asked: it gathers what is written in a turn of the
#: reactor, and knows only then; and if it is told meanwhile to close, and has no
#: producer any more, it forgets that
#: (C{twisted.protocols.tls.BufferingTLSTransport}).
_LATER = 0.01

#: The modules whose C{Server} and C{Client} are sockets and nothing else.
_SOCKETS = frozenset({"twisted.internet.tcp", "twisted.internet.unix"})


class Owner(Protocol):
    """
    Who is told how it goes.
    """

    def unreadReached(self) -> object:
        """
        More answers wait than may: the outlet is L{full<Outlet.full>}.
        """

    def unreadMoved(self) -> object:
        """
        Some of what waits has left, and with it the outlet may have ceased to
        be full.
        """


@implementer(IPushProducer)
class Outlet:
    """
    The bytes of one connection, from the broker to its transport.

    @ivar unreadBytes: how many bytes of answers may wait.
    @ivar full: whether more of them do.
    @ivar written: how many bytes were written, to the transport or to wait.
    """

    __slots__ = (
        "_asked",
        "_backlog",
        "_held",
        "_laggingBytes",
        "_nextProbe",
        "_owner",
        "_probing",
        "_pushed",
        "_registered",
        "_said",
        "_socket",
        "_stuck",
        "_transport",
        "_turn",
        "_waiting",
        "full",
        "unreadBytes",
        "written",
    )

    def __init__(
        self, transport: Any, limits: Limits, turn: Turn, owner: Owner
    ) -> None:
        """
        @param transport: an C{ITransport}; it need not take producers.
        @param turn: the turns of the broker's clock.
        """
        self._transport = transport
        self._laggingBytes = limits.laggingBytes
        self.unreadBytes = limits.unreadBytes
        self._turn = turn
        self._owner: Owner | None = owner
        self._socket = _isSocket(transport)
        self._backlog: Backlog | None = None
        self._asked: Callable[[], object] | None = None
        self._registered = self._held = self._said = False
        self._probing: Any = None
        self._nextProbe = _PROBE
        self._pushed = -1
        self._stuck = False
        self._waiting: deque[Callable[[], object]] | None = None
        self.full = False
        self.written = 0

    @property
    def paused(self) -> bool:
        """
        Whether what is written now waits.
        """
        return self._backlog is not None

    @property
    def behind(self) -> int:
        """
        How many bytes wait; those that the transport has are not among them.
        """
        return 0 if self._backlog is None else self._backlog.size

    @property
    def unread(self) -> int:
        """
        How many of these are answers.
        """
        return 0 if self._backlog is None else self._backlog.unread

    @property
    def lagging(self) -> bool:
        """
        Whether too much waits (L{isTooMuch}): after what could leave at once has
        left, so that it is not one for whom much was written before the reactor
        had its turn.
        """
        backlog = self._backlog
        while backlog is not None and isTooMuch(
            backlog.unasked, backlog.largest, self._laggingBytes
        ):
            before = backlog.size
            # Until something has left it is not tried again.
            if not self._stuck:
                self._send()
            backlog = self._backlog
            if backlog is not None and backlog.size == before:
                self._stuck = True
                return True
        return False

    def write(self, data: bytes, answer: bool = False) -> None:
        """
        Send some bytes, after all that was written before.

        @param answer: whether the peer has asked for them.
        """
        self.written += len(data)
        if self._backlog is not None:
            self._keep(data, answer)
        elif self.written >= self._nextProbe:
            self._probe(data, answer)
        else:
            self._transport.write(data)

    def _probe(self, data: bytes, answer: bool) -> None:
        """
        Write, and see whether the transport keeps up.
        """
        self._nextProbe = self.written + _PROBE
        if not self._register():
            self._transport.write(data)
            return
        if len(data) > PIECE:
            self._backlog = Backlog()
            self._keep(data, answer)
            self.resumeProducing()
        else:
            self._transport.write(data)
        self._settle()

    def _register(self) -> bool:
        if self._registered:
            return True
        self.dontAsk()
        self._registered = True
        try:
            self._transport.registerProducer(self, True)
        except Exception as error:
            # Somebody else is one, or there are none here: go on as stock.
            self._registered = False
            if not self._said:
                self._said = True
                _log.warn(
                    "whether {peer} reads what is sent cannot be seen: its transport, "
                    "a {transport}, takes no producer of pbext's ({error})",
                    peer=self._peer(),
                    transport=qual(type(self._transport)),
                    error=qual(type(error)),
                )
        return self._registered

    def _peer(self) -> str:
        return str(getattr(self._transport, "getPeer", lambda: "the peer")())

    def _settle(self) -> None:
        """
        Be a producer no longer than need be.
        """
        if not self._registered or self._held or self._backlog is not None:
            return
        if not ISSLTransport.providedBy(self._transport):
            self._leave()
        elif self._probing is None:
            self._probing = self._turn.clock.callLater(_LATER, self._leave)
        else:
            # After what TLS gathers now, however late this turn is.
            self._probing.reset(_LATER)

    def _leave(self) -> None:
        self._probing = None
        if self._registered and not self._held and self._backlog is None:
            self._registered = False
            self._unregister()

    def _unregister(self) -> None:
        try:
            self._transport.unregisterProducer()
        except Exception:
            pass  # somebody was faster, or it cannot be: either is as well

    def _keep(self, data: bytes, answer: bool) -> None:
        backlog = self._backlog
        assert backlog is not None
        backlog.add(data, answer)
        if answer and not self.full and backlog.unread > self.unreadBytes:
            self.full = True
            if self._owner is not None:
                self._owner.unreadReached()

    def pauseProducing(self) -> None:
        """
        The transport has enough.
        """
        if self._backlog is None:
            self._backlog = Backlog()
        self._backlog.paused = True

    def resumeProducing(self) -> None:
        """
        The transport takes more; may be called at any time.
        """
        backlog = self._backlog
        if backlog is None:
            asked = self._asked
            if asked is not None:
                self.dontAsk()
                asked()
            return
        backlog.paused = self._stuck = False
        if backlog.giving:
            return
        backlog.giving = True
        while backlog and not backlog.paused:
            self._transport.write(backlog.take())
            if self.full and self._owner is not None:
                self.full = backlog.unread > self.unreadBytes
                self._owner.unreadMoved()  # by which more may wait
        backlog.giving = False
        if self._backlog is backlog and not backlog.paused:
            self._backlog = None
            self._tellDrained()
            self._settle()

    def stopProducing(self) -> None:
        """
        The connection is lost: what waits is dropped, and nobody is told.
        """
        self._registered = self._held = self.full = False
        self._backlog = self._waiting = self._owner = self._asked = None
        self._nextProbe = sys.maxsize
        probing, self._probing = self._probing, None
        if probing is not None:
            probing.cancel()

    stop = stopProducing

    def whenDrained(self, function: Callable[[], object]) -> None:
        """
        Call C{function()} once when nothing waits any more; at once if
        nothing does.  It is not called if the connection is lost before.
        """
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(function)
        if self._backlog is None:
            self._tellDrained()

    def dontWait(self, function: Callable[[], object]) -> None:
        """
        Undo one L{whenDrained}; silent if there was none.
        """
        if self._waiting is not None and function in self._waiting:
            self._waiting.remove(function)

    def _tellDrained(self) -> None:
        # One of them may write so much that the others have to wait.
        while self._waiting and self._backlog is None:
            function = self._waiting.popleft()
            try:
                function()
            except Exception:
                _log.failure("what waited for a slow peer has failed")

    def whenAsked(self, function: Callable[[], object]) -> None:
        """
        Call C{function()} once when the transport asks for more, if it does,
        and keep it from closing until then.  A socket asks only after it was
        given something, and TLS would ask without end, so it is not let; what
        is in memory, of the tests of a program, has no time but this.
        """
        transport = self._transport
        if ISSLTransport.providedBy(transport):
            self._held = self._register()
        elif not self._registered:
            self.dontAsk()
            try:
                transport.registerProducer(self, False)  # which asks, in vain
            except Exception:
                return
            self._asked = function

    def dontAsk(self) -> None:
        """
        Undo L{whenAsked}; silent if there was none.
        """
        if self._held:
            self._held = False
            self._settle()
        elif self._asked is not None:
            self._asked = None
            self._unregister()

    def push(self) -> None:
        """
        Let what was written leave now, where that is right: by a socket that
        is nothing else.  (Another transport may do something to the bytes: over
        TLS, those of the socket below are not these.)  If the kernel does not
        take it all, or reports an error, the reactor goes on as it would have.
        """
        if self._backlog is None:
            self._send()

    def pushOnce(self) -> None:
        """
        L{push}, once in each turn of the reactor: what follows in the same
        turn leaves at its end, in one piece.
        """
        if self._socket:
            number = self._turn.number
            if number != self._pushed:
                self._pushed = number
                self.push()

    def _send(self) -> None:
        transport = self._transport
        if self._socket and transport.connected and not transport.disconnecting:
            # startTLS leaves the object, and puts TLS between it and its bytes.
            if not transport.TLS:
                transport.doWrite()


def _isSocket(transport: Any) -> bool:
    """
    Whether a transport is, by its exact type, a stream socket of Twisted's.
    """
    kind = type(transport)
    if kind.__module__ not in _SOCKETS:
        return False
    module = sys.modules.get(kind.__module__)
    return kind in (getattr(module, "Server", None), getattr(module, "Client", None))
