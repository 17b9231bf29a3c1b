"""
Loops over observers that do nothing but tell each of them the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from pbext.audit.fixing._families import FUNCTIONS, Family, Function, ownerOf
from pbext.audit.reading._sources import Source

__all__ = ["broadcastIn", "doesNothing"]

#: Functions that give the same each time.
_PURE = frozenset(
    f"builtins.{name}"
    for name in (
        *("bool", "bytes", "dict", "float", "int", "len", "list", "max", "min"),
        *("repr", "round", "sorted", "str", "sum", "tuple", "type"),
    )
)

#: What does something, or may, each time that it is looked at.
_DOES = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)

#: What is said to callRemote that the book does not take.
_OWN = frozenset({"pbcallback", "pberrback"})

_DEAD = frozenset({"DeadReferenceError", "PBConnectionLost", "DeadReference"})


def broadcastIn(
    source: Source, family: Family, observer: str, body: Sequence[ast.stmt] | ast.expr
) -> ast.Call | None:
    """
    @param observer: what the loop calls the one whose turn it is.
    @param body: what it does with each.
    @return: the C{callRemote}, if it does nothing else: errbacks and handlers
        that throw errors away are nothing.
    """
    expression = body if isinstance(body, ast.expr) else _only(body)
    while isinstance(expression, ast.Call) and _is(expression, "addErrback"):
        if len(expression.args) != 1 or expression.keywords:
            return None
        if not _throwsAway(source, family, expression.args[0]):
            return None
        assert isinstance(expression.func, ast.Attribute)
        expression = expression.func.value
    if not isinstance(expression, ast.Call) or not _is(expression, "callRemote"):
        return None
    assert isinstance(expression.func, ast.Attribute)
    called = expression.func.value
    if not isinstance(called, ast.Name) or called.id != observer:
        return None
    same = _isSame(source, observer, [*expression.args, *expression.keywords])
    return expression if expression.args and same else None


def _is(call: ast.Call, method: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == method


def _only(body: Sequence[ast.stmt]) -> ast.expr | None:
    """
    @return: the expression that is all that there is, also under an C{except}
        that passes.
    """
    if len(body) != 1:
        return None
    statement = body[0]
    if isinstance(statement, ast.Try):
        passes = all(doesNothing(handler.body) for handler in statement.handlers)
        if not passes or statement.orelse or statement.finalbody:
            return None
        return _only(statement.body)
    return statement.value if isinstance(statement, ast.Expr) else None


def _isSame(source: Source, observer: str, given: Iterable[ast.AST]) -> bool:
    """
    @return: whether arguments are the same for each observer.
    """
    for argument in given:
        for node in ast.walk(argument):
            if isinstance(node, _DOES):
                return False
            if isinstance(node, ast.Name) and node.id == observer:
                return False
            if isinstance(node, ast.keyword) and node.arg in _OWN:
                return False
            if isinstance(node, ast.Call) and source.resolve(node.func) not in _PURE:
                return False
    return True


def doesNothing(body: Iterable[ast.stmt]) -> bool:
    """
    @return: whether statements only pass, or return the same each time.
    """
    for statement in body:
        if isinstance(statement, ast.Return):
            if not (
                statement.value is None or isinstance(statement.value, ast.Constant)
            ):
                return False
        elif isinstance(statement, ast.Expr):
            if not isinstance(statement.value, ast.Constant):
                return False
        elif not isinstance(statement, (ast.Pass, ast.Continue)):
            return False
    return True


def _throwsAway(source: Source, family: Family, errback: ast.expr) -> bool:
    """
    @return: whether an errback ends every error, or dead references alone.
    """
    if isinstance(errback, ast.Lambda):
        return isinstance(errback.body, ast.Constant)
    name = source.resolve(errback) or ""
    if name.endswith("swallowDeadReference"):
        return True
    functions = [*_functions(source, family, errback)]
    return bool(functions) and all(
        doesNothing(s for s in function.body if not _trapsDead(source, s))
        for function in functions
    )


def _functions(source: Source, family: Family, errback: ast.expr) -> Iterable[Function]:
    """
    @return: those that an expression can stand for.
    """
    if isinstance(errback, ast.Attribute) and isinstance(errback.value, ast.Name):
        owner = ownerOf(source, errback)
        if owner is not None and owner.itself == errback.value.id:
            yield from (found for _, found in family.functions(errback.attr))
    elif isinstance(errback, ast.Name):
        for scope in source.enclosing(errback):
            if not isinstance(scope, (*FUNCTIONS, ast.Module)):
                continue
            found = [
                statement
                for statement in scope.body
                if isinstance(statement, FUNCTIONS) and statement.name == errback.id
            ]
            if found:
                yield from found
                return


def _trapsDead(source: Source, statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and _is(call, "trap")
        and all(
            (source.resolve(argument) or "").rpartition(".")[2] in _DEAD
            for argument in call.args
        )
    )
