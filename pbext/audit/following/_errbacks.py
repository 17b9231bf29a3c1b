"""
Which functions get the errors of calls of remote methods.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import attrs

from pbext.audit._model import Program
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    Function,
    argument,
    enclosingFunction,
    parameters,
    written,
)
from pbext.audit.reading._sources import Source

__all__ = ["Errback", "errbacks"]

#: The methods of a Deferred that return it, with the number of the argument that
#: is an errback.
_ATTACHING = {
    "addCallback": None,
    "addErrback": 0,
    "addCallbacks": 1,
    "addBoth": 0,
    "addTimeout": None,
}

#: Those that put something of the program's own before what is attached later.
_OWN = frozenset({"addCallback", "addCallbacks", "addBoth"})

#: How many names are followed.
_HOPS = 5


@attrs.frozen(eq=False)
class Errback:
    """
    A function that gets the error of a call.

    @ivar source: in which file.
    @ivar node: the function.
    @ivar parameter: what it calls the failure.
    @ivar direct: whether nothing else is attached before it, whose errors it would
        get as well.
    """

    source: Source
    node: Function | ast.Lambda
    parameter: str
    direct: bool


def errbacks(program: Program) -> Iterator[Errback]:
    """
    @return: the errbacks of calls of remote methods, and of logins; one of
        several, as often.
    """
    functions = _functions(program)
    for source in program.sources:
        if "callRemote" not in source.text and "PBClientFactory" not in source.text:
            continue
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call):
                continue
            for given, direct in _attached(source, node):
                found = _function(source, given, functions)
                if found is not None:
                    where, function, bound = found
                    names = parameters(function)[bound:]
                    if names:
                        yield Errback(where, function, names[0], direct)


def _functions(program: Program) -> dict[str, tuple[Source, Function]]:
    """
    @return: the functions of the modules, by their canonical names.
    """
    return {
        f"{source.label}.{node.name}": (source, node)
        for source in program.sources
        for node in source.tree.body
        if isinstance(node, FUNCTIONS)
    }


def _attached(source: Source, call: ast.Call) -> Iterator[tuple[ast.expr, bool]]:
    """
    @return: the errback that a call attaches to the Deferred of another one, or
        gives to that as C{pberrback}; and whether it is the first thing there.
    """
    function = call.func
    if not isinstance(function, ast.Attribute):
        return
    if function.attr == "callRemote":
        for keyword in call.keywords:
            if keyword.arg == "pberrback":
                yield keyword.value, True
        return
    position = _ATTACHING.get(function.attr)
    given = None if position is None else argument(call, position, "errback")
    if given is not None:
        direct = _directly(source, function.value, call)
        if direct is not None:
            yield given, direct


def _directly(
    source: Source, deferred: ast.expr, at: ast.AST, hops: int = 0
) -> bool | None:
    """
    @return: of the Deferred of a remote call, whether nothing that was attached
        to it is the program's own; C{None} of other Deferreds.
    """
    direct = True
    while isinstance(deferred, ast.Call):
        if _isRemote(source, deferred):
            return direct
        function = deferred.func
        if not isinstance(function, ast.Attribute) or function.attr not in _ATTACHING:
            return None
        direct = direct and function.attr not in _OWN
        deferred = function.value
    if isinstance(deferred, ast.Name) and hops < _HOPS:
        return _byName(source, deferred, at, direct, hops)
    return None


def _isRemote(source: Source, call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Attribute):
        if function.attr == "callRemote":
            return True
        if function.attr == "login":
            return "PBClientFactory" in source.text
    # maybeDeferred(ref.callRemote, ...)
    return any(
        isinstance(given, ast.Attribute) and given.attr == "callRemote"
        for given in call.args
    )


def _byName(
    source: Source, name: ast.Name, at: ast.AST, direct: bool, hops: int
) -> bool | None:
    """
    Follow a variable: C{d = ref.callRemote(...)}.
    """
    scope = enclosingFunction(source, name) or source.tree
    line = getattr(at, "lineno", 0)
    remote: bool | None = None
    for node in ast.walk(scope):
        if getattr(node, "lineno", line) >= line and node is not at:
            continue
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name.id
            for target in node.targets
        ):
            found = _directly(source, node.value, node, hops + 1)
            if found is None:
                return None  # it may be either
            remote = found if remote is None else remote and found
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _OWN
            and written(node.func.value) == name.id
            and node is not at
        ):
            direct = False
    return None if remote is None else remote and direct


def _function(
    source: Source, given: ast.expr, functions: dict[str, tuple[Source, Function]]
) -> tuple[Source, Function | ast.Lambda, int] | None:
    """
    @return: the function that is given, where it stands, and how many arguments it
        has before the failure.
    """
    if isinstance(given, ast.Lambda):
        return source, given, 0
    if isinstance(given, ast.Name):
        for outer in source.enclosing(given):
            if isinstance(outer, FUNCTIONS):
                for node in ast.walk(outer):
                    if isinstance(node, FUNCTIONS) and node.name == given.id:
                        return source, node, 0
        found = functions.get(source.resolve(given) or "")
        return None if found is None else (*found, 0)
    if isinstance(given, ast.Attribute):
        method = _method(source, given)
        return None if method is None else (source, method, 1)
    return None


def _method(source: Source, given: ast.Attribute) -> Function | None:
    """
    @return: a method of the class in which its name stands, or of a base of that
        in the same file.
    """
    for outer in source.enclosing(given):
        if isinstance(outer, FUNCTIONS) and written(given.value) in parameters(outer):
            cls = source.parents.get(outer)
            if isinstance(cls, ast.ClassDef):
                return _inClass(source, cls, given.attr)
    return None


def _inClass(
    source: Source, cls: ast.ClassDef, name: str, hops: int = 0
) -> Function | None:
    for node in cls.body:
        if isinstance(node, FUNCTIONS) and node.name == name:
            return node
    names = {written(base) for base in cls.bases}
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name in names and hops < _HOPS:
            found = _inClass(source, node, name, hops + 1)
            if found is not None:
                return found
    return None
