"""
References to the peer's objects, and what a reference on the wire may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.reflect import qual
from twisted.spread import pb

from pbext._copied import CopiedFailure
from pbext.errors import BadReference, CannotSendBack

__all__ = ["READERS", "RemoteMethod", "RemoteReference"]

_log = Logger(namespace="pbext")


class RemoteReference(pb.RemoteReference):
    """
    A reference to an object of the peer's.  Two are equal if they are to the
    same object by the same connection; to compare and to hash them never
    raises (stock's C{__cmp__} does).
    """

    #: Seconds for the answer to a call, or what the connection's limits say.
    _seconds: float | None = None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, pb.RemoteReference)
            and self.broker is other.broker
            and self.luid == other.luid
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((id(self.broker), self.luid))

    def withTimeout(self, seconds: float) -> RemoteReference:
        """
        @return: a reference to the same object, equal to this one, whose
            calls fail with L{CallTimedOut<pbext.errors.CallTimedOut>} if they
            are not answered in so many seconds.
        @raise ValueError: if C{seconds} is not above 0.
        """
        if not seconds > 0:
            raise ValueError(f"a timeout has to be above 0 seconds, not {seconds}")
        limited = type(self)(self.perspective, self.broker, self.luid, 0)
        limited._seconds = seconds
        limited._counted = self  # type: ignore[attr-defined]  # alive as long
        return limited

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Any:
        """
        Call C{remote_<name>}, or what the object has in its place.  This
        never raises for what the link or the peer did.

        @return: a Deferred of the answer; C{None} for a call with
            C{pbanswer=False} that was sent.
        """
        name = _name if isinstance(_name, bytes) else _name.encode("utf-8")
        return self.broker._sendMessage(
            b"", self.perspective, self.luid, name, args, kw, self._seconds
        )

    def remoteMethod(self, key: str) -> RemoteMethod:
        """
        @return: L{callRemote} with its first argument given.
        """
        return RemoteMethod(self, key)

    def notifyOnDisconnect(self, callback: Callable[[Any], object]) -> None:
        """
        Call C{callback(reference)} when the connection is lost; at once if it
        is.
        """
        if self.broker.disconnected:
            self._tell(callback)
        else:
            super().notifyOnDisconnect(callback)

    def _disconnected(self) -> None:
        callbacks, self.disconnectCallbacks = self.disconnectCallbacks, []
        for callback in callbacks:
            self._tell(callback)

    def _tell(self, callback: Callable[[Any], object]) -> None:
        try:
            callback(self)
        except Exception:
            _log.failure("a notifier of the loss of a connection failed")

    def dontNotifyOnDisconnect(self, callback: Callable[[Any], object]) -> None:
        """
        Undo one L{notifyOnDisconnect}.

        @raise ValueError: if there was none and the connection is not lost.
        """
        if not self.broker.disconnected:
            super().dontNotifyOnDisconnect(callback)

    def jellyFor(self, jellier: Any) -> Any:
        if jellier.invoker is not None and jellier.invoker is not self.broker:
            raise CannotSendBack(className=qual(type(self)))
        return super().jellyFor(jellier)


class RemoteMethod(pb.RemoteMethod):
    """
    A method of a L{RemoteReference}, to be called as if it were here.
    """

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, pb.RemoteMethod)
            and self.obj == other.obj
            and self.name == other.name
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.obj, self.name))

    def __call__(self, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        See L{RemoteReference.callRemote}.
        """
        answer: Deferred[Any] = self.obj.callRemote(self.name, *args, **kw)
        return answer


def _number(jellyList: list[Any]) -> int:
    """
    What a reference on the wire is to: a number, and nothing else (a name is
    for calling what it names, and no proof of having been given it).

    @raise BadReference: if it is anything else.
    """
    if len(jellyList) == 2 and type(jellyList[1]) is int:
        return jellyList[1]
    raise BadReference(kind=jellyList[0].decode())


def _found(jellyList: list[Any], table: Mapping[int, Any]) -> Any:
    found = table.get(_number(jellyList))
    if found is None:
        raise BadReference(kind=jellyList[0].decode())
    return found


def _remote(unjellier: Any, jellyList: list[Any]) -> RemoteReference:
    broker, luid = unjellier.invoker, _number(jellyList)
    unjellier.taken.append((b"remote", luid))
    return RemoteReference(broker.unserializingPerspective, broker, luid, 1)


def _cached(unjellier: Any, jellyList: list[Any]) -> Any:
    cache = _found(jellyList, unjellier.invoker.locallyCachedObjects)._borgify()
    unjellier.taken.append((b"cached", jellyList[1]))
    return cache


def _local(unjellier: Any, jellyList: list[Any]) -> Any:
    broker = unjellier.invoker
    if broker.namedReferences and type(jellyList[-1]) is bytes:
        named = broker.localObjects.get(jellyList[-1])
        if named is not None:
            return named.object
    return _found(jellyList, broker.localObjects).object


def _lcache(unjellier: Any, jellyList: list[Any]) -> Any:
    return _found(jellyList, unjellier.invoker.remotelyCachedObjects).object


def _failure(unjellier: Any, jellyList: list[Any]) -> Any:
    """
    Wherever a failure stands, it is one, and not what the peer makes of it.
    """
    copied = pb.CopiedFailure.__new__(pb.CopiedFailure)
    return CopiedFailure.normalized(copied.unjellyFor(unjellier, jellyList))


#: What reads the words of jelly that refer to something, on either side, and
#: failures.  They belong to every connection, whatever is registered.
READERS: Mapping[bytes, Callable[[Any, list[Any]], Any]] = {
    b"remote": _remote,
    b"cached": _cached,
    b"local": _local,
    b"lcache": _lcache,
    b"twisted.spread.pb.CopyableFailure": _failure,
}
