"""
Where a job is done: a server in this process, and a peer in another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from benchmarks import usage
from benchmarks.ponds import PB, pb

__all__ = ["Stage", "setUp"]

#: Seconds that a peer has to start and to connect, and then to end.
_PATIENCE = 30

#: C{python -m} looks for this package in the directory it was started in.
_HOME = Path(__file__).parent.parent

#: The part of a job that is done beforehand and not measured.
_WARM_UP = 0.1


class Ground(pb.Root):
    """
    Where the peer enters, and where its observers find the pond.

    @ivar entered: fires with the peer.
    """

    def __init__(self) -> None:
        self.entered: Deferred[Any] = Deferred()
        self.pond: object = None

    def remote_enter(self, peer: Any) -> None:
        self.entered.callback(peer)

    def remote_getPond(self) -> object:
        return self.pond


class Server(pb.PBServerFactory):
    """
    As the peer's C{Client}: small messages leave at once.
    """

    def buildProtocol(self, address: Any) -> Any:
        broker = super().buildProtocol(address)
        broker.notifyOnConnect(lambda: broker.transport.setTcpNoDelay(True))
        return broker


class Stage:
    """
    @ivar ours: whether the server is pbext's.
    @ivar reactor: what it runs on.
    @ivar ground: its root.
    @ivar peer: the other process.
    """

    def __init__(self, reactor: Any, ground: Ground, peer: Any) -> None:
        self.ours = PB.startswith("pbext")
        self.reactor = reactor
        self.ground = ground
        self.peer = peer

    async def measured(
        self,
        work: Callable[[int], Awaitable[object]],
        times: int,
        *,
        each: int = 1,
        ends: tuple[str, str],
    ) -> dict[str, float]:
        """
        Do some work a number of times.

        @param each: how many units one time is.
        @param ends: what to call this process and the other one.
        @return: microseconds for each unit: that passed, and of CPU at both
            ends.
        """
        await work(max(1, int(times * _WARM_UP)))
        here, there = usage.cpu(), await self.peer.callRemote("cpu")
        start = time.perf_counter()
        await work(times)
        passed = time.perf_counter() - start
        here, there = usage.cpu() - here, await self.peer.callRemote("cpu") - there
        figures = {
            "time": passed,
            f"CPU of the {ends[0]}": here,
            f"CPU of the {ends[1]}": there,
        }
        return {
            f"{figure}, us": seconds / (times * each) * 1e6
            for figure, seconds in figures.items()
        }


@asynccontextmanager
async def setUp(reactor: Any, farPB: str) -> Any:
    """
    Listen, and start the peer; in the end, end it.

    @param farPB: the module that is C{pb} in the peer.
    """
    usage.allowFiles(2000)
    ground = Ground()
    port = reactor.listenTCP(0, Server(ground), interface="127.0.0.1")
    peer = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.peer", str(port.getHost().port)],
        cwd=_HOME,
        env={**os.environ, "BENCHMARKS_PB": farPB},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        entered = await ground.entered.addTimeout(_PATIENCE, reactor)
        yield Stage(reactor, ground, entered)
    finally:
        peer.terminate()
        try:
            peer.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            peer.kill()
            peer.wait()
        await port.stopListening()
