"""
What is compared: what runs at the two ends of a connection.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.jobs import Job
from benchmarks.others import OTHERS

__all__ = ["MIXED", "OURS", "PURE", "RIVALS", "STOCK", "Pairing", "Sample"]

_HOME = Path(__file__).parent.parent

#: Seconds for one sample.
_PATIENCE = 300

#: By job: by figure: the number.
Sample = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Pairing:
    """
    What runs at the two ends.

    @ivar short: its name in a table.
    @ivar near: the C{pb} of the process that publishes or calls.
    @ivar far: the C{pb} of its peer.
    @ivar pure: whether pbext is to leave its compiled part alone.
    @ivar other: another library, which does the job while C{pb} only tells the
        peer what to do; see L{benchmarks.others}.
    """

    name: str
    short: str
    near: str
    far: str
    pure: bool = False
    other: str = ""

    def does(self, job: Job) -> bool:
        """
        @return: whether there is anything to measure.
        """
        if self.other:
            return job.kind in OTHERS[self.other].does
        return job.peer or self.near == self.far

    def sample(
        self,
        jobs: Sequence[str],
        smoke: bool,
        environment: Mapping[str, str] | None = None,
    ) -> Sample:
        """
        Do some jobs once, in two new processes.

        @param environment: what is to stand in theirs, beside this one's.
        @raise subprocess.SubprocessError: if that did not work.
        """
        command = [sys.executable, "-m", "benchmarks.sample", self.far]
        command += ["--smoke"] * smoke + list(jobs)
        done = subprocess.run(
            command,
            cwd=_HOME,
            env={
                **os.environ,
                "BENCHMARKS_PB": self.near,
                "BENCHMARKS_OTHER": self.other,
                # Both ends read it: it is passed on.
                "PBEXT_PURE": "1" * self.pure,
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=True,
        )
        found: Sample = json.loads(done.stdout)
        return found


_STOCK, _OURS = "twisted.spread.pb", "pbext.pb"

STOCK = Pairing("stock at both ends", "stock", _STOCK, _STOCK)
OURS = Pairing("pbext at both ends", "pbext", _OURS, _OURS)
PURE = Pairing("pbext at both ends, pure Python", "pure", _OURS, _OURS, pure=True)
MIXED = (
    Pairing("pbext publishes or calls, its peer is stock", "to stock", _OURS, _STOCK),
    Pairing("stock publishes or calls, its peer is pbext", "from stock", _STOCK, _OURS),
)
RIVALS = tuple(Pairing(name, name, _STOCK, _STOCK, other=name) for name in OTHERS)
