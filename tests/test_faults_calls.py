"""
What stock Perspective Broker gets wrong with calls, fault by fault under its
id: gone when the end that is to blame runs pbext, whatever the other end runs.
All of it in memory and over loopback TCP.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse as Checker
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, fail
from twisted.python.reflect import qual
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly

from pbext import Limits, pb
from pbext.errors import RefusedTag
from tests.desks import CACHEABLES, ROWS, Desk, Ends, Unknown
from tests.ponds import Pond, StockPond
from tests.raw import LogRecord
from tests.wires import PBEXT, STOCK, Line, across, pbextWith

#: What is not to be caught by C{except Exception}, and some that is.
_ODD_ERRORS = (
    asyncio.CancelledError,
    GeneratorExit,
    KeyboardInterrupt,
    StopAsyncIteration,
    SystemExit,
)


class Seen(pb.Copyable):
    """
    Travels with the name of who sees it.
    """

    typeToCopy = "tests.test_faults_calls.Seen"

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"by": getattr(perspective, "name", None)}


class SeenCopy(pb.RemoteCopy):
    pass


class Follower(pb.RemoteCache):
    pass


class StockFollower(stock.RemoteCache):
    pass


pb.setUnjellyableForClass(Seen, SeenCopy)
pb.setUnjellyableForClass("tests.test_faults_calls.Follower", Follower)
stock.setUnjellyableForClass("tests.test_faults_calls.StockFollower", StockFollower)


class Coroutines(stock.Referenceable):
    """
    Answers by a coroutine.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def remote_getAsync(self, name: str) -> Any:
        return await self.desk.remote_getLater(name)


class _Methods(Ends):
    """
    To blame is the end that serves methods, or has caches.

    @ivar waiting: what the methods wait for.
    """

    async def meet(self) -> None:
        self.waiting: list[Deferred[None]] = []
        await super().meet()

    def offer(self, thing: Any) -> Any:
        """
        @return: something that we serve, as they see it.
        """
        self.here.setNameForLocal("it", thing)
        return self.there.remoteForName("it")

    def methods(self, prefix: str, answer: Any = lambda args: args[-1]) -> Any:
        """
        @param answer: makes an answer of the arguments.
        @return: the namespace of a class with methods that are coroutines, or
            return some.
        """

        def later() -> Deferred[None]:
            self.waiting.append(Deferred())
            return self.waiting[-1]

        async def now(self: Any, *args: Any) -> Any:
            return answer(args)

        async def wait(self: Any, *args: Any) -> Any:
            await later()
            return answer(args)

        def plain(self: Any, *args: Any) -> Any:
            return now(self, *args)

        def plainWait(self: Any, *args: Any) -> Any:
            return wait(self, *args)

        async def failNow(self: Any, *args: Any) -> Any:
            raise stock.Error(f"no {args[-1]}")

        async def failLater(self: Any, *args: Any) -> Any:
            await later()
            raise stock.Error(f"no {args[-1]}")

        methods = (now, wait, plain, plainWait, failNow, failLater)
        return {f"{prefix}_{method.__name__}": method for method in methods}

    async def answer(self, call: Any) -> Any:
        """
        @return: the answer of a call, which may have to wait.
        """
        await self.settle()
        if self.waiting:
            self.assertNoResult(call)
            self.waiting.pop().callback(None)
        return await self.result(call)

    async def assertAwaited(
        self, call: Callable[[str, Any], Any], said: str = "no frog"
    ) -> None:
        """
        The methods are done, and what they end in is the answer.

        @param call: calls one of them from the other end.
        @param said: what is said of one that fails.
        """
        for name in ("now", "wait", "plain", "plainWait"):
            self.assertEqual([{"a": 1}], await self.answer(call(name, [{"a": 1}])))
        for name in ("failNow", "failLater"):
            failures: list[Any] = []
            await self.answer(call(name, "frog").addErrback(failures.append))
            [failure] = failures
            self.assertTrue(failure.check(stock.Error))
            self.assertIn(said, failure.value)

    async def test_B2c_methods(self) -> None:
        """
        The answer of a coroutine method is what it comes to, whatever its
        prefix: that of an object, an avatar, a view.
        """
        await self.meet()
        for ours in (pb, stock):
            namespace = self.methods("remote")
            remote = type("Remote", (ours.Referenceable,), namespace)()
            namespace = self.methods("perspective")
            avatar = type("Avatar", (ours.Avatar,), namespace)()
            viewed = type("Viewed", (), self.methods("view"))()
            for thing in (
                remote,
                stock.AsReferenceable(avatar, "perspective"),
                ours.ViewPoint("someone", viewed),
            ):
                await self.assertAwaited(self.offer(thing).callRemote)
        await self.assertUnharmed()

    async def test_B2c_caches(self) -> None:
        """
        So is the answer of a cache, which is told when its method is done.
        """
        await self.meet()
        for follower, pond in ((Follower, Pond), (StockFollower, StockPond)):
            for name, method in self.methods("observe").items():
                setattr(follower, name, method)
                self.addCleanup(delattr, follower, name)
            published = pond(qual(follower))
            await self.result(self.toUs.callRemote("keep", published))
            [cache] = self.ourDesk.kept
            self.assertIs(follower, type(cache))

            def call(name: str, thing: Any, published: Any = published) -> Any:
                if isinstance(published, StockPond):
                    return published.tell(name, thing)[0]
                [observer] = published.observers
                return observer.callRemote(name, thing)

            await self.assertAwaited(
                call, "no frog" if follower is StockFollower else "stale"
            )
            del cache
            self.ourDesk.kept.clear()
        await self.assertUnharmed()

    async def test_B2c_perspective(self) -> None:
        """
        What a coroutine method returns is sent as who called it sees it,
        however late it is.
        """
        await self.meet()
        for ours in (pb, stock):
            namespace = self.methods("perspective", lambda args: [Seen()])
            avatar = type("Avatar", (ours.Avatar,), namespace)()
            avatar.name = "an avatar"
            viewed = type("Viewed", (), self.methods("view", lambda args: [Seen()]))()
            for thing in (
                stock.AsReferenceable(avatar, "perspective"),
                ours.ViewPoint(avatar, viewed),
            ):
                it = self.offer(thing)
                for name in ("now", "wait", "plain", "plainWait"):
                    [seen] = await self.answer(it.callRemote(name))
                    self.assertEqual("an avatar", seen.by)
        await self.assertUnharmed()


class _Errors(Ends):
    """
    To blame is the end whose methods end in odd errors.
    """

    async def test_B6c_whatExceptExceptionMisses(self) -> None:
        """
        An error that is no C{Exception} is an error as any other: of a method
        that raises it at once, of a coroutine, of a Deferred.
        """

        class Failing(stock.Referenceable):
            def remote_now(self) -> Any:
                raise errorType("a text")

            async def remote_coroutine(self) -> Any:
                raise errorType("a text")

            async def remote_later(self) -> Any:
                await later
                raise errorType("a text")

            def remote_deferred(self) -> Any:
                return fail(errorType("a text"))

            def remote_deferredLater(self) -> Any:
                return later.addCallback(lambda _: fail(errorType("a text")))

        self.ours = pbextWith(limits=Limits(logLines=1_000))
        await self.meet()
        self.here.setNameForLocal("failing", Failing())
        failing = self.there.remoteForName("failing")
        for errorType in _ODD_ERRORS:
            for name in ("now", "coroutine", "later", "deferred", "deferredLater"):
                later: Deferred[None] = Deferred()
                answer = failing.callRemote(name)
                await self.settle()
                if name.lower().endswith("later"):
                    later.callback(None)
                failure = await self.failure(answer)
                self.assertEqual(qual(errorType).encode(), failure.type)
                self.assertTrue(failure.check(qual(errorType)))
                if self.theirs is PBEXT:  # stock knows no such class
                    self.assertTrue(failure.check(errorType))
                self.assertEqual(1, len(self.flushLoggedErrors(errorType)), name)
                # Of a call that nobody waits for, the log here has it.
                if name != "later":
                    failing.callRemote(name, pbanswer=False)
                    await self.settle()
                    self.assertEqual(1, len(self.flushLoggedErrors(errorType)))
        await self.assertUnharmed()


class _Callers(Ends):
    """
    To blame is the end that calls.
    """

    async def test_B6b_unknownClassInAnAnswer(self) -> None:
        """
        If an answer holds a class that is not registered here, the call fails
        with its tag and its path; every other call goes on.
        """
        await self.meet()
        things = self.theirDesk.things
        for name, (thing, path) in {
            "bare": (Unknown(), "$"),
            "nested": ([1, {"frogs": (Unknown(),)}], "$[1].frogs[0]"),
            "twice": ([Unknown(), Unknown(Unknown())], "$[0]"),
            "amongReferences": ([stock.Referenceable(), Unknown()], "$[1]"),
        }.items():
            things[name] = thing
            for method in ("get", "getLater"):
                answer = self.toThem.callRemote(method, name)
                other = self.toThem.callRemote("echo", name)
                await self.settle()
                if method == "getLater":
                    self.assertNoResult(answer)
                    self.theirDesk.waiting.pop().callback(None)
                failure = await self.failure(answer)
                self.assertTrue(failure.check(InsecureJelly))
                self.assertIsInstance(failure.value, RefusedTag)
                self.assertEqual("tests.desks.Unknown", failure.value.tag)
                self.assertEqual(path, failure.value.path)
                self.assertEqual(name, await self.result(other))
        await self.assertUnharmed()


class _Answers(Ends):
    """
    To blame is the end that answers.
    """

    async def leave(self, *names: str) -> list[Deferred[Any]]:
        """
        Ask for things that come later, in each way there is; and leave.

        @return: what they wait for.
        """
        self.here.setNameForLocal("coroutines", Coroutines(self.ourDesk))
        coroutines = self.there.remoteForName("coroutines")
        for name in names:
            for remote, method in ((self.toUs, "getLater"), (coroutines, "getAsync")):
                remote.callRemote(method, name).addErrback(lambda _: None)
                remote.callRemote(method, name, pbanswer=False)
        await self.settle()
        waiting = list(self.ourDesk.waiting)
        self.assertEqual(4 * len(names), len(waiting))
        await self.wire.cut(self.line)
        self.record.take()
        return waiting

    async def test_F3b_resultForNobody(self) -> None:
        """
        If the caller has left, what its call comes to is dropped quietly,
        whatever it is.
        """
        await self.meet()
        self.record = LogRecord(self)
        things = [
            7,
            [None, "text"],
            "x" * 700_000,
            pb.Referenceable(),
            stock.Referenceable(),
            *(make() for make in CACHEABLES),
        ]
        named = {str(number): thing for number, thing in enumerate(things)}
        self.ourDesk.things.update(named)
        for waiting in await self.leave(*named):
            waiting.callback(None)
            self.assertEqual([], self.record.take())
        for thing in things:
            self.assertEqual(0, len(getattr(thing, "observers", ())))
        await self.assertUnharmed(self.other)

    async def test_F3b_failureForNobody(self) -> None:
        """
        If it fails, the log has it, once each, and without any further ado.
        """
        await self.meet()
        self.record = LogRecord(self)
        for waiting in await self.leave("it"):
            waiting.errback(KeyError("a key"))
            [said] = self.record.take()
            self.assertIn("incident ", said)
            self.assertIn("called by ", said)
            self.assertIn("KeyError", said)
        self.assertEqual(4, len(self.flushLoggedErrors(KeyError)))
        await self.assertUnharmed(self.other)

    async def test_F3b_errorForNobody(self) -> None:
        """
        An error that is meant for the caller is dropped as a result is.
        """
        await self.meet()
        self.record = LogRecord(self)
        for waiting in await self.leave("it"):
            waiting.errback(stock.Error("no"))
            self.assertEqual([], self.record.take())
        await self.assertUnharmed(self.other)


@implementer(IRealm)
class Realm:
    """
    Takes its time.

    @ivar waiting: the logins that are not complete.
    @ivar left: whose C{logout} was called, in order.
    """

    def __init__(self) -> None:
        self.waiting: list[Deferred[None]] = []
        self.left: Any = []

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        avatar = Visitor()
        found = stock.IPerspective, avatar, lambda: self.left.append(avatar)
        self.waiting.append(Deferred())
        return self.waiting[-1].addCallback(lambda _: found)


class Nobody:
    """
    In whose place nobody can be noted.
    """

    def append(self, avatar: Any) -> None:
        raise ZeroDivisionError()


class Visitor(pb.Avatar):
    async def perspective_echo(self, thing: Any) -> Any:
        return thing


class _Logins:
    """
    To blame is the server, which has a portal.
    """

    ours = PBEXT

    async def meet(self) -> None:
        self.realm = Realm()
        checkers = [AllowAnonymousAccess(), Checker(alice=b"a password")]
        portal = Portal(self.realm, checkers)
        self.wire = self.Wire(portal, self.ours, self.theirs)
        self.line, self.other = [await self.wire.connect() for _ in range(2)]
        self.record = LogRecord(self)

    async def login(self, line: Line, key: Any) -> tuple[Any, Deferred[None]]:
        """
        @return: the client's Deferred, and the one that the realm waits for.
        """
        login = line.factory.login(key)
        for _ in range(3):  # a challenge comes before the realm is asked
            await self.settle()
        self.assertNoResult(login)
        return login, self.realm.waiting.pop()

    async def test_D9_leavesBeforeTheLogin(self) -> None:
        """
        If the client leaves before its login is complete, it is logged out
        when that is, once; other logins go on, and end in a logout too.
        """
        await self.meet()
        alice = UsernamePassword(b"alice", b"a password")
        logins = [await self.login(self.line, key) for key in (alice, Anonymous())]
        others = [await self.login(self.other, key) for key in (alice, Anonymous())]
        await self.wire.cut(self.line)
        self.assertEqual([], self.realm.left)
        for number, (login, waiting) in enumerate(logins):
            self.failureResultOf(login, stock.PBConnectionLost)
            waiting.callback(None)
            self.assertEqual(number + 1, len(self.realm.left))
        self.assertEqual(2, len(set(self.realm.left)))
        avatars = []
        for login, waiting in others:
            waiting.callback(None)
            avatars.append(await self.wire.result(login))
            same = await self.wire.result(avatars[-1].callRemote("echo", "x"))
            self.assertEqual("x", same)
        self.assertEqual(2, len(self.realm.left))
        await self.wire.cut(self.other)
        self.assertEqual(4, len(self.realm.left))
        self.assertEqual(4, len(set(self.realm.left)))
        self.assertEqual([], self.record.take())

    async def test_D9_dropsItsAvatar(self) -> None:
        """
        A client that drops its avatar is logged out, and when it leaves, that
        is not done again.
        """
        await self.meet()
        login, waiting = await self.login(self.line, Anonymous())
        waiting.callback(None)
        avatar = await self.wire.result(login)
        self.assertEqual([], self.realm.left)
        del login, avatar
        gc.collect()
        await self.settle()
        self.assertEqual(1, len(self.realm.left))
        await self.wire.cut(self.line)
        self.assertEqual(1, len(self.realm.left))
        self.assertEqual([], self.record.take())

    async def test_D9_logoutFails(self) -> None:
        """
        If the logout fails, the log has it, and nothing else comes of it.
        """
        await self.meet()
        self.realm.left = Nobody()
        for line, leave in ((self.line, False), (self.other, True)):
            login, waiting = await self.login(line, Anonymous())
            waiting.callback(None)
            avatar = await self.wire.result(login)
            if leave:
                await self.wire.cut(line)
            del login, avatar
            gc.collect()
            await self.settle()
            self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
            self.assertEqual(1, len(self.record.take()))
        login, waiting = await self.login(self.line, Anonymous())
        self.realm.left = []
        waiting.callback(None)
        avatar = await self.wire.result(login)
        self.assertEqual("x", await self.wire.result(avatar.callRemote("echo", "x")))


for _tests in (_Methods, _Errors, _Callers, _Answers):
    globals().update(across(module=__name__, tests=_tests, rows=ROWS))

globals().update(
    across(
        module=__name__,
        tests=_Logins,
        rows={"FromStock": {"theirs": STOCK}, "FromPbext": {"theirs": PBEXT}},
    )
)
