"""
What is registered while modules are imported, and by whom.  Nothing of Twisted's is
replaced for that: the interpreter says which functions are called.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs

from twisted.internet.base import ReactorBase
from twisted.python.reflect import qual
from twisted.spread import jelly

from pbext._copyable import tagOf
from pbext._registry import Registry, defaultRegistry
from pbext.audit._findings import NOWHERE, Place
from pbext.audit._model import Registered
from pbext.audit.living._living import canonical
from pbext.audit.reading._sources import shownPath

__all__ = ["Ends", "Recorder"]

#: Modules that a registration passes through on its way from who makes it.
_WAY = frozenset(
    {
        "pbext._opaque",
        "pbext._registry",
        "twisted.spread.flavors",
        "twisted.spread.jelly",
    }
)

#: By the function: what it registers, and what it calls the tag, or the class in its
#: place, and the target.
_SAYS: Mapping[Any, tuple[str, str, str]] = {
    jelly.setUnjellyableForClass: ("class", "classname", "unjellyable"),
    jelly.setUnjellyableFactoryForClass: ("factory", "classname", "copyFactory"),
    Registry.setUnjellyableForClass: ("class", "senderOrTag", "cls"),
    Registry.setUnjellyableFactoryForClass: ("factory", "senderOrTag", "factory"),
    Registry.registerCopier: ("copier", "tag", "fromWire"),
}

#: The same, by the identity of the code: to compare code is slow.
_CODES = {id(function.__code__): says for function, says in _SAYS.items()}

#: What ends the process, or puts another in its place, without a word.
_ENDINGS = {
    id(getattr(os, name)): f"os.{name}"
    for name in ("_exit", "abort", "execv", "execve")
    if hasattr(os, name)
}
_RUNS = id(ReactorBase.startRunning.__code__)

_Tables = Mapping[tuple[str, bytes], Any]


class Ends(BaseException):
    """
    A module does what would end the audit, or keep it waiting for ever.
    """


class Recorder:
    """
    Takes note of registrations.

    @ivar targets: the classes that were registered by modules that are audited.
    """

    def __init__(self, modules: frozenset[str]) -> None:
        """
        @param modules: names of the modules that are audited.
        """
        self._modules = modules
        self.targets: list[type] = []
        self._said: list[Registered] = []
        self._seen = dict(_tables())

    @contextmanager
    def recording(self) -> Iterator[None]:
        """
        Take note of what is registered meanwhile, in all threads.

        @raise Ends: inside, where the process would be ended, or the reactor run.
        """
        threading.setprofile(self._called)
        sys.setprofile(self._called)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def registrations(self) -> list[Registered]:
        """
        @return: in the order in which they were made, also those that others have
            taken the place of; at last those that were put into Twisted's tables by
            hand.
        """
        shown = [
            attrs.evolve(entry, place=_shown(entry.place))
            for entry in dict.fromkeys(self._said)
        ]
        for (kind, tag), target in _tables().items():
            if self._seen.get((kind, tag)) is not target:
                module = str(getattr(target, "__module__", ""))
                shown.append(
                    Registered(
                        tag=tag.decode("utf-8", "replace"),
                        kind=kind,
                        sender=None,
                        target=canonical(target),
                        place=NOWHERE,
                        module=module,
                        alien=module not in self._modules,
                    )
                )
        return shown

    def _called(self, frame: FrameType, event: str, function: Any) -> None:
        if event == "call":
            code = id(frame.f_code)
            if code in _CODES:
                try:
                    self._note(frame, *_CODES[code])
                except Exception:
                    pass  # an odd tag or target: the tables will show what became of it
            elif code == _RUNS:
                raise Ends("runs the reactor")
        elif event == "c_call" and id(function) in _ENDINGS:
            raise Ends(f"calls {_ENDINGS[id(function)]}")

    def _note(self, frame: FrameType, kind: str, key: str, target: str) -> None:
        says, by = frame.f_locals, frame.f_back
        mine = "self" in says
        if not mine and by is not None and _nameOf(by) == "pbext._registry":
            # It has been noted, and is put into Twisted's tables.
            self._seen[kind, _wire(says[key], mine)] = says[target]
            return
        while by is not None and _nameOf(by) in _WAY:
            by = by.f_back
        module = "" if by is None else _nameOf(by)
        sender = says["cls"] if kind == "copier" else says[key]
        tag = _wire(says[key], mine)
        self._said.append(
            Registered(
                tag=tag.decode("utf-8", "replace"),
                kind=kind,
                sender=canonical(sender) if isinstance(sender, type) else None,
                target=canonical(says[target]),
                place=NOWHERE
                if by is None
                else Place(by.f_code.co_filename, by.f_lineno),
                module=module,
                shared=not mine or says["self"] is defaultRegistry,
                replaces=mine and bool(says["replace"]),
                alien=module not in self._modules,
            )
        )
        if module in self._modules and isinstance(says[target], type):
            self.targets.append(says[target])
        if not mine:
            self._seen[kind, tag] = says[target]


def _tables() -> _Tables:
    tables: dict[str, Any] = {
        "class": jelly.unjellyableRegistry,
        "factory": jelly.unjellyableFactoryRegistry,
    }
    return {
        (kind, tag): target
        for kind, table in tables.items()
        for tag, target in [*table.items()]
        if isinstance(tag, bytes)  # no other is ever looked for
    }


def _nameOf(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _wire(senderOrTag: Any, mine: bool) -> bytes:
    if isinstance(senderOrTag, type):
        # Twisted's own reading of a class knows nothing of typeToCopy.
        return tagOf(senderOrTag) if mine else qual(senderOrTag).encode("utf-8")
    if isinstance(senderOrTag, bytes):
        return senderOrTag
    return str(senderOrTag).encode("utf-8")


def _shown(place: Place) -> Place:
    known = not place.path.startswith("<")
    return attrs.evolve(place, path=shownPath(place.path)) if known else NOWHERE
