"""
The same with pbext, where a class says what travels and needs no hook:
python declared_sender.py [ENDPOINT]
"""

import sys
from dataclasses import dataclass

from twisted.internet.task import react

from copy2_ponds import Store
from pbext import pb
from sender import send


@dataclass
class DeclaredPond(pb.Copyable):
    typeToCopy = "copy2_ponds.SenderPond"
    copyFields = ("count", "store")

    frogs: int
    toads: int
    password: pb.LocalOnly[str]
    database: pb.LocalOnly[Store]

    @property
    def count(self):
        return self.frogs + self.toads

    @property
    def store(self):
        return self.database.name


async def main(reactor, *argv):
    pond = DeclaredPond(3, 4, "swordfish", Store("animals", "the sender"))
    await send(reactor, pond, *argv)


if __name__ == "__main__":
    react(main, sys.argv[1:])
