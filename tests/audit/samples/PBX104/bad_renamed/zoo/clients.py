from twisted.spread import pb
from zoo.ponds import Newt as N
from twisted.spread.jelly import setUnjellyableForClass


class Remote(pb.RemoteCopy):
    pass


setUnjellyableForClass("zoo.Frog", Remote)  # finds: PBX104
pb.setUnjellyableForClass(b"ponds.Toad", Remote)  # finds: PBX104
pb.setUnjellyableForClass("lakes.Newt", Remote)  # finds: PBX104
