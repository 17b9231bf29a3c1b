"""
What a broker's table of the caches that the peer has given
(C{twisted.spread.pb.Broker.locallyCachedObjects}) holds in place of the users'
objects.  Our entries do what stock's cannot, on Twisted's broker as on ours:
there is one real object for each cache, and it knows whether it is right.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any, cast
from weakref import WeakSet, ref

import attrs

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.jelly import InsecureJelly, Jellyable
from twisted.spread.pb import Error

from pbext._contract import contractOf
from pbext._copyable import RemoteCopy
from pbext._reports import whereRaised
from pbext.errors import PeerError, StaleCache, UpdateFailed
from pbext.interfaces import IConnection
from pbext.wire._parts import inLists, takesBytes

__all__ = ["CacheEntry", "CacheRecord", "CacheState", "Change", "takesNoArguments"]

_log = Logger()


class CacheState(enum.Enum):
    """
    What a L{RemoteCache<pbext._cacheable.RemoteCache>} knows of itself.

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


class _CannotAnswer(Exception):
    """
    An update was taken, but what the method returned cannot be sent.
    """


class CacheRecord(Jellyable):
    """
    What a cache knows of itself.  It is in the object's C{__dict__} and
    nowhere else: a listener may well refer to its cache, and is to keep it no
    more than the cache keeps itself.
    """

    def jellyFor(self, jellier: Any) -> Any:
        # A class that is a Cacheable too may send its live __dict__.
        return [b"None"]

    def __init__(self, cls: type) -> None:
        self.entry: CacheEntry | None = None
        self.state = CacheState.WAITING
        self.reason: StaleCache | None = None
        self._class = cls
        self._waiting: list[Deferred[Any]] = []
        self.listeners: dict[str, list[Callable[[Any, Any], object]]] = {
            "change": [],
            "stale": [],
        }

    def __reduce__(self) -> Any:
        # A cache that is pickled, or copied deeply, leaves its connection.
        return _detached, (self._class,)

    @property
    def broker(self) -> Any:
        return None if self.entry is None else self.entry.broker

    def fill(self, cache: Any, unjellier: Any, jellyList: Any) -> None:
        """
        Make C{cache}, which is blank, the object that has arrived.
        """
        if takesNoArguments(self._class) and not _isConstructed(self._class):
            cache.__init__()  # stock's rule for a cache
        entry = self.entry = CacheEntry(unjellier.invoker, jellyList[1], cache)
        try:
            cache.setCopyableState(unjellier.unjelly(jellyList[2]))
        except BaseException:
            self.becomeStale(cache, "its state could not be read")
            entry.giveBack()
            raise
        finally:
            self.stayIn(cache)
        self.state = CacheState.LIVE
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(cache)

    def stayIn(self, cache: Any) -> None:
        """
        Some programs assign C{self.__dict__} when they take a new state.
        """
        cache.__dict__["_pbextRecord"] = self

    def whenLive(self, cache: Any) -> Deferred[Any]:
        if self.state is CacheState.LIVE:
            return succeed(cache)
        if self.state is CacheState.STALE:
            return fail(cast(StaleCache, self.reason))
        deferred: Deferred[Any] = Deferred()
        self._waiting.append(deferred)
        return deferred

    def becomeStale(self, cache: Any, reason: str) -> None:
        """
        From now on C{cache} may be wrong.  Tells the listeners, once.
        """
        if self.state is CacheState.STALE:
            return
        self.state = CacheState.STALE
        self.reason = StaleCache(className=qual(self._class), reason=reason)
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.errback(self.reason)
        self._notify("stale", cache, self.reason)

    def forget(self, kind: str, listener: Callable[[Any, Any], object]) -> None:
        """
        Undo one listening; silent if there was none.
        """
        if listener in self.listeners[kind]:
            self.listeners[kind].remove(listener)

    def _notify(self, kind: str, cache: Any, event: object) -> None:
        for listener in list(self.listeners[kind]):
            try:
                listener(cache, event)
            except Exception:
                _log.error(
                    "a listener of {cls} failed: {what}",
                    cls=qual(self._class),
                    what=whereRaised(Failure()),
                )

    def update(self, cache: Any, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        """
        Call C{observe_<message>}, and tell the listeners when it is done.
        """
        name, before = _text(message), self.state
        args, kw = broker.unserialize(args), broker.unserialize(kw)
        if kw:
            kw = {_text(k): v for k, v in kw.items()}
        result = getattr(cache, f"observe_{name}")(*args, **kw)
        if type(result) is types.CoroutineType:
            result = Deferred.fromCoroutine(result)
        if result is not None and isinstance(result, Deferred):
            result = self._outcome(cache, result, Change(name, tuple(args), kw))
        elif self.listeners["change"] and self.state is before:
            # If it is stale by now, it has been told just that.
            self._notify("change", cache, Change(name, tuple(args), kw))
        pack = getattr(broker, "pack", None) or broker.serialize  # Twisted's
        try:
            return pack(result)
        except Exception as error:
            raise _CannotAnswer from error

    def _outcome(
        self, cache: Any, result: Deferred[Any], change: Change
    ) -> Deferred[Any]:
        outcome: Deferred[Any] = Deferred()
        failures: list[Failure] = []

        def done(value: Any) -> None:
            self._notify("change", cache, change)
            outcome.callback(value)

        def failed(failure: Failure) -> None:
            failures.append(failure)
            if later:
                outcome.errback(self.failed(cache, change.name, failure))
                # It has been told here; of a one-way update, nobody else asks.
                outcome.addErrback(lambda _: None)

        later = False
        result.addCallbacks(done, failed)
        if failures:
            raise self.failed(cache, change.name, failures[0])
        later = True
        return outcome

    def failed(self, cache: Any, name: str, failure: Failure) -> UpdateFailed:
        """
        An update failed.  Says so here, without the error's text.

        @return: what the publisher may know.
        """
        kind = qual(type(failure.value))
        error = UpdateFailed(
            className=qual(self._class), method=f"observe_{name}", errorType=kind
        )
        said = {"error": error, "what": whereRaised(failure)}
        connection = IConnection(self.broker, None)
        if connection is None:
            _log.error("{error}: {what}", **said)
        else:
            connection.note("{error}: {what}", LogLevel.error, **said)
        self.becomeStale(cache, f"observe_{name} failed with {kind}")
        return error


class CacheEntry:
    """
    The broker's entry for one cache.  There is one real object for it, held
    by the application alone; how often the publisher has sent it is counted
    here, and told to the publisher (C{decache}) when the object goes.

    The publisher may have sent it once more meanwhile.  So until it agrees
    that the cache is gone (C{uncache}), the state stays here, follows the
    updates, and is handed out if it is asked for.
    """

    def __init__(self, broker: Any, luid: int, cache: Any) -> None:
        self._broker = broker
        self.luid = luid
        self._count = 1
        self._cache: Callable[[], Any] = ref(cache)
        self._kept: Any = None
        broker.cacheLocally(luid, self)
        if broker not in _watched:
            _watched.add(broker)
            broker.notifyOnDisconnect(lambda: _linkLost(broker))

    def gone(self, cache: Any) -> None:
        """
        The application has dropped the object; called by its C{__del__}.
        """
        current = self._cache()
        if current is not None and current is not cache:
            return  # a copy of it that somebody made
        if not self._count or self.broker is None or self.broker.disconnected:
            return
        # A new object for the old state, for a finalizer runs but once.
        # Nobody listens to it: who did has dropped the cache.
        twin = self._kept = _twin(cache)
        record = _recordOf(twin)
        record.listeners["change"].clear()
        record.listeners["stale"].clear()
        connection = IConnection(self.broker, None)
        if connection is None:
            self._release(twin)
        else:
            # The garbage collector runs in whatever thread it likes.
            connection.inReactorThread(lambda: self._release(twin))

    def _release(self, twin: Any) -> None:
        if self._kept is twin:  # or it was handed out meanwhile
            self.giveBack()

    def giveBack(self) -> None:
        """
        Tell the publisher that nobody here holds what it has sent.
        """
        self._cache = _nothing
        count, self._count = self._count, 0
        for _ in range(count):
            self.broker.decCacheRef(self.luid)

    def _present(self) -> Any:
        """
        The one object, wherever it is held.
        """
        cache = self._cache()
        if cache is None:
            cache = self._kept
        if cache is None:
            raise Error("the cache could not be read, or has gone without a word")
        return cache

    def becomeStale(self, reason: str) -> None:
        """
        Say so in the object, if anybody has it.
        """
        cache = self._cache()
        if cache is not None:
            _recordOf(cache).becomeStale(cache, reason)

    # What the broker asks of an entry, by the names that stock has for it.

    def _borgify(self) -> Any:
        """
        It was sent once more.
        """
        cache = self._present()
        self._count += 1
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
            if self._kept is not None:
                # Somebody has it if an observe_ method has kept it meanwhile.
                self._cache = ref(self._kept)
                self._kept = None
            self.becomeStale("its publisher no longer follows it up")

    @takesBytes
    def remoteMessageReceived(
        self, broker: Any, message: Any, args: Any, kw: Any
    ) -> Any:
        """
        An update.  The class of the cache may have a method of this name that
        is its own.

        @raise UpdateFailed: if it failed; the cache is stale then.
        """
        cache, name = self._present(), _text(message)
        record = _recordOf(cache)
        try:
            return inLists(cache.remoteMessageReceived)(broker, name, args, kw)
        except UpdateFailed:
            raise
        except (InsecureJelly, PeerError) as error:
            record.becomeStale(cache, f"an update could not be read: {error}")
            raise
        except _CannotAnswer as error:
            raise cast(Exception, error.__cause__) from None
        except Exception:
            raise record.failed(cache, name, Failure()) from None
        finally:
            record.stayIn(cache)


def _recordOf(cache: Any) -> CacheRecord:
    record: CacheRecord = cache._record
    return record


@lru_cache(maxsize=256)
def takesNoArguments(cls: Any) -> bool:
    """
    Whether the constructor of a class can be called without.
    """
    try:
        signature(cls.__init__).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def _isConstructed(cls: Any) -> bool:
    """
    Whether to take its state is to call the constructor.
    """
    contract = contractOf(cls)
    return (
        contract is not None
        and contract.arguments is not None
        and cls.setCopyableState is RemoteCopy.setCopyableState
    )


def _nothing() -> None:
    """
    A weak reference to nothing.
    """


def _detached(cls: type) -> CacheRecord:
    record = CacheRecord(cls)
    record.becomeStale(None, "it is a copy of another cache")
    return record


def _text(name: str | bytes) -> str:
    # Python 2 peers send keyword names as bytes.
    return name.decode("utf-8") if isinstance(name, bytes) else name


def _linkLost(broker: Any) -> None:
    for entry in list(broker.locallyCachedObjects.values()):
        if isinstance(entry, CacheEntry):
            entry.becomeStale("the connection to its publisher is lost")


def _twin(cache: Any) -> Any:
    """
    @return: a new object with the same state, the same C{__dict__} even.
    """
    cls: Any = type(cache)
    twin = cls.__new__(cls)
    object.__setattr__(twin, "__dict__", cache.__dict__)
    for base in cls.__mro__:
        for member in base.__dict__.values():
            if isinstance(member, types.MemberDescriptorType):
                try:
                    member.__set__(twin, member.__get__(cache, cls))
                except AttributeError:
                    pass  # a slot without a value
    return twin
