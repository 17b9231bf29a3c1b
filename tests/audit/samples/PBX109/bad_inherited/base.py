from twisted.spread import pb


class Followed(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        self.observers.append(observer)
        return self.getStateToCopyFor(perspective)


class Quiet(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        return {"ducks": self.ducks}
