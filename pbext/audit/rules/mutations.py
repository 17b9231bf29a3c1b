"""
Hooks that change the object whose state they gather.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import attrs

from pbext.audit._findings import Place, Severity
from pbext.audit._model import ClassModel, Method, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.reading._bodies import constant, parameters, selfOf, shallow, written
from pbext.audit.reading._names import isFramework

__all__: list[str] = []

#: The hooks that gather a state, and what Twisted's own calls for it.
_HOOKS = {
    "getStateToCopy": "",
    "getStateToCopyFor": "getStateToCopy",
    "getStateToCacheAndObserveFor": "getStateToCopyFor",
    "getStateToPublish": "",
}

#: What a name in a hook stands for: the object's own C{__dict__}, or another dict
#: with the same values.
_LIVE, _COPY = "live", "copy"

_REMOVING = frozenset({"pop", "popitem", "clear"})

#: How deep calls are followed.
_DEPTH = 3


@attrs.frozen
class _Change:
    """
    What a hook does to its object.

    @ivar place: where.
    @ivar name: the attribute that it does it to; C{""} for any.
    @ivar what: in words.
    @ivar soft: whether it may be meant.
    @ivar emptied: whether it is only wrong if the state is what the object has.
    """

    place: Place
    name: str
    what: str
    soft: bool
    emptied: bool


class _Body:
    """
    A hook, or a method that it calls, read from its first line to its last.

    @ivar changes: what it does to the object, and does not undo.
    @ivar returned: what it returns: C{_LIVE}, C{_COPY}, or C{None}.
    """

    def __init__(
        self,
        program: Program,
        cls: ClassModel,
        method: Method,
        depth: int = 0,
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """
        @param depth: how many calls away from the hook it is.
        @param given: what its parameters stand for.
        """
        assert method.node is not None and method.source is not None
        self.changes: list[_Change] = []
        self.returned: str | None = None
        self._program, self._cls, self._method = program, cls, method
        self._source, self._depth = method.source, depth
        self._self = selfOf(method.node)
        self._kinds = {f"{self._self}.__dict__": _LIVE, **given}
        for inner in shallow(method.node.body):
            self._read(inner)
        if self.returned is None:
            self.changes = [c for c in self.changes if not c.emptied]

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.Return) and node.value is not None:
            kind = self._kind(node.value)
            self.returned = _LIVE if kind == _LIVE else self.returned or kind

    def _kind(self, node: ast.expr) -> str | None:
        """
        @return: what an expression stands for.
        """
        if written(node) in self._kinds:
            return self._kinds[written(node)]
        if isinstance(node, ast.Dict):
            spread = [v for k, v in zip(node.keys, node.values, strict=True) if not k]
            return _COPY if any(map(self._kind, spread)) else None
        if not isinstance(node, ast.Call):
            return None
        function, given = node.func, node.args
        if isinstance(function, ast.Name) and len(given) == 1:
            if function.id == "vars" and written(given[0]) == self._self:
                return _LIVE
            return _COPY if function.id == "dict" and self._kind(given[0]) else None
        if not isinstance(function, ast.Attribute):
            return None
        if function.attr in _HOOKS:
            return self._gathered(function)
        if function.attr == "copy":
            # d.copy(), copy.copy(d)
            copied = given[0] if given else function.value
            return _COPY if self._kind(copied) else None
        return None

    def _gathered(self, function: ast.Attribute) -> str | None:
        """
        @return: what calling another hook of the same object gives.
        """
        owner = function.value
        base = self._source.resolve(owner)
        if written(owner) == self._self:
            start = self._cls.name
        elif isinstance(owner, ast.Call) and written(owner.func) == "super":
            start = self._method.owner
        elif base is not None and base in self._cls.bases:
            start = base
        else:
            return None
        line = [self._cls.name, *self._cls.bases]
        if start not in line:
            return None
        above = line[line.index(start) + isinstance(owner, ast.Call) :]
        return _given(self._program, self._cls, function.attr, above, self._depth + 1)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            kind = self._kind(value)
            self._kinds.pop(target.id, None)
            if kind:
                self._kinds[target.id] = kind
        elif isinstance(target, ast.Attribute) and written(target.value) == self._self:
            self._restore("" if target.attr == "__dict__" else target.attr)
            self._empty(target, value)
        elif isinstance(target, ast.Subscript) and self._kind(target.value) == _LIVE:
            name = constant(target.slice)
            self._restore(name or "")
            if name and name in self._cls.assigned and self._spoils(name, value):
                self._note(target, name, f"puts something else into its own {name}")

    def _empty(self, target: ast.Attribute, value: ast.expr) -> None:
        """
        C{self.password = None}, of something that is set elsewhere, too.
        """
        name = target.attr
        if (
            isinstance(value, ast.Constant)
            and value.value in (None, "")
            and not name.startswith("_")  # what it remembers, it may forget
            and len(self._cls.assigned.get(name, ())) > 1
        ):
            self._note(target, name, f"empties its own {name}", emptied=True)

    def _spoils(self, name: str, value: ast.expr) -> bool:
        """
        @return: whether what is assigned to an attribute is made of what was in
            it, or is nothing at all; what is computed anew may be kept there.
        """
        if isinstance(value, ast.Constant):
            return value.value is None or value.value == ""
        return any(
            written(node) == f"{self._self}.{name}" or self._isItem(node, name)
            for node in ast.walk(value)
            if node is not value
        )

    def _isItem(self, node: ast.AST, name: str) -> bool:
        return (
            isinstance(node, ast.Subscript)
            and self._kind(node.value) is not None
            and constant(node.slice) == name
        )

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Attribute) and written(target.value) == self._self:
            self._note(target, target.attr, f"deletes its own {target.attr}")
        elif isinstance(target, ast.Subscript):
            self._remove(target, target.value, target.slice)

    def _remove(
        self, node: ast.AST, taken: ast.expr, key: ast.expr | None, soft: bool = False
    ) -> None:
        """
        Something is removed from a container.
        """
        name = constant(key) or ""
        if self._kind(taken) == _LIVE:
            what = name or ("an attribute" if key is not None else "everything")
            self._note(node, name, f"takes {what} out of its own __dict__", soft)
        elif name:
            inside = self._attribute(taken)
            if inside:
                self._note(node, inside, f"takes {name} out of its own {inside}")

    def _attribute(self, node: ast.expr) -> str:
        """
        @return: of which attribute of the object an expression is the value:
            also if it was taken from a copy of the state, which shares it.
        """
        if isinstance(node, ast.Attribute) and written(node.value) == self._self:
            return node.attr if node.attr != "__dict__" else ""
        if isinstance(node, ast.Subscript) and self._kind(node.value):
            return constant(node.slice) or ""
        return ""

    def _call(self, call: ast.Call) -> None:
        function, given = call.func, call.args
        if isinstance(function, ast.Name):
            if len(given) >= 2 and written(given[0]) == self._self:
                name = constant(given[1]) or ""
                if function.id == "delattr":
                    self._note(call, name, f"deletes its own {name or 'attributes'}")
                elif function.id == "setattr":
                    self._restore(name)
        elif not isinstance(function, ast.Attribute):
            return
        elif function.attr in _REMOVING:
            key = given[0] if given else None
            self._remove(call, function.value, key, soft=len(given) > 1)
        elif function.attr == "update" and self._kind(function.value) == _LIVE:
            self._restore("")
        elif written(function.value) == self._self and function.attr not in _HOOKS:
            self._follow(call, function.attr)

    def _follow(self, call: ast.Call, name: str) -> None:
        """
        Read a method that the hook calls.
        """
        method = self._cls.methods.get(name)
        if method is None or method.node is None or self._depth >= _DEPTH:
            return
        names = parameters(method.node)[1:]
        kinds = {
            name: kind
            for name, given in zip(names, call.args, strict=False)
            if (kind := self._kind(given))
        }
        self.changes += _Body(
            self._program, self._cls, method, self._depth + 1, kinds
        ).changes

    def _restore(self, name: str) -> None:
        """
        An attribute has been set: what was taken away may be there again.
        """
        self.changes = [c for c in self.changes if name and c.name not in (name, "")]

    def _note(
        self,
        node: ast.AST,
        name: str,
        what: str,
        soft: bool = False,
        emptied: bool = False,
    ) -> None:
        change = _Change(self._source.place(node), name, what, soft or emptied, emptied)
        self.changes.append(change)


def _given(
    program: Program, cls: ClassModel, hook: str, line: Sequence[str], depth: int
) -> str | None:
    """
    @param line: the names of the class and of those above it, from which on a
        hook of it is looked for.
    @return: what that returns.
    """
    if depth > _DEPTH or not cls.complete:
        return None
    for name in line:
        if isFramework(name):
            deeper = _HOOKS[hook]
            if deeper:
                every = [cls.name, *cls.bases]
                return _given(program, cls, deeper, every, depth + 1)
            return _COPY if cls.ours else _LIVE
        owner = program.classes.get(name)
        if owner is None or hook in owner.values:
            return None
        method = owner.own(hook)
        if method is not None:
            if method.node is None:
                return None
            return _Body(program, cls, method, depth).returned
    return None


def _mutating(program: Program) -> Iterator[Hit]:
    for cls in program:
        if not cls.sends:
            continue
        for hook in _HOOKS:
            method = cls.own(hook)
            if method is None or method.node is None:
                continue
            for change in _Body(program, cls, method).changes:
                yield Hit(
                    change.place,
                    cls.name,
                    f"{cls.qualname}.{hook} {change.what} whenever it is sent",
                    severity=Severity.WARNING if change.soft else None,
                )


MUTATES = Rule(
    id="PBX202",
    severity=Severity.ERROR,
    title="gathering the state changes the object itself",
    explanation="""\
Stock's ``Copyable.getStateToCopy()`` returns the object's own ``__dict__``, not a copy.
Who takes a password out of it takes it out of the object: the first receiver gets a
state without it, and from then on the sender has none either.  The second time the
same line raises ``KeyError``, and the call that was to carry the object fails.

pbext's own hook returns a fresh dict; ``self.__dict__`` is live there too.""",
    bad="""\
from twisted.spread import pb


class Account(pb.Copyable):
    def __init__(self, name, password):
        self.name = name
        self.password = password

    def getStateToCopy(self):
        state = self.__dict__
        del state["password"]
        return state
""",
    good="""\
from twisted.spread import pb


class Account(pb.Copyable):
    def __init__(self, name, password):
        self.name = name
        self.password = password

    def getStateToCopy(self):
        state = self.__dict__.copy()
        del state["password"]
        return state
""",
    fix="take a copy of the state first, or return a dict of what is to travel",
    find=_mutating,
    sources=True,
)
