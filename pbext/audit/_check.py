"""
The audit of a program by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pbext._registry import Registry
from pbext.audit._findings import AuditFailed, Finding, Severity
from pbext.audit._rules import Rule, find
from pbext.audit.living._live import liveProgram

__all__ = ["check", "raiseFor"]


def check(
    registry: Registry,
    *,
    modules: Collection[str] | None = None,
    rules: Iterable[Rule] | None = None,
) -> list[Finding]:
    """
    Audit what lives in this process.  Rules that read sources find nothing here; for
    these there is C{pbext audit}.

    @param registry: what may arrive.
    @param modules: names of the modules and packages whose classes are audited; by
        default those of the classes that are registered.
    @param rules: by default all.
    @return: what is wrong, by place, but for what comments in the sources hide.
    """
    from pbext.audit._ignores import withoutIgnored  # only if there is something
    from pbext.audit.reports._lines import Lines

    return withoutIgnored(find(liveProgram(registry, modules), rules), Lines())


def raiseFor(findings: Iterable[Finding], failOn: Severity = Severity.ERROR) -> None:
    """
    @param findings: as L{check} returns them.
    @param failOn: how bad one of them has to be.
    @raise AuditFailed: with all of these, if one of them is.
    """
    found = tuple(findings)
    if any(finding.severity >= failOn for finding in found):
        raise AuditFailed(findings=found)
