"""What shows when data arrives."""

import dataclasses

import attr
from twisted.spread import pb as P
from twisted.spread.flavors import RemoteCache as RC


class Frog(P.Copyable):
    pass


class Pond(P.Cacheable):
    pass


class Plain:  # finds: PBX105
    pass


class RemotePond(P.RemoteCache):  # finds: PBX105
    def __init__(self, name):
        self.name = name


class KeywordPond(RC):  # finds: PBX105
    def __init__(self, *, name):
        self.name = name


class Deep(RemotePond):  # finds: PBX105
    pass


@dataclasses.dataclass
class DataPond(RC):  # finds: PBX105
    name: str


@attr.s
class AttrPond(RC):  # finds: PBX105
    name = attr.ib()


P.setUnjellyableForClass(Frog, Plain)
for tag, cls in (
    ("x.1", RemotePond),
    ("x.2", KeywordPond),
    ("x.3", Deep),
    ("x.4", DataPond),
    ("x.5", AttrPond),
):
    P.setUnjellyableForClass(tag, cls)
