from twisted.spread import pb


class Watched(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return self.state()

    def state(self):
        return {}
