"""
A program, read from its sources; nothing of it is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from pbext._fields import DISPATCHED
from pbext.audit._model import Program
from pbext.audit.reading._classes import Classes
from pbext.audit.reading._names import Names, isFramework
from pbext.audit.reading._registrations import readRegistrations
from pbext.audit.reading._sources import (
    Source,
    Unread,
    filesOf,
    moduleOf,
    parse,
    textOf,
)

__all__ = ["readProgram"]

#: What only a file that has to do with PB says; most files of most programs
#: need not be parsed at all.
_SIGNS = (
    "twisted.spread",
    "import spread",
    "pbext",
    "callRemote",
    *(f"def {prefix}" for prefix in DISPATCHED),
    "RemoteCopy",
    "RemoteCache",
    "Copyable",
    "Cacheable",
    "Referenceable",
    "getStateToC",
    "stoppedObserving",
    "setCopyableState",
    "getTypeToCopy",
    "njellyable",
    "globalSecurity",
    "DummySecurityOptions",
)

#: Where a class is derived from, or gets another name by an assignment.
_USES = re.compile(r"class\s+\w+\s*\(([^)]*)\)|=\s*((?:\w+\.)*\w+)\s*$", re.MULTILINE)


def _used(text: str) -> frozenset[str]:
    """
    @return: the names that classes may have from which something is derived in
        this file, or which get another name there.
    """
    uses = [word for found in _USES.findall(text) for word in found]
    renamed = [before.rstrip()[-99:] for before in text.split(" as ")[:-1]]
    uses += [words[-1] for words in map(_WORD.findall, renamed) if words]
    return frozenset(_WORD.findall(" ".join(uses)))


_WORD = re.compile(r"\w+")


class _Files:
    """
    The files of a target, of which those are parsed that turn out to matter.

    @ivar sources: these.
    @ivar unread: those that cannot be read.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.unread: list[Unread] = []
        self.sources: list[Source] = []
        self._roots: dict[str, Names] = {}
        self._taken: set[str] = set()
        self._waiting: list[str] = []
        self._uses: dict[str, frozenset[str]] = {}
        for path in paths:
            text = textOf(path)
            if isinstance(text, Unread):
                self.unread.append(text)
                continue
            root, module = moduleOf(path)
            self._roots.setdefault(root, Names()).offer(module, path)
            if any(sign in text for sign in _SIGNS):
                self._waiting.append(path)
            else:
                self._uses[path] = _used(text)
        for names in self._roots.values():
            names.elsewhere = [n for n in self._roots.values() if n is not names]

    def parse(self, classes: Iterable[str] = ()) -> list[Source]:
        """
        @param classes: names of classes.
        @return: the files that matter, for a sign of PB's or because they derive
            from such a class, and were not parsed before.
        """
        words = {*classes}
        for path in [p for p, uses in self._uses.items() if uses & words]:
            del self._uses[path]
            self._waiting.append(path)
        found = []
        for path in self._waiting:
            source = self._read(path)
            if isinstance(source, Unread):
                self.unread.append(source)
            else:
                found.append(source)
        self._waiting.clear()
        self.sources += found
        return found

    def _read(self, path: str) -> Source | Unread:
        root, module = moduleOf(path)
        text = textOf(path)
        parsed = text if isinstance(text, Unread) else parse(path, module, text)
        if isinstance(parsed, Unread):
            return parsed
        label = module if module not in self._taken else f"{module}@{path}"
        self._taken.add(label)
        names = self._roots[root]
        names.label(module, label)
        return attrs.evolve(parsed, resolver=names.resolve, label=label)


def readProgram(targets: Sequence[str], search: Sequence[str] = ()) -> Program:
    """
    @param targets: paths, and names of modules and packages.
    @param search: the directories in which modules are looked for; by default
        none, so that targets are paths.
    @return: what they are, as far as it can be read.
    @raise NoSuchTarget: if one of them cannot be found.
    @raise NeedsExtra: if a library that this needs is not installed.
    """
    Names()  # or say at once that it cannot be done
    paths = filesOf(targets, search)
    files = _Files(paths)
    classes = Classes()
    found = files.parse()
    while found:
        classes.add(found)
        # One may be derived from in a file that has no other sign.
        found = files.parse(n.rpartition(".")[2] for n in classes.flavored())
    sources = [s for s in files.sources if not isFramework(s.module)]
    registrations = readRegistrations(sources, classes)
    # A class that is registered is of interest, whatever it is.
    named = {name for r in registrations for name in (r.target, r.sender) if name}
    names = dict.fromkeys([*classes.flavored(), *(n for n in named if n in classes)])
    return Program(
        classes={name: classes.model(name) for name in names},
        registrations=registrations,
        sources=sources,
        unread=files.unread,
        count=len(paths),
    )
