from pbext import pb
from pbext.pb import RemoteCache


class Frog(pb.Copyable, pb.RemoteCopy):  # finds: PBX201
    limit = 3


class Pond(RemoteCache):  # finds: PBX201
    def __init__(self):
        self.ducks = []


pb.setUnjellyableForClass(Frog, Frog)
pb.setUnjellyableForClass("pond.Pond", Pond)
