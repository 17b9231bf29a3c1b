"""
What the jobs send.  The classes of the two programs that are compared are
these, the same but for the line that says where C{pb} comes from.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from benchmarks.tally import updatesSeen

#: The Perspective Broker of this process: the line in which the two differ.
PB = os.environ.get("BENCHMARKS_PB", "twisted.spread.pb")
pb: Any = import_module(PB)


class DuckPond(pb.Cacheable):
    """
    A cache whose changes are announced in each of the ways there are.

    @cvar ballast: what else is sent with each.
    """

    ballast: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.ducks: dict[str, int] = {}
        self.followers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.followers.append(observer)
        return {"ducks": self.ducks}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        # Not remove(), which in stock PB fails for all but the first (tw#9671).
        self.followers = [f for f in self.followers if f.broker is not observer.broker]

    def announce(self, kind: str, count: int) -> Deferred[Any]:
        """
        As pbext has it.
        """
        told: Deferred[Any] = self.observers.callRemote(
            "setDucks", kind, count, *self.ballast
        )
        return told

    def loop(self, kind: str, count: int) -> None:
        """
        The documented loop, which asks for no answers.
        """
        for observer in self.followers:
            observer.callRemote("setDucks", kind, count, *self.ballast, pbanswer=False)

    def answeredLoop(self, kind: str, count: int) -> Deferred[Any]:
        """
        The documented loop as it stands in the guide.
        """
        return DeferredList(
            [
                observer.callRemote("setDucks", kind, count, *self.ballast).addErrback(
                    lambda f: None
                )
                for observer in self.followers
            ]
        )


class BulkyPond(DuckPond):
    """
    Whose updates are of 200 bytes.
    """

    ballast = ("." * 150,)


class ConflatingPond(BulkyPond):
    """
    One who could not keep up gets the latest; in stock PB, a L{BulkyPond}.
    """

    whenLagging = "conflate"

    def announce(self, kind: str, count: int) -> Deferred[Any]:
        self._latest = kind, count
        return super().announce(kind, count)

    def getUpdateToConflateFor(
        self, perspective: object
    ) -> tuple[str, tuple[str, int], dict[str, object]]:
        return "setDucks", self._latest, {}


class AcknowledgedPond(DuckPond):
    """
    In stock PB, a L{DuckPond} like any other.
    """

    acknowledged = True


class RemoteDuckPond(pb.RemoteCache):
    """
    What counts the updates that it sees.
    """

    def observe_setDucks(self, kind: str, count: int, ballast: str = "") -> None:
        self.ducks[kind] = count
        updatesSeen.add()


class Frog(pb.Copyable):
    """
    Six fields, which nothing declares.
    """

    def __init__(self) -> None:
        self.name = "Rana"
        self.colour = "green"
        self.age = 7
        self.weight = 0.125
        self.awake = True
        self.spouse = None


class RemoteFrog(pb.RemoteCopy):
    pass


@dataclass
class Toad(pb.Copyable):
    """
    The same six, declared.
    """

    name: str = "Bufo"
    colour: str = "brown"
    age: int = 7
    weight: float = 0.125
    awake: bool = True
    spouse: str | None = None


@dataclass
class RemoteToad(pb.RemoteCopy):
    name: str
    colour: str
    age: int
    weight: float
    awake: bool
    spouse: str | None


class Tadpole(pb.Copyable):
    """
    Three fields.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = "tadpole"
        self.legs = 2


class RemoteTadpole(pb.RemoteCopy):
    pass


def tadpoles(number: int) -> list[Tadpole]:
    """
    @return: many objects as one value.
    """
    return [Tadpole(n) for n in range(number)]


for _sent, _received in (
    (DuckPond, RemoteDuckPond),
    (BulkyPond, RemoteDuckPond),
    (ConflatingPond, RemoteDuckPond),
    (AcknowledgedPond, RemoteDuckPond),
    (Frog, RemoteFrog),
    (Toad, RemoteToad),
    (Tadpole, RemoteTadpole),
):
    pb.setUnjellyableForClass(_sent, _received)
