"""What is in a whole __dict__."""

from twisted.spread import pb as P
from twisted.spread.flavors import Copyable as C


class Account(P.Copyable):
    def __init__(self, name, password):
        self.name = name
        self.password = password  # finds: PBX107

    def setKey(self, apiKey):
        self.apiKey = apiKey  # finds: PBX107


class Frog(C):  # finds: PBX107
    def __init__(self):
        self._skin = 1
        self._bones = 2


class Toad(Frog):
    """Told of its parent."""


class Newt(Frog):  # finds: PBX107
    def __init__(self):
        Frog.__init__(self)
        self._tail = 1


class Session(P.Cacheable):
    def __init__(self, sessionToken):
        self.sessionToken = sessionToken  # finds: PBX107
        self.dbPassword = ""  # finds: PBX107

    def getStateToCopyFor(self, perspective):
        state = self.__dict__.copy()
        del state["name"]
        return state


class Login(P.Copyable):
    def getStateToCopy(self):
        return {
            "user": self.user,
            "passwd": self.passwd,  # finds: PBX107
        }


class Both(P.Copyable, P.RemoteCopy):  # finds: PBX107
    """It may need at the other side what it has here."""

    def __init__(self):
        self._value = 1


P.setUnjellyableForClass(Both, Both)
