"""
What stock Perspective Broker gets wrong with a peer that does not read: fault
A6, with processes that are really stopped, over TCP and over TLS.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import tracemalloc
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

import pbext
from pbext import Limits, pb
from tests.processes import Child, environment

reactor: Any = _reactor

#: Follows ponds, and says what became of them.
FOLLOWER = """
import sys
from twisted.internet import reactor
from pbext import pb

class Pond(pb.RemoteCache):
    seen, last = 0, None
    def observe_add(self, number, load):
        self.seen, self.last = self.seen + 1, number
    def observe_reset(self, number):
        self.last = number
    def observe_report(self):
        return self.seen, self.last

pb.setUnjellyableForClass("tests.slow.Pond", Pond)
kind, port, *names = sys.argv[1:]
kept = []

async def follow():
    root = await factory.getRootObject()
    for name in names:
        pond = await root.callRemote("get", name)
        pond.notifyOnStale(lambda pond, reason: print("stale", pond.seen, pond.last))
        kept.append(pond)
    print("following")

factory = pb.PBClientFactory()
if kind == "tls":
    from twisted.internet.ssl import CertificateOptions
    reactor.connectSSL("127.0.0.1", int(port), factory, CertificateOptions())
else:
    reactor.connectTCP("127.0.0.1", int(port), factory)
follow = __import__("twisted.internet.defer").internet.defer.ensureDeferred(follow())
follow.addErrback(lambda failure: (failure.printTraceback(), reactor.stop()))
reactor.run()
"""

#: An update's load; how many are written before all have to have come that go
#: to those that read; and how often.
LOAD = b"x" * 2000
BATCH, BATCHES = 20, 25

MARK = 50_000

#: What of a stopped one may be in the publisher's memory: what its transport
#: takes before it says so, the mark, and as much again for Python.
MOST = 2 * (2**17 + MARK)


class SlowPond(pb.Cacheable):
    """
    Disconnects who lags.
    """

    typeToCopy = "tests.slow.Pond"
    localFields = ("lagging", "left")

    def __init__(self) -> None:
        self.last = 0
        self.lagging: list[Any] = []
        self.left: Deferred[Any] = Deferred()

    def add(self) -> None:
        self.last += 1
        self.observers.callRemote("add", self.last, LOAD)

    def observerLagging(self, observer: Any) -> None:
        self.lagging.append(observer)

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        if not self.left.called:
            self.left.callback(observer)


class DroppingPond(SlowPond):
    whenLagging = "drop"


class ConflatingPond(SlowPond):
    whenLagging = "conflate"

    def getUpdateToConflateFor(self, perspective: Any) -> Any:
        return "reset", (self.last,), {}


class Ponds(pb.Root):
    def __init__(self) -> None:
        self.ponds: dict[str, SlowPond] = {
            "disconnect": SlowPond(),
            "drop": DroppingPond(),
            "conflate": ConflatingPond(),
        }

    def remote_get(self, name: str) -> Any:
        return self.ponds[name]

    def alone(self, name: str) -> Any:
        """
        @return: the observer of this pond whose connection has no other.
        """
        shared = {
            id(observer.broker)
            for other, pond in self.ponds.items()
            for observer in pond.observers
            if other != name
        }
        [found] = [
            observer
            for observer in self.ponds[name].observers
            if id(observer.broker) not in shared
        ]
        return found


class _StoppedPeers:
    """
    For each policy a follower that is stopped, and two that go on.
    """

    kind = "tcp"

    def listen(self, factory: Any) -> Any:
        return reactor.listenTCP(0, factory, interface="127.0.0.1")

    async def follow(self, port: int, *names: str) -> Child:
        path = str(Path(pbext.__file__).parent.parent)
        child = Child.start(
            self,
            [sys.executable, "-c", FOLLOWER, self.kind, str(port), *names],
            env=environment(PYTHONPATH=path),
        )
        await child.waitFor("^following")
        return child

    async def test_A6_aPeerThatDoesNotRead(self) -> None:
        """
        What waits for a peer that is stopped is bounded, and everybody else is
        told everything meanwhile; when it wakes, it finds its connection
        closed, or what it has missed in one update, or lost and counted.
        """
        root = Ponds()
        factory = pb.PBServerFactory(root, limits=Limits(laggingBytes=MARK))
        port = self.listen(factory)
        self.addCleanup(port.stopListening)
        number = port.getHost().port
        names = list(root.ponds)
        followed = [self.follow(number, name) for name in names]
        followed += [self.follow(number, *names) for _ in "12"]
        started = await gatherResults(map(Deferred.fromCoroutine, followed))
        children = dict(zip(names, started, strict=False))
        stopped = {name: root.alone(name) for name in names}
        for observer in stopped.values():
            # The kernel takes megabytes for each, if one lets it.
            raw = observer.broker.transport.socket
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**14)
        going = {
            name: pond.observers.without(stopped[name])
            for name, pond in root.ponds.items()
        }
        for child in children.values():
            child.kill("STOP")
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(BATCHES):
            for pond in root.ponds.values():
                for _ in range(BATCH):
                    pond.add()
            for audience in going.values():
                told = await audience.callRemote("report", pbanswer=True)
                self.assertEqual(2, len(told.confirmed))
        total = BATCH * BATCHES
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        self.assertLess(after - before, len(stopped) * MOST)
        # Of each of those that go on, and of each pond, everything.
        for audience in going.values():
            told = await audience.callRemote("report", pbanswer=True)
            self.assertEqual([(total, total)] * 2, list(told.confirmed.values()))
        for name, pond in root.ponds.items():
            self.assertEqual([stopped[name]], pond.lagging)
        self.assertEqual(stopped["disconnect"], await root.ponds["disconnect"].left)
        self.assertEqual(
            [0, 1, 1], [pond.observers.lagging for pond in root.ponds.values()]
        )
        drained: dict[str, Deferred[None]] = {
            "drop": Deferred(),
            "conflate": Deferred(),
        }
        for name, done in drained.items():
            stopped[name].broker.outlet.whenDrained(
                lambda done=done: done.callback(None)
            )
        for child in children.values():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGCONT)

        match = await children["disconnect"].waitFor(r"^stale (\d+) (\d+)")
        seen, last = map(int, match.groups())
        self.assertEqual(seen, last)
        self.assertLess(seen, total)

        await drained["drop"]
        counters = root.ponds["drop"].observers.counters
        seen, last = await stopped["drop"].callRemote("report")
        self.assertEqual((total, seen), (seen + counters.lagged, last))
        root.ponds["drop"].add()
        self.assertEqual(
            (seen + 1, total + 1), await stopped["drop"].callRemote("report")
        )

        await drained["conflate"]
        counters = root.ponds["conflate"].observers.counters
        seen, last = await stopped["conflate"].callRemote("report")
        self.assertEqual((total, total), (seen + counters.lagged, last))
        self.assertEqual(1, counters.conflated)

        for broker in list(factory.connections):
            broker.transport.loseConnection()
        for child in children.values():
            child.kill()


class StoppedPeersTCPTests(_StoppedPeers, TestCase):
    """
    Over TCP.
    """

    timeout = 60


class StoppedPeersTLSTests(_StoppedPeers, TestCase):
    """
    Over TLS.
    """

    timeout = 60
    kind = "tls"

    def listen(self, factory: Any) -> Any:
        try:
            from tests.certificates import serverOptions
        except ImportError:
            raise SkipTest("pyOpenSSL is not there: pip install pbext[tls]") from None
        return reactor.listenSSL(0, factory, serverOptions(), interface="127.0.0.1")
