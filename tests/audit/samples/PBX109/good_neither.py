from twisted.spread import pb


class Map(pb.Cacheable):
    """
    Twisted's own hooks send the state once; there is no promise to break.
    """

    def getStateToCopy(self):
        return {"size": self.size}


class Abstract(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        raise NotImplementedError

    def move(self):
        self.x = 1


class Base(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {"x": self.x}

    def move(self):
        self.x = 1


class Followed(Base):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return super().getStateToCacheAndObserveFor(perspective, observer)

    def stoppedObserving(self, perspective, observer):
        self.observers = [o for o in self.observers if o.broker is not observer.broker]


class Half(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}


class Whole(Half):
    observers = []

    def stoppedObserving(self, perspective, observer):
        self.observers = []
