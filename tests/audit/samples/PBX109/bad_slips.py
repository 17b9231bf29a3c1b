from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserverFor(self, perspective, observer):  # finds: PBX109
        self.observers.append(observer)
        return {}

    def stopedObserving(self, perspective, observer):  # finds: PBX109
        self.observers = []


class Lake(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, observer):  # finds: PBX109
        self.observers.append(observer)
        return {}

    async def stoppedObserving(self, perspective, observer):  # finds: PBX109
        self.observers = []
