from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []
        self.byId = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        self.byId[id(observer)] = observer
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers = [
            each
            for each in self.observers
            if each is not observer  # finds: PBX101
        ]
        del self.byId[id(observer)]  # finds: PBX101


class Lake(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        for n, each in enumerate(self.observers):
            if id(each) == id(observer):  # finds: PBX101
                del self.observers[n]
                break
