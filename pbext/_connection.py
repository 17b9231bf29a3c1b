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

from pbext._outlet import Outlet
from pbext._pages import Pages
from pbext._peerlog import PeerLog
from pbext._reading import Reading
from pbext._reports import whereRaised
from pbext._timeouts import Patience
from pbext._turn import turnOf
from pbext.errors import BadMessage, PBExtError
from pbext.limits import Limits
from pbext.wire._budget import Budget
from pbext.wire._codec import Decoder
from pbext.wire._commands import VALUES
from pbext.wire._encoded import Encoded
from pbext.wire._parts import listsOf

__all__ = ["Connection"]

_log = Logger(namespace="pbext")

#: How many times as many answers may wait where this side has made the
#: connection.  It knows whom it talks to, and if both ends stopped reading,
#: each would wait for the other.
_CLIENTS_UNREAD = 64


def _method(command: bytes) -> str:
    return f"proto_{command.decode('utf-8', 'replace')}"


#: By each of PB's commands, the name of the method that does it: one of them
#: comes with every message.
_COMMANDS = {
    name.removeprefix("proto_").encode(): name
    for name in dir(Reading)
    if name.startswith("proto_")
}


class Connection(Reading):
    """
    The part of a broker that minds the connection: what arrives that is no
    message, and what does not arrive, ends it, with one line in the log.
    """

    limits = Limits()
    clock: Any = None
    peerLog: PeerLog | None = None
    fault: Exception | None = None

    __slots__ = ("_decoder", "_patience", "_reading", "_received", "outlet")

    #: The limits that there was a warning of.
    _near: tuple[str, ...] = ()
    _pages: Pages | None = None
    #: Whether the transport is told not to deliver anything.
    _deaf = False

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        self.outlet: Outlet | None = None
        self._patience: Patience | None = None
        self._decoder: Any = None
        # Whether messages are being read, and how many have arrived.
        self._reading = False
        self._received = 0

    def connectionMade(self) -> None:
        if self.clock is None:
            from twisted.internet import reactor

            self.clock = reactor
        if self.peerLog is None:
            self.peerLog = PeerLog(self.limits, self.clock)
        self._patience = Patience(self.limits, self.clock, self._giveUp)
        outlet = Outlet(self.transport, self.limits, turnOf(self.clock), self)
        if self.isClient:
            outlet.unreadBytes *= _CLIENTS_UNREAD
        self.outlet = outlet
        self._decoder = Decoder(Budget.of(self.limits))
        self._decoder.stringLimit = self.stringLimit
        super().connectionMade()

    def connectionReady(self) -> None:
        if self._patience is not None:
            self._patience.negotiated()
        super().connectionReady()

    def dataReceived(self, chunk: bytes) -> None:
        if self.fault is not None:
            return
        try:
            self._decoder.feed(chunk)
        except Exception:
            self._refuse(Failure())
        self._readMessages()

    def _readMessages(self) -> None:
        """
        Do what has arrived, as far as it may be answered.
        """
        decoder, outlet = self._decoder, self.outlet
        written = 0 if outlet is None else outlet.written
        self._reading = True
        try:
            # One at a time: a message may close the connection, or be one too
            # many, and the first one says how the others are to be read.
            while self.fault is None and not (self.disconnected or self._isFull()):
                message = decoder.next()
                if message is None:
                    break
                self.callExpressionReceived(message)
        except Exception:
            self._refuse(Failure())
        finally:
            self._reading = False
        if outlet is not None and outlet.written > written:
            # All that was said to a chunk leaves now, at once, which spares
            # the reactor a turn: an eighth of what a single call takes.
            outlet.push()
        if self._patience is None or self.fault is not None or self.disconnected:
            return
        if not self._isFull():
            self._hear(True)
            self._patience.received(self._received, decoder.pending > 0)

    def _hear(self, hear: bool) -> None:
        """
        Let the transport deliver what arrives, or not.
        """
        if self._deaf is hear:
            self._deaf = not hear
            act = "resumeProducing" if hear else "pauseProducing"
            # One that is closing delivers nothing, and may mind being told.
            if not getattr(self.transport, "disconnecting", False):
                getattr(self.transport, act, lambda: None)()

    def _isFull(self) -> bool:
        """
        Whether more answers wait than may.
        """
        return self.outlet is not None and self.outlet.full

    def unreadReached(self) -> None:
        """
        See L{Owner<pbext._outlet.Owner>}: who does not read is not read from.
        """
        outlet = self.outlet
        if self._patience is not None and outlet is not None:
            self._hear(False)
            self._patience.hold()
            self._warnOf("unreadBytes", outlet.unread, outlet.unreadBytes)

    def unreadMoved(self) -> None:
        """
        See L{Owner<pbext._outlet.Owner>}.
        """
        if self._patience is not None and self.outlet is not None:
            if self._isFull():
                self._patience.hold()
            elif not self._reading:
                self._readMessages()

    def _write(self, data: bytes, answer: bool = False) -> None:
        if self.outlet is None:
            super()._write(data, answer)
        else:
            self.outlet.write(data, answer)

    @property
    def flowing(self) -> bool:
        """
        See L{IConnection<pbext.interfaces.IConnection>}.
        """
        outlet = self.outlet
        return outlet is not None and not outlet.paused and self.fault is None

    @property
    def lagging(self) -> bool:
        """
        See L{IConnection<pbext.interfaces.IConnection>}.
        """
        return self.outlet is not None and self.outlet.lagging

    def whenDrained(self, function: Callable[[], object]) -> None:
        """
        See L{IConnection<pbext.interfaces.IConnection>}.
        """
        if self.outlet is not None:
            self.outlet.whenDrained(function)

    def writeAtOnce(self, data: bytes) -> None:
        """
        See L{IConnection<pbext.interfaces.IConnection>}.
        """
        outlet = self.outlet
        assert outlet is not None
        outlet.write(data)
        outlet.pushOnce()

    def registerPageProducer(self, pager: Any) -> None:
        """
        Send the pages of a L{Pager<twisted.spread.util.Pager>}, each when
        what was written before has left.
        """
        if self.disconnected or self.outlet is None:
            return
        if self._pages is None:
            self._pages = Pages(self.outlet, self.clock, self._abort)
        self._pages.add(pager)

    def _selectDialect(self, dialect: bytes) -> None:
        self.vocabulary = self._decoder.vocabulary = dialect == b"pb"
        super()._selectDialect(dialect)

    def callExpressionReceived(self, obj: Any) -> None:
        """
        Something has arrived; the first thing is the peer's part of the
        negotiation.

        @raise BadMessage: if it names no dialect that is known here.
        """
        if self.currentDialect:
            self.expressionReceived(obj)
            return
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
            command = sexp[0]
            do = getattr(self, _COMMANDS.get(command) or _method(command), None)
            if do is not None:
                values = VALUES.get(command, len(sexp))
                if Encoded in map(type, sexp[1:values]):  # most often, none is
                    head = map(listsOf, sexp[:values])
                    sexp = [*head, *sexp[values:]]
                do(*sexp[1:])
                return
            # Stock means to answer this, and cannot encode its answer.
            self.sendCall(b"didNotUnderstand", command[:100])
            name = command.decode("utf-8", "replace")
            self.note("{peer} sent an unknown command: {name}", name=name)
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

    def giveUp(self, error: Exception) -> None:
        """
        See L{IConnection<pbext.interfaces.IConnection>}.
        """
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
        if self._pages is not None:
            self._pages.stop()
        if self.outlet is not None:
            self.outlet.stop()
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

    def _warnOf(self, name: str, used: int, limit: int) -> None:
        """
        Say, once, that the peer is near a limit.
        """
        if name not in self._near:
            self._near += (name,)
            self.note(
                "{peer} is near a limit: {limit}, {used} of {most}",
                limit=name,
                used=used,
                most=limit,
            )
