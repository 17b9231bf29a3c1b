"""
Follows far ends through expressions: see L{pbext.audit.following._following}.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import attrs

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
    stored,
    tupleOf,
)
from pbext.audit.following._noting import Noting

__all__ = ["Expressions"]

_SIGNS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.NotEq: "!="}


#: How an item is looked for, in what has no keys.
_SOUGHT = {
    Kind.LIST: What.COMPARED,
    Kind.TUPLE: What.COMPARED,
    Kind.SET: What.HASHED,
}


class Expressions(Noting):
    """
    See the module.
    """

    def value(self, node: ast.AST | None) -> Value:
        """
        @return: what is known of the value of an expression.
        """
        if node is None:
            return NOTHING
        see = getattr(self, f"_see_{type(node).__name__}", None)
        if see is not None:
            found: Value = see(node)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return NOTHING

    def _see_Name(self, node: ast.Name) -> Value:
        return self.frame.names.get(node.id, NOTHING)

    def _see_Attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.value(node.value), node.attr, node)

    def _see_Subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        key = self.value(node.slice)
        if isinstance(node.slice, ast.Slice):
            return attrs.evolve(base, path=None, origin=base.place)
        if base.kind is Kind.TUPLE and isinstance(node.slice, ast.Constant):
            at = node.slice.value
            if isinstance(at, int) and -len(base.parts) <= at < len(base.parts):
                return base.parts[at]
        self.lookedUp(node, base, key, "[]")
        return self._under(base)

    def _under(self, base: Value) -> Value:
        """
        @return: what is found in a container by a key or a number.
        """
        if base.kind is Kind.MAP:
            return itemOf(base, base.parts[1], "value")
        if base.kind is Kind.UNKNOWN and base.path is not None:
            return itemOf(base, NOTHING, "value")
        return self.each(base) if base.kind in HOLDING else NOTHING

    def _see_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.store(node.target, value)
        return value

    def _see_IfExp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return joined(self.value(node.body), self.value(node.orelse))

    def _see_BoolOp(self, node: ast.BoolOp) -> Value:
        return joined(*[self.value(part) for part in node.values])

    def _see_BinOp(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Sub):
            return attrs.evolve(left, path=None, origin=left.place)
        if left.kind in HOLDING or right.kind in HOLDING:
            return attrs.evolve(joined(left, right), path=None, origin=left.place)
        return NOTHING

    def _see_Starred(self, node: ast.Starred) -> Value:
        return self.value(node.value)

    def _see_Await(self, node: ast.Await) -> Value:
        value = self.value(node.value)
        self._suspended(node)
        return value

    def _suspended(self, node: ast.AST) -> None:
        if self.context.via is None:
            for path in self.context.walked:
                self.note(What.CHANGED, node, Value(path=path), "await")

    def _see_Yield(self, node: ast.Yield) -> Value:
        value = self.value(node.value)
        if self.frame.suspends:
            self._suspended(node)
        else:
            self.frame.generates = True
            self.frame.yielded = joined(self.frame.yielded, value)
        return NOTHING

    def _see_YieldFrom(self, node: ast.YieldFrom) -> Value:
        self.frame.generates = True
        value = self.each(self.value(node.value))
        self.frame.yielded = joined(self.frame.yielded, value)
        return NOTHING

    def _see_List(self, node: ast.List) -> Value:
        return listOf(joined(*self._elements(node.elts)))

    def _elements(self, nodes: Sequence[ast.expr]) -> list[Value]:
        values = []
        for part in nodes:
            value = self.value(part)
            values.append(self.each(value) if isinstance(part, ast.Starred) else value)
        return values

    def _see_Tuple(self, node: ast.Tuple) -> Value:
        return tupleOf(*self._elements(node.elts))

    def _see_Set(self, node: ast.Set) -> Value:
        item = joined(*self._elements(node.elts))
        self._hashed(node, item, "{...}")
        return setOf(item)

    def _hashed(self, node: ast.AST, value: Value, word: str) -> None:
        if value.kind in (Kind.FAR, Kind.TUPLE) and farEnds(value):
            self.note(What.HASHED, node, value, word)

    def _see_Dict(self, node: ast.Dict) -> Value:
        result = mapOf()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result = joined(result, self.value(value))
                continue
            name, held = self.value(key), self.value(value)
            self._hashed(key, name, "{...}")
            self.keyed(key, result, name, held)
            result = joined(result, mapOf(name, held))
        return attrs.evolve(result, path=None, origin=None)

    def _comprehended(self, node: Any, *parts: ast.expr) -> list[Value]:
        frame, names, outer = self.frame, self.frame.names, self.context
        frame.names = dict(names)
        try:
            for generator in node.generators:
                walked = self.value(generator.iter)
                self.store(generator.target, self.each(walked))
                if farEnds(walked) or walked.kind is Kind.BOOK:
                    with self.looping(node, walked):
                        inner = self.context
                    self.context = inner
                for test in generator.ifs:
                    self.value(test)
            return [self.value(part) for part in parts]
        finally:
            frame.names, self.context = names, outer

    def _see_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Value:
        [item] = self._comprehended(node, node.elt)
        return attrs.evolve(listOf(item), origin=item.origin and item.origin[:-1])

    _see_GeneratorExp = _see_ListComp

    def _see_SetComp(self, node: ast.SetComp) -> Value:
        [item] = self._comprehended(node, node.elt)
        self._hashed(node, item, "{...}")
        return setOf(item)

    def _see_DictComp(self, node: ast.DictComp) -> Value:
        key, value = self._comprehended(node, node.key, node.value)
        self._hashed(node, key, "{...}")
        self.keyed(node, NOTHING, key, value)
        return mapOf(key, value)

    def _see_Lambda(self, node: ast.Lambda) -> Value:
        self.enclose(node)
        self.frame.inner.append(node)
        return self.functionOf(node)

    def _see_Compare(self, node: ast.Compare) -> Value:
        values = [self.value(part) for part in (node.left, *node.comparators)]
        for op, left, right in zip(node.ops, values, values[1:], strict=False):
            if isinstance(op, (ast.In, ast.NotIn)):
                self.sought(node, left, right, "in")
            elif isinstance(op, (ast.Is, ast.IsNot)):
                self._identified(node, left, right)
            elif Kind.FAR in (left.kind, right.kind):
                value = left if left.kind is Kind.FAR else right
                self.note(What.COMPARED, node, value, _SIGNS.get(type(op), "<"))
            elif left.kind is right.kind is Kind.IDENTITY:
                self._identified(node, left, right)
        return NOTHING

    def _identified(self, node: ast.AST, left: Value, right: Value) -> None:
        kinds = {left.kind, right.kind}
        if kinds in ({Kind.FAR}, {Kind.IDENTITY}) and bool(left.fresh) != bool(
            right.fresh
        ):
            fresh = left if left.fresh else right
            word = "is" if kinds == {Kind.FAR} else "id"
            self.note(What.MISSED, node, fresh, word)

    def sought(self, node: ast.AST, item: Value, container: Value, word: str) -> None:
        """
        Take note of how something is looked for among the items of a container.
        """
        if container.kind is Kind.MAP:
            self.lookedUp(node, container, item, word)
            return
        what = _SOUGHT.get(container.kind)
        if what is None:
            return
        held = container.item
        ends = farEnds(item) and farEnds(held) and item.kind is Kind.TUPLE
        if ends or Kind.FAR in (item.kind, held.kind):
            found = itemOf(container, joined(held, stored(item)), "item")
            self.note(what, node, found, word)
        elif item.kind is Kind.IDENTITY and item.fresh:
            self.note(What.MISSED, node, item, word)
