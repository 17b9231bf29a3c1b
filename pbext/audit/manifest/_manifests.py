"""
Manifests of the targets of a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pbext.audit._audited import CannotAudit
from pbext.audit.living._imports import importTargets
from pbext.audit.manifest._ends import manifestOf
from pbext.audit.manifest._manifest import Manifest, parseManifest
from pbext.audit.reading._names import NeedsExtra
from pbext.audit.reading._reader import readProgram
from pbext.audit.reading._sources import Unread, filesOf

__all__ = ["importManifest", "readManifest"]


def readManifest(
    targets: Sequence[str], search: Sequence[str], excluded: Callable[[str], bool]
) -> Manifest:
    """
    @param targets: paths, and names of modules and packages.
    @param search: the directories in which modules are looked for.
    @param excluded: whether a file is left out.
    @return: what their sources say.
    @raise CannotAudit: if some of them cannot be read.
    @raise NoSuchTarget: if a target cannot be found.
    @raise NeedsExtra: if a library is missing.
    """
    files = [path for path in filesOf(targets, search) if not excluded(path)]
    program = readProgram(files, search)
    _refuse(targets, program.count, program.unread)
    return manifestOf(program, "static")


def importManifest(
    targets: Sequence[str],
    search: Sequence[str],
    *,
    say: Callable[[str], object],
    **importing: Any,
) -> Manifest:
    """
    @param importing: see L{pbext.audit.living._imports.importTargets}; for the rest
        and the errors see L{readManifest}.
    @return: what they are when they are imported.
    """
    found = importTargets(targets, search, {"manifest": True}, **importing)
    if not found.result["reads"]:
        raise NeedsExtra  # what is announced is in the sources alone
    unread = [Unread(**each) for each in found.result["unread"]]
    unread += [Unread(path, why) for path, why in found.failed.items()]
    _refuse(targets, len(found.files), unread)
    return parseManifest(found.result["manifest"], "the manifest")


def _refuse(targets: Iterable[str], count: int, unread: Sequence[Unread]) -> None:
    """
    A manifest that lacks something would say that it is gone.
    """
    if not count:
        raise CannotAudit(f"there is no Python in {', '.join(targets)}")
    if unread:
        first = unread[0]
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        raise CannotAudit(
            f"a manifest is of all or nothing; {first.path}: {first.why}{more}; "
            f"--exclude leaves files out"
        )
