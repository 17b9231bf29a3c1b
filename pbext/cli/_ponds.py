"""
What the demo sends, and the root object that its receivers serve.
"""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.spread import pb as stock

from pbext import pb
from pbext.receiver import ReceiverRoot


class LilyPond:
    colour: str
    numFrogs: int

    def countFrogs(self) -> int:
        return self.numFrogs


@dataclass
class SentPond(LilyPond, pb.Copyable):
    colour: str
    numFrogs: int


class ArrivedPond(LilyPond, pb.RemoteCopy):
    pass


@dataclass
class FrogsAndToads(pb.Copyable):
    frogs: int
    toads: int
    password: pb.LocalOnly[str]

    copyFields = ("colour", "frogsAndToads")
    colour = "green"

    @property
    def frogsAndToads(self) -> int:
        return self.frogs + self.toads


class Animals(pb.RemoteCopy):
    colour: str
    frogsAndToads: int


class DuckPond(pb.Cacheable):
    """
    Announces its changes through the book, and asks who has heard of them.
    """

    acknowledged = True

    def __init__(self, ducks: list[str]) -> None:
        self.ducks = ducks

    def addDuck(self, duck: str) -> Deferred[pb.Delivery]:
        self.ducks.append(duck)
        return self.observers.callRemote("addDuck", duck)

    def removeDuck(self, duck: str) -> Deferred[pb.Delivery]:
        self.ducks.remove(duck)
        return self.observers.callRemote("removeDuck", duck)


class StockDuckPond(stock.Cacheable):
    """
    The same as it is usually written, on Twisted's own classes.
    """

    def __init__(self, ducks: list[str]) -> None:
        self.ducks = ducks
        self.watching: list[stock.RemoteCacheObserver] = []

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        for observer in self.watching:
            observer.callRemote("addDuck", duck).addErrback(lambda failure: None)

    def getStateToCacheAndObserveFor(
        self, perspective: object, observer: stock.RemoteCacheObserver
    ) -> dict[str, list[str]]:
        self.watching.append(observer)
        return {"ducks": self.ducks}

    def stoppedObserving(
        self, perspective: object, observer: stock.RemoteCacheObserver
    ) -> None:
        self.watching.remove(observer)


class WatchedPond(pb.RemoteCache):
    ducks: list[str]

    def observe_addDuck(self, duck: str) -> None:
        self.ducks.append(duck)

    def observe_removeDuck(self, duck: str) -> None:
        self.ducks.remove(duck)


pb.setUnjellyableForClass(SentPond, ArrivedPond)
pb.setUnjellyableForClass(FrogsAndToads, Animals)
pb.setUnjellyableForClass(DuckPond, WatchedPond)
pb.setUnjellyableForClass(StockDuckPond, WatchedPond)


class PondRoot(ReceiverRoot):
    def remote_countFrogs(self, name: str) -> int:
        pond: LilyPond = self.kept(name)
        return pond.countFrogs()

    def remote_fields(self, name: str) -> dict[str, object]:
        return dict(vars(self.kept(name)))

    def remote_ducks(self, name: str) -> list[str]:
        pond: WatchedPond = self.kept(name)
        return pond.ducks
