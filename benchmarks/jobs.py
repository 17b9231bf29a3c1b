"""
The jobs: what is done, how often, and what is read off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutput

from benchmarks import ponds, usage
from benchmarks.stage import Stage

__all__ = ["JOBS", "Figures", "Job"]

#: What a job reads off: a name that ends in its unit, and a number.
Figures = dict[str, float]

#: How many updates an observer may be behind: without a bound, the faster the
#: publisher, the larger the pieces that the observers decode at a time.
_AHEAD = 10


async def fanOut(
    stage: Stage,
    observers: int,
    updates: int,
    stock: str,
    pbext: str,
    kind: type[ponds.DuckPond] = ponds.DuckPond,
) -> Figures:
    """
    Tell observers of updates, until all have seen them.

    @param stock: with which method of the pond, if the publisher is stock.
    @param pbext: the same if it is ours.
    """
    pond = stage.ground.pond = kind()
    publish = getattr(pond, pbext if stage.ours else stock)
    await stage.peer.callRemote("follow", observers)
    seen = 0

    async def publishing(times: int) -> None:
        nonlocal seen
        for done in range(1, times + 1):
            told = publish("mallard", done)
            if told is not None:
                await told
            await deferLater(stage.reactor, 0)
            seen += observers
            if done % _AHEAD == 0 or done == times:
                await stage.peer.callRemote("whenSeen", seen)

    figures = await stage.measured(
        publishing, updates, each=observers, ends=("publisher", "observers")
    )
    await stage.peer.callRemote("leave")
    return figures


async def calls(
    stage: Stage,
    method: str,
    times: int,
    value: Callable[[int], object],
    size: int = 0,
    inFlight: int = 1,
) -> Figures:
    """
    Call a method of the peer.

    @param value: makes the argument, from C{size}.
    @param inFlight: how many calls are waiting for their answers at a time.
    """
    argument = value(size)

    async def calling(times: int) -> None:
        for _ in range(times):
            await stage.peer.callRemote(method, argument)

    async def lanes(times: int) -> None:
        each = max(1, times // inFlight)
        await gatherResults([ensureDeferred(calling(each)) for _ in range(inFlight)])

    return await stage.measured(lanes, times, ends=("caller", "callee"))


async def memory(stage: Stage, method: str, number: int) -> Figures:
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


async def refusals(stage: Stage, times: int) -> Figures:
    """
    Make mistakes: a method that is not there, arguments that it does not take,
    one that fails; and see what that puts into the peer's log.
    """
    mistakes = (("nothing",), ("take", 1, "two", 3.0), ("fail",))

    async def calling(times: int) -> None:
        for number in range(times):
            method, *arguments = mistakes[number % len(mistakes)]
            await stage.peer.callRemote(method, *arguments).addErrback(lambda _: None)

    before = await stage.peer.callRemote("logged")
    figures = await stage.measured(calling, times, ends=("caller", "callee"))
    logged = await stage.peer.callRemote("logged") - before
    return {**figures, "log of the callee, bytes": logged / times}


async def importing(stage: Stage) -> Figures:
    """
    Import C{pb} in an interpreter of its own, not for the first time: what is
    installed comes with its bytecode, and a checkout has it then as well.
    """
    code = (
        "import time; before = time.process_time();"
        f"import {ponds.PB}; print(time.process_time() - before)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for _ in range(2):
        printed = await getProcessOutput(sys.executable, ["-c", code], env=environment)
    return {"CPU, ms": float(printed) * 1e3}


@dataclass(frozen=True)
class Job:
    """
    @ivar title: what one unit of it is, for people.
    @ivar work: does it on a L{Stage}.
    @ivar sizes: how much of it.
    @ivar tiny: what is less of that in a smoke run.
    @ivar peer: whether it matters what the other process runs.
    """

    title: str
    work: Callable[..., Awaitable[Figures]]
    sizes: Mapping[str, Any] = field(default_factory=dict)
    tiny: Mapping[str, Any] = field(default_factory=dict)
    peer: bool = True


def _fanOut(observers: int, stock: str, pbext: str, **sizes: Any) -> Job:
    ways = stock if stock == pbext else f"{pbext} beside stock's {stock}"
    return Job(
        f"an update delivered to one of {observers} observers: {ways}",
        fanOut,
        {
            "observers": observers,
            "updates": 10_000 // observers,
            "stock": stock,
            "pbext": pbext,
            **sizes,
        },
        {"observers": min(observers, 20), "updates": 2},
    )


def _call(title: str, times: int, tiny: int, **how: Any) -> Job:
    return Job(title, calls, {"times": times, **how}, {"times": tiny})


#: All there are, by name.
JOBS: Mapping[str, Job] = {
    "fanout-10": _fanOut(10, "loop", "announce"),
    "fanout-100": _fanOut(100, "loop", "announce"),
    "fanout-1000": _fanOut(1000, "loop", "announce"),
    "loop-100": _fanOut(100, "loop", "loop"),
    "answered-loop-100": _fanOut(100, "answeredLoop", "answeredLoop"),
    "acknowledged-100": _fanOut(
        100, "answeredLoop", "announce", kind=ponds.AcknowledgedPond
    ),
    "calls": _call(
        "a call with an int that is echoed, 100 in flight",
        10_000,
        200,
        method="echo",
        value=lambda _: 7,
        inFlight=100,
    ),
    "object": _call(
        "a call with an object of six fields, 10 in flight",
        5_000,
        20,
        method="take",
        value=lambda _: ponds.Frog(),
        inFlight=10,
    ),
    "dataclass": _call(
        "the same with a dataclass",
        5_000,
        20,
        method="take",
        value=lambda _: ponds.Toad(),
        inFlight=10,
    ),
    "objects": Job(
        "a call with a list of 10,000 objects of three fields",
        calls,
        {"method": "take", "times": 2, "value": ponds.tadpoles, "size": 10_000},
        {"times": 1, "size": 10},
    ),
    "memory": Job(
        "an observer, connected and idle",
        memory,
        {"method": "follow", "number": 1000},
        {"number": 20},
    ),
    "connections": Job(
        "a connection with nothing on it",
        memory,
        {"method": "connect", "number": 1000},
        {"number": 20},
    ),
    "refusals": Job(
        "a call that is refused, or that fails",
        refusals,
        {"times": 1000},
        {"times": 30},
    ),
    "import": Job("an import of pb, in a bare interpreter", importing, peer=False),
}
