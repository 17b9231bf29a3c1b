from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append((perspective, observer))
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove((perspective, observer))  # finds: PBX101

    def isFollowedBy(self, wanted):
        return wanted in [o for _, o in self.observers]  # finds: PBX101
