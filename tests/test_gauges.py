"""
L{Broker.gauges<pbext._broker.Broker.gauges>}: how far a connection is, and the
warning before it is too far.  What becomes of who reaches a limit is in
L{tests.test_faults_limits}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from pbext import Limits, pb
from pbext.errors import LimitReached
from pbext.testing import connectedPair
from pbext.wire._budget import PER_MESSAGE, Budget
from tests.codecs import CODECS
from tests.ponds import Pond, PondTestCase, StockPond
from tests.raw import encode


class Shop(pb.Root):
    """
    Gives and takes, and answers later.
    """

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.answers: list[Deferred[None]] = []

    def remote_give(self, *kinds: str) -> Any:
        made = {"duck": pb.Referenceable, "pond": Pond, "classic": StockPond}
        return [made[kind]() for kind in kinds]

    def remote_take(self, *things: Any) -> None:
        self.kept.extend(things)

    def remote_wait(self) -> Any:
        self.answers.append(Deferred())
        return self.answers[-1]


class GaugesTests(PondTestCase):
    """
    A server and one client.
    """

    def serve(self, **limits: int) -> Any:
        """
        @return: the server's broker.
        """
        self.shop = Shop()
        self.pair = connectedPair(
            self.shop,
            serverFactory=lambda root: pb.PBServerFactory(
                root, limits=Limits(**limits)
            ),
        )
        self.addCleanup(self.pair.close)
        return self.pair.server

    def call(self, name: str, *args: Any) -> Any:
        return self.pair.result(self.pair.root.callRemote(name, *args))

    def counts(self, broker: Any) -> list[int]:
        """
        @return: how many references, caches, caches received and calls.
        """
        return [count for count, _ in list(broker.gauges.values())[:4]]

    def warnings(self, events: Any) -> list[str]:
        return [formatEvent(e) or "" for e in events if e["log_level"] is LogLevel.warn]

    def test_new(self) -> None:
        """
        A new connection has nothing; the root does not count.
        """
        server = self.serve(
            references=5, caches=6, cachesReceived=7, callsInFlight=8, unreadBytes=9
        )
        budgets = "maxMessageBytes items depth expandedItems keyItems keyIntegers"
        self.assertEqual(
            {
                "references": (0, 5),
                "caches": (0, 6),
                "cachesReceived": (0, 7),
                "callsInFlight": (0, 8),
                "unreadBytes": (0, 9),
                "laggingBytes": (0, Limits().laggingBytes),
                **{n: (0, getattr(Limits(), n)) for n in budgets.split()},
            },
            server.gauges,
        )

    def test_message(self) -> None:
        """
        Of a message that is arriving there is what has come of it; of one that
        has arrived, nothing.
        """
        server = self.serve()
        key = [b"tuple", [b"reference", 1, [b"list", 2**61]], [b"dereference", 1]]
        data = encode([[b"set", key], [b"dictionary", [1, 2]]])
        for codec in CODECS:
            server._decoder = decoder = codec.Decoder(Budget.of(Limits()))
            decoder.vocabulary = True
            decoder.feed(data[:-1])
            self.assertIsNone(decoder.next())
            found = [server.gauges[name][0] for name in PER_MESSAGE]
            # The outermost list is open, and the pair within it; what the
            # dereference stands for is a list, a word and a number.
            self.assertEqual([len(data) - 1, 19, 3, 22, 3, 2], found)
            decoder.feed(data[-1:])
            decoder.next()
            used = [server.gauges[name][0] for name in PER_MESSAGE]
            self.assertEqual([0] * 6, used)

    def test_rootless(self) -> None:
        """
        Nor does a broker without a root have less than nothing.
        """
        self.assertEqual([0, 0, 0, 0], self.counts(pb.Broker()))

    def test_counted(self) -> None:
        """
        What the peer is given and gives is counted, at both ends, and what is
        let go of is not any more.
        """
        server = self.serve()
        held = self.call("give", "duck", "duck", "pond", "classic")
        self.call("take", Pond(), StockPond(), Pond())
        waiting = [self.pair.root.callRemote("wait") for _ in range(4)]
        self.pair.flush()
        self.assertEqual([2, 2, 3, 4], self.counts(server))
        self.assertEqual([0, 3, 2, 0], self.counts(self.pair.client))
        del held
        self.shop.kept.clear()
        for answer in self.shop.answers:
            answer.callback(None)
        self.pair.flush()
        for answered in waiting:
            self.assertIsNone(self.successResultOf(answered))
        self.assertEqual([0, 0, 0, 0], self.counts(server))
        self.assertEqual([0, 0, 0, 0], self.counts(self.pair.client))

    def test_names(self) -> None:
        """
        What has a name of its own counts, as in stock.
        """
        server = self.serve()
        server.setNameForLocal("second", pb.Referenceable())
        self.assertEqual([1, 0, 0, 0], self.counts(server))

    def test_lost(self) -> None:
        """
        When the connection is lost, there is nothing but for the calls that
        go on, until they are done.
        """
        server = self.serve()
        self.call("take", Pond(), pb.Referenceable())
        answer = self.pair.root.callRemote("wait")
        self.held = self.call("give", "duck", "pond")
        self.pair.close()
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual([0, 0, 0, 1], self.counts(server))
        self.shop.answers[0].callback(None)
        self.assertEqual([0, 0, 0, 0], self.counts(server))

    def test_near(self) -> None:
        """
        At four fifths of a limit there is a warning, with the peer and the
        count: one for each limit, however often it is reached.
        """
        self.serve(references=5, caches=10)
        with capturedLogs() as events:
            self.held = [self.call("give", "duck") for _ in range(4)]
        self.assertEqual([], self.warnings(events))
        with capturedLogs() as events:
            self.held.append(self.call("give", "duck"))
            self.held.append(self.call("give", *["pond"] * 8))
        self.assertEqual(
            ["192.168.1.1:54321 is near a limit: references, 4 of 5"],
            self.warnings(events),
        )
        with capturedLogs() as events:
            self.held.append(self.call("give", "pond"))
            self.held.append(self.call("give", "classic"))
            del self.held[0]
            self.pair.flush()
            self.held.append(self.call("give", "duck"))
        self.assertEqual(
            ["192.168.1.1:54321 is near a limit: caches, 8 of 10"],
            self.warnings(events),
        )

    def test_sentAgain(self) -> None:
        """
        What the peer has already can be given again at the limit.
        """
        server = self.serve(references=1, caches=1)
        duck, pond = pb.Referenceable(), Pond()
        taker = Shop()
        self.pair.client.setNameForLocal("taker", taker)
        root = server.remoteForName("taker")
        for _ in range(2):
            self.pair.result(root.callRemote("take", duck, pond))
        self.assertEqual(taker.kept[:2], taker.kept[2:])
        self.assertEqual([1, 1, 0, 0], self.counts(server))

    def test_record(self) -> None:
        """
        On this side a refusal is a record, with the limit and what it is.
        """
        server = self.serve(references=1)
        server.registerReference(pb.Referenceable())
        error = self.assertRaises(
            LimitReached, server.registerReference, pb.Referenceable()
        )
        self.assertEqual(("references", 1), (error.limit, error.value))
