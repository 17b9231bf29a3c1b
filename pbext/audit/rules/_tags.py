"""
Tags that are meant for a class, and are not what its sender says.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePath

import attrs

from pbext.audit._model import ClassModel, Program, Registered
from pbext.audit.rules._said import sourceOf
from pbext.audit.rules._scripts import MAIN

__all__ = ["Near", "isLocal", "isNested", "misnamed", "ownTag", "saysTag"]

#: What decides about the tag, in a class of the program's.
_HOOKS = ("getTypeToCopy", "getTypeToCopyFor", "jellyFor")


@attrs.frozen(eq=False)
class Near:
    """
    A registration that all but fits a class.

    @ivar entry: the registration.
    @ivar sender: the class, for which there is no other.
    @ivar sure: whether it cannot be for another program's class of this name.
    """

    entry: Registered
    sender: ClassModel
    sure: bool


def ownTag(cls: ClassModel) -> str:
    """
    @return: the tag that Twisted makes of a class.
    """
    module = cls.source.module if cls.source is not None else cls.module
    # Its qual() knows nothing of what a class stands in.
    return f"{module}.{cls.qualname.rpartition('.')[2]}"


def saysTag(cls: ClassModel) -> bool:
    """
    @return: whether a class chooses its tag, or somebody above it may have.
    """
    if not cls.complete or any(h in cls.methods or h in cls.values for h in _HOOKS):
        return True
    return cls.ours and cls.values.get("typeToCopy") is not None


def isLocal(cls: ClassModel) -> bool:
    """
    @return: whether a class stands in a function.
    """
    return "<locals>" in cls.qualname


def isNested(cls: ClassModel) -> bool:
    """
    @return: whether a class stands in another one.
    """
    return "." in cls.qualname and not isLocal(cls)


def misnamed(program: Program) -> Iterator[Near]:
    """
    @return: the registrations for a tag that nobody sends, each with the one
        class that it must be meant for, since that is called so and is
        registered in no other way.
    """
    alone: dict[str, list[ClassModel]] = {}
    sent: set[str] = set()
    for cls in program:
        if cls.sends:
            sent.add(cls.tag or "")
            if not saysTag(cls) and not program.receivers(cls):
                alone.setdefault(ownTag(cls).rpartition(".")[2], []).append(cls)
    for entry in program.registrations:
        if entry.tag is None or entry.tag in sent or entry.sender is not None:
            continue
        if entry.kind not in ("class", "factory"):
            continue
        module, _, last = entry.tag.rpartition(".")
        found = alone.get(last, [])
        if module == MAIN or len(found) != 1:
            continue
        sure = _isNear(module, found[0])
        if _isElsewhere(entry.tag, found[0]):
            continue
        if sure or _sees(program, entry, found[0]):
            yield Near(entry, found[0], sure)


def _isNear(module: str, cls: ClassModel) -> bool:
    """
    Whether a module can be no other than that of a class: called as another
    directory would import it, or as it is passed on by its package, or with
    what the class stands in.
    """
    name, _, _ = ownTag(cls).rpartition(".")
    inside, _, _ = cls.name.rpartition(".")
    return (
        module == inside
        or not module
        or module.endswith(f".{name}")
        or name.endswith(f".{module}")
        or name.startswith(f"{module}.")
    )


def _sees(program: Program, entry: Registered, cls: ClassModel) -> bool:
    """
    Whether a registration is made where a class is defined, or imported.
    """
    source = sourceOf(program, entry.place.path)
    if source is None:
        return entry.module == cls.module
    if source is cls.source:
        return True
    names = [
        alias.asname or alias.name
        for node in source.of(ast.ImportFrom)
        for alias in node.names
    ]
    return any(source.resolve(ast.Name(name, ast.Load())) == cls.name for name in names)


def _isElsewhere(tag: str, cls: ClassModel) -> bool:
    """
    Whether the tag is right if the file is found from a directory further up, of
    which nothing says that it is a package.
    """
    if cls.source is None:
        return False
    parts = PurePath(cls.source.path).with_suffix("").parts
    module, _, last = tag.rpartition(".")
    wanted = tuple(module.split("."))
    longer = len(wanted) > cls.source.module.count(".") + 1
    return longer and parts[-len(wanted) :] == wanted and cls.qualname == last
