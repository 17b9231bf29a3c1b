"""
What a fuzzer finds.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Finding", "same"]


class Finding(Exception):
    """
    What was to hold does not.
    """


def same(one: Any, other: Any, what: str) -> None:
    """
    @param what: is said of them if they are not the same.
    @raise Finding: if they are not.
    """
    # A NaN is not equal to itself.
    if one != other and repr(one) != repr(other):
        raise Finding(f"{what}: {str(one)[:300]} != {str(other)[:300]}")
