"""
Testing programs that use Perspective Broker, without a network and without
waiting.

    >>> from pbext import pb
    >>> from pbext.testing import connectedPair
    >>> class Pond(pb.Root):
    ...     def remote_countFrogs(self):
    ...         return 7
    >>> with connectedPair(Pond()) as pair:
    ...     pair.result(pair.root.callRemote("countFrogs"))
    7

Two real factories, two real brokers: only the wire between them is a buffer,
and it moves when it is told to.  With pytest, the fixture C{connectedPair}
gives the same function, and closes what it made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import jelly, pb

from pbext._copied import CopiedFailure
from pbext._factories import PBClientFactory, PBServerFactory
from pbext._memory import Link
from pbext._registry import Registry, defaultRegistry

__all__ = [
    "Link",
    "Pair",
    "connectedPair",
    "restoredRegistry",
    "roundTrip",
    "unsampled",
]

_T = TypeVar("_T")


class Pair:
    """
    A server and its clients, connected in memory.

    @ivar links: a L{Link} for each client.
    @ivar clock: the time, for whatever takes a clock.
    @ivar serverFactory: the factory that made the server's brokers.
    """

    def __init__(self, serverFactory: Any, clock: Clock, chunk: int | None) -> None:
        self.serverFactory = serverFactory
        self.clock = clock
        self._chunk = chunk
        self.links: list[Link] = []

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def client(self) -> pb.Broker:
        """
        The first client's broker.
        """
        return self.links[0].client

    @property
    def server(self) -> pb.Broker:
        """
        The server's broker for the first client.
        """
        return self.links[0].server

    @property
    def root(self) -> pb.RemoteReference:
        """
        The root, as the first client sees it.
        """
        return self.links[0].root

    def addClient(self, factory: Any = None) -> Link:
        """
        Connect one more client.

        @param factory: its factory; by default a new
            L{PBClientFactory<pbext._factories.PBClientFactory>}.
        """
        factory = PBClientFactory() if factory is None else factory
        _setClock(factory, self.clock)
        link = Link(
            factory.buildProtocol(None),
            self.serverFactory.buildProtocol(None),
            self._chunk,
        )
        self.links.append(link)
        self.flush()
        return link

    def pump(self) -> bool:
        """
        L{Link.pump} for each link, and a turn for what waits for one.

        @return: whether anything moved.
        """
        moved = [link.pump() for link in self.links]  # all, whoever moves first
        now = self.clock.seconds()
        due = any(call.getTime() <= now for call in self.clock.getDelayedCalls())
        if due:
            self.clock.advance(0)
        return due or any(moved)

    def flush(self, limit: int = 100_000) -> None:
        """
        Pump until nothing moves any more.

        @param limit: how many times at the most.
        @raise RuntimeError: if it never ends: two ends that answer each other
            for ever.
        """
        for _ in range(limit):
            if not self.pump():
                return
        raise RuntimeError(f"still moving after {limit} rounds")

    def result(self, deferred: Deferred[_T]) -> _T:
        """
        Flush until a Deferred has fired.

        @return: its result.
        @raise Exception: its failure's exception; a
            L{RemoteError<twisted.spread.pb.RemoteError>} for one that the
            peer sent.
        @raise AssertionError: if it does not fire.
        """
        self.flush()
        results: list[Any] = []
        deferred.addBoth(results.append)
        if not results:
            raise AssertionError("the Deferred has not fired, and nothing moves now")
        [result] = results
        if isinstance(result, pb.CopiedFailure):
            result = CopiedFailure.normalized(result)  # stock's cannot be raised
        if isinstance(result, Failure):
            result.raiseException()
        return result  # type: ignore[no-any-return]  # what the Deferred fired with

    def close(self) -> None:
        """
        Cut all the links.
        """
        for link in self.links:
            link.cut()


def connectedPair(
    root: Any,
    *,
    clients: int = 1,
    serverFactory: Any = None,
    clientFactory: Any = None,
    chunk: int | None = None,
    clock: Clock | None = None,
) -> Pair:
    """
    Connect clients to a server, in memory.

    @param root: what the server serves: an C{IPBRoot}, or a portal.
    @param clients: how many clients.
    @param serverFactory: makes the factory of the server from the root; by
        default L{PBServerFactory<pbext._factories.PBServerFactory>}.
    @param clientFactory: makes the factory of each client; by default
        L{PBClientFactory<pbext._factories.PBClientFactory>}.
    @param chunk: how many bytes arrive at a time; C{None}, the default, for
        all that there are.
    @param clock: the time; by default a new C{Clock}.
    @return: a L{Pair}, which is a context manager that closes it.
    """
    factory = (serverFactory or PBServerFactory)(root)
    pair = Pair(factory, clock or Clock(), chunk)
    _setClock(factory, pair.clock)
    for _ in range(clients):
        pair.addClient((clientFactory or PBClientFactory)())
    return pair


def _setClock(factory: Any, clock: Clock) -> None:
    """
    Let a factory of ours take the time from a clock, unless it has one.
    """
    if getattr(factory, "clock", clock) is None:
        factory.clock = clock


class _Echo(pb.Root):
    def remote_hold(self, value: object) -> None:
        self.held = value


def roundTrip(
    obj: Any, registry: Registry = defaultRegistry, *, chunk: int | None = None
) -> Any:
    """
    Send an object over a connection, and see what becomes of it.

    @param registry: of both ends.
    @return: the object as it arrived.  A cache is stale by then, since the
        connection is closed; to see one change, use L{connectedPair}.
    @raise Exception: as L{Pair.result}: what kept it from being sent, or from
        being received.
    """
    root = _Echo()
    with connectedPair(
        root,
        serverFactory=partial(PBServerFactory, registry=registry),
        clientFactory=partial(PBClientFactory, registry=registry),
        chunk=chunk,
    ) as pair:
        pair.result(pair.root.callRemote("hold", obj))
    return root.held


def unsampled(registry: Registry, samples: Iterable[Any]) -> list[str]:
    """
    Send a sample of each class, and see that it survives: for a program's own
    tests, C{assert not unsampled(registry, samples)}.

    @param samples: objects as they are sent, each under a tag of its own.
    @return: the tags of the registry that there is no sample of.
    @raise AssertionError: if a sample arrives as something else than the
        registry says; or, where it arrives as its own class and that can be
        compared, unlike itself.
    @raise Exception: as L{roundTrip}.
    """
    missing = {entry.tag: entry for entry in registry}
    for sample in samples:
        tag = _tagSent(sample, registry)
        arrived = roundTrip(sample, registry)
        entry = missing.pop(tag, None) or registry.find(tag)
        if entry is None:
            raise AssertionError(f"{tag} is not in the registry")
        if entry.kind == "class" and isinstance(entry.target, type):
            if type(arrived) is not entry.target:
                raise AssertionError(f"{tag} arrives as {qual(type(arrived))}")
        same = type(arrived) is type(sample)
        if same and _compares(sample) and arrived != sample:
            raise AssertionError(f"a sample of {tag} arrives unlike itself")
    return sorted(missing)


def _compares(sample: object) -> bool:
    own: object = type(sample).__eq__
    return own is not object.__eq__


def _tagSent(sample: Any, registry: Registry) -> str:
    copier = registry.copiers.get(type(sample))
    if copier is not None:
        return copier.tag
    if not isinstance(sample, pb.Copyable):
        raise AssertionError(f"a {qual(type(sample))} is not sent under a tag")
    tag: bytes = sample.getTypeToCopyFor(None)
    return tag.decode("utf-8")


@contextmanager
def restoredRegistry() -> Iterator[None]:
    """
    Put the process-wide tables of classes that may arrive back, in place, to
    what they were: for tests that register classes of their own.
    """
    security = jelly.globalSecurity
    tables: list[dict[Any, Any]] = [
        jelly.unjellyableRegistry,
        jelly.unjellyableFactoryRegistry,
        security.allowedTypes,
        security.allowedModules,
        security.allowedClasses,
    ]
    tables += [defaultRegistry.said, defaultRegistry.copiers]
    before = [dict(table) for table in tables]
    try:
        yield
    finally:
        for table, content in zip(tables, before, strict=True):
            table.clear()
            table.update(content)
