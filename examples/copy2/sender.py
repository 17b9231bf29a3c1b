"""
Send a pond with a password, which stays:  python sender.py [ENDPOINT]
"""

import sys

from twisted.internet.endpoints import clientFromString
from twisted.internet.task import react

from copy2_ponds import SenderPond, Store
from pbext import pb


async def send(reactor, pond, endpoint="tcp:host=127.0.0.1:port=8800"):
    factory = pb.PBClientFactory()
    await clientFromString(reactor, endpoint).connect(factory)
    root = await factory.getRootObject()
    print(f"sending {pond.frogs} frogs and {pond.toads} toads")
    print(f"the receiver counts {await root.callRemote('count', pond)}")


async def main(reactor, *argv):
    pond = SenderPond(3, 4, "swordfish", Store("animals", "the sender"))
    await send(reactor, pond, *argv)


if __name__ == "__main__":
    react(main, sys.argv[1:])
