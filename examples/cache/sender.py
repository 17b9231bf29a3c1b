"""
Send a pond to some receivers, and change it:  python sender.py [ENDPOINT ...]

With two receivers or more, kill one when you are told to, and see the others
go on.
"""

import sys

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import clientFromString
from twisted.internet.task import react

from cache_ponds import DuckPond
from pbext import pb


async def connect(reactor, endpoint):
    factory = pb.PBClientFactory()
    await clientFromString(reactor, endpoint).connect(factory)
    return await factory.getRootObject()


def lost(root):
    done = Deferred()
    root.notifyOnDisconnect(done.callback)
    return done


async def show(reactor, pond, *endpoints):
    endpoints = endpoints or ["tcp:host=127.0.0.1:port=8800"]
    roots = [await connect(reactor, endpoint) for endpoint in endpoints]
    for root in roots:
        print(f"pond arrived {await root.callRemote('take', 'pond', pond)}")
    pond.addDuck("Daffy")
    pond.removeDuck("Huey")
    if len(roots) > 1:
        print(f"{len(pond.observers)} observers: now kill one of the receivers")
        _, index = await DeferredList(map(lost, roots), fireOnOneCallback=True)
        del roots[index]
        print(f"{len(pond.observers)} observers are left")
        pond.addDuck("Gladstone")
    for root in roots:
        await root.callRemote("ignore", "pond")
    print(f"{len(pond.observers)} observers, after they were told to ignore it")
    pond.addDuck("Magica")  # whom nobody sees
    for root in roots:
        print(f"a receiver holds {await root.callRemote('names')}")


async def main(reactor, *endpoints):
    await show(reactor, DuckPond(["Huey", "Dewey"]), *endpoints)


if __name__ == "__main__":
    react(main, sys.argv[1:])
