"""
L{pbext._references}: what is known of the peer's objects here, and what a
reference on the wire becomes.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import jelly
from twisted.spread import pb as stock

from pbext import Limits, pb
from pbext._references import READERS
from pbext.errors import BadReference, CallTimedOut, CannotSendBack, NotSendable
from pbext.testing import connectedPair, restoredRegistry
from pbext.wire._unjelly import Unjellier
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, PondTestCase, StockPond


class Frog(pb.Referenceable):
    """
    @ivar told: what it was called with.
    @ivar answers: for each call that waits, what answers it.
    """

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.answers: list[Deferred[Any]] = []

    def remote_croak(self, *args: Any, **kw: Any) -> Any:
        self.told.append((args, kw))
        return "croak"

    def remote_wait(self) -> Any:
        self.answers.append(Deferred())
        return self.answers[-1]

    def remote_größe(self) -> str:
        return "small"


class ReferenceTestCase(PondTestCase):
    """
    @ivar frog: what the server has.
    """

    def meet(self, clients: int = 1, **things: Any) -> Any:
        """
        @return: the first client's reference to the frog.
        """
        self.frog = Frog()
        self.connect(clients, frog=self.frog, **things)
        return self.get(0, "frog")

    def held(self) -> int:
        """
        @return: how often the server believes that the frog is held.
        """
        self.pair.flush()
        return sum(
            entry.refcount
            for entry in self.pair.server.localObjects.values()
            if entry.object is self.frog
        )


class CallTests(ReferenceTestCase):
    """
    Calls by a reference.
    """

    def test_flavors(self) -> None:
        """
        What arrives, and what is named, is ours, and one of Twisted's.
        """
        for reference in (self.meet(), self.pair.root):
            self.assertIs(pb.RemoteReference, type(reference))
            self.assertIsInstance(reference, stock.RemoteReference)
            method = reference.remoteMethod("croak")
            self.assertIs(pb.RemoteMethod, type(method))
            self.assertIsInstance(method, stock.RemoteMethod)

    def test_name(self) -> None:
        """
        The name of a method is text, or bytes, in UTF-8; it leaves all names
        to the keyword arguments.
        """
        frog = self.meet()
        for name in ("größe", "größe".encode()):
            self.assertEqual("small", self.pair.result(frog.callRemote(name)))
        kw = {"name": 1, "key": 2, "args": 3, "broker": 4, "message": 5}
        self.pair.result(frog.callRemote("croak", "x", **kw))
        self.assertEqual([(("x",), kw)], self.frog.told)

    def test_method(self) -> None:
        """
        A method is called as if it were here.
        """
        croak = self.meet().remoteMethod("croak")
        self.assertEqual("croak", self.pair.result(croak(1, loud=True)))
        self.assertEqual([((1,), {"loud": True})], self.frog.told)

    def test_methodKeepsTheReference(self) -> None:
        """
        Who has a method holds the object.
        """
        croak = self.meet().remoteMethod("croak")
        gc.collect()
        self.assertEqual(1, self.held())
        self.assertEqual("croak", self.pair.result(croak()))
        del croak
        self.assertEqual(0, self.held())

    def test_methodOfAStockReference(self) -> None:
        """
        A method of a reference is equal to one of Twisted's with the same
        name, and unequal to anything else.
        """
        frog = self.meet()
        method = frog.remoteMethod("croak")
        twisted = stock.RemoteMethod(frog, "croak")
        self.assertTrue(method == twisted)
        self.assertEqual(hash(method), hash(twisted))
        for other in (frog, "croak", None, frog.remoteMethod("wait"), frog.callRemote):
            self.assertFalse(method == other)
            self.assertTrue(method != other)

    def test_oneWay(self) -> None:
        """
        A call that asks for no answer has none to wait for.
        """
        frog = self.meet()
        self.assertIsNone(frog.callRemote("croak", 1, pbanswer=False))
        self.assertIsNone(frog.remoteMethod("croak")(2, pbanswer=False))
        self.pair.flush()
        self.assertEqual([((1,), {}), ((2,), {})], self.frog.told)

    def test_oneWayThatCannotBeSent(self) -> None:
        """
        If it could not be sent, there is something to say after all.
        """
        call = self.meet().callRemote("croak", object(), pbanswer=False)
        error = self.failureResultOf(call, NotSendable).value
        self.assertEqual("$[0]", error.path)
        self.pair.flush()
        self.assertEqual([], self.frog.told)

    def test_notATextNorBytes(self) -> None:
        """
        A name that is neither is the caller's mistake.
        """
        frog = self.meet()
        self.assertRaises(AttributeError, frog.callRemote, 5)
        self.assertEqual("croak", self.pair.result(frog.callRemote("croak")))


class TimeoutTests(ReferenceTestCase):
    """
    References whose calls are not waited for for ever.
    """

    def test_equal(self) -> None:
        """
        Such a reference is to the same object, and of the same class.
        """

        class Own(pb.RemoteReference):
            pass

        frog = self.meet()
        for reference in (frog, Own(None, self.pair.client, frog.luid, 0)):
            limited = reference.withTimeout(5)
            self.assertIsNot(reference, limited)
            self.assertIs(type(reference), type(limited))
            self.assertEqual(reference, limited)
            self.assertEqual({reference}, {limited})

    def test_perspective(self) -> None:
        """
        It has the same perspective.
        """
        self.meet()
        reference = pb.RemoteReference("someone", self.pair.client, b"root", 0)
        self.assertEqual("someone", reference.withTimeout(5).perspective)

    def test_expires(self) -> None:
        """
        A call that is not answered in time fails, whichever way it is made;
        one by the reference that it was made of does not.
        """
        frog = self.meet()
        before = len(self.pair.clock.getDelayedCalls())
        limited = frog.withTimeout(5)
        unlimited = frog.callRemote("wait")
        calls = [limited.callRemote("wait"), limited.remoteMethod("wait")()]
        self.pair.clock.advance(4.5)
        for call in calls:
            self.assertNoResult(call)
        self.pair.clock.advance(0.5)
        for call in calls:
            error = self.failureResultOf(call, CallTimedOut).value
            self.assertEqual(("wait", 5), (error.method, error.seconds))
        self.pair.flush()
        for answer in self.frog.answers:
            answer.callback("late")
        self.assertEqual("late", self.pair.result(unlimited))
        self.assertEqual(before, len(self.pair.clock.getDelayedCalls()))

    def test_answered(self) -> None:
        """
        One that is answered in time is as any other, and leaves nothing to
        the clock.
        """
        frog = self.meet()
        before = len(self.pair.clock.getDelayedCalls())
        call = frog.withTimeout(5).callRemote("croak")
        self.assertEqual(before + 1, len(self.pair.clock.getDelayedCalls()))
        self.assertEqual("croak", self.pair.result(call))
        self.assertEqual(before, len(self.pair.clock.getDelayedCalls()))

    def test_again(self) -> None:
        """
        The last word counts, and a word counts before that of the limits.
        """
        self.connect(0, frog=Frog())
        factory = pb.PBClientFactory(limits=Limits(callSeconds=3))
        root = self.pair.addClient(factory).root
        frog = self.pair.result(root.callRemote("get", "frog"))
        for reference, seconds in (
            (frog, 3),
            (frog.withTimeout(7), 7),
            (frog.withTimeout(7).withTimeout(2), 2),
        ):
            call = reference.callRemote("wait")
            self.pair.clock.advance(seconds - 0.5)
            self.assertNoResult(call)
            self.pair.clock.advance(0.5)
            self.failureResultOf(call, CallTimedOut)

    def test_oneWay(self) -> None:
        """
        A call without an answer does not expire.
        """
        limited = self.meet().withTimeout(5)
        before = len(self.pair.clock.getDelayedCalls())
        self.assertIsNone(limited.callRemote("wait", pbanswer=False))
        self.assertEqual(before, len(self.pair.clock.getDelayedCalls()))

    def test_holds(self) -> None:
        """
        The object is held as long as one of them is.
        """
        frog = self.meet()
        twice = frog.withTimeout(5).withTimeout(6)
        del frog
        gc.collect()
        self.assertEqual(1, self.held())
        self.assertEqual("croak", self.pair.result(twice.callRemote("croak")))
        del twice
        self.assertEqual(0, self.held())

    def test_noTime(self) -> None:
        """
        A timeout has to be some time.
        """
        frog = self.meet()
        for seconds in (0, 0.0, -1, float("nan")):
            error = self.assertRaises(ValueError, frog.withTimeout, seconds)
            self.assertIn(str(seconds), str(error))

    def test_sentBack(self) -> None:
        """
        It is sent back as the object that it is to.
        """
        limited = self.meet().withTimeout(5)
        call = self.pair.root.callRemote("same", "frog", limited)
        self.assertTrue(self.pair.result(call))


class NotifierTests(ReferenceTestCase):
    """
    Who asks to be told of the loss of the connection.
    """

    def test_undone(self) -> None:
        """
        One that has changed its mind is not told; one that has asked twice
        and changed its mind once is told once.
        """
        frog = self.meet()
        once: list[Any] = []
        never: list[Any] = []
        for told in (once, once, never):
            frog.notifyOnDisconnect(told.append)
        frog.dontNotifyOnDisconnect(never.append)
        frog.dontNotifyOnDisconnect(once.append)
        self.pair.links[0].cut()
        self.assertEqual([frog], once)
        self.assertEqual([], never)

    def test_neverAsked(self) -> None:
        """
        One that has not asked cannot change its mind while there is a
        connection.
        """
        frog = self.meet()
        self.assertRaises(ValueError, frog.dontNotifyOnDisconnect, print)
        self.pair.links[0].cut()
        self.assertIsNone(frog.dontNotifyOnDisconnect(print))

    def test_undoneMeanwhile(self) -> None:
        """
        To change one's mind while the others are told is no error.
        """
        frog = self.meet()
        told: list[str] = []

        def first(reference: Any) -> None:
            told.append("first")
            reference.dontNotifyOnDisconnect(second)

        def second(reference: Any) -> None:
            told.append("second")

        frog.notifyOnDisconnect(first)
        frog.notifyOnDisconnect(second)
        self.pair.links[0].cut()
        self.assertEqual("first", told[0])
        self.assertEqual([], self.flushLoggedErrors())

    def test_askedAgain(self) -> None:
        """
        After all have changed their minds, one may ask again.
        """
        frog = self.meet()
        told: list[Any] = []
        for _ in range(2):
            frog.notifyOnDisconnect(told.append)
            frog.dontNotifyOnDisconnect(told.append)
        frog.notifyOnDisconnect(told.append)
        self.pair.links[0].cut()
        self.assertEqual([frog], told)


class SendingTests(ReferenceTestCase):
    """
    References in messages.
    """

    def test_sentBack(self) -> None:
        """
        A reference, sent back, is the object itself, wherever it stands.
        """
        frog = self.meet()
        for thing in (frog, self.get(0, "frog")):
            call = self.pair.root.callRemote("same", "frog", thing)
            self.assertTrue(self.pair.result(call))
            taken = self.pair.root.callRemote("take", "it", [{"a": (thing,)}])
            self.pair.result(taken)
            self.assertIs(self.frog, self.root.kept["it"][0]["a"][0])

    def test_passedOn(self) -> None:
        """
        It cannot be passed on by another connection: the error names the
        class, and says what to do.
        """
        frog = self.meet(2)
        elsewhere = self.pair.links[1].root
        for thing in (frog, [frog], {"a": frog.withTimeout(1)}):
            call = elsewhere.callRemote("take", "it", thing)
            error = self.failureResultOf(call, CannotSendBack).value
            self.assertEqual("pbext._references.RemoteReference", error.className)
            self.assertIn("pb.Referenceable", str(error))
        self.assertEqual({}, self.root.kept)

    def test_withoutAConnection(self) -> None:
        """
        Apart from any connection it cannot be kept, as in stock.
        """
        sexp = jelly.jelly(self.meet())
        self.assertEqual(b"unpersistable", sexp[0])


class ReaderTests(ReferenceTestCase):
    """
    What reads references on the wire.
    """

    def read(self, *sexp: Any) -> Any:
        """
        @return: what the client makes of a reference.
        """
        self.taken: list[Any] = []
        client = self.pair.client
        unjellier = Unjellier(client.security, client, READERS, self.taken)
        self.sexp = list(sexp)
        return READERS[self.sexp[0]](unjellier, self.sexp)

    def test_remote(self) -> None:
        """
        A number of the peer's becomes a reference that is counted, and has
        the perspective of who reads it.
        """
        self.meet()
        self.pair.client.unserializingPerspective = "someone"
        reference = self.read(b"remote", 7)
        self.assertIs(pb.RemoteReference, type(reference))
        self.assertEqual((7, "someone"), (reference.luid, reference.perspective))
        self.assertIs(self.pair.client, reference.broker)
        self.assertEqual([(b"remote", 7)], self.taken)
        told: list[int] = []
        self.patch(self.pair.client, "sendDecRef", told.append)
        del reference
        self.assertEqual([7], told)

    def test_local(self) -> None:
        """
        A number of ours becomes the object that was given under it, which is
        nothing to give back.
        """
        self.meet()
        duck = pb.Referenceable()
        self.pair.result(self.pair.root.callRemote("take", "duck", duck))
        luid = self.root.kept["duck"].luid
        self.assertIs(duck, self.read(b"local", luid))
        self.assertEqual([], self.taken)
        self.root.kept.clear()
        self.pair.flush()
        self.assertRaises(BadReference, self.read, b"local", luid)

    def test_caches(self) -> None:
        """
        A number becomes the cache that has it, of our class or of Twisted's;
        and sent back, the object itself.
        """
        for make, tag in ((Pond, WATCHER), (StockPond, STOCK_WATCHER)):
            pond = make(tag)
            self.meet(pond=pond)
            cache = self.get(0)
            luid = cache.luid
            again = self.read(b"cached", luid)
            self.assertEqual([(b"cached", luid)], self.taken)
            self.assertIs(cache.__dict__, again.__dict__)
            self.assertEqual(make is Pond, again is cache)
            self.assertTrue(
                self.pair.result(self.pair.root.callRemote("same", "pond", again))
            )
            self.assertRaises(BadReference, self.read, b"lcache", luid)
            self.pair.result(self.pair.root.callRemote("take", "own", Pond(WATCHER)))
            own = self.root.kept["own"]
            found = self.read(b"lcache", own.luid)
            self.assertIsInstance(found, Pond)
            self.assertEqual([], self.taken)
            self.assertRaises(BadReference, self.read, b"cached", own.luid)

    def test_oddNumbers(self) -> None:
        """
        What is no number, or one of nothing, or too much, is no reference;
        C{True} is none, though Python says that it equals one.
        """
        self.meet()
        self.pair.result(self.pair.root.callRemote("take", "it", pb.Referenceable()))
        for word in (b"remote", b"local", b"cached", b"lcache"):
            for rest in ((), (b"root",), (True,), (1.0,), ([],), (None,), (1, 1)):
                error = self.assertRaises(BadReference, self.read, word, *rest)
                self.assertEqual(word.decode(), error.kind)
                self.assertEqual([], self.taken)
        for word in (b"local", b"cached", b"lcache"):
            for number in (0, -1, 99, 2**400):
                self.assertRaises(BadReference, self.read, word, number)

    def test_whateverIsRegistered(self) -> None:
        """
        That somebody has registered a class of his own for them changes
        nothing for our connections.
        """
        with restoredRegistry():
            for word in READERS:
                stock.setUnjellyableForClass(word.decode(), Frog)
            frog = self.meet()
            self.assertIs(pb.RemoteReference, type(frog))
            call = self.pair.root.callRemote("same", "frog", frog)
            self.assertTrue(self.pair.result(call))

    def test_security(self) -> None:
        """
        What the security policy of a connection does not allow is refused,
        references too.
        """
        security = jelly.SecurityOptions()
        security.allowBasicTypes()
        root = pb.Root()
        root.remote_get = Frog  # type: ignore[attr-defined]
        with connectedPair(
            root, clientFactory=lambda: pb.PBClientFactory(security=security)
        ) as pair:
            call = pair.root.callRemote("get")
            self.assertRaises(jelly.InsecureJelly, pair.result, call)
            pair.flush()
            self.assertEqual({b"root"}, set(pair.server.localObjects))
