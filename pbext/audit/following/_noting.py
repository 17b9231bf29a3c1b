"""
What is known and noted on the way through the functions of a class: see
L{pbext.audit.following._following}.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from pbext.audit.following._facts import Context, Fact, What
from pbext.audit.following._held import (
    HOLDING,
    NOTHING,
    Kind,
    Path,
    Value,
    farEnds,
    itemOf,
    joined,
    listOf,
    mapOf,
    stored,
)
from pbext.audit.following._world import Function, World
from pbext.audit.reading._sources import Source

__all__ = ["Frame", "Noting", "nameOf"]


@attrs.define(eq=False)
class Frame:
    """
    A function that is being looked into.

    @ivar source: its file.
    @ivar owner: the class in whose body it stands, or C{""}.
    @ivar function: its name.
    @ivar node: it.
    @ivar names: what its local names stand for, at this point.
    @ivar returned: what it returns, so far.
    @ivar yielded: what it yields, so far.
    @ivar generates: whether it does.
    @ivar inner: the functions in it.
    """

    source: Source
    owner: str
    function: str
    node: ast.AST
    names: dict[str, Value]
    returned: Value = NOTHING
    yielded: Value = NOTHING
    generates: bool = False
    inner: list[Any] = attrs.Factory(list)

    @property
    def suspends(self) -> bool:
        """
        Whether it waits for Deferreds where it awaits or yields.
        """
        return isinstance(self.node, ast.AsyncFunctionDef) or any(
            getattr(d, "attr", getattr(d, "id", "")) == "inlineCallbacks"
            for d in getattr(self.node, "decorator_list", ())
        )


class Noting:
    """
    What is known on the way through the functions of one class.

    @ivar world: the program.
    @ivar lines: the class and those above it, in the order of attribute lookup.
    @ivar attributes: what is known of the attributes of its objects; a dotted
        name for those of their attributes.
    @ivar foreign: of the attributes of other objects, by name.
    @ivar facts: what was noted.
    @ivar viewed: whether perspectives are used as objects, so that they are not
        C{None}.
    @ivar book: whether its objects have a book, unless they set C{observers}.
    @ivar complete: whether C{lines} is all that is above it.
    """

    def __init__(
        self,
        world: World,
        lines: Sequence[str],
        foreign: Mapping[str, Value],
        book: bool = False,
        complete: bool = True,
    ) -> None:
        self.world = world
        self.lines = lines
        self.foreign = foreign
        self.book = book
        self.complete = complete
        self.attributes: dict[str, Value] = {}
        self.viewed = False
        self.forget()

    def forget(self) -> None:
        """
        Keep what is known of the attributes, and nothing else.
        """
        self.facts: dict[Fact, None] = {}
        self.frames: list[Frame] = []
        self.context = Context()
        self.results: dict[Any, Value] = {}
        self.runs = 0
        self._closures: dict[ast.AST, tuple[Frame, dict[str, Value]]] = {}
        self._methods: dict[ast.AST, Function] = {}

    @property
    def frame(self) -> Frame:
        """
        The function that is being looked into.
        """
        return self.frames[-1]

    def call(
        self,
        function: Any,
        source: Source,
        owner: str,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
        node: ast.AST | None = None,
        closure: Mapping[str, Value] | None = None,
    ) -> Value:
        """For subclasses to override."""
        raise NotImplementedError

    def store(self, target: ast.expr | None, value: Value) -> None:
        """For subclasses to override."""
        raise NotImplementedError

    def note(self, what: What, node: ast.AST, value: Value, word: str = "") -> None:
        """
        Take note of what is done to a far end, or to what holds one.
        """
        if what in (What.KEPT, What.PASSED) and not farEnds(value):
            return
        frame = self.frame
        fact = Fact(
            what,
            node,
            frame.source,
            frame.owner,
            frame.function,
            value,
            word,
            self.context,
        )
        self.facts[fact] = None

    def changed(self, node: ast.AST, container: Value, word: str = "") -> None:
        """
        Take note if a container is changed that is being walked.
        """
        if container.path is not None and container.path in self.context.walked:
            self.note(What.CHANGED, node, container, word)

    def keep(self, node: ast.AST, path: Path, value: Value) -> None:
        """
        Put a value where it will be found by all methods.
        """
        self.note(What.KEPT, node, value)
        value = stored(value)
        for step in reversed(path[1:]):
            value = mapOf(NOTHING, value) if step == "value" else listOf(value)
        known = self.attributes.get(path[0], NOTHING)
        self.attributes[path[0]] = joined(known, value)

    def grow(
        self, node: ast.AST, holder: ast.expr, container: Value, more: Value
    ) -> None:
        """
        Put more into a container.

        @param holder: by which expression it is reached.
        """
        if container.path is not None:
            self.keep(node, container.path, more)
        elif isinstance(holder, ast.Name):
            self.frame.names[holder.id] = joined(container, more)
        elif container.kind in (Kind.UNKNOWN, Kind.OTHER):
            self.note(What.PASSED, node, more)

    def lookedUp(self, node: ast.AST, container: Value, key: Value, word: str) -> None:
        """
        Take note of how something is looked for in a dict.
        """
        keys = container.parts[0] if container.kind is Kind.MAP else NOTHING
        if container.kind in (Kind.MAP, Kind.UNKNOWN) and word != "[]":
            hashed = key if farEnds(key) else keys
        elif container.kind is Kind.MAP:
            hashed = key if farEnds(key) else NOTHING
        else:
            return
        if farEnds(hashed) and hashed.kind in (Kind.FAR, Kind.TUPLE):
            found = itemOf(container, joined(keys, stored(hashed)), "key")
            self.note(What.HASHED, node, found, word)
        elif key.kind is Kind.IDENTITY and key.fresh:
            self.note(What.MISSED, node, key, word)

    def keyed(self, node: ast.AST, container: Value, key: Value, value: Value) -> None:
        """
        Take note if something is kept under a perspective.
        """
        if key.kind is Kind.VIEWER and value.kind in (Kind.FAR, Kind.TUPLE):
            if farEnds(value):
                self.note(What.KEYED, node, container)

    def pathTo(self, base: Value, name: str) -> Path | None:
        """
        @return: where an attribute lives, if it belongs to the object itself, or
            to one of its attributes.
        """
        if base.kind is Kind.SELF:
            return (name,)
        if base.path is not None and len(base.path) == 1 and not farEnds(base):
            return (f"{base.path[0]}.{name}",)
        return None

    def attribute(self, base: Value, name: str, node: ast.AST | None = None) -> Value:
        """
        @return: what is known of an attribute.
        """
        if base.kind is Kind.FAR:
            if name == "callRemote":
                return attrs.evolve(base, kind=Kind.CALL)
            return Value(Kind.VIEWER) if name == "perspective" else NOTHING
        if base.kind is Kind.VIEWER:
            self.viewed = True
            return NOTHING
        if base.kind is Kind.SELF:
            method = self.world.method(self.lines, name)
            if method is not None:
                if method.isProperty:
                    return self.enter(method, [base], {}, node)
                self._methods[method.node] = method
                return Value(Kind.FUNCTION, node=method.node)
            if name == "__class__":
                return base
        elif base.kind not in (Kind.UNKNOWN, Kind.OTHER):
            return NOTHING
        path = self.pathTo(base, name)
        if path is None and self._isOwnClass(node):
            path = (name,)
        if path is not None and path[0] in self.attributes:
            return attrs.evolve(self.attributes[path[0]], path=path)
        if base.kind is Kind.SELF and name == "observers" and self.book:
            return Value(Kind.BOOK, path=path)
        if base.kind is not Kind.SELF and name in self.foreign:
            return attrs.evolve(self.foreign[name], origin=("", name))
        return Value(path=path)

    def _isOwnClass(self, node: ast.AST | None) -> bool:
        """
        @return: whether it is an attribute of the class, by its name.
        """
        owner = getattr(node, "value", None)
        if not isinstance(owner, ast.Name) or owner.id in self.frame.names:
            return False
        return any(
            line.rpartition(".")[2] == owner.id and line in self.world.classes
            for line in self.lines
        )

    def each(self, walked: Value) -> Value:
        """
        @return: what iterating gives.
        """
        step = "key" if walked.kind is Kind.MAP else "item"
        return itemOf(walked, walked.item, step)

    def touched(self, node: ast.expr) -> Value:
        """
        @return: a container of far ends that an expression speaks of.
        """
        for part in ast.walk(node):
            found = NOTHING
            if isinstance(part, ast.Name):
                found = self.frame.names.get(part.id, NOTHING)
            elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                base = self.frame.names.get(part.value.id, NOTHING)
                if base.kind is Kind.SELF:
                    found = self.attribute(base, part.attr)
            if found.kind in HOLDING and farEnds(found):
                return found
        return NOTHING

    def enclose(self, node: ast.AST) -> None:
        """
        Take note of what a function sees of what is around it.
        """
        frame = self.frame
        self._closures[node] = frame, frame.names
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in frame.names:
                self.note(What.PASSED, node, frame.names[part.id])

    def functionOf(self, node: ast.AST) -> Value:
        return Value(Kind.FUNCTION, node=node)

    def enter(
        self,
        function: Function,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
        node: ast.AST | None,
    ) -> Value:
        """
        Look into a function of the program's.
        """
        return self.call(
            function.node, function.source, function.owner, arguments, keywords, node
        )

    def bound(self, function: Function) -> list[Value]:
        """
        @return: the argument that a method has without being given it.
        """
        if not function.owner or function.isStatic:
            return []
        return [NOTHING if function.isOfClass else Value(Kind.SELF)]

    def apply(
        self,
        node: ast.AST,
        function: Value,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
    ) -> Value:
        """
        Call what is known of a function.
        """
        if function.kind is Kind.CALL:
            self.note(What.CALLED, node, function)
        elif isinstance(function.node, ast.Call):  # of methodcaller
            if arguments and arguments[0].kind is Kind.FAR:
                self.note(What.CALLED, node, arguments[0])
        elif function.node in self._methods:
            method = self._methods[function.node]
            return self.enter(method, [*self.bound(method), *arguments], keywords, node)
        elif function.node in self._closures:
            frame, names = self._closures[function.node]
            return self.call(
                function.node,
                frame.source,
                frame.owner,
                arguments,
                keywords,
                node,
                names,
            )
        else:
            self._give(node, [*arguments, *keywords.values()])
        return NOTHING

    def _give(self, node: ast.AST, values: Sequence[Value]) -> None:
        for value in values:
            if value.kind is Kind.CALL:
                self.note(What.TOLD, node, value)
            self.note(What.PASSED, node, value)

    @contextmanager
    def looping(self, node: ast.AST, walked: Value) -> Iterator[None]:
        """
        What stands in a loop, if that walks far ends.
        """
        outer = self.context
        if farEnds(walked) or walked.kind is Kind.BOOK:
            paths = outer.walked
            if walked.path is not None and walked.kind is not Kind.BOOK:
                paths |= {walked.path}
            self.context = Context(
                node, frozenset(), outer.outside | outer.inside, paths
            )
        try:
            yield
        finally:
            self.context = outer


def nameOf(node: ast.AST) -> str:
    name: str = getattr(node, "attr", getattr(node, "id", ""))
    return name
