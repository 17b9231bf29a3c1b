"""
Hooks that gather a state, and what they return, as far as they say so without being
run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import attrs

from pbext.audit._model import ClassModel, Method, Program, Reference
from pbext.audit.following._states import HOOKS, State
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    argument,
    constant,
    selfOf,
    shallow,
    written,
)
from pbext.audit.reading._names import isFramework

__all__ = ["statesOf"]

#: How deep calls are followed.
_DEPTH = 4


def statesOf(program: Program, cls: ClassModel) -> list[State | None]:
    """
    @return: the states that the hook of a class may return which is called for
        an object that is sent, C{None} for each of which nothing is known;
        nothing at all if it only raises.
    """
    followed = cls.isA("Cacheable")
    hook = "getStateToCacheAndObserveFor" if followed else "getStateToCopyFor"
    return _asked(program, cls, hook, [cls.name, *cls.bases], 0)


def _asked(
    program: Program, cls: ClassModel, hook: str, line: Sequence[str], depth: int
) -> list[State | None]:
    """
    @param line: the class and those above it, from where on the hook is looked
        for.
    """
    if depth > _DEPTH:
        return [None]
    for name in line:
        if isFramework(name):
            return _byFramework(program, cls, hook, depth)
        owner = program.classes.get(name)
        method = (owner or cls).methods.get(hook)
        if method is not None and method.owner == name:
            return _Body(program, cls, method, depth).returned()
        if owner is None:
            if cls.complete:
                continue  # a class that has nothing to do with PB
            return [None]
        said = owner.values.get(hook)
        if isinstance(said, Reference) and said.name == f"{_STOCK}.{hook}":
            return [State(whole=True, live=True, gathered="twisted")]
        if hook in owner.values:
            return [None]
    return [None]


_STOCK = "twisted.spread.flavors.Copyable"


def _byFramework(
    program: Program, cls: ClassModel, hook: str, depth: int
) -> list[State | None]:
    if not cls.complete or cls.isA("Publishable"):
        return [None]
    deeper = HOOKS[hook]
    if deeper:
        return _asked(program, cls, deeper, [cls.name, *cls.bases], depth + 1)
    if cls.ours:
        return [State(whole=True, gathered="pbext")]
    return [State(whole=True, live=True, gathered="twisted")]


class _Body:
    """
    A hook, read from its first line to its last, all of its branches as if one
    came after the other.
    """

    def __init__(
        self, program: Program, cls: ClassModel, method: Method, depth: int
    ) -> None:
        self._program, self._cls, self._method = program, cls, method
        self._depth = depth
        self._known: dict[str, State | None] = {}

    def returned(self) -> list[State | None]:
        """
        See L{statesOf}.
        """
        node, source = self._method.node, self._method.source
        if not isinstance(node, ast.FunctionDef) or source is None:
            return [None]
        self._self = selfOf(node)
        found: list[State | None] = []
        for statement in _inOrder(node.body):
            if isinstance(statement, ast.Return):
                state = self._value(statement.value)
                if state is not None and state.source is None:
                    place = source.place(statement)
                    state = attrs.evolve(state, place=place, source=source)
                found.append(state)
            else:
                self._read(statement)
        if not found and isinstance(node.body[-1], ast.Raise):
            return []
        return found or [None]

    def _read(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._assign(target, statement.value)
        elif isinstance(statement, ast.AnnAssign):
            self._assign(statement.target, statement.value)
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                if isinstance(target, ast.Subscript):
                    self._remove(target.value, target.slice)
        elif isinstance(statement, ast.AugAssign):
            self._known.pop(written(statement.target), None)
        elif isinstance(statement, ast.For):
            self._loop(statement)
            return
        for call in shallow([statement]):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                self._call(call, call.func)

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self._known[target.id] = self._value(value)
        elif isinstance(target, ast.Subscript) and value is not None:
            name, state = written(target.value), self._value(target.value)
            key = constant(target.slice)
            if state is not None:
                self._know(name, state.having({key: value}) if key else None)

    def _know(self, name: str, state: State | None) -> None:
        if name:
            self._known[name] = state

    def _remove(self, container: ast.expr, key: ast.expr | None) -> None:
        state = self._value(container)
        if state is not None:
            name = constant(key)
            self._know(written(container), state.lacking(name) if name else None)

    def _call(self, call: ast.Call, function: ast.Attribute) -> None:
        state = self._value(function.value)
        if state is None:
            return
        if function.attr == "pop" and call.args:
            self._remove(function.value, call.args[0])
        elif function.attr in ("update", "setdefault"):
            more = _keywords(call)
            for given in call.args:
                one = self._value(given)
                more = None if one is None or more is None else {**more, **one.named}
            self._know(
                written(function.value), None if more is None else state.having(more)
            )
        elif function.attr in ("clear", "popitem"):
            self._know(written(function.value), None)

    def _loop(self, loop: ast.For) -> None:
        """
        C{for name in ("observers", "password"): del state[name]}, or what cannot
        be followed.
        """
        names = loop.iter.elts if isinstance(loop.iter, (ast.Tuple, ast.List)) else []
        every = [constant(name) for name in names]
        for node in shallow(loop.body):
            container: ast.expr | None = None
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Del):
                container, key = node.value, node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "pop" and node.args:
                    container, key = node.func.value, node.args[0]
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                self._know(written(node.value), None)
            if container is None or (state := self._value(container)) is None:
                continue
            known = bool(every) and None not in every
            if not known or written(key) != written(loop.target):
                self._know(written(container), None)
                continue
            for name in every:
                state = state.lacking(name or "")
            self._know(written(container), state)

    def _value(self, node: ast.expr | None) -> State | None:
        """
        @return: what an expression stands for, if that is a state.
        """
        if node is None:
            return None
        name = written(node)
        if name in self._known:
            return self._known[name]
        if name == f"{self._self}.__dict__":
            return State(whole=True, live=True)
        if isinstance(node, ast.Dict):
            return self._dict(node)
        if isinstance(node, ast.DictComp):
            return self._comprehension(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            one, other = self._value(node.left), self._value(node.right)
            return None if one is None or other is None else _merged(one, other)
        return self._called(node) if isinstance(node, ast.Call) else None

    def _dict(self, node: ast.Dict) -> State | None:
        result = State()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                spread = self._value(value)
                if spread is None:
                    return None
                result = _merged(result, spread)
            elif name := constant(key):
                result = result.having({name: value})
        return result

    def _comprehension(self, node: ast.DictComp) -> State | None:
        [loop, *more] = node.generators
        over = loop.iter
        plain = not more and not loop.ifs and written(node.value)
        if (
            plain
            and isinstance(over, ast.Call)
            and isinstance(over.func, ast.Attribute)
        ):
            if over.func.attr == "items" and (state := self._value(over.func.value)):
                return attrs.evolve(state, live=False)
        return None

    def _called(self, call: ast.Call) -> State | None:
        function = call.func
        last = getattr(function, "attr", getattr(function, "id", ""))
        if last == "vars" and len(call.args) == 1:
            itself = written(call.args[0]) == self._self
            return State(whole=True, live=True) if itself else None
        if last == "dict" and isinstance(function, ast.Name):
            more = _keywords(call)
            start = self._value(call.args[0]) if call.args else State()
            if start is None or more is None:
                return None
            return attrs.evolve(start, live=False).having(more)
        if last in ("copy", "deepcopy"):
            copied = call.args[0] if call.args else getattr(function, "value", None)
            state = self._value(copied)
            return None if state is None else attrs.evolve(state, live=False)
        if isinstance(function, ast.Attribute):
            return self._asked(call, function)
        return None

    def _asked(self, call: ast.Call, function: ast.Attribute) -> State | None:
        """
        Another hook, of the same object or of what is above its class; or
        another method of the object.
        """
        owner, line = function.value, [self._cls.name, *self._cls.bases]
        start: str | None = self._cls.name
        if isinstance(owner, ast.Call) and written(owner.func) == "super":
            start = self._method.owner
            line = line[line.index(start) + 1 :] if start in line else []
        elif written(owner) != self._self:
            assert self._method.source is not None
            start = self._method.source.resolve(owner)
            if written(argument(call, 0, "self") or owner) != self._self:
                return None
            line = line[line.index(start) :] if start in line else []
        found: list[State | None] = [None]
        method = self._cls.methods.get(function.attr)
        if function.attr in HOOKS and line:
            found = _asked(
                self._program, self._cls, function.attr, line, self._depth + 1
            )
        elif method is not None and start == self._cls.name and self._depth < _DEPTH:
            found = _Body(self._program, self._cls, method, self._depth + 1).returned()
        return found[0] if len(found) == 1 else None


def _merged(one: State, other: State) -> State:
    """
    @return: two dicts made one, a new one.
    """
    return State(
        whole=one.whole or other.whole,
        without=one.without - other.named.keys(),
        named={**one.named, **other.named},
        gathered=one.gathered or other.gathered,
        place=one.place if one.source else other.place,
        source=one.source or other.source,
    )


def _keywords(call: ast.Call) -> dict[str, ast.expr] | None:
    """
    @return: what is given by name; C{None} if that cannot be seen.
    """
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    return {keyword.arg or "": keyword.value for keyword in call.keywords}


def _inOrder(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """
    @return: the statements of a function, those of its branches too, but for
        loops, whose statements belong together.
    """
    for statement in body:
        if isinstance(statement, (ast.If, ast.While, ast.Try, ast.With)):
            inside: list[ast.stmt] = [*statement.body]
            for caught in getattr(statement, "handlers", []):
                inside += caught.body
            inside += getattr(statement, "orelse", [])
            inside += getattr(statement, "finalbody", [])
            yield from _inOrder(inside)
        elif not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            yield statement
            if isinstance(statement, ast.For):
                yield from (
                    s for s in shallow(statement.body) if isinstance(s, ast.Return)
                )
