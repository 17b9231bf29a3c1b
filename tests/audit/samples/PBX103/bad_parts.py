"""What is in something that is sent is sent, too."""

from pbext import pb


class Leg(pb.Copyable, pb.RemoteCopy):  # finds: PBX103
    pass


class Skin(pb.Copyable, pb.RemoteCopy):
    """Stays where it is."""


class Frog(pb.Copyable, pb.RemoteCopy):
    def __init__(self):
        self._skin = Skin()
        self.legs = []
        for n in range(4):
            self.legs.append(Leg())


pb.setUnjellyableForClass(Frog, Frog)


def send(ref):
    ref.callRemote("take", Frog())
