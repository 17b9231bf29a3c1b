"""
Foolscap, which came after PB; it has TLS always.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from foolscap.api import Copyable, Referenceable, RemoteCopy, Tub

from twisted.internet.defer import ensureDeferred

from benchmarks import ponds
from benchmarks.lanes import inLanes

_TAG = "benchmarks.Frog"


class Frog(Copyable):
    typeToCopy = _TAG

    def __init__(self) -> None:
        self.__dict__.update(vars(ponds.Frog()))


class RemoteFrog(RemoteCopy):
    copytype = _TAG


class Pond(Referenceable):
    def __init__(self, tub: Any) -> None:
        self._tub = tub

    def remote_beQuick(self) -> None:
        for broker in self._tub.brokers.values():
            broker.transport.setTcpNoDelay(True)

    def remote_echo(self, value: int) -> int:
        return value

    def remote_take(self, frog: object) -> int:
        return 1


def serve(reactor: Any) -> str:
    tub = Tub()
    tub.startService()
    port = tub.listenOn("tcp:0:interface=127.0.0.1").getPortnum()
    tub.setLocation(f"tcp:127.0.0.1:{port}")
    furl: str = tub.registerReference(Pond(tub))
    return furl


async def calling(reactor: Any, furl: str) -> Any:
    tub = Tub()
    tub.startService()
    pond = await tub.getReference(furl)
    await pond.callRemote("beQuick")
    pond.tracker.broker.transport.setTcpNoDelay(True)
    calls = {
        "echo": partial(pond.callRemote, "echo", 7),
        "object": partial(pond.callRemote, "take", Frog()),
    }

    def work(kind: str, times: int, inFlight: int) -> Any:
        return ensureDeferred(inLanes(calls[kind], times, inFlight))

    return work
