"""
What an annotation asks for.
"""

from __future__ import annotations

import collections
import functools
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

import attrs

from pbext._adapters import adapted
from pbext._containers import fixed, items, mapping
from pbext._kinds import Kind, anything, instance, isLeaf, leaf, shown, union

__all__ = ["kindOf"]


def _constrained(annotation: Any, kind: Kind) -> Kind:
    """
    msgspec's constraints on something that it cannot check itself: on the
    length of a list of objects, for example.
    """
    import msgspec

    metas = [m for m in annotation.__metadata__ if isinstance(m, msgspec.Meta)]
    origin = get_origin(annotation.__origin__) or annotation.__origin__
    if not metas or origin not in (list, set, frozenset, tuple, dict):
        return kind
    outer = leaf(Annotated[(origin, *metas)])

    def read(value: Any) -> Any:
        outer.read(value)
        return kind.read(value)

    return attrs.evolve(kind, read=read)


def kindOf(annotation: Any) -> Kind:
    """
    @return: the kind of values that an annotation, evaluated, asks for.
        What it cannot ask for at run time, anything is.
    """
    if isLeaf(annotation):
        return leaf(annotation)
    if isinstance(annotation, typing.NewType):
        return kindOf(annotation.__supertype__)
    alias = getattr(annotation, "__value__", None)  # of Python 3.12's "type" statement
    if alias is not None and type(annotation).__name__ == "TypeAliasType":
        return kindOf(alias)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _constrained(annotation, kindOf(args[0]))
    if origin in (Union, types.UnionType):
        return union(shown(annotation), [kindOf(arm) for arm in args])
    cls = origin if origin is not None else annotation
    if not isinstance(cls, type) or cls in (object, Any):
        return anything(annotation)
    return _ofClass(cls, args, shown(annotation))


def _ofClass(cls: type, args: tuple[Any, ...], name: str) -> Kind:
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        hints = typing.get_type_hints(cls, include_extras=True)
        kinds = [kindOf(hints.get(name, Any)) for name in cls._fields]
        return fixed(name, kinds, lambda values: cls(*values), cls)
    if cls is tuple and args and args[-1] is not Ellipsis:
        return fixed(name, [kindOf(arg) for arg in args], tuple, tuple)
    if cls in (list, set, frozenset, tuple, collections.deque):
        return items(name, cls, kindOf(args[0]) if args else anything(), cls)
    if cls in (dict, collections.OrderedDict, collections.defaultdict):
        key, value = map(kindOf, args) if args else (anything(), anything())
        return mapping(name, cls, key, value, _maker(cls, args))
    if typing.is_typeddict(cls):
        return instance(dict)
    if getattr(cls, "_is_protocol", False) or cls.__module__ == "collections.abc":
        return anything(cls)
    return adapted(cls) or instance(cls)


def _maker(cls: Any, args: tuple[Any, ...]) -> Callable[[dict[Any, Any]], Any]:
    if cls is not collections.defaultdict:
        return cls  # type: ignore[no-any-return]  # a class of dicts
    # What makes the missing values does not travel; the annotation knows it.
    default = (get_origin(args[1]) or args[1]) if args else None
    return functools.partial(cls, default if callable(default) else None)
