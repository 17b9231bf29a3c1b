from following import Followed
from twisted.spread import pb


class Pond(Followed, pb.Cacheable):
    def stoppedObserving(self, perspective, observer):
        self.forget(perspective, observer)


class Lake(Followed, pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        if observer in self.observers:  # finds: PBX101
            return {}
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def stoppedObserving(self, perspective, observer):
        Followed.forget(self, perspective, observer)


class Sea(Followed, pb.Cacheable):
    stoppedObserving = Followed.forget
