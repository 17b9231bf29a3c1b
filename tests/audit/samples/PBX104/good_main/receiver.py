from twisted.spread import pb


class RemoteFrog(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("__main__.Frog", RemoteFrog)
