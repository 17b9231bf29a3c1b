"""
What an annotation names, read from the source or from what it evaluates to.
"""

from __future__ import annotations

import ast
import enum
import types
import typing
from collections.abc import Iterator
from typing import Any

import attrs

from pbext.audit._model import UNKNOWN, Field, Program
from pbext.audit.reading._sources import Source
from pbext.audit.rules._said import sourceOf

__all__ = ["ANY", "ENUM", "TYPED_DICT", "UNION", "Named", "namedBy"]

#: What stands for a union, for any subclass of C{Enum}, and for a C{TypedDict}.
UNION, ENUM, TYPED_DICT = "|", "enum.Enum", "typing.TypedDict"

#: What says that a value may be anything.
ANY = frozenset({"typing.Any", "builtins.object", "typing_extensions.Any"})

#: What only wraps another annotation, of which the first argument counts.
_WRAPS = frozenset(
    {
        "dataclasses.InitVar",
        "pbext._fields.LocalOnly",
        "typing.Annotated",
        "typing.Final",
        "typing.Required",
        "typing_extensions.Annotated",
    }
)

#: What stands in these are no annotations of values.
_CLOSED = frozenset(
    {"typing.Callable", "collections.abc.Callable", "typing.Literal", "typing.Type"}
)

#: Which class C{typing} means by another name; or Python 3.13 has in another module.
_MEANT = {
    "pathlib._local.Path": "pathlib.Path",
    "typing.DefaultDict": "collections.defaultdict",
    "typing.Deque": "collections.deque",
    "typing.Dict": "builtins.dict",
    "typing.FrozenSet": "builtins.frozenset",
    "typing.List": "builtins.list",
    "typing.OrderedDict": "collections.OrderedDict",
    "typing.Set": "builtins.set",
    "typing.Tuple": "builtins.tuple",
    "typing.Type": "builtins.type",
}

_ENUMS = ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")


@attrs.frozen
class Named:
    """
    An annotation, or part of one.

    @ivar name: canonical; L{UNION}; or C{""} if it is not known.
    @ivar parts: the arms of a union, or what stands in the brackets.
    """

    name: str
    parts: tuple[Named, ...] = ()

    def walk(self, certain: bool = True) -> Iterator[tuple[Named, bool]]:
        """
        @return: it and all its parts; of each, whether there is no value without.
        """
        yield self, certain
        for part in self.parts:
            yield from part.walk(certain and self.name != UNION)

    def unions(self) -> Iterator[frozenset[str]]:
        """
        @return: the names in each union.
        """
        for part, _ in self.walk():
            if part.name == UNION:
                yield frozenset(arm.name for arm in part.parts)


def namedBy(program: Program, field: Field) -> Named | None:
    """
    @return: what the annotation of a field names; C{None} if it has none, or that
        cannot be known.
    """
    if field.type is not UNKNOWN and field.type is not None:
        return _living(field.type)
    source = sourceOf(program, field.place.path)
    if not field.annotation or source is None:
        return None
    return _quoted(source, field.annotation)


def _quoted(source: Source, text: str) -> Named | None:
    try:
        return _written(source, ast.parse(text, mode="eval").body)
    except SyntaxError:
        return None


def _written(source: Source, node: ast.expr) -> Named:
    if isinstance(node, ast.Constant):
        if node.value is None:
            return Named("builtins.NoneType")
        found = _quoted(source, node.value) if isinstance(node.value, str) else None
        return found or Named("")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        arms = [_written(source, side) for side in (node.left, node.right)]
        return _union(arms)
    name = _meant(source, source.resolve(node) or "")
    if not isinstance(node, ast.Subscript):
        return Named(name)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name in _WRAPS or name.endswith("LocalOnly"):
        return _written(source, inner[0])
    if name in _CLOSED:
        return Named(_MEANT.get(name, name))
    parts = [_written(source, part) for part in inner]
    if name in ("typing.Optional", "typing.Union"):
        none = [Named("builtins.NoneType")] if name == "typing.Optional" else []
        return _union([*parts, *none])
    return Named(name, tuple(parts))


def _union(arms: list[Named]) -> Named:
    flat = [p for arm in arms for p in (arm.parts if arm.name == UNION else (arm,))]
    return Named(UNION, tuple(flat))


def _meant(source: Source, name: str) -> str:
    """
    @return: a name, or what its class is one of, if that is read.
    """
    module, _, last = name.rpartition(".")
    if module == source.label:
        for node in source.of(ast.ClassDef):
            if node.name == last:
                for base in node.bases:
                    above = source.resolve(base) or ""
                    if above.rpartition(".")[0] == "enum" and above.endswith(_ENUMS):
                        return ENUM
                    if above in (TYPED_DICT, "typing_extensions.TypedDict"):
                        return TYPED_DICT
    return _MEANT.get(name, name)


def _living(kind: Any) -> Named:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union([_living(arm) for arm in args])
    if origin is typing.Annotated or origin is typing.Final:
        return _living(args[0])
    if isinstance(kind, typing.NewType):
        return _living(kind.__supertype__)
    cls = origin or kind
    if isinstance(cls, type) and issubclass(cls, enum.Enum):
        return Named(ENUM)
    if typing.is_typeddict(cls):
        return Named(TYPED_DICT)
    module, qualname = getattr(cls, "__module__", ""), getattr(cls, "__qualname__", "")
    name = f"{module}.{qualname or getattr(cls, '_name', '') or ''}"
    if cls is Any:
        name = "typing.Any"
    if name in _CLOSED or origin is typing.Literal or cls is type:
        return Named(name)
    parts = tuple(_living(arg) for arg in args if arg is not Ellipsis)
    return Named(_MEANT.get(name, name), parts)
