"""Registered by what looks like its name."""

from twisted.spread import pb


class Pond:
    class Frog(pb.Copyable):
        pass


class RemoteFrog(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("bad_nested_name.Pond.Frog", RemoteFrog)  # finds: PBX104
