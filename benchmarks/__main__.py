"""
C{python -m benchmarks [JOB...]}: see README.rst beside this file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.jobs import JOBS
from benchmarks.rounds import (
    MIXED,
    OURS,
    STOCK,
    Row,
    Sample,
    rows,
    takeSamples,
)
from benchmarks.table import heading, line, machine

#: An odd number has a middle.
_ROUNDS = 9


def _options(argv: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="What pbext costs, beside stock Perspective Broker.",
    )
    parser.add_argument("jobs", metavar="JOB", nargs="*", help="only these; see --list")
    parser.add_argument("--list", action="store_true", help="say what jobs there are")
    parser.add_argument(
        "--rounds",
        type=int,
        default=_ROUNDS,
        help="samples of each kind (default: %(default)s)",
    )
    parser.add_argument(
        "--mixed",
        action="store_true",
        help="also with pbext at one end and stock at the other",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="do everything once and tiny: only to see that it works",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples")
    options = parser.parse_args(argv)
    unknown = set(options.jobs) - set(JOBS)
    if unknown:
        parser.error(f"no job named {', '.join(sorted(unknown))}; see --list")
    if options.rounds < 1:
        parser.error("--rounds has to be 1 or more")
    options.jobs = options.jobs or list(JOBS)
    return options


def _run(options: Namespace) -> dict[str, dict[str, list[Sample]]]:
    """
    Take the samples.

    @return: by job: by pairing: one for each round.
    """
    pairings = (STOCK, OURS, *(MIXED if options.mixed else ()))
    if options.smoke:
        # All the jobs in the same processes: starting them is what takes time.
        taken = takeSamples(pairings, options.jobs, 1, smoke=True)
        return dict.fromkeys(options.jobs, taken)
    found = {}
    for name in options.jobs:
        print(f"{name}: {JOBS[name].title}", file=sys.stderr, flush=True)
        try:
            found[name] = takeSamples(pairings, [name], options.rounds, smoke=False)
        except subprocess.SubprocessError as error:
            print(f"{name}: {error}", file=sys.stderr)
    return found


def _rows(
    options: Namespace, samples: dict[str, dict[str, list[Sample]]]
) -> dict[str, list[Row]]:
    """
    @return: by pairing: its table.
    """
    others = [OURS, *(MIXED if options.mixed else ())]
    return {
        other.name: [
            row
            for job, taken in samples.items()
            if other is OURS or JOBS[job].peer
            for row in rows(job, taken[STOCK.name], taken[other.name])
        ]
        for other in others
    }


def main(argv: Sequence[str]) -> int:
    """
    @return: the exit status: 1 if a job gave no row.
    """
    options = _options(argv)
    if options.list:
        for name, job in JOBS.items():
            print(f"{name:<18} {job.title}")
        return 0
    try:
        samples = _run(options)
    except subprocess.SubprocessError as error:
        print(error, file=sys.stderr)
        return 1
    tables = _rows(options, samples)
    print(*machine(), sep=", ")
    for name, table in tables.items():
        print("", heading(name), *map(line, table), sep="\n")
    if options.json:
        content = {
            "machine": list(machine()),
            "tables": {
                n: [asdict(row) for row in table] for n, table in tables.items()
            },
            "samples": samples,
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    missing = set(options.jobs) - {row.job for row in tables[OURS.name]}
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
