"""
Hooks that call nobody who could mind.
"""

from twisted.internet import reactor
from twisted.spread import pb

from pbext import pb as ours


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        for o in self.observers:
            o.callRemote("joined").addErrback(print)
        self.observers.append(observer)
        return {}

    def announce(self):
        for o in self.observers:
            o.callRemote("joined").addErrback(print)


class Later(pb.Cacheable):
    def __init__(self):
        self.observers = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers[perspective] = observer
        for o in self.observers.values():
            reactor.callLater(0, o.callRemote, "joined")
        reactor.callLater(0, lambda: observer.callRemote("welcome"))
        return {}


class Others(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        for o in self.observers:
            if o is not observer:
                o.callRemote("joined").addErrback(print)
        return {}


class Single(pb.Cacheable):
    observer = None

    def getStateToCacheAndObserveFor(self, perspective, observer):
        if self.observer is not None:
            self.observer.callRemote("replaced").addErrback(print)
        self.observer = observer
        return {}


class Ours(ours.Cacheable):
    def getStateToCopyFor(self, perspective):
        self.observers.callRemote("joined")
        return {}


class Desk(pb.Avatar):
    def perspective_look(self):
        self.mind.callRemote("looked").addErrback(print)
