"""
What lets strangers in: the allow-list switched off or widened.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pbext.audit._findings import NOWHERE, Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    constant,
    enclosingFunction,
    shallow,
    subjectOf,
)
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._sources import Source

__all__: list[str] = []

_DUMMY = "twisted.spread.jelly.DummySecurityOptions"
_JELLY = frozenset({"twisted.spread.jelly.jelly", "twisted.spread.jelly.unjelly"})

#: What makes a module, a function or any class of an allowed module out of a
#: name; other words of jelly's make nothing of the program's.
_POWERS = frozenset({"class", "classobj", "function", "instance", "method", "module"})

#: What a policy is asked.
_QUESTIONS = ("isModuleAllowed", "isClassAllowed", "isTypeAllowed")

#: The tables of a policy.
_TABLES = ("allowedClasses", "allowedModules", "allowedTypes")

#: What a file says that opens something: most need not be looked through.
_SIGNS = re.compile(r"ecurity|allowInstancesOf|PBServerFactory")


def _openings(program: Program) -> Iterator[Hit]:
    said = [
        hit
        for source in program.sources
        if _SIGNS.search(source.text)
        for kind in (ast.ClassDef, ast.Name, ast.Attribute, ast.Call)
        for node in source.of(kind)
        for hit in _opening(source, node)
    ]
    yield from said
    # What stands in a source has been said, with its place.
    known = {_first(hit.message) for hit in said}
    for words in program.widened:
        if "Security" in words and _first(words) not in known:
            worst = "instances of" in words or words.startswith("globalSecurity.is")
            yield Hit(
                NOWHERE,
                "twisted.spread.jelly",
                f"{words}, on every port of the process",
                severity=None if worst else Severity.WARNING,
            )


def _first(words: str) -> str:
    return words.partition(",")[0]


def _opening(source: Source, node: ast.AST) -> Iterator[Hit]:
    if isinstance(node, ast.ClassDef):
        yield from _permissive(source, node)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        if isinstance(node.ctx, ast.Load):
            name = source.resolve(node)
            if name == _DUMMY:
                yield from _switchedOff(source, node)
            elif name is not None and _isGlobal(name):
                yield from _widened(source, node)
        elif isinstance(node, ast.Attribute):
            yield from _exchanged(source, node)
    elif isinstance(node, ast.Call):
        yield from _called(source, node)


def _isGlobal(name: str) -> bool:
    return isFramework(name) and name.endswith(".globalSecurity")


def _switchedOff(source: Source, node: ast.expr) -> Iterator[Hit]:
    """
    C{DummySecurityOptions}, wherever it is more than named.
    """
    parent = source.parents.get(node)
    if isinstance(parent, ast.ClassDef):
        yield Hit(
            source.place(parent),
            subjectOf(source, node),
            f"{parent.name} derives from DummySecurityOptions, which allows everything",
        )
        return
    call: ast.AST | None = node
    if isinstance(parent, ast.Call) and parent.func is node:
        call, parent = parent, source.parents.get(parent)
    if isinstance(parent, ast.keyword):
        parent = source.parents.get(parent)
    if not isinstance(parent, ast.Call):
        if isinstance(call, ast.Call) or isinstance(parent, (ast.Assign, ast.Return)):
            yield _off(source, node)
        return
    taker = source.resolve(parent.func)
    if taker == "twisted.spread.jelly.jelly" or _asks(parent):
        return
    if _hasRegistry(source, parent):
        yield Hit(
            source.place(node),
            subjectOf(source, node),
            "DummySecurityOptions lets objects of any class be sent, with all of "
            "their attributes; what arrives is for the registry to say",
            severity=Severity.WARNING,
        )
        return
    yield _off(source, node)


def _off(source: Source, node: ast.expr) -> Hit:
    return Hit(
        source.place(node),
        subjectOf(source, node),
        "DummySecurityOptions switches the allow-list off: the peer may name any "
        "class, function and module that can be imported",
    )


def _asks(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    name = call.func.id if isinstance(call.func, ast.Name) else name
    return name in ("isinstance", "issubclass") or name.startswith("assert")


def _hasRegistry(source: Source, call: ast.Call) -> bool:
    return _isOurs(source.resolve(call.func)) and any(
        given.arg == "registry" for given in call.keywords
    )


def _isOurs(name: str | None, *factories: str) -> bool:
    return (
        name is not None
        and name.startswith("pbext.")
        and name.endswith(factories or ("PBServerFactory", "PBClientFactory", "Broker"))
    )


def _permissive(source: Source, node: ast.ClassDef) -> Iterator[Hit]:
    """
    A policy of the program's own that always says yes.
    """
    asked = {
        inner.name: inner
        for inner in node.body
        if isinstance(inner, FUNCTIONS) and inner.name in _QUESTIONS
    }
    derived = any(
        (source.resolve(base) or "").endswith(".SecurityOptions") for base in node.bases
    )
    if not derived and len(asked) < len(_QUESTIONS):
        return  # or it is no policy
    modules, classes, types = (
        question in asked and _alwaysTrue(asked[question]) for question in _QUESTIONS
    )
    if modules and (classes or types):
        what = "class" if classes else "module and function"
        yield Hit(
            source.place(node),
            f"{source.label}.{node.name}",
            f"{node.name} allows every {what} that can be imported",
        )


def _alwaysTrue(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    returned = [n.value for n in shallow(function.body) if isinstance(n, ast.Return)]
    return bool(returned) and all(
        isinstance(value, ast.Constant) and bool(value.value) for value in returned
    )


def _widened(source: Source, node: ast.expr) -> Iterator[Hit]:
    """
    Something that is done to C{globalSecurity}.
    """
    parent = source.parents.get(node)
    if not isinstance(parent, ast.Attribute):
        return
    outer = source.parents.get(parent)
    called = outer if isinstance(outer, ast.Call) and outer.func is parent else None
    taken = outer if isinstance(outer, ast.Subscript) else None
    worst = parent.attr in _QUESTIONS or parent.attr == "allowInstancesOf"
    for what in (
        _replaced(parent)
        or (called is not None and _allowed(source, parent.attr, called.args))
        or (taken is not None and _entered(source, parent.attr, taken))
        or ()
    ):
        yield Hit(
            source.place(called or parent),
            subjectOf(source, node),
            f"{what}, on every port of the process",
            severity=None if worst else Severity.WARNING,
        )


def _replaced(node: ast.Attribute) -> list[str]:
    if node.attr in _QUESTIONS and isinstance(node.ctx, ast.Store):
        return [f"globalSecurity.{node.attr} was replaced"]
    return []


def _allowed(source: Source, method: str, given: list[ast.expr]) -> list[str]:
    """
    @return: what is allowed, as it is said of a process that lives: but for words
        that become nothing by themselves, such as a tag without dots.
    """
    names = [_named(source, each) for each in given]
    if method == "allowInstancesOf":
        return [f"globalSecurity allows instances of {name}" for name in names]
    if method == "allowModules":
        return [f"globalSecurity allows the module {name}" for name in names]
    powers = sorted(_POWERS.intersection(names))
    if method == "allowTypes" and powers:
        return [f"globalSecurity allows what is sent as {', '.join(powers)}"]
    return []


def _entered(source: Source, table: str, taken: ast.Subscript) -> list[str]:
    """
    C{globalSecurity.allowedClasses[Frog] = 1}.
    """
    if table not in _TABLES or not isinstance(taken.ctx, ast.Store):
        return []
    method = dict(
        zip(_TABLES, ("allowInstancesOf", "allowModules", "allowTypes"), strict=True)
    )[table]
    return _allowed(source, method, [taken.slice])


def _named(source: Source, node: ast.expr) -> str:
    return constant(node) or source.resolve(node) or ast.unparse(node)


def _exchanged(source: Source, node: ast.Attribute) -> Iterator[Hit]:
    """
    C{jelly.globalSecurity = ...}
    """
    owner = source.resolve(node.value)
    if node.attr == "globalSecurity" and owner is not None and isFramework(owner):
        yield Hit(
            source.place(node),
            subjectOf(source, node),
            f"{owner}.globalSecurity was replaced, which no broker sees, because each "
            "has the first one as its default",
            "give the factory a policy: security=",
            Severity.WARNING,
        )


def _called(source: Source, call: ast.Call) -> Iterator[Hit]:
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "allowInstancesOf":
        owner = source.resolve(function.value)
        if owner is None or not _isGlobal(owner):
            if not _staysHome(source, function.value):
                yield Hit(
                    source.place(call),
                    subjectOf(source, call),
                    f"a policy allows instances of {_all(source, call)}, whose state "
                    f"the peer chooses, and their modules",
                    severity=Severity.WARNING,
                )
    elif (
        _isOurs(source.resolve(function), ".PBServerFactory")
        and not any(given.arg in ("registry", None) for given in call.keywords)
        and not any(isinstance(given, ast.Starred) for given in call.args)
    ):
        yield Hit(
            source.place(call),
            subjectOf(source, call),
            "this port takes every class that anything in the process has registered",
            "give the factory a registry of its own: registry=",
            Severity.NOTE,
        )


def _all(source: Source, call: ast.Call) -> str:
    return ", ".join(_named(source, given) for given in call.args) or "classes"


def _staysHome(source: Source, policy: ast.expr) -> bool:
    """
    @return: whether a policy is only used to read and write jelly, without a
        connection.
    """
    if not isinstance(policy, ast.Name):
        return False
    function = enclosingFunction(source, policy)
    scope = source.tree if function is None else function
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and node.id == policy.id:
            parent = source.parents.get(node)
            if isinstance(node.ctx, ast.Store) or isinstance(parent, ast.Attribute):
                continue
            if isinstance(parent, ast.keyword):
                parent = source.parents.get(parent)
            if not (isinstance(parent, ast.Call) and _isJelly(source, parent)):
                return False
    return True


def _isJelly(source: Source, call: ast.Call) -> bool:
    # Or assertRaises(..., unjelly, ...).
    return any(source.resolve(named) in _JELLY for named in [call.func, *call.args])


OPENED = Rule(
    id="PBX110",
    severity=Severity.ERROR,
    title="the allow-list is switched off or widened",
    explanation="""\
What arrives may only become what the allow-list names: registered classes, and
plain data.  With ``DummySecurityOptions``, a peer that has not even logged in may
name any class, function or module that can be imported: modules are imported for it,
and objects are made with the attributes that it chooses.

``allowInstancesOf(X)`` opens more than ``X``: its module, and the words ``class`` and
``module`` as well; ``__init__`` does not run, and ``__setstate__`` gets what the peer
has sent.  ``globalSecurity`` belongs to the process, so that all of its ports are
opened, whoever asked for it.  A listening factory of pbext's without ``registry=``
takes whatever has been registered in the process, by any module.""",
    bad="""\
from twisted.spread import jelly, pb


def serve(root):
    return pb.PBServerFactory(root, security=jelly.DummySecurityOptions())
""",
    good="""\
from pbext import pb

registry = pb.Registry()


@registry.unjellyableFor("pond.Frog")
class Frog(pb.RemoteCopy):
    colour: str


def serve(root):
    return pb.PBServerFactory(root, registry=registry)
""",
    fix="register the classes that may arrive, one by one, with setUnjellyableForClass",
    find=_openings,
)
