"""
The same with pbext, which keeps the observers itself:
python book_sender.py [ENDPOINT ...]
"""

import sys

from twisted.internet.task import react

from pbext import pb
from sender import show


class BookPond(pb.Cacheable):
    """
    No list, no loop, no errback and no hook.
    """

    typeToCopy = "cache_ponds.DuckPond"

    def __init__(self, ducks):
        self.ducks = ducks

    def addDuck(self, duck):
        self.ducks.append(duck)
        return self.observers.callRemote("addDuck", duck)

    def removeDuck(self, duck):
        self.ducks.remove(duck)
        return self.observers.callRemote("removeDuck", duck)


async def main(reactor, *endpoints):
    pond = BookPond(["Huey", "Dewey"])
    await show(reactor, pond, *endpoints)
    counters = pond.observers.counters
    print(f"{counters.broadcasts} changes, {counters.sent} messages")


if __name__ == "__main__":
    react(main, sys.argv[1:])
