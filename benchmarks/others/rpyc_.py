"""
RPyC, which blocks.  It has references to most objects; the six fields of one are
sent in a tuple, which goes by value, and made an object again.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from threading import Thread
from typing import Any

import rpyc
from rpyc.utils.server import ThreadedServer

from benchmarks.ponds import Frog


class Pond(rpyc.Service):
    def exposed_echo(self, value: int) -> int:
        return value

    def exposed_take(self, state: tuple[Any, ...]) -> int:
        frog = Frog()
        frog.__dict__.update(zip(_FIELDS, state, strict=True))
        return 1

    def on_connect(self, connection: Any) -> None:
        _quick(connection)


_FIELDS = tuple(vars(Frog()))


def _quick(connection: Any) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def serve(reactor: Any) -> int:
    server = ThreadedServer(Pond, hostname="127.0.0.1", port=0)
    Thread(target=server.start, daemon=True).start()
    while not server.active:
        time.sleep(0.01)
    found: int = server.port
    return found


async def calling(reactor: Any, port: int) -> Any:
    connection = rpyc.connect("127.0.0.1", port)
    _quick(connection)
    frog = Frog()
    echo, take = map(rpyc.async_, (connection.root.echo, connection.root.take))
    calls = {
        "echo": lambda: echo(7),
        "object": lambda: take(tuple(vars(frog).values())),
    }

    async def work(kind: str, times: int, inFlight: int) -> None:
        waiting: deque[Any] = deque()
        for _ in range(times):
            waiting.append(calls[kind]())
            if len(waiting) >= inFlight:
                waiting.popleft().wait()
        for answer in waiting:
            answer.wait()

    return work
