"""
Follow ponds:  python receiver.py [ENDPOINT]
"""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react

import cache_ponds  # noqa: F401  # importing it registers the classes
from pbext import pb


class Receiver(pb.Root):
    def __init__(self):
        self.ponds = {}

    def remote_take(self, name, pond):
        self.ponds[name] = pond
        print(f"{name} has {len(pond.ducks)} ducks: {', '.join(pond.ducks)}")
        return "safe and sound"

    def remote_names(self):
        return sorted(self.ponds)

    def remote_ignore(self, name):
        # It was the last reference: the sender is told, and stops telling us.
        del self.ponds[name]
        print(f"{name} is no longer followed")


async def serve(reactor, root, endpoint="tcp:8800:interface=127.0.0.1"):
    factory = pb.PBServerFactory(root)
    port = await serverFromString(reactor, endpoint).listen(factory)
    address = port.getHost()
    print(f"listening on tcp:host={address.host}:port={address.port}")
    await Deferred()  # for ever, or until Ctrl-C


async def main(reactor, *argv):
    await serve(reactor, Receiver(), *argv)


if __name__ == "__main__":
    react(main, sys.argv[1:])
