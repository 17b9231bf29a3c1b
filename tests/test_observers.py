"""
The observer book, and one observer.
"""

from __future__ import annotations

import datetime
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Delivery, Observers, pb
from pbext.errors import DeadReference, NotSendable
from tests.ponds import (
    STOCK_WATCHER,
    ClassicPond,
    Pond,
    PondTestCase,
    Watcher,
)


class AcknowledgedPond(Pond):
    acknowledged = True


class PlainPond(stock.Cacheable):
    """
    Twisted's Cacheable, with our book.
    """

    def __init__(self) -> None:
        self.book = Observers()

    def getTypeToCopy(self) -> bytes:
        return b"tests.ponds.Watcher"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.book.add(observer)
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.book.discard(observer)


class AnnouncingPlainPond(PlainPond):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        state = super().getStateToCacheAndObserveFor(perspective, observer)
        self.book.callRemote("noticed")
        return state


class Parcel(pb.Copyable):
    """
    A Copyable with anything in it.
    """

    typeToCopy = "tests.test_observers.Parcel"

    def __init__(self, content: Any) -> None:
        self.content = content

    def getStateToCopyFor(self, perspective: Any) -> Any:
        if isinstance(self.content, Exception):
            raise self.content
        return {"content": self.content}


class OwnParcel(Parcel):
    """
    One that has a say in how it is jellied, and so is for each observer.
    """

    def jellyFor(self, jellier: Any) -> Any:
        return super().jellyFor(jellier)


class Parceled(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(Parcel, Parceled)


class Failing(stock.Root):
    def remote_fail(self) -> None:
        raise stock.DeadReferenceError("the peer's own")


class SwallowDeadReferenceTests(PondTestCase):
    """
    C{swallowDeadReference}.
    """

    def test_swallows(self) -> None:
        """
        It ends both of PB's errors for a peer that is gone, and counts them.
        """
        before = pb.swallowDeadReference.swallowed
        for error in (stock.DeadReferenceError(), stock.PBConnectionLost("x")):
            self.assertIsNone(pb.swallowDeadReference(Failure(error)))
        self.assertIsNone(pb.swallowDeadReference(Failure(DeadReference())))
        self.assertEqual(before + 3, pb.swallowDeadReference.swallowed)

    def test_nothingElse(self) -> None:
        """
        It lets everything else through, protocol errors too.
        """
        for error in (ValueError(), stock.ProtocolError(), stock.Error()):
            failure = Failure(error)
            self.assertIs(failure, pb.swallowDeadReference(failure))

    def test_thePeersOwn(self) -> None:
        """
        A dead reference that the peer reports is the peer's, not swallowed.
        """
        self.connect(failing=None)
        self.pair.server.setNameForLocal("root", Failing())
        answer = self.pair.root.callRemote("fail")
        answer.addErrback(pb.swallowDeadReference)
        error = self.assertRaises(stock.RemoteError, self.pair.result, answer)
        self.assertEqual("twisted.spread.pb.DeadReferenceError", error.remoteType)
        self.flushLoggedErrors(stock.DeadReferenceError)


class ObserverTests(PondTestCase):
    """
    One observer.
    """

    def test_oneAndTheSame(self) -> None:
        """
        The hooks get the very observer that the book has, for as long as the
        peer holds the cache, however often it is sent.
        """
        pond = ClassicPond()
        caches = self.follow(pond)
        for client in range(3):
            self.get(client)
        self.assertEqual(list(pond.book), pond.observers)
        before = list(pond.observers)
        caches.clear()
        self.pair.flush()
        self.assertEqual([id(o) for o in before], [id(o) for o in pond.left])

    def test_identity(self) -> None:
        """
        An observer is equal to itself alone, and its hash never changes.
        """
        pond = Pond()
        self.follow(pond)
        one, two, three = pond.observers
        self.assertTrue(one == one and not one != one)
        self.assertTrue(one != two and not one == two and two != three)
        self.assertNotEqual(
            one, stock.RemoteCacheObserver(one.broker, one.cached, one.perspective)
        )
        before = hash(one)
        self.pair.links[0].cut()
        self.assertEqual(before, hash(one))

    def test_repr(self) -> None:
        """
        It is shown by the class that it observes and its peer, and shows no
        value.
        """
        pond = Pond(name="secret")
        self.follow(pond)
        for observer in pond.observers:
            self.assertIn("tests.ponds.Pond", repr(observer))
            self.assertNotIn("secret", repr(observer))

    def test_callRemote(self) -> None:
        """
        C{callRemote} fires with what the method returns; C{remoteMethod} is
        the same; a name can be bytes.
        """
        pond = Pond()
        cache, *_ = self.follow(pond)
        cache.observe_sum = lambda a, b: a + b
        observer, *_ = pond.observers
        for answer in (
            observer.callRemote("sum", 3, b=4),
            observer.callRemote(b"sum", 3, b=4),
            observer.remoteMethod("sum")(3, b=4),
        ):
            self.assertEqual(7, self.pair.result(answer))

    def test_pbanswer(self) -> None:
        """
        With C{pbanswer=False} it fires at once, and the peer does not answer.
        """
        pond = Pond()
        caches = self.follow(pond)
        observer, *_ = pond.observers
        answer = observer.callRemote("noticed", pbanswer=False)
        self.assertIsNone(self.successResultOf(answer))
        self.assertEqual({}, observer.broker.waitingForAnswers)
        self.pair.flush()
        self.assertEqual([("noticed",)], caches[0].told)

    def test_pbcallback(self) -> None:
        """
        The deprecated C{pbcallback} and C{pberrback} are not sent.
        """
        pond = Pond()
        self.follow(pond)
        results: list[Any] = []
        observer, *_ = pond.observers
        observer.callRemote(
            "noticed", pbcallback=results.append, pberrback=results.append
        )
        self.pair.flush()
        self.assertEqual([None], results)

    def test_notSendable(self) -> None:
        """
        A value that cannot be sent fails the Deferred, and leaves nothing
        waiting for an answer.
        """
        pond = Pond()
        self.follow(pond)
        for observer in pond.observers:
            for answered in (True, False):
                answer = observer.callRemote("addDuck", object(), pbanswer=answered)
                self.failureResultOf(answer, NotSendable)
            self.assertEqual({}, observer.broker.waitingForAnswers)
        self.assertFalse(self.pair.pump())

    def test_failure(self) -> None:
        """
        An error of the method's is the caller's to deal with.
        """
        pond = Pond()
        self.follow(pond)
        answers = [o.callRemote("fail", "x") for o in pond.observers]
        self.pair.flush()
        for answer in answers:
            self.failureResultOf(answer)

    def test_lastWord(self) -> None:
        """
        From inside C{stoppedObserving} an observer can be called once more,
        as in stock, if its peer is still there; and not afterwards.
        """
        pond = Pond()
        caches = self.follow(pond)
        answers: list[Any] = []
        pond.whenLeft = lambda o: answers.append(o.callRemote("noticed"))
        seen: list[Any] = []
        caches[0].note = lambda *what: seen.append(what)
        del caches[0]
        self.pair.flush()
        self.assertEqual([("noticed",)], seen)
        self.assertIsNone(self.successResultOf(answers[0]))
        self.assertIsNone(self.successResultOf(pond.left[0].callRemote("noticed")))
        self.pair.flush()
        self.assertEqual(1, len(seen))


class ObserversTests(PondTestCase):
    """
    The book.
    """

    def test_empty(self) -> None:
        """
        Nobody listens: the Deferred has fired all the same.
        """
        book = Observers()
        delivery = self.successResultOf(book.callRemote("addDuck", "daffy"))
        self.assertEqual((), delivery.sent)
        self.assertEqual(1, book.counters.broadcasts)
        self.assertEqual(0, len(book))
        self.assertEqual([], list(book))
        self.assertEqual("<Observers: 0>", repr(book))

    def test_plain(self) -> None:
        """
        In a plain Cacheable of Twisted's, the book is right too: C{add} is
        idempotent, C{discard} is silent on absence.
        """
        pond = PlainPond()
        caches = self.follow(pond)
        self.assertEqual(3, len(pond.book))
        for entry in list(pond.book):
            same = stock.RemoteCacheObserver(entry.broker, pond, None)
            self.assertIn(same, pond.book)
            self.assertIs(entry, pond.book.add(same))
            self.assertIs(entry, pond.book.add(entry))
        self.assertEqual(3, len(pond.book))
        self.pair.links[1].cut()
        self.assertEqual(2, len(pond.book))
        pond.book.discard(stock.RemoteCacheObserver(self.pair.server, Pond(), None))
        self.assertEqual(2, len(pond.book))
        delivery = self.successResultOf(pond.book.callRemote("noticed"))
        self.pair.flush()
        self.assertEqual(2, len(delivery.sent))
        del caches[1]
        self.assertEqual([[("noticed",)]] * 2, [cache.told for cache in caches])

    def test_plainThatNeverDiscards(self) -> None:
        """
        A plain Cacheable that never discards finds out when it announces.
        """
        pond = PlainPond()
        pond.stoppedObserving = lambda perspective, observer: None
        caches = self.follow(pond)
        self.pair.links[0].cut()
        del caches[1]
        self.pair.flush()
        delivery = self.successResultOf(pond.book.callRemote("noticed"))
        self.assertEqual((1, 2), (len(delivery.sent), len(delivery.dropped)))
        self.assertEqual(1, len(pond.book))

    def test_plainDropsAndComesBack(self) -> None:
        """
        With a plain Cacheable, too, what is dropped and sent again is told
        once.
        """
        pond = PlainPond()
        pond.stoppedObserving = lambda perspective, observer: None
        caches = self.follow(pond)
        caches.clear()
        self.pair.flush()
        caches = [self.get(client) for client in range(3)]
        pond.book.callRemote("noticed")
        self.pair.flush()
        self.assertEqual([[("noticed",)]] * 3, [cache.told for cache in caches])

    def test_plainAnnouncesInItsHook(self) -> None:
        """
        What a plain Cacheable announces while it is sent for the first time
        arrives after it.
        """
        caches = self.follow(AnnouncingPlainPond())
        self.assertEqual([3, 2, 1], [len(cache.told) for cache in caches])

    def test_containment(self) -> None:
        """
        C{in} knows an observer by its broker, its perspective and what it
        observes, also among a choice; and any object at all.
        """
        pond, other = Pond(), Pond()
        self.follow(pond)
        one, two, three = pond.observers
        stocks = stock.RemoteCacheObserver(one.broker, pond, one.perspective)
        for audience in (pond.observers, pond.observers.without(two)):
            self.assertIn(one, audience)
            self.assertIn(stocks, audience)
            for stranger in (
                stock.RemoteCacheObserver(one.broker, other, one.perspective),
                stock.RemoteCacheObserver(one.broker, pond, object()),
                stock.RemoteCacheObserver(object(), pond, one.perspective),
                None,
                [],
                one.broker,
            ):
                self.assertNotIn(stranger, audience)
        self.assertNotIn(two, pond.observers.without(two))

    def test_without(self) -> None:
        """
        C{without} leaves out the author of a change, and leaves the book as
        it is; it can be repeated.
        """
        pond = Pond()
        caches = self.follow(pond, 4)
        author, other, *_ = pond.observers
        self.assertEqual(3, len(pond.observers.without(author)))
        choice = pond.observers.without(author).without(other)
        self.assertEqual(list(pond.observers)[2:], list(choice))
        delivery = self.successResultOf(choice.callRemote("noticed"))
        self.assertEqual(tuple(choice), delivery.sent)
        self.pair.flush()
        told = [cache.__dict__.get("told", []) for cache in caches]
        self.assertEqual([[], [], [("noticed",)], [("noticed",)]], told)
        self.assertEqual(4, len(pond.observers))
        self.assertEqual(1, pond.observers.counters.broadcasts)

    def test_forPerspective(self) -> None:
        """
        C{forPerspective} compares by identity.
        """
        pond = Pond()
        self.follow(pond)
        self.assertEqual(3, len(pond.observers.forPerspective(None)))
        self.assertEqual(0, len(pond.observers.forPerspective(object())))

    def test_snapshot(self) -> None:
        """
        An iteration is not disturbed by what is discarded and added.
        """
        pond = Pond()
        self.follow(pond)
        seen = []
        for observer in pond.observers:
            seen.append(observer)
            for other in list(pond.observers):
                pond.observers.discard(other)
        self.assertEqual(3, len(seen))
        self.assertEqual(0, len(pond.observers))

    def test_discardTwice(self) -> None:
        """
        Discarding an observer that has been dropped does not take its
        successor on the same connection with it.
        """
        pond = Pond()
        caches = self.follow(pond)
        old, *_ = pond.observers
        del caches[0]
        self.pair.flush()
        successor = self.get(0)
        self.assertEqual(3, len(pond.observers))
        pond.observers.discard(old)
        self.assertEqual(3, len(pond.observers))
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["huey"], successor.ducks)

    def test_serializedOnce(self) -> None:
        """
        What is the same for everybody is serialized once, for all.
        """
        pond = Pond()
        caches = self.follow(pond, 5)
        asked = []

        def getStateToCopyFor(parcel: Any, perspective: Any) -> Any:
            asked.append(perspective)
            return {"content": parcel.content}

        self.patch(Parcel, "getStateToCopyFor", getStateToCopyFor)
        pond.addDuck({"name": ["daffy", 1.5, None, b"x", ("y", {3})]})
        pond.addDuck(Parcel("for all of a perspective"))
        self.assertEqual([None], asked)
        pond.addDuck(OwnParcel("for each"))
        self.assertEqual([None] * (1 + 5), asked)
        self.pair.flush()
        for cache in caches:
            plain, *parcels = cache.ducks
            self.assertEqual(pond.ducks[0], plain)
            contents = [parcel.content for parcel in parcels]
            self.assertEqual(["for all of a perspective", "for each"], contents)


class DeliveryTests(PondTestCase):
    """
    What is known of a broadcast.
    """

    def test_oneWay(self) -> None:
        """
        One-way is the default, fires at once, and nobody is asked to answer.
        """
        pond = Pond()
        self.follow(pond)
        self.pair.links[1].cut()
        gone = pond.left[0]
        pond.observers.add(gone)
        delivery = self.successResultOf(pond.addDuck("huey"))
        self.assertIsInstance(delivery, Delivery)
        self.assertEqual(2, len(delivery.sent))
        self.assertEqual((gone,), delivery.dropped)
        self.assertEqual(({}, {}, {}), _mappings(delivery))
        self.assertNotIn(gone, pond.observers)
        for link in self.pair.links:
            self.assertFalse(link.server.waitingForAnswers)

    def test_acknowledged(self) -> None:
        """
        Where the class says so, each answer is awaited, whatever becomes of
        the others.
        """
        pond = AcknowledgedPond()
        caches = self.follow(pond, 4)
        first, second, third, fourth = pond.observers
        caches[0].observe_addDuck = lambda duck: "thanks"
        later: Deferred[Any] = Deferred()
        caches[1].observe_addDuck = lambda duck: later
        caches[2].observe_addDuck = lambda duck: 1 / 0
        told = pond.addDuck("huey")
        self.pair.links[3].cut()
        self.pair.flush()
        self.assertNoResult(told)
        later.callback("at last")
        delivery = self.pair.result(told)
        self.assertEqual({first: "thanks", second: "at last"}, dict(delivery.confirmed))
        self.assertEqual([third], list(delivery.failed))
        self.assertEqual((fourth,), delivery.dropped)
        self.assertEqual((first, second, third, fourth), delivery.sent)
        self.assertEqual([(third, delivery.failed[third])], pond.failed)

    def test_acknowledgedOnce(self) -> None:
        """
        C{pbanswer} overrides what the class says, for one broadcast.
        """
        pond, strict = Pond(), AcknowledgedPond()
        self.connect(pond=pond, strict=strict)
        kept = [self.get(n, name) for n in range(3) for name in ("pond", "strict")]
        told = pond.observers.callRemote("noticed", pbanswer=True)
        self.assertNoResult(told)
        self.assertEqual(3, len(self.pair.result(told).confirmed))
        told = strict.observers.callRemote("noticed", pbanswer=False)
        self.assertEqual({}, dict(self.successResultOf(told).confirmed))
        self.pair.flush()
        self.assertEqual([[("noticed",)]] * 6, [cache.told for cache in kept])

    def test_counters(self) -> None:
        """
        The counters add up the broadcasts.
        """
        pond = AcknowledgedPond()
        caches = self.follow(pond)
        caches[0].observe_addDuck = lambda duck: 1 / 0
        self.pair.result(pond.addDuck("huey"))
        told = pond.addDuck("dewey")
        self.pair.links[2].cut()
        self.pair.result(told)
        self.failureResultOf(pond.addDuck(object()))
        counters = pond.observers.counters
        self.assertEqual(3, counters.broadcasts)
        self.assertEqual(6, counters.sent)
        self.assertEqual(1, counters.dropped)
        self.assertEqual(2, counters.refused)
        self.assertEqual(3, counters.confirmed)
        self.assertEqual(2, counters.failed)

    def test_unsendable(self) -> None:
        """
        A value that cannot be sent fails the broadcast once, before anything
        is sent, also from inside a Copyable; the next one works.
        """
        tz = datetime.timezone.utc
        values = [
            object(),
            "x" * 700_000,
            b"x" * 700_000,
            2**449,
            datetime.datetime(2000, 1, 1, tzinfo=tz),
            lambda: None,
            datetime,
            "\ud800",
        ]
        pond = Pond(STOCK_WATCHER)
        caches = self.follow(pond, clientFactory=stock.PBClientFactory)
        log = self.recordLog()
        for value in values:
            for sent in (value, [{"deep": value}], Parcel(value), Parcel([value])):
                told = pond.observers.callRemote("addDuck", 1, sent)
                self.failureResultOf(told)
                told = pond.observers.callRemote("addDuck", 1, keyword=sent)
                self.failureResultOf(told)
        self.assertEqual([], log)
        self.assertFalse(self.pair.pump())
        self.assertEqual([], pond.failed)
        pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual([["huey"]] * 3, [cache.ducks for cache in caches])

    def test_unsendablePath(self) -> None:
        """
        The error says where the value stands, and not what it is.
        """
        pond = Pond(STOCK_WATCHER)
        self.follow(pond, clientFactory=stock.PBClientFactory)
        told = pond.addDuck({"name": [1, "secret" * 200_000]})
        error = self.failureResultOf(told, NotSendable).value
        self.assertEqual("$[0].name[1]", error.path)
        self.assertNotIn("secret", str(error))

    def test_tooManyItems(self) -> None:
        """
        A list that is too long for a stock peer is not sent to one.
        """
        pond = Pond(STOCK_WATCHER)
        self.follow(pond, clientFactory=stock.PBClientFactory)
        self.failureResultOf(pond.addDuck([None] * 655_361), NotSendable)
        self.assertFalse(self.pair.pump())

    def test_oneObserversFailure(self) -> None:
        """
        What fails for one observer is said once, with its name and no value,
        and handed to C{observerFailed}; a hook that fails stops nobody.
        """
        pond = Pond()
        caches = self.follow(pond)
        unlucky = list(pond.observers)[1]
        stocks = Parcel.getStateToCopyFor
        asked = []

        def getStateToCopyFor(parcel: Any, perspective: Any) -> Any:
            asked.append(parcel)
            if len(asked) == 2:
                raise ValueError("secret")
            return stocks(parcel, perspective)

        self.patch(Parcel, "getStateToCopyFor", getStateToCopyFor)
        log = self.recordLog()

        def observerFailed(observer: Any, failure: Any) -> None:
            pond.failed.append(observer)
            raise KeyError("secret")

        self.patch(Pond, "observerFailed", staticmethod(observerFailed))
        delivery = self.successResultOf(pond.addDuck(OwnParcel("secret")))
        self.pair.flush()
        self.assertEqual([unlucky], list(delivery.refused))
        self.assertEqual([unlucky], pond.failed)
        self.assertEqual([1, 0, 1], [len(cache.ducks) for cache in caches])
        said, hook = (line.partition(" {")[0] for line in log)
        self.assertIn("the update addDuck to <Observer of tests.ponds.Pond", said)
        self.assertIn("builtins.ValueError at", said)
        self.assertIn("observerFailed failed: builtins.KeyError", hook)
        self.assertNotIn("secret", "".join(log))

    def test_theOneObserver(self) -> None:
        """
        What cannot be put into a message for anybody fails the broadcast,
        with the reason, and is nobody's failure.
        """
        pond = Pond()
        self.follow(pond)
        told = pond.addDuck(Parcel(ValueError("no parcel")))
        self.failureResultOf(told, ValueError)
        self.assertEqual([], pond.failed)

    def test_peersFailure(self) -> None:
        """
        Of an acknowledged broadcast, a peer's error is logged once, with the
        observer and without the peer's text.
        """
        pond = AcknowledgedPond(STOCK_WATCHER)
        self.follow(pond)
        log = self.recordLog()
        told = pond.observers.callRemote("fail", "secret")
        delivery = self.pair.result(told)
        self.assertEqual(3, len(delivery.failed))
        ours = [line for line in log if "the update fail to <Observer of" in line]
        self.assertEqual(3, len(ours))
        for line in ours:
            self.assertNotIn("secret", line.partition(" {")[0])
        self.assertEqual(3, len(self.flushLoggedErrors(ValueError)))  # the peers'

    def test_deadWhileItIsSerialized(self) -> None:
        """
        A connection that goes in the midst of a broadcast drops its observer,
        be it the one whose turn it is or a later one.
        """
        pond = Pond()
        caches = self.follow(pond, 4)
        first, second, third, last = pond.observers
        asked = []

        def getStateToCopyFor(parcel: Any, perspective: Any) -> Any:
            asked.append(parcel)
            if len(asked) == 2:
                self.pair.links[1].cut()
                self.pair.links[3].cut()
            return {}

        self.patch(Parcel, "getStateToCopyFor", getStateToCopyFor)
        delivery = self.successResultOf(pond.addDuck(OwnParcel(1)))
        self.assertEqual((second, last), delivery.dropped)
        self.assertEqual((first, third), delivery.sent)
        self.pair.flush()
        self.assertEqual([1, 0, 1, 0], [len(cache.ducks) for cache in caches])


def _mappings(delivery: Any) -> tuple[Any, Any, Any]:
    return dict(delivery.refused), dict(delivery.confirmed), dict(delivery.failed)


class CoroutineTests(SynchronousTestCase):
    """
    The Deferred of a broadcast in a coroutine.
    """

    def test_await(self) -> None:
        """
        It can be awaited.
        """

        async def announce() -> Any:
            return await Observers().callRemote("x")

        delivery = self.successResultOf(Deferred.fromCoroutine(announce()))
        self.assertEqual((), delivery.sent)
        self.assertEqual((), self.successResultOf(succeed(delivery)).dropped)


assert Watcher  # the class that the ponds become
