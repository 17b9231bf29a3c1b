"""
Listening, and letting go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import (
    IListeningPort,
    IReactorTime,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from pbext._factories import PBServerFactory

__all__ = ["CannotStart", "ReceiverService"]

_log = Logger(namespace="pbreceiver")

#: Seconds that a connection has, when the service stops, to take what was
#: written to it, before it is cut.
GRACE = 2.0


class CannotStart(SystemExit, Exception):
    """
    What the person who started the service has to know, in a line; below that, what
    it is made of, if it is several things.

    It is a C{SystemExit}, so that the interpreter prints that line and no
    traceback, and exits with 1; and an C{Exception}, so that twistd removes
    its pid file and, as a daemon, tells the terminal
    (C{twisted.scripts._twistd_unix.UnixApplicationRunner.postApplication}).
    """

    def __init__(self, line: str) -> None:
        super().__init__(f"pbreceiver: {line}")


class ReceiverService(Service):
    """
    A PB server on any number of endpoints.
    """

    def __init__(
        self,
        endpoints: Sequence[tuple[str, IStreamServerEndpoint]],
        factory: PBServerFactory,
        clock: IReactorTime,
    ) -> None:
        """
        @param endpoints: where to listen, each with its description, for
            messages.
        @param factory: makes the brokers.
        @param clock: for L{GRACE}.
        """
        self._endpoints = endpoints
        self._factory = factory
        self._clock = clock
        self._ports: list[IListeningPort] | None = None

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        self._listen()

    def startService(self) -> None:
        super().startService()
        self._listen()  # twist has no privileged start

    def _listen(self) -> None:
        if self._ports is not None:
            return
        self._ports = []
        for description, endpoint in self._endpoints:
            self._listenOn(description, endpoint)

    def _listenOn(self, description: str, endpoint: IStreamServerEndpoint) -> None:
        refused: list[str] = []
        starting = True

        def refuse(failure: Failure) -> None:
            refused.append(f"cannot listen on {description}: {_reason(failure.value)}")
            if not starting:
                _log.error("{line}", line=refused[0])

        endpoint.listen(self._factory).addCallbacks(self._listening, refuse)
        starting = False
        if refused:  # at once, as with TCP, TLS and Unix sockets
            raise CannotStart(refused[0])

    def _listening(self, port: IListeningPort) -> None:
        assert self._ports is not None
        self._ports.append(port)
        _log.info("listening on {where}", where=_where(port.getHost()))

    def stopService(self) -> Deferred[None]:
        """
        Stop listening, close the connections, and wait until they are closed.
        """
        super().stopService()
        ports, self._ports = self._ports or [], None
        closing: list[Deferred[Any]] = [
            maybeDeferred(port.stopListening) for port in ports
        ]
        closing += [self._close(broker) for broker in list(self._factory.connections)]
        return DeferredList(closing).addCallback(lambda _: None)

    def _close(self, broker: Any) -> Deferred[None]:
        closed: Deferred[None] = Deferred()
        cutting = self._clock.callLater(GRACE, broker.transport.abortConnection)

        def lost() -> None:
            if cutting.active():
                cutting.cancel()
            closed.callback(None)

        broker.notifyOnDisconnect(lost)
        broker.transport.loseConnection()
        return closed


def _where(address: Any) -> str:
    if hasattr(address, "port"):
        return f"{address.host}:{address.port}"
    return str(getattr(address, "name", address))


def _reason(error: BaseException | None) -> str:
    # CannotListenError keeps the reason beside a text that is all its own.
    inner = getattr(error, "socketError", None)
    return getattr(inner, "strerror", None) or str(error) or type(error).__name__
