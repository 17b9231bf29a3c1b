"""
Follows far ends through the functions of a class, running nothing: each statement
is looked at, a call of a method or a function of the program leads into that, and
what is done to far ends on the way is noted.

Here are functions and statements; L{pbext.audit.following._noting} is what they all
know, L{pbext.audit.following._expressions} and L{pbext.audit.following._calling} are
what they consist of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs

from pbext.audit.following._calling import Calls
from pbext.audit.following._facts import Caught, Context, What, caughtBy, leaves
from pbext.audit.following._held import (
    NOTHING,
    Kind,
    Value,
    farEnds,
    joined,
    listOf,
    mapOf,
    tupleOf,
)
from pbext.audit.following._noting import Frame
from pbext.audit.following._world import Function, FunctionNode
from pbext.audit.reading._sources import Source

__all__ = ["Follower"]


#: How deep calls are followed.
_DEPTH = 8

#: How many functions are looked into for one class, before it is given up.
_RUNS = 4000


class Follower(Calls):
    """
    See the module.
    """

    def classBodies(self) -> None:
        """
        See what the class and those above it have as attributes of their own.
        """
        for line in reversed(self.lines):
            for name, (source, value) in self.world.values.get(line, {}).items():
                with self._shallow():
                    self.frames.append(Frame(source, line, "", value, {}))
                    self.keep(value, (name,), self.value(value))
                self.frames.clear()

    def enterFirst(self, function: Function, arguments: Sequence[Value]) -> None:
        """
        Look into a function that is called from outside.
        """
        with self._shallow():
            self.enter(function, [*self.bound(function), *arguments], {}, None)

    @contextmanager
    def _shallow(self) -> Iterator[None]:
        """
        Give up what is nested deeper than people write.
        """
        try:
            yield
        except RecursionError:
            self.frames.clear()
            self.context = Context()

    def call(
        self,
        function: FunctionNode | ast.Lambda,
        source: Source,
        owner: str,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
        node: ast.AST | None = None,
        closure: Mapping[str, Value] | None = None,
    ) -> Value:
        """
        Look into a function.

        @param owner: the class in whose body it stands, or C{""}.
        @param node: the call, C{None} for one that is not in sight.
        @param closure: the names that it sees from outside.
        @return: what it returns.
        """
        context = self.context
        if context.loop is not None and node is not None and context.via is None:
            context = attrs.evolve(context, via=node)
        seen = frozenset((closure or {}).items())
        key = (function, (*arguments,), frozenset(keywords.items()), seen, context)
        if key in self.results or len(self.frames) > _DEPTH or self.runs > _RUNS:
            return self.results.get(key, NOTHING)
        self.runs += 1
        self.results[key] = NOTHING  # of one that calls itself
        name = getattr(function, "name", "")
        if closure is not None:  # people look for what it stands in
            name = self.frame.function
        frame = Frame(source, owner, name, function, dict(closure or {}))
        frame.names.update(_bound(function.args, arguments, keywords))
        self.frames.append(frame)
        outer, self.context = self.context, context
        try:
            if isinstance(function, ast.Lambda):
                frame.returned = self.value(function.body)
            else:
                self._block(function.body)
            self.context = Context()
            for inner in frame.inner:
                self.call(inner, source, owner, (), {}, None, frame.names)
        finally:
            self.context = outer
            self.frames.pop()
        if frame.generates and not frame.suspends:
            frame.returned = listOf(frame.yielded)
        self.results[key] = frame.returned
        return frame.returned

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            do = getattr(self, f"_do_{type(statement).__name__}", self._doOther)
            do(statement)

    def _doOther(self, statement: ast.stmt) -> None:
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, ast.stmt):
                self._block([child])

    def _branches(self, *bodies: Sequence[ast.stmt]) -> None:
        """
        Look into bodies of which one runs.
        """
        frame, before = self.frame, self.frame.names
        after: list[dict[str, Value]] = []
        for body in bodies:
            frame.names = dict(before)
            self._block(body)
            if not leaves(body):
                after.append(frame.names)
        if not after:
            after = [before]
        frame.names = {
            name: joined(*(names.get(name, NOTHING) for names in after))
            for name in {name for names in after for name in names}
        }

    @contextmanager
    def _catching(self, caught: Caught) -> Iterator[None]:
        outer = self.context
        self.context = attrs.evolve(outer, inside=outer.inside | caught)
        try:
            yield
        finally:
            self.context = outer

    def _do_Pass(self, statement: ast.stmt) -> None:
        pass

    _do_Import = _do_ImportFrom = _do_Global = _do_Nonlocal = _do_Pass
    _do_ClassDef = _do_Pass

    def _do_FunctionDef(self, statement: FunctionNode) -> None:
        self.enclose(statement)
        self.frame.inner.append(statement)
        self.frame.names[statement.name] = self.functionOf(statement)

    _do_AsyncFunctionDef = _do_FunctionDef

    def _do_Return(self, statement: ast.Return) -> None:
        value = self.value(statement.value)
        self.frame.returned = joined(self.frame.returned, value)
        if len(self.frames) == 1:
            self.note(What.PASSED, statement, value)

    def _do_Assign(self, statement: ast.Assign) -> None:
        value = self.value(statement.value)
        for target in statement.targets:
            self.store(target, value)

    def _do_AnnAssign(self, statement: ast.AnnAssign) -> None:
        if statement.value is not None:
            self.store(statement.target, self.value(statement.value))

    def _do_AugAssign(self, statement: ast.AugAssign) -> None:
        added = self.value(statement.value)
        target = statement.target
        before = self.value(target)  # as if it were read
        if not isinstance(statement.op, (ast.Add, ast.BitOr)):
            return
        if before.kind is Kind.UNKNOWN and not farEnds(added):
            return
        if before.kind is Kind.TUPLE:
            added = listOf(added.item)
        if before.path is not None:
            self.changed(statement, before)
            self.keep(statement, before.path, added)
        elif isinstance(target, ast.Name):
            self.frame.names[target.id] = joined(before, added)

    def _do_Delete(self, statement: ast.Delete) -> None:
        for target in statement.targets:
            if isinstance(target, ast.Subscript):
                base = self.value(target.value)
                self.changed(statement, base)
                self.lookedUp(target, base, self.value(target.slice), "del")
            elif isinstance(target, ast.Attribute):
                self.store(target, NOTHING)

    def _do_If(self, statement: ast.If) -> None:
        self.value(statement.test)
        self._branches(statement.body, statement.orelse)

    def _do_Match(self, statement: ast.Match) -> None:
        self.value(statement.subject)
        for case in statement.cases:
            self.value(case.guard)
        self._branches([], *(case.body for case in statement.cases))

    def _do_While(self, statement: ast.While) -> None:
        self.value(statement.test)
        touched = self.touched(statement.test)
        with self.looping(statement, attrs.evolve(touched, path=None)):
            self._block(statement.body)
        self._block(statement.orelse)

    def _do_For(self, statement: ast.For | ast.AsyncFor) -> None:
        walked = self.value(statement.iter)
        if not farEnds(walked) and walked.kind is not Kind.BOOK:
            # by number: range(len(self.observers))
            touched = attrs.evolve(self.touched(statement.iter), path=None)
        else:
            touched = walked
        self.store(statement.target, self.each(walked))
        with self.looping(statement, touched):
            self._block(statement.body)
        self._block(statement.orelse)

    _do_AsyncFor = _do_For

    def _do_Try(self, statement: ast.Try) -> None:
        caught = frozenset(
            name
            for handler in statement.handlers
            if self._goesOn(handler.body)
            for name in caughtBy(handler.type)
        )
        with self._catching(caught):
            self._block(statement.body)
        for handler in statement.handlers:
            self._branches([], handler.body)
        self._block(statement.orelse)
        self._block(statement.finalbody)

    def _goesOn(self, body: Sequence[ast.stmt]) -> bool:
        """
        @return: whether, after an error was caught, the loop goes on.
        """
        if not leaves(body):
            return True
        if isinstance(body[-1], ast.Raise):
            return False
        return self.context.loop is None or self.context.via is not None

    _do_TryStar = _do_Try

    def _do_With(self, statement: ast.With | ast.AsyncWith) -> None:
        caught: Caught = frozenset()
        for item in statement.items:
            self.store(item.optional_vars, self.value(item.context_expr))
            call = item.context_expr
            if isinstance(call, ast.Call):
                name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                if name == "suppress":
                    for kind in call.args:
                        caught |= caughtBy(kind)
        with self._catching(caught):
            self._block(statement.body)

    _do_AsyncWith = _do_With

    def store(self, target: ast.expr | None, value: Value) -> None:
        """
        Assign a value.
        """
        if isinstance(target, ast.Name):
            self.frame.names[target.id] = value
        elif isinstance(target, ast.Starred):
            self.store(target.value, listOf(value))
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = value.parts if value.kind is Kind.TUPLE else ()
            for at, part in enumerate(target.elts):
                self.store(part, parts[at] if at < len(parts) else self.each(value))
        elif isinstance(target, ast.Attribute):
            self._storeAttribute(target, value)
        elif isinstance(target, ast.Subscript):
            self._storeItem(target, value)

    def _storeAttribute(self, target: ast.Attribute, value: Value) -> None:
        base = self.value(target.value)
        path = self.pathTo(base, target.attr)
        if path is None:
            self.note(What.PASSED, target, value)
            return
        if base.kind is Kind.SELF and not farEnds(value):
            self.note(What.CLEARED, target, Value(path=path), target.attr)
        self.keep(target, path, value)

    def _storeItem(self, target: ast.Subscript, value: Value) -> None:
        base, key = self.value(target.value), self.value(target.slice)
        if isinstance(target.slice, ast.Slice):
            self.grow(target, target.value, base, listOf(self.each(value)))
            return
        if base.kind is Kind.MAP and key.origin != (*base.place, "key"):
            self.changed(target, base)
        self.lookedUp(target, base, key, "[...] =")
        if base.kind is Kind.LIST:
            self.grow(target, target.value, base, listOf(value))
        elif base.kind is Kind.MAP or farEnds(value) or farEnds(key):
            self.keyed(target, base, key, value)
            self.grow(target, target.value, base, mapOf(key, value))


def _bound(
    parameters: ast.arguments,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
) -> dict[str, Value]:
    """
    @return: the names of a function's parameters, and what is given for them.
    """
    names = [p.arg for p in (*parameters.posonlyargs, *parameters.args)]
    bound = dict(zip(names, arguments, strict=False))
    rest = tuple(arguments[len(names) :])
    if parameters.vararg is not None:
        bound[parameters.vararg.arg] = tupleOf(*rest)
    for name in [*names, *(p.arg for p in parameters.kwonlyargs)]:
        if name in keywords:
            bound[name] = keywords[name]
        bound.setdefault(name, NOTHING)
    if parameters.kwarg is not None:
        bound[parameters.kwarg.arg] = NOTHING
    return bound
