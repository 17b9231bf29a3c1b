"""
What stock Perspective Broker gets wrong with what is in a message that fails,
or that is sent in the midst of another one, fault by fault under its id: gone
when the end that is to blame runs pbext, whatever the other end runs.  All of
it in memory and over loopback TCP.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly

from pbext import Limits, pb
from pbext.errors import BadReference, RefusedTag
from pbext.testing import restoredRegistry
from tests.desks import CACHEABLES, ROWS, THINGS, Ends, Unknown
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, StockPond, StockWatcher
from tests.wires import NARROW, Factories, across

#: A tag that nobody has registered.
NOWHERE = "tests.test_faults_messages.Nowhere"

UNREADABLE = "tests.test_faults_messages.Unreadable"


class Broken(pb.Copyable):
    """
    Fails while it is put into a message.
    """

    def getStateToCopy(self) -> Any:
        raise ZeroDivisionError()


class BrokenPond(Pond):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        raise ZeroDivisionError()


class Unreadable(pb.Copyable, pb.RemoteCopy):
    """
    Fails while it is read.
    """

    typeToCopy = UNREADABLE

    def setCopyableState(self, state: Any) -> None:
        raise stock.Error("no")  # which goes to the peer, and into no log


pb.setUnjellyableForClass(UNREADABLE, Unreadable)


class _Things(Ends):
    """
    What is done with things, of whichever kind.
    """

    def tell(self, pond: Any, name: str, *args: Any) -> Any:
        """
        Call a method of the one cache of a Cacheable, and ask for the answer.
        """
        if isinstance(pond, StockPond):
            [answer] = pond.tell(name, *args)
        else:
            [observer] = pond.observers
            answer = observer.callRemote(name, *args)
        return answer

    def assertUnfollowed(self, thing: Any) -> None:
        """
        If a thing can be followed, nobody follows it.
        """
        if isinstance(thing, Pond):
            self.assertEqual(0, len(thing.observers))
        elif isinstance(thing, StockPond):
            self.assertEqual({}, thing.followers)

    async def assertFollowed(self, thing: Any, held: Any) -> None:
        """
        If a thing can be followed, what is held of it follows it.
        """
        if isinstance(thing, (Pond, StockPond)):
            duck = f"duck {len(thing.ducks)}"
            thing.addDuck(duck)
            await self.settle()
            self.assertEqual(duck, held.ducks[-1])
            self.assertEqual([("addDuck", duck)], held.told[-1:])

    async def assertSendable(
        self, thing: Any, desk: Any, remote: Any, counts: tuple[int, ...] = (1,)
    ) -> None:
        """
        Sent now, a thing arrives, whole, and goes when it is dropped.
        """
        self.assertUnfollowed(thing)
        await self.result(remote.callRemote("keep", thing))
        self.assertGiven(remote.broker, *counts)
        await self.assertFollowed(thing, desk.kept[0])
        desk.kept.clear()
        await self.settle()
        self.assertGiven(remote.broker)
        self.assertUnfollowed(thing)


class _Unsent(_Things):
    """
    A message fails while it is made.  To blame is the end that makes it.
    """

    async def meet(self) -> None:
        self.ours = NARROW
        await super().meet()

    def spoilers(self) -> Iterator[Any]:
        """
        What cannot be sent: it is found out while the object is turned into
        jelly, or only when that is turned into bytes.
        """
        yield object()
        yield Broken()
        yield BrokenPond()
        yield (self.other.server if self.serving else self.other.client).remoteForName(
            "desk"
        )
        yield 2**500
        yield "x" * 700_000

    def messages(self, *things: Any) -> Iterator[tuple[Any, Any]]:
        """
        @return: arguments and keyword arguments of calls that cannot be sent.
        """
        for bad in self.spoilers():
            yield (*things, bad), {}
            yield (bad, *things), {}
            yield ([{"it": thing} for thing in things],), {"bad": bad}
            yield (), {"things": things, "bad": bad}

    async def test_A7_9_calls(self) -> None:
        """
        What was to go with a call that cannot be sent does not count as
        given; sent once more, it arrives.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            for args, kw in self.messages(thing):
                for more in ({}, {"pbanswer": False}):
                    call = self.toThem.callRemote("drop", *args, **kw, **more)
                    self.failureResultOf(call)
                    self.assertGiven(self.here)
            await self.assertSendable(thing, self.theirDesk, self.toThem)
        await self.assertUnharmed()

    async def test_A7_9_whatThePeerHas(self) -> None:
        """
        What the peer has already counts as often as before, and is followed.
        """
        await self.meet()
        things = [make() for make in THINGS]
        for thing in things:
            await self.result(self.toThem.callRemote("keep", thing))
        for args, kw in self.messages(*things):
            self.failureResultOf(self.toThem.callRemote("drop", *args, **kw))
            self.assertGiven(self.here, *[1] * len(things))
        for thing, held in zip(things, self.theirDesk.kept, strict=True):
            await self.assertFollowed(thing, held)
        del held
        self.theirDesk.kept.clear()
        await self.settle()
        self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_A7_9_answers(self) -> None:
        """
        What was to go with an answer that cannot be sent does not count as
        given either; the call fails.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            for args, kw in self.messages(thing):
                self.ourDesk.things["bad"] = [*args, kw]
                soon = self.toUs.callRemote("get", "bad")
                later = self.toUs.callRemote("getLater", "bad")
                await self.settle()
                self.ourDesk.waiting.pop().callback(None)
                for call in (soon, later):
                    await self.failure(call)
                self.assertGiven(self.here)
            self.flushLoggedErrors(ZeroDivisionError)
            await self.assertSendable(thing, self.theirDesk, self.toThem)
        await self.assertUnharmed()

    async def test_A7_9_updates(self) -> None:
        """
        So it is with what was to go with an update; the cache that it was for
        follows on.
        """
        await self.meet()
        for pond in (Pond(STOCK_WATCHER), StockPond(WATCHER)):
            await self.result(self.toThem.callRemote("keep", pond))
            for make in THINGS:
                thing = make()
                for bad in self.spoilers():
                    for duck in ([thing, bad], [bad, {"it": thing}]):
                        self.failureResultOf(self.tell(pond, "addDuck", duck))
                        self.assertGiven(self.here, 1)
                self.assertUnfollowed(thing)
            await self.assertFollowed(pond, self.theirDesk.kept[0])
            self.theirDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()


class _Unregistered(_Things):
    """
    A Cacheable is sent to an end where nobody has registered its tag.  To
    blame is the end that has sent it, if it does not forget that.
    """

    async def assertRefused(self, call: Any) -> None:
        """
        A call fails, and its caller is told why.
        """
        failure = await self.failure(call)
        self.assertIn(NOWHERE, failure.getErrorMessage())
        self.assertTrue(failure.check(InsecureJelly))
        self.flushLoggedErrors(InsecureJelly)  # of Twisted's end
        await self.settle()

    async def assertArrives(self, thing: Any, counts: tuple[int, ...] = (1,)) -> None:
        """
        Once the tag is registered, what could not be sent arrives.
        """
        with restoredRegistry():
            stock.setUnjellyableForClass(NOWHERE, StockWatcher)
            await self.assertSendable(thing, self.theirDesk, self.toThem, counts)

    async def test_A7_11_forgotten(self) -> None:
        """
        The sender is told which tag is unknown, and forgets that it has sent
        it: nobody follows it, and it can be sent again.
        """
        await self.meet()
        for make in (Pond, StockPond):
            lost = make(NOWHERE)
            for times in (1, 2, 3):
                await self.assertRefused(self.toThem.callRemote("keep", lost))
                self.assertNothingHeld()
                self.assertLeft(lost, times)
                lost.addDuck("to nobody")
            await self.assertArrives(lost)
        await self.assertUnharmed()

    async def test_A7_11_severalAtOnce(self) -> None:
        """
        So it is if it is sent again, and has changed, before that is known.
        """
        await self.meet()
        for make in (Pond, StockPond):
            lost = make(NOWHERE)
            calls = [self.toThem.callRemote("keep", [lost, lost]) for _ in range(3)]
            if make is Pond:
                lost.addDuck("to nobody")
            await self.assertRefused(calls[0])
            for call in calls[1:]:
                await self.failure(call)
            self.flushLoggedErrors(InsecureJelly, KeyError)  # of Twisted's end
            await self.settle()
            self.assertNothingHeld()
            self.assertLeft(lost)
            await self.assertArrives(lost)
        await self.assertUnharmed()

    async def test_A7_11_withinAnother(self) -> None:
        """
        So it is if it is in the state of another one, whose tag is known.
        """
        await self.meet()
        for make in (Pond, StockPond):
            for known in (WATCHER, STOCK_WATCHER):
                lost = make(NOWHERE)
                outer = make(known)
                outer.ducks.append(lost)
                await self.assertRefused(self.toThem.callRemote("keep", outer))
                self.assertGiven(self.here)
                self.assertLeft(lost)
                self.assertLeft(outer)
                await self.assertArrives(lost)
                await self.assertArrives(outer, (1, 1))
        await self.assertUnharmed()

    async def test_A7_11_besideOthers(self) -> None:
        """
        What the peer has already, and was in the same message, is followed as
        before.
        """
        await self.meet()
        for make in CACHEABLES:
            for lost in (Pond(NOWHERE), StockPond(NOWHERE)):
                known = make()
                await self.result(self.toThem.callRemote("keep", known))
                for things in ((known, lost), (lost, known), (known, lost, known)):
                    await self.assertRefused(self.toThem.callRemote("keep", *things))
                    self.assertUnfollowed(lost)
                    self.assertEqual([], known.left)
                await self.assertFollowed(known, self.theirDesk.kept[0])
                self.theirDesk.kept.clear()
        await self.assertUnharmed()

    async def test_A7_11_keptMeanwhile(self) -> None:
        """
        What a refused message carried, and another one that was on its way
        has brought all the same, is followed.
        """
        await self.meet()
        for make in CACHEABLES:
            known = make()
            refused = self.toThem.callRemote("drop", known, Unknown())
            kept = self.toThem.callRemote("keep", known)
            await self.failure(refused)
            await self.result(kept)
            self.flushLoggedErrors(InsecureJelly)
            self.assertEqual([], known.left)
            await self.assertFollowed(known, self.theirDesk.kept[0])
            self.theirDesk.kept.clear()
        await self.assertUnharmed()

    async def test_A7_11_theMethodsOwn(self) -> None:
        """
        A method that fails as a refusal does has got what it was given.
        """
        await self.meet()
        for make in CACHEABLES:
            known = make()
            await self.failure(self.toThem.callRemote("keepAndRefuse", known))
            self.flushLoggedErrors(InsecureJelly)
            self.assertEqual([], known.left)
            await self.assertFollowed(known, self.theirDesk.kept[0])
            self.theirDesk.kept.clear()
        await self.assertUnharmed()

    async def test_A7_11_oneWay(self) -> None:
        """
        What was lost in a message that nobody answers is found to be with the
        next one that somebody does.
        """
        await self.meet()
        for make in (Pond, StockPond):
            lost = make(NOWHERE)
            self.toThem.callRemote("keep", lost, pbanswer=False)
            await self.settle()
            if self.entriesOf(self.here):  # a peer of ours has said so already
                await self.failure(self.toThem.callRemote("keep", lost))
            self.flushLoggedErrors(InsecureJelly, KeyError)
            self.assertNothingHeld()
            self.assertLeft(lost)
            await self.assertArrives(lost)
        await self.assertUnharmed()

    async def test_A7_11_updates(self) -> None:
        """
        So it is with one that is in an update, if that is to be answered.
        """
        await self.meet()
        for make in (Pond, StockPond):
            lost, known = make(NOWHERE), make(STOCK_WATCHER)
            await self.result(self.toThem.callRemote("keep", known))
            await self.assertRefused(self.tell(known, "addDuck", lost))
            self.assertGiven(self.here, 1)
            self.assertLeft(lost)
            await self.assertFollowed(known, self.theirDesk.kept[0])
            self.theirDesk.kept.clear()
            await self.settle()
            await self.assertArrives(lost)
        await self.assertUnharmed()


class _Refusal(_Things):
    """
    Something is brought by a message that is refused, or that fails.  To
    blame is the end that has got it, if it does not give back what it was
    given.
    """

    def calls(self, thing: Any) -> Iterator[Any]:
        """
        @return: calls that end in an error, and carry a thing.
        """
        drop = self.toUs.remoteMethod("drop")
        yield drop(thing, Unknown())
        yield drop(Unknown(), thing)
        yield drop([thing, {"it": thing}, (Unknown(), thing)])
        yield drop(Unknown(thing))
        yield drop(Unknown(), thing=thing)
        yield drop(thing, it=Unknown(thing))
        yield drop(thing, things=Pond(NOWHERE))
        yield drop([thing, Unreadable(), (thing,)])
        yield self.there.remoteForName("nobody").callRemote("drop", thing)
        for name in ("nothing", "wait", "fail", "failLater", "answerBadly"):
            yield self.toUs.callRemote(name, thing)
        yield self.toUs.callRemote("get", name="none", more=thing)
        yield self.forged(thing, [b"list", [b"dictionary", 5]])
        yield self.forged(thing, [b"local", 999])
        yield self.forged(thing, [b"reference", 1])
        yield self.forged([thing, [thing]], [5])

    def forged(self, thing: Any, sexp: Any) -> Any:
        """
        A call with an argument that is no jelly.
        """
        given = self.there.serialize(thing)
        number = self.there.newRequestID()
        answer = self.there.waitingForAnswers[number] = Deferred()
        args, kw = [b"tuple", given, sexp], [b"dictionary"]
        self.there.sendCall(b"message", number, b"desk", b"drop", 1, args, kw)
        return answer

    async def assertRefused(self, call: Any) -> None:
        await self.settle()
        for answer in self.ourDesk.waiting:
            answer.callback(None)
        self.ourDesk.waiting.clear()
        await self.failure(call)
        await self.settle()

    async def test_A7_15_calls(self) -> None:
        """
        What came with a call that is refused, or that fails, is the
        sender's alone again.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            for call in self.calls(thing):
                await self.assertRefused(call)
                self.assertNothingHeld()
                self.assertUnfollowed(thing)
            await self.assertSendable(thing, self.ourDesk, self.toUs)
        await self.assertUnharmed()

    async def test_A7_15_oneWay(self) -> None:
        """
        So it is if the caller wants no answer.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            for args in ((thing, Unknown()), (Unknown(), thing), (Unknown(thing),)):
                for name in ("drop", "nothing", "wait"):
                    self.toUs.callRemote(name, *args, pbanswer=False)
                    self.toUs.callRemote(name, more=args, pbanswer=False)
            await self.settle()
            self.assertNothingHeld()
            self.assertUnfollowed(thing)
        await self.assertUnharmed()

    async def test_A7_15_whatIsHeld(self) -> None:
        """
        What was given before, and is held, is held as before.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            await self.result(self.toUs.callRemote("keep", thing))
            for call in self.calls(thing):
                await self.assertRefused(call)
                self.assertEqual(1, len(self.entriesOf(self.there)))
            await self.assertFollowed(thing, self.ourDesk.kept[0])
            self.ourDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
            self.assertUnfollowed(thing)
        await self.assertUnharmed()

    async def test_A7_15_severalAtOnce(self) -> None:
        """
        What is sent again before it is known that the first message was
        refused arrives, and is followed.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            refused = self.toUs.callRemote("drop", thing, Unknown())
            kept = self.toUs.callRemote("keep", thing)
            again = self.toUs.callRemote("drop", [thing, Unknown()])
            await self.failure(refused)
            await self.result(kept)
            await self.failure(again)
            await self.settle()
            self.assertEqual(1, len(self.entriesOf(self.there)))
            await self.assertFollowed(thing, self.ourDesk.kept[0])
            self.ourDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
            self.assertUnfollowed(thing)
        await self.assertUnharmed()

    async def test_A7_15_neverRead(self) -> None:
        """
        If it was not even read, what is sent again too soon is refused as
        well; then it arrives.
        """
        await self.meet()
        for make in CACHEABLES:
            thing = make()
            refused = self.toUs.callRemote("drop", Unknown(), thing)
            again = self.toUs.callRemote("keep", thing)
            await self.failure(refused)
            failure = await self.failure(again)
            self.assertTrue(failure.check(BadReference))
            await self.settle()
            self.assertNothingHeld()
            await self.assertSendable(thing, self.ourDesk, self.toUs)
        await self.assertUnharmed()

    async def test_A7_15_answers(self) -> None:
        """
        So it is with what comes with an answer that is refused, or that
        nobody waits for any more.
        """
        await self.meet()
        for make in THINGS:
            thing = make()
            for bad in (
                [thing, Unknown()],
                [Unknown(), thing],
                (thing, {"it": Unknown(thing)}),
                [Pond(NOWHERE), thing],
            ):
                self.theirDesk.things["bad"] = bad
                soon = self.toThem.callRemote("get", "bad")
                later = self.toThem.callRemote("getLater", "bad")
                given = self.toThem.callRemote("getLater", "bad")
                await self.settle()
                given.cancel()
                for answer in self.theirDesk.waiting:
                    answer.callback(None)
                self.theirDesk.waiting.clear()
                for call in (soon, later):
                    failure = await self.failure(call)
                    self.assertIsInstance(failure.value, RefusedTag)
                    del failure
                await self.failure(given)
                await self.settle()
                self.assertNothingHeld()
                self.assertUnfollowed(thing)
            self.theirDesk.things["bad"] = thing
            cancelled = self.toThem.callRemote("get", "bad")
            cancelled.cancel()
            await self.failure(cancelled)
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_A7_15_updates(self) -> None:
        """
        So it is with what comes with an update that is refused.
        """
        await self.meet()
        for follow in CACHEABLES:
            pond = follow()
            await self.result(self.toUs.callRemote("keep", pond))
            for make in THINGS:
                thing = make()
                for duck in ([thing, Unknown()], [Unknown(), thing], Unknown(thing)):
                    await self.failure(self.tell(pond, "addDuck", duck))
                    await self.settle()
                    self.assertGiven(self.there, 1)
                    self.assertUnfollowed(thing)
            self.ourDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()


class _RefusalBeyondLimits(_Things):
    """
    There are more caches than may come.  To blame is the end that refuses
    them, if it does not give them back.
    """

    async def test_A7_15_tooMany(self) -> None:
        """
        A cache that is one too many is the sender's alone again, is not given
        back twice, and arrives when there is room for it.
        """
        await self.meet()
        for make in CACHEABLES:
            first, second, third = ponds = make(), make(), make()
            await self.result(self.toUs.callRemote("keep", first))
            for args in ((second, third), (third, second, first), ([second], third)):
                failure = await self.failure(self.toUs.callRemote("keep", *args))
                self.assertIn("cachesReceived=2", failure.getErrorMessage())
                del failure
                await self.settle()
                self.assertEqual(1, len(self.entriesOf(self.there)))
                self.assertEqual(1, len(self.here.locallyCachedObjects))
                for pond in (second, third):
                    self.assertUnfollowed(pond)
            await self.result(self.toUs.callRemote("keep", third))
            for pond, held in zip((first, third), self.ourDesk.kept, strict=True):
                await self.assertFollowed(pond, held)
            del held
            self.ourDesk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
            for pond in ponds:
                self.assertUnfollowed(pond)
        await self.assertUnharmed()


_limits = Limits(cachesReceived=2, refusals=1000)
_LIMITED = {
    "ours": Factories(
        partial(pb.PBServerFactory, limits=_limits),
        partial(pb.PBClientFactory, limits=_limits),
    )
}

globals().update(across(module=__name__, tests=_Unsent, rows=ROWS))
globals().update(across(module=__name__, tests=_Unregistered, rows=ROWS))
globals().update(across(module=__name__, tests=_Refusal, rows=ROWS))
globals().update(
    across(
        module=__name__,
        tests=_RefusalBeyondLimits,
        rows={name: {**row, **_LIMITED} for name, row in ROWS.items()},
    )
)
