"""
AMP, Twisted's own.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.protocols import amp

from benchmarks.lanes import inLanes
from benchmarks.ponds import Frog


class Echo(amp.Command):
    arguments = [(b"value", amp.Integer())]
    response = [(b"value", amp.Integer())]


class Take(amp.Command):
    arguments = [
        (b"name", amp.Unicode()),
        (b"colour", amp.Unicode()),
        (b"age", amp.Integer()),
        (b"weight", amp.Float()),
        (b"awake", amp.Boolean()),
        (b"spouse", amp.Unicode(optional=True)),
    ]
    response = [(b"number", amp.Integer())]


class Quick(amp.AMP):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.setTcpNoDelay(True)


class Pond(Quick):
    @Echo.responder
    def echo(self, value: int) -> dict[str, int]:
        return {"value": value}

    @Take.responder
    def take(self, **state: Any) -> dict[str, int]:
        frog = Frog()
        frog.__dict__.update(state)
        return {"number": 1}


def serve(reactor: Any) -> int:
    factory = Factory.forProtocol(Pond)
    found: int = reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port
    return found


async def calling(reactor: Any, port: int) -> Any:
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    client = await connectProtocol(endpoint, Quick())
    frog = Frog()
    calls = {
        "echo": lambda: client.callRemote(Echo, value=7),
        "object": lambda: client.callRemote(Take, **vars(frog)),
    }

    def work(kind: str, times: int, inFlight: int) -> Any:
        return ensureDeferred(inLanes(calls[kind], times, inFlight))

    return work
