"""Two classes for one tag; words of jelly's own."""

from pbext import Registry, pb
from twisted.spread.jelly import unjellyableRegistry

registry = Registry()
other = Registry()


class Frog(pb.RemoteCopy):
    pass


class Toad(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("pond.Frog", Frog)
pb.setUnjellyableForClass("pond.Frog", Frog)
pb.setUnjellyableForClass("pond.Frog", Toad)  # finds: PBX104
registry.setUnjellyableForClass("pond.Toad", Frog)
registry.setUnjellyableForClass("pond.Toad", Toad)  # finds: PBX104
other.setUnjellyableForClass("pond.Toad", Toad)
pb.setUnjellyableForClass("list", Toad)  # finds: PBX104
unjellyableRegistry[b"frog"] = Frog  # finds: PBX104
pb.copyTags["toad"] = Toad  # finds: PBX104
