"""
Methods that are made of names.
"""

from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def add(self, duck):
        for o in self.observers:
            o.callRemote("addDuck", duck)


class RemotePond(pb.RemoteCache):
    pass


for name in ("addDuck", "removeDuck"):
    setattr(RemotePond, "observe_" + name, print)

pb.setUnjellyableForClass(Pond, RemotePond)
