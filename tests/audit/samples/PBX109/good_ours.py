from pbext import Observers, pb
from twisted.spread import pb as stock


class Pond(pb.Cacheable):
    def __init__(self):
        self.ducks = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {"ducks": self.ducks}

    def addDuck(self, duck):
        self.ducks.append(duck)
        self.observers.callRemote("addDuck", duck)


class Lake(stock.Cacheable):
    def __init__(self):
        self.observers = Observers()

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.add(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.discard(observer)


class Sea(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.latest = observer
        return {}
