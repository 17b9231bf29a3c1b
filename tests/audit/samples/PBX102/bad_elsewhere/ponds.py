from twisted.spread import pb


class Followed(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers = [o for o in self.observers if o.broker is not observer.broker]

    def tell(self, name, *args):
        for o in self.observers:
            self._tell(o, name, args)

    def _tell(self, o, name, args):
        o.callRemote(name, *args)  # finds: PBX102


class Pond(Followed):
    def addDuck(self, duck):
        self.tell("addDuck", duck)
