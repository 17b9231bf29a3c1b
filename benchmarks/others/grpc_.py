"""
gRPC on asyncio, in a loop of its own.  An object is sent as JSON: protobuf would
want its compiler.
"""

from __future__ import annotations

import asyncio
import json
from threading import Thread
from typing import Any

import grpc

from twisted.internet.defer import Deferred

from benchmarks.ponds import Frog

_SERVICE = "Pond"


def _dumps(value: object) -> bytes:
    return json.dumps(value).encode()


async def _echo(value: int, context: object) -> int:
    return value


async def _take(state: dict[str, Any], context: object) -> int:
    frog = Frog()
    frog.__dict__.update(state)
    return 1


def serve(reactor: Any) -> Deferred[int]:
    found: Deferred[int] = Deferred()

    async def serving() -> None:
        server = grpc.aio.server()
        methods = {
            name: grpc.unary_unary_rpc_method_handler(method, json.loads, _dumps)
            for name, method in (("echo", _echo), ("take", _take))
        }
        generic = grpc.method_handlers_generic_handler(_SERVICE, methods)
        server.add_generic_rpc_handlers((generic,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        reactor.callFromThread(found.callback, port)
        await server.wait_for_termination()

    Thread(target=lambda: asyncio.run(serving()), daemon=True).start()
    return found


async def calling(reactor: Any, port: int) -> Any:
    loop = asyncio.new_event_loop()

    async def connect() -> Any:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        paths = {"echo": "echo", "object": "take"}
        return {
            kind: channel.unary_unary(f"/{_SERVICE}/{path}", _dumps, json.loads)
            for kind, path in paths.items()
        }

    calls = loop.run_until_complete(connect())
    values = {"echo": 7, "object": vars(Frog())}

    async def work(kind: str, times: int, inFlight: int) -> None:
        left = iter(range(times))

        async def lane() -> None:
            for _ in left:
                await calls[kind](values[kind])

        async def lanes() -> None:
            await asyncio.gather(*(lane() for _ in range(inFlight)))

        loop.run_until_complete(lanes())

    return work
