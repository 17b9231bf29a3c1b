"""
Messages that do not fit, sent in the ways in which they are sent.
"""

from twisted.internet import reactor
from twisted.spread import pb
from twisted.spread.flavors import Cacheable as C


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)

    def add(self, duck):
        for o in self.observers:
            o.callRemote("addDucks", duck)  # finds: PBX108
            o.callRemote("addDuck")  # finds: PBX108
            o.callRemote("addDuck", duck, 2, 3)  # finds: PBX108
            o.callRemote("addDuck", duck, weight=3)  # finds: PBX108
            o.callRemote("moved", 1)  # finds: PBX108
            o.callRemote("alias", 1, 2)  # finds: PBX108
            o.callRemote("addDuck", duck)
            o.callRemote("moved", where=1, pbanswer=False)

    def tell(self, change, *args):
        for each in list(self.observers):
            each.callRemote(change, *args)

    def remove(self, duck):
        self.tell("removeDuck", duck)  # finds: PBX108
        self.tell("addDuck", duck)
        self.tell("addDuck", duck, 1, 2)  # finds: PBX108

    def later(self):
        for observer in self.observers:
            reactor.callLater(0, observer.callRemote, "gone")  # finds: PBX108
            reactor.callLater(0, observer.callRemote, "addDuck", 1)

    def choose(self, grown):
        name = "grew"
        for observer in self.observers:
            observer.callRemote(name, 1)  # finds: PBX108
            observer.callRemote("addDuck" if grown else "lost", 1)  # finds: PBX108


class RemotePond(pb.RemoteCache):
    def observe_addDuck(self, duck, size=1):
        print(duck, size)

    def observe_moved(self, *, where):
        print(where)

    def _aliased(self, one):
        print(one)

    observe_alias = _aliased


pb.setUnjellyableForClass(Pond, RemotePond)


class Both(C, pb.RemoteCache):
    """
    One that is its own cache.
    """

    def __init__(self):
        self.watching = {}

    def getStateToCacheAndObserveFor(self, who, watcher):
        self.watching[who] = watcher
        return {}

    def stoppedObserving(self, who, watcher):
        del self.watching[who]

    def rename(self, name):
        for watcher in self.watching.values():
            self.notify(watcher, "name", name)  # finds: PBX108

    def notify(self, one, what, *args, **kw):
        one.callRemote(what, *args, **kw)

    def observe_rename(self, name):  # finds: PBX108
        print(name)


pb.setUnjellyableForClass(Both, Both)
