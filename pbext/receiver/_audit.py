"""
What the service says of the classes that may arrive, before it listens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from twisted.logger import Logger
from twisted.python.failure import Failure

from pbext._registry import Registry
from pbext._reports import whereRaised
from pbext.receiver._service import CannotStart

__all__ = ["AUDITS", "MOST"]

_log = Logger(namespace="pbreceiver")

#: How many findings are said; for all of them there is C{pbext audit}.
MOST = 20


def _lines(registry: Registry, modules: Collection[str]) -> list[str]:
    """
    @return: what will do harm, each in a line; notes are for who asks for them.
    """
    from pbext.audit import Severity, check  # which takes its time, and may be off

    try:
        found = check(registry, modules=modules)
    except Exception:
        return [f"it could not be done: {whereRaised(Failure())}"]
    lines = [str(f) for f in found if f.severity >= Severity.WARNING]
    if len(lines) > MOST:
        more = f"and {len(lines) - MOST} more: pbext audit shows them all"
        lines[MOST:] = [more]
    return lines


def _off(registry: Registry, modules: Collection[str]) -> None:
    """
    Nothing is audited.
    """


def _warn(registry: Registry, modules: Collection[str]) -> None:
    for line in _lines(registry, modules):
        _log.warn("audit: {line}", line=line)


def _strict(registry: Registry, modules: Collection[str]) -> None:
    lines = _lines(registry, modules)
    if lines:
        raise CannotStart("\n  ".join(["the audit is strict, and finds:", *lines]))


#: By what the option says; each is called with the registry of the service, and with
#: the names of the modules that it was told to import.
AUDITS: Mapping[str, Callable[[Registry, Collection[str]], None]] = {
    "off": _off,
    "warn": _warn,
    "strict": _strict,
}
