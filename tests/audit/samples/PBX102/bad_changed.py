from pbext import pb as ours
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        for each in self.observers:
            if each.broker is observer.broker:
                self.observers.remove(each)  # finds: PBX102

    def addDuck(self, duck):
        for each in self.observers:
            try:
                each.callRemote("addDuck", duck)
            except Exception:
                self._drop(each)

    def _drop(self, gone):
        self.observers.pop(self.position(gone))  # finds: PBX102

    def position(self, gone):
        return 0

    async def ask(self):
        for each in self.observers:
            try:
                await each.callRemote("ask")  # finds: PBX102
            except Exception:
                pass


class Lake(ours.Cacheable):
    def __init__(self):
        self.byPerspective = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.byPerspective[id(perspective)] = observer
        return {}

    def stoppedObserving(self, perspective, observer):
        for key, each in self.byPerspective.items():
            if each is observer:
                del self.byPerspective[key]  # finds: PBX102
