"""
The factories: Twisted's, with our broker.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import ref

from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.spread import jelly, pb

from pbext._broker import Broker
from pbext._door import Door
from pbext._peerlog import PeerLog
from pbext._registry import Registry, defaultRegistry
from pbext.limits import Limits

__all__ = ["PBClientFactory", "PBServerFactory"]


class _Terms(Factory):
    """
    What a factory holds its connections to.

    @ivar registry: which classes may arrive.
    @ivar limits: what each peer may have, and how long it may take.
    @ivar declaredErrors: the classes of errors whose text peers may read.
    @ivar clock: the time, an C{IReactorTime}.
    """

    _peerLog: PeerLog | None = None

    def _agree(
        self,
        registry: Registry,
        limits: Limits | None,
        declaredErrors: Iterable[type],
        clock: Any,
    ) -> None:
        self.registry = registry
        self.limits = Limits() if limits is None else limits
        self.declaredErrors = tuple(declaredErrors)
        for error in self.declaredErrors:
            # Or it would come out with the first error, and cost a connection.
            if not isinstance(error, type):
                raise TypeError(f"declaredErrors has {error!r}, which is no class")
        self.clock = clock

    def buildProtocol(self, addr: Any) -> Any:
        broker = super().buildProtocol(addr)
        if isinstance(broker, Broker):  # or the program has set protocol=
            if self.clock is None:
                from twisted.internet import reactor

                self.clock = reactor
            if self._peerLog is None:
                self._peerLog = PeerLog(self.limits, self.clock)
            for name in ("registry", "limits", "declaredErrors"):
                # A connection is as small as it can be: most have the defaults.
                if getattr(self, name) != getattr(broker, name):
                    setattr(broker, name, getattr(self, name))
            broker.clock = self.clock
            broker.peerLog = self._peerLog
        return broker

    def stopFactory(self) -> None:
        if self._peerLog is not None:
            self._peerLog.stop()
        super().stopFactory()


class PBServerFactory(_Terms, pb.PBServerFactory):
    """
    Serves a root object or a portal, as
    L{twisted.spread.pb.PBServerFactory} does.

    @ivar connections: the brokers that are connected.
    """

    protocol = Broker

    def __init__(
        self,
        root: Any,
        unsafeTracebacks: bool = False,
        security: Any = jelly.globalSecurity,
        *,
        registry: Registry = defaultRegistry,
        limits: Limits | None = None,
        declaredErrors: Iterable[type] = (),
        clock: Any = None,
    ) -> None:
        """
        @param root: what provides, or can be adapted to, C{IPBRoot}.
        @param unsafeTracebacks: whether the texts and the tracebacks of all
            errors are sent to the peer.
        @param security: what may be sent; and what may arrive, if C{registry}
            is the process's.
        @param registry: which classes may arrive; by default those that are
            registered in this process.  If C{root} is a portal, they may from
            a login on, and before there is nothing but that.
        @param limits: what each peer may have; by default C{Limits()}.
        @param declaredErrors: the classes of errors whose text the peer may
            read, beside L{pb.Error<twisted.spread.pb.Error>} and errors that
            are Copyable; by default none.
        @param clock: an C{IReactorTime}; by default the reactor.
        @raise TypeError: if one of C{declaredErrors} is no class.
        """
        super().__init__(root, unsafeTracebacks, security)
        self._agree(registry, limits, declaredErrors, clock)
        if isinstance(self.root, pb._PortalRoot):
            self.root = Door(self.root)
        self.connections: set[pb.Broker] = set()

    def buildProtocol(self, addr: Any) -> Any:
        broker = super().buildProtocol(addr)
        if isinstance(self.root, Door):
            self.root.close(broker)
        self.connections.add(broker)
        broker.notifyOnDisconnect(lambda: self.connections.discard(broker))
        return broker


class PBClientFactory(_Terms, pb.PBClientFactory):
    """
    Connects as L{twisted.spread.pb.PBClientFactory} does.
    """

    protocol = Broker

    #: The last connection, by whose fault a root that is asked for fails.
    _last: Any = staticmethod(lambda: None)

    def __init__(
        self,
        unsafeTracebacks: bool = False,
        security: Any = jelly.globalSecurity,
        *,
        registry: Registry = defaultRegistry,
        limits: Limits | None = None,
        declaredErrors: Iterable[type] = (),
        clock: Any = None,
    ) -> None:
        """
        The parameters are those of L{PBServerFactory}.
        """
        super().__init__(unsafeTracebacks, security)
        self._agree(registry, limits, declaredErrors, clock)

    def buildProtocol(self, addr: Any) -> Any:
        broker = super().buildProtocol(addr)
        self._last = ref(broker)
        return broker

    def clientConnectionLost(
        self, connector: Any, reason: Failure, reconnecting: int = 0
    ) -> None:
        """
        The connection is over; if this side has given it up, for its reason.
        """
        fault = getattr(self._last(), "fault", None)
        if fault is not None:
            reason = Failure(fault)
        super().clientConnectionLost(connector, reason, reconnecting)
