"""
Which findings can be fixed mechanically, and what that does to the files.

A class whose observers are kept or told in a way that fails gets pbext's
Cacheable, by the one line that imports Twisted's; with it, that way is right.
Where all that the class does with its observers is understood, the book takes the
place of its collection, too.  A comparison with the type of a failure becomes a
question to the failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import attrs

from pbext.audit._findings import Finding, Place
from pbext.audit._model import Program
from pbext.audit._rules import find
from pbext.audit.fixing._collections import Stays, collectionOf
from pbext.audit.fixing._edits import Edit
from pbext.audit.fixing._families import Family, familiesOf
from pbext.audit.fixing._kept import keptBy
from pbext.audit.fixing._mentions import Mentions
from pbext.audit.fixing._origins import Refused, importsOf
from pbext.audit.fixing._rewritten import (
    CannotRewrite,
    Content,
    Rewritten,
    Unwritten,
    contentOf,
    write,
)
from pbext.audit.fixing._types import Unclear, checkAt

__all__ = ["Fix", "Plan", "Remark", "Written", "planFixes"]

#: The rules about how observers are kept and told.
OBSERVERS = frozenset({"PBX101", "PBX102", "PBX109"})
#: The rule about failures that are asked for their type.
TYPES = "PBX216"


_NOTHING = "it has nothing that could be rewritten mechanically"


@attrs.frozen
class Fix:
    """
    What is changed together, in all of its files or in none.

    @ivar subject: the class that is fixed, or the module.
    @ivar findings: because of what.
    @ivar edits: what is changed, by file.
    """

    subject: str
    findings: tuple[Finding, ...]
    edits: Mapping[str, tuple[Edit, ...]]


@attrs.frozen
class Remark:
    """
    What could not be done mechanically.

    @ivar subject: with which class, or in which module.
    @ivar place: because of what.
    @ivar text: what, in a sentence without a full stop.
    """

    subject: str
    place: Place
    text: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place.path else ""
        return f"{where}{self.subject}: {self.text}"


@attrs.frozen
class Written:
    """
    What has become of a plan.  What there is still to be found, only another audit
    can say.

    @ivar paths: the files that were written.
    @ivar failed: what could not be written and why, in sentences.
    """

    paths: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@attrs.frozen
class Plan:
    """
    What is to be done.

    @ivar fixes: what can be fixed.
    @ivar files: the files that this changes, by path.
    @ivar remarks: what cannot be fixed, or not wholly.
    """

    fixes: tuple[Fix, ...]
    files: Mapping[str, Rewritten]
    remarks: tuple[Remark, ...]

    def diff(self) -> str:
        """
        @return: what is changed, to be read.
        """
        return "".join(file.diff() for file in self.files.values())

    def patch(self) -> bytes:
        """
        @return: the same, byte for byte, for C{git apply} or C{patch -p1}.
        """
        return b"".join(file.patch() for file in self.files.values())

    def write(self) -> Written:
        """
        Write the files.  Those that belong together are all written or none of
        them, and none that is not as it was when it was read.
        """
        paths: list[str] = []
        failed: list[str] = []
        for group in self._groups():
            try:
                write(self.files[path] for path in group)
            except Unwritten as error:
                failed.append(f"{error}; {_others(group)}")
            else:
                paths += group
        return Written(tuple(paths), tuple(failed))

    def _groups(self) -> list[list[str]]:
        groups: list[list[str]] = []
        for fix in self.fixes:
            joined = [*fix.edits]
            for group in [g for g in groups if {*g} & {*joined}]:
                groups.remove(group)
                joined += group
            groups.append(sorted({*joined}))
        return groups


def _others(group: Sequence[str]) -> str:
    if len(group) == 1:
        return "it is left as it is"
    return f"it is left as it is, with what belongs to it: {', '.join(group)}"


def planFixes(program: Program, findings: Iterable[Finding] | None = None) -> Plan:
    """
    @param program: as it was read from its sources.
    @param findings: what is to be fixed; by default all that the rules find.
    @return: what can be.
    @raise NeedsExtra: if a library that this needs is not installed.
    """
    wanted = [*(find(program) if findings is None else findings)]
    planning = _Planning(program)
    planning.observers([f for f in wanted if f.rule in OBSERVERS])
    planning.types([f for f in wanted if f.rule == TYPES])
    return planning.plan()


class _Planning:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._sources = {s.path: s for s in program.sources}
        self._files = {os.path.realpath(s.path): s for s in program.sources}
        self._mentions = Mentions(program.sources)
        self._fixes: list[Fix] = []
        self._remarks: list[Remark] = []
        self._contents: dict[str, Content] = {}

    def observers(self, findings: Sequence[Finding]) -> None:
        """
        Plan for the classes that findings are about.
        """
        families = familiesOf(self._program)
        about: dict[Family, list[Finding]] = {}
        for finding in findings:
            family = next((f for f in families if _isAbout(finding, f)), None)
            if family is None:
                self._remark(finding, "it stands in no Cacheable that can be followed")
            else:
                about.setdefault(family, []).append(finding)
        kept = frozenset(name for family in families for name in _keptIn(family))
        for family, found in about.items():
            self._family(family, found, kept)

    def _family(
        self, family: Family, findings: list[Finding], kept: frozenset[str]
    ) -> None:
        first = findings[0]
        try:
            edits: list[Edit] = [
                *importsOf(self._program, self._mentions, family, kept)
            ]
        except Refused as refused:
            self._remark(first, f"it is left as it is: {refused}", refused.place)
            return
        try:
            edits += keptBy(self._mentions, family)
        except Stays as stays:
            if not stays.isRight:
                edits = []
            whose = "its collection stays" if edits else "it is left as it is"
            self._remark(first, f"{whose}: {stays}", stays.place)
        else:
            if not _keptIn(family):
                if all(finding.rule == "PBX109" for finding in findings):
                    edits = []
                text = "what it keeps its observers in stays: it is not known"
                self._remark(first, text if edits else _NOTHING)
        self._add(first.subject, findings, edits)

    def types(self, findings: Sequence[Finding]) -> None:
        """
        Plan for comparisons that findings are about.
        """
        for finding in findings:
            source = self._files.get(os.path.realpath(finding.place.path))
            if source is not None:
                try:
                    edit = checkAt(source, finding.place)
                except Unclear as unclear:
                    self._remark(finding, f"it is left as it is: {unclear}")
                else:
                    self._add(finding.subject, [finding], [edit])

    def plan(self) -> Plan:
        """
        @return: all of it.
        """
        edits: dict[str, dict[Edit, None]] = {}
        for fix in self._fixes:
            for path, some in fix.edits.items():
                edits.setdefault(path, {}).update(dict.fromkeys(some))
        files = {path: self._rewritten(path, edits[path]) for path in sorted(edits)}
        return Plan(tuple(self._fixes), files, tuple(self._remarks))

    def _remark(self, finding: Finding, text: str, place: Place | None = None) -> None:
        self._remarks.append(Remark(finding.subject, place or finding.place, text))

    def _add(
        self, subject: str, findings: Sequence[Finding], edits: Iterable[Edit]
    ) -> None:
        byFile: dict[str, list[Edit]] = {}
        for edit in edits:
            byFile.setdefault(edit.place.path, []).append(edit)
        for path, some in byFile.items():
            try:
                self._rewritten(path, some)
            except (Unwritten, CannotRewrite) as error:
                self._remark(findings[0], f"it is left as it is: {path}: {error}")
                return
        if byFile:
            edited = {path: tuple(some) for path, some in byFile.items()}
            self._fixes.append(Fix(subject, tuple(findings), edited))

    def _rewritten(self, path: str, edits: Iterable[Edit]) -> Rewritten:
        from pbext.audit.fixing._fixes import rewrite  # which needs an extra

        if path not in self._contents:
            self._contents[path] = contentOf(self._sources[path])
        content = self._contents[path]
        text = rewrite(content.text, edits)
        return Rewritten(
            path, content.data, text.encode(content.encoding), content.encoding
        )


def _isAbout(finding: Finding, family: Family) -> bool:
    place = finding.place
    return finding.subject in family.names | family.strangers or any(
        source.path == place.path
        and node.lineno <= place.line <= (node.end_lineno or 0)
        for source, node in family.bodies()
    )


def _keptIn(family: Family) -> list[str]:
    try:
        collection = collectionOf(family)
    except Stays:
        return []
    return [] if collection is None else [collection.name]
