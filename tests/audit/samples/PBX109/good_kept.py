from functools import partial

from rivers import Base
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers = [o for o in self.observers if o.broker is not observer.broker]


class Lake(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        perspective.follows(self, observer)
        return {}


class Sea(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.tide.notify(lambda level: observer.callRemote("tide", level))
        return {}


class River(Base, pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def flood(self):
        self.level = 9


class Brook(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.source.changed = partial(observer.callRemote, "changed")
        return {}


class Spring(pb.Cacheable):
    followed = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        Spring.followed.append(observer)
        observer.broker.notifyOnDisconnect(self.clear)
        return {}

    def clear(self):
        Spring.followed.clear()


class Fen(pb.Cacheable):
    """
    Those that have gone are found when they are called.
    """

    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def rain(self):
        left = []
        for o in self.observers:
            try:
                o.callRemote("rain")
                left.append(o)
            except Exception:
                pass
        self.observers = left


class Spring2(type("Base", (), {}), pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def flood(self):
        self.level = 9
