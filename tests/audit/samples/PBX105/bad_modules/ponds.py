from bases import Watching as W
from twisted.spread import pb


class RemotePond(W):  # finds: PBX105
    pass


class RemoteLake(W):
    def __init__(self, app=None):
        W.__init__(self, app)


pb.setUnjellyableForClass("far.Pond", RemotePond)
pb.setUnjellyableForClass("far.Lake", RemoteLake)
