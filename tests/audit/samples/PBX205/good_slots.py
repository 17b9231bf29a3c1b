import dataclasses

import attrs
from pbext import pb
from twisted.spread import pb as stock


@attrs.define
class Frog(pb.Copyable, pb.RemoteCopy):
    colour: str


@attrs.define(slots=False)
class Toad(stock.Copyable, stock.RemoteCopy):
    colour: str


@dataclasses.dataclass
class Newt(stock.Copyable, stock.RemoteCopy):
    colour: str


@dataclasses.dataclass(frozen=True)
class Sent(stock.Copyable):
    colour: str


class Empty(stock.RemoteCopy):
    __slots__ = ()


class Own(stock.Copyable, stock.RemoteCopy):
    __slots__ = ("colour",)

    def getStateToCopy(self):
        return {"colour": self.colour}

    def setCopyableState(self, state):
        self.colour = state["colour"]


class Unjellies(stock.RemoteCopy):
    __slots__ = ("colour",)

    def unjellyFor(self, unjellier, jellyList):
        self.colour = unjellier.unjelly(jellyList[1])
        return self
