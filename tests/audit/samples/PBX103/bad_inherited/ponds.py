from twisted.spread.flavors import Copyable as C, RemoteCopy
from twisted.spread.jelly import setUnjellyableForClass as register


class Animal(C, RemoteCopy):
    pass


class Frog(Animal):
    pass


class Toad(Animal):  # finds: PBX103
    """It is another class, with another tag."""


register(Frog, Frog)
