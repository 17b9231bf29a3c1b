"""
Registrations, read from their sources: calls of the functions that make them,
also in a loop over what is written out, in a function or a decorator that passes
its arguments on, and in C{__init_subclass__}.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pbext.audit._model import Registered
from pbext.audit.reading._bodies import FUNCTIONS
from pbext.audit.reading._classbody import literal
from pbext.audit.reading._classes import Classes
from pbext.audit.reading._scopes import qualnameOf
from pbext.audit.reading._sources import Source

__all__ = ["readRegistrations"]

#: By the name of the function: what it registers, and what its first two
#: arguments may be called.
_SAYS = {
    "setUnjellyableForClass": (
        "class",
        ("classname", "senderOrTag"),
        ("unjellyable", "cls"),
    ),
    "setCopierForClass": ("class", ("classname",), ("unjellyable",)),
    "setUnjellyableFactoryForClass": (
        "factory",
        ("classname", "senderOrTag"),
        ("copyFactory", "factory"),
    ),
    "setFactoryForClass": ("factory", ("classname",), ("copyFactory",)),
    "setUnjellyableForClassTree": ("tree", ("module",), ("baseClass",)),
    "setCopierForClassTree": ("tree", ("module",), ("baseClass",)),
    "registerCopier": ("copier", ("tag",), ("fromWire",)),
    "unjellyableFor": ("class", ("senderOrTag",), ()),
}

#: Twisted's tables, which some programs fill themselves.
_TABLES = {
    "twisted.spread.jelly.unjellyableRegistry": "class",
    "twisted.spread.flavors.unjellyableRegistry": "class",
    "twisted.spread.flavors.copyTags": "class",
    "pbext.pb.copyTags": "class",
    "twisted.spread.pb.copyTags": "class",
    "twisted.spread.jelly.unjellyableFactoryRegistry": "factory",
}


@attrs.frozen
class _Said:
    """
    One registration, as it is written.

    @ivar key: the expression for the tag or the sender.
    @ivar target: the expression for what receives; or the name of the class that
        is decorated.
    @ivar copied: of a copier: the expression for what is sent.
    """

    source: Source
    node: ast.expr
    kind: str
    shared: bool
    key: ast.expr | None
    target: ast.expr | str | None
    replaces: bool = False
    copied: ast.expr | None = None


#: What names stand for where a registration is made: an expression in a source,
#: or the name of a class.
_Scope = Mapping[str, "tuple[Source, ast.expr] | str"]


def readRegistrations(sources: Sequence[Source], classes: Classes) -> list[Registered]:
    """
    @return: what the sources register.
    """
    reading = _Reading(sources, classes)
    return [entry for said in reading.said() for entry in reading.entries(said)]


class _Reading:
    def __init__(self, sources: Sequence[Source], classes: Classes) -> None:
        self._sources = sources
        self._classes = classes

    def said(self) -> Iterator[_Said]:
        for source in self._saying():
            for call in source.of(ast.Call):
                yield from self._call(source, call)
            for assignment in source.of(ast.Assign):
                yield from _assignment(source, assignment)

    def _saying(self) -> list[Source]:
        """
        @return: the sources that name one of the functions or tables, or what
            one of them is called after an import.
        """
        words = {*_SAYS, *(name.rpartition(".")[2] for name in _TABLES)}
        found = [source for source in self._sources if _says(source, words)]
        renamed = {
            name.asname
            for source in found
            for node in source.of(ast.ImportFrom)
            for name in node.names
            if name.asname and name.name in words
        }
        return [s for s in self._sources if s in found or _says(s, renamed)]

    def _call(self, source: Source, node: ast.Call) -> Iterator[_Said]:
        name = source.resolve(node.func) or ""
        last = name.rpartition(".")[2]
        if isinstance(node.func, ast.Attribute) and last not in _SAYS:
            last = node.func.attr
        if last not in _SAYS:
            return
        if isinstance(node.func, ast.Name) and not name.startswith(
            ("twisted.spread.", "pbext.")
        ):
            return  # a function of that name, of the program's own
        kind, keyNames, targetNames = _SAYS[last]
        shared = not isinstance(node.func, ast.Attribute) or _isShared(
            source, node.func
        )
        replaces = any(
            k.arg == "replace" and literal(k.value) is True for k in node.keywords
        )
        key, at, copied = _argument(node, 0, keyNames), 1, None
        if last == "unjellyableFor":
            decorated = _decorated(source, node)
            if decorated is not None:
                yield _Said(source, node, kind, shared, key, decorated, replaces)
            return
        if last == "registerCopier":
            key, at = _argument(node, 1, keyNames), 3
            copied = _argument(node, 0, ("cls",))
        target = _argument(node, at, targetNames)
        yield _Said(source, node, kind, shared, key, target, replaces, copied)

    def entries(self, said: _Said) -> Iterator[Registered]:
        for scope in self._scopes(said):
            yield self._entry(said, scope)

    def _entry(self, said: _Said, scope: _Scope) -> Registered:
        tag, sender = self._key(said, scope)
        target = self._name(said.source, said.target, scope)
        module = said.source.module
        if said.kind == "tree":
            module, sender, tag = sender or "", target, None
            target = None
        elif said.copied is not None:
            sender = self._name(said.source, said.copied, scope)
        return Registered(
            tag=tag,
            kind=said.kind,
            sender=sender,
            target=target,
            place=said.source.place(said.node),
            module=module,
            shared=said.shared,
            replaces=said.replaces,
        )

    def _key(self, said: _Said, scope: _Scope) -> tuple[str | None, str | None]:
        source, node = self._found(said.source, said.key, scope)
        if isinstance(node, str):
            return self._tagOf(node), node
        value = literal(node)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str):
            return value, None
        name = source.resolve(node)
        return (self._tagOf(name), name) if name else (None, None)

    def _tagOf(self, name: str) -> str | None:
        if name in self._classes:
            return self._classes.model(name).tag
        return None

    def _name(
        self, source: Source, node: ast.expr | str | None, scope: _Scope
    ) -> str | None:
        where, found = self._found(source, node, scope)
        return found if isinstance(found, str) else where.resolve(found)

    def _found(
        self, source: Source, node: ast.expr | str | None, scope: _Scope
    ) -> tuple[Source, ast.expr | str | None]:
        if isinstance(node, ast.Name) and node.id in scope:
            there = scope[node.id]
            return (source, there) if isinstance(there, str) else there
        return source, node

    def _scopes(self, said: _Said) -> Iterator[_Scope]:
        """
        @return: what names stand for, each time that the registration is made.
        """
        wanted = {
            node.id
            for part in (said.key, said.target)
            if isinstance(part, ast.expr)
            for node in ast.walk(part)
            if isinstance(node, ast.Name)
        }
        for outer in said.source.enclosing(said.node):
            if isinstance(outer, ast.For):
                names = {
                    n.id for n in ast.walk(outer.target) if isinstance(n, ast.Name)
                }
                if names & wanted:
                    yield from _rounds(said.source, outer)
                    return
            elif isinstance(outer, FUNCTIONS):
                if wanted & {a.arg for a in _arguments(outer)}:
                    yield from self._uses(said.source, outer)
                    return
        yield {}

    def _uses(self, source: Source, function: Any) -> Iterator[_Scope]:
        """
        @return: what the arguments of a function are, each time that it is used.
        """
        around = next(
            (
                n
                for n in source.enclosing(function)
                if isinstance(n, (*FUNCTIONS, ast.ClassDef))
            ),
            None,
        )
        names = [argument.arg for argument in _arguments(function)]
        if isinstance(around, ast.ClassDef):
            if function.name == "__init_subclass__":
                yield from self._subclasses(source, around, names[0])
            else:
                yield {}
            return
        outer = around if isinstance(around, FUNCTIONS) else None
        named = f"{source.label}.{qualnameOf(source, outer or function)}"
        used = False
        for where, call, decorated in self._callsOf(named):
            used = True
            scope: dict[str, tuple[Source, ast.expr] | str] = {}
            if outer is not None:  # it makes a decorator
                if call is None or decorated is None:
                    continue
                _bind(scope, [a.arg for a in _arguments(outer)], where, call)
                scope[names[0]] = decorated
            elif decorated is not None:
                scope[names[0]] = decorated
            elif call is not None:
                _bind(scope, names, where, call)
            yield scope
        if not used:
            yield {}

    def _subclasses(
        self, source: Source, node: ast.ClassDef, name: str
    ) -> Iterator[_Scope]:
        base = f"{source.label}.{qualnameOf(source, node)}"
        for cls in self._classes:
            if base in self._classes.bases(cls)[0]:
                yield {name: cls}

    def _callsOf(
        self, name: str
    ) -> Iterator[tuple[Source, ast.Call | None, str | None]]:
        """
        @return: where a function is called, or decorates a class.
        """
        last = name.rpartition(".")[2]
        for source in self._sources:
            if not _says(source, {last}):
                continue
            for node in source.of(ast.Call):
                if source.resolve(node.func) == name:
                    yield source, node, _decorated(source, node)
            for cls in source.of(ast.ClassDef):
                for decorator in cls.decorator_list:
                    if source.resolve(decorator) == name:
                        yield source, None, _decorated(source, decorator)


def _says(source: Source, words: Iterable[str]) -> bool:
    return any(word in source.text for word in words)


def _decorated(source: Source, node: ast.expr) -> str | None:
    cls = source.parents.get(node)
    if isinstance(cls, ast.ClassDef) and node in cls.decorator_list:
        return f"{source.label}.{qualnameOf(source, cls)}"
    return None


def _isShared(source: Source, function: ast.Attribute) -> bool:
    name = source.resolve(function) or ""
    return name.startswith(("twisted.spread.", "pbext.")) or "defaultRegistry" in (
        ast.unparse(function.value)
    )


def _argument(node: ast.Call, at: int, names: Iterable[str]) -> ast.expr | None:
    if at < len(node.args):
        found = node.args[at]
        return None if isinstance(found, ast.Starred) else found
    return next((k.value for k in node.keywords if k.arg and k.arg in names), None)


def _arguments(function: Any) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _bind(
    scope: dict[str, tuple[Source, ast.expr] | str],
    names: list[str],
    source: Source,
    call: ast.Call,
) -> None:
    for name, value in zip(names, call.args, strict=False):
        scope[name] = source, value
    for keyword in call.keywords:
        if keyword.arg:
            scope[keyword.arg] = source, keyword.value


def _rounds(source: Source, loop: ast.For) -> Iterator[_Scope]:
    """
    @return: what the names of a loop stand for, in each of its rounds, if what it
        runs over is written out.
    """
    over = loop.iter
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute):
        items = over.func.value
        if over.func.attr == "items" and isinstance(items, ast.Dict):
            pairs = zip(items.keys, items.values, strict=True)
            elements: list[ast.expr] = [
                ast.Tuple([key, value]) for key, value in pairs if key is not None
            ]
        else:
            elements = []
    elif isinstance(over, ast.Name):
        elements = _writtenOut(source, over.id)
    else:
        elements = over.elts if isinstance(over, (ast.Tuple, ast.List, ast.Set)) else []
    if not elements:
        yield {}
    for element in elements:
        scope: dict[str, tuple[Source, ast.expr] | str] = {}
        if isinstance(loop.target, ast.Name):
            scope[loop.target.id] = source, element
        elif isinstance(loop.target, ast.Tuple) and isinstance(
            element, (ast.Tuple, ast.List)
        ):
            for target, part in zip(loop.target.elts, element.elts, strict=False):
                if isinstance(target, ast.Name):
                    scope[target.id] = source, part
        yield scope


def _writtenOut(source: Source, name: str) -> list[ast.expr]:
    """
    @return: the elements of a list that a module gives a name.
    """
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in statement.targets
        ):
            if isinstance(statement.value, (ast.Tuple, ast.List, ast.Set)):
                return statement.value.elts
    return []


def _assignment(source: Source, node: ast.Assign) -> Iterator[_Said]:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            table = _TABLES.get(source.resolve(target.value) or "")
            if table is not None:
                yield _Said(source, target, table, True, target.slice, node.value)
