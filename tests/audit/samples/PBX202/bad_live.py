"""
The object's own dict, by all the ways to it.
"""

from twisted.spread import pb
from twisted.spread.flavors import Cacheable as Kept


class Account(pb.Copyable):
    def __init__(self, name, password, pond):
        self.name = name
        self.password = password
        self.pond = pond

    def getStateToCopy(self):
        state = self.__dict__
        del state["password"]  # finds: PBX202
        return state


class Popped(Account):
    def getStateToCopyFor(self, perspective):
        d = self.__dict__
        if not perspective.trusted:
            d.pop("password")  # finds: PBX202
        return d


class Soft(Account):
    def getStateToCopy(self):
        self.__dict__.pop("password", None)  # finds: PBX202
        return self.__dict__


class Called(Account):
    def getStateToCopyFor(self, perspective):
        state = pb.Copyable.getStateToCopy(self)
        del state["password"]  # finds: PBX202
        return state


class Above(pb.Copyable):
    def getStateToCopy(self):
        state = super().getStateToCopy()
        state.pop("password")  # finds: PBX202
        return state


class Old(pb.Copyable):
    def getStateToCopy(me):
        state = super(Old, me).getStateToCopy()
        state.clear()  # finds: PBX202
        return state


class Attribute(Account):
    def getStateToCopy(self):
        del self.password  # finds: PBX202
        return self.__dict__.copy()


class ByName(Account):
    def getStateToCopy(self):
        for name in ("password",):
            delattr(self, name)  # finds: PBX202
        return vars(self)


class Vars(Account):
    def getStateToCopy(self):
        state = vars(self)
        del state["password"]  # finds: PBX202
        return state


class Replaced(Account):
    def getStateToCopy(self):
        state = self.__dict__
        state["pond"] = state["pond"].name  # finds: PBX202
        state["password"] = None  # finds: PBX202
        return state


class Emptied(Account):
    def getStateToCopy(self):
        self.password = None  # finds: PBX202
        return self.__dict__


class Shallow(pb.Copyable):
    def __init__(self):
        self.settings = {"password": "x"}

    def getStateToCopy(self):
        state = self.__dict__.copy()
        del state["settings"]["password"]  # finds: PBX202
        return state


class Followed(Kept):
    def __init__(self):
        self.secret = 1

    def getStateToCacheAndObserveFor(self, perspective, observer):
        state = self.getStateToCopyFor(perspective)
        state.pop("secret")  # finds: PBX202
        return state


class Helped(Account):
    def getStateToCopy(self):
        return self.without(self.__dict__)

    def without(self, state):
        del state["password"]  # finds: PBX202
        return state
