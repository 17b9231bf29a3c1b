"""
Things that are taken and given, where each end has a registry of its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, pb
from pbext.testing import Pair, connectedPair, restoredRegistry
from tests.ponds import PondRoot


class Desk(PondRoot):
    """
    Answers with what it is given, as well.
    """

    def remote_echo(self, thing: Any) -> Any:
        return thing

    def remote_fail(self, text: str) -> None:
        raise stock.Error(text)


class ExchangeCase(SynchronousTestCase):
    """
    @ivar desk: what serves the last connection.
    """

    def setUp(self) -> None:
        restoring = restoredRegistry()
        restoring.__enter__()
        self.addCleanup(restoring.__exit__, None, None, None)

    def connect(
        self,
        server: Any = pb.PBServerFactory,
        client: Any = pb.PBClientFactory,
        clients: int = 1,
    ) -> Pair:
        """
        @param server: a registry, or what makes a factory.
        @param client: likewise.
        """
        if isinstance(server, Registry):
            server = partial(pb.PBServerFactory, registry=server)
        if isinstance(client, Registry):
            client = partial(pb.PBClientFactory, registry=client)
        self.desk = Desk()
        pair = connectedPair(
            self.desk, serverFactory=server, clientFactory=client, clients=clients
        )
        self.addCleanup(pair.close)
        return pair

    def taken(self, pair: Pair, thing: Any) -> Any:
        """
        @return: what a thing becomes at the server.
        """
        pair.result(pair.root.callRemote("take", "it", thing))
        return self.desk.kept["it"]

    def given(self, pair: Pair, thing: Any) -> Any:
        """
        @return: what a thing becomes at the client.
        """
        self.desk.things["it"] = thing
        return pair.result(pair.root.callRemote("get", "it"))
