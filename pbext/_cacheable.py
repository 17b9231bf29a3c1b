"""
Keeping caches in step: L{Cacheable} and L{RemoteCache}, thin over
L{pbext._observers} and L{pbext._tables}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from weakref import ref

from twisted.internet.defer import Deferred
from twisted.python.reflect import qual
from twisted.spread import flavors
from twisted.spread.jelly import getInstanceState, setInstanceState

from pbext._copyable import Copyable, RemoteCopy
from pbext._given import give
from pbext._observers import Delivery, Observers
from pbext._tables import CacheRecord, CacheState
from pbext.errors import CannotSendBack
from pbext.wire._parts import takesBytes

__all__ = ["Cacheable", "RemoteCache", "RESERVED"]

#: The books, by the identity of the Cacheable, and beside it: no part of a state,
#: and no class needs to be hashable or to call C{__init__}.
_books: dict[int, tuple[ref[Any], Observers]] = {}


def _bookOf(cacheable: Any) -> Observers:
    found = _books.get(id(cacheable))
    if found is None:
        number, pop = id(cacheable), _books.pop
        gone = ref(cacheable, lambda _: pop(number, None))
        found = _books[number] = gone, Observers(type(cacheable).acknowledged)
    return found[1]


def _joined(cacheable: Any) -> Observers:
    """
    The book that observers enter: the object's own, or one that it has set.
    """
    book = getattr(cacheable, "observers", None)
    return book if isinstance(book, Observers) else _bookOf(cacheable)


class _Book:
    """
    The attribute C{observers}.  It is no data descriptor: an C{observers}
    that a class or an object sets for itself wins.
    """

    def __get__(self, instance: Any, owner: type) -> Observers:
        if instance is None:
            # or a dataclass would take it for the default of a field
            raise AttributeError("observers belong to an instance")
        return _bookOf(instance)


class Cacheable(Copyable, flavors.Cacheable):
    """
    An object whose changes the peers follow.

    It keeps its own L{Observers} as C{self.observers}, whatever the class
    overrides, or uses one that the class sets: to announce a change,
    C{self.observers.callRemote("addDuck", duck)}.  The loop over a list of
    one's own, as Twisted's guide has it, is right as well, since the hooks
    receive the book's observers.

    Each perspective has a view of its own: C{getStateToCacheAndObserveFor}
    is called once for each connection and perspective.

    A method C{observerFailed(observer, failure)} is called for an observer
    that an update could not be delivered to, if it is not just gone.

    @cvar acknowledged: whether announcements ask for an answer; C{False} by
        default.
    @cvar whenLagging: what becomes of an observer that does not read them;
        C{"disconnect"} by default.  See L{pbext._lagging}, and for its hooks.
    """

    acknowledged: ClassVar[bool] = False
    whenLagging: ClassVar[str] = "disconnect"
    localFields: ClassVar[Any] = ("observers",)
    observers = _Book()

    def invalidate(self) -> Deferred[Delivery]:
        """
        Tell all caches that they are stale, C{observe_invalidate()}, and be
        done with them: what is announced later does not reach them, and sent
        again, this object is sent whole.

        @return: see L{Observers.callRemote}.
        """
        book = _joined(self)
        observers = list(book)
        told = book.callRemote("invalidate")
        for observer in observers:
            if not observer.unordered:
                observer.retire()
        return told

    def jellyFor(self, jellier: Any) -> Any:
        broker = jellier.invoker
        if broker is None:
            return getInstanceState(self, jellier)
        if isinstance(self, RemoteCache) and self.broker is broker:
            return b"lcache", self.luid
        return give(self, _joined(self), jellier)


class RemoteCache(RemoteCopy, flavors.RemoteCache):
    """
    What a L{Cacheable} becomes at the receiver: one object for each, however
    often it is sent.  Any class that a L{RemoteCopy} may be, but for a frozen
    one.  As in stock PB, an C{__init__} that needs no arguments is called,
    before the state is set; a generated one, with the state instead.

    The names in L{RESERVED} cannot be fields.
    """

    def __hash__(self) -> int:
        # Stock's follows self.__dict__, which a program may assign.
        return object.__hash__(self)

    @property
    def _record(self) -> CacheRecord:
        found: CacheRecord | None = self.__dict__.get("_pbextRecord")
        if found is None:
            found = self.__dict__["_pbextRecord"] = CacheRecord(type(self))
        return found

    @property
    def broker(self) -> Any:  # type: ignore[override]  # stock's attribute, which state cannot replace here
        """
        The connection that this cache came by, or C{None}.
        """
        return self._record.broker

    @property
    def luid(self) -> int | None:  # type: ignore[override]  # as for broker
        """
        The number of this cache on its connection, or C{None}.
        """
        entry = self._record.entry
        return None if entry is None else entry.luid

    @property
    def cacheState(self) -> CacheState:
        """
        One of the constants of L{CacheState<pbext.CacheState>}.
        """
        return self._record.state

    def whenLive(self) -> Deferred[Any]:
        """
        @return: fires with this cache when its state has arrived; fails with
            L{StaleCache<pbext.errors.StaleCache>} if it is or becomes stale
            before.
        """
        return self._record.whenLive(self)

    def notifyOnChange(self, listener: Callable[[Any, Any], object]) -> None:
        """
        Call C{listener(cache, change)} after each update, with a
        L{Change<pbext.Change>}.  One that raises is logged, and disturbs
        nobody.
        """
        self._record.listeners["change"].append(listener)

    def dontNotifyOnChange(self, listener: Callable[[Any, Any], object]) -> None:
        """
        Undo one L{notifyOnChange}; silent if there was none.
        """
        self._record.forget("change", listener)

    def notifyOnStale(self, listener: Callable[[Any, Any], object]) -> None:
        """
        Call C{listener(cache, reason)} once, when this cache becomes stale,
        with a L{StaleCache<pbext.errors.StaleCache>}; at once if it is.
        """
        self._record.listeners["stale"].append(listener)
        if self._record.reason is not None:
            listener(self, self._record.reason)

    def dontNotifyOnStale(self, listener: Callable[[Any, Any], object]) -> None:
        """
        Undo one L{notifyOnStale}; silent if there was none.
        """
        self._record.forget("stale", listener)

    def observe_invalidate(self) -> None:
        """
        The publisher says that this cache is no longer right.
        """
        self._record.becomeStale(self, "its publisher has invalidated it")

    @takesBytes
    def remoteMessageReceived(
        self, broker: Any, message: Any, args: Any, kw: Any
    ) -> Any:
        """
        Call C{observe_<message>}; if that raises, this cache becomes stale.
        """
        return self._record.update(self, broker, message, args, kw)

    def jellyFor(self, jellier: Any) -> Any:
        broker = jellier.invoker
        if broker is None:
            return getInstanceState(self, jellier)
        if self.broker is broker:
            return b"lcache", self.luid
        if isinstance(self, Cacheable):
            return Cacheable.jellyFor(self, jellier)
        raise CannotSendBack(className=qual(type(self)))

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        if unjellier.invoker is None:
            return setInstanceState(self, unjellier, jellyList)
        self._record.fill(self, unjellier, jellyList)
        return self

    def __del__(self) -> None:
        record = self.__dict__.get("_pbextRecord")
        if record is not None and record.entry is not None:
            record.entry.gone(self)


#: The public names of a L{RemoteCache} and its bases, which no field can have.
RESERVED = frozenset(
    name for name in dir(RemoteCache) if not name.startswith("_")
) | frozenset({"observers"})
