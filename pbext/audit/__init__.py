"""
Finds what will go wrong on the wire before it does: in a terminal as C{pbext
audit}, and in a program that looks at itself.

    >>> from pbext import Registry, pb
    >>> from pbext.audit import check, raiseFor
    >>> registry = Registry()
    >>> @registry.unjellyableFor("creek.Frog")
    ... class Frog(pb.RemoteCopy):
    ...     colour: str
    >>> findings = check(registry)
    >>> [finding.message for finding in findings]
    []
    >>> raiseFor(findings)

L{check} returns what is wrong, as a list of L{Finding}; L{raiseFor} raises all that
as one L{AuditFailed}, if any of it is as bad as a L{Severity} that it is given.
"""

from pbext.audit._check import check, raiseFor
from pbext.audit._findings import AuditFailed, Finding, Place, Severity

__all__ = ["AuditFailed", "Finding", "Place", "Severity", "check", "raiseFor"]
