"""
The audit of a program that is imported, in a process of its own.

A module that cannot be imported is named with the reason, like a file that cannot be
read; its sources are read all the same, and the others are audited.  If it takes the
process with it, another process goes on without it.  Only if nothing at all can be
imported, the audit cannot run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from pbext.audit._audited import Audited, CannotAudit
from pbext.audit._rules import allRules
from pbext.audit.living._importer import Importer
from pbext.audit.living._modules import Module, modulesOf
from pbext.audit.reading._names import NeedsExtra
from pbext.audit.reading._sources import Unread

__all__ = ["TIMEOUT", "Imported", "importAudit", "importTargets"]

#: Seconds that the import of one module may take.
TIMEOUT = 60.0


def importAudit(
    targets: Sequence[str],
    search: Sequence[str],
    *,
    rules: Collection[str] | None = None,
    timeout: float = TIMEOUT,
    excluded: Callable[[str], bool] = lambda path: False,
    verbose: bool = False,
    say: Callable[[str], object] = lambda line: None,
) -> Audited:
    """
    @param targets: paths, and names of modules and packages.
    @param search: the directories in which modules are looked for.
    @param rules: ids of rules; by default all.
    @param timeout: seconds that the import of one module may take; not those that it
        takes to start a process and to read sources.
    @param excluded: whether a file is left out.
    @param verbose: whether what the targets print, and tracebacks, go to the standard
        error of this process; by default they go nowhere.
    @param say: is called with what else there is to say, in a line.
    @raise NoSuchTarget: if a target cannot be found.
    @raise CannotAudit: if nothing of the targets could be imported.
    """
    asks = {"rules": [*(allRules() if rules is None else rules)]}
    found = importTargets(
        targets, search, asks, timeout=timeout, excluded=excluded, verbose=verbose
    )
    return _audited(found, say)


@attrs.frozen
class Imported:
    """
    What has come of the import of some targets.

    @ivar result: what was asked.
    @ivar files: all files of the targets.
    @ivar modules: those of them that were to be imported.
    @ivar failed: by the path of each module that could not be: why.
    """

    result: Mapping[str, Any]
    files: Sequence[str]
    modules: Sequence[Module]
    failed: Mapping[str, str]


def importTargets(
    targets: Sequence[str],
    search: Sequence[str],
    asks: Mapping[str, Any],
    *,
    timeout: float = TIMEOUT,
    excluded: Callable[[str], bool] = lambda path: False,
    verbose: bool = False,
) -> Imported:
    """
    @param asks: what is asked of the program: see L{pbext.audit.living._child}; for
        the rest see L{importAudit}.
    """
    files, modules = modulesOf(targets, search, excluded)
    request = {
        "path": [m.directory for m in modules] + [*map(os.path.abspath, search)],
        "files": files,
        "verbose": verbose,
        **asks,
    }
    failed: dict[str, str] = {}
    left, result = modules, None
    while result is None:
        with Importer(left, request, verbose) as importer:
            result = importer.follow(timeout, failed)
        # Without a result, it took the process with it.
        left = [module for module in left if module is not importer.importing]
        if modules and len(failed) == len(modules):
            path, why = next(iter(failed.items()))
            raise CannotAudit(
                f"nothing could be imported; {path}: {why}; --static only reads"
            )
    return Imported(result, files, modules, failed)


def _audited(found: Imported, say: Callable[[str], object]) -> Audited:
    audited = Audited.fromJSON(found.result["audited"])
    failed = found.failed
    if not found.result["reads"]:
        say(f"only what was imported has been audited; {NeedsExtra()}")
        imported = len(found.modules) - len(failed)
        audited = attrs.evolve(audited, count=len(found.files), read=imported)
    known = {unread.path for unread in audited.unread}
    more = [Unread(path, why) for path, why in failed.items() if path not in known]
    return attrs.evolve(audited, unread=(*audited.unread, *more))
