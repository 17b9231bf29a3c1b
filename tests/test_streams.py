"""
L{pbext.wire._streams} and L{pbext._streams}: large messages, cut, passed by what
may pass them, and put together.  What becomes of them from one end to the other
is in L{tests.test_faults_large}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.internet.task import Clock
from twisted.spread import banana
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext.errors import BadMessage, LimitReached
from pbext.testing import Pair, connectedPair
from pbext.wire import _streams
from pbext.wire._budget import UNLIMITED
from pbext.wire._codec import Decoder
from pbext.wire._streams import CHUNK, DIALECT, Arrival, Departures, Parcel
from tests.desks import Desk
from tests.ponds import Pond
from tests.raw import RAW, LogRecord, RawBroker, encode

#: For the tests of order; what is cut into 64 KiB is cut into 12 bytes here.
SHORT = 12

ANSWERS = (b"answer", b"error")
CALLS = (b"message", b"cachemessage")


@attrs.frozen
class Sent:
    """
    A message.

    @ivar since: how many were sent before the call came that it answers.
    """

    command: bytes
    objectID: int
    size: int
    carried: tuple[int, ...]
    since: int


def mayArriveBefore(later: Sent, earlier: Sent, sentBefore: int) -> bool:
    """
    The rule, of two messages alone.

    @param sentBefore: how many were sent before the earlier one.
    """
    if later.size > SHORT or later.carried:
        return False
    if later.command in ANSWERS:
        return earlier.command in ANSWERS or sentBefore < later.since
    if later.command not in CALLS or earlier.command in ANSWERS:
        return False
    if later.command == b"cachemessage" and later.objectID in earlier.carried:
        return False
    address = later.command, later.objectID
    return address != (earlier.command, earlier.objectID)


class FarEnd:
    """
    Reads what is written, in pieces of any size.
    """

    def __init__(self, most: int = 10**6) -> None:
        self.arrived: list[bytes] = []
        self._decoder = Decoder(UNLIMITED)
        self._decoder.vocabulary = True
        self._arrival = Arrival(most)

    def read(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (message := self._decoder.next()) is not None:
            if message[0] == b"begin":
                self._arrival.begin(*message[1:])
            elif message[0] == b"chunk":
                whole = self._arrival.chunk(*message[1:])
                if whole is not None:
                    self.read(whole)
            else:
                self.arrived.append(message[1])


#: What a message is; how many turns come before it, in each of which at most
#: one piece leaves; how many messages ago the call came that it answers.
_EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*CALLS, *ANSWERS, b"decref", b"message", b"answer"]),
        st.integers(1, 3),
        st.sampled_from([0, 0, 0, 1, 40]),
        st.lists(st.integers(1, 3), max_size=2).map(tuple),
        st.integers(0, 3),
        st.integers(0, 4),
    ),
    max_size=25,
)


class DeparturesTests(SynchronousTestCase):
    """
    What leaves, and when.
    """

    def setUp(self) -> None:
        self.patch(_streams, "CHUNK", SHORT)
        self.departures = Departures()
        self.end = FarEnd()
        self.sizes: dict[int, int] = {}

    def post(self, number: int, sent: Sent) -> None:
        """
        As a broker does.
        """
        name = b"%d" % number
        head = b"\x02\x80\x01\x82m" + bytes([len(name)]) + b"\x82" + name
        if sent.size > SHORT:  # of any number of parts
            head = b"\x03" + head[1:] + bytes([sent.size]) + b"\x82"
            parts: Sequence[bytes] = (head, b"x" * (sent.size - 3), b"yyy")
        else:
            parts = (head,)
        # The count of those that have waited, where the test has all.
        parcel = Parcel(
            sent.command, sent.objectID, parts, sent.carried, self.marks[sent.since]
        )
        self.assertEqual(sent.size > SHORT, parcel.large)
        if self.departures.mayPass(parcel) and not parcel.large:
            self.end.read(parcel.take())
        else:
            self.departures.add(parcel)
        self.marks.append(self.departures.count)

    def turn(self) -> None:
        if self.departures:
            data, parcel = self.departures.leave()
            self.end.read(data)
            self.assertEqual(parcel.gone, parcel not in self.departures._waiting)

    @settings(deadline=None, max_examples=150)
    @given(_EVENTS)
    def test_order(self, events: list[Any]) -> None:
        """
        Everything arrives whole, once, and nothing before anything that it may
        not pass, however they come and whenever there is time to write; and
        nothing that may pass all that waits does wait.
        """
        self.departures, self.end = Departures(), FarEnd()
        self.marks = [0]
        sent: list[Sent] = []
        for command, objectID, size, carried, turns, ago in events:
            for _ in range(turns):
                self.turn()
            number = len(sent)
            if command not in (*CALLS, *ANSWERS):
                size, carried = 0, ()
            message = Sent(command, objectID, size, carried, max(0, number - ago))
            waiting = [
                (n, earlier)
                for n, earlier in enumerate(sent)
                if b"%d" % n not in self.end.arrived
            ]
            passes = all(mayArriveBefore(message, e, n) for n, e in waiting)
            self.post(number, message)
            sent.append(message)
            arrived = b"%d" % number in self.end.arrived
            self.assertEqual(arrived, size <= SHORT and passes)
        while self.departures:
            self.turn()
        self.assertEqual(0, self.departures.size)
        self.assertEqual(Counter(), self.departures._spokenOf)
        arrivals = [int(name) for name in self.end.arrived]
        self.assertEqual(list(range(len(sent))), sorted(arrivals))
        for place, number in enumerate(arrivals):
            for earlier in arrivals[place:]:
                if earlier < number:
                    self.assertTrue(
                        mayArriveBefore(sent[number], sent[earlier], earlier)
                    )

    def test_words(self) -> None:
        """
        What is said of the peer's own large messages passes everything.
        """
        self.departures.add(Parcel(b"message", 1, (b"x" * 100,)))
        for command in (b"took", b"refused"):
            self.assertTrue(self.departures.mayPass(Parcel(command, 0, (b"x",))))


class ParcelTests(SynchronousTestCase):
    """
    A message, cut.
    """

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=30), min_size=1), st.integers(1, 40))
    def test_chunks(self, parts: list[bytes], chunk: int) -> None:
        """
        Whatever parts it is given in, its chunks are as large as may be, and
        together they are the message.
        """
        self.patch(_streams, "CHUNK", chunk)
        parcel = Parcel(b"message", 1, parts)
        chunks = []
        while not parcel.gone:
            chunks.append(parcel.take())
        self.assertEqual(b"".join(parts), b"".join(chunks))
        if parcel.large:
            self.assertEqual({chunk}, {len(c) for c in chunks[:-1]})
            self.assertTrue(0 < len(chunks[-1]) <= chunk)
        else:
            self.assertLessEqual(len(chunks), 1)

    def test_onlyMessages(self) -> None:
        """
        What is no message of values is not cut: nobody would put it together.
        """
        self.assertFalse(Parcel(b"mine", None, (b"x" * CHUNK * 2,)).large)


class ArrivalTests(SynchronousTestCase):
    """
    A message, put together.
    """

    @settings(deadline=None)
    @given(st.lists(st.lists(st.binary(min_size=1), min_size=1)))
    def test_whole(self, messages: list[list[bytes]]) -> None:
        """
        Each is complete with its last chunk, however it was cut.
        """
        arrival = Arrival(10**6)
        for chunks in messages:
            arrival.begin(sum(map(len, chunks)))
            for chunk in chunks[:-1]:
                self.assertIsNone(arrival.chunk(chunk))
                self.assertTrue(arrival.open)
            self.assertEqual(b"".join(chunks), arrival.chunk(chunks[-1]))
            self.assertFalse(arrival.open)

    def test_tooLarge(self) -> None:
        """
        One that is announced as too large is refused at once, and skipped,
        however much of it there is, until the next one begins.
        """
        arrival = Arrival(100)
        for size in (101, 2**400):
            error = self.assertRaises(LimitReached, arrival.begin, size)
            self.assertEqual(("maxMessageBytes", 100), (error.limit, error.value))
            self.assertFalse(arrival.open)
            for _ in range(3):
                self.assertIsNone(arrival.chunk(b"x" * 101))
            arrival.begin(100)
            self.assertEqual(b"x" * 100, arrival.chunk(b"x" * 100))

    def test_nothingIsReserved(self) -> None:
        """
        What is announced costs nothing, before it has come.
        """
        arrival = Arrival(2**60)
        arrival.begin(2**60)
        arrival.chunk(b"x")
        self.assertEqual(b"x", arrival._bytes)

    def test_bad(self) -> None:
        """
        What makes no sense is no message.
        """
        for bad in (0, -1, None, "7", 1.5, [1], b"1"):
            self.assertRaises(BadMessage, Arrival(100).begin, bad)
        arrival = Arrival(100)
        self.assertRaises(BadMessage, arrival.chunk, b"x")
        arrival.begin(2)
        self.assertRaises(BadMessage, arrival.begin, 2)
        for chunk in (b"", "x", 1, [b"x"], None, b"xxx"):
            self.assertRaises(BadMessage, arrival.chunk, chunk)
        self.assertEqual(b"xy", arrival.chunk(b"xy"))
        self.assertRaises(BadMessage, arrival.chunk, b"x")


class NegotiationTests(SynchronousTestCase):
    """
    Which dialect two ends agree on.
    """

    def agreed(self, server: Any, client: Any) -> Pair:
        """
        @return: two ends that have agreed, and understand each other.
        """
        pair = connectedPair(Desk(), serverFactory=server, clientFactory=client)
        self.addCleanup(pair.close)
        self.assertEqual("frog", pair.result(pair.root.callRemote("echo", "frog")))
        for end in (pair.client, pair.server):
            self.assertEqual(b"pb", end.currentDialect)
        return pair

    def test_both(self) -> None:
        """
        Two ends of pbext agree on their own.
        """
        pair = self.agreed(pb.PBServerFactory, pb.PBClientFactory)
        for end in (pair.client, pair.server):
            self.assertEqual(DIALECT, end.dialect)

    def test_stock(self) -> None:
        """
        With Twisted's at either end it is C{pb}, and all that was said there
        is what Twisted's would have said.
        """
        pair = self.agreed(pb.PBServerFactory, stock.PBClientFactory)
        self.assertEqual(b"pb", pair.server.dialect)
        pair = self.agreed(stock.PBServerFactory, pb.PBClientFactory)
        self.assertEqual(b"pb", pair.client.dialect)
        self.assertEqual(banana.SIZE_LIMIT, pair.client.stringLimit)

    def test_declined(self) -> None:
        """
        A program may do without, at either end.
        """

        class Plain(pb.Broker):
            knownDialects = stock.Broker.knownDialects

        class PlainServer(pb.PBServerFactory):
            protocol = Plain

        class PlainClient(pb.PBClientFactory):
            protocol = Plain

        for ends in (
            (PlainServer, pb.PBClientFactory),
            (pb.PBServerFactory, PlainClient),
        ):
            pair = self.agreed(*ends)
            self.assertEqual([b"pb", b"pb"], [pair.client.dialect, pair.server.dialect])

    def test_none(self) -> None:
        """
        Whoever wants nothing but C{none} gets that.
        """

        class Poor(pb.Broker):
            knownDialects = [b"none"]

        class PoorClient(pb.PBClientFactory):
            protocol = Poor

        pair = connectedPair(Desk(), clientFactory=PoorClient)
        self.addCleanup(pair.close)
        self.assertEqual("frog", pair.result(pair.root.callRemote("echo", "frog")))
        self.assertEqual(b"none", pair.server.dialect)


class Speaker(RawBroker):
    """
    Agrees to pbext's dialect, and then says what it is told.
    """

    knownDialects = [DIALECT]

    def _selectDialect(self, dialect: bytes) -> None:
        super()._selectDialect(b"pb")  # for its vocabulary


class SpeakerFactory(stock.PBClientFactory):
    protocol = Speaker


#: What ends a connection: the messages, and part of what is said of it.
CLOSING: list[tuple[list[Any], str]] = [
    ([[b"chunk", b"x"]], "belongs to no large message"),
    ([[b"begin", 10], [b"begin", 10]], "begins within another one"),
    ([[b"begin", 10], [b"chunk", b"x" * 11]], "larger than announced"),
    ([[b"begin", 10], [b"chunk", b""]], "has no bytes"),
    ([[b"begin", 10], [b"chunk", 10]], "has no bytes"),
    ([[b"begin", 0]], "has no size"),
    ([[b"begin", -1]], "has no size"),
    ([[b"begin", [b"x"]]], "has no size"),
    ([[b"begin"]], "not a message"),
    ([[b"begin", 1, 2]], "not a message"),
    ([[b"took"]], "was never sent"),
    ([[b"refused", b"items", 1]], "was never sent"),
    ([[b"refused", b"frogs", 1]], "for no known reason"),
    ([[b"refused", [b"items"], 1]], "not a message"),
    ([[b"refused", b"items", b"x"]], "for no known reason"),
]

#: What is no message when it has come in chunks.
NONE = [
    encode([b"decref", 1]),
    encode([b"begin", 10]),
    encode([b"chunk", b"x"]),
    encode([b"took"]),
    encode([]),
    encode([[b"message"]]),
    encode([7, 1]),
    encode(b"message"),
    encode(7),
    encode(*[[b"message", 1, b"root", b"echo", 0, [b"tuple", 1], [b"dictionary"]]] * 2),
    encode([b"message", 1])[:-1],
    b"\x07",
    b"\xff",
]


class BrokerTests(SynchronousTestCase):
    """
    A broker, and what its peer says of large messages.
    """

    def connect(self, **terms: Any) -> Any:
        """
        @return: the far end, which says what it is told.
        """
        self.clock = Clock()
        self.desk = Desk()
        self.pair = connectedPair(
            self.desk,
            serverFactory=lambda root: pb.PBServerFactory(root, **terms),
            clientFactory=SpeakerFactory,
            clock=self.clock,
        )
        self.addCleanup(self.pair.close)
        self.record = LogRecord(self)
        return self.pair.client

    def say(self, *messages: Any) -> list[Any]:
        """
        @return: what is said to that.
        """
        client: Any = self.pair.client
        client.heard.clear()
        client.say(*messages)
        self.pair.flush()
        return list(client.heard)

    def call(self, *args: Any) -> bytes:
        tuple_ = [b"tuple", *args]
        method = [b"message", 7, b"root", b"echo", 1]
        return encode([*method, tuple_, [b"dictionary"]])

    def test_anyChunks(self) -> None:
        """
        A peer may cut as it likes, what is small too.
        """
        self.connect()
        whole = self.call(b"frog")
        for size in (1, 10, len(whole)):
            chunks = [whole[i : i + size] for i in range(0, len(whole), size)]
            heard = self.say(
                [b"begin", len(whole)], *([b"chunk", chunk] for chunk in chunks)
            )
            self.assertEqual([[b"took"], [b"answer", 7, b"frog"]], heard)

    def test_between(self) -> None:
        """
        What comes between chunks is done when it comes.
        """
        self.connect()
        whole = self.call(b"frog")
        small = [b"message", 8, b"root", b"echo", 1, [b"tuple", 5], [b"dictionary"]]
        heard = self.say(
            [b"begin", len(whole)], [b"chunk", whole[:9]], small, [b"chunk", whole[9:]]
        )
        self.assertEqual([[b"answer", 8, 5], [b"took"], [b"answer", 7, b"frog"]], heard)

    def test_closing(self) -> None:
        """
        What makes no sense ends the connection, with one line of log.
        """
        for messages, said in CLOSING:
            self.connect()
            self.say(*messages)
            [line] = self.record.lines
            self.assertIn(said, line)
            self.assertFalse(self.pair.links[0].connected)
            self.assertEqual([], self.clock.getDelayedCalls())

    def test_noMessage(self) -> None:
        """
        So does what is none when it is whole.
        """
        for whole in NONE:
            self.connect()
            self.say([b"begin", len(whole)], [b"chunk", whole])
            [line] = self.record.lines
            self.assertIn("is closed: not a message", line)
            self.assertNotIn("Traceback", line)
            self.assertFalse(self.pair.links[0].connected)

    def test_otherDialect(self) -> None:
        """
        In another dialect there are no large messages.
        """
        for message in ([b"begin", 10], [b"chunk", b"x"], [b"took"]):
            pair = connectedPair(Desk(), clientFactory=RAW.client)
            client: Any = pair.client
            client.say(message)
            pair.flush()
            self.assertFalse(pair.links[0].connected)

    def test_refused(self) -> None:
        """
        Of what goes beyond a limit of one message the sender is told, and
        here is one line of log for it.  The connection goes on.
        """
        cases = [
            (Limits(maxMessageBytes=200_000), [b"begin", 200_001], b"maxMessageBytes"),
            (Limits(items=1000), self.call(*[1] * 1000), b"items"),
            (Limits(depth=5), self.call([b"list", [b"list", [b"list", []]]]), b"depth"),
        ]
        for limits, what, name in cases:
            self.connect(limits=limits)
            value = getattr(limits, name.decode())
            messages = (
                [what, *[[b"chunk", b"x" * 9]] * 3]
                if isinstance(what, list)
                else [[b"begin", len(what)], [b"chunk", what]]
            )
            for _ in range(3):
                self.assertEqual([[b"refused", name, value]], self.say(*messages))
                [line] = self.record.take()
                self.assertIn("too large: the limit of this connection is", line)
                self.assertIn(f"{name.decode()}={value}", line)
            small = self.call(b"frog")
            heard = self.say([b"begin", len(small)], [b"chunk", small])
            self.assertEqual([[b"took"], [b"answer", 7, b"frog"]], heard)

    def test_aThousand(self) -> None:
        """
        What is refused a thousand times is not logged as often.
        """
        self.connect(limits=Limits(maxMessageBytes=200_000))
        heard = self.say(*[[b"begin", 2**300]] * 1000)
        self.assertEqual([[b"refused", b"maxMessageBytes", 200_000]] * 1000, heard)
        self.assertLess(len(self.record.lines), 30)
        self.assertTrue(self.pair.links[0].connected)

    def test_patience(self) -> None:
        """
        A large message may take as long as it likes, as long as it goes on.
        """
        self.connect(limits=Limits(messageSeconds=10))
        whole = self.call(b"frog")
        self.say([b"begin", len(whole)])
        for i in range(len(whole)):
            self.clock.advance(9)
            heard = self.say([b"chunk", whole[i : i + 1]])
        self.assertEqual([[b"took"], [b"answer", 7, b"frog"]], heard)
        self.clock.advance(100)
        self.assertEqual([], self.record.lines)
        self.say([b"begin", 10], [b"chunk", b"x"])
        self.clock.advance(9)
        small = [b"message", 8, b"root", b"echo", 1, [b"tuple", 5], [b"dictionary"]]
        self.assertEqual([[b"answer", 8, 5]], self.say(small))
        self.clock.advance(1)  # small ones do not count
        [line] = self.record.lines
        self.assertIn("for too long: messageSeconds=10", line)
        self.pair.flush()
        self.assertFalse(self.pair.links[0].connected)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_endless(self) -> None:
        """
        Without that limit, nothing is waited for.
        """
        self.connect(limits=Limits(messageSeconds=None))
        self.say([b"begin", 10], [b"chunk", b"x"])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_lost(self) -> None:
        """
        What has come of a message goes with the connection.
        """
        self.connect()
        self.say([b"begin", 10_000], [b"chunk", b"x" * 5000])
        server: Any = self.pair.server
        self.assertEqual((5000, 2**24), server.gauges["maxMessageBytes"])
        self.pair.close()
        self.assertIsNone(server._arrival)
        self.assertEqual([], self.clock.getDelayedCalls())


class Reader(stock.Root):
    """
    @ivar served: how many calls were.
    """

    served = 0

    def remote_get(self, size: int) -> bytes:
        self.served += 1
        return b"x" * size


class LeavingTests(SynchronousTestCase):
    """
    What waits to leave a broker.
    """

    def test_sharedBytes(self) -> None:
        """
        A large update is in memory once, however many observe.
        """
        pair = connectedPair(Desk(), clients=5)
        self.addCleanup(pair.close)
        pond = Pond()
        for link in pair.links:
            link.client.setNameForLocal("desk", Desk())
            desk = link.server.remoteForName("desk")
            desk.callRemote("keep", pond, pbanswer=False)
        pair.flush()
        pond.addDuck(b"x" * 5_000_000)
        parts: list[bytes] = []
        for link in pair.links:
            server: Any = link.server
            parts += server._departures.first.parts
            waits, _most = server.gauges["laggingBytes"]
            self.assertTrue(4_800_000 < waits < 5_100_000, waits)
        large = [part for part in parts if len(part) > CHUNK]
        self.assertEqual(5, len(large))
        self.assertEqual(1, len({id(part) for part in large}))

    def test_unread(self) -> None:
        """
        Who asks for large answers and does not read them is not read from
        either, as soon as more than one of the largest waits; when it reads,
        all is answered.
        """
        reader = Reader()
        limits = Limits(maxMessageBytes=1_000_000, messageSeconds=10)
        pair = connectedPair(
            reader, serverFactory=lambda root: pb.PBServerFactory(root, limits=limits)
        )
        self.addCleanup(pair.close)
        client: Any = pair.client
        server: Any = pair.server
        client.transport.pauseProducing()
        answers: list[bytes] = []
        for _ in range(50):
            pair.root.callRemote("get", 400_000).addCallback(answers.append)
        pair.flush()
        self.assertTrue(2 < reader.served < 6, reader.served)
        self.assertLess(server._departures.size, 2_000_000)
        small = pair.root.callRemote("get", 1)
        used, _most = server.gauges["unreadBytes"]
        self.assertTrue(1_000_000 < used < 2_000_000, used)
        pair.clock.advance(9)
        client.transport.resumeProducing()
        pair.flush()
        self.assertEqual(b"x", self.successResultOf(small))
        self.assertEqual([400_000] * 50, list(map(len, answers)))
        self.assertEqual([], pair.clock.getDelayedCalls())

    def test_unreadWords(self) -> None:
        """
        So is who does not read what is said of its messages.
        """
        limits = Limits(unreadBytes=10_000)
        pair = connectedPair(
            Desk(),
            serverFactory=lambda root: pb.PBServerFactory(root, limits=limits),
            clientFactory=SpeakerFactory,
        )
        self.addCleanup(pair.close)
        client: Any = pair.client
        server: Any = pair.server
        client.transport.pauseProducing()
        for _ in range(200):
            client.say(*[[b"begin", 2**60], [b"frog"]] * 50)
            pair.flush()
        used, most = server.gauges["unreadBytes"]
        self.assertTrue(most < used < most + 100, used)
        self.assertLess(server.outlet.behind, most + 100)

    def test_neverRead(self) -> None:
        """
        It is not waited for without end.
        """
        limits = Limits(maxMessageBytes=1_000_000, messageSeconds=10)
        pair = connectedPair(
            Reader(), serverFactory=lambda root: pb.PBServerFactory(root, limits=limits)
        )
        self.addCleanup(pair.close)
        client: Any = pair.client
        client.transport.pauseProducing()
        for _ in range(50):
            answer = pair.root.callRemote("get", 400_000)
            answer.addErrback(lambda failure: failure.trap(stock.PBConnectionLost))
        pair.flush()
        server: Any = pair.server
        self.assertIsNone(server.fault)
        pair.clock.advance(10)
        self.assertEqual("messageSeconds", server.fault.limit)

    def test_ownPatience(self) -> None:
        """
        What is not read, since its peer does not read, is not late.
        """
        limits = Limits(maxMessageBytes=1_000_000, messageSeconds=10)
        pair = connectedPair(
            Reader(), serverFactory=lambda root: pb.PBServerFactory(root, limits=limits)
        )
        self.addCleanup(pair.close)
        client: Any = pair.client
        server: Any = pair.server
        server._arrival.begin(10)
        server._await()
        client.transport.pauseProducing()
        for _ in range(50):
            pair.root.callRemote("get", 400_000).addErrback(lambda _: None)
        pair.flush()
        for _ in range(3):
            pair.clock.advance(5)
            server._patience.hold()  # as if some had left
            pair.clock.advance(3)
        self.assertIsNone(server.fault)
        client.transport.resumeProducing()
        pair.flush()
        pair.clock.advance(10)
        self.assertEqual("messageSeconds", server.fault.limit)
