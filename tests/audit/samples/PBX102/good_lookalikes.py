from twisted.spread import pb


class Client(pb.Referenceable):
    def __init__(self, desk, ducks):
        self.desk = desk
        self.ducks = ducks
        self.observers = []

    def send(self):
        for duck in self.ducks:
            self.desk.callRemote("take", duck).addErrback(print)

    def remote_joined(self, observer):
        self.observers.append(observer)

    def show(self):
        for observer in self.observers:
            observer.show()
            self.observers.remove(observer)


class Pond(pb.Cacheable):
    last = None

    def __init__(self):
        self.listeners = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.last = observer
        return {}

    def stoppedObserving(self, perspective, observer):
        self.last = None

    def rain(self):
        if not self.last:
            return
        self.last.callRemote("rain").addErrback(print)

    def snow(self):
        for listener in self.listeners:
            listener.update("snow")
