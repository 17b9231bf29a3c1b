"""
What a class declares about the state of its instances.

A class declares its fields as a dataclass, with attrs, by annotations, or by
naming them in C{copyFields}, which wins over the others.  A class that
declares none has, as its state, its public attributes.  Whatever it
declares, names that begin with an underscore and names in C{localFields} or
annotated L{LocalOnly} stay where they are.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import (
    Annotated,
    Any,
    ClassVar,
    ForwardRef,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from twisted.python.reflect import qual

from pbext._perclass import PerClass, forget
from pbext.errors import BadDeclaration

if sys.version_info >= (3, 14):
    from annotationlib import Format, get_annotations

    def ownAnnotations(cls: type) -> Mapping[str, Any]:
        return get_annotations(cls, format=Format.FORWARDREF)
else:
    from inspect import get_annotations as ownAnnotations

if sys.version_info >= (3, 11):

    def _withNames(annotation: Any) -> Any:
        return annotation
else:

    def _withNames(annotation: Any) -> Any:
        """
        Where C{get_type_hints} takes no notice of C{list["Pond"]}.
        """
        args = tuple(map(_withNames, getattr(annotation, "__args__", ())))
        if isinstance(annotation, types.GenericAlias):
            named = tuple(ForwardRef(a) if isinstance(a, str) else a for a in args)
            return types.GenericAlias(annotation.__origin__, named)
        if isinstance(annotation, types.UnionType):
            return functools.reduce(operator.or_, args)
        if args and hasattr(annotation, "copy_with"):
            return annotation.copy_with(args)
        return annotation


__all__ = [
    "CALLED",
    "DISPATCHED",
    "SETTINGS",
    "Fields",
    "LocalOnly",
    "choiceOf",
    "classAttribute",
    "declaredBy",
    "evaluated",
    "fieldsOf",
    "forgetFields",
    "isFramework",
    "isGenerated",
    "mayHold",
    "ownAnnotations",
]


class _LocalOnly:
    def __repr__(self) -> str:
        return "LocalOnly"


_T = TypeVar("_T")

#: The annotation of a field that never travels: C{password: LocalOnly[str]}.
LocalOnly = Annotated[_T, _LocalOnly()]

#: Where the framework's own names live, as against the user's.
_FRAMEWORK = ("pbext", "twisted", "zope")

#: What a class says to us about its instances, however it is annotated.
SETTINGS = frozenset(
    {
        "acknowledged",
        "copyChecked",
        "copyConstruct",
        "copyFields",
        "copyNewer",
        "copyUnknown",
        "copyVersion",
        "localFields",
        "typeToCopy",
        "whenLagging",
    }
)

#: What jelly looks for on whatever has arrived, and calls.
CALLED = "postUnjelly"

#: Names that PB looks up, and calls, on an object that takes calls from afar.
DISPATCHED = ("remote_", "perspective_", "view_", "observe_")
_DISPATCHERS = ("remoteMessageReceived", "perspectiveMessageReceived")

#: C{from __future__ import annotations} leaves only this to go by when the
#: annotation names something that cannot be evaluated at run time.
_LOCAL_TEXT = re.compile(r"\bLocalOnly\b")
_NO_FIELD_TEXT = re.compile(r"(\w+\.)*(ClassVar|InitVar|KW_ONLY)\b")


@attrs.frozen
class Fields:
    """
    What one class declares.

    @ivar declared: whether it declares anything; if not, C{names} is empty.
    @ivar names: the fields that travel, in the order of their declaration.
    @ivar local: the names that never do.
    @ivar shared: those that have a value in the class which its instances
        share: they travel if the object has one of its own.
    @ivar accepted: those of C{names} that a peer may set: not those that are
        properties without a setter.
    @ivar slots: the slots that travel if the class declares nothing.
    @ivar defaults: for the fields, local ones too, that have one: a function
        from the object to the value.
    @ivar loose: whether the declaration is by annotations alone, which a
        program may have written for another purpose.
    @ivar dispatches: whether instances take calls from afar.
    """

    declared: bool
    names: tuple[str, ...]
    local: frozenset[str]
    shared: frozenset[str]
    accepted: frozenset[str]
    slots: tuple[str, ...]
    defaults: Mapping[str, Callable[[object], object]]
    loose: bool
    dispatches: bool


def fieldsOf(cls: type) -> Fields:
    """
    @return: what C{cls} declares, its bases included.
    """
    return _known.of(cls)


def forgetFields(cls: type) -> None:
    """
    Read again what C{cls} declares when it is asked for next, and what follows
    from that.
    """
    forget(cls)


def _readFields(cls: type) -> Fields:
    names: dict[str, None] = {}
    local: set[str] = set()
    shared: set[str] = set()
    defaults: dict[str, Callable[[object], object]] = {}
    loose = True
    for base in reversed(cls.__mro__):
        # Added up, not overridden: a subclass that names one more local
        # field must not send its parent's password.
        local.update(_asNames(cls, "localFields", base.__dict__.get("localFields")))
        if isFramework(base):
            continue
        for name, annotation, default in declaredBy(base):
            if name in SETTINGS:
                continue
            names[name] = None
            # An unhashable value in a class is shared by its instances, a
            # list of them all, say.  Dataclasses refuse it as a default
            # (C{dataclasses._get_field}); here it declares nothing by itself.
            if type(base.__dict__.get(name)).__hash__ is None:
                shared.add(name)
            if _isLocal(annotation, base):
                local.add(name)
            if default is not None:
                defaults[name] = default
        loose = loose and not isGenerated(base)
    explicit = getattr(cls, "copyFields", None)
    if explicit is not None:
        names = dict.fromkeys(_asNames(cls, "copyFields", explicit))
        private = [name for name in names if name.startswith("_")]
        if private:
            raise BadDeclaration(
                className=qual(cls),
                attribute="copyFields",
                why=f"names {', '.join(private)}: private names do not travel; "
                f"give it a public name, by a property for example",
            )
        loose = False
    declared = bool(names.keys() - shared) or explicit is not None
    if not declared:
        names = {}
    travelling = [n for n in names if n not in local and not n.startswith("_")]
    return Fields(
        declared=declared,
        names=tuple(travelling),
        local=frozenset(local),
        shared=frozenset(shared),
        accepted=frozenset(n for n in travelling if n != CALLED and _maySet(cls, n)),
        slots=tuple(n for n in _slotsOf(cls) if n not in local and n[0] != "_"),
        defaults={n: default for n, default in defaults.items() if mayHold(cls, n)},
        loose=declared and loose,
        dispatches=any(classAttribute(cls, n) for n in _DISPATCHERS),
    )


_known = PerClass(_readFields)


def _asNames(cls: type, attribute: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        names = tuple(value)
        if all(isinstance(name, str) for name in names):
            return names
    raise BadDeclaration(
        className=qual(cls), attribute=attribute, why="has to be a sequence of str"
    )


def choiceOf(cls: type, attribute: str, choices: tuple[str, ...]) -> str:
    """
    @return: what a class says in an attribute; the first of C{choices} if it
        says nothing.
    @raise BadDeclaration: if it is none of them.
    """
    choice: str = getattr(cls, attribute, choices[0])
    if choice not in choices:
        raise BadDeclaration(
            className=qual(cls),
            attribute=attribute,
            why=f"has to be one of {', '.join(choices)}",
        )
    return choice


def isFramework(cls: type) -> bool:
    """
    Whether a class is Twisted's or pbext's own, or C{object}.
    """
    if cls is object:
        return True
    module = cls.__module__
    # Plugins are the user's, though they stand in a package of Twisted's.
    return module.partition(".")[0] in _FRAMEWORK and not module.startswith(
        "twisted.plugins."
    )


def isGenerated(cls: type) -> bool:
    """
    Whether a class itself is a dataclass or an attrs class.
    """
    return "__dataclass_fields__" in cls.__dict__ or "__attrs_attrs__" in cls.__dict__


def declaredBy(
    cls: type,
) -> Iterator[tuple[str, object, Callable[[object], object] | None]]:
    """
    The fields that C{cls} itself adds: name, annotation, default.
    """
    if "__attrs_attrs__" in cls.__dict__:
        for attribute in attrs.fields(cls):
            yield attribute.name, attribute.type, _attrsDefault(attribute.default)
    elif "__dataclass_fields__" in cls.__dict__:
        for field in dataclasses.fields(cls):
            yield field.name, field.type, _dataclassDefault(field)
    else:
        for name, annotation in ownAnnotations(cls).items():
            if not _isNoField(annotation):
                yield name, annotation, None


def _attrsDefault(default: Any) -> Callable[[object], object] | None:
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types its class as a function
        if default.takes_self:
            return lambda instance: default.factory(instance)
        return lambda instance: default.factory()
    return lambda instance: default


def _dataclassDefault(
    field: dataclasses.Field[Any],
) -> Callable[[object], object] | None:
    if field.default is not dataclasses.MISSING:
        return lambda instance: field.default
    if field.default_factory is not dataclasses.MISSING:
        factory = field.default_factory
        return lambda instance: factory()
    return None


def _isNoField(annotation: object) -> bool:
    if isinstance(annotation, ForwardRef):  # so Python 3.14 says "not yet"
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _NO_FIELD_TEXT.match(annotation) is not None
    return (
        annotation is ClassVar
        or get_origin(annotation) is ClassVar
        or isinstance(annotation, dataclasses.InitVar)
    )


def _isLocal(annotation: object, cls: type) -> bool:
    try:
        return _isMarked(evaluated(annotation, cls))
    except Exception:
        return _LOCAL_TEXT.search(str(annotation)) is not None


def evaluated(annotation: Any, cls: type, inside: bool = False) -> Any:
    """
    @param inside: whether names in quotes inside it are evaluated too.
    @return: an annotation that stands in the body of C{cls}, evaluated.
    @raise Exception: if it names what is not there when the program runs.
    """
    module = sys.modules.get(cls.__module__)
    # The class itself may not be in its module yet.
    outer, inner = vars(module) if module else {}, {cls.__name__: cls, **vars(cls)}
    if isinstance(annotation, ForwardRef):  # so Python 3.14 says "not yet"
        annotation = annotation.__forward_arg__
    while isinstance(annotation, str):  # twice, if it is in quotes
        annotation = eval(annotation, outer, inner)  # noqa: S307  # the class's own annotation, as typing.get_type_hints evaluates it
    if inside:
        hints = {"it": _withNames(annotation)}
        holder = types.SimpleNamespace(__annotations__=hints)
        annotation = get_type_hints(holder, outer, inner, include_extras=True)["it"]
    return annotation


def _isMarked(annotation: object) -> bool:
    """
    Whether L{LocalOnly} stands anywhere in an annotation: if any part of a
    value is to stay here, all of it has to.
    """
    if isinstance(annotation, ForwardRef):
        return _LOCAL_TEXT.search(annotation.__forward_arg__) is not None
    if any(isinstance(m, _LocalOnly) for m in getattr(annotation, "__metadata__", ())):
        return True
    alias = getattr(annotation, "__value__", None)  # of Python 3.12's "type" statement
    return any(_isMarked(part) for part in (alias, *get_args(annotation)) if part)


def classAttribute(cls: type, name: str) -> tuple[type, object] | None:
    """
    Look a name up on a class, running nothing.

    @return: the class in whose body it stands, and what stands there.
    """
    for base in cls.__mro__:
        if name in base.__dict__:
            return base, base.__dict__[name]
    return None


def mayHold(cls: type, name: str) -> bool:
    """
    Whether an instance may be given a value of this name: it would hide
    neither a method nor a property nor anything of the framework's.  A
    plain value in a class is a default, and a slot is a place to put it.
    """
    found = classAttribute(cls, name)
    if found is None:
        return True
    owner, attribute = found
    if isinstance(attribute, types.MemberDescriptorType):
        return True
    return not (
        isFramework(owner) or callable(attribute) or hasattr(attribute, "__get__")
    )


def _maySet(cls: type, name: str) -> bool:
    """
    Whether an instance may be given a value for a field that it declares: as
    L{mayHold}, or by the property of this name, if it has a setter.
    """
    found = classAttribute(cls, name)
    if found is not None and isinstance(found[1], property):
        return found[1].fset is not None and not isFramework(found[0])
    return mayHold(cls, name)


def _slotsOf(cls: type) -> Iterator[str]:
    for base in reversed(cls.__mro__):
        for name, attribute in base.__dict__.items():
            if isinstance(attribute, types.MemberDescriptorType):
                yield name
