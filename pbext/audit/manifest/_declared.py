"""
What a class declares about its state, for the manifest: what L{pbext._contract}
says of a class that lives, and the same as far as its source tells it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import attrs

from pbext._contract import contractOf, hintsOf
from pbext._fields import fieldsOf
from pbext._versions import VERSION, versionOf
from pbext.audit._model import UNKNOWN, ClassModel, Computed, Field, Made, Reference
from pbext.audit.manifest._evaluated import Annotations
from pbext.errors import BadDeclaration

__all__ = ["CannotTell", "Declared", "declaredBy"]


class CannotTell(Exception):
    """
    Something is not known; the text says why.
    """


@attrs.frozen(kw_only=True)
class Declared:
    """
    @ivar open: whether it declares nothing.
    @ivar fields: those that travel, by name: their annotations, evaluated.
    @ivar texts: the annotations as they stand in the source.
    @ivar accepted: those that a peer may set.
    @ivar required: those of them that it has to.
    @ivar local: the names that never travel.
    @ivar forbids: whether a state with other fields is refused.
    @ivar version: of its states, or C{None}.
    """

    open: bool = False
    fields: Mapping[str, Any] = attrs.Factory(dict)
    texts: Mapping[str, str] = attrs.Factory(dict)
    accepted: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    forbids: bool = False
    version: int | None = None


def declaredBy(cls: ClassModel, annotations: Annotations) -> Declared:
    """
    @param cls: a class on pbext's flavors.
    @param annotations: what those of the program mean.
    @raise CannotTell: if it cannot be said what it declares.
    """
    if cls.live is None:
        return _written(cls, annotations)
    try:
        return _living(cls.live, {field.name: field for field in cls.fields})
    except BadDeclaration as error:
        raise CannotTell(str(error)) from None


def _living(cls: type, known: Mapping[str, Field]) -> Declared:
    fields, contract = fieldsOf(cls), contractOf(cls)
    if contract is None:
        return Declared(open=True, local=fields.local, version=versionOf(cls))
    checked = getattr(cls, "copyChecked", True)
    hints = hintsOf(cls, fields)[0] if checked else {}
    return Declared(
        fields={name: hints.get(name, UNKNOWN) for name in fields.names},
        texts={n: known[n].annotation for n in fields.names if n in known},
        accepted=fields.accepted,
        required=contract.required,
        local=fields.local,
        forbids=contract.forbids,
        version=contract.version,
    )


def _written(cls: ClassModel, annotations: Annotations) -> Declared:
    version = _said(cls, VERSION, None)
    local = frozenset(field.name for field in cls.fields if field.local)
    if not cls.complete:
        raise CannotTell("a class above it cannot be followed")
    if not cls.declares:
        return Declared(open=True, local=local, version=version)
    checked = bool(_said(cls, "copyChecked", True))
    fields = {f.name: f for f in cls.fields if not f.local and f.name[0] != "_"}
    accepted = frozenset(name for name in fields if _mayBeSet(cls, name))
    return Declared(
        fields={
            name: annotations.evaluated(field.annotation, field.place.path)
            if checked and field.annotation
            else UNKNOWN
            for name, field in fields.items()
        },
        texts={name: field.annotation for name, field in fields.items()},
        accepted=accepted,
        required=_required(cls, fields, accepted) if checked else frozenset(),
        local=local,
        forbids=_said(cls, "copyUnknown", "ignore") == "forbid",
        version=version,
    )


def _said(cls: ClassModel, name: str, default: Any) -> Any:
    value = cls.values.get(name, default)
    if value is UNKNOWN or isinstance(value, (Computed, Reference)):
        raise CannotTell(f"its {name} is computed")
    return value


def _mayBeSet(cls: ClassModel, name: str) -> bool:
    value = cls.values.get(name)
    return value.settable if isinstance(value, Computed) else name not in cls.methods


def _required(
    cls: ClassModel, fields: Mapping[str, Field], accepted: frozenset[str]
) -> frozenset[str]:
    loose = cls.made is Made.PLAIN and cls.values.get("copyFields") is None
    if _said(cls, "copyConstruct", False):
        constructor = cls.methods.get("__init__")
        if constructor is not None and constructor.node is not None:
            return _needed(constructor.node) & accepted
    elif loose:
        return frozenset()
    return frozenset(name for name in accepted if not _hasDefault(cls, fields[name]))


def _needed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """
    @return: the parameters of a constructor that have no defaults.
    """
    given = function.args
    order = [*given.posonlyargs, *given.args][1:]
    without = order[: len(order) - len(given.defaults)]
    without += [
        argument
        for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if default is None
    ]
    return frozenset(argument.arg for argument in without)


def _hasDefault(cls: ClassModel, field: Field) -> bool:
    # What attrs or a dataclass is told of a field is no value of the class.
    inBody = not field.annotation and cls.made is not Made.ATTRS
    return field.hasDefault or (inBody and field.name in cls.values)
