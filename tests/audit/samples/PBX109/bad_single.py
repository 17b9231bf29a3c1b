from twisted.spread import pb


class Pond(pb.Cacheable):
    watching = None

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        self.watching = observer
        return {}

    def stoppedObserving(self, perspective, observer):
        self.watching = None
