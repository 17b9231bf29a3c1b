"""
Messages that fit, or of which that cannot be known.
"""

from somewhere import Mixin
from twisted.spread import pb

from pbext import pb as ours


class Watched(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}


class Pond(Watched):
    def add(self, duck, **details):
        for o in self.observers:
            o.callRemote("addDuck", duck)
            o.callRemote("addDuck", duck=duck)
            o.callRemote("addDuck", *[duck])
            o.callRemote("any", 1, 2, 3, four=4)
            o.callRemote("addDuck", duck, **details)
            o.callRemote("decorated", 1, 2, 3)
            o.callRemote("assigned", 1, 2, 3)
            o.callRemote(f"set_{duck}", 1)
            self.names[duck].callRemote("unknown", 1)


class RemotePond(pb.RemoteCache):
    def observe_addDuck(self, duck):
        print(duck)

    def observe_any(self, *args, **kw):
        print(args, kw)

    @Mixin.wrapped
    def observe_decorated(self, one):
        print(one)

    observe_assigned = Mixin.method


pb.setUnjellyableForClass(Pond, RemotePond)


class Open(Watched):
    def add(self):
        for o in self.observers:
            o.callRemote("whatever")


class RemoteOpen(pb.RemoteCache):
    def remoteMessageReceived(self, broker, message, args, kw):
        print(message)


pb.setUnjellyableForClass(Open, RemoteOpen)


class Mixed(Watched):
    def add(self):
        for o in self.observers:
            o.callRemote("whatever")


class RemoteMixed(Mixin, pb.RemoteCache):
    pass


pb.setUnjellyableForClass(Mixed, RemoteMixed)


class Unregistered(Watched):
    def add(self):
        for o in self.observers:
            o.callRemote("whatever")


class Foreign(Watched):
    def add(self, pond):
        for o in pond.observers:
            o.callRemote("addDuck", 1)
        for user in self.users:
            user.callRemote("whatever")


class RemoteForeign(pb.RemoteCache):
    pass


pb.setUnjellyableForClass(Foreign, RemoteForeign)


class Ours(ours.Cacheable):
    def stop(self):
        self.invalidate()
        self.observers.callRemote("invalidate")


class RemoteOurs(ours.RemoteCache):
    pass


ours.setUnjellyableForClass(Ours, RemoteOurs)
