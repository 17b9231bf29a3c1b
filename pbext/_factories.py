"""
The factories: Twisted's, with our broker.
"""

from __future__ import annotations

from typing import Any

from twisted.spread import jelly, pb

from pbext._broker import Broker

__all__ = ["PBClientFactory", "PBServerFactory"]


class PBServerFactory(pb.PBServerFactory):
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
    ) -> None:
        """
        @param root: what provides, or can be adapted to, C{IPBRoot}.
        @param unsafeTracebacks: whether the tracebacks of errors are sent to
            the peer.
        @param security: what may arrive; by default what is registered in
            this process.
        """
        super().__init__(root, unsafeTracebacks, security)
        self.connections: set[pb.Broker] = set()

    def buildProtocol(self, addr: Any) -> pb.Broker:
        broker: pb.Broker = super().buildProtocol(addr)
        self.connections.add(broker)
        broker.notifyOnDisconnect(lambda: self.connections.discard(broker))
        return broker


class PBClientFactory(pb.PBClientFactory):
    """
    Connects as L{twisted.spread.pb.PBClientFactory} does.
    """

    protocol = Broker
