"""
Receive ponds:  python receiver.py [ENDPOINT]
"""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react

import copy_ponds  # noqa: F401  # importing it registers the classes
from pbext import pb


class Receiver(pb.Root):
    def remote_take(self, name, pond):
        print(f"{name}: {type(pond).__name__}, {pond.colour}")
        print(f"{pond.countFrogs()} frogs")
        return "safe and sound"


async def main(reactor, endpoint="tcp:8800:interface=127.0.0.1"):
    factory = pb.PBServerFactory(Receiver())
    port = await serverFromString(reactor, endpoint).listen(factory)
    address = port.getHost()
    print(f"listening on tcp:host={address.host}:port={address.port}")
    await Deferred()  # for ever, or until Ctrl-C


if __name__ == "__main__":
    react(main, sys.argv[1:])
