"""
What stands in the body of one class.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from pbext._fields import SETTINGS
from pbext.audit._findings import Place
from pbext.audit._model import UNKNOWN, Computed, Field, Made, Method, Reference
from pbext.audit.reading._bodies import FUNCTIONS
from pbext.audit.reading._sources import Source

__all__ = ["Body", "asNames", "literal", "readBody"]

_DATACLASS = "dataclasses.dataclass"

#: What makes a class of attrs, and whether it has slots and is frozen by default.
_ATTRS = {
    "attr.s": (False, False),
    "attr.attrs": (False, False),
    "attr.attributes": (False, False),
    "attr.dataclass": (False, False),
    "attr.define": (True, False),
    "attr.mutable": (True, False),
    "attr.frozen": (True, True),
    "attrs.define": (True, False),
    "attrs.mutable": (True, False),
    "attrs.frozen": (True, True),
}
_ATTRS_FIELDS = {"attr.ib", "attr.attrib", "attr.attr", "attr.field", "attrs.field"}

#: How a field says that it has a default.
_DEFAULTS = frozenset({"default", "default_factory", "factory"})

_PROPERTIES = frozenset({"builtins.property", "functools.cached_property"})


@attrs.frozen
class Body:
    """
    What stands in the body of one class.
    """

    methods: dict[str, Method]
    values: dict[str, Any]
    fields: tuple[Field, ...]
    assigned: dict[str, list[Place]]
    made: Made
    frozen: bool
    slots: tuple[str, ...] | None


def asNames(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        return ()
    return tuple(name for name in value if isinstance(name, str))


def literal(node: ast.expr | None) -> Any:
    """
    @return: the value of an expression that is written out, or C{UNKNOWN}.
    """
    if node is None:
        return UNKNOWN
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """
    @return: what a body says, also under a condition.
    """
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            inside: list[ast.stmt] = [*statement.body]
            inside += getattr(statement, "orelse", [])
            inside += getattr(statement, "finalbody", [])
            for caught in getattr(statement, "handlers", []):
                inside += caught.body
            yield from _statements(inside)


def readBody(name: str, source: Source, node: ast.ClassDef) -> Body:
    made, frozen, slotted = _making(source, node)
    methods: dict[str, Method] = {}
    values: dict[str, Any] = {}
    fields: dict[str, Field] = {}
    assigned: dict[str, list[Place]] = {}
    for statement in _statements(node.body):
        if isinstance(statement, FUNCTIONS):
            _readFunction(name, source, statement, methods, values)
            for attribute, place in _assignments(source, statement):
                assigned.setdefault(attribute, []).append(place)
        elif isinstance(statement, ast.Assign):
            value = _value(source, statement.value)
            for target in statement.targets:
                if not isinstance(target, ast.Name):
                    continue
                aliased = _aliased(statement.value, methods)
                if aliased is not None:
                    methods[target.id] = attrs.evolve(aliased, name=target.id)
                    continue
                values[target.id] = value
                if made is Made.ATTRS and _isAttrsField(source, statement.value):
                    fields[target.id] = _field(source, target, "", statement.value)
        elif isinstance(statement, ast.AnnAssign):
            if not isinstance(statement.target, ast.Name):
                continue
            if statement.value is not None:
                values[statement.target.id] = _value(source, statement.value)
            text = ast.unparse(statement.annotation)
            if statement.target.id not in SETTINGS and not _isNoField(
                source, statement.annotation
            ):
                fields[statement.target.id] = _field(
                    source, statement.target, text, statement.value
                )
    slots = _slots(values.get("__slots__"))
    if slotted:
        slots = (*(slots or ()), *fields)
    return Body(methods, values, tuple(fields.values()), assigned, made, frozen, slots)


def _aliased(value: ast.expr, methods: Mapping[str, Method]) -> Method | None:
    return methods.get(value.id) if isinstance(value, ast.Name) else None


def _slots(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else asNames(value)


def _value(source: Source, node: ast.expr) -> Any:
    value = literal(node)
    if value is not UNKNOWN:
        return value
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = source.resolve(node)
        return UNKNOWN if name is None else Reference(name)
    if isinstance(node, ast.Call) and source.resolve(node.func) in _PROPERTIES:
        return Computed(
            len(node.args) > 1 or any(k.arg == "fset" for k in node.keywords)
        )
    return UNKNOWN


def _making(source: Source, node: ast.ClassDef) -> tuple[Made, bool, bool]:
    """
    @return: how a class is made, whether it is frozen, whether it gets slots.
    """
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = source.resolve(call.func if call is not None else decorator)
        says = {k.arg: literal(k.value) for k in call.keywords} if call else {}
        if name == _DATACLASS:
            return Made.DATACLASS, says.get("frozen") is True, says.get("slots") is True
        if name in _ATTRS:
            slots, frozen = _ATTRS[name]
            return (
                Made.ATTRS,
                says.get("frozen", frozen) is True,
                says.get("slots", slots) is True,
            )
    return Made.PLAIN, False, False


def _isAttrsField(source: Source, value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and source.resolve(value.func) in _ATTRS_FIELDS


def _field(
    source: Source, target: ast.Name, annotation: str, value: ast.expr | None
) -> Field:
    hasDefault = value is not None
    if isinstance(value, ast.Call):
        name = source.resolve(value.func)
        if name in _ATTRS_FIELDS or name == "dataclasses.field":
            says = {keyword.arg: keyword.value for keyword in value.keywords}
            hasDefault = bool(says.keys() & _DEFAULTS) or (
                literal(says.get("init")) is False  # the object sees to it itself
            )
    return Field(
        name=target.id,
        annotation=annotation,
        local=target.id.startswith("_") or "LocalOnly" in annotation,
        hasDefault=hasDefault,
        place=source.place(target),
    )


def _isNoField(source: Source, annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.rpartition(".")[2].startswith(("ClassVar", "InitVar"))
    name = source.resolve(annotation) or ""
    return name in (
        "typing.ClassVar",
        "typing_extensions.ClassVar",
        "dataclasses.InitVar",
        "dataclasses.KW_ONLY",
    )


def _readFunction(
    owner: str,
    source: Source,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    methods: dict[str, Method],
    values: dict[str, Any],
) -> None:
    decorators = tuple(
        source.resolve(d.func if isinstance(d, ast.Call) else d) or "?"
        for d in node.decorator_list
    )
    if _PROPERTIES & {*decorators}:
        values[node.name] = Computed(settable=False)
        return
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Attribute) and decorator.attr in (
            "setter",
            "getter",
            "deleter",
        ):
            if isinstance(values.get(node.name), Computed):
                if decorator.attr == "setter":
                    values[node.name] = Computed(settable=True)
                return
    values.pop(node.name, None)
    methods[node.name] = _methodOf(owner, source, node, decorators)


def _methodOf(
    owner: str,
    source: Source,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    decorators: tuple[str, ...],
) -> Method:
    """
    @return: a function in the body of a class.
    """
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    bound = 0 if "builtins.staticmethod" in decorators else 1
    names = {
        a.arg for a in arguments.args[max(0, bound - len(arguments.posonlyargs)) :]
    }
    needed = [
        a.arg
        for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    known = all(
        name.startswith("builtins.") or name in _TRANSPARENT for name in decorators
    )
    return Method(
        name=node.name,
        owner=owner,
        place=source.place(node),
        least=max(0, len(positional) - len(arguments.defaults) - bound) if known else 0,
        most=None
        if arguments.vararg is not None or not known
        else max(0, len(positional) - bound),
        required=frozenset(needed) if known else frozenset(),
        keywords=None
        if arguments.kwarg is not None or not known
        else frozenset(names | {a.arg for a in arguments.kwonlyargs}),
        decorators=decorators,
        node=node,
        source=source,
    )


#: Decorators that leave the arguments as they are; of others, nothing is known.
_TRANSPARENT = frozenset(
    {
        "abc.abstractmethod",
        "functools.cache",
        "twisted.internet.defer.inlineCallbacks",
        "twisted.internet.defer.deferredGenerator",
        "typing.final",
        "typing.override",
    }
)


def _assignments(
    source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[tuple[str, Place]]:
    """
    @return: the attributes that a method sets on its object, and where.
    """
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return
    itself = arguments[0].arg
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == itself
        ):
            yield node.attr, source.place(node)
