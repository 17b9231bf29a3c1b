"""
Classes of the standard library, and subclasses of the built-in ones, in a form
that Perspective Broker can carry and that a stock peer reads as plain data.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import operator
import pathlib
import uuid
from collections.abc import Callable
from typing import Any

from twisted.python.reflect import qual

from pbext._kinds import Kind, Mismatch, only, unlike

__all__ = ["adapted"]


def _converted(
    cls: type,
    wire: type | tuple[type, ...],
    read: Callable[[Any], Any],
    write: Callable[[Any], Any],
    native: bool = False,
) -> Kind:
    """
    A class that travels in another form, of the types C{wire}; if it is
    C{native}, as it is where it can.
    """
    shown = qual(cls)

    def convert(value: Any) -> Any:
        if native and type(value) is cls:
            return value
        if isinstance(value, wire):
            try:
                return read(value)
            except Exception:  # of the class's own, which may be the user's
                raise Mismatch(shown, f"{qual(type(value))} that is none") from None
        raise unlike(shown, value)

    return Kind(shown, convert, lambda value: isinstance(value, cls), only(cls, write))


def _aware(kind: type) -> Kind:
    """
    Jelly has a word for naive dates and times; aware ones travel as text.
    """

    def read(text: str) -> Any:
        value = kind.fromisoformat(text)  # type: ignore[attr-defined]  # of the three that come here
        if value.tzinfo is None:
            raise ValueError
        return value

    def write(value: Any) -> Any:
        if value.tzinfo is None:
            return value
        if value.utcoffset() is None:
            raise ValueError  # of a time without its day, a zone cannot say
        return value.isoformat()

    return _converted(kind, str, read, write, native=True)


def _writeDecimal(value: decimal.Decimal) -> Any:
    return value if value.is_finite() else str(value)


def _readDecimal(text: str) -> decimal.Decimal:
    value = decimal.Decimal(text)
    if value.is_finite():
        raise ValueError
    return value


#: Classes of the standard library's, and in what form they travel.
_CONVERTED: dict[type, Callable[[], Kind]] = {
    datetime.datetime: lambda: _aware(datetime.datetime),
    datetime.time: lambda: _aware(datetime.time),
    decimal.Decimal: lambda: _converted(
        decimal.Decimal, str, _readDecimal, _writeDecimal, native=True
    ),
    uuid.UUID: lambda: _converted(uuid.UUID, str, uuid.UUID, str),
    bytearray: lambda: _converted(bytearray, bytes, bytearray, bytes),
    complex: lambda: _converted(
        complex, tuple, lambda pair: complex(*pair), lambda c: (c.real, c.imag)
    ),
}


def _enum(cls: type[enum.Enum]) -> Kind:
    """
    Enums travel by name, so that a value may change.
    """
    return _converted(
        cls, str, lambda name: cls.__members__[name], lambda member: member.name
    )


def _flag(cls: type[enum.Flag]) -> Kind:
    """
    Flags travel by the names of those that are set.
    """

    def read(text: str) -> enum.Flag:
        flags = [cls.__members__[name] for name in text.split("|") if name]
        return functools.reduce(operator.or_, flags, cls(0))

    def write(value: enum.Flag) -> str:
        names, found = [], cls(0)
        for name, flag in sorted(cls.__members__.items(), key=lambda m: m[1].value):
            if flag in value and flag not in found:
                names.append(name)
                found |= flag
        if found != value:
            raise ValueError  # it has bits that have no name
        return "|".join(names)

    return _converted(cls, str, read, write)


_BUILTIN = (str, int, float, bytes, dict, list, set, frozenset, tuple)


def adapted(cls: type) -> Kind | None:
    """
    @return: the kind of the instances of a class that travels in another
        form, a subclass of a built-in type as that type; C{None} if it does
        not.
    """
    if cls in _CONVERTED:
        return _CONVERTED[cls]()
    if issubclass(cls, enum.Flag):
        return _flag(cls)
    if issubclass(cls, enum.Enum):
        return _enum(cls)
    if issubclass(cls, pathlib.PurePath):
        return _converted(cls, str, cls, str)
    if cls in _BUILTIN:
        return None
    for base in _BUILTIN:
        if issubclass(cls, base):
            return _converted(cls, base, cls, base)
    return None
