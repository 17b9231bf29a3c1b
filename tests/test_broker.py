"""
The broker: what is in a message, and what becomes of it.
"""

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.spread import banana, jelly
from twisted.spread import pb as stock

from pbext import pb
from pbext.errors import NotSendable, Unordered
from pbext.interfaces import IConnection, IParticipant
from pbext.testing import connectedPair
from tests.ponds import Pond, PondRoot, PondTestCase


class Carrier(pb.Copyable):
    """
    Does something while it is put into a message.
    """

    typeToCopy = "tests.test_broker.Carrier"

    def __init__(self, hook: Any) -> None:
        self._hook = hook

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"found": self._hook(perspective)}


class Carried(pb.RemoteCopy):
    pass


class Unknown(pb.Copyable):
    typeToCopy = "tests.test_broker.Unknown"


pb.setUnjellyableForClass(Carrier, Carried)


class Realm:
    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def view_get(self, perspective: Any) -> Any:
        return self.thing


class LaterRoot(PondRoot):
    """
    Answers when it is told to.
    """

    def remote_getLater(self, name: str) -> Any:
        self.later: Any = Deferred()
        return self.later.addCallback(lambda _: self.things[name])


class MessageTests(PondTestCase):
    """
    What a hook may do, and what is left of a message that is not sent.
    """

    def serve(self, **things: Any) -> None:
        """
        Three clients, each with a root object of its own that the server can
        call.
        """
        self.connect(3, **things)
        self.takers = [PondRoot() for _ in self.pair.links]
        for link, taker in zip(self.pair.links, self.takers, strict=True):
            link.client.setNameForLocal("taker", taker)

    def taker(self, client: int) -> Any:
        return self.pair.links[client].server.remoteForName("taker")

    def assertClean(self, client: int) -> None:
        """
        The broker does not believe that the peer has anything.
        """
        server = self.pair.links[client].server
        self.assertEqual({}, server.remotelyCachedObjects)
        self.assertEqual({}, server.remotelyCachedLUIDs)

    def test_interface(self) -> None:
        """
        The broker keeps messages in order, and what takes part is told.
        """
        self.assertTrue(verifyObject(IConnection, pb.Broker()))
        pond = Pond()
        self.follow(pond)
        for observer in pond.observers:
            self.assertTrue(verifyObject(IParticipant, observer))

    def test_A8b_perspectiveIsKept(self) -> None:
        """
        A hook may call over the connection that its object is sent on; the
        rest of the message still has its perspective, and the call arrives.
        """
        seen: list[Any] = []

        def hook(perspective: Any) -> Any:
            seen.append(perspective)
            self.taker(self.client).callRemote("take", "call", len(seen))

        carriers = [Carrier(hook), Carrier(hook), Pond()]
        self.serve(view=stock.ViewPoint("someone", Realm(carriers)))
        for self.client in range(3):
            view = self.get(self.client, "view")
            del seen[:]
            got = self.pair.result(view.callRemote("get"))
            self.assertEqual(["someone", "someone"], seen)
            [observer] = carriers[2].observers.forPerspective("someone")
            self.assertIs(got[2], self.pair.result(view.callRemote("get"))[2])
            self.pair.flush()
            self.assertIn("call", self.takers[self.client].kept)
            self.pair.links[self.client].cut()

    def test_callWithinAMessage(self) -> None:
        """
        What a call from inside a hook carries for the first time, the rest of
        the message carries as known; a failure of the message takes nothing
        of that back.
        """
        pond, late = Pond(), Carrier(lambda perspective: 1 / 0)

        def hook(perspective: Any) -> Any:
            self.taker(self.client).callRemote("take", "pond", pond)

        self.serve(good=[Carrier(hook), pond], bad=[Carrier(hook), pond, late])
        for self.client in range(3):
            name = "bad" if self.client == 1 else "good"
            try:
                _, got = self.get(self.client, name)
            except stock.RemoteError:
                self.assertEqual("bad", name)
            else:
                self.assertIs(got, self.takers[self.client].kept["pond"])
        self.flushLoggedErrors(ZeroDivisionError)
        del got
        pond.addDuck("huey")
        self.pair.flush()
        for taker in self.takers:
            self.assertEqual(["huey"], taker.kept.pop("pond").ducks)
        self.pair.flush()
        self.assertEqual(3, len(pond.left))

    def test_callAheadOfItsObject(self) -> None:
        """
        A call from inside a hook cannot carry an object that the message is
        only just carrying: it fails, and the message arrives.
        """
        pond, outcomes = Pond(), []

        def hook(perspective: Any) -> Any:
            call = self.taker(self.client).callRemote("take", "it", pond)
            outcomes.append(call)

        self.serve(things=[pond, Carrier(hook), pond])
        for self.client in range(3):
            first, _, second = self.get(self.client, "things")
            self.assertIs(first, second)
            self.failureResultOf(outcomes.pop(), Unordered)
            self.assertEqual({}, self.takers[self.client].kept)
            del first, second
            self.pair.flush()
            self.assertClean(self.client)
        self.assertEqual(3, len(pond.left))

    def test_updateAheadOfItsObject(self) -> None:
        """
        Nor can an update of another object; that is its observer's failure.
        """
        pond, established, deliveries = Pond(), Pond(), []

        def hook(perspective: Any) -> Any:
            deliveries.append(established.addDuck(pond))

        self.serve(established=established, things=[pond, Carrier(hook)])
        kept = [self.get(client, "established") for client in range(3)]
        got = self.get(0, "things")
        delivery = self.successResultOf(deliveries[0])
        self.assertEqual(2, len(delivery.sent))
        [(observer, failure)] = established.failed
        self.assertIs(self.pair.server, observer.broker)
        self.assertIsInstance(failure.value, Unordered)
        self.pair.flush()
        self.assertEqual([0, 1, 1], [len(cache.ducks) for cache in kept])
        self.assertEqual([], got[0].ducks)

    def test_overridden(self) -> None:
        """
        A program may look at what is sent, as it does with Twisted's broker.
        """
        sent: list[tuple[Any, ...]] = []

        class Looking(pb.Broker):
            def sendCall(self, *exp: Any) -> None:
                sent.append(exp[:2])
                super().sendCall(*exp)

        self.serve()
        self.pair.server.__class__ = Looking
        for name in ("ponds", "nothing"):
            answer = self.pair.root.callRemote(name).addErrback(lambda _: None)
            self.pair.flush()
            self.assertTrue(answer.called)
        self.assertEqual([(b"error", 1), (b"error", 2)], sent)

    def test_oneWay(self) -> None:
        """
        The result of a call that nobody waits for is not even made ready to be
        sent, now or later; nor does it disturb what comes next.
        """
        pond = Pond()
        self.serve(pond=pond)
        root = LaterRoot(pond=pond)
        for client, link in enumerate(self.pair.links):
            link.server.setNameForLocal("later", root)
            later = link.client.remoteForName("later")
            later.callRemote("get", "pond", pbanswer=False)
            later.callRemote("getLater", "pond", pbanswer=False)
            self.pair.flush()
            self.assertClean(client)
            root.later.callback(None)
            self.assertClean(client)
            self.assertEqual(0, len(pond.observers))
        self.assertEqual([], pond.left)
        caches = [self.get(client) for client in range(3)]
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in caches])
        self.pair.close()
        self.assertEqual(3, len(pond.left))

    def test_callFromAOneWayCall(self) -> None:
        """
        What is called while a call that nobody waits for is served carries its
        arguments, and is answered.
        """
        answers: list[Any] = []

        class Poked(pb.Referenceable):
            def remote_poke(self, taker: Any) -> None:
                taker.callRemote("take", "it", [7], also=8).addBoth(answers.append)

        class Taker(pb.Referenceable):
            def remote_take(self, *args: Any, **kw: Any) -> Any:
                return args, kw

        self.serve()
        for link in self.pair.links:
            link.server.setNameForLocal("poked", Poked())
            poked = link.client.remoteForName("poked")
            poked.callRemote("poke", Taker(), pbanswer=False)
            self.pair.flush()
        self.assertEqual([(("it", [7]), {"also": 8})] * 3, answers)

    def test_oneWayUpdate(self) -> None:
        """
        So it is with what an C{observe_} method returns.
        """
        pond, returned = Pond(), Pond()
        caches = self.follow(pond)
        for cache in caches:
            cache.observe_get = lambda: returned
        pond.observers.callRemote("get")
        self.pair.flush()
        self.assertEqual((0, []), (len(returned.observers), returned.left))
        for link in self.pair.links:
            self.assertEqual({}, link.client.remotelyCachedObjects)

    def test_later(self) -> None:
        """
        What a method answers later is put into its message then, in order.
        """
        pond = Pond()
        self.serve(pond=pond)
        root = LaterRoot(pond=pond)
        self.pair.server.setNameForLocal("later", root)
        answer = self.pair.client.remoteForName("later").callRemote("getLater", "pond")
        self.pair.flush()
        pond.addDuck("before")
        root.later.callback(None)
        pond.addDuck("after")
        cache = self.pair.result(answer)
        self.assertEqual(["before", "after"], cache.ducks)
        self.assertEqual([("addDuck", "after")], cache.told)

    def test_notSendable(self) -> None:
        """
        An update that cannot be sent takes the objects that are new in it
        back.
        """
        pond, new = Pond(), Pond()
        self.follow(pond)
        told = pond.observers.callRemote("addDuck", [new, object()])
        self.failureResultOf(told, NotSendable)
        told = pond.observers.callRemote("addDuck", new, key=object())
        self.failureResultOf(told, NotSendable)
        self.assertEqual((0, 6), (len(new.observers), len(new.left)))
        pond.addDuck(new)
        new.addDuck("huey")
        self.pair.flush()
        for cache in self.caches:
            self.assertEqual(["huey"], cache.ducks[0].ducks)

    def test_tooLarge(self) -> None:
        """
        So does a call that is too large for the peer.
        """
        pond = Pond()
        self.serve(pond=pond)
        for client in range(3):
            call = self.taker(client).callRemote(
                "take", pond, "x" * 17_000_000, pbanswer=False
            )
            self.failureResultOf(call, banana.BananaError)
            self.assertClean(client)
        self.assertEqual((0, 3), (len(pond.observers), len(pond.left)))

    def test_countsAreTakenBack(self) -> None:
        """
        An object that the peer has counts once more only if the message that
        carries it once more is sent.
        """
        pond, late = Pond(), Carrier(lambda perspective: 1 / 0)
        self.serve(pond=pond)
        for client in range(3):
            cache = self.get(client)
            for _ in range(2):
                call = self.taker(client).callRemote("take", "it", [pond, late])
                self.failureResultOf(call, ZeroDivisionError)
            self.assertIs(cache, self.get(client))
            del cache
            self.pair.flush()
            self.assertClean(client)
        self.assertEqual(3, len(pond.left))

    def test_withoutAMessage(self) -> None:
        """
        An object that is jellied for a broker, outside of any message, is
        simply given.
        """
        self.connect(1)
        pond = Pond()
        sexp = jelly.jelly(pond, jelly.globalSecurity, None, self.pair.server)
        self.assertEqual(b"tests.ponds.Watcher", sexp[0])
        self.assertEqual(1, len(pond.observers))
        cache = jelly.unjelly(sexp, jelly.globalSecurity, None, self.pair.client)
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["huey"], cache.ducks)

    def test_afterTheConnection(self) -> None:
        """
        To serialize a Cacheable for a peer that is gone is a dead reference.
        """
        self.connect(1)
        self.pair.close()
        self.assertRaises(stock.DeadReferenceError, self.pair.server.serialize, Pond())


class RefusedTests(PondTestCase):
    """
    A class that nobody has registered.
    """

    def test_refused(self) -> None:
        """
        The sender's errback is told which tag, where it stood, and the line
        that would register it; C{check} knows it under Twisted's name.
        """
        self.connect(1)
        value = {"list": [1, Unknown()]}
        answer = self.pair.root.callRemote("take", "x", value)
        self.pair.flush()
        failure = self.failureResultOf(answer)
        self.assertTrue(failure.check("twisted.spread.jelly.InsecureJelly"))
        self.assertTrue(failure.check(jelly.InsecureJelly))
        self.assertIn("tests.test_broker.Unknown", failure.value)
        self.assertIn("$[1].list[1]", failure.value)
        self.assertIn("setUnjellyableForClass", failure.value)
        self.assertTrue(self.pair.links[0].connected)

    def relayed(self, *call: Any) -> str:
        """
        Let a method that is called call another peer, which fails because of
        a class that is unknown at one of its ends.

        @return: what was logged of it.
        """

        class Relay(pb.Root):
            async def remote_relay(self) -> Any:
                return await self.behind.callRemote(*call)

        relay = Relay()
        behindRoot = PondRoot(unknown=Unknown())
        with connectedPair(behindRoot) as behind, connectedPair(relay) as front:
            relay.behind = behind.root
            answer = front.root.callRemote("relay")
            with capturedLogs() as events:
                for pair in (front, behind, front):
                    pair.flush()
            failure = self.failureResultOf(answer)
            self.assertIn("tests.test_broker.Unknown", failure.value)
        [event] = events
        return str(formatEvent(event))

    def test_ofAnother(self) -> None:
        """
        What another peer has refused, to a method that is called here, is no
        mistake of the caller's: there is one line, of the one that refused it.
        """
        self.assertIn("refused a call", self.relayed("take", "x", Unknown()))

    def test_answerOfAnother(self) -> None:
        """
        Nor is an answer of another peer's that is refused here.
        """
        said = self.relayed("get", "unknown")
        self.assertIn("relay, called by", said)
        self.assertNotIn("refused a call", said)
