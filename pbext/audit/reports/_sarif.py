"""
An audit as SARIF 2.1.0, the format in which code hosts and editors take findings
(OASIS, Static Analysis Results Interchange Format, errata 01).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pbext
from pbext.audit._audited import Audited
from pbext.audit._findings import Finding, Place, Severity
from pbext.audit._rules import Rule
from pbext.audit.reports._explained import asMarkdown, plain
from pbext.audit.reports._lines import Lines

__all__ = ["asSARIF"]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
    "sarif-schema-2.1.0.json"
)

#: What paths are relative to.
_ROOT = "SRCROOT"

_LEVELS: Mapping[Severity, str] = {
    Severity.NOTE: "note",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}


def asSARIF(audited: Audited, rules: Sequence[Rule], lines: Lines) -> str:
    """
    @param rules: those that were asked.
    @return: JSON, with a line feed at its end.
    """
    order = {rule.id: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "pbext",
                "version": pbext.__version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            # Without a URI: the report is the same on every machine.
            _ROOT: {"description": {"text": "The directory that pbext was run in."}}
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {
                        "level": "warning",
                        "message": {"text": f"This file was not read: {unread.why}."},
                        "locations": [{"physicalLocation": _file(unread.path)}],
                    }
                    for unread in audited.unread
                ],
            }
        ],
        "results": _results(audited.findings, order, lines),
    }
    whole = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, indent=1) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title[:1].upper()}{rule.title[1:]}."},
        "fullDescription": {"text": plain(rule.explanation)},
        "help": {"text": f"{rule.fix}.", "markdown": asMarkdown(rule)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _results(
    findings: Sequence[Finding], order: Mapping[str, int], lines: Lines
) -> list[dict[str, Any]]:
    results = []
    seen: Counter[str] = Counter()
    for finding in findings:
        key = f"{finding.rule}:{finding.subject}:{lines.fingerprint(finding)}"
        seen[key] += 1  # the same once more in this class is another
        results.append(
            {
                "ruleId": finding.rule,
                "ruleIndex": order[finding.rule],
                "level": _LEVELS[finding.severity],
                "message": {"text": f"{finding.message}; {finding.fix}."},
                "locations": [_location(finding)],
                "partialFingerprints": {"pbext/v1": f"{key}:{seen[key]}"},
            }
        )
    return results


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": finding.subject}]
    }
    if finding.place.path:
        location["physicalLocation"] = _file(finding.place.path)
        if finding.place.line:
            location["physicalLocation"]["region"] = _region(finding.place)
    return location


def _file(path: str) -> dict[str, Any]:
    absolute = Path(os.path.abspath(path))
    if not absolute.is_relative_to(Path.cwd()):
        return {"artifactLocation": {"uri": absolute.as_uri()}}
    relative = absolute.relative_to(Path.cwd()).as_posix()
    uri = quote(relative, errors="surrogateescape")
    return {"artifactLocation": {"uri": uri, "uriBaseId": _ROOT}}


def _region(place: Place) -> dict[str, int]:
    # Columns are counted from 1, and the end column is the one behind.
    region = {"startLine": place.line, "startColumn": place.column + 1}
    if (place.endLine, place.endColumn) > (place.line, place.column):
        region |= {"endLine": place.endLine, "endColumn": place.endColumn + 1}
    return region
