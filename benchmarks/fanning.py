"""
One that publishes, and many that observe.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from benchmarks import ponds, usage
from benchmarks.stage import Figures, Stage

__all__ = ["fanOut", "standing", "stopped"]

_ENDS = "publisher", "observers"


class _Publisher:
    """
    Publishes to observers that are never far behind: without a bound, the faster
    the publisher, the larger the pieces that the observers decode at a time, and
    stock's decoder is quadratic in them.

    @ivar tell: tells all of them.
    @ivar each: how many they are.
    @ivar perTurn: how many updates there are in one turn of the reactor.
    @ivar window: how many turns there are from one look at what the observers
        have seen to the next.
    @ivar ahead: how many windows they may be behind, besides the last one.
    @ivar every: seconds from a turn to the next.
    @ivar patient: whether it waits for the answers to an update, if there are any,
        before the next one.
    @ivar told: how many deliveries there were.
    """

    def __init__(
        self,
        stage: Stage,
        tell: Callable[[str, int], Any],
        each: int,
        *,
        perTurn: int = 1,
        window: int = 10,
        ahead: int = 0,
        every: float = 0.0,
        patient: bool = True,
    ) -> None:
        self.stage = stage
        self.tell = tell
        self.each = each
        self.perTurn = perTurn
        self.window = window
        self.ahead = ahead
        self.every = every
        self.patient = patient
        self.last = 0
        self.told = 0

    async def publish(self, updates: int) -> None:
        """
        @return: when all have been seen.
        """
        waiting: deque[Deferred[None]] = deque()
        turn = 0
        while updates > 0:
            await self._turn(min(self.perTurn, updates))
            updates -= self.perTurn
            turn += 1
            if turn % self.window == 0 or updates <= 0:
                waiting.append(self.stage.peer.callRemote("whenSeen", self.told))
            await deferLater(self.stage.reactor, self.every)
            while len(waiting) > self.ahead:
                await waiting.popleft()
        for seen in waiting:
            await seen

    async def _turn(self, updates: int) -> None:
        for _ in range(updates):
            self.last += 1
            answered = self.tell("mallard", self.last)
            if answered is not None and self.patient:
                await answered
            self.told += self.each


async def fanOut(
    stage: Stage,
    observers: int,
    updates: int,
    stock: str,
    pbext: str,
    pond: type[ponds.DuckPond] = ponds.DuckPond,
    tls: bool = False,
    **pace: Any,
) -> Figures:
    """
    Tell observers of updates, until all have seen them.

    @param stock: with which method of the pond, if the publisher is stock.
    @param pbext: the same if it is ours.
    @param pace: see L{_Publisher}.
    """
    if stage.other:
        number, tell = await stage.other.publish(stage.reactor)
        await stage.peer.callRemote("observe", observers, number)
    else:
        stage.ground.pond = pond()
        tell = getattr(stage.ground.pond, pbext if stage.ours else stock)
        how = {"tls": True, "port": stage.listen(tls=True)} if tls else {}
        await stage.peer.callRemote("follow", observers, **how)
    publisher = _Publisher(stage, tell, observers, **pace)
    figures = await stage.measured(
        publisher.publish, updates, each=observers, ends=_ENDS
    )
    await stage.peer.callRemote("leave")
    return figures


#: Seconds that one who was stopped has to be right or cut.
_PATIENCE = 10.0

#: What is said of one who is, in time.
_OUTCOMES = "right", "cut"


async def stopped(
    stage: Stage,
    observers: int,
    missed: int,
    updates: int,
    scale: int,
    stock: str,
    pbext: str,
    pond: type[ponds.DuckPond] = ponds.BulkyPond,
) -> Figures:
    """
    Stop one observer (SIGSTOP), let it miss updates, tell others beside it, and
    wake it again.

    @param missed: how many updates it misses alone, before there are others.
    @param updates: how many the others are told of.
    @param scale: what part of those that it misses there is in stock, which
        keeps all of them.
    @return: the memory as if stock had got all.
    """
    scale = 1 if stage.ours else scale
    stage.ground.pond = pond()
    publish = getattr(stage.ground.pond, pbext if stage.ours else stock)

    # It does not wait for the answer of one who is stopped.
    alone = _Publisher(stage, publish, 0, perTurn=10, patient=False)
    beside = _Publisher(
        stage, publish, observers, perTurn=10, window=2, ahead=2, patient=False
    )
    lone, process = await stage.start()
    await lone.callRemote("follow", 1)
    await alone.publish(10)
    process.send_signal(signal.SIGSTOP)
    try:
        here = usage.memory()
        await alone.publish(max(1, missed // scale))
        grown = usage.memory() - here
        await stage.peer.callRemote("follow", observers)
        beside.last = alone.last
        with_ = await stage.measured(
            beside.publish, updates, each=observers, ends=_ENDS
        )
    finally:
        process.send_signal(signal.SIGCONT)
    start = time.perf_counter()
    outcome = await lone.callRemote("whenRightOrCut", "mallard", beside.last, _PATIENCE)
    passed = time.perf_counter() - start
    without = await stage.measured(beside.publish, updates, each=observers, ends=_ENDS)
    await stage.peer.callRemote("leave")
    return {
        "memory of the publisher, KiB": grown * scale / 1024,
        "time beside it, us": with_["time, us"],
        "time beside it to time without": with_["time, us"] / without["time, us"],
        "seconds until right or cut": passed if outcome in _OUTCOMES else float("inf"),
    }


async def standing(stage: Stage, method: str, number: int) -> Figures:
    """
    Have connections that do nothing.

    @param method: what the peer has them by: C{follow} with a cache on each,
        C{connect} with nothing.
    """
    ends = ("server", "client") if method == "connect" else ("publisher", "observer")
    stage.ground.pond = ponds.DuckPond()
    await stage.peer.callRemote(method, 1)  # what the first one brings along
    here, there = usage.memory(), await stage.peer.callRemote("memory")
    await stage.peer.callRemote(method, number)
    grown = usage.memory() - here, await stage.peer.callRemote("memory") - there
    await stage.peer.callRemote("leave")
    return {
        f"memory of the {end}, KiB": more / number / 1024
        for end, more in zip(ends, grown, strict=True)
    }
