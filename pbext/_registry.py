"""
Which class a tag becomes, and who said so.

    >>> from pbext import PBServerFactory, Registry, pb
    >>> registry = Registry()
    >>> @registry.unjellyableFor("pond.Frog")
    ... class Frog(pb.RemoteCopy):
    ...     colour: str
    >>> factory = PBServerFactory(pb.Root(), registry=registry)

A factory that is given a registry accepts what is in it and nothing else,
whatever else the process registers; the same tag may be another class on
another port.  Twisted's own tables, which belong to the process, are
L{defaultRegistry}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any, TypeVar

import attrs

from twisted.python.reflect import qual
from twisted.spread import flavors, jelly

from pbext._copyable import tagOf
from pbext._receivable import checkReceivable
from pbext._references import READERS
from pbext.errors import CannotRegister
from pbext.wire._jelly import ATOMS
from pbext.wire._readers import Reader, readClass, readFactory
from pbext.wire._words import DATA

__all__ = [
    "Registration",
    "Registry",
    "defaultRegistry",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
]

_C = TypeVar("_C", bound=type)

#: What belongs to every connection, and is nobody's class.
_FAILURE = b"twisted.spread.pb.CopyableFailure"
_PBS_OWN = frozenset({b"remote", b"local", b"cached", b"lcache", _FAILURE})

#: Where a registration passes through on its way from who makes it.
_WAY = (__name__, "pbext._opaque", "pbext.receiver._load")


@attrs.frozen
class Registration:
    """
    One entry of a registry.

    @ivar tag: the tag.
    @ivar kind: C{"class"}, C{"factory"} or C{"copier"}.
    @ivar target: the class that receives, or what makes an object of a state.
    @ivar module: the module that has registered it.
    @ivar place: where: C{file:line}, or C{""} if that is not known, because it
        was registered with Twisted's own function.
    @ivar sender: of a copier: the class that is sent, and what makes its state.
    """

    tag: str
    kind: str
    target: Any
    module: str
    place: str
    sender: tuple[type, Callable[[Any], Any]] | None = None

    @property
    def version(self) -> int | None:
        """
        The version of the states that the class reads, if it has one.
        """
        version: int | None = getattr(self.target, "copyVersion", None)
        return version

    def __str__(self) -> str:
        name = getattr(self.target, "__qualname__", repr(self.target))
        where = self.place or "a place that is not known"
        return f"{self.target.__module__}.{name}, by {where}"


def _caller() -> tuple[str, str]:
    """
    @return: who registers: the module, and where in it.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") in _WAY:
        frame = frame.f_back
    if frame is None:
        return "", ""
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return str(frame.f_globals.get("__name__", "")), place


def _wire(senderOrTag: type | str | bytes) -> bytes:
    # Twisted's own reading of a class knows nothing of typeToCopy.
    if isinstance(senderOrTag, type):
        return tagOf(senderOrTag)
    return senderOrTag.encode("utf-8") if isinstance(senderOrTag, str) else senderOrTag


class Registry:
    """
    Tags, and the classes that they become.
    """

    def __init__(self) -> None:
        self._entries: dict[bytes, Registration] = {}
        self._readers: dict[bytes, Reader] = {**DATA, **READERS}
        #: By class: what sends its instances.
        self.copiers: dict[type, Registration] = {}

    @property
    def readers(self) -> Mapping[bytes, Reader] | None:
        """
        What reads each word that may arrive; C{None} for Twisted's tables,
        which are asked as Twisted asks them.
        """
        return self._readers

    def __iter__(self) -> Iterator[Registration]:
        """
        The registrations, by their tags.
        """
        return iter([entry for _, entry in sorted(self._entries.items())])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, tag: object) -> bool:
        return isinstance(tag, (str, bytes)) and self.find(tag) is not None

    def find(self, tag: str | bytes) -> Registration | None:
        """
        @return: what is registered under a tag, if anything is.
        """
        return self._entries.get(_wire(tag))

    def modelFor(self, tag: str | bytes) -> Any:
        """
        @return: the class that a tag becomes, or C{None}.
        """
        entry = self.find(tag)
        return None if entry is None else entry.target

    def setUnjellyableForClass(
        self, senderOrTag: type | str | bytes, cls: Any, *, replace: bool = False
    ) -> None:
        """
        Let instances of a class become instances of C{cls} when they arrive.

        @param senderOrTag: the class that is sent, or the tag that it is sent
            under.
        @param cls: the class that receives.
        @param replace: whether it may take the place of another one.
        @raise CannotRegister: if that class could never receive anything, if
            the tag is none, or if it is taken.
        """
        checkReceivable(cls)
        self._enter(senderOrTag, "class", cls, replace)

    def unjellyableFor(
        self, senderOrTag: type | str | bytes, *, replace: bool = False
    ) -> Callable[[_C], _C]:
        """
        L{setUnjellyableForClass} as a decorator of the class that receives.
        """

        def register(cls: _C) -> _C:
            self.setUnjellyableForClass(senderOrTag, cls, replace=replace)
            return cls

        return register

    def setUnjellyableFactoryForClass(
        self,
        senderOrTag: type | str | bytes,
        factory: Callable[[Any], Any],
        *,
        replace: bool = False,
    ) -> None:
        """
        Let what C{factory} makes of a state stand for the instances of a
        class when they arrive.

        @raise CannotRegister: as L{setUnjellyableForClass}; and for a class
            that is a Cacheable, which has to be followed.
        """
        if isinstance(senderOrTag, type) and issubclass(senderOrTag, flavors.Cacheable):
            raise CannotRegister(
                className=qual(senderOrTag),
                why="it is a Cacheable, and what a factory makes follows nothing; "
                "register a pb.RemoteCache for it",
            )
        self._enter(senderOrTag, "factory", factory, replace)

    def registerCopier(
        self,
        cls: type,
        tag: str,
        toWire: Callable[[Any], Any],
        fromWire: Callable[[Any], Any],
        *,
        replace: bool = False,
    ) -> None:
        """
        Let instances of a class that is not yours travel: as C{toWire(object)},
        something that can be sent, under a tag; what arrives under it becomes
        C{fromWire(state)}.

        @raise CannotRegister: if the tag is none, or is taken.
        """
        self._enter(tag, "copier", fromWire, replace, (cls, toWire))

    def select(
        self, modules: Collection[str] = (), tags: Collection[str] = ()
    ) -> Registry:
        """
        @param modules: names of modules that have registered something.
        @param tags: tags.
        @return: a new registry, of what those modules have registered, and of
            these tags.
        @raise KeyError: if there is nothing under one of the tags.
        @raise CannotRegister: if a class that was registered with Twisted's own
            function could never receive anything, or could do harm.
        """
        chosen = Registry()
        for tag in tags:
            if tag not in self:
                raise KeyError(tag)
        for entry in self:
            if entry.module in modules or entry.tag in tags:
                if entry.kind == "class":
                    checkReceivable(entry.target)  # stock's function has not
                chosen._store(entry)
        return chosen

    def _enter(
        self,
        senderOrTag: type | str | bytes,
        kind: str,
        target: Any,
        replace: bool,
        sender: tuple[type, Callable[[Any], Any]] | None = None,
    ) -> None:
        try:
            tag = _wire(senderOrTag)
            text = tag.decode("utf-8")
        except UnicodeError:
            raise CannotRegister(
                className=repr(senderOrTag), why="as a tag it has to be text, in UTF-8"
            ) from None
        if tag in ATOMS or tag == _FAILURE or not tag.strip():
            raise CannotRegister(
                className=repr(text),
                why="as a tag it would take the place of what is PB's own",
            )
        module, place = _caller()
        entry = Registration(text, kind, target, module, place, sender)
        before = self.find(tag)
        if before is not None and not (replace or _isSame(before, entry)):
            raise CannotRegister(
                className=repr(text),
                why=f"this tag is taken: {before}; to put {entry} in its place, say "
                f"replace=True",
            )
        self._store(entry)

    def _store(self, entry: Registration) -> None:
        tag = entry.tag.encode("utf-8")
        self._entries[tag] = entry
        read = readClass if entry.kind == "class" else readFactory
        self._readers[tag] = read(entry.target)
        self._storeSender(entry)

    def _storeSender(self, entry: Registration) -> None:
        for cls in [c for c, old in self.copiers.items() if old.tag == entry.tag]:
            del self.copiers[cls]
        if entry.sender is not None:
            self.copiers[entry.sender[0]] = entry


def _isSame(before: Registration, after: Registration) -> bool:
    """
    Whether it is the same once more: the same class, or, of a module that was
    loaded anew, the class in its place.
    """
    if before.kind != after.kind:
        return False
    if before.sender and after.sender:
        if qual(before.sender[0]) != qual(after.sender[0]):
            return False
    one, other = before.target, after.target
    name = getattr(one, "__qualname__", "<")
    return one is other or (
        "<" not in name  # of a function's, or of none
        and name == getattr(other, "__qualname__", "<")
        # Their module may be __main__ once, and the line may have moved.
        and len({one.__module__, other.__module__} - {"__main__"}) < 2
        and before.place.rpartition(":")[0] == after.place.rpartition(":")[0] != ""
    )


class _TwistedTables(Registry):
    """
    The tables of the process (C{twisted.spread.jelly.unjellyableRegistry} and
    C{unjellyableFactoryRegistry}), as they are at the time.

    @ivar said: what was registered here; the tables may have changed since.
    """

    def __init__(self) -> None:
        self.said: dict[bytes, Registration] = {}
        self.copiers = {}

    @property
    def readers(self) -> None:
        """
        See L{Registry.readers}.
        """

    def __iter__(self) -> Iterator[Registration]:
        tables: list[Any] = [
            jelly.unjellyableRegistry,
            jelly.unjellyableFactoryRegistry,
        ]
        tags = {tag for table in tables for tag in table} - _PBS_OWN
        return iter([entry for tag in sorted(tags) if (entry := self.find(tag))])

    def find(self, tag: str | bytes) -> Registration | None:
        wire: Any = _wire(tag)
        kind = "class"
        target: Any = jelly.unjellyableRegistry.get(wire)
        if target is None:
            kind, target = "factory", jelly.unjellyableFactoryRegistry.get(wire)
        if target is None or wire in _PBS_OWN:
            return None
        said = self.said.get(wire)
        if said is not None and said.target is target:
            return said
        module = str(getattr(target, "__module__", ""))
        text = wire.decode("utf-8", "replace")
        return Registration(text, kind, target, module, "")

    def _store(self, entry: Registration) -> None:
        tag: Any = entry.tag.encode("utf-8")
        jelly.unjellyableRegistry.pop(tag, None)
        jelly.unjellyableFactoryRegistry.pop(tag, None)
        if entry.kind == "class":
            jelly.setUnjellyableForClass(tag, entry.target)
        else:
            jelly.setUnjellyableFactoryForClass(tag, entry.target)
        self.said[tag] = entry
        self._storeSender(entry)


#: Twisted's tables, which belong to the process.
defaultRegistry = _TwistedTables()

setUnjellyableForClass = defaultRegistry.setUnjellyableForClass
setUnjellyableFactoryForClass = defaultRegistry.setUnjellyableFactoryForClass


def setUnjellyableForClassTree(
    module: ModuleType, baseClass: type, prefix: str | None = None
) -> None:
    """
    L{setUnjellyableForClass} for each class in a module that is derived from
    C{baseClass}, as L{twisted.spread.pb.setUnjellyableForClassTree} does it:
    the tag is C{prefix}, by default the module's name, and the name in the
    module.

    @raise CannotRegister: if one of them could never receive anything.
    """
    start = module.__name__ if prefix is None else prefix
    for name, found in sorted(vars(module).items()):
        if isinstance(found, type) and issubclass(found, baseClass):
            setUnjellyableForClass(f"{start}.{name}" if start else name, found)
