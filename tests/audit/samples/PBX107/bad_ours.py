"""pbext sends no private names, but public ones."""

from dataclasses import dataclass

from pbext import pb
from twisted.spread import pb as stock


@dataclass
class Account(pb.Copyable):
    name: str
    secret_key: str  # finds: PBX107
    _cached: int = 0


class Plain(pb.Copyable):
    def __init__(self, credentials):
        self.credentials = credentials  # finds: PBX107
        self._private = 1


class Stock(pb.Copyable):  # finds: PBX107
    getStateToCopy = stock.Copyable.getStateToCopy

    def __init__(self):
        self._private = 1
