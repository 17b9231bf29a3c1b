"""
Hooks that call the peer while a message to it is being made.
"""

from twisted.spread import pb
from twisted.spread import pb as P
from twisted.spread.flavors import Cacheable as C


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        observer.callRemote("welcome").addErrback(print)  # finds: PBX210
        self.observers.append(observer)
        for o in self.observers:
            o.callRemote("joined").addErrback(print)  # finds: PBX210
        [each.callRemote("x") for each in list(self.observers)]  # finds: PBX210
        return {}


class Keyed(C):
    def __init__(self):
        self.watching = {}

    def getStateToCacheAndObserveFor(self, who, watcher):
        self.watching[who] = watcher
        for o in self.watching.values():
            o.callRemote("joined")  # finds: PBX210
        return {}


class Single(P.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observer = observer
        self.observer.callRemote("welcome")  # finds: PBX210
        return {}


class Helped(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self._keep(observer)
        self.announce("joined")
        return {}

    def _keep(self, one):
        self.observers.append(one)

    def announce(self, name):
        for o in self.observers:
            o.callRemote(name)  # finds: PBX210


class Inherited(Helped):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.greet(observer)
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def greet(self, one):
        one.callRemote("welcome")  # finds: PBX210


class Asking(pb.Copyable):
    def getStateToCopyFor(self, perspective):
        perspective.mind.callRemote("askedFor")  # finds: PBX210
        return {}


class Counting(pb.Copyable):
    def __init__(self, counter):
        self.counter = counter

    def getStateToCopy(self):
        self.counter.callRemote("count")  # finds: PBX210
        return {}
