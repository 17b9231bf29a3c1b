"""
For pytest alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """
    C{test_pytest} needs pytest-twisted, which runs a reactor of its own beside
    trial's, so that waiting tests of both kinds in one process end in
    DirtyReactor errors: C{python -m pytest -p twisted tests/test_pytest}.
    """
    if collection_path.name == "test_pytest":
        return not config.pluginmanager.hasplugin("twisted") or None
    return None
