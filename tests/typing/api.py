"""
The public names as a typed program uses them: checked by mypy, never run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import attrs

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from pbext import (
    Delivery,
    Limits,
    LocalOnly,
    Observer,
    Observers,
    pb,
    swallowDeadReference,
)
from pbext.audit import AuditFailed, Finding, Severity, check, raiseFor
from pbext.errors import CallTimedOut, NotSendable, PBExtError, RefusedTag, StaleCache
from pbext.testing import (
    Link,
    Pair,
    connectedPair,
    restoredRegistry,
    roundTrip,
    unsampled,
)


@dataclass
class Pond(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "pond.Pond"
    frogs: int
    colour: str = "green"
    password: LocalOnly[str] = ""


@attrs.frozen
class Frog(pb.Copyable):
    copyFields: ClassVar[tuple[str, ...]] = ("name",)
    localFields: ClassVar[list[str]] = ["weight"]
    name: str
    weight: float

    def getStateToCopyFor(self, perspective: object) -> Any:
        return {**self.getStateToCopy(), "for": perspective}

    def getTypeToCopy(self) -> bytes:
        return b"pond.Frog"


class ReadsAList(pb.RemoteCopy):
    def setCopyableState(self, state: Any) -> None:
        self.frogs, self.toads = state


class DuckPond(pb.Cacheable):
    acknowledged: ClassVar[bool] = True
    whenLagging: ClassVar[str] = "conflate"

    def __init__(self) -> None:
        self.ducks: list[str] = []

    def getUpdateToConflateFor(
        self, perspective: object
    ) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return "setDucks", (self.ducks,), {}

    def observerLagging(self, observer: Observer) -> None:
        print(observer.lagging, self.observers.lagging)

    def addDuck(self, duck: str, author: Observer) -> Deferred[Delivery]:
        self.ducks.append(duck)
        everyone: Observers = self.observers
        everyone.without(author).callRemote("addDuck", duck)
        everyone.forPerspective("ann").callRemote("hello")
        return self.observers.callRemote("addDuck", duck)

    def getStateToCacheAndObserveFor(self, perspective: object, observer: Any) -> Any:
        return {"ducks": self.ducks}

    def stoppedObserving(self, perspective: object, observer: Any) -> None:
        remaining: int = len(self.observers)
        print(observer in self.observers, remaining)

    def observerFailed(self, observer: Observer, failure: Failure) -> None:
        print(observer.perspective, failure)


class FollowedPond(pb.RemoteCache):
    ducks: list[str]

    def observe_addDuck(self, duck: str) -> None:
        self.ducks.append(duck)


pb.setUnjellyableForClass(Pond, Pond)
pb.setUnjellyableForClass("pond.DuckPond", FollowedPond)
pb.setUnjellyableForClass(b"pond.Frog", ReadsAList)


class PlainPond:
    """
    The book by itself.
    """

    def __init__(self) -> None:
        self.book = Observers(acknowledged=True)

    def follow(self, observer: Observer) -> Observer:
        return self.book.add(observer)

    def forget(self, observer: Observer) -> None:
        self.book.discard(observer)
        observer.callRemote("bye").addErrback(swallowDeadReference)
        sent: int = self.book.counters.sent + self.book.counters.lagged
        print(sent)


async def announce(pond: DuckPond, author: Observer) -> None:
    try:
        delivery = await pond.addDuck("daffy", author)
    except NotSendable as error:
        print(error.path.upper(), error.fix, error.got)
        return
    told: tuple[Observer, ...] = delivery.sent
    for observer, failure in delivery.refused.items():
        print(observer.broker, failure.value, len(told))
    invalidated: Delivery = await pond.invalidate()
    print(invalidated)


async def follow(cache: FollowedPond) -> None:
    def onChange(cache: FollowedPond, change: pb.Change) -> None:
        print(change.name, change.args, change.kw)

    def onStale(cache: FollowedPond, reason: StaleCache) -> None:
        print(reason.className, reason.reason)

    cache.notifyOnChange(onChange)
    cache.dontNotifyOnChange(onChange)
    cache.notifyOnStale(onStale)
    cache.dontNotifyOnStale(onStale)
    await cache.whenLive()
    if cache.cacheState is pb.CacheState.STALE:
        print(cache.broker, cache.luid)


def factories(root: pb.Root) -> None:
    server = pb.PBServerFactory(root, unsafeTracebacks=False)
    brokers: set[Any] = server.connections
    client = pb.PBClientFactory(security=pb.globalSecurity)
    print(len(brokers), client.getRootObject())
    limits: Limits = pb.Limits(references=7, callSeconds=1.5, idleSeconds=None)
    pb.PBServerFactory(root, limits=limits, declaredErrors=[KeyError], clock=Clock())


class AsyncRoot(pb.Root):
    async def remote_relay(self, other: pb.RemoteReference) -> Any:
        quick: pb.RemoteReference = other.withTimeout(3)
        method: pb.RemoteMethod = quick.remoteMethod("jump")
        known: set[pb.RemoteReference] = {other, quick}
        try:
            return await method(len(known), other == quick)
        except CallTimedOut as error:
            raise pb.Error(f"{error.method} took {error.seconds}") from None


class Versioned(pb.RemoteCopy):
    copyVersion: ClassVar[int] = 1
    copyConstruct: ClassVar[bool] = True
    copyUnknown: ClassVar[str] = "forbid"

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def upgradeStateToVersion1(cls, state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "name": "nobody"}


def registries(root: pb.Root) -> pb.Registry:
    registry = pb.Registry()
    registry.setUnjellyableForClass(Pond, Pond, replace=True)
    versioned: type[Versioned] = registry.unjellyableFor("pond.Versioned")(Versioned)
    registry.registerCopier(complex, "pond.complex", str, complex)
    for entry in registry.select(modules=["ponds"], tags=["pond.Pond"]):
        one: pb.Registration = entry
        print(one.tag, one.kind, one.target, one.module, one.place, one.version)
    pb.PBServerFactory(root, registry=registry)
    missing: list[str] = unsampled(registry, [Pond(3), versioned("x")])
    print(missing, roundTrip(1j, registry), len(registry), "pond.Pond" in registry)
    return pb.defaultRegistry


def gauges(broker: pb.Broker) -> dict[str, float]:
    if broker.fault is not None:
        print(broker.fault)
    return {limit: used / most for limit, (used, most) in broker.gauges.items()}


def opaque(copied: pb.OpaqueCopy, cached: pb.OpaqueCache) -> None:
    tag: str = copied.tag
    fields: dict[str, Any] = cached.fields
    messages: list[pb.Change] = list(cached.messages)
    print(tag, fields, messages)


def audit(registry: pb.Registry) -> list[str]:
    findings: list[Finding] = check(registry, modules=["ponds"])
    try:
        raiseFor(findings, failOn=Severity.WARNING)
    except AuditFailed as error:
        findings = list(error.findings)
    return [f"{f.place.path}:{f.place.line} {f.severity}: {f.fix}" for f in findings]


def errors(error: PBExtError) -> str:
    if isinstance(error, RefusedTag):
        return error.tag + error.path
    return str(error)


def testing(root: pb.Root, factory: Callable[[Any], Any]) -> None:
    with restoredRegistry():
        pair: Pair
        with connectedPair(root, clients=3, chunk=1, clock=Clock()) as pair:
            answer: Deferred[int] = pair.root.callRemote("countFrogs")
            frogs: int = pair.result(answer)
            link: Link = pair.addClient(pb.PBClientFactory())
            link.cut(client=7)
            moved: bool = pair.pump()
            pair.flush()
            print(frogs, moved, link.connected)
        connectedPair(root, serverFactory=factory)
        arrived: Any = roundTrip(Pond(3))
        print(arrived)
