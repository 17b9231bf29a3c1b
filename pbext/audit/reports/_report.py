"""
An audit as text, for people.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, zip_longest

import attrs

from pbext.audit._audited import Audited
from pbext.audit._findings import Finding, Place, Severity
from pbext.audit._model import Registered
from pbext.audit.reports._lines import Lines

__all__ = ["Manner", "asText", "summary"]

#: Columns of a source line that are shown where no terminal says how many.
_WIDTH = 100

#: Columns for a tab behind code; what stands before the code is not shown.
_TAB = 4

_CUT = "..."


@attrs.frozen(kw_only=True)
class Manner:
    """
    How text is shown.

    @ivar width: columns to fold at; C{None} if lines are not folded.
    @ivar colours: whether there are any.
    @ivar encoding: what of Unicode can be shown.
    """

    width: int | None = None
    colours: bool = False
    encoding: str = "utf-8"

    def coloured(self, text: str, colour: str) -> str:
        """
        @param colour: parameters of the ECMA-48 control function SGR.
        """
        return f"\x1b[{colour}m{text}\x1b[m" if self.colours else text

    def cell(self, character: str) -> str:
        """
        @return: a character, or how it is written in Python if it cannot be shown:
            it may be one that commands a terminal.
        """
        if not character.isprintable():
            return character.encode("unicode_escape").decode("ascii")
        encoded = character.encode(self.encoding, "backslashreplace")
        return encoded.decode(self.encoding)

    def plain(self, text: str) -> str:
        """
        @return: text that may come from anywhere.
        """
        return "".join(map(self.cell, text))

    def folded(self, text: str, indent: str) -> str:
        """
        @param text: a line.
        @param indent: what stands before each further one.
        """
        if self.width is None:
            return text
        return textwrap.fill(
            text,
            self.width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


_COLOURS: Mapping[Severity, str] = {
    Severity.NOTE: "36",
    Severity.WARNING: "33",
    Severity.ERROR: "1;31",
}
_HEADING = "1"
_QUIET = "2"


def asText(
    audited: Audited, lines: Lines, manner: Manner, registrations: bool = False
) -> str:
    """
    @param registrations: whether these are shown, too.
    @return: lines, the last of which is the summary.
    """
    subjects: dict[str, list[Finding]] = {}
    for finding in audited.findings:
        subjects.setdefault(finding.subject, []).append(finding)
    blocks = [
        [
            manner.coloured(manner.plain(subject), _HEADING),
            *_findings(found, lines, manner),
        ]
        for subject, found in subjects.items()
    ]
    if registrations:
        blocks.append([*_registrations(audited.registrations, manner)])
    if audited.unread:
        entries = [f"{unread.path}: {unread.why}" for unread in audited.unread]
        blocks.append(
            [
                manner.coloured("Not read, or not imported", _HEADING),
                *(manner.folded(f"  {manner.plain(e)}", " " * 6) for e in entries),
            ]
        )
    if audited.findings:
        rules = sorted({finding.rule for finding in audited.findings})
        more = f"More about them: pbext explain {' '.join(rules)}"
        blocks.append([manner.folded(more, "    ")])
    blocks.append([manner.coloured(manner.folded(summary(audited), "    "), _HEADING)])
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


def _findings(
    findings: Sequence[Finding], lines: Lines, manner: Manner
) -> Iterator[str]:
    shown = None
    for finding, after in zip_longest(findings, findings[1:]):
        yield _told(finding, manner)
        if finding.place != shown:
            yield from _source(finding, lines, manner)
        shown = finding.place
        if after is None or after.fix != finding.fix:  # for all of them above
            yield manner.folded(f"      fix: {manner.plain(finding.fix)}", " " * 11)


def _told(finding: Finding, manner: Manner) -> str:
    where = manner.plain(finding.place.path)
    if finding.place.line:
        where += f":{finding.place.line}:{finding.place.column + 1}"
    where = f"  {where}: " if where else "  "
    kind = f"{finding.severity} {finding.rule}"
    # Coloured after it is folded, for colours take no columns; folded as one word.
    word = kind.replace(" ", "\xa0")
    folded = manner.folded(f"{where}{word}: {manner.plain(finding.message)}", " " * 6)
    return folded.replace(word, manner.coloured(kind, _COLOURS[finding.severity]), 1)


def _source(finding: Finding, lines: Lines, manner: Manner) -> Iterator[str]:
    line = lines.line(finding.place)
    if not line.strip():
        return
    number = str(finding.place.line)
    room = (manner.width or _WIDTH) - len(number) - 9
    code, below = _underlined(line, finding.place, room, manner)
    marks = below.lstrip()
    below = below[: -len(marks)] + manner.coloured(marks, _COLOURS[finding.severity])
    bar = manner.coloured("|", _QUIET)
    yield f"      {manner.coloured(number, _QUIET)} {bar} {code}"
    yield f"      {' ' * len(number)} {bar} {below}"


def _underlined(line: str, place: Place, room: int, manner: Manner) -> tuple[str, str]:
    """
    @param room: how many columns there are.
    @return: a source line, without what it is indented by, and what is to stand
        below it; if it is too long, the part around the place.
    """
    line = line.rstrip()
    start = min(place.column, len(line) - 1)
    end = place.endColumn if place.endLine == place.line else len(line)
    end = min(max(end, start + 1), len(line))
    indent = min(len(line) - len(line.lstrip()), start)
    cells = [" " * _TAB if c == "\t" else manner.cell(c) for c in line[indent:]]
    # How many columns there are before each cell, and at last in all.
    columns = [*accumulate(map(_columns, cells), initial=0)]
    first, last = start - indent, end - indent
    before, behind = 0, len(cells)
    if columns[behind] > room:
        inner = room - 2 * len(_CUT)
        # A third of the room before the place, if the rest is long enough.
        lead = max(0, min(columns[first] - inner // 3, columns[-1] - inner))
        while columns[before] < lead:
            before += 1
        while columns[behind] - columns[before] > inner:
            behind -= 1
        last = max(first + 1, min(last, behind))
    shown = "".join(cells[before:behind])
    offset = columns[first] - columns[before]
    marks = "^" * max(1, columns[last] - columns[first])
    if before:
        shown, offset = _CUT + shown, offset + len(_CUT)
    if behind < len(cells):
        shown += _CUT
    return shown, " " * offset + marks


def _columns(cell: str) -> int:
    """
    How many columns of a terminal a cell takes.
    """
    if len(cell) > 1:  # a tab, or something escaped
        return len(cell)
    if unicodedata.category(cell) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(cell) in "WF" else 1


def _registrations(entries: Sequence[Registered], manner: Manner) -> Iterator[str]:
    yield manner.coloured("Registered" if entries else "Nothing registered", _HEADING)
    for entry in entries:
        tag = entry.tag or (f"(that of {entry.sender})" if entry.sender else "(?)")
        text = f"{tag} -> {entry.target or '(?)'}"
        if entry.kind != "class":
            text += f", a {entry.kind}"
        if entry.place.path:
            text += f", {entry.place}"
        if not entry.shared:
            text += ", in a registry of its own"
        if entry.alien:
            text += f", by {entry.module}, which is not audited"
        yield manner.folded(f"  {manner.plain(text)}", " " * 6)


def summary(audited: Audited) -> str:
    """
    @return: how much was found, read and hidden, in a line without its end.
    """
    by = Counter(finding.severity for finding in audited.findings)
    counts = [_count(by[s], str(s)) for s in reversed(Severity) if by[s]]
    found = ", ".join(counts) or "nothing found"
    if counts:
        subjects = len({finding.subject for finding in audited.findings})
        found += f" in {subjects} {'class' if subjects == 1 else 'classes or modules'}"
    parts = [found, f"{audited.read} of {_count(audited.count, 'file')} read"]
    if audited.ignored:
        parts.append(f"{audited.ignored} hidden by comments")
    if audited.known:
        parts.append(f"{audited.known} hidden by the baseline")
    if audited.gone:
        parts.append(f"{audited.gone} of the baseline not found any more")
    return "; ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
