"""
The root object that C{pbreceiver} serves if it is given no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger
from twisted.python.reflect import qual
from twisted.spread import pb

from pbext import Change, RemoteCache
from pbext._opaque import OpaqueCache, OpaqueCopy, brief
from pbext._state import gatherState

__all__ = ["ReceiverRoot", "describe"]

_log = Logger(namespace="pbreceiver")


class ReceiverRoot(pb.Root):
    """
    Takes objects, keeps them under names until it is told to ignore them,
    follows those that are caches, and says what it sees.  All that it answers
    can be read by any peer.  Its names are shared by all clients.
    """

    def __init__(self, shutdown: Callable[[], object] | None = None) -> None:
        """
        @param shutdown: ends the service; by default, a peer cannot.
        """
        self._shutdown = shutdown
        self._kept: dict[str, Any] = {}

    def remote_take(self, name: str | bytes, thing: Any) -> str:
        """
        Keep an object under a name, in place of what was there.

        @return: C{"safe and sound"}
        """
        key = _nameFrom(name)
        if self._kept.get(key) is not thing:
            self._drop(key)
        followed = bool(self._namesOf(thing))
        self._kept[key] = thing
        _log.info("took {name!r}: {thing}", name=key, thing=describe(thing))
        if followed:
            return "safe and sound"
        if isinstance(thing, RemoteCache):
            thing.notifyOnChange(self._changed)
            thing.notifyOnStale(self._stale)
        elif isinstance(thing, pb.RemoteCache):
            _log.info(
                "{name!r} is a plain twisted.spread.pb.RemoteCache: it is kept in "
                "step, but says nothing of its changes",
                name=key,
            )
        return "safe and sound"

    def remote_names(self) -> list[str]:
        """
        @return: the names that are in use, sorted.
        """
        return sorted(self._kept)

    def remote_show(self, name: str | bytes) -> str:
        """
        @return: what is kept under a name, in words.
        @raise pb.Error: if nothing is.
        """
        return describe(self.kept(name))

    def remote_ignore(self, name: str | bytes) -> str:
        """
        Let an object go; the publisher of a cache is told.

        @return: C{"ignored"}
        @raise pb.Error: if nothing is kept under that name.
        """
        self.kept(name)
        self._drop(_nameFrom(name))
        _log.info("ignored {name!r}", name=_nameFrom(name))
        return "ignored"

    def remote_shutdown(self) -> str:
        """
        End the service.

        @return: C{"shutting down"}
        @raise pb.Error: if the operator has not allowed it.
        """
        if self._shutdown is None:
            raise pb.Error(
                "shutdown is refused: the service was started without --allow-shutdown"
            )
        self._shutdown()
        return "shutting down"

    def kept(self, name: str | bytes) -> Any:
        """
        @return: what is kept under a name, for the methods of a subclass.
        @raise pb.Error: if nothing is.
        """
        key = _nameFrom(name)
        if key not in self._kept:
            raise pb.Error(f"nothing is kept as {key!r}; names() lists what is")
        return self._kept[key]

    def _drop(self, key: str) -> None:
        thing = self._kept.pop(key, None)
        if isinstance(thing, RemoteCache) and not self._namesOf(thing):
            thing.dontNotifyOnChange(self._changed)
            thing.dontNotifyOnStale(self._stale)

    def _namesOf(self, thing: object) -> list[str]:
        return [name for name, kept in self._kept.items() if kept is thing]

    def _changed(self, cache: RemoteCache, change: Change) -> None:
        arguments = [describe(value) for value in change.args]
        arguments += [f"{name}={describe(value)}" for name, value in change.kw.items()]
        for name in self._namesOf(cache):
            _log.info(
                "{name!r} changed: {message}({arguments})",
                name=name,
                message=change.name,
                arguments=", ".join(arguments),
            )

    def _stale(self, cache: RemoteCache, reason: Exception) -> None:
        for name in self._namesOf(cache):
            _log.warn("{name!r}: {reason}", name=name, reason=reason)


def _nameFrom(name: object) -> str:
    if isinstance(name, bytes):  # from a Python 2 peer
        name = name.decode("utf-8", "replace")
    if not isinstance(name, str):
        raise pb.Error("a name has to be a string")
    return name


def describe(value: object) -> str:
    """
    @return: one line about anything that can arrive, of a bounded length and
        made in bounded time, whatever a peer has put into it.
    """
    if isinstance(value, pb.RemoteReference):
        return "a reference"
    if isinstance(value, (OpaqueCopy, OpaqueCache)):
        text = repr(value)
    elif isinstance(value, pb.RemoteCopy):
        fields = gatherState(value).items()
        shown = ", ".join(f"{name}={brief.repr(field)}" for name, field in fields)
        text = f"{qual(type(value))}({shown})"
    else:
        text = brief.repr(value)
    if isinstance(value, RemoteCache):
        text = f"{value.cacheState.value} {text}"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


#: Characters of a description.
_WIDTH = 200
