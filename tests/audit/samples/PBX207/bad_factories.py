from twisted.spread import jelly, pb as P
from twisted.spread.flavors import Cacheable as C


class Pond(C):
    pass


class Lake(Pond):
    pass


def make(state):
    return state


P.setUnjellyableFactoryForClass(Pond, make)  # finds: PBX207
jelly.setUnjellyableFactoryForClass("bad_factories.Lake", copyFactory=make)  # finds: PBX207
