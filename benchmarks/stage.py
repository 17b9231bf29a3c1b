"""
Where a job is done: a server in this process, and a peer in another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from benchmarks import usage
from benchmarks.others import OTHERS
from benchmarks.ponds import PB, pb

__all__ = ["Figures", "Stage", "otherLibrary", "setUp"]

#: What a job reads off: a name that ends in its unit, and a number.
Figures = dict[str, float]

#: Seconds that a peer has to start and to connect, and then to end.
_PATIENCE = 30

#: How many files a server may have open: a connection is one.
_FILES = 6000

#: C{python -m} looks for this package in the directory it was started in.
_HOME = Path(__file__).parent.parent

#: The part of a job that is done beforehand and not measured.
_WARM_UP = 0.1


def otherLibrary() -> Any:
    """
    @return: the module that does the job in C{pb}'s place, or C{None}.
    """
    name = os.environ.get("BENCHMARKS_OTHER")
    return import_module(f"benchmarks.others.{OTHERS[name].module}") if name else None


class Ground(pb.Root):
    """
    Where the peers enter, and where their observers find the pond.

    @ivar entered: fires with the next peer.
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
    @ivar other: another library, as a module of L{benchmarks.others}.
    @ivar reactor: what it runs on.
    @ivar ground: its root.
    @ivar peer: the other process.
    """

    def __init__(self, reactor: Any, farPB: str, closing: AsyncExitStack) -> None:
        self.ours = PB.startswith("pbext")
        self.other = otherLibrary()
        self.reactor = reactor
        self.ground = Ground()
        self.peer: Any = None
        self._far = farPB
        self._closing = closing
        self._port = self.listen()

    def listen(self, tls: bool = False) -> int:
        """
        @return: the number of a port with the ground behind it.
        """
        usage.allowFiles(_FILES)
        how = (0, Server(self.ground), 50, "127.0.0.1")
        if tls:
            # Not before: it needs OpenSSL, which need not be there.
            from benchmarks.tls import serverOptions

            number, factory, *rest = how
            port = self.reactor.listenSSL(number, factory, serverOptions(), *rest)
        else:
            port = self.reactor.listenTCP(*how)
        self._closing.push_async_callback(maybeDeferred, port.stopListening)
        found: int = port.getHost().port
        return found

    async def start(self) -> tuple[Any, subprocess.Popen[bytes]]:
        """
        Start a peer, which ends with the stage.
        """
        self.ground.entered = Deferred()
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peer", str(self._port)],
            cwd=_HOME,
            env={**os.environ, "BENCHMARKS_PB": self._far},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._closing.callback(_end, process)
        peer = await self.ground.entered.addTimeout(_PATIENCE, self.reactor)
        await peer.callRemote("cpu")  # by now it knows that it has entered
        return peer, process

    async def measured(
        self,
        work: Callable[[int], Awaitable[object]],
        times: int,
        *,
        each: int = 1,
        ends: tuple[str, str],
    ) -> Figures:
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


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@asynccontextmanager
async def setUp(reactor: Any, farPB: str) -> AsyncIterator[Stage]:
    """
    Listen, and start the peer; in the end, end it.

    @param farPB: the module that is C{pb} in the peer.
    """
    async with AsyncExitStack() as closing:
        stage = Stage(reactor, farPB, closing)
        stage.peer, _ = await stage.start()
        yield stage
