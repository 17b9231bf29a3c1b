"""
Where a program makes objects of its classes, and where it hands them to a peer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from weakref import WeakKeyDictionary

import attrs

from pbext.audit._findings import Place
from pbext.audit._model import Program
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._states import namesIn
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    Function,
    enclosingFunction,
    selfOf,
    shallow,
    subjectOf,
    written,
)
from pbext.audit.reading._sources import Source

__all__ = ["ANSWERS", "Uses", "usesOf"]

#: Names of methods whose results go to the peer.
ANSWERS = ("remote_", "perspective_", "view_")

#: Functions through which an answer is passed on.
_PASSING = frozenset({"succeed", "returnValue"})

_CALLBACKS = frozenset({"addCallback", "addCallbacks", "addBoth"})

#: What puts something into a container.
_ADDS = frozenset({"add", "append", "insert"})

#: How many calls are followed.
_DEPTH = 3


@attrs.frozen
class Uses:
    """
    What a program does with its classes.

    @ivar made: by the name of a class, where objects of it are made.
    @ivar sent: by the name of a class, where an object of it is given to a
        C{callRemote}, or answered with.
    """

    made: Mapping[str, list[Place]]
    sent: Mapping[str, list[Place]]


_known: WeakKeyDictionary[Program, Uses] = WeakKeyDictionary()


def usesOf(program: Program) -> Uses:
    """
    @return: what the sources of a program do with its classes.
    """
    found = _known.get(program)
    if found is None:
        found = _known[program] = _read(program)
    return found


def _read(program: Program) -> Uses:
    made: dict[str, list[Place]] = {}
    sent: dict[str, list[Place]] = {}
    parts: list[_Part] = []
    for source in program.sources:
        reading = _Reading(program, source)
        for cls, place in reading.making():
            made.setdefault(cls, []).append(place)
        for cls, place in reading.sending():
            sent.setdefault(cls, []).append(place)
        parts += reading.parts()
    for part in parts:
        owner = program.classes[part.owner]
        if (part.owner in sent or program.receivers(owner)) and any(
            state is not None and part.attribute in namesIn(owner, state)
            for state in statesOf(program, owner)
        ):
            sent.setdefault(part.cls, []).append(part.place)
    return Uses(made, sent)


@attrs.frozen
class _Part:
    """
    An object that another one keeps.

    @ivar owner: the class of that one.
    @ivar attribute: in which attribute of it.
    @ivar cls: the class of the object.
    @ivar place: where it is put there.
    """

    owner: str
    attribute: str
    cls: str
    place: Place


class _Reading:
    def __init__(self, program: Program, source: Source) -> None:
        self._program, self._source = program, source
        words = {cls.qualname.rpartition(".")[2] for cls in program.classes.values()}
        # To follow every name takes long.
        imports: list[ast.ImportFrom | ast.Import] = [
            *source.of(ast.ImportFrom),
            *source.of(ast.Import),
        ]
        self._words = words | {
            alias.asname
            for node in imports
            for alias in node.names
            if alias.asname and alias.name.rpartition(".")[2] in words
        }

    def making(self) -> Iterator[tuple[str, Place]]:
        """
        @return: the classes of which objects are made, and where.
        """
        for call in self._source.of(ast.Call):
            cls = self._class(call.func)
            if cls is not None:
                yield cls, self._source.place(call)

    def sending(self) -> Iterator[tuple[str, Place]]:
        """
        @return: the classes of which objects are sent, and where.
        """
        for call in self._source.of(ast.Call):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "callRemote":
                function = enclosingFunction(self._source, call)
                for value in [*call.args[1:], *(k.value for k in call.keywords)]:
                    yield from self._within(value, function)
        functions: list[Function] = [
            *self._source.of(ast.FunctionDef),
            *self._source.of(ast.AsyncFunctionDef),
        ]
        for answering in functions:
            if answering.name.startswith(ANSWERS):
                yield from self._answers(answering)

    def parts(self) -> Iterator[_Part]:
        """
        @return: what objects of classes that are sent keep in themselves.
        """
        for cls in self._program.classes.values():
            if cls.source is not self._source or not cls.sends:
                continue
            for method in cls.methods.values():
                if method.owner == cls.name and method.node is not None:
                    yield from self._kept(cls.name, method.node)

    def _kept(self, owner: str, function: Function) -> Iterator[_Part]:
        itself = selfOf(function)
        for node in shallow(function.body):
            put: ast.expr | None = None
            attribute = ""
            if isinstance(node, ast.Assign):
                put = node.value
                attribute = _attributeOf(node.targets[0], itself)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in _ADDS and node.args:
                    put = node.args[-1]
                    attribute = _attributeOf(node.func.value, itself)
            if put is not None and attribute:
                for cls, place in self._within(put, function):
                    if cls != owner:
                        yield _Part(owner, attribute, cls, place)

    def _answers(
        self, function: Function, depth: int = 0
    ) -> Iterator[tuple[str, Place]]:
        """
        @return: the classes of the objects that a function returns, also by
            another method of its object, or by the last callback that it adds.
        """
        if function.returns is not None:
            cls = self._class(function.returns)
            if cls is not None:
                yield cls, self._source.place(function.returns)
        last: ast.Call | None = None
        for node in shallow(function.body):
            value: ast.expr | None = None
            if isinstance(node, ast.Return):
                value = node.value
            elif isinstance(node, ast.Call) and _called(node) == "returnValue":
                value = next(iter(node.args), None)
            elif isinstance(node, ast.Call) and _called(node) in _CALLBACKS:
                last = node
            if value is not None:
                yield from self._within(value, function)
                if isinstance(value, ast.Call):
                    yield from self._method(value.func, function, depth)
        if last is not None and last.args:
            yield from self._method(last.args[0], function, depth)

    def _method(
        self, node: ast.expr, function: Function, depth: int
    ) -> Iterator[tuple[str, Place]]:
        """
        See L{_answers}, of C{self.method}.
        """
        if not isinstance(node, ast.Attribute) or depth >= _DEPTH:
            return
        if getattr(node.value, "id", None) != selfOf(function):
            return
        cls = self._program.classes.get(subjectOf(self._source, function))
        method = cls.methods.get(node.attr) if cls is not None else None
        if method is None or method.node is None or method.source is None:
            return
        there = self
        if method.source is not self._source:
            there = _Reading(self._program, method.source)
        yield from there._answers(method.node, depth + 1)

    def _within(
        self, node: ast.expr, function: Function | ast.Lambda | None
    ) -> Iterator[tuple[str, Place]]:
        """
        @return: the classes of the objects in what an expression stands for.
        """
        if isinstance(node, ast.Starred):
            yield from self._within(node.value, function)
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            for item in node.elts:
                yield from self._within(item, function)
        elif isinstance(node, ast.Dict):
            for item in node.values:
                yield from self._within(item, function)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            yield from self._within(node.elt, function)
        elif isinstance(node, ast.IfExp):
            yield from self._within(node.body, function)
            yield from self._within(node.orelse, function)
        elif isinstance(node, ast.Call):
            cls = self._class(node.func)
            if cls is not None:
                yield cls, self._source.place(node)
            elif _called(node) in _PASSING:
                for value in node.args:
                    yield from self._within(value, function)
        elif isinstance(node, ast.Name) and not isinstance(function, ast.Lambda):
            for cls in self._bound(node.id, function):
                yield cls, self._source.place(node)
        elif isinstance(node, ast.Attribute):
            for cls in self._held(node, function):
                yield cls, self._source.place(node)

    def _bound(self, name: str, function: Function | None) -> Iterator[str]:
        """
        @return: the classes whose objects a name stands for.
        """
        if function is not None:
            method = self._source.parents.get(function)
            if isinstance(method, ast.ClassDef) and selfOf(function) == name:
                yield subjectOf(self._source, function)
                return
            for argument in [*function.args.args, *function.args.kwonlyargs]:
                if argument.arg == name and argument.annotation is not None:
                    cls = self._class(argument.annotation)
                    if cls is not None:
                        yield cls
        yield from self._assigned.get((function, name), ())

    def _held(
        self, node: ast.Attribute, function: Function | ast.Lambda | None
    ) -> Iterator[str]:
        """
        @return: the classes of the objects that C{self.name} stands for.
        """
        if not isinstance(function, FUNCTIONS) or not isinstance(node.value, ast.Name):
            return
        cls = self._source.parents.get(function)
        if not isinstance(cls, ast.ClassDef) or selfOf(function) != node.value.id:
            return
        yield from self._assigned.get((cls, f".{node.attr}"), ())

    @cached_property
    def _assigned(self) -> dict[tuple[ast.AST | None, str], list[str]]:
        """
        The classes whose objects are given names, by these and the function; or
        are put into attributes, by their names, with a dot, and the class.
        """
        found: dict[tuple[ast.AST | None, str], list[str]] = {}
        for node in self._source.of(ast.Assign):
            made = node.value
            cls = self._class(made.func) if isinstance(made, ast.Call) else None
            if cls is None:
                continue
            around = list(self._source.enclosing(node))
            function = next((n for n in around if isinstance(n, FUNCTIONS)), None)
            owner = next((n for n in around if isinstance(n, ast.ClassDef)), None)
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault((function, target.id), []).append(cls)
                elif isinstance(target, ast.Attribute):
                    found.setdefault((owner, f".{target.attr}"), []).append(cls)
        return found

    def _class(self, node: ast.expr) -> str | None:
        """
        @return: the class of the program that an expression stands for, if it is
            one.
        """
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.rpartition(".")[2] not in self._words:
                return None
            try:  # an annotation in quotes
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
        last = getattr(node, "attr", getattr(node, "id", ""))
        if last not in self._words or not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        name = self._source.resolve(node)
        return name if name in self._program.classes else None


def _called(call: ast.Call) -> str:
    found: str = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return found


def _attributeOf(node: ast.expr, itself: str) -> str:
    """
    @return: the attribute that an expression is of an object, or of which it is an
        item.
    """
    if isinstance(node, ast.Subscript):
        node = node.value
    owner, _, last = written(node).rpartition(".")
    return last if owner == itself else ""
