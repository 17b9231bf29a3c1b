from pbext import pb as ours
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        self.observers.append(observer)
        return {}


class Lake(pb.Cacheable):
    followers = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self._follow(perspective.name, observer)
        return {}

    def _follow(self, name, observer):
        self.followers[name] = observer

    def stoppedObserving(self, perspective, observer):  # finds: PBX109
        """
        Nothing to do.
        """


class Sea(ours.Cacheable):
    def __init__(self):
        self.mine = []

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        self.mine.append(observer)
        return {}
