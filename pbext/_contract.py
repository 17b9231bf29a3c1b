"""
The contract of a class that receives: of which kind each of its fields is, and
how an object is made of values that have been checked.

Constructors that dataclasses and attrs have generated run, with their
defaults, converters, validators and C{__post_init__}.  One that is written by
hand runs if the class says C{copyConstruct = True}; else the object is made
blank, as in stock PB, since to run a class's code on a stranger's data is a
power that registering the class does not give.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from typing import Any, NoReturn

import attrs

from twisted.logger import Logger
from twisted.python.reflect import qual

from pbext._annotations import kindOf
from pbext._fields import (
    Fields,
    choiceOf,
    evaluated,
    fieldsOf,
    forgetFields,
    isGenerated,
    ownAnnotations,
)
from pbext._kinds import Kind, Mismatch, anything
from pbext._perclass import PerClass
from pbext._versions import versionOf
from pbext.errors import BadDeclaration, NotSendable, RefusedField, RefusedObject

__all__ = ["Contract", "checkContract", "contractOf", "hintsOf"]

_log = Logger(namespace="pbext")

#: What a class may say of the fields that it does not know; first the default.
_UNKNOWN = ("ignore", "forbid")


@attrs.frozen(eq=False)
class Contract:
    """
    @ivar className: the class: not itself, which is to end when its program
        drops it.
    @ivar fields: what it declares.
    @ivar kinds: by the name of a field: what may stand in it.
    @ivar sends: of the fields: the name, whether its value has another form
        when it travels, and whether it travels only if the object has a value
        of its own.
    @ivar reads: by the name of a field that a peer may set: what makes of what
        has arrived what is meant, and of which types it makes nothing else
        (L{Kind}).
    @ivar required: the fields that have no default.
    @ivar forbids: whether fields that it does not know are refused.
    @ivar version: of the states that it sends and reads, or C{None}.
    @ivar arguments: of the constructor, by the name of the field: the name of
        the parameter; C{None} if no constructor runs.
    @ivar direct: whether it takes all of the fields, under their names.
    """

    className: str
    fields: Fields
    kinds: Mapping[str, Kind]
    sends: tuple[tuple[str, bool, bool], ...]
    reads: Mapping[str, tuple[Callable[[Any], Any], frozenset[type]]]
    required: frozenset[str]
    forbids: bool
    version: int | None
    arguments: Mapping[str, str] | None
    direct: bool

    def write(self, name: str, value: Any) -> Any:
        """
        @return: what travels for the value of a field.
        @raise NotSendable: if it is not what the class declares, and so has
            no form to travel in.
        """
        kind = self.kinds[name]
        try:
            return kind.writes(value)
        except Exception:
            raise NotSendable(
                path=f"$.{name}",
                got=qual(type(value)),
                fix=f"{self.className} declares {kind.shown}",
            ) from None

    def refusal(self, name: str, error: Mismatch) -> RefusedField:
        """
        @return: that what has arrived for a field is not of its kind.
        """
        return RefusedField(
            className=self.className,
            path=f"$.{name}{error.path}",
            expected=error.expected,
            got=error.got,
        )

    def refuseUnknown(self, name: object) -> None:
        """
        @raise RefusedField: if the class forbids what it does not know.
        """
        if self.forbids:
            shown = name if isinstance(name, str) and name.isidentifier() else "..."
            raise RefusedField(
                className=self.className,
                path=f"$.{shown}",
                expected="no such field",
                got="one",
            )

    def make(self, instance: Any, values: Mapping[str, Any]) -> None:
        """
        Make a blank object the one that has arrived.

        @param values: what stands in its fields.
        @raise RefusedField: if one without a default is missing.
        @raise RefusedObject: if its constructor, or a property of its, does not
            take them.
        """
        if len(values) < len(self.reads) and not self.required <= values.keys():
            self._refuseMissing(values)
        arguments = self.arguments
        try:
            if self.direct:
                instance.__init__(**values)
                return
            if arguments is not None:
                taken = [name for name in values if name in arguments]
                instance.__init__(**{arguments[n]: values[n] for n in taken})
                values = {n: v for n, v in values.items() if n not in arguments}
            for name, value in values.items():
                object.__setattr__(instance, name, value)  # by a property's setter
            if arguments is None:
                self._fillDefaults(instance)
        except Exception as error:
            # Its text may hold a value.
            raise RefusedObject(
                className=self.className, errorType=qual(type(error))
            ) from None

    def _refuseMissing(self, values: Mapping[str, Any]) -> NoReturn:
        name = next(n for n in self.fields.names if n in self.required - values.keys())
        raise RefusedField(
            className=self.className,
            path=f"$.{name}",
            expected=self.kinds[name].shown,
            got="nothing",
        )

    def _fillDefaults(self, instance: object) -> None:
        for name, default in self.fields.defaults.items():
            try:
                object.__getattribute__(instance, name)
            except AttributeError:
                object.__setattr__(instance, name, default(instance))


def contractOf(cls: type) -> Contract | None:
    """
    @return: the contract of C{cls}, or C{None} if it declares no fields.
    @raise BadDeclaration: if what it says of them makes no sense.
    """
    return _known.of(cls)


def _readAsItIs(cls: type) -> Contract | None:
    contract, missing = _read(cls, fieldsOf(cls))
    for name in missing:
        _log.warn(
            "{cls}.{name}: its annotation cannot be evaluated where the program "
            "runs, so what arrives for it is not checked",
            cls=qual(cls),
            name=name,
        )
    return contract


_known = PerClass(_readAsItIs)


def checkContract(cls: type) -> None:
    """
    See whether the contract of a class makes sense, when the classes that its
    annotations name may be yet to be defined.

    @raise BadDeclaration: if it does not.
    """
    if cls not in _known:
        contract, missing = _read(cls, fieldsOf(cls))
        if missing:
            forgetFields(cls)  # what is missing may say that they are local
        else:
            _known.keep(cls, contract)


def _read(cls: type, fields: Fields) -> tuple[Contract | None, list[str]]:
    """
    @return: the contract, and the fields whose annotations name what is not
        there.
    """
    version = versionOf(cls)
    if not fields.declared:
        return None, []
    unknown = choiceOf(cls, "copyUnknown", _UNKNOWN)
    checked = getattr(cls, "copyChecked", True)
    hints, missing = hintsOf(cls, fields) if checked else ({}, [])
    kinds = {
        name: _kindOf(cls, name, hints[name]) if name in hints else anything()
        for name in fields.names
    }
    arguments = _arguments(cls, fields) if checked else None
    accepted = [name for name in fields.names if name in fields.accepted]
    contract = Contract(
        className=qual(cls),
        fields=fields,
        kinds=kinds,
        sends=tuple(
            (name, kinds[name].write is not None, name in fields.shared)
            for name in fields.names
        ),
        reads={name: (kinds[name].read, kinds[name].exact) for name in accepted},
        required=frozenset(_required(cls, fields, arguments) if checked else ()),
        forbids=unknown == "forbid",
        version=version,
        arguments=arguments,
        direct=arguments == {name: name for name in accepted},
    )
    return contract, missing


def _kindOf(cls: type, name: str, annotation: Any) -> Kind:
    try:
        return kindOf(annotation)
    except TypeError as error:
        raise BadDeclaration(
            className=qual(cls),
            attribute=name,
            why=f"is annotated with what cannot be checked: {error}",
        ) from None


def hintsOf(cls: type, fields: Fields) -> tuple[dict[str, Any], list[str]]:
    """
    @return: the annotations of the fields, evaluated; and the fields whose
        annotations cannot be.
    """
    hints: dict[str, Any] = {}
    missing: list[str] = []
    declared: dict[str, Any] = {}
    if attrs.has(cls):
        declared = {a.name: a.type for a in attrs.fields(cls) if a.type is not None}
    spaces: dict[str, type] = {}
    for base in reversed(cls.__mro__):
        for name, annotation in ownAnnotations(base).items():
            declared[name] = annotation
            spaces[name] = base
    for name in fields.names:
        if name not in declared:
            continue
        try:
            hints[name] = evaluated(declared[name], spaces.get(name, cls), inside=True)
        except Exception:
            missing.append(name)
    return hints, missing


def _required(
    cls: Any, fields: Fields, arguments: Mapping[str, str] | None
) -> Iterator[str]:
    if arguments is not None:
        # A field that the constructor does not take it may well set itself.
        parameters = signature(cls.__init__).parameters
        for name, alias in arguments.items():
            if parameters[alias].default is Parameter.empty:
                yield name
    elif not fields.loose:
        for name in fields.accepted:
            if not _hasDefault(cls, fields, name):
                yield name


def _hasDefault(cls: type, fields: Fields, name: str) -> bool:
    if name in fields.defaults:
        return True
    value = getattr(cls, name, NotImplemented)
    return not (
        value is NotImplemented or isinstance(value, types.MemberDescriptorType)
    )


def _isConstructorGenerated(cls: Any) -> bool:
    """
    Whether a class has the constructor that dataclasses or attrs have made for
    it or one of its bases.  Neither replaces one that is written there.
    """
    owner = next(base for base in cls.__mro__ if "__init__" in base.__dict__)
    code = getattr(cls.__init__, "__code__", None)
    # What they make is in no file, but says by whom it is made.
    return (
        isGenerated(owner)
        and code is not None
        and code.co_filename.startswith(("<string>", "<attrs generated"))
    )


def _arguments(cls: Any, fields: Fields) -> Mapping[str, str] | None:
    """
    @return: the fields that the constructor takes, if it is one to call.
    @raise BadDeclaration: if the class says that it is, and it asks for more
        than what travels.
    """
    wanted = bool(getattr(cls, "copyConstruct", False))
    generated = _isConstructorGenerated(cls)
    if not (generated or wanted):
        return None
    aliases = {a.name: a.alias for a in attrs.fields(cls)} if attrs.has(cls) else {}
    parameters = dict(list(signature(cls.__init__).parameters.items())[1:])
    if generated and any(
        n in parameters and n not in fields.accepted for n in fields.names
    ):
        return None  # a property stands where it would set a field
    named = {n for n, p in parameters.items() if p.kind is not p.POSITIONAL_ONLY}
    taken = {n: aliases.get(n, n) for n in fields.names if n in fields.accepted}
    arguments = {n: alias for n, alias in taken.items() if alias in named}
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        and name not in arguments.values()
    ]
    if not missing:
        return arguments
    if wanted:
        raise BadDeclaration(
            className=qual(cls),
            attribute="copyConstruct",
            why=f"asks for a constructor that needs {', '.join(missing)}, which does "
            f"not travel: give it a default",
        )
    return None
