"""
What a broker's tables hold in place of the users' objects.

Twisted's broker keeps one table of the Cacheables that the peer has been
given, and one of the caches that the peer has given (C{twisted.spread.pb.
Broker.remotelyCachedObjects} and C{.locallyCachedObjects}).  Our own entries
in them do what stock's cannot, on Twisted's broker as on ours: a view for
each perspective, the book's own observer for the hooks, one real object for
each cache.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable
from typing import Any, cast
from weakref import WeakSet, ref

import attrs

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.jelly import InsecureJelly
from twisted.spread.pb import Local

from pbext._observers import Observer
from pbext.errors import StaleCache, UpdateFailed, whereRaised

__all__ = ["CacheRecord", "CacheState", "Change", "GivenCache"]

_log = Logger()


class GivenCache(Local):
    """
    The publisher's entry for one view of a Cacheable.

    To whom asks what the peer means by its number, it is the Cacheable; when
    the broker lets go of it, which is the one other time that the broker
    asks, it is the observer, whose C{stoppedObserving} then knows what to
    tell the Cacheable.  So the stand-in never leaks to the application.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.perspective = observer.perspective
        self.refcount = 1

    @property
    def object(self) -> Any:
        if self.refcount <= 0 or self._observer.broker.disconnected:
            return self._observer
        return self._observer.cached


class CacheState(enum.Enum):
    """
    What a L{RemoteCache<pbext.pb.RemoteCache>} knows of itself.

    @cvar WAITING: its state has not arrived.
    @cvar LIVE: it follows its publisher.
    @cvar STALE: it no longer does; for good.
    """

    WAITING = "waiting"
    LIVE = "live"
    STALE = "stale"


@attrs.frozen
class Change:
    """
    One update of a cache.

    @ivar name: the message, without C{observe_}.
    @ivar args: its arguments.
    @ivar kw: its keyword arguments.
    """

    name: str
    args: tuple[Any, ...]
    kw: dict[str, Any]


#: Brokers whose loss is being waited for on behalf of their caches.
_watched: WeakSet[Any] = WeakSet()


class CacheRecord:
    """
    The receiver's entry for one cache.  There is one real object for it,
    held by the application alone; how often the publisher has sent it is
    counted here, and told to the publisher (C{decache}) when the object goes.

    The publisher may have sent it once more meanwhile.  So until it agrees
    that the cache is gone (C{uncache}), the state stays here, follows the
    updates, and is handed out if it is asked for.
    """

    def __init__(self, cls: type) -> None:
        self._broker: Any = None
        self.luid: int | None = None
        self.state = CacheState.WAITING
        self._className = qual(cls)
        self.reason: StaleCache | None = None
        self._count = 0
        self._cache: Callable[[], Any] = lambda: None
        self._kept: Any = None
        self.listeners: dict[str, list[Callable[[Any, Any], object]]] = {
            "change": [],
            "stale": [],
        }
        self._waiting: list[Deferred[Any]] = []

    # What the application asks.

    def attach(self, broker: Any, luid: int, cache: Any) -> None:
        """
        C{cache} is the object for the publisher's C{luid}.
        """
        self.broker = broker
        self.luid = luid
        self._count = 1
        self._cache = ref(cache)
        broker.cacheLocally(luid, self)
        if broker not in _watched:
            _watched.add(broker)
            broker.notifyOnDisconnect(lambda: _linkLost(broker))

    def live(self) -> None:
        """
        The state has arrived.
        """
        self.state = CacheState.LIVE
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(self.cache)

    def whenLive(self, cache: Any) -> Deferred[Any]:
        if self.state is CacheState.LIVE:
            return succeed(cache)
        if self.state is CacheState.STALE:
            return fail(cast(StaleCache, self.reason))
        deferred: Deferred[Any] = Deferred()
        self._waiting.append(deferred)
        return deferred

    def becomeStale(self, reason: str) -> None:
        """
        From now on the cache may be wrong.  Tells the listeners, once.
        """
        if self.state is CacheState.STALE:
            return
        self.state = CacheState.STALE
        self.reason = StaleCache(className=self._className, reason=reason)
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.errback(self.reason)
        self._notify("stale", self.reason)

    @property
    def cache(self) -> Any:
        """
        The one object, wherever it is held, or L{None}.
        """
        cache = self._cache()
        return self._kept if cache is None else cache

    def _notify(self, kind: str, event: object) -> None:
        cache = self.cache
        for listener in list(self.listeners[kind]):
            try:
                listener(cache, event)
            except Exception:
                _log.error(
                    "a listener of {cls} failed: {what}",
                    cls=self._className,
                    what=whereRaised(Failure()),
                )

    def gone(self, cache: Any) -> None:
        """
        The application has dropped the object; called by its C{__del__}.
        """
        current = self._cache()
        if current is not None and current is not cache:
            return  # a copy of it that somebody made
        if self._kept is not None or self.broker is None or self.broker.disconnected:
            return
        # A new object for the old state, for a finalizer runs but once.
        self._kept = _twin(cache)
        count, self._count = self._count, 0
        for _ in range(count):
            self.broker.decCacheRef(self.luid)

    # What the broker asks of an entry, by the names that stock has for it.

    def _borgify(self) -> Any:
        """
        It was sent once more.
        """
        self._count += 1
        cache = self.cache
        if cache is self._kept:
            self._kept = None
            self._cache = ref(cache)
        return cache

    @property
    def broker(self) -> Any:
        return self._broker

    @broker.setter
    def broker(self, broker: Any) -> None:
        self._broker = broker
        if broker is None:
            # C{proto_uncache}: the publisher has let go of it.
            self._kept = None
            self.becomeStale("its publisher no longer follows it up")

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        """
        An update: call C{observe_<message>}.

        @raise UpdateFailed: if there is no such method, or if it failed; the
            cache is stale then.
        """
        cache = self.cache
        name = message.decode("utf-8") if isinstance(message, bytes) else message
        try:
            args = broker.unserialize(args)
            kw = {_text(k): v for k, v in broker.unserialize(kw).items()}
            result = getattr(cache, f"observe_{name}")(*args, **kw)
        except InsecureJelly as error:
            self.becomeStale(f"an update could not be read: {error}")
            raise
        except Exception:
            raise self._failed(name, Failure()) from None
        finally:
            # Some programs assign self.__dict__ when they take a new state.
            cache.__dict__["_pbextRecord"] = self
        self._notify("change", Change(name, tuple(args), kw))
        if isinstance(result, Deferred):
            result.addErrback(lambda failure: fail(self._failed(name, failure)))
        return broker.serialize(result)

    def _failed(self, name: str, failure: Failure) -> UpdateFailed:
        kind = qual(type(failure.value))
        error = UpdateFailed(
            className=self._className, method=f"observe_{name}", errorType=kind
        )
        _log.error("{error}: {what}", error=error, what=whereRaised(failure))
        self.becomeStale(f"observe_{name} failed with {kind}")
        return error


def _text(name: str | bytes) -> str:
    # Python 2 peers send keyword names as bytes.
    return name.decode("utf-8") if isinstance(name, bytes) else name


def _linkLost(broker: Any) -> None:
    for record in list(broker.locallyCachedObjects.values()):
        if isinstance(record, CacheRecord):
            record.becomeStale("the connection to its publisher is lost")


def _twin(cache: Any) -> Any:
    """
    @return: a new object with the same state, the same C{__dict__} even.
    """
    cls = type(cache)
    twin = cls.__new__(cls)
    twin.__dict__ = cache.__dict__
    for base in cls.__mro__:
        for name, member in base.__dict__.items():
            if isinstance(member, types.MemberDescriptorType):
                try:
                    member.__set__(twin, member.__get__(cache, cls))
                except AttributeError:
                    pass  # a slot without a value
    return twin
