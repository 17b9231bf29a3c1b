"""
An audit as JSON, for other programs; docs/audit.rst describes it.
"""

from __future__ import annotations

import json

import pbext
from pbext.audit._audited import Audited
from pbext.audit._settings import Settings

__all__ = ["asJSON"]

#: Counted up when something in it changes its meaning or goes, not when
#: something is added.
VERSION = 1


def asJSON(audited: Audited, settings: Settings) -> str:
    """
    @return: JSON, with a line feed at its end.
    """
    whole = {
        "format": "pbext-audit",
        "version": VERSION,
        "pbext": pbext.__version__,
        "static": settings.static,
        "failOn": str(settings.failOn),
        "failed": audited.reaches(settings.failOn),
        **audited.toJSON(),
    }
    return json.dumps(whole, indent=1) + "\n"
