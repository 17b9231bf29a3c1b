"""
Whatever is called, however it goes, in whatever order: each call ends once, in
what it should, and nothing is left of it.

A server of ours with two clients, one on our factory and one on Twisted's,
who call each other in all directions: well and badly, slowly, in vain; who
cancel, run out of time, drop what they were given, and lose the connection.
What Twisted's end gets wrong by itself, such as an answer that it cannot read
or send, it is not asked to do.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twisted.internet.defer import CancelledError
from twisted.logger import LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import pb as stock
from twisted.spread.banana import SIZE_LIMIT
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase

from pbext import Limits, _streams, pb
from pbext._reports import nameOf
from pbext.errors import (
    BadReference,
    CallTimedOut,
    DeadReference,
    NotSendable,
    RefusedTag,
)
from pbext.testing import connectedPair
from pbext.wire import _streams as wire
from tests.goods import (
    ERRORS,
    SENDABLE,
    UNREGISTERED,
    UNSENDABLE,
    Carrier,
    Declared,
    End,
    Mute,
)
from tests.ponds import StockWatcher

#: Seconds that a timed call waits.
PATIENCE = 5

_SLOW: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}

#: What of the errors is logged, and what Twisted's end logs beside them.
LOGGED = (ZeroDivisionError, CancelledError, SystemExit, Mute)
STOCK_LOGS = (InsecureJelly, stock.NoSuchMethod, KeyError)

#: What is asked, with what, and how that ends: in C{None}, a result, or in an
#: error of a class.
_Kinds = dict[tuple[str, str], type | None]

#: The name of a line, and whether the server calls.
_Direction = tuple[str, bool]


def _kinds(caller: bool, callee: bool) -> _Kinds:
    """
    @param caller: whether the one who calls is on our factory.
    @param callee: whether the one who is called is.
    """
    echoes = ["echo", "slowEcho", "keep"] + ["asyncEcho"] * callee
    gives = ["give", "slowGive"]
    fails = ["fail", "slowFail"] + ["asyncFail"] * callee
    sent: dict[str, type | None] = dict.fromkeys([*SENDABLE, "back"])
    sent |= dict.fromkeys(UNREGISTERED, InsecureJelly)
    given: dict[str, type | None] = dict.fromkeys(SENDABLE)
    failed: dict[str, type] = {"error": stock.Error}
    if caller:
        sent |= {"carrier": None, **dict.fromkeys(UNSENDABLE, NotSendable)}
        given |= dict.fromkeys([*UNREGISTERED, "refused"], RefusedTag)
    if callee:
        sent |= {"refused": InsecureJelly, "root": BadReference}
        given |= {"carrier": None, **dict.fromkeys(UNSENDABLE, NotSendable)}
        failed |= {name: type(make()) for name, make in ERRORS.items()}
        del failed["stranger"]
    if caller and callee:
        sent["foreign"] = AssertionError  # CannotSendBack, and what stock says
        failed["stranger"] = RefusedTag
    return {
        ("quack", ""): None,
        ("nobody", ""): stock.Error,
        ("unknown", ""): stock.NoSuchMethod,
        **({("arity", ""): TypeError} if callee else {}),
        **{(echo, name): ending for echo in echoes for name, ending in sent.items()},
        **{(give, name): ending for give in gives for name, ending in given.items()},
        **{(fail, name): ending for fail in fails for name, ending in failed.items()},
    }


_KINDS: dict[_Direction, _Kinds] = {
    ("ours", False): _kinds(True, True),
    ("ours", True): _kinds(True, True),
    ("stock", False): _kinds(False, True),
    ("stock", True): _kinds(True, False),
}


@attrs.define(eq=False)
class _Call:
    """
    @ivar sent: the argument, if it is to come back.
    @ivar allowed: the names of errors that it may end in as well.
    @ivar outcomes: what its Deferred has fired with.
    """

    direction: _Direction
    method: str
    name: str
    sent: Any = None
    allowed: set[str] = attrs.Factory(set)
    outcomes: list[Any] = attrs.Factory(list)
    deferred: Any = None

    def __str__(self) -> str:
        return f"{self.direction}: {self.method} {self.name}"


class _World:
    """
    The ends and what is between them.

    @ivar held: what calls have brought to those who have called.
    @ivar cuts: the lines that are cut, or will be.
    """

    def __init__(self) -> None:
        limits = Limits(logLines=1_000_000, maxMessageBytes=SIZE_LIMIT)
        self.ends = {"server": End(True), "ours": End(True), "stock": End(False)}
        self.pair = connectedPair(
            self.ends["server"].desk,
            clients=0,
            serverFactory=lambda root: pb.PBServerFactory(
                root, limits=limits, declaredErrors=[Declared]
            ),
        )
        client = pb.PBClientFactory(limits=limits, declaredErrors=[Declared])
        self.links = {
            "ours": self.pair.addClient(client),
            "stock": self.pair.addClient(stock.PBClientFactory()),
        }
        self.roots: dict[_Direction, Any] = {}
        for name, link in self.links.items():
            link.client.setNameForLocal("desk", self.ends[name].desk)
            self.roots[name, False] = link.root
            self.roots[name, True] = link.server.remoteForName("desk")
        self.calls: list[_Call] = []
        self.held: dict[_Direction, list[Any]] = {d: [] for d in _KINDS}
        self.cuts: set[str] = set()

    def callee(self, direction: _Direction) -> End:
        link, back = direction
        return self.ends[link if back else "server"]

    # The operations.

    def call(self, link: str, back: bool, kind: tuple[str, str], how: str) -> None:
        direction = link, back
        caller, callee = self.callee((link, not back)), self.callee(direction)
        if not caller.ours and not self.links[link].connected:
            return  # stock raises
        call = _Call(direction, *kind)
        if call.name == "strange":
            # What is refused may have been sent once more, as a number.
            call.allowed |= {qual(BadReference), qual(KeyError)}
        root = self.roots[direction]
        caller.carried = partial(_mention, root, caller)
        ready = self.prepared(call, caller)
        if ready is None:
            return
        target, method, arguments = ready
        if how == "timed" and caller.ours:
            target = target.withTimeout(PATIENCE)
            call.allowed.add(qual(CallTimedOut))
        # Stock counts what it answers, be it that it does not.
        oneWay = how == "oneWay" and callee.ours
        keywords = {"pbanswer": False} if oneWay else {}
        call.deferred = target.callRemote(method, *arguments, **keywords)
        if call.deferred is not None:
            call.deferred.addBoth(call.outcomes.append)
            self.calls.append(call)

    def prepared(self, call: _Call, caller: End) -> Any:
        """
        @return: what to call, the method and its arguments; or C{None}, if
            the caller does not have it.
        """
        (link, back), root = call.direction, self.roots[call.direction]
        if call.method == "quack":
            ducks = [
                thing
                for thing in self.held[call.direction]
                if isinstance(thing, stock.RemoteReference)
            ]
            return (ducks[0], "quack", ()) if ducks else None
        if call.method == "nobody":
            broker = self.links[link].server if back else self.links[link].client
            return broker.remoteForName("nobody"), "echo", (7,)
        if call.method == "arity":
            return root, "echo", (1, 2, 3)
        if not call.method.lower().endswith(("echo", "keep")):
            return root, call.method, (call.name,)
        if call.name == "root":
            call.sent = root
        elif call.name in ("back", "foreign"):
            other = "stock" if link == "ours" else "ours"
            held = self.held[call.direction if call.name == "back" else (other, True)]
            if not held or call.name == "foreign" and not back:
                return None
            call.sent = held[-1]
        else:
            call.sent = caller.make(call.name)
        return root, call.method, (call.sent,)

    def answer(self, end: str, number: int) -> None:
        pending = self.ends[end].desk.pending
        if pending:
            deferred, make = pending.pop(number % len(pending))
            if end != "stock" or self.links[end].connected:  # or it stumbles
                deferred.callback(make())

    def cancel(self, number: int) -> None:
        waiting = [call for call in self.calls if not call.outcomes]
        if waiting:
            call = waiting[number % len(waiting)]
            call.allowed.add(qual(CancelledError))
            call.deferred.cancel()

    def hold(self) -> None:
        """
        Whoever has called holds what came of it.
        """
        for call in self.calls:
            for outcome in call.outcomes:
                things = outcome if isinstance(outcome, list) else [outcome]
                self.held[call.direction] += [
                    thing
                    for thing in things
                    if isinstance(thing, (stock.RemoteReference, stock.RemoteCache))
                ]

    def drop(self, link: str, back: bool) -> None:
        del self.held[link, back][:1]

    def dropKept(self, end: str) -> None:
        del self.ends[end].desk.kept[:1]

    def announce(self, end: str) -> None:
        for pond in self.ends[end].ponds:
            pond.addDuck("huey")

    def advance(self, seconds: int) -> None:
        self.pair.clock.advance(seconds)

    def pump(self, link: str) -> None:
        self.links[link].pump()

    def flush(self) -> None:
        self.pair.flush()

    def cut(self, link: str, after: int) -> None:
        """
        Cut a line; if C{after}, when so many more bytes have left its client.
        """
        self.cuts.add(link)
        self.links[link].cut(client=after or None)

    # The end.

    def settle(self) -> None:
        """
        Answer all that is pending, and let it arrive.
        """
        for _ in range(3):
            self.pair.flush()
            for end in self.ends:
                while self.ends[end].desk.pending:
                    self.answer(end, 0)
        self.pair.flush()

    def announceLast(self) -> None:
        # In a frame of its own: what Twisted's end logs keeps it, and what it
        # knows by name.
        for end in self.ends.values():
            for pond in end.ponds:
                pond.addDuck("the last")
        self.pair.flush()

    def caches(self) -> list[Any]:
        """
        @return: those that anybody holds.
        """
        things = [thing for end in self.ends.values() for thing in end.desk.kept]
        things += [thing for held in self.held.values() for thing in held]
        return [thing for thing in things if isinstance(thing, stock.RemoteCache)]

    def dropAll(self) -> None:
        self.calls.clear()
        for things in self.held.values():
            things.clear()
        for end in self.ends.values():
            end.renew()
        for _ in range(3):
            gc.collect()
            self.pair.flush()


def _mention(root: Any, caller: End) -> None:
    """
    Call, while another message is made: with what may or may not be in that.
    """
    for name in "things", "newDuck", "object":
        for answered in True, False:
            call = root.callRemote("keep", caller.make(name), pbanswer=answered)
            if call is not None:
                call.addErrback(lambda _: None)


_numbers = st.integers(0, 20)
_ends = st.sampled_from(["server", "server", "ours", "stock"])
_directions = st.sampled_from([d for d in _KINDS for _ in range(1 + ("ours" in d))])
_hows = st.sampled_from(["plain", "plain", "plain", "timed", "oneWay"])
_calls = _directions.flatmap(
    lambda direction: st.tuples(
        st.just("call"),
        *map(st.just, direction),
        st.sampled_from(list(_KINDS[direction])),
        _hows,
    )
)
_answers = st.tuples(st.just("answer"), _ends, _numbers)
_operations = st.lists(
    st.one_of(
        _calls,
        _calls,
        _calls,
        _calls,
        _calls,
        _answers,
        _answers,
        st.tuples(st.just("cancel"), _numbers),
        st.tuples(st.just("advance"), st.sampled_from([1, PATIENCE])),
        st.tuples(st.just("hold")),
        st.tuples(st.just("drop"), st.sampled_from(["ours", "stock"]), st.booleans()),
        st.tuples(st.just("dropKept"), _ends),
        st.tuples(st.just("announce"), _ends),
        st.tuples(st.just("pump"), st.sampled_from(["ours", "stock"])),
        st.tuples(st.just("flush")),
    ),
    min_size=10,
    max_size=60,
)
#: Before which operation a line is cut, which, and after how many bytes.
_cuts = st.none() | st.tuples(
    st.integers(0, 40), st.sampled_from(["ours", "stock"]), st.sampled_from([0, 9, 200])
)


class CallsTests(SynchronousTestCase):
    """
    Three ends, four directions.
    """

    def setUp(self) -> None:
        gc.collect()
        gc.freeze()  # what is there by now, so that the test collects its own
        self.addCleanup(gc.unfreeze)

    def assertAllEnded(self, world: _World) -> None:
        """
        All calls have ended, and no line but for those that were cut.
        """
        for call in world.calls:
            self.assertEnded(world, call)
        for name, link in world.links.items():
            self.assertTrue(link.connected or name in world.cuts, name)

    def assertEnded(self, world: _World, call: _Call) -> None:
        """
        A call has ended, once, as it should.
        """
        self.assertEqual(1, len(call.outcomes), str(call))
        [outcome] = call.outcomes
        wanted = _KINDS[call.direction][call.method, call.name]
        if not isinstance(outcome, Failure):
            self.assertIsNone(wanted, str(call))
            self.assertArrived(call, outcome)
            return
        allowed = set(call.allowed)
        if wanted is not None:
            allowed.add(qual(wanted))
        if call.direction[0] in world.cuts:
            allowed |= {qual(stock.PBConnectionLost), qual(DeadReference)}
        found = allowed.intersection(map(nameOf, outcome.parents))
        self.assertTrue(found, f"{call} ended in {nameOf(outcome.type)}")

    def assertArrived(self, call: _Call, result: Any) -> None:
        """
        A result is the right one.
        """
        if call.method == "quack":
            self.assertEqual("quack", result)
        elif not call.method.lower().endswith("echo"):
            return
        elif call.name == "carrier":
            *caches, carrier, duck = result
            self.assertIsInstance(carrier, Carrier)
            self.assertEqual([*call.sent[:2], call.sent[3]], [*caches, duck])
        elif call.name in ("duck", "newDuck", "pond", "classic"):
            self.assertIs(call.sent, result)
        elif type(result) is StockWatcher:  # of which there is one each time
            self.assertIs(call.sent.__dict__, result.__dict__)
        else:
            self.assertEqual(call.sent, result)

    def assertFollowed(self, world: _World) -> None:
        """
        Whoever holds a cache is told.
        """
        for cache in world.caches():
            if not cache.broker.disconnected:
                self.assertEqual("the last", cache.ducks[-1])

    def assertNothingLeft(self, world: _World) -> None:
        """
        Our brokers hold nothing of what is gone, nor does Twisted's of what
        was given to ours.
        """
        servers = [link.server for link in world.links.values()]
        for broker in [*servers, world.links["ours"].client]:
            for table in broker._asked, broker._abandoned, broker._deadlines:
                self.assertFalse(table)
            self.assertEqual({}, broker.waitingForAnswers)
            self.assertEqual([[]], broker._enlisted)
            self.assertEqual([], broker._taken)
            self.assertEqual(0, broker._inFlight)
            if not broker.disconnected:
                self.assertEqual({}, broker.luids)
                self.assertEqual({}, broker.locallyCachedObjects)
                self.assertNothingGiven(broker)
        classic = world.links["stock"].client
        if not classic.disconnected:
            self.assertNothingGiven(classic)
        self.assertEqual([], world.pair.clock.getDelayedCalls())

    def assertNothingGiven(self, broker: Any) -> None:
        numbers = [key for key in broker.localObjects if type(key) is not bytes]
        self.assertEqual([], numbers)
        self.assertEqual({}, broker.remotelyCachedObjects)
        self.assertEqual({}, broker.remotelyCachedLUIDs)

    def assertNothingLogged(self, events: list[Any]) -> None:
        """
        No error is in the log but for what is meant to be.
        """
        for failure in self.flushLoggedErrors():
            self.assertIsInstance(failure.value, LOGGED + STOCK_LOGS)
        for event in events:
            ours = event["log_namespace"].startswith("pbext")
            if ours and event["log_level"] >= LogLevel.error:
                # either an incident, or a result that cannot be sent
                text = formatEvent(event)
                self.assertIn(", called by 192.168.1.1:54321, failed", text)

    def run_(self, operations: Any, cut: Any, events: list[Any]) -> None:
        world = _World()
        try:
            for number, (name, *arguments) in enumerate(operations):
                if cut is not None and cut[0] == number:
                    world.cut(*cut[1:])
                getattr(world, name)(*arguments)
            world.settle()
            self.assertAllEnded(world)
            world.announceLast()
            self.assertFollowed(world)
            world.dropAll()
            self.assertNothingLeft(world)
        finally:
            world.pair.close()
        self.assertNothingLogged(events)

    @settings(max_examples=100, **_SLOW)
    @given(_operations, _cuts)
    def test_calls(self, operations: Any, cut: Any) -> None:
        """
        Any sequence of operations, with all lines, or one of them cut.
        """
        self.go(operations, cut)

    @settings(max_examples=15, **_SLOW)
    @given(_operations, _cuts)
    def test_inChunks(self, operations: Any, cut: Any) -> None:
        """
        The same, if there is next to nothing that does not travel in chunks
        between two ends of pbext.
        """
        self.patch(wire, "CHUNK", 64)
        self.patch(_streams, "CHUNK", 64)
        self.go(operations, cut)

    def go(self, operations: Any, cut: Any) -> None:
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        try:
            self.run_(operations, cut, events)
        finally:
            globalLogPublisher.removeObserver(events.append)
