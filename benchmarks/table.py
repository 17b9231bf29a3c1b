"""
The result, for people.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator

import twisted

from benchmarks.rounds import Row

__all__ = ["GOAL", "heading", "line", "machine"]

#: What a median ratio may be at the most.
GOAL = 1.3

_COLUMNS = "{:<17} {:<28} {:>7} {:>7} {:>5}  {:<11} {}"


def machine() -> Iterator[str]:
    """
    Where this was measured.
    """
    yield f"{platform.python_implementation()} {platform.python_version()}"
    yield f"Twisted {twisted.__version__}"
    yield f"{platform.system()} {platform.machine()}"


def heading(pairing: str) -> str:
    """
    What stands above the rows of one pairing.
    """
    titles = _COLUMNS.format(
        "job", "figure", "stock", "pbext", "ratio", "min - max", f"<= {GOAL}"
    )
    return f"{pairing}\n\n{titles}\n{'-' * len(titles)}"


def line(row: Row) -> str:
    spread = f"{min(row.ratios):.2f} - {max(row.ratios):.2f}"
    verdict = "yes" if row.ratio <= GOAL else "NO"
    return _COLUMNS.format(
        row.job,
        row.figure,
        _number(row.stock),
        _number(row.other),
        f"{row.ratio:.2f}",
        spread,
        verdict,
    )


def _number(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"
