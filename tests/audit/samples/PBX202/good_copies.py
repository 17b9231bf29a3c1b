"""
Hooks that leave the object as it is, or change what may change.
"""

import copy
import time

from twisted.spread import pb

from pbext import pb as ours


class Account(pb.Copyable):
    def __init__(self, name, password):
        self.name = name
        self.password = password
        self.sent = 0
        self._digest = None
        self.total = 0
        self.error = None

    def getStateToCopy(self):
        state = self.__dict__.copy()
        del state["password"]
        state["name"] = state["name"].upper()
        return state


class Copied(Account):
    def getStateToCopy(self):
        state = dict(super().getStateToCopy())
        state.pop("name")
        return state


class AboveIsFresh(Account):
    def getStateToCopy(self):
        state = super().getStateToCopy()
        del state["name"]
        return state


class ByModule(Account):
    def getStateToCopy(self):
        state = copy.copy(self.__dict__)
        state.clear()
        return {**self.__dict__, "password": None}


class Remembers(Account):
    def getStateToCopy(self):
        self.sent += 1
        self.last = time.time()
        self._digest = None
        self.__dict__["total"] = 42
        return {"name": self.name}


class PutsBack(Account):
    def getStateToCopy(self):
        password = self.password
        self.password = None
        try:
            return dict(self.__dict__)
        finally:
            self.password = password


class TakesOutAndPutsBack(Account):
    def getStateToCopy(self):
        password = self.__dict__.pop("password")
        state = self.__dict__.copy()
        self.__dict__["password"] = password
        return state


class Rebound(Account):
    def getStateToCopy(self):
        state = self.__dict__
        state = {key: state[key] for key in state}
        del state["password"]
        return state


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []
        self.byPerspective = {}
        self.ducks = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        self.byPerspective[perspective] = observer
        return {"ducks": self.ducks}

    def stoppedObserving(self, perspective, observer):
        self.byPerspective.pop(perspective)


class Fresh(ours.Copyable):
    def getStateToCopy(self):
        state = super().getStateToCopy()
        state.pop("password", None)
        return state


class Receives(pb.RemoteCopy):
    def setCopyableState(self, state):
        self.__dict__ = state
        del self.__dict__["name"]
