"""
L{pbext._timeouts}: how long a peer may be silent; and how long a call may take.
Timeouts of single references are in L{tests.test_references}.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, pb
from pbext._timeouts import LAST_WORDS, Patience
from pbext.errors import CallTimedOut, ConnectionTimedOut, DeadReference
from pbext.testing import connectedPair
from tests.ponds import Pond, PondTestCase, StockPond


class PatienceTests(SynchronousTestCase):
    """
    L{Patience} with a clock of its own.
    """

    def start(self, **limits: Any) -> Patience:
        self.clock = Clock()
        self.given: list[tuple[str, float]] = []
        return Patience(
            Limits(**limits),
            self.clock,
            lambda error: self.given.append((error.limit, error.seconds)),
        )

    def quiet(self, **limits: Any) -> Patience:
        """
        @return: one whose negotiation is over.
        """
        patience = self.start(**limits)
        patience.negotiated()
        return patience

    def test_negotiation(self) -> None:
        """
        From its start, a connection has its time to negotiate.
        """
        self.start(negotiationSeconds=5)
        self.clock.advance(4.9)
        self.assertEqual([], self.given)
        self.clock.advance(0.1)
        self.assertEqual([("negotiationSeconds", 5)], self.given)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_negotiationIsNotProlonged(self) -> None:
        """
        Whatever else arrives meanwhile.
        """
        patience = self.start(negotiationSeconds=5)
        for _ in range(5):
            patience.received(0, incomplete=False)
            self.clock.advance(1)
        self.assertEqual([("negotiationSeconds", 5)], self.given)

    def test_negotiated(self) -> None:
        """
        When it has, nothing is waited for.
        """
        self.quiet()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_message(self) -> None:
        """
        A message that has begun has its time, however many pieces of it come.
        """
        patience = self.quiet(messageSeconds=5)
        for _ in range(5):
            self.assertEqual([], self.given)
            patience.received(7, incomplete=True)
            self.clock.advance(1)
        self.assertEqual([("messageSeconds", 5)], self.given)

    def test_eachMessage(self) -> None:
        """
        Each has its own time, from its beginning, also if that comes with the
        end of the one before.
        """
        patience = self.quiet(messageSeconds=5)
        for number in range(5):
            patience.received(number, incomplete=True)
            self.clock.advance(4)
        self.assertEqual([], self.given)
        self.clock.advance(1)
        self.assertEqual([("messageSeconds", 5)], self.given)

    def test_whole(self) -> None:
        """
        A message that arrives, whole or at last, is waited for no more.
        """
        patience = self.quiet(messageSeconds=5)
        patience.received(1, incomplete=False)
        self.assertEqual([], self.clock.getDelayedCalls())
        patience.received(1, incomplete=True)
        self.clock.advance(4)
        patience.received(2, incomplete=False)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual([], self.given)

    def test_idle(self) -> None:
        """
        Silence is measured from the last byte.
        """
        patience = self.quiet(idleSeconds=5)
        for _ in range(3):
            self.clock.advance(4)
            patience.received(1, incomplete=False)
        self.clock.advance(4.9)
        self.assertEqual([], self.given)
        self.clock.advance(0.1)
        self.assertEqual([("idleSeconds", 5)], self.given)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_idleFromTheStart(self) -> None:
        """
        Or from the start, if there is none.
        """
        self.quiet(idleSeconds=5)
        self.clock.advance(5)
        self.assertEqual([("idleSeconds", 5)], self.given)

    def test_noLimits(self) -> None:
        """
        Without limits nothing is waited for.
        """
        patience = self.start(negotiationSeconds=None, messageSeconds=None)
        patience.received(0, incomplete=True)
        patience.negotiated()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stop(self) -> None:
        """
        When the connection is over, nothing is waited for any more; to say so
        twice is no error.
        """
        patience = self.start(idleSeconds=5)
        patience.received(0, incomplete=True)
        self.assertEqual(3, len(self.clock.getDelayedCalls()))
        patience.stop()
        patience.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_lastWords(self) -> None:
        """
        What was written has its time to leave, and nothing else is waited
        for.
        """
        patience = self.start(idleSeconds=1)
        over: list[float] = []
        patience.lastWords(lambda: over.append(self.clock.seconds()))
        self.clock.advance(2 * LAST_WORDS)
        self.assertEqual([], self.given)
        self.assertEqual(1, len(over))
        patience.stop()  # the connection is lost because of that

    def test_left(self) -> None:
        """
        Nor is that, if it has left in time.
        """
        patience = self.start()
        over: list[None] = []
        patience.lastWords(lambda: over.append(None))
        patience.stop()
        self.clock.advance(2 * LAST_WORDS)
        self.assertEqual([], over)


class Slow(pb.Root):
    """
    Answers when it is told to.
    """

    def __init__(self) -> None:
        self.answers: list[Deferred[Any]] = []

    def remote_wait(self, *things: Any) -> Any:
        self.answers.append(Deferred())
        return self.answers[-1]

    def remote_now(self) -> int:
        return 7


class CallTestCase(PondTestCase):
    """
    A slow server, and a client that has other things to do.
    """

    def serve(self, **limits: float) -> Any:
        """
        @return: the root, as the client sees it.
        """
        self.slow = Slow()
        self.pair = connectedPair(
            self.slow,
            clientFactory=lambda: pb.PBClientFactory(limits=Limits(**limits)),
        )
        self.addCleanup(self.pair.close)
        return self.pair.root

    def ask(self, *things: Any) -> Any:
        answer = self.pair.root.callRemote("wait", *things)
        self.pair.flush()
        return answer

    def assertQuiet(self) -> None:
        """
        The client waits for nothing, and the connection is there.
        """
        client = self.pair.client
        self.assertEqual({}, client.waitingForAnswers)
        for table in client._deadlines, client._abandoned, client._asked:
            self.assertEqual(0, len(table))
        self.assertEqual([], self.pair.clock.getDelayedCalls())
        self.assertTrue(self.pair.links[0].connected)

    def assertNothingGiven(self) -> None:
        """
        Neither end believes that the other has anything.
        """
        gc.collect()
        self.pair.flush()
        for broker in self.pair.client, self.pair.server:
            for name in "references", "caches", "cachesReceived":
                self.assertEqual(0, broker.gauges[name][0])


class CallSecondsTests(CallTestCase):
    """
    C{Limits(callSeconds=...)}: for the calls of references without a time of
    their own.
    """

    def test_expires(self) -> None:
        """
        A call that is not answered in time fails, with its name and the time,
        as Twisted's timeouts do.
        """
        self.serve(callSeconds=5)
        answer = self.ask()
        self.pair.clock.advance(4.9)
        self.assertNoResult(answer)
        self.pair.clock.advance(0.1)
        error = self.failureResultOf(answer, TimeoutError).value
        self.assertIsInstance(error, CallTimedOut)
        self.assertEqual(("wait", 5), (error.method, error.seconds))

    def test_unreadableName(self) -> None:
        """
        So does one whose name is no text.
        """
        root = self.serve(callSeconds=5)
        answer = root.callRemote(b"\xff")
        self.pair.clock.advance(5)
        error = self.failureResultOf(answer, CallTimedOut).value
        self.assertEqual("\ufffd", error.method)

    def test_inTime(self) -> None:
        """
        Of one that is answered nothing is left.
        """
        root = self.serve(callSeconds=5)
        for _ in range(3):
            self.assertEqual(7, self.pair.result(root.callRemote("now")))
            failed = root.callRemote("nothing")
            self.pair.flush()
            self.failureResultOf(failed, pb.NoSuchMethod)
            self.assertQuiet()

    def test_own(self) -> None:
        """
        A reference with a time of its own has that, be it longer.
        """
        root = self.serve(callSeconds=5)
        answer = root.withTimeout(9).callRemote("wait")
        self.pair.clock.advance(8)
        self.assertNoResult(answer)
        self.pair.clock.advance(1)
        self.failureResultOf(answer, CallTimedOut)

    def test_received(self) -> None:
        """
        So it is for references that arrive.
        """
        self.serve(callSeconds=5)
        answer = self.ask()
        self.slow.answers.pop().callback(self.slow)
        slow = self.pair.result(answer)
        answer = slow.callRemote("wait")
        self.pair.clock.advance(5)
        self.failureResultOf(answer, CallTimedOut)

    def test_oneWay(self) -> None:
        """
        A call that asks for no answer waits for none.
        """
        root = self.serve(callSeconds=5)
        self.assertIsNone(root.callRemote("wait", pbanswer=False))
        self.assertQuiet()

    def test_notSent(self) -> None:
        """
        Nor does one that could not be sent.
        """
        root = self.serve(callSeconds=5)
        self.failureResultOf(root.callRemote("wait", object()))
        self.assertQuiet()

    def test_lost(self) -> None:
        """
        When the connection is lost, so are the calls, at once; and when they
        have run out of time, once only.
        """
        self.serve(callSeconds=5)
        answers = [self.ask() for _ in range(3)]
        self.pair.clock.advance(1)
        self.pair.close()
        for answer in answers:
            self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual([], self.pair.clock.getDelayedCalls())

    def test_lostAfterwards(self) -> None:
        """
        What has run out of time is no concern of the loss.
        """
        self.serve(callSeconds=5)
        answer = self.ask()
        self.pair.clock.advance(5)
        self.pair.close()
        self.failureResultOf(answer, CallTimedOut)
        self.assertEqual(0, len(self.pair.client._abandoned))

    def test_whatErrbacksDo(self) -> None:
        """
        The errback of a call that has run out of time may well call, cancel
        another one, and close the connection.
        """
        root = self.serve(callSeconds=5)
        first, second = self.ask(), self.ask()
        outcomes: list[Any] = []

        def tryAgain(failure: Failure) -> Any:
            failure.trap(CallTimedOut)
            second.cancel()
            outcomes.append(root.callRemote("now"))
            self.pair.close()
            outcomes.append(root.callRemote("now"))

        first.addErrback(tryAgain)
        self.pair.clock.advance(5)
        self.assertIsNone(self.successResultOf(first))
        self.failureResultOf(second, CancelledError)
        self.failureResultOf(outcomes[0], pb.PBConnectionLost)
        self.failureResultOf(outcomes[1], DeadReference)


class AbandonedTests(CallTestCase):
    """
    Calls that nobody waits for any more, because they have run out of time or
    were cancelled.
    """

    def abandon(self, *things: Any) -> None:
        """
        Ask twice, and do not wait.
        """
        self.serve(callSeconds=5)
        expired = self.ask(*things)
        self.pair.clock.advance(5)
        self.failureResultOf(expired, CallTimedOut)
        cancelled = self.ask(*things)
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.assertEqual([], self.pair.clock.getDelayedCalls())
        self.assertEqual({}, self.pair.client.waitingForAnswers)
        self.assertEqual(2, len(self.pair.client._abandoned))

    def answer(self, *results: Any) -> None:
        for deferred, result in zip(self.slow.answers, results, strict=True):
            deferred.callback(result)
        self.pair.flush()

    def test_late(self) -> None:
        """
        An answer that comes too late is dropped, without a word.
        """
        self.abandon()
        with capturedLogs() as events:
            self.answer(7, 8)
        self.assertEqual([], events)
        self.assertQuiet()

    def test_lateError(self) -> None:
        """
        So is an error.
        """
        self.abandon()
        self.answer(*(Failure(pb.Error("too late")) for _ in range(2)))
        self.assertQuiet()

    def test_lateJunk(self) -> None:
        """
        So is an answer that could not even be read.
        """
        self.abandon()
        self.answer(Stranger(), [7, Stranger()])
        self.assertQuiet()

    def test_givenBack(self) -> None:
        """
        What is in an answer that comes too late is given back.
        """
        self.abandon()
        self.answer(
            [pb.Referenceable(), Pond(), StockPond()],
            [pb.Referenceable(), Stranger(), Pond(), StockPond()],
        )
        self.assertNothingGiven()
        self.assertQuiet()

    def test_heldMeanwhile(self) -> None:
        """
        What was in the call may still come back with the answer, so it is
        there until then.
        """
        duck, pond = pb.Referenceable(), Pond()
        self.abandon(duck, pond, StockPond())
        self.assertEqual(1, self.pair.client.gauges["references"][0])
        self.assertEqual(2, self.pair.client.gauges["caches"][0])
        self.answer(7, 8)
        self.assertNothingGiven()
        self.assertEqual(1, len(pond.left))

    def test_answeredTwice(self) -> None:
        """
        An answer is dropped once; a second one answers no call.
        """
        self.abandon()
        self.answer(7, 8)
        self.pair.server.sendCall(b"answer", 1, 7)
        self.pair.flush()
        self.assertFalse(self.pair.links[0].connected)

    def test_cancelledTwice(self) -> None:
        """
        To cancel what has ended is nothing.
        """
        self.serve(callSeconds=5)
        answer = self.ask()
        for _ in range(2):
            answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.pair.clock.advance(5)
        self.answer(7)
        self.assertQuiet()

    def test_cancelledAfterTheLoss(self) -> None:
        """
        Also if that was the loss of the connection.
        """
        self.serve()
        answer = self.ask()
        answer.addErrback(lambda failure: answer.cancel())
        self.pair.close()
        self.assertIsNone(self.successResultOf(answer))

    def test_cancelledWhileItIsLost(self) -> None:
        """
        What is cancelled because another call was lost is cancelled.
        """
        self.serve(callSeconds=5)
        first, second, third = self.ask(), self.ask(), self.ask()
        second.addErrback(lambda failure: [first.cancel(), third.cancel()])
        self.pair.close()
        self.failureResultOf(first, pb.PBConnectionLost)
        self.successResultOf(second)
        self.failureResultOf(third, CancelledError)
        self.assertEqual(0, len(self.pair.client._abandoned))


class Stranger(pb.Copyable):
    """
    Nobody registers this.
    """

    typeToCopy = "tests.test_timeouts.Stranger"


class ConnectionTests(PondTestCase):
    """
    A broker that has run out of patience.  The rest is in
    L{tests.test_faults_hostile}.
    """

    def test_reason(self) -> None:
        """
        Calls that were not answered, and whoever waits for the root, are told
        why this side has closed the connection.
        """
        slow = Slow()
        factory = pb.PBClientFactory(limits=Limits(idleSeconds=5))
        pair = connectedPair(slow, clientFactory=lambda: factory)
        self.addCleanup(pair.close)
        answer = pair.root.callRemote("wait")
        pair.flush()
        pair.clock.advance(5)
        pair.flush()
        self.assertFalse(pair.links[0].connected)
        lost = self.failureResultOf(answer, pb.PBConnectionLost).value.args[0]
        self.assertIsInstance(lost.value, ConnectionTimedOut)
        self.assertIs(lost.value, pair.client.fault)
        root = factory.getRootObject()
        factory.clientConnectionLost(None, Failure(ValueError("another reason")))
        self.assertIs(lost.value, self.failureResultOf(root).value)
        self.assertEqual([], pair.clock.getDelayedCalls())
