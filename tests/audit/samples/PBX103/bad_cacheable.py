"""An observer is told of what it cannot receive; the allow-list is open elsewhere."""

from twisted.spread import jelly, pb


class Duck(pb.Copyable):  # finds: PBX103
    pass


class Pond(pb.Cacheable):
    def __init__(self):
        self.watchers = {}

    def getStateToCacheAndObserveFor(self, perspective, watcher):
        self.watchers[perspective] = watcher
        return {}

    def stoppedObserving(self, perspective, watcher):
        del self.watchers[perspective]

    def add(self):
        duck = Duck()
        for watcher in self.watchers.values():
            watcher.callRemote("addDuck", duck).addErrback(lambda failure: None)


class RemotePond(pb.RemoteCache):
    def observe_addDuck(self, duck):
        pass


pb.setUnjellyableForClass(Pond, RemotePond)
OPTIONS = jelly.DummySecurityOptions()
