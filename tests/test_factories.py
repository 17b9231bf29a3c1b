"""
The factories.
"""

from __future__ import annotations

from twisted.spread import pb as stock
from twisted.spread.jelly import SecurityOptions
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.testing import connectedPair
from tests.ponds import PondRoot


class FactoryTests(SynchronousTestCase):
    """
    C{PBServerFactory} and C{PBClientFactory}.
    """

    def test_brokers(self) -> None:
        """
        Both make our brokers, with the arguments of Twisted's factories.
        """
        security = SecurityOptions()
        server = pb.PBServerFactory(PondRoot(), True, security=security)
        client = pb.PBClientFactory(unsafeTracebacks=True, security=security)
        for factory, isClient in ((server, False), (client, True)):
            broker = factory.buildProtocol(None)
            self.assertIsInstance(broker, pb.Broker)
            self.assertIsInstance(
                factory, (stock.PBServerFactory, stock.PBClientFactory)
            )
            self.assertIs(factory, broker.factory)
            self.assertIs(security, broker.security)
            self.assertEqual(isClient, bool(broker.isClient))
            self.assertTrue(factory.unsafeTracebacks)

    def test_ownBroker(self) -> None:
        """
        A subclass's C{protocol} is used.
        """

        class Broker(pb.Broker):
            pass

        class Factory(pb.PBServerFactory):
            protocol = Broker

        self.assertIsInstance(Factory(PondRoot()).buildProtocol(None), Broker)

    def test_declaredErrors(self) -> None:
        """
        Errors are declared by their classes, any number of them; what is no
        class is refused at once.
        """
        for make in (
            lambda errors: pb.PBServerFactory(PondRoot(), declaredErrors=errors),
            lambda errors: pb.PBClientFactory(declaredErrors=errors),
        ):
            factory = make(error for error in (KeyError, ValueError))
            broker = factory.buildProtocol(None)
            self.assertEqual((KeyError, ValueError), broker.declaredErrors)
            for wrong in "builtins.KeyError", KeyError(), None:
                error = self.assertRaises(TypeError, make, [KeyError, wrong])
                self.assertIn(repr(wrong), str(error))

    def test_connections(self) -> None:
        """
        A server knows who is connected, until they are gone.
        """
        with connectedPair(PondRoot(), clients=3) as pair:
            factory = pair.serverFactory
            servers = {link.server for link in pair.links}
            self.assertEqual(servers, factory.connections)
            pair.links[1].cut()
            self.assertEqual(servers - {pair.links[1].server}, factory.connections)
        self.assertEqual(set(), factory.connections)

    def test_closingAll(self) -> None:
        """
        All connections can be closed by way of it.
        """
        with connectedPair(PondRoot(), clients=3) as pair:
            for broker in list(pair.serverFactory.connections):
                broker.transport.loseConnection()
            pair.flush()
            self.assertEqual([False] * 3, [link.connected for link in pair.links])

    def test_mixed(self) -> None:
        """
        Either factory talks with Twisted's at the other end.
        """
        for server, client in (
            (pb.PBServerFactory, stock.PBClientFactory),
            (stock.PBServerFactory, pb.PBClientFactory),
        ):
            with connectedPair(
                PondRoot(x=7), serverFactory=server, clientFactory=client, chunk=1
            ) as pair:
                self.assertEqual(7, pair.result(pair.root.callRemote("get", "x")))
