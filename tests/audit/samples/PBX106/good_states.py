"""States without observers, and fresh ones."""

from pbext import pb as ours
from twisted.spread import pb


class Without(pb.Cacheable):
    def __init__(self):
        self.observers = []
        self.ducks = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        state = self.__dict__.copy()
        del state["observers"]
        return state


class Popped(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        state = dict(vars(self))
        for name in ("observers", "timer"):
            state.pop(name, None)
        return state


class Filtered(pb.Cacheable):
    def __init__(self):
        self._observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self._observers.append(observer)
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}


class Overwritten(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return dict(self.__dict__, observers=len(self.observers))


class ByName(pb.Cacheable):
    def __init__(self):
        self.observers = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers[perspective] = observer
        return {"observers": [p.name for p in self.observers], "n": len(self.observers)}


class Book(ours.Cacheable):
    def __init__(self):
        self.ducks = []


class Mine(ours.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return self.getStateToCopyFor(perspective)


class Private(ours.Cacheable):
    def __init__(self):
        self._watchers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self._watchers.append(observer)
        return self.getStateToCopyFor(perspective)


class Default(pb.Copyable):
    """As Twisted has it: see PBX107."""
