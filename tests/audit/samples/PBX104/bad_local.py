"""A new class with each call, and the same tag."""

from twisted.spread import pb


def makeFrog(colour):
    class Frog(pb.Copyable, pb.RemoteCopy):  # finds: PBX104
        def colour(self):
            return colour

    pb.setUnjellyableForClass(Frog, Frog)
    return Frog
