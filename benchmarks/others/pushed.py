"""
L{benchmarks.others.bare}, with the bytes pushed into the kernel at once, where the
reactor would do it in its next turn.
"""

from __future__ import annotations

from functools import partial

from benchmarks.others.bare import observe
from benchmarks.others.bare import publish as publishBare

__all__ = ["observe", "publish"]

publish = partial(publishBare, pushed=True)
