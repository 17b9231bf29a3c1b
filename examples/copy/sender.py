"""
Send a pond that the receiver accepts, and the same pond as one that it does
not:  python sender.py [ENDPOINT]
"""

import sys

from twisted.internet.endpoints import clientFromString
from twisted.internet.task import react
from twisted.python.reflect import qual
from twisted.spread.jelly import InsecureJelly

from copy_ponds import TravellingPond, WildPond
from pbext import pb


def arrived(answer):
    print(f"pond arrived {answer}")


def refused(failure):
    # The receiver's error has come as text, so that failure.type is no class
    # and failure.value no exception: ask check() or trap(), which know.
    if not failure.check(InsecureJelly):
        return failure
    print("pond refused with InsecureJelly: nobody over there has registered")
    print("what it should become, as copy_ponds.py does for a TravellingPond")


async def main(reactor, endpoint="tcp:host=127.0.0.1:port=8800"):
    factory = pb.PBClientFactory()
    await clientFromString(reactor, endpoint).connect(factory)
    root = await factory.getRootObject()
    for pond in [TravellingPond("green", 7), WildPond("green", 7)]:
        print(f"sending a {qual(type(pond))}")
        await root.callRemote("take", "pond", pond).addCallbacks(arrived, refused)


if __name__ == "__main__":
    react(main, sys.argv[1:])
