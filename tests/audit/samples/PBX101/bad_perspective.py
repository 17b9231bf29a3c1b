from pbext import pb as ours
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers[perspective] = observer  # finds: PBX101
        return {}

    def stoppedObserving(self, perspective, observer):
        del self.observers[perspective]


class Lake(ours.Cacheable):
    def __init__(self):
        self.watching = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.watching[perspective] = (observer, 0)  # finds: PBX101
        return {}

    def stoppedObserving(self, perspective, observer):
        self.watching.pop(perspective, None)


class Sea(pb.Cacheable):
    def __init__(self):
        self.observers = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        # It is said to be somebody: that is worth a note.
        self.observers[perspective] = observer  # finds: PBX101
        return {"owner": perspective.name}

    def stoppedObserving(self, perspective, observer):
        del self.observers[perspective]
