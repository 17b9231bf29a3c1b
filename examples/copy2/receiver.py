"""
Receive ponds and count what lives there:  python receiver.py [ENDPOINT]
"""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react

from copy2_ponds import ReceiverPond, Store
from pbext import pb

ReceiverPond.stores["animals"] = Store("animals", "the receiver")


class Receiver(pb.Root):
    def remote_count(self, pond):
        print(f"a {type(pond).__name__} with {', '.join(sorted(vars(pond)))}")
        print(f"the store {pond.store.name!r} belongs to {pond.store.owner}")
        return pond.count


async def main(reactor, endpoint="tcp:8800:interface=127.0.0.1"):
    factory = pb.PBServerFactory(Receiver())
    port = await serverFromString(reactor, endpoint).listen(factory)
    address = port.getHost()
    print(f"listening on tcp:host={address.host}:port={address.port}")
    await Deferred()  # for ever, or until Ctrl-C


if __name__ == "__main__":
    react(main, sys.argv[1:])
