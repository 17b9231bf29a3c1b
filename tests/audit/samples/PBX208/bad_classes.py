from twisted.spread import pb, publish as p
from twisted.spread.publish import RemotePublished as R


class Pond(p.Publishable):  # finds: PBX208
    def getStateToPublish(self):
        return {}


class RemotePond(R):  # finds: PBX208
    pass


class Lake(RemotePond):  # finds: PBX208
    pass


pb.setUnjellyableForClass(Pond, RemotePond)
