"""What is in the way of what arrives."""

from dataclasses import dataclass

from pbext import pb
from twisted.spread import pb as stock


class Frog(stock.Copyable):
    def __init__(self):
        self.size = 1
        self.colour = "green"


class RemoteFrog(stock.RemoteCopy):  # finds: PBX105
    @property
    def size(self):
        return 0


class Pond(stock.Cacheable):
    def getStateToCopy(self):
        return {"broker": "Lloyd", "depth": 3}


class RemotePond(stock.RemoteCache):  # finds: PBX105
    pass


class Fixed(pb.RemoteCopy):  # finds: PBX105
    copyFields = ["size"]

    @property
    def size(self):
        return 0


class Taken(pb.RemoteCache):  # finds: PBX105
    luid: int
    depth: int


@dataclass(frozen=True)
class Ice(pb.RemoteCache):  # finds: PBX105
    depth: int


stock.setUnjellyableForClass(Frog, RemoteFrog)
stock.setUnjellyableForClass(Pond, RemotePond)
for cls in (Fixed, Taken, Ice):
    pb.setUnjellyableForClass("lake." + cls.__name__, cls)
