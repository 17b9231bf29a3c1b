"""
Where the time goes: the profile of one of the two processes.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["PROFILE", "profiled"]

#: The variable of the environment that says which process: C{near}, the one that
#: publishes or calls, or C{peer}.
PROFILE = "BENCHMARKS_PROFILE"

#: How many functions are shown.
_LINES = 40


@contextmanager
def profiled(process: str) -> Iterator[None]:
    """
    Print where the time went to the standard error, if that was asked for.
    """
    if os.environ.get(PROFILE) != process:
        yield
        return
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        shown = pstats.Stats(profile, stream=sys.stderr).strip_dirs()
        shown.sort_stats("tottime").print_stats(_LINES)
