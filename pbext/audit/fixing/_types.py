"""
Failures that are asked for their type, and how they would be asked right.
"""

from __future__ import annotations

import ast
import json

from pbext.audit._findings import Place
from pbext.audit.fixing._edits import Put, whole
from pbext.audit.fixing._families import isCondition
from pbext.audit.reading._sources import Source

__all__ = ["Unclear", "checkAt"]

_WHY = "of an error that came by the wire, the type is a name"

#: What asks for kinds, and of which attribute of the failure.
_KINDS = {"builtins.issubclass": "type", "builtins.isinstance": "value"}

#: What makes a name or a text of a class.
_NAMES = frozenset({"builtins.str", "twisted.python.reflect.qual"})

_IS = (ast.Eq, ast.Is, ast.In)
_IS_NOT = (ast.NotEq, ast.IsNot, ast.NotIn)
_AMONG = (ast.In, ast.NotIn)


class Unclear(Exception):
    """
    It cannot be said mechanically; the message says why.
    """


def checkAt(source: Source, place: Place) -> Put:
    """
    @param place: where a comparison stands.
    @return: what makes it ask the failure itself.
    @raise Unclear: if it cannot be made so.
    """
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Compare, ast.Call)) and source.place(node) == place:
            found = _asked(source, node)
            if found is not None:
                return Put(whole(source, node), _WHY, _said(source, node, *found))
    raise Unclear("it is no comparison of its type with classes")


def _asked(
    source: Source, node: ast.Compare | ast.Call
) -> tuple[ast.expr, list[ast.expr], bool] | None:
    """
    @return: the failure, the types that its own is compared with, and whether it
        is to be one of them.
    """
    if isinstance(node, ast.Call):
        attribute = _KINDS.get(source.resolve(node.func) or "")
        if attribute is None or len(node.args) != 2:
            return None
        failure = _of(node.args[0], attribute)
        types = _members(node.args[1]) or [node.args[1]]
        return None if failure is None else (failure, types, True)
    [how, *more] = node.ops
    if more or not isinstance(how, (*_IS, *_IS_NOT)):
        return None
    left, right = node.left, node.comparators[0]
    failure = _of(_named(source, left), "type")
    if isinstance(how, _AMONG):
        types = _members(right)
    elif failure is None:
        failure, types = _of(_named(source, right), "type"), [left]
    else:
        types = [right]
    if failure is None or not types:
        return None
    return failure, [_named(source, each) for each in types], isinstance(how, _IS)


def _of(node: ast.expr, attribute: str) -> ast.expr | None:
    """
    @return: whose attribute of that name a node is.
    """
    if isinstance(node, ast.Attribute) and node.attr == attribute:
        return node.value
    return None


def _members(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else []


def _named(source: Source, node: ast.expr) -> ast.expr:
    """
    @return: what the name or the text is made of, if a node makes one.
    """
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        if source.resolve(node.func) in _NAMES:
            return node.args[0]
    return node


def _said(
    source: Source,
    node: ast.Compare | ast.Call,
    failure: ast.expr,
    types: list[ast.expr],
    yes: bool,
) -> str:
    if node.end_lineno != node.lineno:
        lines = source.lines[node.lineno - 1 : node.end_lineno]
        if any("#" in line for line in lines):
            raise Unclear("there are comments in the comparison")
    check = f"{_code(failure)}.check({', '.join(map(_code, types))})"
    if isCondition(source, node):
        return check if yes else f"not {check}"
    asked = f"{check} is {'not ' if yes else ''}None"
    return f"({asked})" if isinstance(node, ast.Call) else asked


def _code(node: ast.expr) -> str:
    """
    @return: a failure or a class, as it is to be written.
    """
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    if isinstance(inner, ast.Name):
        return ast.unparse(node)
    name = node.value if isinstance(node, ast.Constant) else None
    if isinstance(name, bytes):
        name = name.decode("utf-8", "replace")
    # What Python 2 called its own, nobody does any more.
    if isinstance(name, str) and "." in name and not name.startswith("exceptions."):
        return json.dumps(name, ensure_ascii=False)
    raise Unclear("it is compared with something else than classes")
