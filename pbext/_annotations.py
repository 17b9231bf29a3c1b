"""
What an annotation asks for.
"""

from __future__ import annotations

import collections
import functools
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import attrs

from pbext._adapters import adapted
from pbext._containers import fixed, items, mapping
from pbext._kinds import Kind, anything, instance, isLeaf, leaf, shown, union, unlike

__all__ = ["kindOf"]


#: What msgspec's C{Meta} may ask of a value; the rest of it describes.
_CONSTRAINTS = "ge gt le lt multiple_of min_length max_length pattern tz".split()

#: In what form some containers travel, whose length is asked for.
_TRAVELS: dict[Any, type] = {
    cls: cls for cls in (list, set, frozenset, tuple, dict)
} | {
    collections.deque: list,
    collections.OrderedDict: dict,
    collections.defaultdict: dict,
}


def _constrained(annotation: Any, kind: Kind) -> Kind:
    """
    msgspec's constraints on something that it cannot check by itself: on the
    length of a list of objects, for example.

    @raise TypeError: if it knows no such constraint on that.
    """
    import msgspec

    metas = [
        meta
        for meta in annotation.__metadata__
        if isinstance(meta, msgspec.Meta)
        and any(getattr(meta, name) is not None for name in _CONSTRAINTS)
    ]
    if not metas:
        return kind
    inner = annotation.__origin__
    wire = _TRAVELS.get(get_origin(inner) or inner)
    check = leaf(Annotated[(wire or inner, *metas)]).read

    def read(value: Any) -> Any:
        if wire is None:
            found = kind.read(value)
            check(found)
            return found
        check(value)
        return kind.read(value)

    return attrs.evolve(kind, read=read, exact=frozenset(), keeps=False)


def _literal(annotation: Any) -> Kind:
    """
    One of some values, not all of which msgspec knows: enums and bytes.
    """
    values = get_args(annotation)
    classes = dict.fromkeys(map(type, values))
    kind = union(shown(annotation), [kindOf(cls) for cls in classes])

    def holds(value: Any) -> bool:
        return any(type(value) is type(one) and value == one for one in values)

    def read(value: Any) -> Any:
        found = kind.read(value)
        if not holds(found):
            raise unlike(kind.shown, value)
        return found

    return attrs.evolve(kind, read=read, holds=holds, exact=frozenset(), keeps=False)


@functools.cache
def _alias(annotation: Any) -> Kind:
    """
    A name for another annotation, in which it may well stand itself.
    """
    kind = functools.cache(lambda: kindOf(annotation.__value__))
    return Kind(
        shown(annotation),
        lambda value: kind().read(value),
        lambda value: kind().holds(value),
        lambda value: kind().writes(value),
    )


def kindOf(annotation: Any) -> Kind:
    """
    @return: the kind of values that an annotation, evaluated, asks for.
        What it cannot ask for at run time, anything is.
    """
    if isLeaf(annotation):
        return leaf(annotation)
    if isinstance(annotation, typing.NewType):
        return kindOf(annotation.__supertype__)
    if type(annotation).__name__ == "TypeAliasType":  # Python 3.12's "type" statement
        return _alias(annotation)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _literal(annotation)
    if origin is Annotated:
        return _constrained(annotation, kindOf(args[0]))
    if origin is Final:
        return kindOf(args[0])
    if origin in (Union, types.UnionType):
        return union(shown(annotation), [kindOf(arm) for arm in args])
    if annotation == tuple[()] or annotation == typing.Tuple[()]:  # noqa: UP006  # which is another one
        return fixed(shown(annotation), [], tuple, tuple)
    cls = origin if origin is not None else annotation
    if not isinstance(cls, type) or cls in (object, Any):
        return anything(annotation)
    return _ofClass(cls, args, shown(annotation))


def _ofClass(cls: type, args: tuple[Any, ...], name: str) -> Kind:
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        try:
            hints = typing.get_type_hints(cls, include_extras=True)
        except Exception:  # they name what is not there when the program runs
            hints = {}
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
        return mapping(name, dict, anything(), anything(), dict)
    if getattr(cls, "_is_protocol", False) or cls.__module__ == "collections.abc":
        return anything(cls)
    return adapted(cls) or instance(cls)


def _maker(cls: Any, args: tuple[Any, ...]) -> Callable[[dict[Any, Any]], Any]:
    if cls is not collections.defaultdict:
        return cls  # type: ignore[no-any-return]  # a class of dicts
    # What makes the missing values does not travel; the annotation knows it.
    default = (get_origin(args[1]) or args[1]) if args else None
    return functools.partial(cls, default if callable(default) else None)
