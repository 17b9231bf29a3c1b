"""What can receive."""

import dataclasses
import far
from functools import cached_property

from pbext import pb
from twisted.spread import jelly, pb as stock


class Frog(stock.Copyable):
    def __init__(self):
        self.size = self.weight = 1


class Pond(stock.Cacheable):
    pass


class RemoteFrog(stock.RemoteCopy):
    def __init__(self, name):
        """Is never called."""

    @cached_property
    def size(self):
        return 0


class RemotePond(stock.RemoteCache):
    def __init__(self, name=None, *more, colour="blue"):
        self.name = name


class Called:
    """Is called as a function would be."""

    def __init__(self, unjellier, jellyList):
        self.jellyList = jellyList


class Own:
    def unjellyFor(self, unjellier, jellyList):
        return self


class Plain(jelly.Unjellyable):
    pass


class Reference(stock.RemoteReference):
    pass


class Unknown(far.Away):
    pass


class OurPond(pb.RemoteCache):
    def __init__(self, name):
        """Is not called, since it needs an argument."""


class Settable(pb.RemoteCopy):
    size: int

    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        self._size = value


class Computed(pb.Copyable, pb.RemoteCopy):
    copyFields = ["size"]

    @property
    def size(self):
        return 1


class Both(stock.Cacheable, stock.RemoteCopy):
    def unjellyFor(self, unjellier, jellyList):
        return self


@dataclasses.dataclass
class Data(stock.RemoteCache):
    name: str = ""


class Unregistered(stock.RemoteCache):
    def __init__(self, name):
        self.name = name


class Lake(Unregistered):
    def __init__(self):
        Unregistered.__init__(self, "lake")


stock.setUnjellyableForClass(Frog, RemoteFrog)
stock.setUnjellyableForClass(Pond, RemotePond)
stock.setUnjellyableForClass(Both, Both)
for tag, cls in {
    "x.1": Called,
    "x.2": Own,
    "x.3": Plain,
    "x.4": Reference,
    "x.5": Unknown,
    "x.6": OurPond,
    "x.7": Settable,
    "x.8": Computed,
    "x.9": Data,
    "x.10": Lake,
}.items():
    pb.setUnjellyableForClass(tag, cls)
