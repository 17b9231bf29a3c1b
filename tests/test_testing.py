"""
L{pbext.testing}: two ends in memory.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from zope.interface import implementer

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.spread.util import (
    CallbackPageCollector,
    FilePager,
    StringPager,
    getAllPages,
)
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb, testing
from pbext.testing import Link, connectedPair, restoredRegistry, roundTrip


class Desk(pb.Root):
    def __init__(self) -> None:
        self.taken: list[Any] = []

    def remote_take(self, value: object) -> int:
        self.taken.append(value)
        return len(self.taken)

    def remote_fail(self) -> None:
        raise pb.Error("as you wish")

    def remote_later(self) -> Deferred[int]:
        self.later: Deferred[int] = Deferred()
        return self.later

    def remote_page(self, collector: Any, data: bytes) -> None:
        StringPager(collector, data, 10)


class PairCase(SynchronousTestCase):
    def connect(self, *args: Any, **kw: Any) -> testing.Pair:
        pair = connectedPair(*args, **kw)
        self.addCleanup(pair.close)
        return pair


class ConnectedPairTests(PairCase):
    """
    Clients of a server.
    """

    def test_call(self) -> None:
        """
        Two real factories, connected: a call is answered once it is pumped.
        """
        desk = Desk()
        pair = self.connect(desk)
        answer = pair.root.callRemote("take", "frog")
        self.assertNoResult(answer)
        self.assertEqual(pair.result(answer), 1)
        self.assertEqual(desk.taken, ["frog"])
        self.assertIsInstance(pair.client, pb.Broker)
        self.assertIsInstance(pair.server, pb.Broker)
        self.assertIs(pair.server.factory, pair.serverFactory)

    def test_factories(self) -> None:
        """
        Either end may have another factory, Twisted's for one.
        """
        for factories in (
            {"serverFactory": stock.PBServerFactory},
            {"clientFactory": stock.PBClientFactory},
        ):
            pair = self.connect(Desk(), **factories)
            self.assertEqual(pair.result(pair.root.callRemote("take", 1)), 1)
            brokers = {type(pair.client), type(pair.server)}
            self.assertEqual(brokers, {pb.Broker, stock.Broker})

    def test_clients(self) -> None:
        """
        Several clients have a connection each to the one server.
        """
        desk = Desk()
        pair = self.connect(desk, clients=3)
        for number, link in enumerate(pair.links):
            pair.result(link.root.callRemote("take", number))
        self.assertEqual(desk.taken, [0, 1, 2])
        servers = {link.server for link in pair.links}
        self.assertEqual(pair.serverFactory.connections, servers)
        self.assertEqual(len(servers), 3)

    def test_addClient(self) -> None:
        """
        One more may come at any time, with a factory of its own.
        """
        pair = self.connect(Desk(), clients=0)
        factory = stock.PBClientFactory()
        link = pair.addClient(factory)
        self.assertIsInstance(link, Link)
        self.assertIs(link.client.factory, factory)
        self.assertEqual(pair.links, [link])
        self.assertEqual(pair.result(link.root.callRemote("take", 1)), 1)

    def test_portal(self) -> None:
        """
        The server may serve a portal, and a client's factory logs in.
        """

        class Avatar(pb.Avatar):
            def perspective_name(self) -> str:
                return "ann"

        @implementer(IRealm)
        class Realm:
            def requestAvatar(self, name: object, mind: object, *faces: Any) -> Any:
                return faces[0], Avatar(), lambda: None

        checker = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
        factory = pb.PBClientFactory()
        pair = self.connect(Portal(Realm(), [checker]), clients=0)
        pair.addClient(factory)
        avatar = pair.result(factory.login(UsernamePassword(b"ann", b"secret")))
        self.assertEqual(pair.result(avatar.callRemote("name")), "ann")

    def test_chunks(self) -> None:
        """
        The bytes arrive in pieces as large as asked for.
        """
        for chunk in 1, 7:
            desk = Desk()
            pair = self.connect(desk, chunk=chunk)
            sizes: list[int] = []
            for broker in pair.client, pair.server:
                self.watch(broker, sizes)
            self.assertEqual(pair.result(pair.root.callRemote("take", "frog")), 1)
            self.assertEqual(desk.taken, ["frog"])
            self.assertEqual(max(sizes), chunk)

    def watch(self, broker: Any, sizes: list[int]) -> None:
        receive = broker.dataReceived

        def watching(data: bytes) -> None:
            sizes.append(len(data))
            receive(data)

        broker.dataReceived = watching

    def test_pump(self) -> None:
        """
        One pump moves one chunk each way, and says whether anything moved.
        """
        pair = self.connect(Desk(), chunk=1)
        self.assertFalse(pair.pump())
        answer = pair.root.callRemote("take", 1)
        length = len(pair.client.transport.value())
        for _ in range(length):
            self.assertNoResult(answer)
            self.assertTrue(pair.pump())
        pair.flush()
        self.assertEqual(self.successResultOf(answer), 1)
        self.assertFalse(pair.pump())

    def test_endless(self) -> None:
        """
        Two ends that never come to rest are an error after a while.
        """

        class Endless(pb.Root):
            def remote_again(self, back: Any) -> None:
                back.callRemote("again", self).addErrback(lambda f: None)

        pair = self.connect(Endless())
        pair.root.callRemote("again", Endless()).addErrback(lambda f: None)
        error = self.assertRaises(RuntimeError, pair.flush, 50)
        self.assertIn("50", str(error))

    def test_clock(self) -> None:
        """
        There is a clock, one's own if one has it.
        """
        clock = Clock()
        self.assertIs(self.connect(Desk(), clock=clock).clock, clock)
        self.assertIsInstance(self.connect(Desk()).clock, Clock)


class ResultTests(PairCase):
    """
    What became of a call.
    """

    def test_remoteError(self) -> None:
        """
        What the peer raised is raised as RemoteError, with its type and text.
        """
        pair = self.connect(Desk())
        error = self.assertRaises(
            pb.RemoteError, pair.result, pair.root.callRemote("fail")
        )
        self.assertEqual(error.remoteType, "twisted.spread.pb.Error")
        self.assertEqual(str(error), "as you wish")

    def test_localError(self) -> None:
        """
        What failed here is raised as it is.
        """
        pair = self.connect(Desk())
        answer = pair.root.callRemote("later")
        pair.links[0].cut()
        self.assertRaises(pb.PBConnectionLost, pair.result, answer)

    def test_noResult(self) -> None:
        """
        A Deferred that does not fire is an error; it may fire later.
        """
        desk = Desk()
        pair = self.connect(desk)
        answer = pair.root.callRemote("later")
        self.assertRaises(AssertionError, pair.result, answer)
        again = pair.root.callRemote("later")
        pair.flush()
        desk.later.callback(7)
        self.assertEqual(pair.result(again), 7)


class CutTests(PairCase):
    """
    A link that breaks.
    """

    def test_atOnce(self) -> None:
        """
        Cut at once: both ends know, what was under way is lost, and what waits
        for an answer fails.
        """
        desk = Desk()
        pair = self.connect(desk, clients=2)
        told: list[str] = []
        one, two = pair.links
        one.client.notifyOnDisconnect(lambda: told.append("client"))
        one.server.notifyOnDisconnect(lambda: told.append("server"))
        answer = one.root.callRemote("take", 1)
        one.cut()
        self.assertEqual(sorted(told), ["client", "server"])
        pair.flush()
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual(desk.taken, [])
        self.assertFalse(one.connected)
        self.assertTrue(two.connected)
        self.assertEqual(pair.result(two.root.callRemote("take", 2)), 1)

    def test_reason(self) -> None:
        """
        A cut looks like a connection lost, a closing like one that was done.
        """
        for break_, expected in (
            (lambda link: link.cut(), ConnectionLost),
            (lambda link: link.server.transport.loseConnection(), ConnectionDone),
        ):
            pair = self.connect(Desk())
            answer = pair.root.callRemote("later")
            pair.flush()
            break_(pair.links[0])
            pair.flush()
            lost = self.failureResultOf(answer, pb.PBConnectionLost)
            self.assertIsInstance(lost.value.args[0].value, expected)

    def test_atAByte(self) -> None:
        """
        Cut at a chosen byte of what the client sends: the call arrives if it
        was whole, for each byte and however large the pieces are.
        """
        for chunk in None, 1, 5:
            for count in range(1000):
                desk = Desk()
                pair = self.connect(desk, chunk=chunk)
                answer = pair.root.callRemote("take", 1)
                length = len(pair.client.transport.value())
                pair.links[0].cut(client=count)
                pair.flush()
                self.assertFalse(pair.links[0].connected)
                self.failureResultOf(answer, pb.PBConnectionLost)
                self.assertEqual(desk.taken, [1] if count == length else [])
                if count == length:
                    break
            self.assertGreater(count, 20)

    def test_atAByteOfTheServer(self) -> None:
        """
        Cut at a chosen byte of what the server sends: the call has arrived, its
        answer only if it was whole.
        """
        outcomes = []
        for count in range(60):
            desk = Desk()
            pair = self.connect(desk)
            answer = pair.root.callRemote("take", 1)
            got: list[Any] = []
            answer.addBoth(got.append)
            pair.links[0].cut(server=count)
            pair.flush()
            self.assertEqual(desk.taken, [1])
            outcomes.append(got == [1])
            if got == [1]:
                break
        self.assertEqual(outcomes, [False] * (len(outcomes) - 1) + [True])
        self.assertGreater(len(outcomes), 5)

    def test_laterBytes(self) -> None:
        """
        The count begins when it is set, and goes on over several messages.
        """
        desk = Desk()
        pair = self.connect(desk)
        first = pair.root.callRemote("take", 1)
        length = len(pair.client.transport.value())
        pair.result(first)
        pair.links[0].cut(client=2 * length + 3)
        for number in 2, 3, 4:
            pair.root.callRemote("take", number).addErrback(lambda f: None)
            pair.flush()
        self.assertEqual(desk.taken, [1, 2, 3])
        self.assertFalse(pair.links[0].connected)

    def test_othersGoOn(self) -> None:
        """
        What a cut sets off on other links is delivered by the same flush.
        """
        pair = self.connect(Desk(), clients=2)
        two, one = pair.links
        answers: list[Any] = []
        one.server.notifyOnDisconnect(
            lambda: two.root.callRemote("take", "gone").addCallback(answers.append)
        )
        one.cut(client=0)
        pair.flush()
        self.assertEqual(answers, [1])

    def test_close(self) -> None:
        """
        Leaving the C{with} block closes all links, and doing it again is
        harmless.
        """
        with connectedPair(Desk(), clients=3) as pair:
            self.assertEqual(len(pair.serverFactory.connections), 3)
        self.assertEqual([link.connected for link in pair.links], [False] * 3)
        self.assertEqual(pair.serverFactory.connections, set())
        pair.close()


class TransportTests(PairCase):
    """
    The transport in memory does what Twisted's does.
    """

    def test_loseConnection(self) -> None:
        """
        C{loseConnection} lets out what was written before.
        """
        desk = Desk()
        pair = self.connect(desk, chunk=3)
        pair.root.callRemote("take", 1).addErrback(lambda f: None)
        pair.client.transport.loseConnection()
        pair.flush()
        self.assertEqual(desk.taken, [1])
        self.assertTrue(pair.client.disconnected and pair.server.disconnected)

    def test_abortConnection(self) -> None:
        """
        C{abortConnection} does not.
        """
        desk = Desk()
        pair = self.connect(desk)
        pair.root.callRemote("take", 1).addErrback(lambda f: None)
        pair.client.transport.abortConnection()
        pair.flush()
        self.assertEqual(desk.taken, [])
        self.assertTrue(pair.client.disconnected and pair.server.disconnected)

    def test_afterTheEnd(self) -> None:
        """
        What is written afterwards is dropped.
        """
        pair = self.connect(Desk())
        pair.close()
        pair.client.transport.write(b"late")
        pair.client.transport.writeSequence([b"late", b"r"])
        self.assertEqual(pair.client.transport.value(), b"")
        self.assertFalse(pair.pump())

    def test_badBytes(self) -> None:
        """
        Bytes that a broker cannot take cost the connection, as in a reactor.
        """
        pair = self.connect(Desk())
        answer = pair.root.callRemote("later")
        pair.flush()
        pair.client.transport.writeSequence([b"\x01" * 70, b"\x80"])
        pair.flush()
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertTrue(pair.server.disconnected)


class Producer:
    """
    A pull producer with some pieces to write.
    """

    def __init__(self, transport: Any, pieces: list[bytes]) -> None:
        self.transport = transport
        self.pieces = pieces
        self.stopped = 0

    def resumeProducing(self) -> None:
        self.transport.write(self.pieces.pop(0))
        if not self.pieces:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        raise AssertionError("not reached")

    def stopProducing(self) -> None:
        self.stopped += 1


class ProducerTests(PairCase):
    """
    Producers on the transport, L{twisted.spread.util.Pager} above all.
    """

    data = bytes(range(256)) * 3

    def test_stringPager(self) -> None:
        """
        A pager sends all of its pages, in order, in chunks of any size.
        """
        for chunk in None, 1, 100:
            for factory in pb.PBServerFactory, stock.PBServerFactory:
                pair = self.connect(Desk(), chunk=chunk, serverFactory=factory)
                pages = pair.result(getAllPages(pair.root, "page", self.data))
                self.assertEqual(b"".join(pages), self.data)
                self.assertEqual(len(pages), 77)

    def test_firstPageAtOnce(self) -> None:
        """
        The first page is written when the pager is made, as on a socket: it
        overtakes the answer of the method that makes it.
        """
        order: list[str] = []

        class Collector(pb.Referenceable):
            def remote_gotPage(self, page: bytes) -> None:
                order.append("page")

            def remote_endedPaging(self) -> None:
                order.append("end")

        pair = self.connect(Desk())
        answer = pair.root.callRemote("page", Collector(), b"frog")
        pair.result(answer.addCallback(lambda _: order.append("answer")))
        self.assertEqual(order, ["page", "end", "answer"])

    def test_filePager(self) -> None:
        """
        A pager of a file, from client to server.
        """
        data = bytes(200_000)
        collected: list[Any] = []

        class Collecting(pb.Root):
            def remote_collector(self) -> Any:
                return CallbackPageCollector(collected.append)

        pair = self.connect(Collecting())
        collector = pair.result(pair.root.callRemote("collector"))
        FilePager(collector, BytesIO(data))
        pair.flush()
        self.assertEqual([b"".join(pages) for pages in collected], [data])

    def test_twoPagers(self) -> None:
        """
        Two at a time over one link.
        """
        pair = self.connect(Desk(), chunk=50)
        one = getAllPages(pair.root, "page", self.data)
        two = getAllPages(pair.root, "page", self.data[::-1])
        self.assertEqual(b"".join(pair.result(one)), self.data)
        self.assertEqual(b"".join(pair.result(two)), self.data[::-1])

    def test_closingWaits(self) -> None:
        """
        A connection that is told to close waits for its producer.
        """
        pair = self.connect(Desk())
        pages = getAllPages(pair.root, "page", self.data)
        pair.pump()
        pair.server.transport.loseConnection()
        pair.flush()
        self.assertEqual(b"".join(self.successResultOf(pages)), self.data)
        self.assertTrue(pair.client.disconnected)

    def test_stopped(self) -> None:
        """
        A producer is told, once, that the connection is lost; and so is one
        that comes after.
        """
        pair = self.connect(Desk())
        transport = pair.client.transport
        early = Producer(transport, [b"", b""])
        transport.registerProducer(early, False)
        pair.close()
        late = Producer(transport, [b"", b""])
        transport.registerProducer(late, False)
        pair.close()
        self.assertEqual((early.stopped, late.stopped), (1, 1))

    def test_pullProducer(self) -> None:
        """
        A pull producer is asked for more only when nothing is left to send.
        """
        pair = self.connect(Desk(), chunk=1)
        transport = pair.client.transport
        producer = Producer(transport, [b"ab", b"c"])
        transport.registerProducer(producer, False)
        self.assertEqual(transport.take(1), b"a")
        self.assertEqual(producer.pieces, [b"c"])
        self.assertEqual(transport.take(1), b"b")
        self.assertEqual(transport.take(1), b"c")
        self.assertIsNone(transport.producer)

    def test_pushProducer(self) -> None:
        """
        A push producer is not asked; and there can be but one producer.
        """
        pair = self.connect(Desk())
        transport = pair.client.transport
        producer = Producer(transport, [b"never"])
        transport.registerProducer(producer, True)
        pair.flush()
        self.assertEqual(producer.pieces, [b"never"])
        self.assertRaises(RuntimeError, transport.registerProducer, producer, True)


class Pond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "test_testing.Pond"

    def __init__(self, frogs: object) -> None:
        self.frogs = frogs


class Unregistered(Pond):
    typeToCopy = "test_testing.Unregistered"


pb.setUnjellyableForClass(Pond, Pond)


class OtherPond(pb.RemoteCopy):
    pass


class RoundTripTests(SynchronousTestCase):
    """
    An object sent over a connection.
    """

    def test_value(self) -> None:
        """
        What arrived is returned.
        """
        pond = roundTrip(Pond([1, 2]))
        self.assertIsInstance(pond, Pond)
        self.assertEqual(pond.frogs, [1, 2])
        self.assertEqual(roundTrip([None, {"a": 1}], chunk=1), [None, {"a": 1}])
        self.assertIsNone(roundTrip(None))

    def test_refused(self) -> None:
        """
        What kept it from being received is raised.
        """
        error = self.assertRaises(pb.RemoteError, roundTrip, Unregistered(1))
        self.assertIn("test_testing.Unregistered", str(error))

    def test_notSendable(self) -> None:
        """
        And what kept it from being sent.
        """

        class Broken(Pond):
            def getStateToCopy(self) -> Any:
                raise KeyError("broken")

        self.assertRaises(KeyError, roundTrip, Broken(1))


class RestoredRegistryTests(SynchronousTestCase):
    """
    The process-wide tables, put back.
    """

    def tables(self) -> list[dict[Any, Any]]:
        security = jelly.globalSecurity
        return [
            jelly.unjellyableRegistry,
            jelly.unjellyableFactoryRegistry,
            security.allowedTypes,
            security.allowedModules,
            security.allowedClasses,
        ]

    def spoil(self) -> None:
        pb.setUnjellyableForClass(Pond, OtherPond, replace=True)
        pb.setUnjellyableForClass("test_testing.new", Pond)
        pb.setUnjellyableFactoryForClass("test_testing.factory", Pond)
        jelly.globalSecurity.allowInstancesOf(Producer)
        for table in self.tables():
            table.pop("remote", None)
        del jelly.unjellyableRegistry[b"remote"]

    def test_inPlace(self) -> None:
        """
        What is registered inside is gone afterwards, what was replaced or
        removed is back, and the tables are the same objects as before.
        """
        before = [dict(table) for table in self.tables()]
        same = self.tables()
        with restoredRegistry():
            self.spoil()
            changed = [a != b for a, b in zip(self.tables(), before, strict=True)]
            self.assertEqual(changed, [True] * 5)
        self.assertEqual(self.tables(), before)
        for table, one in zip(self.tables(), same, strict=True):
            self.assertIs(table, one)
        self.assertIs(stock.copyTags, jelly.unjellyableRegistry)
        self.assertIs(type(roundTrip(Pond(1))), Pond)

    def test_error(self) -> None:
        """
        Also when the block fails, whose error goes on.
        """
        before = [dict(table) for table in self.tables()]

        def fail() -> None:
            with restoredRegistry():
                self.spoil()
                raise KeyError

        self.assertRaises(KeyError, fail)
        self.assertEqual(self.tables(), before)

    def test_nested(self) -> None:
        """
        One inside another puts back what it found.
        """
        with restoredRegistry():
            pb.setUnjellyableForClass("test_testing.outer", Pond)
            with restoredRegistry():
                pb.setUnjellyableForClass("test_testing.inner", Pond)
            self.assertIn(b"test_testing.outer", jelly.unjellyableRegistry)
            self.assertNotIn(b"test_testing.inner", jelly.unjellyableRegistry)
        self.assertNotIn(b"test_testing.outer", jelly.unjellyableRegistry)


class PublicTests(SynchronousTestCase):
    """
    What users may rely on.
    """

    def test_all(self) -> None:
        """
        Each public name is there.
        """
        self.assertEqual(
            set(testing.__all__),
            {
                "Link",
                "Pair",
                "connectedPair",
                "restoredRegistry",
                "roundTrip",
                "unsampled",
            },
        )
        for name in testing.__all__:
            self.assertTrue(callable(getattr(testing, name)))
