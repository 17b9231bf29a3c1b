from twisted.internet import defer
from twisted.spread.flavors import Cacheable as C


class Pond(C):
    def __init__(self):
        self.byTopic = {}

    def getStateToCacheAndObserveFor(self, who, far):
        self.byTopic.setdefault("ducks", []).append((who, far))
        return {}

    def stoppedObserving(self, who, far):
        for pairs in self.byTopic.values():
            pairs[:] = [p for p in pairs if p[1].broker is not far.broker]

    @property
    def watching(self):
        return [far for pairs in self.byTopic.values() for _, far in pairs]

    def each(self):
        for pairs in self.byTopic.values():
            for _, far in pairs:
                yield far

    @defer.inlineCallbacks
    def announce(self, duck):
        for far in self.watching:
            yield far.callRemote("addDuck", duck)  # finds: PBX102

    async def announceToo(self, duck):
        for far in self.each():
            await far.callRemote("addDuck", duck)  # finds: PBX102

    def gather(self, duck):
        return defer.gatherResults(
            [
                far.callRemote("addDuck", duck)  # finds: PBX102
                for far in self.watching
            ],
            consumeErrors=True,
        )

    def guarded(self, duck):
        for far in self.watching:
            try:
                far.callRemote("addDuck", duck)  # finds: PBX102
            except DeadReferenceError:  # noqa: F821
                continue
