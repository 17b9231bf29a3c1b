from twisted.spread import pb


class Pond(pb.Cacheable):
    """
    Entries of their own, told apart by what stays the same.
    """

    def __init__(self):
        self.observers = []
        self.byBroker = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        self.byBroker[id(observer.broker), id(perspective)] = observer
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers = [
            each
            for each in self.observers
            if each.broker is not observer.broker
            or each.perspective is not perspective
        ]
        self.byBroker.pop((id(observer.broker), id(perspective)), None)
