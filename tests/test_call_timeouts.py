"""
How long a call waits: the limits, C{withTimeout}, and calls that are
cancelled.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext.errors import CallTimedOut, LinkError
from pbext.testing import connectedPair
from tests.desks import Desk
from tests.ponds import WATCHER, Pond, StockPond


class Frog(pb.Referenceable):
    def remote_croak(self) -> str:
        return "croak"


class CallTestCase(SynchronousTestCase):
    """
    A client that calls a L{Desk}.
    """

    def connect(self, **limits: Any) -> Any:
        """
        @return: the desk, as the client sees it.
        """
        self.desk = Desk()
        self.pair = connectedPair(
            self.desk,
            clientFactory=lambda: pb.PBClientFactory(limits=Limits(**limits)),
        )
        self.addCleanup(self.pair.close)
        self.clock = self.pair.clock
        return self.pair.root

    def wait(self, reference: Any, *args: Any) -> Deferred[Any]:
        """
        @return: a call that waits, after it has arrived.
        """
        name = "echoLater" if args else "wait"
        call: Deferred[Any] = reference.callRemote(name, *args)
        self.pair.flush()
        return call

    def answer(self, value: Any = None) -> None:
        """
        Answer the call that waits longest.
        """
        self.desk.waiting.pop(0).callback(value)
        self.pair.flush()

    def assertTimedOut(self, call: Any, method: str, seconds: float) -> None:
        error = self.failureResultOf(call, CallTimedOut).value
        self.assertEqual((method, seconds), (error.method, error.seconds))

    def assertNothingLeft(self) -> None:
        """
        The client waits for nothing.
        """
        client = self.pair.client
        self.assertEqual({}, client.waitingForAnswers)
        self.assertFalse(client._deadlines)
        self.assertFalse(client._abandoned)
        self.assertEqual({}, client._asked)
        self.assertEqual([], self.clock.getDelayedCalls())


class CallTimeoutTests(CallTestCase):
    """
    Calls that are not answered in time.
    """

    def test_withTimeout(self) -> None:
        """
        A call fails if it is not answered in time, and not before.
        """
        call = self.wait(self.connect().withTimeout(7))
        self.clock.advance(6.9)
        self.assertNoResult(call)
        self.clock.advance(0.1)
        self.assertTimedOut(call, "wait", 7)

    def test_error(self) -> None:
        """
        The error says that it is the link's fault, and which call it was.
        """
        call = self.wait(self.connect().withTimeout(0.5))
        self.clock.advance(1)
        failure = self.failureResultOf(call, CallTimedOut)
        self.assertIsInstance(failure.value, LinkError)
        self.assertEqual("no answer to wait in 0.5 s", str(failure.value))

    def test_answered(self) -> None:
        """
        A call that is answered in time leaves nothing.
        """
        call = self.wait(self.connect().withTimeout(7))
        self.assertEqual(1, len(self.clock.getDelayedCalls()))
        self.clock.advance(6.9)
        self.answer("in time")
        self.assertEqual("in time", self.successResultOf(call))
        self.assertNothingLeft()

    def test_failed(self) -> None:
        """
        Nor does one that is answered with an error.
        """
        call = self.wait(self.connect().withTimeout(7))
        self.desk.waiting.pop().errback(Failure(pb.Error("no")))
        self.pair.flush()
        self.assertTrue(self.failureResultOf(call).check(pb.Error))
        self.assertNothingLeft()

    def test_unsent(self) -> None:
        """
        Nor does one that cannot be sent.
        """
        limited = self.connect().withTimeout(7)
        self.failureResultOf(limited.callRemote("echo", object()))
        self.assertNothingLeft()

    def test_unasked(self) -> None:
        """
        A call without an answer has no time.
        """
        limited = self.connect().withTimeout(7)
        self.assertIs(None, limited.callRemote("keep", 1, pbanswer=False))
        self.pair.flush()
        self.assertEqual([1], self.desk.kept)
        self.assertNothingLeft()

    def test_late(self) -> None:
        """
        An answer that comes late is dropped, and costs nothing else.
        """
        root = self.connect()
        call = self.wait(root.withTimeout(7))
        self.clock.advance(7)
        self.assertTimedOut(call, "wait", 7)
        self.answer("too late")
        self.assertNothingLeft()
        self.assertEqual(1, self.pair.result(root.callRemote("echo", 1)))

    def test_lateError(self) -> None:
        """
        So is an error.
        """
        root = self.connect()
        call = self.wait(root.withTimeout(7))
        self.clock.advance(7)
        self.desk.waiting.pop().errback(Failure(pb.Error("no")))
        self.pair.flush()
        self.assertTimedOut(call, "wait", 7)
        self.assertNothingLeft()
        self.assertEqual(1, self.pair.result(root.callRemote("echo", 1)))

    def test_lateReference(self) -> None:
        """
        A reference in a late answer is given back.
        """
        call = self.wait(self.connect().withTimeout(7))
        self.clock.advance(7)
        self.assertTimedOut(call, "wait", 7)
        self.answer([pb.Referenceable(), stock.Referenceable()])
        self.assertEqual((0, 1024), self.pair.server.gauges["references"])
        self.assertEqual({}, self.pair.server.luids)

    def test_lateCacheable(self) -> None:
        """
        So is a Cacheable: nobody observes it.
        """
        for pond in (Pond(WATCHER), StockPond(WATCHER)):
            call = self.wait(self.connect().withTimeout(7))
            self.clock.advance(7)
            self.assertTimedOut(call, "wait", 7)
            self.answer(pond)
            self.assertEqual(1, len(pond.left))
            self.assertEqual({}, self.pair.server.remotelyCachedObjects)
            self.assertEqual({}, self.pair.server.remotelyCachedLUIDs)
            self.assertEqual({}, self.pair.client.locallyCachedObjects)

    def test_lateArguments(self) -> None:
        """
        What was given in a call that timed out is the peer's until it has
        answered, and then no more than it has kept.
        """
        given, pond = pb.Referenceable(), Pond(WATCHER)
        call = self.wait(self.connect().withTimeout(7), [given, pond])
        self.clock.advance(7)
        self.assertTimedOut(call, "echoLater", 7)
        gauges = self.pair.client.gauges
        self.assertEqual((1, 1), (gauges["references"][0], gauges["caches"][0]))
        self.answer()
        gauges = self.pair.client.gauges
        self.assertEqual((0, 0), (gauges["references"][0], gauges["caches"][0]))
        self.assertEqual(1, len(pond.left))
        self.assertNothingLeft()

    def test_twice(self) -> None:
        """
        A late answer is dropped once: another one is none to any call.
        """
        call = self.wait(self.connect().withTimeout(7))
        self.clock.advance(7)
        self.assertTimedOut(call, "wait", 7)
        self.answer()
        with capturedLogs() as events:
            self.pair.server.sendCall(b"answer", 1, 7)
            self.pair.flush()
        self.assertIn("it answers no call", formatEvent(events[0]) or "")
        self.assertFalse(self.pair.links[0].connected)

    def test_many(self) -> None:
        """
        Each call has its own time.
        """
        root = self.connect()
        calls = {n: self.wait(root.withTimeout(n)) for n in (3, 1, 2)}
        for seconds in (1, 2, 3):
            self.assertNoResult(calls[seconds])
            self.clock.advance(1)
            self.assertTimedOut(calls[seconds], "wait", seconds)
        for _ in calls:
            self.answer()
        self.assertNothingLeft()

    def test_defaultNone(self) -> None:
        """
        By default a call waits as long as it takes.
        """
        call = self.wait(self.connect())
        self.clock.advance(10**9)
        self.assertNoResult(call)
        self.answer("at last")
        self.assertEqual("at last", self.successResultOf(call))

    def test_callSeconds(self) -> None:
        """
        The limits say how long it waits otherwise.
        """
        call = self.wait(self.connect(callSeconds=7))
        self.clock.advance(6.9)
        self.assertNoResult(call)
        self.clock.advance(0.1)
        self.assertTimedOut(call, "wait", 7)

    def test_updates(self) -> None:
        """
        Updates that ask for an answer wait as long as calls do: of a Cacheable
        of ours, and of stock's.
        """
        root = self.connect(callSeconds=7)
        for pond in (Pond(WATCHER), StockPond(WATCHER)):
            self.pair.result(root.callRemote("keep", pond))
            if isinstance(pond, StockPond):
                told = pond.tell("failLater", "secret")[0]
            else:
                [observer] = pond.observers
                told = observer.callRemote("failLater", "secret")
            self.pair.flush()
            self.clock.advance(7)
            self.assertTimedOut(told, "failLater", 7)

    def test_ownLimit(self) -> None:
        """
        A reference with a limit of its own keeps to that, be it longer or
        shorter.
        """
        root = self.connect(callSeconds=7)
        for seconds in (1, 10):
            call = self.wait(root.withTimeout(seconds))
            self.clock.advance(seconds - 0.5)
            self.assertNoResult(call)
            self.clock.advance(0.5)
            self.assertTimedOut(call, "wait", seconds)

    def test_deprecatedCallbacks(self) -> None:
        """
        C{pberrback} of a call is told that it has timed out.
        """
        told: list[Any] = []
        limited = self.connect().withTimeout(7)
        limited.callRemote("wait", pbcallback=told.append, pberrback=told.append)
        self.pair.flush()
        self.clock.advance(7)
        [failure] = told
        self.assertTrue(failure.check(CallTimedOut))

    def test_lost(self) -> None:
        """
        When the connection is lost, calls fail for that reason, at once, and
        no time runs any more.
        """
        call = self.wait(self.connect().withTimeout(7))
        self.pair.close()
        self.failureResultOf(call, stock.PBConnectionLost)
        self.assertNothingLeft()


class CancelTests(CallTestCase):
    """
    Calls that the caller does not wait for any more.
    """

    def test_cancel(self) -> None:
        """
        A call that is cancelled fails at once; its time runs no more, and its
        answer is dropped.
        """
        root = self.connect()
        for reference in (root, root.withTimeout(7)):
            call = self.wait(reference)
            call.cancel()
            self.failureResultOf(call, CancelledError)
            self.assertEqual([], self.clock.getDelayedCalls())
            self.answer([pb.Referenceable()])
            self.assertEqual((0, 1024), self.pair.server.gauges["references"])
            self.assertNothingLeft()
            self.assertEqual(1, self.pair.result(root.callRemote("echo", 1)))

    def test_cancelled(self) -> None:
        """
        To cancel it once more changes nothing, and when it has timed out or
        is answered there is nothing to cancel.
        """
        root = self.connect()
        twice, late, answered = (self.wait(root.withTimeout(7)) for _ in range(3))
        twice.cancel()
        twice.cancel()
        self.failureResultOf(twice, CancelledError)
        self.desk.waiting.pop().callback("in time")
        self.pair.flush()
        answered.cancel()
        self.assertEqual("in time", self.successResultOf(answered))
        self.clock.advance(7)
        self.assertTimedOut(late, "wait", 7)
        late.cancel()
        self.assertEqual(2, len(self.pair.client._abandoned))

    def test_cancelAndLose(self) -> None:
        """
        The loss of the connection says nothing to a call that was cancelled,
        or is cancelled by the failure of another.
        """
        root = self.connect()
        one, two, three = (self.wait(root.withTimeout(7)) for _ in range(3))
        one.cancel()
        self.failureResultOf(one, CancelledError)
        two.addErrback(lambda failure: (three.cancel(), failure)[1])
        self.pair.close()
        self.failureResultOf(two, stock.PBConnectionLost)
        self.failureResultOf(three, CancelledError)
        self.assertNothingLeft()


class LimitedReferenceTests(CallTestCase):
    """
    The reference that C{withTimeout} makes.
    """

    def give(self) -> tuple[Any, Any]:
        """
        @return: an object of the server's, and the client's reference to it.
        """
        self.connect()
        self.desk.things["frog"] = frog = Frog()
        reference = self.pair.result(self.pair.root.callRemote("get", "frog"))
        return frog, reference

    def refcount(self) -> int | None:
        """
        @return: how many references the client has, as the server counts.
        """
        entries = [
            entry
            for name, entry in self.pair.server.localObjects.items()
            if name != b"root"
        ]
        return entries[0].refcount if entries else None

    def test_equal(self) -> None:
        """
        It is equal to the one that it was made of, and to others like it,
        whatever their limits, and is the same key.
        """
        _, reference = self.give()
        limited = reference.withTimeout(7)
        self.assertIsNot(reference, limited)
        for same in (reference, reference.withTimeout(8), limited.withTimeout(9)):
            self.assertTrue(limited == same)
            self.assertFalse(limited != same)
            self.assertEqual(1, len({limited, same}))
        self.assertNotEqual(limited, self.pair.root.withTimeout(7))

    def test_original(self) -> None:
        """
        The one that it was made of has no limit by that.
        """
        root = self.connect()
        root.withTimeout(7)
        call = self.wait(root)
        self.clock.advance(100)
        self.assertNoResult(call)
        self.answer()

    def test_again(self) -> None:
        """
        One that is made of one with a limit has its own.
        """
        limited = self.connect().withTimeout(100).withTimeout(7)
        call = self.wait(limited)
        self.clock.advance(7)
        self.assertTimedOut(call, "wait", 7)

    def test_type(self) -> None:
        """
        It is of the same class.
        """

        class Reference(pb.RemoteReference):
            pass

        self.connect()
        reference = Reference(None, self.pair.client, b"root", 0)
        self.assertIs(Reference, type(reference.withTimeout(7)))

    def test_send(self) -> None:
        """
        Sent back, it is the object itself.
        """
        frog, reference = self.give()
        call = self.pair.root.callRemote("keep", reference.withTimeout(7), reference)
        self.pair.result(call)
        self.assertEqual(2, len(self.desk.kept))
        for kept in self.desk.kept:
            self.assertIs(frog, kept)

    def test_release(self) -> None:
        """
        The peer is told that the reference is gone when both are, once, in
        whatever order they go.
        """
        for first, second in (0, 1), (1, 0):
            _, reference = self.give()
            both = {0: reference, 1: reference.withTimeout(7)}
            del reference
            self.assertEqual(1, self.refcount())
            del both[first]
            self.pair.flush()
            self.assertEqual(1, self.refcount())
            self.assertEqual(
                "croak", self.pair.result(both[second].callRemote("croak"))
            )
            del both[second]
            self.pair.flush()
            self.assertIs(None, self.refcount())
            self.assertTrue(self.pair.links[0].connected)

    def test_releaseChain(self) -> None:
        """
        So it is with one that is made of one with a limit.
        """
        _, reference = self.give()
        limited = reference.withTimeout(7).withTimeout(8)
        del reference
        self.pair.flush()
        self.assertEqual("croak", self.pair.result(limited.callRemote("croak")))
        del limited
        self.pair.flush()
        self.assertIs(None, self.refcount())

    def test_nonsense(self) -> None:
        """
        A limit that is none is refused where it is said.
        """
        root = self.connect()
        for seconds in (0, 0.0, -1, float("nan"), float("-inf")):
            error = self.assertRaises(ValueError, root.withTimeout, seconds)
            self.assertEqual(
                f"a timeout has to be above 0 seconds, not {seconds}", str(error)
            )
        for nothing in (None, "7"):
            self.assertRaises(TypeError, root.withTimeout, nothing)

    def test_remoteMethod(self) -> None:
        """
        A method of it has its limit.
        """
        root = self.connect()
        method = root.withTimeout(7).remoteMethod("wait")
        self.assertIsInstance(method, pb.RemoteMethod)
        self.assertEqual(root.remoteMethod("wait"), method)
        call = method()
        self.pair.flush()
        self.clock.advance(7)
        self.assertTimedOut(call, "wait", 7)

    def test_remoteMethodAnswered(self) -> None:
        """
        Its arguments arrive, and its answer.
        """
        method = self.connect().withTimeout(7).remoteMethod("echo")
        self.assertEqual([1], self.pair.result(method([1])))
        self.assertNothingLeft()

    def test_notifyOnDisconnect(self) -> None:
        """
        It can be told that the connection is lost, by its own name.
        """
        told: list[Any] = []
        limited = self.connect().withTimeout(7)
        limited.notifyOnDisconnect(told.append)
        self.pair.close()
        [reference] = told
        self.assertIs(limited, reference)

    def test_dead(self) -> None:
        """
        After the loss a call fails, without waiting.
        """
        limited = self.connect().withTimeout(7)
        self.pair.close()
        self.failureResultOf(limited.callRemote("wait"), stock.DeadReferenceError)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(limited, limited.withTimeout(8))
