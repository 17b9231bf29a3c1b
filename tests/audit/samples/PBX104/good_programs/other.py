from twisted.spread import pb


class RemoteDuck(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("lake.Duck", RemoteDuck)
