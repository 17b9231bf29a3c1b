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

from pbext._kinds import Kind, Mismatch, unlike

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
            except (ValueError, TypeError, KeyError, ArithmeticError):
                raise Mismatch(shown, f"{qual(type(value))} that is none") from None
        raise unlike(shown, value)

    return Kind(shown, convert, lambda value: isinstance(value, cls), write)


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
        return value if value.tzinfo is None else value.isoformat()

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
    Enums travel by name, so that a value may change; combined flags by names.
    """

    def read(text: str) -> Any:
        members = [cls.__members__[name] for name in text.split("|") if name]
        if len(members) == 1:
            return members[0]
        if not issubclass(cls, enum.Flag):
            raise ValueError
        return functools.reduce(operator.or_, members, cls(0))

    def write(value: Any) -> str:
        if value.name is not None and "|" not in value.name:
            return str(value.name)
        single = [m for m in cls.__members__.values() if m.value and m in value]
        return "|".join(m.name for m in single if not m.value & (m.value - 1))

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
