"""
One class that lives in this process, as the rules see it.  None of its own code is
called, but for its annotations, which are evaluated.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from twisted.python.reflect import qual
from twisted.spread import flavors

from pbext._copyable import Copyable, tagOf
from pbext._fields import (
    SETTINGS,
    declaredBy,
    evaluated,
    fieldsOf,
    forgetFields,
    isGenerated,
)
from pbext._kinds import shown
from pbext.audit._model import (
    UNKNOWN,
    ClassModel,
    Computed,
    Field,
    Made,
    Method,
    Reference,
)
from pbext.audit.living._places import Places
from pbext.audit.reading._names import isFramework
from pbext.errors import BadDeclaration

__all__ = ["canonical", "livingModel", "livingTag"]

#: How deep containers are looked into, and how much they hold, to be known.
_DEPTH = 4
_ITEMS = 1000

_CONSTANTS = (str, bytes, bool, int, float, complex, types.NoneType)

#: What makes functions of functions that take the same arguments.
_TRANSPARENT = ("twisted.", "functools")

_Function = types.FunctionType


def canonical(member: Any) -> str | None:
    """
    @return: the name of a class or a function; C{None} if it has none that says
        where it is.
    """
    module = getattr(member, "__module__", None)
    qualname = getattr(member, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str):
        return None
    return None if " " in qualname else f"{module}.{qualname}"


def livingModel(cls: type, own: Callable[[type], bool], places: Places) -> ClassModel:
    """
    @param own: whether a class is the program's.
    @return: what there is to know of a class.
    """
    above = [base for base in cls.__mro__[1:] if base is not object]
    model = ClassModel(
        module=cls.__module__,
        qualname=cls.__qualname__,
        place=places.ofClass(cls),
        bases=tuple(f"{base.__module__}.{base.__qualname__}" for base in above),
        live=cls,
    )
    try:
        return _read(model, cls, own, places)
    except Exception:  # by tricks of a metaclass, say
        return attrs.evolve(model, complete=False)


def _read(
    model: ClassModel, cls: type, own: Callable[[type], bool], places: Places
) -> ClassModel:
    bodies = [base for base in cls.__mro__ if own(base)]
    methods: dict[str, Method] = {}
    values: dict[str, Any] = {}
    for name, (owner, member) in _members(cls).items():
        if owner not in bodies or _isMade(owner, member):
            continue
        method = _method(name, owner, member, places)
        if method is not None:
            methods[name] = method
        elif name == "__slots__" or not _isHidden(name, member):
            values[name] = _value(member)
    slots = [vars(base)["__slots__"] for base in bodies if "__slots__" in vars(base)]
    fields, declares = _fields(cls, bodies, places)
    return attrs.evolve(
        model,
        methods=methods,
        values=values,
        fields=fields,
        declares=declares,
        made=next((_made(base) for base in bodies if isGenerated(base)), Made.PLAIN),
        frozen=_isFrozen(cls),
        slots=tuple(name for names in slots for name in _slots(names))
        if slots
        else None,
        tag=livingTag(cls),
    )


def _members(cls: type) -> dict[str, tuple[type, Any]]:
    """
    @return: by name, what instances have of their classes, and of which.
    """
    found: dict[str, tuple[type, Any]] = {}
    for base in reversed(cls.__mro__):
        found.update((name, (base, member)) for name, member in vars(base).items())
    return found


def _isHidden(name: str, member: object) -> bool:
    return (name.startswith("__") and name.endswith("__")) or isinstance(
        member, (types.MemberDescriptorType, types.GetSetDescriptorType)
    )


def _isMade(owner: type, member: object) -> bool:
    """
    Whether dataclasses or attrs have written a function.
    """
    if not isinstance(member, _Function) or not isGenerated(owner):
        return False
    maker = str(member.__globals__.get("__name__")).partition(".")[0]
    return maker in ("attr", "dataclasses", "reprlib") or (
        member.__code__.co_filename.startswith(("<string>", "<attrs generated"))
    )


def _method(name: str, owner: type, member: Any, places: Places) -> Method | None:
    """
    @return: a member of a class, if it is a function of the program's.
    """
    bound, given = 1, 0
    named: Mapping[str, Any] = {}
    decorators: tuple[str, ...] = ()
    if isinstance(member, staticmethod):
        bound, decorators, member = 0, ("builtins.staticmethod",), member.__func__
    elif isinstance(member, classmethod):
        decorators, member = ("builtins.classmethod",), member.__func__
    elif isinstance(member, functools.partialmethod):
        given, named, member = len(member.args), member.keywords, member.func
    elif isinstance(member, functools.singledispatchmethod):
        member = member.func
    while _isTransparent(member):
        member = member.__wrapped__
    if not isinstance(member, _Function) or isFramework(member.__module__ or ""):
        return None
    code = member.__code__
    positional = code.co_varnames[: code.co_argcount]
    taken = bound + given
    least = positional[taken : len(positional) - len(member.__defaults__ or ())]
    last = code.co_argcount + code.co_kwonlyargcount
    only = frozenset(code.co_varnames[code.co_argcount : last])
    byName = frozenset(positional[max(taken, code.co_posonlyargcount) :]) | only
    anyNumber = code.co_flags & inspect.CO_VARARGS
    anyName = code.co_flags & inspect.CO_VARKEYWORDS
    return Method(
        name=name,
        owner=f"{owner.__module__}.{owner.__qualname__}",
        place=places.ofFunction(member),
        least=len([argument for argument in least if argument not in named]),
        most=None if anyNumber else max(0, len(positional) - taken),
        required=only - {*(member.__kwdefaults__ or ()), *named},
        keywords=None if anyName else byName,
        decorators=decorators,
    )


def _isTransparent(member: Any) -> bool:
    if isinstance(member, _Function):
        # What a decorator returns says that it is where the function was.
        maker = str(member.__globals__.get("__name__"))
    else:
        maker = type(member).__module__
    return maker.startswith(_TRANSPARENT) and hasattr(member, "__wrapped__")


def _value(member: Any) -> Any:
    if isinstance(member, property):
        return Computed(settable=member.fset is not None)
    if isinstance(member, functools.cached_property):
        return Computed(settable=False)
    if isinstance(member, (staticmethod, classmethod)):
        member = member.__func__
    if isinstance(member, (type, _Function)):
        name = canonical(member)
        return UNKNOWN if name is None else Reference(name)
    return _constant(member, _DEPTH)


def _constant(value: Any, depth: int) -> Any:
    """
    @return: a value that could be written out, or C{UNKNOWN}.
    """
    kind = type(value)
    if kind in _CONSTANTS:
        return value
    if kind in (list, tuple, set, frozenset) and depth and len(value) <= _ITEMS:
        items = [_constant(item, depth - 1) for item in value]
        return UNKNOWN if UNKNOWN in items else kind(items)
    if kind is dict:
        items = _constant([*value.items()], depth)
        return UNKNOWN if items is UNKNOWN else dict(items)
    return UNKNOWN


def _made(cls: type) -> Made:
    return Made.ATTRS if "__attrs_attrs__" in vars(cls) else Made.DATACLASS


def _slots(names: Any) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names)
    return tuple(name for name in found if name not in ("__dict__", "__weakref__"))


def _isFrozen(cls: type) -> bool:
    owner, setter = _members(cls)["__setattr__"]
    parameters = vars(owner).get("__dataclass_params__")
    if parameters is not None:
        return bool(parameters.frozen)
    if str(getattr(setter, "__module__", "")).partition(".")[0] != "attr":
        return False
    # attrs says it in no way that all its versions share, so it is tried.
    try:
        setter(None, "no field", None)
    except attrs.exceptions.FrozenInstanceError:
        return True
    except Exception:
        return False
    return False


def livingTag(cls: type) -> str | None:
    """
    @return: see L{ClassModel.tag}.
    """
    if not issubclass(cls, flavors.Copyable):
        return None
    members = _members(cls)
    if not all(
        isFramework(members[name][0].__module__)
        for name in ("getTypeToCopyFor", "jellyFor")
    ):
        return None
    tells = members["getTypeToCopy"][1]
    if tells is Copyable.__dict__["getTypeToCopy"]:
        try:
            return tagOf(cls).decode("utf-8")
        except AttributeError:  # it says something that is no text
            return None
    if tells is flavors.Copyable.__dict__["getTypeToCopy"]:
        return qual(cls)
    return None


def _fields(
    cls: type, bodies: list[type], places: Places
) -> tuple[tuple[Field, ...], bool]:
    """
    @return: the fields of a class, and whether it declares any.
    """
    try:
        says = fieldsOf(cls)
    except BadDeclaration:
        return (), False
    found: dict[str, Field] = {}
    missing = False
    for base in reversed(bodies):
        for name, annotation, default in declaredBy(base):
            if name in SETTINGS:
                continue
            try:
                kind = evaluated(annotation, base, inside=True)
            except Exception:
                kind, missing = UNKNOWN, True
            found[name] = Field(
                name=name,
                annotation=_text(annotation),
                local=name in says.local or name.startswith("_"),
                hasDefault=default is not None or _hasValue(cls, name),
                place=places.ofField(base, name),
                type=kind,
            )
    if missing:
        forgetFields(cls)  # what is not there yet may say that they are local
    names = dict.fromkeys(says.names) if says.declared else found
    local = [name for name, field in found.items() if field.local]
    for base in bodies:  # not those of the framework's own
        local += vars(base).get("localFields") or ()
    return tuple(
        found.get(name)
        or Field(
            name,
            local=name in says.local,
            hasDefault=_hasValue(cls, name),
            place=places.ofClass(cls),
        )
        for name in dict.fromkeys([*names, *local])
    ), says.declared


def _text(annotation: Any) -> str:
    if annotation is None:  # attrs, of a field without one
        return ""
    annotation = getattr(annotation, "__forward_arg__", annotation)
    return annotation if isinstance(annotation, str) else shown(annotation)


def _hasValue(cls: type, name: str) -> bool:
    found = _members(cls).get(name)
    return found is not None and not isinstance(found[1], types.MemberDescriptorType)
