"""Twisted's own Copyable does not ask for typeToCopy."""

from twisted.spread import pb


class Frog(pb.Copyable):  # finds: PBX104
    typeToCopy: str = "pond.Frog"


class TreeFrog(Frog):
    """Told once."""


class Pond(pb.Cacheable):  # finds: PBX104
    typeToCopy = "pond.Pond"


class Toad(pb.Copyable):
    typeToCopy = "pond.Toad"

    def getTypeToCopy(self):
        return self.typeToCopy.encode()
