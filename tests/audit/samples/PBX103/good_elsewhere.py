"""The receiving program is another one."""

from twisted.spread import pb


class Frog(pb.Copyable):
    pass


class RemotePond(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("ponds.Pond", RemotePond)


class Desk(pb.Root):
    def remote_frog(self):
        return Frog()
