"""
The fixture C{connectedPair}, and pytest-twisted: run by C{python -m pytest -p
twisted tests/test_pytest}, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.spread import jelly
from twisted.spread import pb as stock

from pbext import pb
from pbext.testing import Pair, restoredRegistry


class DuckPond(pb.Cacheable):
    typeToCopy = "test_pytest.DuckPond"

    def __init__(self) -> None:
        self.ducks = 2

    def addDuck(self) -> Any:
        self.ducks += 1
        return self.observers.callRemote("count", self.ducks)


class FollowedPond(pb.RemoteCache):
    def observe_count(self, ducks: int) -> None:
        self.ducks = ducks


class Desk(pb.Root):
    def remote_take(self, value: object) -> str:
        self.taken = value
        return "safe and sound"

    def remote_give(self) -> object:
        return self.pond


def test_call(connectedPair: Any) -> None:
    """
    The fixture connects as the function does.
    """
    desk = Desk()
    pair = connectedPair(desk, clients=2, chunk=1)
    assert isinstance(pair, Pair)
    answer = pair.links[1].root.callRemote("take", 7)
    assert pair.result(answer) == "safe and sound"
    assert desk.taken == 7


@pytest.fixture
def afterwards() -> Iterator[list[Callable[[], bool]]]:
    """
    What has to be true when the fixtures that come after this one are gone.
    """
    checks: list[Callable[[], bool]] = []
    before = dict(jelly.unjellyableRegistry)
    yield checks
    assert checks and all(check() for check in checks)
    assert jelly.unjellyableRegistry == before


def test_leave(afterwards: Any, connectedPair: Any) -> None:
    """
    What a test leaves open is closed, and what it registers is forgotten.
    """
    pairs = [connectedPair(Desk(), clients=3), connectedPair(Desk())]
    pb.setUnjellyableForClass("test_pytest.left", pb.RemoteCopy)
    links = [link for pair in pairs for link in pair.links]
    assert len(links) == 4 and all(link.connected for link in links)
    afterwards.append(lambda: not any(link.connected for link in links))


def test_twoPairs(connectedPair: Any) -> None:
    """
    A test may have several pairs.
    """
    one, two = connectedPair(Desk()), connectedPair(Desk())
    one.close()
    assert two.result(two.root.callRemote("take", 1)) == "safe and sound"


@pytest_twisted.ensureDeferred
async def test_await(connectedPair: Any) -> None:
    """
    A coroutine awaits what was pumped.
    """
    pb.setUnjellyableForClass(DuckPond, FollowedPond)
    desk, pond = Desk(), DuckPond()
    pair = connectedPair(desk)
    answer = pair.root.callRemote("take", pond)
    pair.flush()
    assert await answer == "safe and sound"
    live = await desk.taken.whenLive()
    delivery = await pond.addDuck()
    assert len(delivery.sent) == 1
    pair.flush()
    assert live.ducks == 3


@pytest.mark.parametrize("library", [pb, stock], ids=["pbext", "stock"])
@pytest_twisted.ensureDeferred
async def test_overTCP(library: Any) -> None:
    """
    pytest-twisted waits for the network: a pond over TCP, with a receiver of
    ours and one of Twisted's.
    """
    with restoredRegistry():
        pb.setUnjellyableForClass(DuckPond, FollowedPond)
        desk = Desk()
        desk.pond = pond = DuckPond()
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            pb.PBServerFactory(desk)
        )
        factory = library.PBClientFactory()
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        broker = await client.connect(factory)
        root = await factory.getRootObject()
        cache = await root.callRemote("give")
        changed: Deferred[Any] = Deferred()
        cache.notifyOnChange(lambda cache, change: changed.callback(change))
        pond.addDuck()
        change = await changed
        assert (change.name, cache.ducks) == ("count", 3)
        gone: list[Deferred[None]] = [Deferred(), Deferred()]
        broker.notifyOnDisconnect(lambda: gone[0].callback(None))
        [server] = desk.pond.observers
        server.broker.notifyOnDisconnect(lambda: gone[1].callback(None))
        broker.transport.loseConnection()
        for each in gone:
            await each
        await port.stopListening()
        assert len(pond.observers) == 0
        assert cache.cacheState is pb.CacheState.STALE
