"""Twisted's own function does not ask a class for its tag."""

from pbext import pb
from twisted.spread import pb as stock


class Frog(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "pond.Frog"


class Toad(stock.Copyable, stock.RemoteCopy):
    def getTypeToCopy(self):
        return b"pond.Toad"


class Newt(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "pond.Newt"


stock.setUnjellyableForClass(Frog, Frog)  # finds: PBX104
stock.setUnjellyableForClass(Toad, Toad)  # finds: PBX104
pb.setUnjellyableForClass(Newt, Newt)
