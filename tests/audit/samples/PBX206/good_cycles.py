from pbext import pb
from twisted.spread import pb as stock


class Leaf(pb.Copyable, pb.RemoteCopy):
    def __init__(self, tree):
        self.tree = tree


class Tree(pb.Copyable, pb.RemoteCopy):
    def __init__(self):
        self.leaves = [Leaf(self)]
        self.leaf = Leaf(self)


class Frog(stock.Copyable):
    def __init__(self, pond):
        self.pond = pond

    def getStateToCopy(self):
        state = self.__dict__.copy()
        del state["pond"]
        return state


class Pond(stock.Copyable):
    def __init__(self):
        self.frog = Frog(self)
        self.toad = Toad(self)
        newt = Newt(self)
        self.newts = 1


class Toad:
    """Is not sent."""

    def __init__(self, pond):
        self.pond = pond


class Newt(stock.Copyable):
    def __init__(self, pond):
        self.pond = pond


class Fish(stock.Copyable, stock.RemoteCopy):
    """Keeps the dict that is filled in later."""

    def __init__(self, sea):
        self.sea = sea

    def setCopyableState(self, state):
        self.__dict__ = state


class Sea(stock.Copyable):
    def __init__(self):
        self.fish = Fish(self)
