from pbext import Observers, pb
from twisted.spread import pb as stock


class Pond(pb.Cacheable):
    def __init__(self):
        self.mine = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.mine.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.mine.remove(observer)

    def addDuck(self, duck):
        for each in self.mine:
            each.callRemote("addDuck", duck)
        for each in self.observers:
            each.callRemote("addDuck", duck).addErrback(print)
        self.observers.callRemote("addDuck", duck)


class Lake(stock.Cacheable):
    def __init__(self):
        self.observers = Observers()

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.add(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.discard(observer)

    def addDuck(self, duck):
        for each in self.observers.without():
            each.callRemote("addDuck", duck)


def outside(pond):
    for each in pond.observers:
        each.callRemote("rain")
