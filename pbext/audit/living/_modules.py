"""
Which modules of the targets are imported.

All are, but for those that are no part of a program's work: C{__main__}, a C{setup.py}
and tests, unless a target is one of them or a package of tests itself; and files
that cannot be imported by a name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import attrs

from pbext.audit.reading._sources import filesOf, moduleOf

__all__ = ["Module", "modulesOf"]

_TESTS = frozenset({"test", "tests", "conftest"})


@attrs.frozen
class Module:
    """
    A module that is to be imported.

    @ivar name: its name.
    @ivar path: its file, as it is shown.
    @ivar directory: where Python has to look for it.
    """

    name: str
    path: str
    directory: str


def modulesOf(
    targets: Sequence[str],
    search: Sequence[str],
    excluded: Callable[[str], bool] = lambda path: False,
) -> tuple[list[str], list[Module]]:
    """
    @param targets: paths, and names of modules and packages.
    @param search: the directories in which modules are looked for.
    @param excluded: whether a file is left out.
    @return: all files of the targets, and the modules among them that are imported.
    @raise NoSuchTarget: if a target cannot be found.
    """
    files: dict[str, None] = {}
    modules: dict[str, Module] = {}
    for target in targets:
        for path in filesOf([target], search):
            if excluded(path):
                continue
            files[path] = None
            directory, name = moduleOf(path)
            if all(map(str.isidentifier, name.split("."))) and path.endswith(".py"):
                if not _isAside([*_below(target, path, name)]):
                    modules[path] = Module(name, path, directory)
    return [*files], [*modules.values()]


def _below(target: str, path: str, name: str) -> Iterator[str]:
    """
    @return: by which names a module is reached from the target that it is of.
    """
    if os.path.exists(target):
        parts = os.path.splitext(os.path.relpath(path, target))[0].split(os.sep)
        yield from (part for part in parts if part not in (".", "__init__"))
    elif name != target:
        yield from name.removeprefix(f"{target}.").split(".")


def _isAside(names: list[str]) -> bool:
    if not names:
        return False
    last = names[-1]
    return (
        last == "__main__"
        or names == ["setup"]
        or not _TESTS.isdisjoint(names)
        or last.startswith("test_")
        or last.endswith("_test")
    )
