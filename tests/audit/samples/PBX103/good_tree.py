"""All the classes of a module."""

import sys

from twisted.spread import pb


class Pond(pb.Copyable, pb.RemoteCopy):
    pass


class Frog(pb.Copyable, pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(Pond, Pond)
pb.setUnjellyableForClassTree(sys.modules[__name__], pb.RemoteCopy)


class Desk(pb.Root):
    def remote_frog(self):
        return Frog()
