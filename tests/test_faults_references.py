"""
What stock Perspective Broker gets wrong with references, fault by fault under
its id: gone when the end that is to blame runs pbext, whatever the other end
runs.  All of it in memory and over loopback TCP.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from threading import Thread, get_ident
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.spread import pb as stock

from pbext import pb
from pbext.errors import DeadReference
from tests.desks import CACHEABLES, ROWS, THINGS, Desk, Ends
from tests.ponds import Pond, StockPond, StockWatcher, Watcher
from tests.wires import across


class _Loss(Ends):
    """
    A connection is lost.  To blame is the end that calls a reference, or asks
    to be told.
    """

    async def lose(self) -> Any:
        """
        @return: a reference that came by the connection that is lost now.
        """
        await self.meet()
        self.theirDesk.things["one"] = stock.Referenceable()
        one = await self.result(self.toThem.callRemote("get", "one"))
        await self.wire.cut(self.line)
        return one

    async def test_A1c_calledInVain(self) -> None:
        """
        To call a reference when the connection is lost gives a Deferred that
        has failed, however it is called, and whatever with.
        """
        one = await self.lose()
        for reference in (one, self.toThem, one.withTimeout(1)):
            for call in (
                reference.callRemote("echo", 1),
                reference.callRemote(b"echo", thing=stock.Referenceable()),
                reference.callRemote("echo", object()),
                reference.callRemote("echo", 1, pbanswer=False),
                reference.remoteMethod("echo")(1),
            ):
                failure = self.failureResultOf(call, stock.DeadReferenceError)
                self.assertIsInstance(failure.value, DeadReference)
        await self.assertUnharmed(self.other)

    async def test_A1c_calledBecauseOfTheLoss(self) -> None:
        """
        So it is while the connection is being lost: for what is called in the
        errback of a call that was in flight, and by who asked to be told.
        """
        await self.meet()
        calls: list[Deferred[Any]] = []

        def again(*why: Any) -> None:
            calls.append(self.toThem.callRemote("echo", 1))

        self.here.notifyOnDisconnect(again)
        self.toThem.notifyOnDisconnect(again)
        self.toThem.callRemote("wait").addErrback(again)
        await self.settle()
        await self.wire.cut(self.line)
        self.assertEqual(3, len(calls))
        for call in calls:
            self.failureResultOf(call, stock.DeadReferenceError)
        await self.assertUnharmed(self.other)

    async def test_callsInFlight(self) -> None:
        """
        Calls that are in flight fail once each, as in stock, whatever their
        errbacks do.
        """
        await self.meet()
        lost: list[Any] = []

        def fail(failure: Any) -> None:
            lost.append(failure)
            raise ZeroDivisionError()

        calls = [self.toThem.callRemote("wait").addErrback(fail) for _ in range(3)]
        await self.settle()
        await self.wire.cut(self.line)
        for call in calls:
            self.failureResultOf(call, ZeroDivisionError)
        self.assertEqual(3, len(lost))
        for failure in lost:
            self.assertTrue(failure.check(stock.PBConnectionLost))
        await self.assertUnharmed(self.other)

    async def test_A1e_toldAtOnce(self) -> None:
        """
        Who asks to be told of the loss when it has happened is told at once,
        once; and may change its mind.
        """
        one = await self.lose()
        told: list[Any] = []
        self.here.notifyOnDisconnect(lambda: told.append("broker"))
        self.assertEqual(["broker"], told)
        for reference in (one, self.toThem):
            reference.notifyOnDisconnect(told.append)
            self.assertEqual([reference], told[1:])
            reference.dontNotifyOnDisconnect(told.append)
            del told[1:]
        self.here.dontNotifyOnDisconnect(told.clear)
        await self.settle()
        self.assertEqual(["broker"], told)
        await self.assertUnharmed(self.other)

    async def test_A1e_whileItIsLost(self) -> None:
        """
        Who asks while the others are being told is told too, once; all of
        them are.
        """
        await self.meet()
        self.theirDesk.things["one"] = stock.Referenceable()
        one = await self.result(self.toThem.callRemote("get", "one"))
        told: list[str] = []

        def ask(who: str) -> Callable[..., None]:
            def answer(*reference: Any) -> None:
                told.append(who)
                self.here.notifyOnDisconnect(lambda: told.append(f"{who}, broker"))
                one.notifyOnDisconnect(lambda one: told.append(f"{who}, reference"))

            return answer

        self.toThem.callRemote("wait").addErrback(ask("call"))
        self.here.notifyOnDisconnect(ask("broker"))
        one.notifyOnDisconnect(ask("reference"))
        one.notifyOnDisconnect(ask("again"))
        await self.settle()
        await self.wire.cut(self.line)
        await self.settle()
        who = ["call", "broker", "reference", "again"]
        both = [f"{name}, {what}" for name in who for what in ("broker", "reference")]
        self.assertEqual(sorted(who + both), sorted(told))
        await self.assertUnharmed(self.other)

    async def test_A1e_oneThatFails(self) -> None:
        """
        One that fails when it is told is logged, as by stock during the loss;
        who asked goes on.
        """
        await self.lose()
        self.here.notifyOnDisconnect(lambda: 1 / 0)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        await self.assertUnharmed(self.other)


class _Comparison(Ends):
    """
    To blame is the end that holds the references.
    """

    async def collect(self) -> tuple[Any, Any, list[Any]]:
        """
        @return: two references to one object, and some that are to others:
            by another connection under the same number, to another object, by
            name.
        """
        await self.meet()
        self.theirDesk.things.update(one=Desk(), two=Desk())
        elsewhere = self.other.server if self.serving else self.other.client
        named = elsewhere.remoteForName("desk")
        one = await self.result(self.toThem.callRemote("get", "one"))
        again = await self.result(self.toThem.callRemote("get", "one"))
        two = await self.result(self.toThem.callRemote("get", "two"))
        namesake = await self.result(named.callRemote("get", "one"))
        self.assertEqual(one.luid, namesake.luid)
        return one, again, [two, namesake, self.toThem, named]

    async def test_A3e_compared(self) -> None:
        """
        References are equal, with equal hashes, if they are to one object by
        one connection; they are unequal to whatever else there is.
        """
        one, again, others = await self.collect()
        self.assertIsNot(one, again)
        self.assertTrue(one == again)
        self.assertFalse(one != again)
        self.assertEqual(hash(one), hash(again))
        other = stock.RemoteReference(None, stock.Broker(), one.luid, 0)
        for something in (*others, other, None, one.luid, "one", self.here, object()):
            for left, right in ((one, something), (something, one)):
                self.assertFalse(left == right)
                self.assertTrue(left != right)
        self.assertEqual(self.toThem, self.here.remoteForName(b"desk"))
        await self.assertUnharmed()

    async def test_A3e_inContainers(self) -> None:
        """
        They can be looked for in lists, be removed from them, be keys of a
        dict and members of a set, also when the connection is lost.
        """
        one, again, others = await self.collect()
        for _ in range(2):
            mixed = [None, *others, "one", one]
            self.assertIn(again, mixed)
            self.assertEqual(len(mixed) - 1, mixed.index(again))
            mixed.remove(again)
            self.assertEqual([None, *others, "one"], mixed)
            self.assertNotIn(one, mixed)
            names = {reference: n for n, reference in enumerate([one, *others])}
            self.assertEqual(5, len(names))
            self.assertEqual(0, names.pop(again))
            self.assertEqual([1, 2, 3, 4], [names[other] for other in others])
            self.assertEqual(6, len({one, again, *others, None}))
            await self.wire.cut(self.line)
        await self.assertUnharmed(self.other)

    async def test_A3e_methods(self) -> None:
        """
        So can the methods of references.
        """
        one, again, others = await self.collect()
        method = one.remoteMethod("keep")
        self.assertEqual(method, again.remoteMethod("keep"))
        methods = [other.remoteMethod("keep") for other in (*others, one)]
        methods.append(one.remoteMethod("drop"))
        self.assertEqual(6, len({method, *methods}))
        mixed = [None, *methods]
        mixed.remove(method)
        self.assertEqual(5, len(mixed[1:]))
        self.assertNotIn(method, mixed)
        self.assertIsNone(await self.result(method(1)))
        self.assertEqual([1], self.theirDesk.things["one"].kept)
        await self.assertUnharmed()


class _Threads(Ends):
    """
    To blame is the end that holds what it was given.
    """

    def recordWriters(self) -> set[int]:
        """
        @return: the threads that write to our connection from now on.
        """
        threads: set[int] = set()
        transport = self.here.transport
        write = transport.write

        def recordingWrite(data: bytes) -> None:
            threads.add(get_ident())
            write(data)

        self.patch(transport, "write", recordingWrite)
        return threads

    async def hold(self, make: Callable[[], Any]) -> tuple[Any, list[Any]]:
        """
        @return: a new thing of theirs, and the list that has what is to us.
        """
        thing = make()
        await self.result(self.toUs.callRemote("keep", thing))
        self.assertGiven(self.there, 1)
        held, self.ourDesk.kept = self.ourDesk.kept, []
        return thing, held

    async def test_A7_14_theLastReference(self) -> None:
        """
        The last reference to what the peer has given may go in any thread: the
        peer is told, from the thread of the reactor.
        """
        await self.meet()
        writers = self.recordWriters()
        for make in THINGS:
            thing, held = await self.hold(make)
            self.assertEqual({get_ident()}, writers)
            await deferToThread(held.clear)
            await self.settle()
            self.assertEqual({get_ident()}, writers)
            self.assertNothingHeld()
            self.assertLeft(thing)
        await self.assertUnharmed()

    async def test_A7_14_theGarbageCollector(self) -> None:
        """
        So it may if it is part of a cycle, and the garbage collector runs in
        another thread.
        """
        await self.meet()
        gc.collect()  # what is left of other tests
        gc.disable()
        self.addCleanup(gc.enable)
        writers = self.recordWriters()
        for make in THINGS:
            thing, held = await self.hold(make)
            held.append(held)
            del held
            await self.settle()
            self.assertGiven(self.there, 1)
            await deferToThread(gc.collect)
            await self.settle()
            self.assertEqual({get_ident()}, writers)
            self.assertNothingHeld()
            self.assertLeft(thing)
        await self.assertUnharmed()

    async def test_A7_14_theLossOfTheConnection(self) -> None:
        """
        If the connection is lost before the reactor gets to it, nobody is
        told, and nothing goes wrong.
        """
        await self.meet()
        things = [make() for make in THINGS]
        await self.result(self.toUs.callRemote("keep", *things))
        writers = self.recordWriters()
        thread = Thread(target=self.ourDesk.kept.clear)
        thread.start()
        thread.join()
        await self.wire.cut(self.line)
        await deferToThread(lambda: None)  # which the reactor gets to later
        self.assertLessEqual(writers, {get_ident()})
        for thing in things:
            self.assertLeft(thing)
        await self.assertUnharmed(self.other)


MIRROR = "tests.test_faults_references.Mirror"
STOCK_MIRROR = "tests.test_faults_references.StockMirror"


class Mirror(Watcher):
    """
    Answers with what it is told, and keeps nothing.
    """

    def observe_echo(self, thing: Any) -> Any:
        return thing


class StockMirror(StockWatcher):
    def observe_echo(self, thing: Any) -> Any:
        return thing


pb.setUnjellyableForClass(MIRROR, Mirror)
stock.setUnjellyableForClass(STOCK_MIRROR, StockMirror)


class _Echo(Ends):
    """
    What was given by a call comes back in its answer, and is let go of.  To
    blame is, of Twisted's ends, the one that answers, for it lets go before
    it has answered; the one that has called can be safe from that too.
    """

    #: Makes what is given.
    makes: tuple[Callable[[], Any], ...]

    async def echo(self, desk: Any, remote: Any, name: str, *makes: Any) -> None:
        """
        Give things, get them back, and find nothing left of them.
        """
        for make in makes:
            thing, other = make(), make()
            once = remote.callRemote(name, thing)
            twice = remote.callRemote(name, [thing, {"it": thing}])
            named = remote.callRemote(name, thing=(other, thing))
            await self.settle()
            for answer in desk.waiting:
                answer.callback(None)
            desk.waiting.clear()
            self.assertIs(thing, await self.result(once))
            one, two = await self.result(twice)
            self.assertIs(thing, one)
            self.assertIs(thing, two["it"])
            one, two = await self.result(named)
            self.assertIs(other, one)
            self.assertIs(thing, two)
            await self.settle()
            self.assertNothingHeld()
            self.assertLeft(other)

    async def echoOfUpdates(self, desk: Any, remote: Any, *ponds: Any) -> None:
        """
        The same with updates of caches that answer.
        """
        for pond in ponds:
            await self.result(remote.callRemote("keep", pond))
            for make in self.makes:
                thing = make()
                [answer] = self.tell(pond, "echo", [thing, thing])
                one, two = await self.result(answer)
                self.assertIs(thing, one)
                self.assertIs(thing, two)
                await self.settle()
                self.assertGiven(remote.broker, 1)
                self.assertLeft(thing)
            desk.kept.clear()
            await self.settle()
            self.assertNothingHeld()
        await self.assertUnharmed()

    def tell(self, pond: Any, name: str, *args: Any) -> list[Any]:
        if isinstance(pond, StockPond):
            return pond.tell(name, *args)
        return [observer.callRemote(name, *args) for observer in pond.observers]

    async def weAnswer(self, *names: str) -> None:
        await self.meet()
        for name in names:
            await self.echo(self.ourDesk, self.toUs, name, *self.makes)
        await self.assertUnharmed()

    async def theyAnswer(self, *names: str) -> None:
        await self.meet()
        for name in names:
            await self.echo(self.theirDesk, self.toThem, name, *self.makes)
        await self.assertUnharmed()

    async def weAnswerUpdates(self) -> None:
        await self.meet()
        ponds = Pond(MIRROR), StockPond(MIRROR), StockPond(STOCK_MIRROR)
        await self.echoOfUpdates(self.ourDesk, self.toUs, *ponds)

    async def theyAnswerUpdates(self) -> None:
        await self.meet()
        ponds = Pond(STOCK_MIRROR), StockPond(STOCK_MIRROR)
        await self.echoOfUpdates(self.theirDesk, self.toThem, *ponds)


class _EchoOfReferences(_Echo):
    makes = (
        pb.Referenceable,
        stock.Referenceable,
        lambda: stock.ViewPoint("x", object()),
    )

    async def test_A7_8_weAnswer(self) -> None:
        """
        The caller gets the object that it has given, not C{None}, at whatever
        depth of the answer.
        """
        await self.weAnswer("echo", "echoLater", "echoAsync", "echoAsyncLater")

    async def test_A7_8_theyAnswer(self) -> None:
        """
        So does one whose peer lets go before it answers.
        """
        await self.theyAnswer("echo", "echoLater")

    async def test_A7_8_weAnswerUpdates(self) -> None:
        """
        So it is if it was given by an update of a cache, which answers with
        it.
        """
        await self.weAnswerUpdates()

    async def test_A7_8_theyAnswerUpdates(self) -> None:
        """
        And if it is the cache's end that lets go before it answers.
        """
        await self.theyAnswerUpdates()


class _EchoOfCaches(_Echo):
    makes = CACHEABLES

    async def test_A7_7_weAnswer(self) -> None:
        """
        The caller gets the object that it has given, and the connection
        holds.
        """
        await self.weAnswer("echo", "echoLater", "echoAsync", "echoAsyncLater")

    async def test_A7_7_theyAnswer(self) -> None:
        """
        So it is for one whose peer lets go before it answers.
        """
        await self.theyAnswer("echo", "echoLater")

    async def test_A7_7_weAnswerUpdates(self) -> None:
        """
        So it is if it was given by an update of a cache, which answers with
        it.
        """
        await self.weAnswerUpdates()

    async def test_A7_7_theyAnswerUpdates(self) -> None:
        """
        And if it is the cache's end that lets go before it answers.
        """
        await self.theyAnswerUpdates()


globals().update(across(module=__name__, tests=_Loss, rows=ROWS))
globals().update(across(module=__name__, tests=_Comparison, rows=ROWS))
globals().update(across(module=__name__, tests=_Threads, rows=ROWS))
globals().update(across(module=__name__, tests=_EchoOfReferences, rows=ROWS))
globals().update(across(module=__name__, tests=_EchoOfCaches, rows=ROWS))
