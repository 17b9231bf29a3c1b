"""
Follows far ends through calls: see L{pbext.audit.following._following}.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import attrs

from pbext.audit.following._containers import (
    CHANGING,
    COMPARING,
    CONTAINERS,
    GROWING,
    HARMLESS,
    HASHING,
    JOINING,
    LIST_ONLY,
    LOOKING,
    ORDERING,
    SNAPSHOTS,
    WALKING,
)
from pbext.audit.following._expressions import Expressions
from pbext.audit.following._facts import What
from pbext.audit.following._held import (
    HOLDING,
    NOTHING,
    Kind,
    Value,
    farEnds,
    itemOf,
    joined,
    listOf,
    mapOf,
    setOf,
    tupleOf,
)
from pbext.audit.following._noting import nameOf

__all__ = ["Calls"]


#: Methods that look for an item.
_SEEKING = {Kind.LIST: COMPARING, Kind.SET: HASHING}


class Calls(Expressions):
    """
    See the module.
    """

    def _see_Call(self, node: ast.Call) -> Value:
        function = node.func
        if isinstance(function, ast.Attribute):
            inner = function.value
            if isinstance(inner, ast.Call) and nameOf(inner.func) == "super":
                arguments, keywords = self._arguments(node)
                return self._upwards(node, function.attr, arguments, keywords)
            base = self.value(inner)
            arguments, keywords = self._arguments(node)
            return self._method(node, base, function.attr, arguments, keywords)
        known = self.value(function)
        arguments, keywords = self._arguments(node)
        if known.kind in (Kind.CALL, Kind.FUNCTION):
            return self.apply(node, known, arguments, keywords)
        if isinstance(function, ast.Name):
            return self._named(node, function.id, arguments, keywords)
        self._give(node, [*arguments, *keywords.values()])
        return NOTHING

    def _arguments(self, node: ast.Call) -> tuple[list[Value], dict[str, Value]]:
        arguments: list[Value] = []
        for part in node.args:
            value = self.value(part)
            if not isinstance(part, ast.Starred):
                arguments.append(value)
            elif value.kind is Kind.TUPLE:
                arguments.extend(value.parts)
            else:
                arguments.append(self.each(value))
        keywords = {k.arg or "**": self.value(k.value) for k in node.keywords}
        return arguments, keywords

    def _upwards(
        self,
        node: ast.Call,
        name: str,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
    ) -> Value:
        """
        C{super().name(...)}.
        """
        owner = self.frame.owner
        at = self.lines.index(owner) + 1 if owner in self.lines else len(self.lines)
        method = self.world.method(self.lines[at:], name)
        if method is not None:
            return self.enter(method, [Value(Kind.SELF), *arguments], keywords, node)
        if not self.complete or not self.world.knows(self.lines[at:]):
            self._give(node, [*arguments, *keywords.values()])
        return NOTHING

    def _method(
        self,
        node: ast.Call,
        base: Value,
        name: str,
        arguments: list[Value],
        keywords: dict[str, Value],
    ) -> Value:
        if base.kind is Kind.FAR:
            if name == "callRemote":
                self.note(What.CALLED, node, base)
            elif name == "remoteMethod":
                return attrs.evolve(base, kind=Kind.CALL)
            return NOTHING
        if base.kind is Kind.CALL and name == "__call__":
            return self.apply(node, base, arguments, keywords)
        if base.kind is Kind.SELF:
            known = self.attribute(base, name)
            if known.kind is Kind.FUNCTION:
                return self.apply(node, known, arguments, keywords)
            self._give(node, [*arguments, *keywords.values()])
            return NOTHING
        if base.kind is Kind.BOOK:
            if name == "callRemote":
                self.note(What.TOLD, node, base)
            elif name == "add":
                self.note(What.KEPT, node, joined(*arguments))
            return base if name in ("without", "forPerspective") else NOTHING
        if base.kind in HOLDING or (base.kind is Kind.UNKNOWN and base.path):
            found = self._contained(node, base, name, arguments)
            if found is not None:
                return found
        if base.kind is Kind.VIEWER:
            self.viewed = True
        return self._outside(node, base, name, arguments, keywords)

    def _outside(
        self,
        node: ast.Call,
        base: Value,
        name: str,
        arguments: list[Value],
        keywords: dict[str, Value],
    ) -> Value:
        """
        A method of an object that is not known, or a function of a module.
        """
        if arguments and arguments[0].kind is Kind.SELF:  # Base.method(self, ...)
            function = node.func
            assert isinstance(function, ast.Attribute)
            owner = self.frame.source.resolve(function.value)
            if owner is not None:
                if owner in self.lines:
                    at = self.lines.index(owner)
                    method = self.world.method(self.lines[at:], name)
                else:
                    method = self.world.method([owner], name)
                if method is not None:
                    return self.enter(method, arguments, keywords, node)
                if self.world.isFramework(owner):
                    return NOTHING
        if base.kind is Kind.UNKNOWN and base.path is None:
            return self._named(node, name, arguments, keywords)
        if name in HARMLESS:
            return NOTHING
        if base.kind is Kind.OTHER and base.path is not None:
            for value in (*arguments, *keywords.values()):
                if farEnds(value):
                    self.keep(node, base.path[:1], Value(Kind.OTHER, (value,)))
        self._give(node, [*arguments, *keywords.values()])
        return NOTHING

    def _contained(
        self, node: ast.Call, base: Value, name: str, arguments: list[Value]
    ) -> Value | None:
        """
        A method of a container.

        @return: what it returns; C{None} if it is no method of one.
        """
        function = node.func
        assert isinstance(function, ast.Attribute)
        first = arguments[0] if arguments else NOTHING
        if name in CHANGING:
            self.changed(node, base, name)
        if base.kind is Kind.UNKNOWN:
            holds = any(map(farEnds, arguments))
            if name in LIST_ONLY and holds:
                base = attrs.evolve(listOf(), path=base.path)
            elif name == "setdefault":
                base = attrs.evolve(mapOf(), path=base.path)
            else:
                return None
        if name in GROWING and base.kind is not Kind.MAP:
            more = arguments[GROWING[name]] if len(arguments) > GROWING[name] else first
            kind = setOf if base.kind is Kind.SET else listOf
            self.grow(node, function.value, base, kind(more))
        elif name in JOINING:
            more = first if base.kind is Kind.MAP else listOf(self.each(first))
            if base.kind is Kind.SET:
                more = setOf(self.each(first))
                self._hashed(node, more.item, name)
            if farEnds(more):
                self.grow(node, function.value, base, more)
        if name in _SEEKING.get(base.kind, ()):
            self.sought(node, first, base, name)
        elif base.kind is Kind.MAP and name in LOOKING:
            self.lookedUp(node, base, first, name)
            if name == "setdefault" and len(arguments) > 1:
                self.keyed(node, base, first, arguments[1])
                self.grow(node, function.value, base, mapOf(first, arguments[1]))
            return self._under(base)
        elif base.kind is Kind.MAP and name in WALKING:
            key, value = base.parts
            parts = {
                "keys": itemOf(base, key, "key"),
                "values": itemOf(base, value, "value"),
            }
            item = parts.get(name) or tupleOf(*parts.values())
            return attrs.evolve(listOf(item), path=base.path)
        if name in ORDERING and not node.keywords and base.item.kind is Kind.FAR:
            self.note(What.COMPARED, node, self.each(base), name)
        if name in SNAPSHOTS:
            return attrs.evolve(base, path=None, origin=base.place)
        return self._under(base) if name in ("pop", "popleft") else NOTHING

    def _named(
        self,
        node: ast.Call,
        name: str,
        arguments: list[Value],
        keywords: dict[str, Value],
    ) -> Value:
        """
        A function that is known by its name: Python's own, or the program's.
        """
        given = [*arguments, *keywords.values()]
        if any(farEnds(v) or v.kind in (Kind.SELF, Kind.VIEWER) for v in given):
            function = self.world.function(self.frame.source.resolve(node.func))
            if function is not None:
                return self.enter(function, arguments, keywords, node)
        see = getattr(self, f"_call_{name}", None)
        if see is not None:
            found: Value = see(node, arguments)
            return found
        first = arguments[0] if arguments else NOTHING
        if name in ORDERING and "key" not in keywords:
            if first.item.kind is Kind.FAR:
                self.note(What.COMPARED, node, self.each(first), name)
        if name in SNAPSHOTS and arguments:
            if first.kind is Kind.MAP and name not in ("copy", "deepcopy"):
                return attrs.evolve(listOf(self.each(first)), origin=first.place)
            return attrs.evolve(first, path=None, origin=first.place)
        if name in CONTAINERS:
            return self._container(node, name, arguments)
        if name in HARMLESS or name in ORDERING:
            return NOTHING
        if name == "Observers":
            if (self.frame.source.resolve(node.func) or "").startswith("pbext."):
                return Value(Kind.BOOK)
        self._give(node, given)
        if name[:1].isupper():
            ends = [end for value in given for end in farEnds(value)]
            return Value(Kind.OTHER, tuple(ends[:1]))
        return NOTHING

    def _container(self, node: ast.Call, name: str, arguments: list[Value]) -> Value:
        empty = CONTAINERS[name]
        if name == "defaultdict":
            made = nameOf(node.args[0]) if node.args else ""
            return mapOf(NOTHING, CONTAINERS.get(made, NOTHING))
        if not arguments:
            return empty
        if empty.kind is Kind.SET:
            item = self.each(arguments[0])
            self._hashed(node, item, name)
            return attrs.evolve(empty, parts=(item,))
        if empty.kind is Kind.MAP and arguments[0].kind is Kind.MAP:
            return attrs.evolve(arguments[0], path=None, origin=arguments[0].place)
        return empty

    def _call_id(self, node: ast.Call, arguments: list[Value]) -> Value:
        if arguments and arguments[0].kind is Kind.FAR:
            return Value(Kind.IDENTITY, fresh=arguments[0].fresh)
        return NOTHING

    def _call_hash(self, node: ast.Call, arguments: list[Value]) -> Value:
        for value in arguments:
            self._hashed(node, value, "hash")
        return NOTHING

    def _call_getattr(self, node: ast.Call, arguments: list[Value]) -> Value:
        if len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            found = self.attribute(arguments[0], str(node.args[1].value), node)
            if farEnds(found) or len(arguments) < 3:
                return found
            return joined(found, arguments[2])
        return NOTHING

    def _call_setattr(self, node: ast.Call, arguments: list[Value]) -> Value:
        if len(node.args) == 3 and isinstance(node.args[1], ast.Constant):
            path = self.pathTo(arguments[0], str(node.args[1].value))
            if path is not None:
                self.keep(node, path, arguments[2])
                return NOTHING
        self._give(node, arguments)
        return NOTHING

    def _call_field(self, node: ast.Call, arguments: list[Value]) -> Value:
        """
        Of a dataclass, or with attrs.
        """
        for keyword in node.keywords:
            if keyword.arg in ("default_factory", "factory"):
                return CONTAINERS.get(nameOf(keyword.value), NOTHING)
            if keyword.arg == "default":
                return self.value(keyword.value)
        return NOTHING

    _call_ib = _call_attrib = _call_field

    def _call_Factory(self, node: ast.Call, arguments: list[Value]) -> Value:
        return CONTAINERS.get(nameOf(node.args[0]), NOTHING) if node.args else NOTHING

    def _call_iter(self, node: ast.Call, arguments: list[Value]) -> Value:
        return arguments[0] if arguments else NOTHING

    _call_reversed = _call_iter

    def _call_next(self, node: ast.Call, arguments: list[Value]) -> Value:
        return self.each(arguments[0]) if arguments else NOTHING

    def _call_enumerate(self, node: ast.Call, arguments: list[Value]) -> Value:
        first = arguments[0] if arguments else NOTHING
        return attrs.evolve(listOf(tupleOf(NOTHING, self.each(first))), path=first.path)

    def _call_zip(self, node: ast.Call, arguments: list[Value]) -> Value:
        holding = next((value for value in arguments if farEnds(value)), NOTHING)
        items = [self.each(value) for value in arguments]
        return attrs.evolve(listOf(tupleOf(*items)), path=holding.path)

    def _call_chain(self, node: ast.Call, arguments: list[Value]) -> Value:
        holding = next((value for value in arguments if farEnds(value)), NOTHING)
        items = [self.each(value) for value in arguments]
        return attrs.evolve(listOf(joined(*items)), path=holding.path)

    def _call_map(self, node: ast.Call, arguments: list[Value]) -> Value:
        if len(arguments) < 2:
            return NOTHING
        function, *walked = arguments
        with self.looping(node, next(filter(farEnds, walked), NOTHING)):
            return listOf(
                self.apply(node, function, [self.each(each) for each in walked], {})
            )

    def _call_filter(self, node: ast.Call, arguments: list[Value]) -> Value:
        if len(arguments) < 2:
            return NOTHING
        if arguments[0].kind is Kind.FUNCTION:
            self.apply(node, arguments[0], [self.each(arguments[1])], {})
        return arguments[1]

    def _call_partial(self, node: ast.Call, arguments: list[Value]) -> Value:
        if arguments and arguments[0].kind is Kind.CALL:
            return arguments[0]
        self._give(node, arguments)
        return NOTHING

    def _call_methodcaller(self, node: ast.Call, arguments: list[Value]) -> Value:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and first.value == "callRemote":
            return Value(Kind.FUNCTION, node=node)
        return NOTHING
