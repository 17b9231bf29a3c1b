"""
Objects for tools, of classes that are not at hand: a tag and what came under
it, and no behaviour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from reprlib import Repr
from typing import Any

from twisted.persisted.crefutil import NotKnown

from pbext._cacheable import RemoteCache
from pbext._copyable import RemoteCopy
from pbext._registry import Registry, defaultRegistry
from pbext._tables import Change

__all__ = ["OpaqueCache", "OpaqueCopy", "allowOpaque", "brief"]


class _Opaque:
    """
    @ivar tag: the tag that it came under.
    @ivar fields: its state: the dict that arrived, or, if it was something
        else, a dict with that as its only value, under the empty name.
    """

    tag: str
    fields: dict[str, Any]

    def setCopyableState(self, state: Any) -> None:
        if not isinstance(state, dict):
            state = {"": state}
        fields = self.__dict__["fields"] = {}
        for key, value in state.items():
            if isinstance(key, bytes):
                key = key.decode("utf-8", "replace")
            name = str(key)
            fields[name] = value
            if isinstance(value, NotKnown):  # part of a cycle: filled in later
                value.addDependant(fields, name)

    def __repr__(self) -> str:
        shown = ", ".join(
            (f"{name}=" if name else "") + brief.repr(value)[:_WIDTH]
            for name, value in self.fields.items()
        )
        return f"{self.tag}({shown})"


#: How many characters of a value are shown.
_WIDTH = 60


class _Brief(Repr):
    """
    Values at a glance.  An opaque object inside another is not opened: what
    arrived may contain itself, or the same thing a thousand times.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = _WIDTH

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, _Opaque):
            return f"{x.tag}(...)"
        return super().repr_instance(x, level)


brief = _Brief()


class OpaqueCopy(_Opaque, RemoteCopy):
    __doc__ = f"A copy of an object of any class.\n{_Opaque.__doc__}"


class OpaqueCache(_Opaque, RemoteCache):
    __doc__ = f"""A cache of an object of any class.  Its state stays as it
    arrived, for what an update means is known to its class alone.
{_Opaque.__doc__}
    @ivar messages: the last 100 updates, each a L{{Change<pbext.Change>}}.
    """

    messages: deque[Change]

    def setCopyableState(self, state: Any) -> None:
        super().setCopyableState(state)
        self.__dict__["messages"] = deque(maxlen=100)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("observe_"):
            message = name.removeprefix("observe_")
            return lambda *args, **kw: self.messages.append(Change(message, args, kw))
        return super().__getattr__(name)


def allowOpaque(tag: str, registry: Registry = defaultRegistry) -> None:
    """
    Let whatever comes under C{tag} become an L{OpaqueCopy} or an
    L{OpaqueCache}.

    @raise CannotRegister: if the tag is none, or is taken.
    """
    registry.setUnjellyableForClass(tag, _unjellierFor(tag))


def _unjellierFor(tag: str) -> Callable[[Any, Any], Any]:
    def unjelly(unjellier: Any, jellyList: Any) -> Any:
        # A copy comes as [tag, state], a cache as [tag, number, state].
        cls = OpaqueCopy if len(jellyList) == 2 else OpaqueCache
        opaque = cls.__new__(cls)
        opaque.__dict__["tag"] = tag
        return opaque.unjellyFor(unjellier, jellyList)

    unjelly.__qualname__ = "OpaqueCopy or OpaqueCache"  # for who lists a registry
    return unjelly
