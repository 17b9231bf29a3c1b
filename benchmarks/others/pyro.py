"""
Pyro5, which blocks, and of which a connection carries one call at a time; its way
to have several on their way is a batch.
"""

from __future__ import annotations

from threading import Thread
from typing import Any

from Pyro5 import api, config

from benchmarks.ponds import Frog

# TCP_NODELAY.
config.SOCK_NODELAY = True

_TAG = "benchmarks.Frog"


@api.expose
class Pond:
    def echo(self, value: int) -> int:
        return value

    def take(self, frog: Frog) -> int:
        return 1


def _toDict(frog: Frog) -> dict[str, Any]:
    return {"__class__": _TAG, **vars(frog)}


def _fromDict(name: str, state: dict[str, Any]) -> Frog:
    frog = Frog()
    frog.__dict__.update(state)
    return frog


api.register_class_to_dict(Frog, _toDict)
api.register_dict_to_class(_TAG, _fromDict)


def serve(reactor: Any) -> int:
    daemon = api.Daemon(host="127.0.0.1")
    daemon.register(Pond(), "pond")
    Thread(target=daemon.requestLoop, daemon=True).start()
    found: int = daemon.locationStr.rpartition(":")[2]
    return int(found)


async def calling(reactor: Any, port: int) -> Any:
    proxy = api.Proxy(f"PYRO:pond@127.0.0.1:{port}")
    frog = Frog()
    calls = {"echo": lambda to: to.echo(7), "object": lambda to: to.take(frog)}

    async def work(kind: str, times: int, inFlight: int) -> None:
        if inFlight == 1:
            for _ in range(times):
                calls[kind](proxy)
            return
        for begun in range(0, times, inFlight):
            batch = api.BatchProxy(proxy)
            for _ in range(min(inFlight, times - begun)):
                calls[kind](batch)
            list(batch())

    return work
