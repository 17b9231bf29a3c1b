"""
Classes, read from their sources.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from pbext.audit._findings import Place
from pbext.audit._model import ClassModel, Field, Made, Method
from pbext.audit.reading._classbody import Body, asNames, literal, readBody
from pbext.audit.reading._names import frameworkBases, isFramework
from pbext.audit.reading._scopes import qualnameOf
from pbext.audit.reading._sources import Source

__all__ = ["Classes"]

#: Bases that tell nothing about what travels.
_HARMLESS = frozenset(
    {
        "abc.ABC",
        "builtins.dict",
        "builtins.list",
        "builtins.object",
        "typing.Generic",
        "typing.Protocol",
        "typing_extensions.Protocol",
    }
)


class Classes:
    """
    All the classes of some sources.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, tuple[Source, ast.ClassDef]] = {}
        self._bodies: dict[str, Body] = {}
        self._lines: dict[str, tuple[tuple[str, ...], bool]] = {}

    def add(self, sources: Iterable[Source]) -> None:
        """
        Take note of the classes of more sources.
        """
        for source in sources:
            if isFramework(source.module):
                continue
            for node in source.of(ast.ClassDef):
                name = f"{source.label}.{qualnameOf(source, node)}"
                self._nodes.setdefault(name, (source, node))
        self._lines.clear()  # a base may have been found

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[str]:
        """
        All their names.
        """
        return iter([*self._nodes])

    def flavored(self) -> list[str]:
        """
        @return: the names of those that derive from a class of PB's.
        """
        return [n for n in self._nodes if any(map(isFramework, self.bases(n)[0]))]

    def bases(self, name: str) -> tuple[tuple[str, ...], bool]:
        """
        @return: what is above a class, in the order of attribute lookup, and
            whether that is all.
        """
        found = self._lines.get(name)
        if found is None:
            self._lines[name] = (), False  # of one that derives from itself
            found = self._lines[name] = self._above(name)
        return found

    def _above(self, name: str) -> tuple[tuple[str, ...], bool]:
        source, node = self._nodes[name]
        complete = True
        orders: list[list[str]] = []
        for expression in node.bases:
            base = source.resolve(expression)
            if base is None:
                complete = False
            elif isFramework(base):
                above = frameworkBases(base)
                complete = complete and bool(above)
                orders.append([*above] or [base])
            elif base in self._nodes:
                inherited, known = self.bases(base)
                complete = complete and known
                orders.append([base, *inherited])
            elif base not in _HARMLESS:
                complete = False
                orders.append([base])
        return tuple(_merged(orders)), complete

    def model(self, name: str) -> ClassModel:
        """
        @return: one of the classes.
        """
        source, node = self._nodes[name]
        bases, complete = self.bases(name)
        bodies = [self._body(n) for n in [name, *bases] if n in self._nodes]
        methods: dict[str, Method] = {}
        values: dict[str, Any] = {}
        assigned: dict[str, list[Place]] = {}
        for body in reversed(bodies):  # what one overrides, the other is not
            for overridden in body.methods:
                values.pop(overridden, None)
            for overridden in body.values:
                methods.pop(overridden, None)
            methods.update(body.methods)
            values.update(body.values)
        for body in bodies:
            for attribute, places in body.assigned.items():
                assigned.setdefault(attribute, []).extend(places)
        slots = [slot for body in bodies for slot in body.slots or ()]
        fields, declares = _fields(bodies, values)
        model = ClassModel(
            module=source.label,
            qualname=qualnameOf(source, node),
            place=source.place(node),
            bases=bases,
            complete=complete,
            methods=methods,
            values=values,
            fields=fields,
            declares=declares,
            made=next((b.made for b in bodies if b.made is not Made.PLAIN), Made.PLAIN),
            frozen=any(body.frozen for body in bodies),
            slots=None if all(b.slots is None for b in bodies) else tuple(slots),
            assigned=assigned,
            node=node,
            source=source,
        )
        return attrs.evolve(model, tag=_tag(model))

    def _body(self, name: str) -> Body:
        found = self._bodies.get(name)
        if found is None:
            found = self._bodies[name] = readBody(name, *self._nodes[name])
        return found


def _merged(orders: list[list[str]]) -> list[str]:
    """
    Python's order of attribute lookup, of those of the bases; or one after the
    other, where Python would refuse the class.
    """
    waiting = [order for order in [*orders, [order[0] for order in orders]] if order]
    found: list[str] = []
    while waiting:
        for order in waiting:
            if not any(order[0] in other[1:] for other in waiting):
                break
        else:
            order = waiting[0]
        first = order[0]
        found.append(first)
        waiting = [[n for n in other if n != first] for other in waiting]
        waiting = [other for other in waiting if other]
    return found


def _fields(
    bodies: list[Body], values: Mapping[str, Any]
) -> tuple[tuple[Field, ...], bool]:
    """
    What L{pbext._fields.fieldsOf} finds out about a class, from its source.
    """
    found: dict[str, Field] = {}
    for body in reversed(bodies):
        found.update((field.name, field) for field in body.fields)
    local = {
        name for body in bodies for name in asNames(body.values.get("localFields", ()))
    }
    chosen = values.get("copyFields")
    if chosen is not None:
        names = asNames(chosen)
        found = {name: found.get(name, Field(name)) for name in names} | {
            name: field for name, field in found.items() if field.local
        }
    for name in local:
        found[name] = attrs.evolve(found.get(name, Field(name)), local=True)
    # As _fields has it: what instances share declares nothing.
    declares = chosen is not None or any(
        not isinstance(values.get(name), (list, dict, set))
        for name in found
        if name not in local
    )
    return tuple(found.values()), declares


def _tag(cls: ClassModel) -> str | None:
    """
    @return: the tag of a class, if it is sent.
    """
    if not cls.sends:
        return None
    method = cls.methods.get("getTypeToCopy")
    if method is not None:
        return _returned(method)
    if "getTypeToCopy" in cls.values:
        return None
    tag = cls.values.get("typeToCopy") if cls.ours else None
    if tag is not None:
        return tag if isinstance(tag, str) else None
    # Twisted's qual() knows nothing of what a class stands in.
    assert cls.source is not None
    return f"{cls.source.module}.{cls.qualname.rpartition('.')[2]}"


def _returned(method: Method) -> str | None:
    """
    @return: the tag that a method returns, if it does nothing else.
    """
    assert method.node is not None
    body = [
        statement
        for statement in method.node.body
        if not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
        )
    ]
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return None
    value = literal(body[0].value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
