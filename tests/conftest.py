"""
For pytest alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import twisted
from twisted.python.failure import Failure


class _Nowhere:
    """
    With Twisted before 25, pytest puts the exception itself into every
    C{Failure} (C{_pytest.unittest.TWISTED_RAW_EXCINFO_ATTR}), for its reports.
    Perspective Broker sends a failure's C{__dict__}, stock's too, and the peer
    refuses that.  So it is put nowhere, and a report has the failure's text.
    """

    def __get__(self, instance: object, owner: type) -> Any:
        raise AttributeError("_twisted_raw_excinfo")

    def __set__(self, instance: object, value: object) -> None:
        pass


if twisted.version.major < 25:
    Failure._twisted_raw_excinfo = _Nowhere()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """
    C{test_pytest} needs pytest-twisted, which runs a reactor of its own beside
    trial's, so that waiting tests of both kinds in one process end in
    DirtyReactor errors: C{python -m pytest -p twisted tests/test_pytest}.
    """
    if collection_path.name == "test_pytest":
        return not config.pluginmanager.hasplugin("twisted") or None
    return None
