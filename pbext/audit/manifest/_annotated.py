"""
What an annotation asks for, as a L{WireType}: the table of L{pbext._annotations}
and L{pbext._adapters} once more, as something that can be written down.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import pathlib
import types
import typing
import uuid
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import attrs

from twisted.spread.flavors import Referenceable
from twisted.spread.pb import RemoteReference

from pbext.audit.manifest._wiretypes import ANY, WireType, unionOf, unknownType

__all__ = ["Side", "typeOf"]


@attrs.frozen
class Side:
    """
    Of which end an annotation is.

    @ivar sending: whether it is of a class that is sent.
    @ivar tagsOf: gives, for a class, the tags under which its instances
        travel, those of its subclasses included.
    """

    sending: bool
    tagsOf: Callable[[type], Iterable[str]]


#: Classes that stand for themselves.
_PLAIN: dict[Any, str] = {
    type(None): "None",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    bytearray: "bytes",
    complex: "complex",
    datetime.date: "date",
    datetime.datetime: "datetime",
    datetime.time: "time",
    datetime.timedelta: "timedelta",
    decimal.Decimal: "Decimal",
    uuid.UUID: "UUID",
}

#: Containers, and in what form they travel.
_CONTAINERS: dict[Any, str] = {
    list: "list",
    set: "set",
    frozenset: "frozenset",
    dict: "dict",
    collections.deque: "list",
    collections.OrderedDict: "dict",
    collections.defaultdict: "dict",
}

#: What msgspec's C{Meta} may ask of a value, and of which types it does.
_NUMBERS = frozenset({"int", "float", "Decimal"})
_SIZED = frozenset({"str", "bytes", "list", "set", "frozenset", "dict", "tuple"})
_LIMITS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("ge", "gt", "le", "lt", "multiple_of"), _NUMBERS),
    **dict.fromkeys(("max_length", "min_length"), _SIZED),
    "pattern": frozenset({"str"}),
    "tz": frozenset({"datetime", "time"}),
}


def typeOf(annotation: Any, side: Side) -> WireType:
    """
    @param annotation: evaluated.
    @return: the type of what travels, of a class that is sent; of what is
        taken, of one that receives.
    """
    return _typeOf(annotation, side, ())


def _typeOf(annotation: Any, side: Side, inside: tuple[Any, ...]) -> WireType:
    """
    @param inside: the names of types that this is a part of.
    """
    if annotation is None:
        return WireType("None")
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):  # a name that is not there
        return unknownType(annotation)
    if isinstance(annotation, typing.NewType):
        return _typeOf(annotation.__supertype__, side, inside)
    if type(annotation).__name__ == "TypeAliasType":
        if annotation in inside:
            return unknownType(annotation.__name__)
        return _typeOf(annotation.__value__, side, (*inside, annotation))
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _limited(_typeOf(args[0], side, inside), annotation.__metadata__)
    if origin is Final:
        return _typeOf(args[0], side, inside)
    if origin is Literal:
        return unionOf(map(_literal, args))
    if origin in (Union, types.UnionType):
        return unionOf(_typeOf(arm, side, inside) for arm in args)
    cls = origin if origin is not None else annotation
    if not isinstance(cls, type) or cls in (object, Any):
        return ANY
    if args and cls is not tuple and cls not in _CONTAINERS:
        args = ()  # a generic class of the user's
    elements = [_typeOf(arg, side, inside) for arg in args if arg is not ...]
    return _ofClass(annotation, cls, tuple(elements), side)


def _ofClass(
    annotation: Any, cls: type, elements: tuple[WireType, ...], side: Side
) -> WireType:
    if cls in _PLAIN:
        return WireType(_PLAIN[cls])
    if cls in _CONTAINERS:
        # A container of anything is one of which nothing is said.
        known = elements if any(e != ANY for e in elements) else ()
        return WireType(_CONTAINERS[cls], known)
    if cls is tuple:
        if annotation in (tuple, typing.Tuple):  # noqa: UP006  # which is another one
            return WireType("tuple", endless=True)
        if get_args(annotation)[-1:] == (...,):
            known = elements if elements != (ANY,) else ()
            return WireType("tuple", known, endless=True)
        return WireType("tuple", elements)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named(cls, side)
    if issubclass(cls, enum.Flag):
        return WireType("Flag", names=tuple(sorted(_flags(cls, side))))
    if issubclass(cls, enum.Enum):
        # A second name of a member is read, and never written.
        names = [m.name for m in cls] if side.sending else cls.__members__
        return WireType("Enum", names=tuple(sorted(names)))
    if typing.is_typeddict(cls):
        return WireType("dict")
    if getattr(cls, "_is_protocol", False) or cls.__module__ == "collections.abc":
        return ANY
    return _subclass(cls, side) or _object(cls, side)


def _named(cls: Any, side: Side) -> WireType:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception:  # they name what is not there when the program runs
        hints = {}
    args = tuple(typeOf(hints.get(name, Any), side) for name in cls._fields)
    return WireType("tuple", args, tuple(cls._fields))


def _flags(cls: type[enum.Flag], side: Side) -> Iterable[str]:
    if not side.sending:
        return cls.__members__
    # A flag that smaller ones make up is written as those.
    names: list[str] = []
    flags: list[enum.Flag] = []
    for name, flag in sorted(cls.__members__.items(), key=lambda m: m[1].value):
        found = cls(0)
        for part in flags:
            found |= part if part in flag else cls(0)
        if found != flag:
            names.append(name)
            flags.append(flag)
    return names


def _subclass(cls: type, side: Side) -> WireType | None:
    """
    Subclasses of built-in types travel as these, and are made of any instance
    of them.
    """
    if issubclass(cls, pathlib.PurePath):
        return WireType("str")
    if issubclass(cls, int):
        kinds = [WireType("int")] if side.sending else map(WireType, ("bool", "int"))
        return unionOf(kinds)
    if issubclass(cls, float):
        strict = () if side.sending else (("strict", True),)
        return WireType("float", limits=strict)
    for base in (str, bytes, dict, list, set, frozenset):
        if issubclass(cls, base):
            return WireType(base.__name__)
    return WireType("tuple", endless=True) if issubclass(cls, tuple) else None


def _object(cls: type, side: Side) -> WireType:
    # What is sent as a reference arrives as a RemoteReference.
    if issubclass(cls, Referenceable if side.sending else RemoteReference):
        return WireType("Reference")
    tags = tuple(sorted(set(side.tagsOf(cls))))
    if tags:
        return WireType("Object", names=tags)
    return unknownType(f"{cls.__module__}.{cls.__qualname__}")


def _literal(value: Any) -> WireType:
    if value is None:
        return WireType("None")
    if isinstance(value, enum.Flag):
        return unknownType(type(value).__qualname__)
    if isinstance(value, enum.Enum):
        return WireType("Enum", names=(value.name,))
    return WireType("Literal", names=(value,))


def _limited(kind: WireType, metadata: Iterable[Any]) -> WireType:
    import msgspec

    limits = {
        name: getattr(meta, name)
        for meta in metadata
        if isinstance(meta, msgspec.Meta)
        for name in _LIMITS
        if getattr(meta, name) is not None
    }
    if not limits:
        return kind
    if kind.name == "Union":
        return unionOf(_under(arm, limits) for arm in kind.args)
    return _under(kind, limits)


def _under(kind: WireType, limits: dict[str, Any]) -> WireType:
    asked = {n: limit for n, limit in limits.items() if kind.name in _LIMITS[n]}
    return attrs.evolve(
        kind, limits=tuple(sorted({**dict(kind.limits), **asked}.items()))
    )
