"""
The jobs: what is done, how often, what is read off, and what it should be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import ponds
from benchmarks.calling import calls, refusals
from benchmarks.coding import codec
from benchmarks.fanning import fanOut, standing, stopped
from benchmarks.inprocess import (
    bomb,
    chunk,
    hashed,
    importing,
    message,
    messages,
    printed,
)
from benchmarks.stage import Figures

__all__ = ["GROWTH", "JOBS", "STOCK_GROWS", "Goal", "Job", "find"]


@dataclass(frozen=True)
class Goal:
    """
    What a figure should be.

    @ivar times: how many times less than stock's.
    @ivar pure: the same of pbext in pure Python.
    @ivar atMost: the figure itself, of both.
    @ivar beside: by another library: how many times its figure this may be.
    """

    times: float | None = None
    pure: float | None = None
    atMost: float | None = None
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """
    @ivar title: what one unit of it is, for people.
    @ivar work: does it on a L{Stage<benchmarks.stage.Stage>}.
    @ivar sizes: how much of it.
    @ivar tiny: what is less of that in a smoke run.
    @ivar goals: by figure.
    @ivar peer: whether it matters what the other process runs.
    @ivar kind: what other libraries have of it; see L{benchmarks.others}.
    @ivar packages: what it needs besides.
    """

    title: str
    work: Callable[..., Awaitable[Figures]]
    sizes: Mapping[str, Any] = field(default_factory=dict)
    tiny: Mapping[str, Any] = field(default_factory=dict)
    goals: Mapping[str, Goal] = field(default_factory=dict)
    peer: bool = True
    kind: str = ""
    packages: tuple[str, ...] = ()


def _fanOut(
    title: str,
    observers: int,
    updates: int,
    stock: str = "loop",
    pbext: str = "announce",
    goals: Mapping[str, Goal] | None = None,
    kind: str = "",
    packages: tuple[str, ...] = (),
    **sizes: Any,
) -> Job:
    ways = stock if stock == pbext else f"{pbext} beside stock's {stock}"
    return Job(
        f"an update delivered to one of {observers} observers{title}: {ways}",
        fanOut,
        {
            "observers": observers,
            "updates": updates,
            "stock": stock,
            "pbext": pbext,
            **sizes,
        },
        {"observers": min(observers, 20), "updates": 2, "every": 0.0},
        goals or {},
        kind=kind,
        packages=packages,
    )


def _call(title: str, times: int, tiny: int, **how: Any) -> Job:
    goals = how.pop("goals", {})
    return Job(
        title,
        calls,
        {"times": times, **how},
        {"times": tiny},
        goals,
        kind=how.get("kind", ""),
    )


def _codec(title: str, encode: Goal, decode: Goal, **how: Any) -> Job:
    return Job(
        f"an object of six fields, {title}",
        codec,
        {"times": 20_000, "stock": 2_000, **how},
        {"times": 20, "stock": 20},
        {"encode, us": encode, "decode, us": decode},
        peer=False,
    )


def _stopped(title: str, **how: Any) -> Job:
    return Job(
        "an observer stopped (SIGSTOP), which misses 100,000 updates of 200 bytes, "
        f"beside 999 others: {title}; announce beside stock's answeredLoop",
        stopped,
        {
            "observers": 999,
            "missed": 100_000,
            "updates": 50,
            "scale": 10,
            "stock": "answeredLoop",
            "pbext": "announce",
            **how,
        },
        {"observers": 2, "missed": 10, "updates": 10},
        {
            "memory of the publisher, KiB": Goal(atMost=1024),
            "time beside it to time without": Goal(atMost=1.1),
            "seconds until right or cut": Goal(atMost=1),
        },
    )


def _bomb(title: str, arguments: Callable[[int], object], stock: int) -> Job:
    return Job(
        f"a message of 1 KB that would become a large one, {title}",
        bomb,
        {"arguments": arguments, "stock": stock, "pbext": 25},
        {"stock": 8},
        {"time, ms": Goal(atMost=5), "memory, KiB": Goal(atMost=1024)},
        peer=False,
    )


#: Several updates in a turn of the reactor, and some turns ahead of the observers.
_SATURATED: dict[str, Any] = {
    "observers": 1000,
    "updates": 100,
    "perTurn": 10,
    "window": 2,
    "ahead": 2,
}

#: One now and then.
_PACED: dict[str, Any] = {"observers": 100, "updates": 50, "every": 0.04}

#: Several in a turn, and then none until all have seen them.
_TEN: dict[str, Any] = {
    "observers": 100,
    "updates": 200,
    "perTurn": 10,
    "window": 1,
}

#: Stock's loop as its guide has it, which asks for answers and waits for none.
_GUIDE: dict[str, Any] = {"stock": "answeredLoop", "patient": False}

_TLS: dict[str, Any] = {"tls": True, "packages": ("OpenSSL",)}

_DELIVERED, _PUBLISHER = "time, us", "CPU of the publisher, us"

#: All there are, by name.
JOBS: Mapping[str, Job] = {
    "codec": _codec("the codec alone", Goal(40, 8), Goal(45, 6)),
    "codec-whole": _codec(
        "with budgets, registry and safe state",
        Goal(30, 6),
        Goal(30, 5),
        whole=True,
    ),
    "fanout-10": _fanOut("", 10, 1000),
    "fanout-100": _fanOut("", 100, 100),
    "loop-100": _fanOut("", 100, 100, "loop", "loop"),
    "answered-loop-100": _fanOut("", 100, 100, "answeredLoop", "answeredLoop"),
    "acknowledged-100": _fanOut(
        "", 100, 100, "answeredLoop", "announce", pond=ponds.AcknowledgedPond
    ),
    "saturated": _fanOut(
        ", as many as there can be",
        goals={_DELIVERED: Goal(beside={"autobahn": 1})},
        kind="fan",
        **_SATURATED,
    ),
    "saturated-guide": _fanOut(
        ", as many as there can be",
        goals={_DELIVERED: Goal(10, 6), _PUBLISHER: Goal(15, 15)},
        **_SATURATED,
        **_GUIDE,
    ),
    "saturated-tls": _fanOut(
        ", as many as there can be, over TLS",
        goals={_PUBLISHER: Goal(5, 5)},
        **_SATURATED,
        **_GUIDE,
        **_TLS,
    ),
    "paced": _fanOut(
        ", each 40 ms",
        goals={_PUBLISHER: Goal(beside={"bare": 1.5, "pushed": 1.5})},
        kind="fan",
        **_PACED,
    ),
    "paced-guide": _fanOut(
        ", each 40 ms", goals={_PUBLISHER: Goal(9, 9)}, **_PACED, **_GUIDE
    ),
    "paced-tls": _fanOut(
        ", each 40 ms, over TLS",
        goals={_PUBLISHER: Goal(4, 4)},
        **_PACED,
        **_GUIDE,
        **_TLS,
    ),
    "ten": _fanOut(", ten in a turn", kind="fan", **_TEN),
    "ten-guide": _fanOut(
        ", ten in a turn", goals={_PUBLISHER: Goal(15, 15)}, **_TEN, **_GUIDE
    ),
    "stopped": _stopped("its connection may be closed"),
    "stopped-conflated": _stopped("it gets the latest", pond=ponds.ConflatingPond),
    "echo": _call(
        "a call with an int that is echoed, 100 in flight",
        10_000,
        200,
        goals={"time, us": Goal(4, 2)},
        kind="echo",
        method="echo",
        value=lambda _: 7,
        inFlight=100,
    ),
    "echo-1": _call(
        "a call with an int that is echoed, one at a time",
        3_000,
        20,
        goals={"CPU of both, us": Goal(2, 1 / 0.7)},
        kind="echo",
        method="echo",
        value=lambda _: 7,
    ),
    "object": _call(
        "a call with an object of six fields, 100 in flight",
        5_000,
        20,
        goals={"time, us": Goal(15, 4, beside={"RPyC": 1, "Pyro5": 1})},
        kind="object",
        method="take",
        value=lambda _: ponds.Frog(),
        inFlight=100,
    ),
    "dataclass": _call(
        "the same with a dataclass",
        5_000,
        20,
        method="take",
        value=lambda _: ponds.Toad(),
        inFlight=100,
    ),
    "objects": Job(
        "a call with a list of 10,000 objects of three fields",
        calls,
        {"method": "take", "times": 2, "value": ponds.tadpoles, "size": 10_000},
        {"times": 1, "size": 10},
        {"time, us": Goal(30, 6)},
    ),
    "chunk": Job(
        "a message of 1 MB of small items, in one piece",
        chunk,
        {"size": 1_000_000},
        {"size": 1000},
        {"time, ms": Goal(200, 60)},
        peer=False,
    ),
    "bomb-printed": _bomb("which is in stock's log (C3a)", printed, 21),
    "bomb-hashed": _bomb("as a key (C3c)", hashed, 25),
    "memory": Job(
        "an observer, connected and idle",
        standing,
        {"method": "follow", "number": 1000},
        {"number": 20},
        {"memory of the publisher, KiB": Goal(1, 1)},
    ),
    "connections": Job(
        "a connection with nothing on it",
        standing,
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


def _observers(number: int) -> Job:
    sizes = {"observers": number, "updates": max(20, 50_000 // number)}
    return _fanOut("", **{**_SATURATED, **sizes})


#: What may grow: by name of what grows: how large it is: the job.
GROWTH: Mapping[str, Mapping[int, Job]] = {
    "bytes in a message": {
        size: Job("", message, {"size": size}, {"size": 1000}, peer=False)
        for size in (1_000, 10_000, 100_000, 1_000_000, 4_000_000, 16_000_000)
    },
    "messages in a chunk": {
        number: Job("", messages, {"number": number}, {"number": 10}, peer=False)
        for number in (1, 10, 100, 1_000, 10_000, 100_000)
    },
    "observers": {n: _observers(n) for n in (10, 100, 1_000, 2_500, 5_000)},
}

#: What is more than this in L{GROWTH} is too much for stock.
STOCK_GROWS: Mapping[str, int] = {
    "bytes in a message": 1_000_000,
    "messages in a chunk": 1_000,
    "observers": 1_000,
}


def find(name: str) -> Job:
    """
    @param name: of a job, or of one in L{GROWTH}: what grows, a hyphen, how large
        it is.
    """
    if name in JOBS:
        return JOBS[name]
    what, _, size = name.rpartition("-")
    return GROWTH[what][int(size)]
