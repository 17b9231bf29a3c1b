"""A Cacheable is followed, a Copyable is not."""

from pbext import pb
from twisted.spread import pb as stock


class Pond(stock.Cacheable):
    pass


class Frog(stock.Copyable):
    pass


class OurPond(pb.Cacheable):
    pass


class Copied(stock.RemoteCopy):
    pass


class Followed(stock.RemoteCache):
    pass


class OurCopy(pb.RemoteCopy):
    pass


stock.setUnjellyableForClass(Pond, Copied)  # finds: PBX105
stock.setUnjellyableForClass(Frog, Followed)  # finds: PBX105
pb.setUnjellyableForClass("bad_flavors.OurPond", OurCopy)  # finds: PBX105
