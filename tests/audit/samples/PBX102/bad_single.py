from twisted.spread import pb


class Pond(pb.Cacheable):
    last = None

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.last = observer
        return {}

    def stoppedObserving(self, perspective, observer):
        observer.callRemote("bye")  # finds: PBX102
        self.last = None

    def rain(self):
        self.last.callRemote("rain")  # finds: PBX102


class Lake(pb.Cacheable):
    last = None

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.last = observer
        return {}

    def rain(self):
        if self.last is not None:
            self.last.callRemote("rain")  # finds: PBX102
