"""
One connection, from its making to its loss, and what is logged of its peer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.spread import jelly

from pbext._messages import Messages
from pbext._peerlog import PeerLog
from pbext._reports import whereRaised
from pbext._timeouts import Patience
from pbext.errors import BadMessage, PBExtError
from pbext.limits import Limits

__all__ = ["Connection"]

_log = Logger(namespace="pbext")


class Connection(Messages):
    """
    The part of a broker that minds the connection: what arrives that is no
    message, and what does not arrive, ends it, with one line in the log.
    """

    limits = Limits()
    clock: Any = None
    peerLog: PeerLog | None = None
    fault: Exception | None = None

    _patience: Patience | None = None

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        self._received = 0

    def connectionMade(self) -> None:
        if self.clock is None:
            from twisted.internet import reactor

            self.clock = reactor
        if self.peerLog is None:
            self.peerLog = PeerLog(self.limits, self.clock)
        self._patience = Patience(self.limits, self.clock, self._giveUp)
        super().connectionMade()

    def connectionReady(self) -> None:
        if self._patience is not None:
            self._patience.negotiated()
        super().connectionReady()

    def dataReceived(self, chunk: bytes) -> None:
        if self.fault is not None:
            return
        try:
            super().dataReceived(chunk)
        except Exception:
            self._refuse(Failure())
        if self._patience is not None and not self.disconnected:
            incomplete = bool(self.buffer or self.listStack)
            self._patience.received(self._received, incomplete)

    def callExpressionReceived(self, obj: Any) -> None:
        """
        Something has arrived; the first thing is the peer's part of the
        negotiation.

        @raise BadMessage: if it names no dialect that is known here.
        """
        if not self.currentDialect:
            # Stock says so once for each thing that arrives in a chunk.
            named = obj if self.isClient else [obj]
            if type(named) is not list or not any(
                dialect in self.knownDialects for dialect in named
            ):
                raise BadMessage(why="it names no dialect that is known here")
        super().callExpressionReceived(obj)

    def expressionReceived(self, sexp: Any) -> None:
        """
        Do what a message says; if it is none, close the connection.
        """
        self._received += 1
        if self.fault is not None or self.disconnected:
            return
        try:
            if not (type(sexp) is list and sexp and type(sexp[0]) is bytes):
                raise BadMessage(why="it has no command")
            command = sexp[0].decode("utf-8", "replace")
            do = getattr(self, f"proto_{command}", None)
            if do is not None:
                do(*sexp[1:])
                return
            # Stock means to answer this, and cannot encode its answer.
            self.sendCall(b"didNotUnderstand", sexp[0][:100])
            self.note("{peer} sent an unknown command: {name}", name=command)
        except Exception:
            self._refuse(Failure())

    def proto_didNotUnderstand(self, command: Any) -> None:
        """
        The peer does not know a command of ours.
        """
        self.note("{peer} did not understand a command: {name}", name=command)

    def _refuse(self, failure: Failure) -> None:
        """
        What arrived is not the protocol.
        """
        error = failure.value
        if not isinstance(error, PBExtError):
            error = BadMessage(why=whereRaised(failure))
        self._giveUp(error)

    def _giveUp(self, error: Exception, atOnce: bool = True) -> None:
        """
        Close the connection, and listen no more.

        @param atOnce: whether what was written and has not left is dropped: a
            peer that is silent, or talks nonsense, may not read it either.
        """
        if self.fault is not None or self.disconnected:
            return
        self.fault = error
        self.note("the connection with {peer} is closed: {error}", error=error)
        if atOnce:
            self._abort()
        else:
            self.transport.loseConnection()
            if self._patience is not None:
                self._patience.lastWords(self._abort)

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        (abort or self.transport.loseConnection)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection is over.
        """
        if self._patience is not None:
            self._patience.stop()
        super().connectionLost(reason)

    def notifyOnDisconnect(self, notifier: Callable[[], object]) -> None:
        """
        Call C{notifier()} when the connection is lost; at once if it is.
        """
        if not self.disconnected:
            super().notifyOnDisconnect(notifier)
            return
        try:
            notifier()
        except Exception:
            _log.failure("a notifier of the loss of a connection failed")

    def dontNotifyOnDisconnect(self, notifier: Callable[[], object]) -> None:
        """
        Undo one L{notifyOnDisconnect}; silent if there was none.
        """
        if self.disconnects is not None:
            super().dontNotifyOnDisconnect(notifier)

    def _mayLog(self) -> str | None:
        """
        @return: the peer, as a log names it; C{None} if there is too much of
            it there already.
        """
        address = self.transport and self.transport.getPeer()
        host = str(getattr(address, "host", address))
        if self.peerLog is not None and not self.peerLog.allows(host):
            return None
        port = getattr(address, "port", None)
        return host if port is None else f"{host}:{port}"

    def note(self, format: str, level: LogLevel = LogLevel.warn, **values: Any) -> None:
        """
        See L{IConnection<pbext.interfaces.IConnection>}.
        """
        peer = self._mayLog()
        if peer is not None:
            # What a peer has named goes into one line, and not a long one.
            shown = {n: repr(str(value))[1:-1][:300] for n, value in values.items()}
            _log.emit(level, format, peer=peer, **shown)
