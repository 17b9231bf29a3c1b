"""
A program, as it lives in this process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from twisted.spread import banana, flavors, jelly, pb

from pbext._registry import Registration, Registry, defaultRegistry
from pbext.audit._findings import NOWHERE, Place
from pbext.audit._model import ClassModel, Program, Registered
from pbext.audit.living._living import canonical, livingModel, livingTag
from pbext.audit.living._places import Places
from pbext.audit.living._widened import widened
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._sources import shownPath

__all__ = ["classesOf", "isWithin", "liveProgram", "placeOf"]

#: Where Perspective Broker's own classes are.
_PB = (jelly, banana, flavors, pb)

#: Packages whose classes are nobody's program, unless it is they that are audited.
_FOREIGN = frozenset({"attr", "attrs", "builtins", "pbext", "twisted", "zope"}) | (
    sys.stdlib_module_names - {"__main__"}
)


def liveProgram(registry: Registry, modules: Collection[str] | None = None) -> Program:
    """
    @param registry: what may arrive.
    @param modules: names of modules and packages; by default the modules of the
        classes that are registered.
    @return: the classes that are registered, those that are sent under their tags,
        and all of PB's in these modules.
    """
    entries = [*registry]
    targets = [entry.target for entry in entries if isinstance(entry.target, type)]
    if modules is None:
        exactly = {cls.__module__ for cls in targets}
        classes = classesOf(targets, {e.tag for e in entries}, exactly.__contains__)
    else:
        chosen = frozenset(modules)
        classes = classesOf(
            targets, {e.tag for e in entries}, lambda name: isWithin(name, chosen)
        )
    shared = registry is defaultRegistry
    return Program(
        classes=classes,
        registrations=[_registered(e, shared, modules) for e in entries],
        widened=widened(),
    )


def isWithin(module: str, names: Collection[str]) -> bool:
    """
    @return: whether a module is one of some modules and packages, or in one.
    """
    parts = module.split(".")
    return any(".".join(parts[: n + 1]) in names for n in range(len(parts)))


def classesOf(
    chosen: Iterable[type], tags: Collection[str], isAudited: Callable[[str], bool]
) -> dict[str, ClassModel]:
    """
    @param chosen: classes.
    @param tags: tags that may arrive.
    @param isAudited: whether a module of this name is audited.
    @return: by name, what there is to know of these classes, of those of PB's in
        the modules that are audited, and of those that are sent under these tags.
    """

    def own(cls: type) -> bool:
        module = str(cls.__module__)
        if isFramework(module):
            return False
        top = module.partition(".")[0]
        # Plugins are the user's, though they stand in a package of Twisted's.
        return (
            isAudited(module)
            or top not in _FOREIGN
            or module.startswith("twisted.plugins.")
        )

    places = Places()
    found: dict[str, ClassModel] = {}

    def add(cls: type) -> None:
        model = livingModel(cls, own, places)
        found[model.name] = model

    for cls in _flavored():
        if own(cls) and not _isOutlived(cls):
            if isAudited(str(cls.__module__)) or livingTag(cls) in tags:
                add(cls)
    for cls in chosen:  # at last, for there may be several of one name
        if own(cls):
            add(cls)
    return found


def _flavored() -> Iterator[type]:
    """
    @return: the classes that derive from one of PB's, in the order in which they
        were made, as far as that is known.
    """
    waiting = [
        member
        for module in _PB
        for member in vars(module).values()
        if isinstance(member, type) and member.__module__ == module.__name__
    ]
    seen: set[int] = set()  # a metaclass may have its classes not hashed
    while waiting:
        cls = waiting.pop(0)
        if id(cls) not in seen:
            seen.add(id(cls))
            yield cls
            waiting += type.__subclasses__(cls)


def _isOutlived(cls: type) -> bool:
    """
    Whether another class has taken the place of one: of its own module, when that
    was loaded anew, or made of it, by attrs with slots, say.
    """
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return (
        found is not cls
        and isinstance(found, type)
        and (canonical(found) == canonical(cls))
    )


def _registered(
    entry: Registration, shared: bool, modules: Collection[str] | None
) -> Registered:
    return Registered(
        tag=entry.tag,
        kind=entry.kind,
        sender=canonical(entry.sender[0]) if entry.sender else None,
        target=canonical(entry.target),
        place=placeOf(entry.place),
        module=entry.module,
        shared=shared,
        alien=modules is not None and not isWithin(entry.module, modules),
    )


def placeOf(text: str) -> Place:
    """
    @param text: C{file:line}, or C{""}.
    """
    path, _, line = text.rpartition(":")
    return Place(shownPath(path), int(line)) if path else NOWHERE
