"""
Objects that can be sent and that cannot, and what their hooks do.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable
from typing import Any

from twisted.spread import flavors, jelly
from twisted.spread import pb as stock

from pbext import pb
from pbext.errors import NotSendable

__all__ = [
    "ODD",
    "Brook",
    "Changing",
    "Copied",
    "Copy",
    "Listener",
    "Named",
    "Own",
    "Pond",
    "StockCopy",
    "Strict",
    "Veil",
    "View",
]

#: What a hook that changes what it is in does not go beyond, in items.
_MOST = 300


class Copy(pb.Copyable, pb.RemoteCopy):
    """
    Ours.
    """

    typeToCopy = "tests.fuzz.Copy"


class Level(enum.Enum):
    """
    What travels in another form.
    """

    LOW = 1
    HIGH = 2


class Strict(pb.Copyable, pb.RemoteCopy):
    """
    One that declares what it has.
    """

    typeToCopy = "tests.fuzz.Strict"
    number: int = 0
    things: list[int] | None = None
    level: Level = Level.LOW


class StockCopy(stock.Copyable, stock.RemoteCopy):
    """
    Twisted's.
    """


class View(pb.Copyable):
    """
    One that is different for each perspective.
    """

    typeToCopy = "tests.fuzz.Copy"

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"perspective": str(perspective), **vars(self)}


class Named(pb.Copyable):
    """
    One that is called something else by each perspective.
    """

    def getTypeToCopyFor(self, perspective: Any) -> Any:
        return b"tests.fuzz." + str(perspective).encode("ascii")[-1:]


class Listed(pb.Copyable):
    """
    Has a state that is no dict.
    """

    typeToCopy = "tests.fuzz.Copy"

    def getStateToCopy(self) -> Any:
        return [1, ("x", None)]


class Copied(pb.Copyable):
    """
    Is sent by a copier, if there is one, and as it says itself if not.
    """

    typeToCopy = "tests.fuzz.Copy"


class Changing(pb.Copyable):
    """
    Changes what it is in, while it is sent.
    """

    typeToCopy = "tests.fuzz.Copy"
    _holder: Any = None

    def getStateToCopy(self) -> Any:
        if type(self._holder) is list and len(self._holder) < _MOST:
            self._holder.append(7)
        elif type(self._holder) is dict:
            self._holder["more"] = 7
        return {}


class Failing(stock.Copyable):
    """
    Cannot say what it has.
    """

    def getStateToCopy(self) -> Any:
        raise ZeroDivisionError("no")


class Nameless(stock.Copyable):
    """
    Is sent as what is no name.
    """

    tag: Any = 7

    def getTypeToCopy(self) -> Any:
        return self.tag


class Abstract(jelly.Jellyable):
    """
    Raises what stock raises for some values.
    """

    def jellyFor(self, jellier: Any) -> Any:
        raise NotImplementedError("of its own")


class Mute(stock.Copyable):
    """
    Raises what stock raises for some values, and what is raised here for some.
    """

    def getStateToCopy(self) -> Any:
        return "\ud800".encode()


class MuteItself(jelly.Jellyable):
    """
    The same, where it jellies itself.
    """

    def jellyFor(self, jellier: Any) -> Any:
        return "\ud800".encode()


class Careless(jelly.Jellyable):
    """
    Asks for the jelly of what cannot be sent, and does not send it.
    """

    def jellyFor(self, jellier: Any) -> Any:
        jellier.jelly(object())
        return [b"tests.fuzz.Copy", [], [b"list", []]]


class Torn(pb.Copyable):
    """
    What it has cannot be sent, as it says itself.
    """

    typeToCopy = "tests.fuzz.Copy"

    def getStateToCopy(self) -> Any:
        raise NotSendable(path="$.a", got="nothing", fix="none")


class Own(jelly.Jellyable):
    """
    Jellies itself.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def jellyFor(self, jellier: Any) -> Any:
        sexp = jellier.prepare(self)
        sexp.extend([b"tests.fuzz.Copy", jellier.jelly({"value": self.value})])
        return jellier.preserve(self, sexp)


class Veil(jelly.Jellyable):
    """
    Stands for what is within another value, without a word of its own.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def jellyFor(self, jellier: Any) -> Any:
        return jellier.jelly([self.value, self.value])


class _Bytes(bytes):
    pass


class Bare(jelly.Jellyable):
    """
    Jellies itself into what is not looked at any more.
    """

    def jellyFor(self, jellier: Any) -> Any:
        return (
            b"tests.fuzz.Copy",
            [b"dictionary", [b"a", 1.5], [b"b", 2**70], (b"c", True), [_Bytes(b"d")]],
        )


for _cls in (Copy, Strict):
    stock.setUnjellyableForClass(_cls.typeToCopy, _cls)
stock.setUnjellyableForClass("tests.fuzz.StockCopy", StockCopy)


class Pond(pb.Cacheable):
    """
    Ours, of which there are caches.
    """

    typeToCopy = "tests.fuzz.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return {"ducks": [1, 2]}


class Brook(Pond):
    """
    Tells each observer something before that knows what there is.
    """

    said: Any = None

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        observer.callRemote("change", self.said)
        return {"ducks": 7}


class Listener(pb.Referenceable):
    """
    Takes calls as stock's objects do: in nested lists.
    """

    def remoteMessageReceived(
        self, broker: Any, message: Any, args: Any, kw: Any
    ) -> Any:
        return broker.serialize([message, args, kw], None)


def _named(made: Any, tag: Any) -> Any:
    made.tag = tag
    return made


#: What cannot be sent, or is a reference, or does it all by itself.
ODD: list[Callable[[], Any]] = [
    object,
    lambda: len,
    lambda: datetime,
    lambda: Copy,
    lambda: 1j,
    lambda: bytearray(b"x"),
    lambda: range(3),
    Failing,
    Bare,
    pb.Referenceable,
    stock.Referenceable,
    Pond,
    flavors.Jellyable,
    Nameless,
    lambda: _named(Nameless(), "tests.fuzz.Copy"),
    lambda: _named(Nameless(), b"x" * 40),
    Abstract,
    Torn,
    lambda: _named(Copy(), "x" * 40),
    Named,
    Listed,
    Copied,
    Mute,
    MuteItself,
    Careless,
    Listener,
]
