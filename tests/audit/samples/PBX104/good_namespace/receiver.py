from twisted.spread import pb


class RemoteFrog(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("zoo.ponds.Frog", RemoteFrog)
