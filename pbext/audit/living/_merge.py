"""
A program as it is written and as it lives, in one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import attrs

from pbext.audit._findings import Place
from pbext.audit._model import UNKNOWN, ClassModel, Field, Method, Program, Registered

__all__ = ["merged"]


def merged(static: Program, live: Program) -> Program:
    """
    @param static: what its sources say.
    @param live: what there is of it in this process.
    @return: both: what lives is right, and the sources have the places.
    """
    classes = dict(static.classes)
    byPlace = {_inFile(cls.place, cls.qualname): cls for cls in classes.values()}
    for model in live.classes.values():
        written = byPlace.get(_inFile(model.place, model.qualname))
        if written is None and not model.place.path:
            written = classes.get(model.name)
        if written is not None:
            model = _class(written, model)
        elif model.name in classes:  # one of a module of the same name
            model = attrs.evolve(model, module=f"{model.module}@{model.place.path}")
        classes[model.name] = model
    return attrs.evolve(
        static,
        classes=classes,
        registrations=_registrations(static.registrations, live.registrations),
        widened=live.widened,
    )


def _inFile(place: Place, qualname: str) -> tuple[str, str]:
    # A file may be named in several ways.
    return os.path.abspath(place.path), qualname


def _class(written: ClassModel, live: ClassModel) -> ClassModel:
    if not live.complete:  # it did not let itself be read
        return attrs.evolve(written, live=live.live)
    methods = {
        name: _method(written.methods.get(name), method)
        for name, method in live.methods.items()
    }
    # What a decorator has made something else of that is called.
    for name in written.methods.keys() & live.values.keys():
        methods[name] = written.methods[name]
    values = {
        name: value for name, value in written.values.items() if name not in methods
    }
    for name, value in live.values.items():
        if name not in methods and (value is not UNKNOWN or name not in values):
            values[name] = value
    return attrs.evolve(
        live,
        module=written.module,
        place=written.place,
        methods=methods,
        values=values,
        fields=_fields(written.fields, live.fields),
        tag=written.tag if live.tag is None else live.tag,
        assigned=written.assigned,
        node=written.node,
        source=written.source,
    )


def _method(written: Method | None, live: Method) -> Method:
    if written is None or written.owner != live.owner:
        return live
    return attrs.evolve(
        written,
        least=live.least,
        most=live.most,
        required=live.required,
        keywords=live.keywords,
    )


def _fields(written: Sequence[Field], live: Sequence[Field]) -> tuple[Field, ...]:
    found = {field.name: field for field in written}
    return tuple(
        field
        if field.name not in found
        else attrs.evolve(
            field,
            annotation=found[field.name].annotation or field.annotation,
            place=found[field.name].place,
        )
        for field in live
    )


def _registrations(
    written: Sequence[Registered], live: Sequence[Registered]
) -> list[Registered]:
    """
    What was registered, in that order; then what was not, because the function that
    does it was not called, say.
    """
    found: list[Registered] = []
    met: set[int] = set()
    for entry in live:
        same = sorted(
            (other for other in written if _isSame(other, entry)),
            key=lambda other: (not _isAt(other, entry), other.tag is None),
        )
        if same:
            met.update(
                id(other) for other in same if other is same[0] or other.tag is None
            )
            entry = attrs.evolve(
                entry,
                sender=entry.sender
                or (same[0].sender if same[0].kind == entry.kind else None),
                target=entry.target or same[0].target,
                place=same[0].place,
            )
        found.append(entry)
    return found + [entry for entry in written if id(entry) not in met]


def _isSame(written: Registered, live: Registered) -> bool:
    """
    Whether this is what the sources say there.
    """
    if _isAt(written, live):
        if live.sender is not None and written.sender == live.sender:
            return True  # its tag may be another than it seems
        return all(
            said is None or known is None or said == known
            for said, known in (
                (written.tag, live.tag),
                (written.target, live.target),
            )
        )
    # Of what was put into a table by hand, nobody knows where; and older Pythons
    # give a decorator the line of the class.
    return (
        (written.tag, written.target) == (live.tag, live.target)
        and live.target is not None
        and (not live.place.path or _path(written) == _path(live))
    )


def _isAt(written: Registered, live: Registered) -> bool:
    return _path(written) == _path(live) and (
        written.place.line <= live.place.line <= written.place.endLine
    )


def _path(entry: Registered) -> str:
    return os.path.abspath(entry.place.path)
