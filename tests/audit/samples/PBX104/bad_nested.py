"""Of a nested class, only its own name is in the tag."""

from twisted.spread import pb


class Pond:
    class State(pb.Copyable, pb.RemoteCopy):
        pass


class Lake:
    class State(pb.Copyable, pb.RemoteCopy):  # finds: PBX104
        pass


pb.setUnjellyableForClass(Pond.State, Pond.State)
pb.setUnjellyableForClass(Lake.State, Lake.State)  # finds: PBX104


def send(ref):
    ref.callRemote("take", Pond.State(), Lake.State())
