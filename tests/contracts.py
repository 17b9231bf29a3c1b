"""
Two ends for the tests of faults in what is sent as copies: the one that is to
blame has a registry of its own; what the same tags become at the other end is
in Twisted's tables.  And things that people send for which jelly has no word.
"""

from __future__ import annotations

import datetime
import enum
from functools import partial
from typing import Any, NamedTuple

from twisted.spread import pb as stock

from pbext import Registry, pb
from tests.desks import Ends
from tests.wires import PBEXT, STOCK, Factories

__all__ = [
    "MIXINS",
    "NOON",
    "OURS",
    "REGISTRY",
    "ROWS",
    "Arrived",
    "Colour",
    "ContractCase",
    "Level",
    "Point",
    "Rights",
    "Sent",
    "Table",
    "Text",
    "register",
]

REGISTRY = Registry()

#: The factories of the end that is to blame.
OURS = Factories(
    partial(pb.PBServerFactory, registry=REGISTRY),
    partial(pb.PBClientFactory, registry=REGISTRY),
)

ROWS: dict[str, dict[str, Any]] = {
    "OfAServer": {"ours": OURS, "theirs": STOCK, "serving": True},
    "OfAClient": {"ours": OURS, "theirs": STOCK, "serving": False},
    "WithPbext": {"ours": OURS, "theirs": PBEXT, "serving": True},
}

#: For what our classes do alone, on Twisted's factories.
MIXINS: dict[str, dict[str, Any]] = {
    "OnStockFactories": {
        "ours": STOCK,
        "theirs": STOCK,
        "serving": True,
        "prefix": "mixins.",
    }
}


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2
    OWN = 4


class Point(NamedTuple):
    x: int
    y: float


class Text(str):
    pass


class Table(dict):  # type: ignore[type-arg]  # as people write them
    pass


#: Aware of its time zone.
NOON = datetime.datetime(2024, 5, 6, 12, tzinfo=datetime.timezone.utc)


class Sent(stock.Copyable):
    """
    A copy of stock's, with any tag and any state.
    """

    def __init__(self, tag: str, state: Any) -> None:
        self.tag = tag
        self.state = state

    def getTypeToCopy(self) -> bytes:
        return self.tag.encode()

    def getStateToCopy(self) -> Any:
        return self.state


class Arrived(stock.RemoteCopy):
    """
    What our objects become at the other end: whatever came.
    """


def register(cls: Any) -> Any:
    """
    Let what comes under C{faults.} and the name of a class be that here, and
    L{Arrived} there; under C{mixins.}, for L{MIXINS}, be that too.
    """
    REGISTRY.setUnjellyableForClass(f"faults.{cls.__name__}", cls)
    stock.setUnjellyableForClass(f"faults.{cls.__name__}", Arrived)
    pb.setUnjellyableForClass(f"mixins.{cls.__name__}", cls)
    return cls


class ContractCase(Ends):
    """
    Things that are sent in either direction, as arguments and as answers.

    @cvar prefix: of the tags that the end that is to blame reads.
    """

    prefix = "faults."

    def tag(self, cls: Any) -> str:
        """
        @return: what an object of a class here is sent under.
        """
        return f"{self.prefix}{cls.__name__}"

    def of(self, cls: Any, **state: Any) -> Sent:
        """
        @return: what is sent to become one.
        """
        return Sent(self.tag(cls), state)

    async def toOurs(self, thing: Any) -> list[Any]:
        """
        @return: what a thing of theirs becomes here: of an argument, of an
            argument by name, and of an answer.
        """
        self.ourDesk.kept.clear()
        await self.result(self.toUs.callRemote("keep", [thing], it=thing))
        [one], other = self.ourDesk.kept
        self.theirDesk.things["it"] = (thing,)
        [third] = await self.result(self.toThem.callRemote("get", "it"))
        return [one, other, third]

    async def toTheirs(self, thing: Any) -> list[Any]:
        """
        @return: what a thing of ours becomes there.
        """
        self.theirDesk.kept.clear()
        await self.result(self.toThem.callRemote("keep", [thing], it=thing))
        [one], other = self.theirDesk.kept
        self.ourDesk.things["it"] = (thing,)
        [third] = await self.result(self.toUs.callRemote("get", "it"))
        return [one, other, third]

    async def refusals(self, thing: Any) -> list[Any]:
        """
        @return: the failures that the callers get if a thing of theirs is
            refused here: as an argument, at C{$[1][0]}, and as an answer, at
            C{$[1][0]} too.
        """
        one = await self.failure(self.toUs.callRemote("keep", 1, [thing]))
        self.assertEqual([], self.ourDesk.kept)
        self.theirDesk.things["it"] = (1, [thing])
        other = await self.failure(self.toThem.callRemote("get", "it"))
        return [one, other]
