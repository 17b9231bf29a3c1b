"""
L{pbext._referenceable}: what a peer may call, and how a call becomes one of a
method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.reflect import qual
from twisted.spread import pb as stock

from pbext import pb
from pbext._referenceable import receiver
from pbext.errors import BadArguments, BadMessage, UnknownMethod
from pbext.testing import Pair, connectedPair
from pbext.wire._encoded import Encoded
from tests.ponds import PondTestCase, StockWatcher, Watcher

#: Of each end's own classes: the flavors.
FLAVORS = (pb, stock)

SECRET = "my password"  # what no log and no error may have


class _Methods:
    """
    Methods of all three kinds that do the same.

    @ivar told: what they were called with, and by which perspective.
    """

    def __init__(self) -> None:
        self.told: list[Any] = []

    def _take(self, *args: Any, **kw: Any) -> Any:
        self.told.append((args, kw))
        return sorted(kw)

    def _add(self, first: int, second: int = 2, *, third: int = 3) -> int:
        return first + second + third

    def _fail(self, value: Any) -> Any:
        raise TypeError("of the method's own")

    def _deeper(self, value: Any) -> Any:
        return self._add()  # type: ignore[call-arg]  # the mistake

    remote_take = perspective_take = _take
    remote_add = perspective_add = _add
    remote_fail = perspective_fail = _fail
    remote_deeper = perspective_deeper = _deeper
    remote_nothing = perspective_nothing = view_nothing = None

    def view_take(self, perspective: Any, *args: Any, **kw: Any) -> Any:
        return self._take(*args, **kw)

    def view_add(
        self, perspective: Any, first: int, second: int = 2, *, third: int = 3
    ) -> int:
        return self._add(first, second, third=third)

    def view_fail(self, perspective: Any, value: Any) -> Any:
        return self._fail(value)

    def view_deeper(self, perspective: Any, value: Any) -> Any:
        return self._deeper(value)


def _kinds(flavors: Any) -> dict[str, tuple[Any, Any]]:
    """
    @return: by the prefix of its methods, something that a peer can call, and
        the object that has the methods.
    """
    remote = type("Remote", (_Methods, flavors.Referenceable), {})()
    avatar = type("Avatar", (_Methods, flavors.Avatar), {})()
    viewed = _Methods()
    return {
        "remote": (remote, remote),
        "perspective": (flavors.AsReferenceable(avatar, "perspective"), avatar),
        "view": (flavors.ViewPoint("someone", viewed), viewed),
    }


class ServingTestCase(PondTestCase):
    """
    @ivar pair: a server, which offers something, and a client.
    """

    def serve(self, **factories: Any) -> Pair:
        self.pair = connectedPair(pb.Root(), **factories)
        self.addCleanup(self.pair.close)
        return self.pair

    def offer(self, thing: Any) -> Callable[..., Any]:
        """
        @return: what calls a method of something that the server has.
        """
        self.pair.server.setNameForLocal("it", thing)
        call = self.pair.client.remoteForName("it").callRemote
        return lambda *args, **kw: self.pair.result(call(*args, **kw))

    def refusal(self, call: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        """
        @return: the error that a call ends in.
        """
        return self.assertRaises(stock.RemoteError, call, *args, **kw)

    def sayInPython2(self, **kw: Any) -> Any:
        """
        Call C{take} with keyword arguments as a Python 2 peer sends them.

        @return: the answer.
        """
        client = self.pair.client
        answer: Deferred[Any] = Deferred()
        number = client.newRequestID()
        client.waitingForAnswers[number] = answer
        netKw = [b"dictionary", *([n.encode(), value] for n, value in kw.items())]
        client.sendEncoded([b"message", number, b"it", b"take", 1, [b"tuple"], netKw])
        return self.pair.result(answer)


class DispatchTests(ServingTestCase):
    """
    What is called, by our flavors and by Twisted's, on our broker.
    """

    def test_called(self) -> None:
        """
        The method with the kind's prefix, with the arguments as they were
        given.
        """
        self.serve()
        for flavors in FLAVORS:
            for thing, target in _kinds(flavors).values():
                call = self.offer(thing)
                self.assertEqual(["a", "b"], call("take", 1, [2], a=3, b={4}))
                self.assertEqual([((1, [2]), {"a": 3, "b": {4}})], target.told)
                self.assertEqual(6, call("add", 1))
                self.assertEqual(60, call("add", 10, 20, third=30))

    def test_python2(self) -> None:
        """
        Names of keyword arguments that are bytes, as Python 2 peers send
        them, are names as any other.
        """
        self.serve()
        for flavors in FLAVORS:
            for thing, target in _kinds(flavors).values():
                self.offer(thing)
                self.assertEqual(["a", "größe"], self.sayInPython2(größe=1, a=2))
                self.assertEqual([((), {"größe": 1, "a": 2})], target.told)

    def test_unknown(self) -> None:
        """
        What is not there, or is C{None}, is no method; the error has stock's
        name and words, and nobody's log has it.
        """
        self.serve()
        log = self.recordLog()
        for flavors in FLAVORS:
            for prefix, (thing, _target) in _kinds(flavors).items():
                call = self.offer(thing)
                for name in ("swim", "nothing", "__class__", ""):
                    error = self.refusal(call, name)
                    self.assertEqual(qual(stock.NoSuchMethod), error.remoteType)
                    self.assertEqual(f"No such method: {prefix}_{name}", str(error))
                    for known in (UnknownMethod, AttributeError, stock.Error):
                        self.assertTrue(error.check(known))
        self.assertNotIn("Traceback", "".join(log))

    def test_prefixes(self) -> None:
        """
        Methods of another kind are not to be had.
        """
        self.serve()

        class Both(pb.Referenceable):
            def perspective_swim(self) -> None:
                pass

            def view_swim(self, who: Any) -> None:
                pass

            def swim(self) -> None:
                pass

        self.refusal(self.offer(Both()), "swim")
        self.refusal(self.offer(pb.ViewPoint(None, pb.Referenceable())), "swim")

    def test_perspectives(self) -> None:
        """
        A view's method is told who calls it.
        """
        self.serve()

        class Lake:
            def view_depth(self, *args: Any) -> Any:
                return list(args)

        for flavors in FLAVORS:
            call = self.offer(flavors.ViewPoint("someone", Lake()))
            self.assertEqual(["someone", 5], call("depth", 5))

    def test_answersThatAreAwaited(self) -> None:
        """
        A method may be a coroutine, or return a Deferred.
        """
        self.serve()

        class Later(pb.Referenceable):
            async def remote_one(self) -> int:
                return 1

            def remote_two(self) -> Any:
                return succeed(2)

        call = self.offer(Later())
        self.assertEqual([1, 2], [call("one"), call("two")])

    def test_noArguments(self) -> None:
        """
        What the peer sends in place of the arguments has to be a sequence
        and a dict.
        """
        self.serve()
        remote = type("Remote", (_Methods, pb.Referenceable), {})()
        tuple_, dictionary = [b"tuple"], [b"dictionary"]
        for args, kw in (
            (5, dictionary),
            (dictionary, dictionary),
            (tuple_, tuple_),
            (tuple_, [b"None"]),
        ):
            self.assertRaises(
                BadMessage,
                receiver(remote),
                self.pair.server,
                "take",
                args,
                kw,
            )
        self.assertEqual([], remote.told)
        receiver(remote)(self.pair.server, "take", [b"list", 1], dictionary)
        self.assertEqual([((1,), {})], remote.told)

    def test_nameInBytes(self) -> None:
        """
        The name of the method may be bytes.
        """
        self.serve()
        for thing, target in _kinds(pb).values():
            receive = receiver(thing)
            receive(self.pair.server, b"take", [b"tuple", 1], [b"dictionary"])
            self.assertEqual([((1,), {})], target.told)
            self.assertRaises(
                UnknownMethod,
                receive,
                self.pair.server,
                b"\xff",
                [b"tuple"],
                [b"dictionary"],
            )


class ArgumentTests(ServingTestCase):
    """
    Arguments that a method does not take, and errors that look like it.
    """

    #: Calls of C{add} that cannot be.
    WRONG = (
        ((), {}),
        ((1, 2, 3), {}),
        ((SECRET,), {"first": 1}),
        ((1,), {SECRET: 1}),
        ((1,), {"fourth": SECRET}),
    )

    def test_whatTheCallerIsTold(self) -> None:
        """
        The method, what it takes, and what came, but no values; as stock's
        C{TypeError}.
        """
        self.serve()
        log = self.recordLog()
        for flavors in FLAVORS:
            for prefix, (thing, target) in _kinds(flavors).items():
                call = self.offer(thing)
                for args, kw in self.WRONG:
                    error = self.refusal(call, "add", *args, **kw)
                    self.assertEqual("builtins.TypeError", error.remoteType)
                    self.assertTrue(error.check(BadArguments))
                    self.assertEqual(
                        f"{prefix}_add takes (first, second, third), and was called "
                        f"with {len(args)} positional and {len(kw)} keyword arguments",
                        str(error),
                    )
                    self.assertEqual([], target.told)
        said = "".join(log)
        self.assertNotIn(SECRET, said)
        self.assertNotIn("Traceback", said)

    def test_errorsOfTheMethodsOwn(self) -> None:
        """
        A C{TypeError} of a method that has begun is no mistake of the
        caller's: it is logged with its traceback, and the caller is told no
        more than that.
        """
        self.serve()
        for flavors in FLAVORS:
            for thing, _target in _kinds(flavors).values():
                call = self.offer(thing)
                for name in ("fail", "deeper"):
                    error = self.refusal(call, name, SECRET)
                    self.assertEqual("builtins.TypeError", error.remoteType)
                    self.assertFalse(error.check(BadArguments))
                    self.assertIn("the log there has it", str(error))
                    [logged] = self.flushLoggedErrors(TypeError)
                    self.assertIn("_add" if name == "deeper" else "own", str(logged))

    def test_namesThatAreNone(self) -> None:
        """
        Keyword arguments whose names are no strings, which only another
        program than Twisted sends.
        """
        self.serve()
        for thing, target in _kinds(pb).values():
            receive = receiver(thing)
            for key in (5, [b"None"], [b"tuple", b"a"]):
                error = self.assertRaises(
                    BadArguments,
                    receive,
                    self.pair.server,
                    "take",
                    [b"tuple"],
                    [b"dictionary", [key, 1]],
                )
                self.assertEqual((0, 1), (error.positional, error.keywords))
            self.assertEqual([], target.told)

    def test_builtins(self) -> None:
        """
        A method may be a function of C, also one of which nobody knows what
        it takes.
        """
        self.serve()

        class Builtin(pb.Referenceable):
            remote_largest = max  # has no signature
            remote_length = len
            remote_text = str

        call = self.offer(Builtin())
        self.assertEqual(3, call("largest", 1, 3, 2))
        self.assertEqual(2, call("length", "ab"))
        error = self.refusal(call, "largest")
        self.assertEqual("builtins.TypeError", error.remoteType)
        self.assertIn("remote_largest takes other arguments", str(error))
        self.assertIn("remote_length takes (obj)", str(self.refusal(call, "length")))

    def test_callables(self) -> None:
        """
        Or anything that can be called.
        """
        self.serve()

        class Adder:
            def __call__(self, first: int, second: int) -> int:
                return first + second

        it = pb.Referenceable()
        it.remote_add = Adder()  # type: ignore[attr-defined]
        it.remote_five = 5  # type: ignore[attr-defined]
        call = self.offer(it)
        self.assertEqual(3, call("add", 1, 2))
        self.assertIn(
            "remote_add takes (first, second)", str(self.refusal(call, "add"))
        )
        error = self.refusal(call, "five")
        self.assertIn("remote_five takes other arguments", str(error))

    def test_objects(self) -> None:
        """
        The error is of no less use to who calls the method here.
        """
        self.serve()
        remote = type("Remote", (_Methods, pb.Referenceable), {})()
        error = self.assertRaises(
            BadArguments,
            remote.remoteMessageReceived,
            self.pair.server,
            "add",
            [b"tuple"],
            [b"dictionary", [b"x", 1]],
        )
        self.assertIsInstance(error, TypeError)
        self.assertEqual("remote_add", error.method)
        self.assertEqual("(first, second, third)", error.takes)
        self.assertEqual((0, 1), (error.positional, error.keywords))


class OverridingTests(ServingTestCase):
    """
    Classes that see their calls first.
    """

    def overriding(self, flavors: Any) -> list[tuple[Any, Any]]:
        """
        @return: things whose classes override what receives a call, and call
            up; and the objects that have the methods.
        """
        seen = self.seen = []

        def received(name: str) -> Any:
            def method(self: Any, broker: Any, message: Any, args: Any, kw: Any) -> Any:
                seen.append(message)
                if message == "secret":
                    raise stock.Error("not for you")
                up = getattr(super(type(self), self), name)
                return up(broker, message, args, kw)

            return {name: method}

        remotely = received("remoteMessageReceived")
        remote = type("Remote", (_Methods, flavors.Referenceable), remotely)()
        root = type("Root", (_Methods, flavors.Root), remotely)()
        View: Any = type("View", (flavors.ViewPoint,), remotely)
        namespace = received("perspectiveMessageReceived")
        avatar = type("Avatar", (_Methods, flavors.Avatar), namespace)()
        viewed = _Methods()
        return [
            (remote, remote),
            (root, root),
            (View("someone", viewed), viewed),
            (flavors.AsReferenceable(avatar, "perspective"), avatar),
        ]

    def test_overridden(self) -> None:
        """
        The override is called, with the name as text, as in stock; and what
        it calls up does the rest.
        """
        self.serve()
        for flavors in FLAVORS:
            for thing, target in self.overriding(flavors):
                call = self.offer(thing)
                self.assertEqual(["a"], call("take", 1, a=2))
                self.assertEqual([((1,), {"a": 2})], target.told)
                error = self.refusal(call, "secret")
                self.assertEqual("not for you", str(error))
                self.assertEqual(["take", "secret"], self.seen)
                self.seen.clear()

    def test_mistakes(self) -> None:
        """
        Of our flavors, what is called up lets no arguments into a log.
        """
        self.serve()
        log = self.recordLog()
        for thing, _target in self.overriding(pb):
            call = self.offer(thing)
            error = self.refusal(call, "add", 1, fourth=SECRET)
            self.assertTrue(error.check(BadArguments))
            self.assertTrue(self.refusal(call, "swim").check(UnknownMethod))
        self.assertNotIn(SECRET, "".join(log))
        self.assertNotIn("Traceback", "".join(log))

    def test_altogether(self) -> None:
        """
        One that does not call up is asked for everything, and answers in
        jelly.
        """
        self.serve()
        for flavors in FLAVORS:

            class Echo(flavors.Referenceable):  # type: ignore[misc, name-defined]
                def remoteMessageReceived(
                    self, broker: Any, message: Any, args: Any, kw: Any
                ) -> Any:
                    return broker.serialize([message, broker.unserialize(args)])

            call = self.offer(Echo())
            self.assertEqual(["whatever", (1,)], call("whatever", 1))


class ReceiverTests(ServingTestCase):
    """
    L{receiver}: what takes the place of stock's methods.
    """

    def test_ours(self) -> None:
        """
        Of our flavors, what they have.
        """
        for thing in (
            pb.Referenceable(),
            pb.Root(),
            pb.ViewPoint("someone", object()),
            Watcher(),
        ):
            self.assertEqual(thing.remoteMessageReceived, receiver(thing))

    def test_stocks(self) -> None:
        """
        Of stock's, what ours have, bound to the same object: that of an
        C{AsReferenceable} is the avatar.
        """
        for thing, function in (
            (stock.Referenceable(), pb.Referenceable.remoteMessageReceived),
            (stock.Root(), pb.Referenceable.remoteMessageReceived),
            (stock.ViewPoint(1, 2), pb.ViewPoint.remoteMessageReceived),
        ):
            received = receiver(thing)
            self.assertIs(function, received.__func__)
            self.assertIs(thing, received.__self__)
        avatar = stock.Avatar()
        received = receiver(stock.AsReferenceable(avatar, "perspective"))
        self.assertIs(pb.Avatar.perspectiveMessageReceived, received.__func__)
        self.assertIs(avatar, received.__self__)
        cache = StockWatcher()
        received = receiver(cache)
        self.assertIs(cache, received.__self__)
        self.assertNotEqual(cache.remoteMessageReceived, received)

    def test_overridden(self) -> None:
        """
        What a class or an object has put there is left alone, and gets nested
        lists, as in stock PB.
        """

        class Own(stock.Referenceable):
            def remoteMessageReceived(self, *call: Any) -> Any:
                return call

        own, patched = Own(), stock.Referenceable()
        patched.remoteMessageReceived = lambda *call: call
        for thing in own, patched:
            received = receiver(thing)(1, "get", Encoded(b"\x01\x80\x0b\x87"), [])
            self.assertEqual((1, "get", [b"tuple"], []), received)

    def test_adapters(self) -> None:
        """
        An C{AsReferenceable} may be of anything that receives messages.
        """
        self.serve()

        class Station:
            def radioMessageReceived(
                self, broker: Any, message: Any, args: Any, kw: Any
            ) -> Any:
                return broker.serialize(f"{message} received")

        adapted = pb.AsReferenceable(Station(), "radio")
        self.assertEqual("mayday received", self.offer(adapted)("mayday"))
        remote = type("Remote", (_Methods, stock.Referenceable), {})()
        self.assertEqual(6, self.offer(pb.AsReferenceable(remote))("add", 1))

    def test_caches(self) -> None:
        """
        A cache of stock's lets no arguments into a log either; it is told
        what a method of its own is told.
        """
        self.serve()
        log = self.recordLog()
        cache = StockWatcher()
        cache.ducks = []

        def update(name: str, *args: Any) -> Any:
            received = receiver(cache)
            return received(self.pair.client, name, [b"tuple", *args], [b"dictionary"])

        self.assertEqual([b"None"], update("addDuck", b"huey").sexp())
        self.assertEqual([b"huey"], cache.ducks)
        self.assertRaises(BadArguments, update, "addDuck", SECRET.encode(), 1)
        self.assertRaises(UnknownMethod, update, "removeDuck", SECRET.encode())
        self.assertNotIn(SECRET, "".join(log))


class StockBrokerTests(ServingTestCase):
    """
    Our flavors served by a stock factory.
    """

    def serve(self, **factories: Any) -> Pair:
        return super().serve(serverFactory=stock.PBServerFactory, **factories)

    def test_called(self) -> None:
        """
        They do what stock's do.
        """
        self.serve()
        for thing, target in _kinds(pb).values():
            call = self.offer(thing)
            self.assertEqual(["a"], call("take", 1, a=2))
            self.assertEqual([((1,), {"a": 2})], target.told)
            self.assertEqual(6, call("add", 1))

    def test_python2(self) -> None:
        """
        The names of keyword arguments may be bytes, for all of them.
        """
        self.serve()
        for thing, target in _kinds(pb).values():
            self.offer(thing)
            self.assertEqual(["a"], self.sayInPython2(a=2))
            self.assertEqual([((), {"a": 2})], target.told)

    def test_mistakes(self) -> None:
        """
        Mistakes of the caller's are told without values in a log, and without
        a traceback.
        """
        self.serve()
        log = self.recordLog()
        for prefix, (thing, _target) in _kinds(pb).items():
            call = self.offer(thing)
            error = self.refusal(call, "add", SECRET, fourth=SECRET)
            self.assertEqual(qual(BadArguments), error.remoteType)
            self.assertTrue(error.check(TypeError))
            self.assertIn(f"{prefix}_add takes (first, second, third)", str(error))
            error = self.refusal(call, "swim")
            self.assertTrue(error.check(stock.NoSuchMethod))
            self.assertEqual(f"No such method: {prefix}_swim", str(error))
        self.assertNotIn(SECRET, "".join(log))
        self.assertNotIn("Traceback", "".join(log))

    def test_errorsOfTheMethodsOwn(self) -> None:
        """
        Errors of the methods' own are stock's to report.
        """
        self.serve()
        for thing, _target in _kinds(pb).values():
            error = self.refusal(self.offer(thing), "fail", 1)
            self.assertEqual("builtins.TypeError", error.remoteType)
            self.assertEqual("of the method's own", str(error))
            self.assertEqual(1, len(self.flushLoggedErrors(TypeError)))
