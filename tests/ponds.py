"""
The ponds of the tests on caches: publishers, those who watch, and the root
objects between them, with pbext's classes and with Twisted's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import formatEvent, globalLogPublisher
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.testing import Pair, connectedPair

__all__ = [
    "ClassicPond",
    "Hooked",
    "Pond",
    "PondRoot",
    "PondTestCase",
    "StockPond",
    "StockWatcher",
    "Watcher",
]

#: Which class a pond becomes is for its tag to say, one for each.
WATCHER = "tests.ponds.Watcher"
STOCK_WATCHER = "tests.ponds.StockWatcher"


class Pond(pb.Cacheable):
    """
    Announces with its book.

    @ivar left: whom C{stoppedObserving} was called for, in order.
    @ivar failed: what C{observerFailed} was told, in order.
    @ivar whenLeft: called by C{stoppedObserving}.
    """

    localFields = ("left", "failed", "whenLeft")

    def __init__(self, tag: str = WATCHER, name: str = "pond") -> None:
        self._tag = tag
        self.left: list[Any] = []
        self.failed: list[Any] = []
        self.whenLeft: Callable[[Any], object] = lambda observer: None
        self.name = name
        self.ducks: list[Any] = []

    def getTypeToCopy(self) -> bytes:
        return self._tag.encode()

    def addDuck(self, duck: Any) -> Any:
        self.ducks.append(duck)
        return self.observers.callRemote("addDuck", duck)

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.left.append(observer)
        self.whenLeft(observer)

    def observerFailed(self, observer: Any, failure: Any) -> None:
        self.failed.append((observer, failure))


class ClassicPond(Pond):
    """
    The loop of Twisted's guide: a list of its own, C{append}, C{remove}, and
    an errback that throws everything away.

    @ivar book: pbext's, which the list hides.
    """

    def __init__(
        self, tag: str = WATCHER, name: str = "pond", removes: bool = True
    ) -> None:
        super().__init__(tag, name)
        self.observers = []
        self._removes = removes

    @property
    def book(self) -> Any:
        return pb.Cacheable.__dict__["observers"].__get__(self, type(self))

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"name": self.name, "ducks": self.ducks}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        super().stoppedObserving(perspective, observer)
        if self._removes:
            self.observers.remove(observer)

    def addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)
        for observer in self.observers:
            observer.callRemote("addDuck", duck).addErrback(lambda _: None)


class Hooked(Pond):
    """
    Does something while its state is gathered.

    @ivar hook: does it, and may return the state.
    """

    localFields = ("hook",)
    hook: Any = staticmethod(lambda perspective, observer: None)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        state = self.hook(perspective, observer)
        return (
            {"name": self.name, "ducks": list(self.ducks)} if state is None else state
        )


class StockPond(stock.Cacheable):
    """
    Twisted's, kept clear of its faults: observers under their brokers' ids.
    """

    def __init__(self, tag: str = WATCHER, name: str = "pond") -> None:
        self.tag = tag
        self.name = name
        self.ducks: list[Any] = []
        self.followers: dict[tuple[int, int], Any] = {}
        self.left: list[Any] = []

    def getTypeToCopy(self) -> bytes:
        return self.tag.encode()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.followers[id(observer.broker), id(perspective)] = observer
        return {"name": self.name, "ducks": self.ducks}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.left.append(observer)
        del self.followers[id(observer.broker), id(perspective)]

    def addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)
        self.tell("addDuck", duck)

    def tell(self, name: str, *args: Any) -> list[Any]:
        return [o.callRemote(name, *args) for o in list(self.followers.values())]


class _Watching:
    """
    What both kinds of watchers do.

    @ivar told: each update, in order.
    """

    def observe_addDuck(self, duck: Any) -> None:
        self.ducks.append(duck)
        self.note("addDuck", duck)

    def observe_replace(self, state: dict[str, Any]) -> None:
        told = self.__dict__.get("told", [])
        self.__dict__ = {**state, "told": told}

    def observe_fail(self, secret: str) -> None:
        raise ValueError(f"no {secret}")

    def observe_failDeferred(self, secret: str) -> Any:
        return fail(ValueError(f"no {secret}"))

    def observe_failLater(self, secret: str) -> Any:
        self.later: Any = Deferred()
        return self.later

    def observe_noticed(self) -> None:
        self.note("noticed")

    def note(self, *what: Any) -> None:
        self.__dict__.setdefault("told", []).append(what)


class Watcher(_Watching, pb.RemoteCache):
    pass


class StockWatcher(_Watching, stock.RemoteCache):
    def observe_invalidate(self) -> None:
        self.note("invalidate")


pb.setUnjellyableForClass(WATCHER, Watcher)
stock.setUnjellyableForClass(STOCK_WATCHER, StockWatcher)


class PondRoot(stock.Root):
    """
    Gives its things, and takes and keeps what it is given.
    """

    def __init__(self, **things: Any) -> None:
        self.things = things
        self.kept: dict[str, Any] = {}

    def remote_get(self, name: str = "pond") -> Any:
        return self.things[name]

    def remote_take(self, name: str, thing: Any) -> None:
        self.kept[name] = thing

    def remote_drop(self, name: str) -> None:
        self.kept.pop(name, None)

    def remote_same(self, name: str, thing: Any) -> bool:
        return self.things[name] is thing


class PondTestCase(SynchronousTestCase):
    """
    A server in memory that publishes, and its clients.
    """

    def connect(
        self, clients: int = 3, *, clientFactory: Any = None, **things: Any
    ) -> Pair:
        """
        @return: the connections; the root has C{things}.
        """
        self.root = PondRoot(**things)
        self.pair = connectedPair(
            self.root, clients=clients, clientFactory=clientFactory
        )
        self.addCleanup(self.pair.close)
        return self.pair

    def get(self, client: int, name: str = "pond") -> Any:
        """
        @return: what one of the clients gets.
        """
        root = self.pair.links[client].root
        return self.pair.result(root.callRemote("get", name))

    def follow(
        self, pond: Any, clients: int = 3, clientFactory: Any = None
    ) -> list[Any]:
        """
        @return: a cache at each client, kept by this list alone, which the
            test case keeps.
        """
        self.connect(clients, clientFactory=clientFactory, pond=pond)
        self.caches = [self.get(client) for client in range(clients)]
        return self.caches

    def recordLog(self) -> list[str]:
        """
        @return: what is logged from now on, as text, tracebacks too.
        """
        lines: list[str] = []

        def observe(event: Any) -> None:
            lines.append(f"{formatEvent(event)} {event!r}")
            if "log_failure" in event:
                lines.append(event["log_failure"].getTraceback())

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        return lines
