"""
A base that announces for others.
"""

from collections import UserDict

from twisted.spread import pb


class Announcing(UserDict, pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)

    def announce(self, event, *args, **kwargs):
        for observer in self.observers:
            observer.callRemote(event, *args, **kwargs)


class Listening(UserDict, pb.RemoteCache):
    def observe_common(self, value):
        print(value)
