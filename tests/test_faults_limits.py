"""
What stock Perspective Broker gets wrong with what is too large, or too many,
fault by fault under its id: gone when the end that is to blame runs pbext,
whatever the other end runs.  All of it in memory and over loopback TCP.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import Any

from twisted.python.reflect import qual
from twisted.spread import pb as stock
from twisted.spread.banana import SIZE_LIMIT, BananaError

from pbext import Limits
from pbext.errors import NotSendable
from tests.desks import CACHEABLES, ROWS, Desk, Ends
from tests.raw import LogRecord, bytesOf
from tests.wires import NARROW, across, pbextWith

LARGE = "x" * 700_000

#: What is too large to send, where it is, and how large.
_TOO_LARGE: list[tuple[Any, str, str]] = [
    (LARGE, "$", "a str of 700000 bytes"),
    ({"a": [1, LARGE.encode()]}, "$.a[1]", "700000 bytes"),
    ((2**448,), "$[0]", "448 bits"),
    ([1] * 700_000, "$", "700001 items"),
]


class Large(stock.Referenceable):
    """
    Answers by a coroutine.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def remote_getAsync(self, name: str) -> Any:
        return await self.desk.remote_getLater(name)


class _Callers(Ends):
    """
    To blame is the end that calls.
    """

    async def test_E1_tooLargeToSend(self) -> None:
        """
        A call with more in it than Banana takes fails with what is too large,
        how large it may be, and where it stands; nothing of it is left, here
        or on the wire.
        """
        self.ours = NARROW
        await self.meet()
        waiting = set(self.here.waitingForAnswers)
        calls: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
            ("$[0]", "700000", (LARGE,), {}),
            ("$[0]", "700000", (LARGE.encode(),), {}),
            ("$[1]", "700000", (1, "é" * 350_000), {}),
            ("$[0].frogs[1]", "700000", ({"frogs": [1, LARGE]},), {}),
            ("$.frog", "700000", (1,), {"frog": LARGE}),
            ("$[0]", "700001 items", ([1] * 700_000,), {}),
            ("$[0][0]", "448 bits", ([2**448],), {}),
        ]
        received = bytesOf(self.there)
        for path, size, args, kw in calls:
            for answered in (True, False) if LARGE in args else (True,):
                call = self.toThem.callRemote("keep", *args, **kw, pbanswer=answered)
                failure = self.failureResultOf(call, NotSendable)
                self.assertTrue(failure.check(BananaError))
                self.assertEqual(path, failure.value.path)
                self.assertIn(size, str(failure.value))
                if "bits" not in size:
                    self.assertIn(str(SIZE_LIMIT), str(failure.value))
        self.assertEqual(waiting, set(self.here.waitingForAnswers))
        await self.settle()
        self.assertLess(len(b"".join(received)), 10_000)
        self.assertEqual([], self.theirDesk.kept)
        await self.assertUnharmed()

    async def test_E1_asLargeAsMayBe(self) -> None:
        """
        What is just not too large arrives.
        """
        await self.meet()
        largest = [b"x" * SIZE_LIMIT, "x" * SIZE_LIMIT, 2**448 - 1, -(2**448) + 1]
        for thing in largest:
            same = self.toThem.callRemote("echo", thing)
            self.assertEqual(thing, await self.result(same))
        await self.assertUnharmed()


class _Answers(Ends):
    """
    To blame is the end that answers.
    """

    async def test_E3_tooLargeToAnswer(self) -> None:
        """
        A method that returns more than Banana takes is answered with an error
        that says so; here it is a line in the log.
        """
        self.ours = NARROW
        await self.meet()
        self.record = LogRecord(self)
        for thing, path, size in _TOO_LARGE:
            self.ourDesk.things["large"] = thing
            answer = self.toUs.callRemote("get", "large")
            self.assertTooLarge(await self.failure(answer), path, size)
        await self.assertUnharmed()

    async def test_E4_tooLargeToAnswerLater(self) -> None:
        """
        So is one that returns a Deferred, or is a coroutine.
        """
        self.ours = NARROW
        await self.meet()
        self.record = LogRecord(self)
        self.here.setNameForLocal("large", Large(self.ourDesk))
        large = self.there.remoteForName("large")
        for thing, path, size in _TOO_LARGE[:3]:
            self.ourDesk.things["large"] = thing
            for remote, name in ((self.toUs, "getLater"), (large, "getAsync")):
                answer = remote.callRemote(name, "large")
                await self.settle()
                self.ourDesk.waiting.pop().callback(None)
                self.assertTooLarge(await self.failure(answer), path, size)
        await self.assertUnharmed()

    def assertTooLarge(self, failure: Any, path: str, size: str) -> None:
        self.assertEqual(qual(NotSendable).encode(), failure.type)
        self.assertTrue(failure.check(BananaError))
        [said] = self.record.take()
        for text in (failure.value, said):
            self.assertIn(f"the value at {path} ", text)
            self.assertIn(size, text)
            self.assertLess(len(text), 500)
        self.assertNotIn("Traceback", said)


class _Limited(Ends):
    """
    To blame is the end that has limits.
    """

    async def meetWith(self, **limits: Any) -> None:
        """
        @param limits: of the end that is to blame.
        """
        self.ours = pbextWith(limits=Limits(**limits))
        await self.meet()
        self.record = LogRecord(self)

    def gauge(self, name: str) -> tuple[int, int]:
        gauge: tuple[int, int] = self.here.gauges[name]
        return gauge

    async def assertRefused(self, limit: str, call: Any, times: int = 4) -> None:
        """
        So often a call is answered that a limit is reached, in one line of
        the log; the last time, the connection is closed after that.
        """
        for left in reversed(range(times)):
            self.assertTrue(self.line.connected)
            failure = await self.failure(call())
            self.assertTrue(failure.check(stock.Error))
            said = self.record.take()
            for text in (str(failure.value), said[0]):
                self.assertIn(f"the limit of this connection is reached: {limit}", text)
            if left:
                self.assertEqual(1, len(said), said)
        self.assertEqual(2, len(said), said)
        self.assertIn("is closed", said[1])
        self.assertNotIn("Traceback", "".join(said))
        await self.wire.lost(self.line)
        self.assertEqual([], self.record.take())
        await self.assertUnharmed(self.other)

    async def test_E5_references(self) -> None:
        """
        The peer may have so many references, and no more.
        """
        await self.meetWith(references=5)

        def get() -> Any:
            self.ourDesk.things["new"] = stock.Referenceable()
            return self.toUs.callRemote("get", "new")

        kept = []
        for number in range(1, 5):  # the desk has a name, and counts
            self.assertEqual((number, 5), self.gauge("references"))
            kept.append(await self.result(get()))
            self.assertWarned(number, "references", 4, 5)
        kept.append(await self.result(self.toUs.callRemote("get", "new")))
        self.assertEqual(kept[-2], kept[-1])
        self.assertEqual((5, 5), self.gauge("references"))
        failure = await self.failure(get())
        self.assertIn("references=5", str(failure.value))
        self.assertEqual(1, len(self.record.take()))
        del kept[0]
        gc.collect()
        await self.settle()
        self.assertEqual((4, 5), self.gauge("references"))
        kept.append(await self.result(get()))
        self.assertEqual([], self.record.take())
        await self.assertRefused("references=5", get, 3)

    def assertWarned(self, used: int, limit: str, near: int, most: int) -> None:
        """
        There is one warning, when it is near.
        """
        said = self.record.take()
        if used != near:
            self.assertEqual([], said)
        else:
            [warning] = said
            self.assertIn(f"near a limit: {limit}, {near} of {most}", warning)

    async def test_E5_caches(self) -> None:
        """
        The peer may have so many caches, and no more; what is refused has no
        observers.
        """
        for make in CACHEABLES:
            await self.meetWith(caches=5)
            kept = []
            for number in range(5):
                self.assertEqual((number, 5), self.gauge("caches"))
                self.ourDesk.things["pond"] = make()
                kept.append(await self.result(self.toUs.callRemote("get", "pond")))
                self.assertWarned(number, "caches", 4, 5)
            refused = self.ourDesk.things["refused"] = make()
            await self.assertRefused(
                "caches=5", lambda: self.toUs.callRemote("get", "refused")
            )
            self.assertLeft(refused, len(refused.left))
            self.assertEqual(5, len(kept))
            await self.wire.close()

    async def test_E5_cachesReceived(self) -> None:
        """
        The peer may give so many caches, and no more; it is told that the
        others are gone.
        """
        for make in CACHEABLES:
            await self.meetWith(cachesReceived=5)
            for number in range(5):
                self.assertEqual((number, 5), self.gauge("cachesReceived"))
                await self.result(self.toUs.callRemote("keep", make()))
                self.assertWarned(number, "cachesReceived", 4, 5)
            refused = make()
            call = partial(self.toUs.callRemote, "keep", refused)
            await self.assertRefused("cachesReceived=5", call)
            self.assertEqual(4, len(refused.left))
            self.assertEqual(5, len(self.ourDesk.kept))
            await self.wire.close()

    async def test_E5_callsInFlight(self) -> None:
        """
        The peer may wait for so many calls, and no more.
        """
        await self.meetWith(callsInFlight=5)
        self.assertEqual((1, 5), self.gauge("callsInFlight"))
        calls = [self.toUs.callRemote("wait") for _ in range(4)]
        failure = await self.failure(self.toUs.callRemote("echo", 1))
        self.assertIn("callsInFlight=5", str(failure.value))
        self.assertEqual((5, 5), self.gauge("callsInFlight"))
        warning, refused = self.record.take()
        self.assertIn("near a limit: callsInFlight, 4 of 5", warning)
        self.assertIn("refused a call", refused)
        self.ourDesk.waiting.pop().callback("done")
        self.assertEqual("done", await self.result(calls.pop()))
        self.assertEqual(1, await self.result(self.toUs.callRemote("echo", 1)))
        calls.append(self.toUs.callRemote("wait"))
        await self.assertRefused(
            "callsInFlight=5", lambda: self.toUs.callRemote("wait"), 3
        )
        for call in calls:
            self.failureResultOf(call, stock.PBConnectionLost)
        for answer in self.ourDesk.waiting:
            answer.callback(None)
        self.assertEqual((1, 5), self.gauge("callsInFlight"))


for _tests in (_Callers, _Answers, _Limited):
    globals().update(across(module=__name__, tests=_tests, rows=ROWS))
