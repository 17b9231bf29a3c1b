"""
The functions of a program, by their names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from pbext.audit.reading._bodies import FUNCTIONS
from pbext.audit.reading._bodies import Function as FunctionNode
from pbext.audit.reading._sources import Source

__all__ = ["Function", "FunctionNode", "World"]


@attrs.frozen(eq=False)
class Function:
    """
    A function that has a name.

    @ivar name: its name.
    @ivar node: it.
    @ivar source: its file.
    @ivar owner: the class in whose body it stands, by its canonical name, or
        C{""}.
    """

    name: str
    node: FunctionNode
    source: Source
    owner: str

    @property
    def decorators(self) -> frozenset[str]:
        """
        The last part of the names of its decorators.
        """
        return frozenset(
            getattr(d, "attr", getattr(d, "id", "?")) for d in self.node.decorator_list
        )

    @property
    def isProperty(self) -> bool:
        return not self.decorators.isdisjoint({"property", "cached_property"})

    @property
    def isStatic(self) -> bool:
        return "staticmethod" in self.decorators

    @property
    def isOfClass(self) -> bool:
        return "classmethod" in self.decorators


class World:
    """
    All that sources define.

    @ivar functions: those of modules, by canonical name.
    @ivar classes: the methods in the body of each class, by its canonical name.
    @ivar values: what is assigned in the body of each class.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, dict[str, Function]] = {}
        self.values: dict[str, dict[str, tuple[Source, ast.expr]]] = {}
        self._bases: dict[str, tuple[Source, list[ast.expr]]] = {}
        for source in sources:
            self._read(source, source.label, source.tree.body, None)

    def _read(
        self, source: Source, prefix: str, body: Sequence[ast.stmt], cls: str | None
    ) -> None:
        for statement in _statements(body):
            if isinstance(statement, FUNCTIONS):
                name = f"{prefix}.{statement.name}"
                function = Function(statement.name, statement, source, cls or "")
                if cls is None:
                    self.functions[name] = function
                else:
                    known = self.classes[cls].get(statement.name)
                    if known is None or not known.isProperty:  # the getter
                        self.classes[cls][statement.name] = function
                self._read(source, f"{name}.<locals>", statement.body, None)
            elif isinstance(statement, ast.ClassDef):
                name = f"{prefix}.{statement.name}"
                self.classes[name] = {}
                self.values[name] = {}
                self._bases[name] = source, statement.bases
                self._read(source, name, statement.body, name)
            elif cls is not None:
                for target, value in _assigned(statement):
                    self.values[cls][target] = source, value

    def method(self, lines: Sequence[str], name: str) -> Function | None:
        """
        @param lines: classes, in the order of attribute lookup.
        @return: the method that they have by a name.
        """
        for line in lines:
            found = self.classes.get(line, _NONE).get(name) or self._alias(line, name)
            if found is not None:
                return found
        return None

    def _alias(self, line: str, name: str) -> Function | None:
        """
        @return: the method of which C{name = other.method} makes one.
        """
        if name not in self.values.get(line, ()):
            return None
        source, value = self.values[line][name]
        if not isinstance(value, (ast.Name, ast.Attribute)):
            return None
        owner, _, last = (source.resolve(value) or "").rpartition(".")
        return self.classes.get(owner, _NONE).get(last)

    def lines(self, name: str) -> list[str]:
        """
        @return: a class of theirs and those above it, the nearest first.
        """
        found = {name: None}
        source, bases = self._bases.get(name, (None, []))
        for base in bases:
            above = source.resolve(base) if source is not None else None
            if above in self._bases and above not in found:
                found.update(dict.fromkeys(self.lines(above)))
        return [*found]

    def isFramework(self, name: str) -> bool:
        """
        @return: whether a class is Twisted's or pbext's.
        """
        return name.startswith(("twisted.", "pbext."))

    def knows(self, lines: Sequence[str]) -> bool:
        """
        @return: whether it is known what all of these classes do.
        """
        return all(line in self.classes or self.isFramework(line) for line in lines)

    def function(self, name: str | None) -> Function | None:
        return None if name is None else self.functions.get(name)


_NONE: Mapping[str, Function] = {}


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """
    @return: what a body says, also under a condition.
    """
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            for _, value in ast.iter_fields(statement):
                for child in value if isinstance(value, list) else ():
                    if isinstance(child, ast.ExceptHandler):
                        yield from _statements(child.body)
                    elif isinstance(child, ast.stmt):
                        yield from _statements([child])


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        if isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value
