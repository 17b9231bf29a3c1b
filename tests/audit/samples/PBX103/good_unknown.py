"""Registrations that cannot be followed, and classes that cannot."""

import far
from twisted.spread import pb


class Pond(pb.Copyable, pb.RemoteCopy):
    pass


class Frog(pb.Copyable, pb.RemoteCopy):
    pass


class Toad(far.Animal, pb.Copyable):
    pass


pb.setUnjellyableForClass(Pond, Pond)
for cls in far.everything():
    pb.setUnjellyableForClass(cls, cls)


class Desk(pb.Root):
    def remote_all(self):
        return [Frog(), Toad()]
