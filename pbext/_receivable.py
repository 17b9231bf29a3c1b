"""
Whether a class can receive at all: what would otherwise be found out when data
arrives.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cached_property
from typing import Any

import attrs

from twisted.python.reflect import qual
from twisted.spread import flavors
from twisted.spread.publish import RemotePublished

from pbext._cacheable import RESERVED, Cacheable
from pbext._contract import checkContract
from pbext._copyable import Copyable, RemoteCopy
from pbext._fields import fieldsOf
from pbext._tables import takesNoArguments
from pbext.errors import CannotRegister

__all__ = ["checkReceivable"]


def checkReceivable(cls: Any) -> None:
    """
    @raise CannotRegister: if a class could never receive anything, or could
        be made to do harm.
    @raise BadDeclaration: if what it says of its fields makes no sense.
    """
    if not isinstance(cls, type):
        return  # a function, which knows what it does
    why = _trouble(cls)
    if why is not None:
        raise CannotRegister(className=qual(cls), why=why)
    if issubclass(cls, RemoteCopy):
        checkContract(cls)


def _trouble(cls: type) -> str | None:
    if not hasattr(cls, "unjellyFor"):
        return "it has no unjellyFor; derive it from pb.RemoteCopy or pb.RemoteCache"
    if issubclass(cls, RemotePublished):
        return (
            "a RemotePublished lets its peer choose a file, which is then written; "
            "derive it from pb.RemoteCache"
        )
    if not issubclass(cls, RemoteCopy):
        return _stockTrouble(cls)
    trouble = _cacheTrouble(cls) if issubclass(cls, flavors.RemoteCache) else None
    hidden = _hiddenFields(cls)
    if trouble is None and hidden:
        return (
            f"its properties {', '.join(hidden)} would hide the fields of these "
            f"names; give them setters, or other names to the fields"
        )
    return trouble


def _stockTrouble(cls: Any) -> str | None:
    """
    Stock's flavors put the state into C{__dict__}, whatever the class is.
    """
    if not issubclass(cls, flavors.RemoteCopy):
        return None
    if _isFrozen(cls) or any(
        isinstance(member, types.MemberDescriptorType)
        for base in cls.__mro__
        for member in base.__dict__.values()
    ):
        return (
            "stock's RemoteCopy cannot fill a frozen class, or one with slots; "
            "derive it from pbext's"
        )
    if issubclass(cls, flavors.RemoteCache) and not takesNoArguments(cls):
        return (
            "stock's RemoteCache is constructed without arguments; give those of "
            "its constructor defaults, or derive it from pbext's"
        )
    return None


def _hiddenFields(cls: type) -> list[str]:
    if issubclass(cls, Copyable):
        return []  # what it sends, it computes
    found = []
    for name in fieldsOf(cls).names:
        member = getattr(cls, name, None)
        if isinstance(member, (property, cached_property)):
            if getattr(member, "fset", None) is None:
                found.append(name)
    return found


def _cacheTrouble(cls: type) -> str | None:
    if _isFrozen(cls):
        return (
            "it is frozen, and a cache has to change; make it a "
            "pb.RemoteCopy, or do not freeze it"
        )
    taken = RESERVED | ({"invalidate"} if issubclass(cls, Cacheable) else set())
    reserved = sorted(taken.intersection(fieldsOf(cls).names))
    if reserved:
        return (
            f"a RemoteCache has these names itself, so that no field of "
            f"its can have them: {', '.join(reserved)}"
        )
    return None


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
