"""
What may stand in a field, in the form in which it travels: as a record, and as
a line of text that says the same, C{list[int] | None}, say.

The text is an expression of Python's, so that Python's parser reads it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

__all__ = [
    "ANY",
    "BadWireType",
    "WireType",
    "parseType",
    "textOfType",
    "unionOf",
    "unknownType",
]


class BadWireType(Exception):
    """
    A text is not that of a type.
    """


@attrs.frozen
class WireType:
    """
    A kind of values on the wire.  Types that travel as another one are that
    one: a C{Path} is a C{str}, a C{deque} a C{list}.

    @ivar name: C{"int"}, C{"list"}, ...: what Python calls it; C{"Enum"} and
        C{"Flag"}, which travel by the names of their members; C{"Literal"};
        C{"Object"}, of one of some tags; C{"Reference"}; C{"Union"}; C{"Any"};
        C{"Unknown"}.
    @ivar args: of a container or a union: what is in it.  A container without
        any may have anything in it.
    @ivar names: of C{Enum} and C{Flag} the members, of C{Object} the tags, of
        C{Literal} the values, of C{Unknown} the name that could not be
        followed, if there is one; of a C{tuple} the names of its elements, if
        it is a named one.
    @ivar limits: what is asked of a value besides: C{{"gt": 0}}.
    @ivar endless: of a C{tuple}: whether it has any number of elements.
    """

    name: str
    args: tuple[WireType, ...] = ()
    names: tuple[Any, ...] = ()
    limits: tuple[tuple[str, Any], ...] = ()
    endless: bool = False

    def __str__(self) -> str:
        return textOfType(self)


#: What nothing is asked of.
ANY = WireType("Any")

#: Types without anything inside.
_LEAVES = frozenset(
    "None bool int float str bytes date datetime time timedelta Decimal UUID complex "
    "Reference Any list set frozenset dict tuple".split()
)

#: How many types stand inside of each container; of a tuple, as many as it has.
_CONTAINERS: Mapping[str, int] = {"list": 1, "set": 1, "frozenset": 1, "dict": 2}

#: Those that have names in them.
_NAMED = frozenset({"Enum", "Flag", "Literal", "Object", "Unknown"})

#: Those of which one with all the names is the same as one or the other.
_MERGED = frozenset({"Enum", "Literal", "Object"})


def unknownType(name: str = "") -> WireType:
    """
    @param name: what could not be followed.
    @return: what cannot be known.
    """
    return WireType("Unknown", names=(name,) if name else ())


def unionOf(arms: Iterable[WireType]) -> WireType:
    """
    @return: one of some types, each named once, in the order of their texts.
    """
    named: dict[str, dict[str, Any]] = {}
    # By their texts, since True is equal to 1.
    flat: dict[str, WireType] = {}
    for arm in arms:
        for part in arm.args if arm.name == "Union" else [arm]:
            if part.name in _MERGED and not part.limits:
                known = named.setdefault(part.name, {})
                known.update((repr(name), name) for name in part.names)
            else:
                flat[textOfType(part)] = part
    for name, members in named.items():
        part = WireType(name, names=tuple(members[key] for key in sorted(members)))
        flat[textOfType(part)] = part
    # None last, as people write it.
    ordered = [flat[text] for text in sorted(flat, key=lambda t: (t == "None", t))]
    return ordered[0] if len(ordered) == 1 else WireType("Union", tuple(ordered))


def textOfType(kind: WireType) -> str:
    """
    @return: a type as a line of text.
    """
    if kind.name == "Union":
        return " | ".join(map(textOfType, kind.args))
    text = kind.name
    if kind.name in _NAMED:
        text += f"[{', '.join(map(repr, kind.names))}]" if kind.names else ""
    elif kind.name == "tuple" and kind.names:
        pairs = zip(kind.names, kind.args, strict=True)
        text += f"[{', '.join(f'{name}: {textOfType(arg)}' for name, arg in pairs)}]"
    elif kind.args:
        parts = [*map(textOfType, kind.args), *(["..."] if kind.endless else [])]
        text += f"[{', '.join(parts)}]"
    elif kind.name == "tuple" and not kind.endless:
        text += "[()]"
    if kind.limits:
        text += f"({', '.join(f'{name}={limit!r}' for name, limit in kind.limits)})"
    return text


def parseType(text: str) -> WireType:
    """
    @return: the type that L{textOfType} has written.
    @raise BadWireType: if it has not.
    """
    try:
        return _parsed(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise BadWireType(text) from None


def _parsed(node: ast.expr) -> WireType:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return unionOf([_parsed(node.left), _parsed(node.right)])
    if isinstance(node, ast.Call) and not node.args:
        limits = tuple((str(k.arg), ast.literal_eval(k.value)) for k in node.keywords)
        return attrs.evolve(_parsed(node.func), limits=limits)
    if isinstance(node, ast.Constant) and node.value is None:
        return WireType("None")
    if isinstance(node, ast.Name) and node.id in _LEAVES | _NAMED:
        return WireType(node.id, endless=node.id == "tuple")
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)):
        raise ValueError
    name, inside = node.value.id, node.slice
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name in _NAMED:
        return WireType(name, names=tuple(map(ast.literal_eval, parts)))
    if name == "tuple":
        return _parsedTuple(parts)
    if len(parts) != _CONTAINERS[name] if name in _CONTAINERS else True:
        raise ValueError
    return WireType(name, tuple(map(_parsed, parts)))


def _parsedTuple(parts: list[ast.expr]) -> WireType:
    if parts and all(isinstance(part, ast.Slice) for part in parts):
        names: list[str] = []
        args: list[WireType] = []
        for part in parts:
            if not (
                isinstance(part, ast.Slice)
                and isinstance(part.lower, ast.Name)
                and part.upper is not None
                and part.step is None
            ):
                raise ValueError
            names.append(part.lower.id)
            args.append(_parsed(part.upper))
        return WireType("tuple", tuple(args), tuple(names))
    if parts and isinstance(parts[-1], ast.Constant) and parts[-1].value is ...:
        if len(parts) != 2:
            raise ValueError
        return WireType("tuple", (_parsed(parts[0]),), endless=True)
    return WireType("tuple", tuple(map(_parsed, parts)))
