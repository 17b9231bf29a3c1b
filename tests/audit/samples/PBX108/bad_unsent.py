"""
What nobody says.
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
    def observe_addDuck(self, duck):
        print(duck)

    def observe_removeDuck(self, duck):  # finds: PBX108
        print(duck)


pb.setUnjellyableForClass(Pond, RemotePond)
