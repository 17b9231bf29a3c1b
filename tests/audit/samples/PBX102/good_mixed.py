from pbext import pb as ours
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.watching = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.watching.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.watching = [o for o in self.watching if o.broker is not observer.broker]


class Lake(ours.Cacheable):
    def __init__(self):
        self.watching = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.watching.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.watching.remove(observer)


def rain(lake):
    for each in lake.watching:
        each.callRemote("rain")
