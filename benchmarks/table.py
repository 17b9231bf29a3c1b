"""
The result, for people.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence

import twisted

from benchmarks.jobs import JOBS, Goal
from benchmarks.rounds import Row

__all__ = [
    "NOT_SLOWER",
    "beside",
    "columns",
    "goalOf",
    "heading",
    "line",
    "machine",
    "number",
]

#: Where there is no other goal: at most 1.3 times what stock takes, which is what
#: one can see.
NOT_SLOWER = Goal(1 / 1.3, 1 / 1.3)

_COLUMNS = "{:<17} {:<29} {:>9} {:>9} {:>6}  {:<13} {:<9} {}"

_BESIDE = "{:<10} {:<25}{} {}"


def machine() -> Iterator[str]:
    """
    Where this was measured.
    """
    yield f"{platform.python_implementation()} {platform.python_version()}"
    yield f"Twisted {twisted.__version__}"
    yield f"{platform.system()} {platform.machine()}"
    yield f"{os.cpu_count()} cores"


def goalOf(row: Row) -> Goal:
    return JOBS[row.job].goals.get(row.figure, NOT_SLOWER)


def heading(pairing: str) -> str:
    """
    What stands above the rows of one pairing.
    """
    titles = _COLUMNS.format(
        "job", "figure", "stock", "this", "times", "min - max", "goal", "reached"
    )
    return f"{pairing}\n\n{titles}\n{'-' * len(titles)}"


def line(row: Row, goal: Goal, pure: bool = False) -> str:
    """
    @param pure: whether it is pbext's in pure Python.
    """
    times = goal.pure if pure else goal.times
    reached = []
    wanted = ""
    if times is not None:
        wanted = f">= {_times(times)}"
        reached.append(row.ratio >= times)
    if goal.atMost is not None:
        wanted = f"<= {number(goal.atMost)}"
        reached.append(row.other <= goal.atMost)
    return _COLUMNS.format(
        row.job,
        row.figure,
        number(row.stock),
        number(row.other),
        _times(row.ratio),
        f"{_times(min(row.ratios))} - {_times(max(row.ratios))}",
        wanted,
        "yes" if all(reached) else "NO",
    ).rstrip()


def columns(names: Sequence[str]) -> str:
    """
    What stands above the rows in which all are beside each other.
    """
    titles = _BESIDE.format("job", "figure", "".join(f"{n:>10}" for n in names), "")
    return f"{titles.rstrip()}\n{'-' * len(titles)}"


def beside(row: Row, found: Mapping[str, float | None]) -> str:
    """
    One figure of one job, as all have it.

    @param row: pbext's.
    @param found: what all have, by the names of their pairings, in the order of
        the columns.
    """
    said = []
    for name, times in goalOf(row).beside.items():
        theirs = found.get(name)
        if theirs is not None:
            most = times * theirs
            verdict = "yes" if row.other <= most else "NO"
            said.append(f"pbext <= {number(most)} ({name}): {verdict}")
    numbers = "".join(f"{'' if n is None else number(n):>10}" for n in found.values())
    return _BESIDE.format(row.job, row.figure, numbers, "; ".join(said)).rstrip()


def number(value: float) -> str:
    """
    @return: with as many digits as are worth reading.
    """
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def _times(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
