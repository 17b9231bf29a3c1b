"""
Annotations, evaluated from their source alone: what the standard library and the
framework mean by a name is known, and all other names stand for themselves.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Literal, Union

from pbext.audit.reading._sources import Source

__all__ = ["Annotations"]

#: Modules that are asked what a name in them is: they are loaded in any case.
_KNOWN = frozenset(
    "builtins typing datetime decimal uuid pathlib collections collections.abc enum "
    "msgspec twisted.spread.pb twisted.spread.flavors".split()
)

#: Modules whose names are those of another.
_SAME: Mapping[str, str] = {"typing_extensions": "typing"}

_ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})


class _Unreadable(Exception):
    pass


class Annotations:
    """
    The annotations of a program that is only read.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.path: source for source in sources}
        self._labels = {source.label: source for source in self._sources.values()}
        self._classes: dict[str, Any] = {}

    def evaluated(self, text: str, path: str) -> Any:
        """
        @param text: an annotation.
        @param path: the file in which it stands.
        @return: what it evaluates to, with a class made up for each name that is
            not known; the text itself, if it cannot be read.
        """
        source = self._sources.get(path)
        if source is None:
            return text
        try:
            return self._read(ast.parse(text, mode="eval").body, source)
        except (_Unreadable, SyntaxError, TypeError, ValueError, RecursionError):
            return text

    def _read(self, node: ast.expr, source: Source) -> Any:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):  # a name in quotes
                return self._read(ast.parse(node.value, mode="eval").body, source)
            if node.value in (None, ...):
                return node.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            arms = self._read(node.left, source), self._read(node.right, source)
            return Union[arms]  # noqa: UP007  # of whatever has been made up
        if isinstance(node, ast.Subscript):
            return self._subscript(node, source)
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = source.resolve(node)
            return ast.unparse(node) if name is None else self._named(name)
        raise _Unreadable

    def _subscript(self, node: ast.Subscript, source: Source) -> Any:
        outer = self._read(node.value, source)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer is Literal:
            return outer[tuple(self._value(part, source) for part in parts)]
        if outer is Annotated:
            said = [m for part in parts[1:] for m in self._meta(part, source)]
            inner = self._read(parts[0], source)
            return outer[(inner, *said)] if said else inner
        if isinstance(outer, type) and not hasattr(outer, "__class_getitem__"):
            return outer  # a generic class of the program's
        read = tuple(self._read(part, source) for part in parts)
        return outer[read[0] if len(read) == 1 else read]

    def _value(self, node: ast.expr, source: Source) -> Any:
        """
        A part of a C{Literal}.
        """
        if isinstance(node, ast.Attribute):
            owner = self._read(node.value, source)
            if isinstance(owner, type) and issubclass(owner, enum.Enum):
                return owner[node.attr]
        return ast.literal_eval(node)

    def _meta(self, node: ast.expr, source: Source) -> Iterator[Any]:
        if isinstance(node, ast.Call) and source.resolve(node.func) == "msgspec.Meta":
            import msgspec

            said = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
            yield msgspec.Meta(**said)

    def _named(self, name: str) -> Any:
        module, _, attribute = name.rpartition(".")
        module = _SAME.get(module, module)
        if module in _KNOWN:
            found = getattr(import_module(module), attribute, None)
            if found is not None:
                return found
        if name not in self._classes:
            self._classes[name] = self._made(name)
        return self._classes[name]

    def _made(self, name: str) -> Any:
        """
        @return: a class that stands for one of the program's.
        """
        parts = name.split(".")
        for count in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:count])
            qualname = ".".join(parts[count:])
            source = self._labels.get(module)
            if source is not None:
                members = _members(source, qualname)
                if members:
                    return enum.Enum(qualname, members, module=module)
                break
        else:
            module, qualname = ".".join(parts[:-1]), parts[-1]
        return type(qualname, (), {"__module__": module, "__qualname__": qualname})


def _members(source: Source, name: str) -> dict[str, str]:
    """
    @return: the members of an enum in a module, if it is one that is simple: values
        that are different from each other.
    """
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            if not {source.resolve(base) for base in node.bases} & _ENUMS:
                return {}
            return {
                target.id: f"{ast.dump(statement.value)} {at * _isAuto(statement)}"
                for at, statement in enumerate(node.body)
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Name) and not target.id.startswith("_")
            }
    return {}


def _isAuto(statement: ast.Assign) -> bool:
    return isinstance(statement.value, ast.Call)  # the next value
