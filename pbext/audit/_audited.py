"""
What an audit hands back: to the commands, through the pipe from the process that
imports the targets, and as JSON to other programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from pbext.audit._findings import Finding, Place, Severity
from pbext.audit._model import Program, Registered
from pbext.audit._rules import Rule, find
from pbext.audit.reading._sources import Unread

__all__ = ["Audited", "CannotAudit"]


class CannotAudit(Exception):
    """
    The audit could not run; the text says why, in one sentence.
    """


@attrs.frozen
class Audited:
    """
    What an audit has found, and how much it has seen.

    @ivar findings: what is wrong, by place.
    @ivar unread: the files that could not be read.
    @ivar read: how many files were read.
    @ivar count: how many files there are in all.
    @ivar registrations: what the program has said that tags become, in the
        order in which it did, as far as known.
    @ivar ignored: how many findings are hidden by comments in the sources.
    @ivar known: how many are hidden by the baseline.
    @ivar gone: how many findings of the baseline did not occur.
    """

    findings: tuple[Finding, ...] = ()
    unread: tuple[Unread, ...] = ()
    read: int = 0
    count: int = 0
    registrations: tuple[Registered, ...] = ()
    ignored: int = 0
    known: int = 0
    gone: int = 0

    @classmethod
    def ofProgram(
        cls, program: Program, rules: Iterable[Rule] | None = None
    ) -> Audited:
        """
        @param program: what is audited.
        @param rules: by default all.
        """
        return cls(
            findings=tuple(find(program, rules)),
            unread=tuple(program.unread),
            read=program.count - len(program.unread),
            count=program.count,
            registrations=tuple(program.registrations),
        )

    def reaches(self, severity: Severity) -> bool:
        """
        @return: whether anything has been found that is this bad, or worse.
        """
        return any(finding.severity >= severity for finding in self.findings)

    def toJSON(self) -> dict[str, Any]:
        """
        @return: the same, as what C{json} takes: places are flat, columns are
            counted from 1 as editors do, and what is not known is C{None}.
        """
        return {
            "findings": [
                {
                    "rule": finding.rule,
                    "severity": str(finding.severity),
                    "message": finding.message,
                    "subject": finding.subject,
                    "fix": finding.fix,
                    **_placeToJSON(finding.place),
                }
                for finding in self.findings
            ],
            "unread": [attrs.asdict(unread) for unread in self.unread],
            "read": self.read,
            "count": self.count,
            "registrations": [
                {
                    **attrs.asdict(
                        entry, filter=lambda attribute, _: attribute.name != "place"
                    ),
                    **_placeToJSON(entry.place),
                }
                for entry in self.registrations
            ],
            "ignored": self.ignored,
            "known": self.known,
            "gone": self.gone,
        }

    @classmethod
    def fromJSON(cls, data: Mapping[str, Any]) -> Audited:
        """
        @param data: what L{toJSON} has made.
        """
        return cls(
            findings=tuple(
                Finding(
                    entry["rule"],
                    Severity[entry["severity"].upper()],
                    entry["message"],
                    _placeFromJSON(entry),
                    entry["subject"],
                    entry["fix"],
                )
                for entry in data["findings"]
            ),
            unread=tuple(Unread(**entry) for entry in data["unread"]),
            read=data["read"],
            count=data["count"],
            registrations=tuple(
                Registered(
                    place=_placeFromJSON(entry),
                    **{k: v for k, v in entry.items() if k not in _PLACE},
                )
                for entry in data["registrations"]
            ),
            ignored=data["ignored"],
            known=data["known"],
            gone=data["gone"],
        )


#: What a place is in JSON.
_PLACE = ("path", "line", "column", "endLine", "endColumn")


def _placeToJSON(place: Place) -> dict[str, str | int | None]:
    if not place.line:
        return {**dict.fromkeys(_PLACE), "path": place.path or None}
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column + 1,
        "endLine": place.endLine,
        "endColumn": place.endColumn + 1,
    }


def _placeFromJSON(data: Mapping[str, Any]) -> Place:
    if not data["line"]:
        return Place(data["path"] or "")
    return Place(
        data["path"],
        data["line"],
        data["column"] - 1,
        data["endLine"],
        data["endColumn"] - 1,
    )
