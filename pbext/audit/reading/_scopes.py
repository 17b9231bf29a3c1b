"""
Scopes: what stands in the body of a function or a class, and what its names are bound
to there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import Any

from pbext.audit.reading._sources import Source

__all__ = ["bindings", "inBody", "qualnameOf", "shallow"]

_INSIDE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def qualnameOf(source: Source, node: ast.AST) -> str:
    """
    @return: the C{__qualname__} that a class or function will have.
    """
    parts = [node.name]  # type: ignore[attr-defined]  # each of the two has one
    for outer in source.enclosing(node):
        if isinstance(outer, ast.ClassDef):
            parts.insert(0, outer.name)
        elif isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parts[:0] = [outer.name, "<locals>"]
    return ".".join(parts)


def shallow(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """
    @return: nodes and what stands in them, in the order of the source, without
        the bodies of functions and classes inside.
    """
    waiting = [*nodes]
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, _INSIDE):
            waiting[:0] = ast.iter_child_nodes(node)


def inBody(cls: ast.ClassDef, node: ast.AST) -> Any:
    """
    @return: what a name is bound to in the body of a class, above a node.
    """
    name = getattr(node, "id", None)
    found: Any = None
    line = getattr(node, "lineno", 0)
    for statement in takewhile(lambda s: s.lineno < line, cls.body):
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            found = statement
        elif isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in statement.targets
        ):
            found = statement.value
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if statement.name == name:
                found = statement
    return found


def bindings(function: Any) -> dict[str, Any]:
    """
    @return: what the names are bound to that are local to a function: a
        dotted name that was imported, an import from a module, a class, a
        function, an expression; C{None} for what is an argument, or is bound
        more than once.
    """
    found = getattr(function, "_pbextBindings", None)
    if found is None:
        found = function._pbextBindings = _readBindings(function)
    known: dict[str, Any] = found
    return known


def _readBindings(function: Any) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    arguments = function.args
    for argument in [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]:
        if argument is not None:
            bound[argument.arg] = None

    def bind(name: str, value: Any) -> None:
        bound[name] = None if name in bound else value

    body = function.body if isinstance(function.body, list) else [function.body]
    declared: set[str] = set()
    for node in shallow(body):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            declared.update(node.names)
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            bind(node.name, node)
        elif isinstance(node, ast.Import):
            for name in node.names:
                top = name.name.partition(".")[0]
                bound[name.asname or top] = name.name if name.asname else top
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                bind(name.asname or name.name, (node, name))
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            if isinstance(node.targets[0], ast.Name):
                bind(node.targets[0].id, node.value)
            else:
                _bindTargets(node.targets[0], bind)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if node.id not in bound:
                bound[node.id] = None
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bind(node.name, None)
    return {name: value for name, value in bound.items() if name not in declared}


def _bindTargets(target: ast.expr, bind: Callable[[str, Any], None]) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bind(node.id, None)
