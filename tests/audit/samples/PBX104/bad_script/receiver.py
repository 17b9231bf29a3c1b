import sender

from twisted.spread import pb


class RemoteFrog(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("sender.Frog", RemoteFrog)
pb.setUnjellyableForClass(sender.Toad, RemoteFrog)


def send(ref):
    ref.callRemote("take", sender.Toad())
