"""
What the audit finds, as records.
"""

from __future__ import annotations

import enum

import attrs

from pbext.errors import DeclarationError

__all__ = ["NOWHERE", "AuditFailed", "Finding", "Place", "Severity"]


class Severity(enum.IntEnum):
    """
    How bad it is.

    @cvar NOTE: worth knowing.
    @cvar WARNING: it will hurt, in some program or on some day.
    @cvar ERROR: it fails, leaks or is wrong when it is used as it stands.
    """

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


@attrs.frozen(order=True)
class Place:
    """
    A piece of a file.

    @ivar path: the file, as it was named or found; C{""} if it is not known.
    @ivar line: the first line of it, counted from 1; 0 if it is not known.
    @ivar column: the first column, in characters from 0.
    @ivar endLine: its last line.
    @ivar endColumn: the column after its last character.
    """

    path: str
    line: int = 0
    column: int = 0
    endLine: int = 0
    endColumn: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


#: Where something is whose place is not known.
NOWHERE = Place("")


@attrs.frozen
class Finding:
    """
    One thing that a rule has found.

    @ivar rule: the id of the rule, C{"PBX101"}.
    @ivar severity: how bad it is.
    @ivar message: what is wrong here, in a sentence without a full stop; it
        names classes, names and tags, and no values.
    @ivar place: where.
    @ivar subject: the class that it is about, C{"package.module.Class"}; or the
        module.
    @ivar fix: what to do about it here, in a sentence without a full stop.
    """

    rule: str
    severity: Severity
    message: str
    place: Place
    subject: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place.path else ""
        return f"{where}{self.severity} {self.rule}: {self.message}; {self.fix}"


@attrs.define(slots=False, kw_only=True)
class AuditFailed(DeclarationError):
    """
    What an audit has found, as one error.

    @ivar findings: all of it.
    """

    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))
