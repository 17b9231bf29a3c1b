from pbext import Observers
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = Observers()

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.add(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.discard(observer)

    def isFollowed(self, observer):
        return observer in self.observers
