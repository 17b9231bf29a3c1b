"""What stays at home, and what only sounds like it."""

from dataclasses import dataclass

from pbext import LocalOnly, pb
from twisted.spread import pb as stock


@dataclass
class Account(pb.Copyable):
    name: str
    password: LocalOnly[str] = ""
    passwordRequired: bool = True


class Local(pb.Copyable):
    localFields = ["secret"]

    def __init__(self, secret):
        self.secret = secret
        self._private = 1


class Parser(stock.Copyable):
    def __init__(self):
        self.token = self.tokens = self.compass = self.secretary = None
        self.keyboard = self.key = None
        self.min_password_length = 8


class Without(stock.Copyable):
    def __init__(self, password):
        self.password = password
        self._private = 1

    def getStateToCopy(self):
        return {"name": "frog", "password": None}


class Removed(stock.Copyable):
    def __init__(self, password):
        self.password = password

    def getStateToCopy(self):
        state = self.__dict__.copy()
        state.pop("password", None)
        return state


class Receiver(stock.RemoteCopy):
    def __init__(self):
        self.password = self._private = None


class Computed(stock.Copyable):
    def __init__(self, password):
        self.password = password

    @property
    def password(self):
        return None

    @password.setter
    def password(self, value):
        pass
