from twisted.spread import pb  # noqa: F401

from somewhere import Base


class Pond(Base):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)  # finds: PBX101
