"""
Which class a tag becomes.  For now the tables are Twisted's, which belong to
the process; what is checked is whether a class can receive at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs

from twisted.python.reflect import qual
from twisted.spread import flavors, jelly

from pbext._cacheable import RESERVED, Cacheable
from pbext._copyable import tagOf
from pbext._fields import fieldsOf
from pbext.errors import CannotRegister

__all__ = [
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
]


def setUnjellyableForClass(senderOrTag: type | str | bytes, unjellyable: Any) -> None:
    """
    Let instances of a class become instances of C{unjellyable} when they
    arrive, as L{twisted.spread.pb.setUnjellyableForClass} does.

    @param senderOrTag: the class that is sent, or the tag that it is sent
        under.
    @param unjellyable: the class that receives.
    @raise CannotRegister: if that class could never receive anything.
    """
    _check(unjellyable)
    jelly.setUnjellyableForClass(_tagFrom(senderOrTag), unjellyable)


def setUnjellyableFactoryForClass(
    senderOrTag: type | str | bytes, copyFactory: Callable[[Any], Any]
) -> None:
    """
    Let what C{copyFactory} makes of a state stand for the instances of a class
    when they arrive, as L{twisted.spread.pb.setUnjellyableFactoryForClass}
    does.

    @param senderOrTag: the class that is sent, or the tag that it is sent
        under.
    @param copyFactory: called with the state.
    """
    jelly.setUnjellyableFactoryForClass(_tagFrom(senderOrTag), copyFactory)


def setUnjellyableForClassTree(
    module: ModuleType, baseClass: type, prefix: str | None = None
) -> None:
    """
    L{setUnjellyableForClass} for each class in a module that is derived from
    C{baseClass}, as L{twisted.spread.pb.setUnjellyableForClassTree} does it:
    the tag is C{prefix}, by default the module's name, and the name in the
    module.

    @raise CannotRegister: if one of them could never receive anything.
    """
    start = module.__name__ if prefix is None else prefix
    for name, found in sorted(vars(module).items()):
        if isinstance(found, type) and issubclass(found, baseClass):
            setUnjellyableForClass(f"{start}.{name}" if start else name, found)


def _tagFrom(senderOrTag: type | str | bytes) -> str | bytes:
    # Twisted's own reading of a class knows nothing of typeToCopy.
    return tagOf(senderOrTag) if isinstance(senderOrTag, type) else senderOrTag


def _check(cls: Any) -> None:
    if not (isinstance(cls, type) and issubclass(cls, flavors.RemoteCache)):
        return
    if _isFrozen(cls):
        raise CannotRegister(
            className=qual(cls),
            why="it is frozen, and a cache has to change; make it a "
            "pb.RemoteCopy, or do not freeze it",
        )
    taken = RESERVED | ({"invalidate"} if issubclass(cls, Cacheable) else set())
    reserved = sorted(taken.intersection(fieldsOf(cls).names))
    if reserved:
        raise CannotRegister(
            className=qual(cls),
            why=f"a RemoteCache has these names itself, so that no field of "
            f"its can have them: {', '.join(reserved)}",
        )


def _isFrozen(cls: type) -> bool:
    """
    Dataclasses say so; attrs says it in no way that all its versions share.
    So try it on a blank instance.
    """
    name = next(iter(fieldsOf(cls).names), "broken")
    try:
        object.__new__(cls).__setattr__(name, None)
    except (dataclasses.FrozenInstanceError, attrs.exceptions.FrozenInstanceError):
        return True
    except Exception:
        return False
    return False
