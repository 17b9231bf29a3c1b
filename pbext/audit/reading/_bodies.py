"""
What stands in the bodies of functions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pbext.audit.reading._scopes import qualnameOf, shallow
from pbext.audit.reading._sources import Source

__all__ = [
    "FUNCTIONS",
    "Function",
    "argument",
    "calls",
    "constant",
    "enclosingFunction",
    "parameters",
    "selfOf",
    "shallow",
    "subjectOf",
    "written",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def calls(nodes: Iterable[ast.AST], method: str) -> Iterator[ast.Call]:
    """
    @return: the calls of anything's method of this name among L{shallow} nodes.
    """
    for node in shallow(nodes):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == method
        ):
            yield node


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """
    @return: what is given for a parameter, by position or by name; C{None} if
        nothing is, or if that cannot be seen.
    """
    if any(isinstance(given, ast.Starred) for given in call.args[: position + 1]):
        return None
    if position < len(call.args):
        return call.args[position]
    return next((given.value for given in call.keywords if given.arg == name), None)


def constant(node: ast.AST | None) -> str | None:
    """
    @return: the text of a literal string, or of literal bytes.
    """
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def parameters(function: Function | ast.Lambda) -> list[str]:
    """
    @return: the names of what a function takes by position.
    """
    return [a.arg for a in [*function.args.posonlyargs, *function.args.args]]


def selfOf(function: Function) -> str:
    """
    @return: what a method calls its C{self}; C{""} if it has none.
    """
    return next(iter(parameters(function)), "")


def written(node: ast.AST) -> str:
    """
    @return: a name or attributes of one, such as C{self.observers}; C{""} for
        other expressions.
    """
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = written(node.value)
        return owner and f"{owner}.{node.attr}"
    return ""


def enclosingFunction(source: Source, node: ast.AST) -> Function | ast.Lambda | None:
    """
    @return: the function in whose body a node stands, if it does in one.
    """
    for outer in source.enclosing(node):
        if isinstance(outer, (*FUNCTIONS, ast.Lambda)):
            return outer
    return None


def subjectOf(source: Source, node: ast.AST) -> str:
    """
    @return: the class in which a node stands, or the module.
    """
    for outer in source.enclosing(node):
        if isinstance(outer, ast.ClassDef):
            return f"{source.label}.{qualnameOf(source, outer)}"
    return source.label
