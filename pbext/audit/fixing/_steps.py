"""
The statements by which hooks take observers into a collection and out of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pbext.audit.fixing._broadcasts import doesNothing
from pbext.audit.fixing._collections import (
    Collection,
    Keys,
    Stays,
    attributeOf,
    entered,
    isName,
)
from pbext.audit.fixing._families import ENTERS, LEAVES, Family, Function, Owner
from pbext.audit.reading._bodies import parameters
from pbext.audit.reading._sources import Source

__all__ = ["checkHooks", "discarded", "isEmptied", "stepOf"]


def stepOf(
    source: Source, node: ast.Attribute, owner: Owner, collection: Collection
) -> ast.stmt | None:
    """
    @param node: where the collection is named.
    @return: the statement, if it is one that a hook only has for its observer
        to enter or to leave.
    """
    function = owner.function
    names = parameters(function) if function is not None else []
    if function is None or len(names) < 3:
        return None
    statement = _statementOf(source, node)
    if function.name == ENTERS:
        inner = statement.value if isinstance(statement, ast.Expr) else statement
        found = entered(inner, names[0], names[2]) == collection
    elif function.name == LEAVES:
        found = _left(statement, names, collection)
    else:
        return None
    return _guarded(source, statement, collection) if found else None


def _statementOf(source: Source, node: ast.AST) -> ast.stmt:
    return next(n for n in source.enclosing(node) if isinstance(n, ast.stmt))


def _left(statement: ast.stmt, names: list[str], collection: Collection) -> bool:
    itself, _, observer = names[:3]
    keyed = collection.keys is not Keys.NONE

    def isIt(node: ast.AST) -> bool:
        return attributeOf(node, itself) == collection.name

    def isObserver(node: ast.AST) -> bool:
        return collection.keys is Keys.OTHERS or isName(node, observer)

    if isinstance(statement, ast.Delete) and keyed:
        [target, *more] = statement.targets
        return (
            not more
            and isinstance(target, ast.Subscript)
            and isIt(target.value)
            and isObserver(target.slice)
        )
    if isinstance(statement, ast.Assign) and not keyed:
        # self.observers = [o for o in self.observers if o is not observer]
        value = statement.value
        return (
            len(statement.targets) == 1
            and isIt(statement.targets[0])
            and isinstance(value, (ast.ListComp, ast.SetComp))
            and len(value.generators) == 1
            and isIt(value.generators[0].iter)
            and any(isName(n, observer) for n in ast.walk(value.generators[0]))
        )
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    methods = ("pop",) if keyed else ("remove", "discard")
    return (
        isIt(call.func.value)
        and call.func.attr in methods
        and bool(call.args)
        and isObserver(call.args[0])
    )


def _guarded(source: Source, statement: ast.stmt, collection: Collection) -> ast.stmt:
    """
    @return: a statement with what guards it: asking whether the observer is in
        the collection, or an C{except} that passes.
    """
    parent = source.parents[statement]
    if getattr(parent, "body", None) == [statement]:
        if isinstance(parent, ast.If) and not parent.orelse:
            test = parent.test
            if isinstance(test, ast.Compare) and len(test.comparators) == 1:
                it = test.comparators[0]
                asks = isinstance(test.ops[0], (ast.In, ast.NotIn))
                if (
                    asks
                    and isinstance(it, ast.Attribute)
                    and it.attr == collection.name
                ):
                    return parent
        if isinstance(parent, ast.Try) and not parent.orelse and not parent.finalbody:
            if all(doesNothing(handler.body) for handler in parent.handlers):
                return parent
    return statement


def discarded(
    source: Source, node: ast.Attribute, collection: Collection
) -> ast.Attribute | None:
    """
    @return: the method, if one is called that takes an observer out.
    """
    parent = source.parents[node]
    if not isinstance(parent, ast.Attribute) or collection.keys is not Keys.NONE:
        return None
    call = source.parents[parent]
    isCall = isinstance(call, ast.Call) and call.func is parent
    return parent if isCall and parent.attr in ("remove", "discard") else None


def isEmptied(function: Function, dropped: Iterable[ast.AST]) -> bool:
    """
    @return: whether a hook does nothing any more but call that of its base.
    """
    gone = [*dropped]
    left = [statement for statement in function.body if statement not in gone]
    return (
        len(left) < len(function.body)
        and not function.decorator_list
        and all(doesNothing([s]) or _calls(s, LEAVES) for s in left)
    )


def _calls(statement: ast.stmt, method: str) -> bool:
    call = statement.value if isinstance(statement, (ast.Expr, ast.Return)) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == method
    )


def checkHooks(
    family: Family,
    steps: dict[Function, ast.stmt],
    looks: Iterable[tuple[Function, ast.AST]],
    concerned: Iterable[str],
) -> None:
    """
    See that the hooks do not depend on when the observer enters or leaves, since
    to the book it does so before they are called.

    @param steps: where it does so now.
    @param looks: where a hook looks at the collection.
    @param concerned: the methods that do.
    @raise Stays: if they do depend on it.
    """
    concerned = _concerned(family, {*concerned})
    for source, hook in [*family.functions(ENTERS), *family.functions(LEAVES)]:
        step = steps.get(hook)
        before = _before(hook, step)
        if hook.name == ENTERS:
            if step is None and not any(
                isinstance(n, ast.Attribute) and n.attr == ENTERS
                for n in ast.walk(hook)
            ):
                raise Stays("here is a hook that keeps no observer", source.place(hook))
            if step is not None and step not in hook.body:
                raise Stays("not every observer enters it", source.place(step))
            if step is not None and (hook.decorator_list or _ends(before)):
                raise Stays("not every observer enters it", source.place(step))
            if step is None:
                before = hook.body
        elif step is None:
            continue
        inside = {n for statement in before for n in ast.walk(statement)}
        for function, node in looks:
            if function is hook and node in inside:
                raise Stays(
                    "a hook looks at it before the observer is in or out of it",
                    source.place(node),
                )
        for node in _shown(inside, parameters(hook)[0], source, concerned):
            raise Stays(
                "a hook calls what may look at it, before the observer is in or out",
                source.place(node),
            )


def _before(hook: Function, step: ast.stmt | None) -> list[ast.stmt]:
    """
    @return: the statements of a hook that come before a step.
    """
    found: list[ast.stmt] = []
    for statement in hook.body:
        if step is None or step in ast.walk(statement):
            break
        found.append(statement)
    return found


def _ends(statements: Iterable[ast.stmt]) -> bool:
    return any(
        isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom, ast.Await))
        for statement in statements
        for node in ast.walk(statement)
    )


def _concerned(family: Family, names: set[str]) -> set[str]:
    """
    @return: these methods, and those that call one of them.
    """
    hooks = (ENTERS, LEAVES)
    uses = {
        function.name: {
            n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute)
        }
        for _, function in family.functions()
        if function.name not in hooks
    }
    while more := {n for n, used in uses.items() if used & names and n not in names}:
        names |= more
    return names


def _shown(
    nodes: set[ast.AST], itself: str, source: Source, concerned: set[str]
) -> Iterator[ast.AST]:
    """
    @return: where the object is given to somebody else, or one of its methods is
        used that is concerned.
    """
    for node in nodes:
        if not isName(node, itself):
            continue
        parent = source.parents[node]
        if isinstance(parent, ast.Attribute):
            if parent.attr in concerned:
                yield parent
        elif not (isinstance(parent, ast.Call) and _isUp(source, parent)):
            yield node


def _isUp(source: Source, call: ast.Call) -> bool:
    """
    @return: whether it is C{super(X, self)}, or a base's method.
    """
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in (ENTERS, LEAVES, "getStateToCopyFor", "getStateToCopy")
    return source.resolve(call.func) in (
        *("builtins.super", "builtins.vars", "builtins.type"),
        *("builtins.isinstance", "builtins.id"),
    )
