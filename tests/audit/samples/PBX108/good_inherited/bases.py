"""
A base that announces for others.
"""

from twisted.spread import pb


class Announcing(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def announce(self, event, *args):
        for observer in self.observers:
            observer.callRemote(event, *args)


class Listening(pb.RemoteCache):
    def observe_common(self, value):
        print(value)
