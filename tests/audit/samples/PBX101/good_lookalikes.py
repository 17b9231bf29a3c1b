"""
Things that are called observers and are none, and books that are not known.
"""

from shelves import Book
from twisted.spread import pb


class RemotePond(pb.RemoteCache):
    def __init__(self):
        self.observers = []
        self.listeners = set()

    def observe_joined(self, observer):
        self.observers.append(observer)

    def observe_left(self, observer):
        if observer in self.observers:
            self.observers.remove(observer)

    def listen(self, listener):
        self.listeners.add(listener)


class Pond(pb.Cacheable):
    def __init__(self):
        self.book = Book()
        self.listeners = []
        self.names = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.book.add(observer)
        self.names.append(perspective.name)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.book.remove(observer)
        self.names.remove(perspective.name)

    def ignore(self, listener):
        if listener in self.listeners:
            self.listeners.remove(listener)

    def isBusy(self, duck):
        return len(self.names) == duck or duck == self.names


class Plain:
    def __init__(self):
        self.observers = []

    def remove(self, observer):
        self.observers.remove(observer)
