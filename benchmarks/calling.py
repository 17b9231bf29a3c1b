"""
One that calls, and one that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.lanes import inLanes
from benchmarks.stage import Figures, Stage

__all__ = ["calls", "refusals"]

_ENDS = "caller", "callee"


async def calls(
    stage: Stage,
    method: str,
    times: int,
    value: Callable[[int], object],
    kind: str = "",
    size: int = 0,
    inFlight: int = 1,
) -> Figures:
    """
    Call a method of the peer.

    @param value: makes the argument, from C{size}.
    @param kind: what another library knows it by.
    @param inFlight: how many calls are waiting for their answers at a time.
    """
    if stage.other:
        port = await stage.peer.callRemote("serve")
        calling = await stage.other.calling(stage.reactor, port)

        async def work(times: int) -> None:
            await calling(kind, times, inFlight)

    else:
        argument = value(size)

        async def work(times: int) -> None:
            await inLanes(
                lambda: stage.peer.callRemote(method, argument), times, inFlight
            )

    figures = await stage.measured(work, times, ends=_ENDS)
    both = sum(cpu for name, cpu in figures.items() if name.startswith("CPU"))
    return {**figures, "CPU of both, us": both}


async def refusals(stage: Stage, times: int) -> Figures:
    """
    Make mistakes: a method that is not there, arguments that it does not take,
    one that fails; and see what that puts into the peer's log.
    """
    mistakes: tuple[tuple[Any, ...], ...] = (
        ("nothing",),
        ("take", 1, "two", 3.0),
        ("fail",),
    )

    async def calling(times: int) -> None:
        for number in range(times):
            method, *arguments = mistakes[number % len(mistakes)]
            await stage.peer.callRemote(method, *arguments).addErrback(lambda _: None)

    before = await stage.peer.callRemote("logged")
    figures = await stage.measured(calling, times, ends=_ENDS)
    logged = await stage.peer.callRemote("logged") - before
    return {**figures, "log of the callee, bytes": logged / times}
