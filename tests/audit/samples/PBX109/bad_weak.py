from weakref import WeakSet

from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = WeakSet()

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        self.observers.add(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.discard(observer)
