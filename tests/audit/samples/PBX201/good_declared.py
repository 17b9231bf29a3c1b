import attrs

from pbext import pb
from twisted.spread import pb as stock


class Frog(pb.Copyable, pb.RemoteCopy):
    colour: str


class TreeFrog(Frog):
    pass


@attrs.define
class Toad(pb.RemoteCopy):
    colour: str


class Newt(pb.RemoteCopy):
    copyFields = ()


class Own(pb.RemoteCopy):
    def setCopyableState(self, state):
        self.state = state


class Base(pb.RemoteCopy):
    """Is registered by nobody."""


class Stock(stock.RemoteCopy):
    """Has never heard of declarations."""


for cls in (Frog, TreeFrog, Toad, Newt, Own, Stock):
    pb.setUnjellyableForClass(cls, cls)
