"""
The ends of the property test on calls: what each can be asked, what it has to
give, and what of that cannot be sent, or read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.spread import pb as stock

from pbext import pb
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, StockPond

__all__ = ["ERRORS", "SENDABLE", "UNREGISTERED", "UNSENDABLE", "Carrier", "Declared"]

#: More than Banana takes.
LARGE = "x" * 700_000


class Declared(Exception):
    """
    Its text may be sent.
    """


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError()


class Torn(pb.Copyable, pb.RemoteCopy, pb.Error):
    """
    An error that is copied as such.
    """

    typeToCopy = "tests.goods.Torn"


class Stuck(pb.Copyable, pb.Error):
    """
    One that cannot be copied, after all.
    """

    def getStateToCopy(self) -> Any:
        return [object()]


class Stranger(pb.Copyable, pb.Error):
    """
    One that nobody has registered.
    """

    typeToCopy = "tests.goods.Stranger"


class Unregistered(pb.Copyable):
    typeToCopy = "tests.goods.Unregistered"


class Carrier(pb.Copyable, pb.RemoteCopy):
    """
    Calls somebody while it is put into a message.
    """

    typeToCopy = "tests.goods.Carrier"
    _call: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def getStateToCopy(self) -> Any:
        self._call()
        return {}


pb.setUnjellyableForClass(Torn, Torn)
pb.setUnjellyableForClass(Carrier, Carrier)

#: What the methods raise, by name.
ERRORS: dict[str, Callable[[], BaseException]] = {
    "undeclared": lambda: ZeroDivisionError("no"),
    "declared": lambda: Declared("no"),
    "error": lambda: stock.Error("no"),
    "cancelled": CancelledError,
    "exit": SystemExit,
    "mute": Mute,
    "large": lambda: Declared(LARGE),
    "torn": Torn,
    "stuck": Stuck,
    "stranger": Stranger,
}

#: What an end makes (L{End.make}) that arrives.
SENDABLE = ["number", "list", "duck", "newDuck", "pond", "classic", "things"]
#: What cannot leave.
UNSENDABLE = ["object", "function", "large"]
#: What is not known where it arrives.
UNREGISTERED = ["unregistered", "strange"]


class _Methods:
    """
    What both kinds of ends can be asked.

    @ivar kept: what it was given to keep.
    @ivar pending: what it has not answered yet, and what makes the answers.
    """

    end: End

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.pending: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def later(self, make: Callable[[], Any]) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        self.pending.append((deferred, make))
        return deferred

    def remote_echo(self, thing: Any) -> Any:
        return thing

    def remote_slowEcho(self, thing: Any) -> Any:
        return self.later(lambda: thing)

    def remote_keep(self, thing: Any) -> None:
        self.kept.append(thing)

    def remote_give(self, name: str) -> Any:
        return self.end.make(name)

    def remote_slowGive(self, name: str) -> Any:
        return self.later(lambda: self.end.make(name))

    def remote_fail(self, name: str) -> None:
        raise ERRORS[name]()

    def remote_slowFail(self, name: str) -> Any:
        return self.later(lambda: Failure(ERRORS[name]()))


class _Desk(_Methods, pb.Root):
    async def remote_asyncEcho(self, thing: Any) -> Any:
        return await self.later(lambda: thing)

    async def remote_asyncFail(self, name: str) -> Any:
        return await self.later(lambda: Failure(ERRORS[name]()))


class _StockDesk(_Methods, stock.Root):
    pass


class _Duck(pb.Referenceable):
    def remote_quack(self) -> str:
        return "quack"


class _StockDuck(stock.Referenceable):
    def remote_quack(self) -> str:
        return "quack"


class _ClassicPond(StockPond):
    def tell(self, name: str, *args: Any) -> list[Any]:
        return [told.addErrback(lambda _: None) for told in super().tell(name, *args)]


class End:
    """
    One who calls and is called.

    @ivar ours: whether with our classes, or with Twisted's alone.
    @ivar desk: what others call.
    @ivar carried: what its Carriers do.
    """

    def __init__(self, ours: bool) -> None:
        self.ours = ours
        self.desk: Any = _Desk() if ours else _StockDesk()
        self.desk.end = self
        self.carried: Callable[[], object] = lambda: None
        self.renew()

    def renew(self) -> None:
        """
        Drop all that it has and was given, for new things.
        """
        self.duck = self.make_newDuck()
        Own: Any = Pond if self.ours else _ClassicPond
        self.pond = Own(WATCHER)
        self.classic = _ClassicPond(STOCK_WATCHER)
        self.strange = [Own("tests.goods.Own"), _ClassicPond("tests.goods.Classic")]
        self.desk.kept.clear()

    @property
    def ponds(self) -> list[Any]:
        return [self.pond, self.classic, *self.strange]

    def make(self, name: str) -> Any:
        """
        @return: something to send.
        """
        return getattr(self, f"make_{name}")()

    def make_number(self) -> Any:
        return 7

    def make_list(self) -> Any:
        return [1, ("two", {b"three": None}), {4.5}]

    def make_duck(self) -> Any:
        return self.duck

    def make_newDuck(self) -> Any:
        return _Duck() if self.ours else _StockDuck()

    def make_pond(self) -> Any:
        return self.pond

    def make_classic(self) -> Any:
        return self.classic

    def make_things(self) -> Any:
        return [self.pond, self.duck, self.pond, self.classic]

    def make_carrier(self) -> Any:
        return [self.pond, self.classic, Carrier(self.carried), self.duck]

    def make_object(self) -> Any:
        return [*self.make_things(), object()]

    def make_function(self) -> Any:
        return [*self.make_things(), len]

    def make_large(self) -> Any:
        return [*self.make_things(), LARGE]

    def make_unregistered(self) -> Any:
        return Unregistered()

    def make_strange(self) -> Any:
        return self.strange

    def make_refused(self) -> Any:
        """
        Things before and after one that nobody knows.
        """
        return [*self.make_things(), Unregistered(), *self.make_things()]
