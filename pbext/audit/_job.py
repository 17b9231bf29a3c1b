"""
An audit, from what is settled to what is to be shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import attrs

from pbext.audit._audited import Audited, CannotAudit
from pbext.audit._baseline import (
    countsOf,
    readBaseline,
    withoutKnown,
    writeBaseline,
)
from pbext.audit._ignores import withoutIgnored
from pbext.audit._rules import Rule, allRules
from pbext.audit._settings import Settings
from pbext.audit.reading._sources import filesOf
from pbext.audit.reports._lines import Lines

if TYPE_CHECKING:
    from pbext.audit._model import Program
    from pbext.audit.manifest._manifest import Manifest

__all__ = ["Job"]


@attrs.frozen
class Job:
    """
    An audit that is to be done.

    @ivar settings: how.
    @ivar search: the directories in which modules are looked for.
    @ivar rules: what is asked.
    @ivar lines: the sources of what is found.
    @ivar importing: what else L{pbext.audit.living._imports.importAudit} is told.
    """

    settings: Settings
    search: Sequence[str]
    rules: Sequence[Rule]
    lines: Lines = attrs.Factory(Lines)
    importing: Mapping[str, Any] = attrs.Factory(dict)

    @classmethod
    def of(
        cls,
        settings: Settings,
        search: Sequence[str] | None = None,
        **importing: Any,
    ) -> Job:
        """
        @param search: by default the working directory, and that of the settings;
            what Python itself finds is found in any case.
        @param importing: see C{importing} above.
        @raise CannotAudit: if the settings name a rule that does not exist, or a
            directory.
        """
        for directory in search or ():
            if not os.path.isdir(directory):
                raise CannotAudit(f"{directory} is no directory")
        return cls(
            settings,
            [*dict.fromkeys([*(search or (".", settings.root)), *sys.path])],
            _chosen(settings),
            importing=importing,
        )

    def audited(self) -> Audited:
        """
        @return: what is found, but for what is hidden.
        @raise CannotAudit: if nothing can be read.
        @raise NoSuchTarget: if a target cannot be found.
        @raise NeedsExtra: if a library is missing.
        """
        found = self._found()
        baseline = self.settings.baseline
        if not baseline:
            return found
        ids = [rule.id for rule in self.rules]
        shown, gone = withoutKnown(
            found.findings, readBaseline(baseline), self.lines, ids
        )
        known = len(found.findings) - len(shown)
        return attrs.evolve(found, findings=tuple(shown), known=known, gone=gone)

    def updateBaseline(self) -> int:
        """
        Write what is found to the baseline. What it has of rules that are not
        asked stays.

        @return: how many findings it has then.
        @raise CannotAudit: also if there is no baseline.
        """
        path = self.settings.baseline
        if not path:
            raise CannotAudit("--update-baseline needs --baseline FILE")
        counts = countsOf(self._found().findings, self.lines)
        if os.path.exists(path):
            asked = {rule.id for rule in self.rules}
            for key, count in readBaseline(path).items():
                if key.rule not in asked:
                    counts[key] = count
        writeBaseline(path, counts)
        return counts.total()

    def manifest(self) -> Manifest:
        """
        @return: the wire contract of what is not excluded.
        @raise CannotAudit: if any of it cannot be read or imported.
        @raise NoSuchTarget: if a target cannot be found.
        @raise NeedsExtra: if a library is missing.
        """
        from pbext.audit.manifest._manifests import importManifest, readManifest

        targets = self._targets()
        if self.settings.static:
            return readManifest(targets, self.search, self._isExcluded)
        return importManifest(
            targets, self.search, excluded=self._isExcluded, **self.importing
        )

    def _targets(self) -> Sequence[str]:
        if not self.settings.targets:
            raise CannotAudit(
                "say what to audit: a module, a package or a path; or set targets "
                "in [tool.pbext] of pyproject.toml"
            )
        return self.settings.targets

    def _found(self) -> Audited:
        targets = self._targets()
        if self.settings.static:
            audited = Audited.ofProgram(self.program(), self.rules)
        else:
            audited = self._imported(targets)
        if not audited.count:
            but = " that is not excluded" if self.settings.exclude else ""
            raise CannotAudit(f"there is no Python in {', '.join(targets)}{but}")
        if not audited.read:
            first = audited.unread[0]
            raise CannotAudit(f"nothing could be read; {first.path}: {first.why}")
        shown = withoutIgnored(audited.findings, self.lines)
        ignored = len(audited.findings) - len(shown)
        return attrs.evolve(audited, findings=tuple(shown), ignored=ignored)

    def program(self) -> Program:
        """
        @return: what is not excluded, as it is written.
        @raise CannotAudit: if there are no targets.
        @raise NoSuchTarget: if one cannot be found.
        @raise NeedsExtra: if a library is missing.
        """
        from pbext.audit.reading._reader import readProgram

        targets = self._targets()
        if self.settings.exclude:
            files = filesOf(targets, self.search)
            targets = [path for path in files if not self._isExcluded(path)]
        return readProgram(targets, self.search)

    def _imported(self, targets: Sequence[str]) -> Audited:
        from pbext.audit.living._imports import importAudit

        return importAudit(
            targets,
            self.search,
            rules=[rule.id for rule in self.rules],
            excluded=self._isExcluded,
            **self.importing,
        )

    def _isExcluded(self, path: str) -> bool:
        """
        A pattern is for the path of a file or of a directory that it is in, from
        here or from the settings, or for the name alone.
        """
        names = set(PurePath(path).parts)
        for root in (".", self.settings.root):
            parts = PurePath(os.path.relpath(path, root)).parts
            names.update("/".join(parts[: n + 1]) for n in range(len(parts)))
        return any(
            fnmatch(name, pattern.rstrip("/"))
            for name in names
            for pattern in self.settings.exclude
        )


def _chosen(settings: Settings) -> list[Rule]:
    rules = allRules()
    for name in (*settings.select, *settings.ignore):
        if not _matching(rules, [name]):
            near = get_close_matches(name.upper(), rules, n=1)
            hint = f"{near[0]} perhaps" if near else "pbext explain lists all"
            raise CannotAudit(f"there is no rule {name}; {hint}")
    selected = _matching(rules, settings.select) if settings.select else {*rules}
    left = selected - _matching(rules, settings.ignore)
    if not left:
        raise CannotAudit("no rule is left to ask: see select and ignore")
    return [rule for id, rule in rules.items() if id in left]


def _matching(ids: Iterable[str], names: Iterable[str]) -> set[str]:
    return {id for id in ids if any(name and id.startswith(name) for name in names)}
