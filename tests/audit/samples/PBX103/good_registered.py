"""All the ways to register, and not to send."""

from pbext import Registry, pb

registry = Registry()


class Frog(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "pond.Frog"


class Toad(pb.Copyable):
    pass


class Newt(pb.Copyable, pb.RemoteCopy):
    pass


class Animal(pb.Copyable, pb.RemoteCopy):
    """Only derived from."""


class Local(pb.Copyable):
    """Never sent."""


class Own(pb.Copyable):
    """Travels as something else."""

    def jellyFor(self, jellier):
        return jellier.jelly("own")


class Named(pb.Copyable):
    def getTypeToCopy(self):
        return self.tag


class Never(pb.Copyable):
    """Cannot be sent at all."""

    def getStateToCopy(self):
        raise NotImplementedError("on purpose")


class Salamander(Animal):
    pass


@registry.unjellyableFor(Toad)
class RemoteToad(pb.RemoteCopy):
    pass


for cls in (Newt, Salamander):
    registry.setUnjellyableForClass(cls, cls)
registry.setUnjellyableForClass("pond.Frog", Frog)
local = Local()


class Desk(pb.Root):
    def remote_all(self):
        return Frog(), Toad(), Newt(), Salamander(), Own(), Named(), Never()

    def remote_stay(self, value: Animal):
        thing = Local()
        return thing.colour
