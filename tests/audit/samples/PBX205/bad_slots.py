import dataclasses

import attr
import attrs
from twisted.spread import pb as P
from twisted.spread.flavors import RemoteCopy as R


class Frog(R):  # finds: PBX205
    __slots__ = ("colour",)


class TreeFrog(Frog):
    """Told of its parent."""


@attrs.define
class Toad(P.Copyable, R):  # finds: PBX205
    colour: str


@attr.s(frozen=True)
class Newt(R):  # finds: PBX205
    colour = attr.ib()


@dataclasses.dataclass(frozen=True)
class Ice(P.RemoteCache):  # finds: PBX205
    depth: int = 0

    def setCopyableState(self, state):
        self.__dict__.update(state)


@dataclasses.dataclass(slots=True)
class Sent(P.Copyable):  # finds: PBX205
    colour: str
