"""
Many calls that are on their way at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import ensureDeferred, gatherResults

__all__ = ["inLanes"]


async def inLanes(
    call: Callable[[], Awaitable[object]], times: int, inFlight: int
) -> None:
    """
    Call so many times, with so many waiting for their answers.
    """

    left = iter(range(times))

    async def lane() -> None:
        for _ in left:
            await call()

    await gatherResults([ensureDeferred(lane()) for _ in range(inFlight)])
