from twisted.python import log
from twisted.spread import pb as P
from twisted.spread.flavors import Cacheable as C


class Pond(P.Cacheable):
    def __init__(self):
        self.ducks = []

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        log.msg("observed by", perspective, observer)
        return {"ducks": self.ducks[:]}

    def stoppedObserving(self, perspective, observer):
        pass

    def addDuck(self, duck):
        self.ducks.append(duck)


class Lake(C):
    def __init__(self):
        self.level = 0

    def getStateToCacheAndObserveFor(self, who, far):  # finds: PBX109
        state = self.getStateToCopyFor(who)
        far.callRemote("hello")
        return state

    def rise(self):
        self.level += 1


class Sea(C):
    def getStateToCacheAndObserveFor(self, who, far):  # finds: PBX109
        return super().getStateToCacheAndObserveFor(who, far)

    def storm(self):
        self.calm = False
