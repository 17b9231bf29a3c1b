"""Observers in the state, by each of the ways into it."""

import copy

from pbext import pb as ours
from twisted.spread import pb as P
from twisted.spread.flavors import Cacheable as C


class Whole(P.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return self.__dict__  # finds: PBX106


class Copied(C):
    def __init__(self):
        self.watchers = set()

    def getStateToCacheAndObserveFor(self, viewer, watcher):
        self.watchers.add(watcher)
        state = vars(self).copy()
        state["depth"] = 3
        del state["ducks"]
        return state  # finds: PBX106


class Named(P.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {"ducks": [], "observers": self.observers}  # finds: PBX106


class Listed(P.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        state = {}
        state["watched"] = list(self.observers)  # finds: PBX106
        return state


class ByDefault(P.Cacheable):
    def __init__(self):
        self.observers = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers[perspective] = observer
        return self.getStateToCopyFor(perspective)  # finds: PBX106


class BySuper(P.Cacheable):
    def __init__(self):
        self.observer = None

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observer = observer
        state = copy.copy(super().getStateToCacheAndObserveFor(perspective, observer))
        return {**state, "ducks": 1}  # finds: PBX106


class Ours(ours.Cacheable):
    """pbext leaves out what is called observers, and nothing else."""

    def __init__(self):
        self.watchers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.watchers.append(observer)
        return self.getStateToCopy()  # finds: PBX106


class Live(P.Copyable):
    def getStateToCopy(self):
        return self.__dict__  # finds: PBX106
