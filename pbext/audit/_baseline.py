"""
Findings that are known, so that an old code base can be audited for new ones.

A baseline says of each which rule, which class, and a hash of the line, and how often;
so it survives changes above it, and holds nothing of the sources.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from pbext.audit._audited import CannotAudit
from pbext.audit._findings import Finding
from pbext.audit.reports._lines import Lines

__all__ = ["Known", "countsOf", "readBaseline", "withoutKnown", "writeBaseline"]

_FORMAT = "pbext-baseline"
_VERSION = 1


class Known(NamedTuple):
    """
    What is known of a finding.

    @ivar rule: the id of its rule.
    @ivar subject: see L{Finding.subject}.
    @ivar line: see L{Lines.fingerprint}.
    """

    rule: str
    subject: str
    line: str


def _known(finding: Finding, lines: Lines) -> Known:
    return Known(finding.rule, finding.subject, lines.fingerprint(finding))


def countsOf(findings: Iterable[Finding], lines: Lines) -> Counter[Known]:
    """
    @return: how often each has been found.
    """
    return Counter(_known(finding, lines) for finding in findings)


def withoutKnown(
    findings: Iterable[Finding],
    known: Counter[Known],
    lines: Lines,
    rules: Collection[str],
) -> tuple[list[Finding], int]:
    """
    @param rules: the ids of the rules that have been asked.
    @return: the findings that are not known, or occur more often than is known;
        and how many are known of these rules that have not occurred.
    """
    left = Counter(known)
    shown = []
    for finding in findings:
        key = _known(finding, lines)
        if left[key] > 0:
            left[key] -= 1
        else:
            shown.append(finding)
    return shown, sum(count for key, count in left.items() if key.rule in rules)


def readBaseline(path: str) -> Counter[Known]:
    """
    @raise CannotAudit: if it is not there, or no baseline.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except FileNotFoundError:
        raise CannotAudit(
            f"there is no baseline {path}; --update-baseline writes it"
        ) from None
    except OSError as error:
        raise CannotAudit(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CannotAudit(f"{path} is no baseline, it is no JSON") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise CannotAudit(f"{path} is no baseline of pbext's")
    if data.get("version") != _VERSION:
        raise CannotAudit(
            f"{path} is a baseline of another version of pbext; "
            f"remove it, and --update-baseline writes it anew"
        )
    try:
        return _counts(data["findings"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CannotAudit(
            f"{path} is damaged; remove it, and --update-baseline writes it anew"
        ) from None


def _counts(data: dict[str, dict[str, dict[str, Any]]]) -> Counter[Known]:
    counts: Counter[Known] = Counter()
    for rule, subjects in data.items():
        for subject, found in subjects.items():
            for line, count in found.items():
                if type(count) is not int or count < 1:
                    raise ValueError
                counts[Known(rule, subject, line)] = count
    return counts


def writeBaseline(path: str, known: Counter[Known]) -> None:
    """
    Write it whole, or leave what is there.

    @raise CannotAudit: if it cannot be written.
    """
    data: dict[str, dict[str, dict[str, int]]] = {}
    for key, count in known.items():
        data.setdefault(key.rule, {}).setdefault(key.subject, {})[key.line] = count
    whole = {"format": _FORMAT, "version": _VERSION, "findings": data}
    new = f"{path}.new"
    try:
        with open(new, "w", encoding="utf-8", newline="\n") as file:
            json.dump(whole, file, indent=1, sort_keys=True)
            file.write("\n")
        os.replace(new, path)
    except OSError as error:
        raise CannotAudit(f"{path} cannot be written: {error.strerror}") from None
