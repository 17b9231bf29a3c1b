"""
Doing the jobs in turns, stock, pbext and others, so that whatever else the
machine does meanwhile hits all.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf, nan
from statistics import median

from benchmarks.jobs import find
from benchmarks.pairings import Pairing, Sample

__all__ = ["Row", "rows", "takeSamples"]


def takeSamples(
    pairings: Sequence[Pairing], jobs: Sequence[str], rounds: int, smoke: bool
) -> dict[str, list[Sample]]:
    """
    A B C A B C ...: each pairing once a round, with those of the jobs that it
    does.

    @return: the samples of each pairing, by its name; without another library
        that has failed.
    @raise subprocess.SubprocessError: if another pairing does not work.
    """
    wanted = {p: [job for job in jobs if p.does(find(job))] for p in pairings}
    taken: dict[str, list[Sample]] = {p.name: [] for p in pairings if wanted[p]}
    for _ in range(rounds):
        for pairing in pairings:
            if pairing.name not in taken:
                continue
            try:
                sample = pairing.sample(wanted[pairing], smoke)
            except subprocess.SubprocessError as error:
                if not pairing.other:
                    raise
                print(f"{pairing.name} is left out: {error}", file=sys.stderr)
                del taken[pairing.name]
            else:
                taken[pairing.name].append(sample)
    return taken


@dataclass(frozen=True)
class Row:
    """
    One figure of one job.

    @ivar stock: the median of stock's samples.
    @ivar other: the median of the other pairing's.
    @ivar ratios: stock to other, round by round: how many times less it is.
    """

    job: str
    figure: str
    stock: float
    other: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return median(self.ratios)


def rows(job: str, stock: Sequence[Sample], other: Sequence[Sample]) -> Iterator[Row]:
    """
    What the samples of one job say.
    """
    figures = dict.fromkeys(chain.from_iterable(sample[job] for sample in other))
    for figure in figures:
        a = [sample[job][figure] for sample in stock]
        b = [sample[job][figure] for sample in other]
        # A smoke run can be too small to measure.
        ratios = (
            x / y if y > 0 else inf if x > 0 else nan for x, y in zip(a, b, strict=True)
        )
        yield Row(job, figure, median(a), median(b), tuple(ratios))
