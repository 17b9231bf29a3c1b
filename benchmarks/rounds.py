"""
Doing the jobs in turns, stock and pbext, so that whatever else the machine
does meanwhile hits both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import nan
from pathlib import Path
from statistics import median

__all__ = ["MIXED", "OURS", "STOCK", "Pairing", "Row", "Sample", "rows", "takeSamples"]

_HOME = Path(__file__).parent.parent

#: Seconds for one sample.
_PATIENCE = 300

#: By job: by figure: the number.
Sample = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Pairing:
    """
    What runs at the two ends.

    @ivar near: the C{pb} of the process that publishes or calls.
    @ivar far: the C{pb} of its peer.
    """

    name: str
    near: str
    far: str

    def sample(self, jobs: Sequence[str], smoke: bool) -> Sample:
        """
        Do some jobs once, in two new processes.

        @raise subprocess.SubprocessError: if that did not work.
        """
        command = [sys.executable, "-m", "benchmarks.sample", self.far]
        command += ["--smoke"] * smoke + list(jobs)
        done = subprocess.run(
            command,
            cwd=_HOME,
            env={**os.environ, "BENCHMARKS_PB": self.near},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=True,
        )
        found: Sample = json.loads(done.stdout)
        return found


_STOCK, _OURS = "twisted.spread.pb", "pbext.pb"

STOCK = Pairing("stock at both ends", _STOCK, _STOCK)
OURS = Pairing("pbext at both ends", _OURS, _OURS)
MIXED = (
    Pairing("pbext publishes or calls, its peer is stock", _OURS, _STOCK),
    Pairing("stock publishes or calls, its peer is pbext", _STOCK, _OURS),
)


def takeSamples(
    pairings: Sequence[Pairing], jobs: Sequence[str], rounds: int, smoke: bool
) -> dict[str, list[Sample]]:
    """
    A B A B ...: each pairing once a round.

    @return: the samples of each pairing, by its name.
    """
    taken: dict[str, list[Sample]] = {pairing.name: [] for pairing in pairings}
    for _ in range(rounds):
        for pairing in pairings:
            taken[pairing.name].append(pairing.sample(jobs, smoke))
    return taken


@dataclass(frozen=True)
class Row:
    """
    One figure of one job.

    @ivar stock: the median of stock's samples.
    @ivar other: the median of the other pairing's.
    @ivar ratios: other to stock, round by round.
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
    figures = dict.fromkeys(chain.from_iterable(sample[job] for sample in stock))
    for figure in figures:
        a = [sample[job][figure] for sample in stock]
        b = [sample[job][figure] for sample in other]
        # A smoke run can be too small to measure.
        ratios = (y / x if x > 0 else nan for x, y in zip(a, b, strict=True))
        yield Row(job, figure, median(a), median(b), tuple(ratios))
