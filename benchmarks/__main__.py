"""
C{python -m benchmarks [JOB...]}: see README.rst beside this file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from benchmarks.jobs import JOBS
from benchmarks.others import OTHERS
from benchmarks.pairings import MIXED, OURS, PURE, RIVALS, STOCK, Pairing, Sample
from benchmarks.profiles import PROFILE
from benchmarks.rounds import Row, rows, takeSamples
from benchmarks.table import NOT_SLOWER, beside, columns, goalOf, heading, line, machine
from pbext.wire._codec import CODEC

#: An odd number has a middle.
_ROUNDS = 9

#: What C{--profile} can show.
_PROFILED = {"stock": STOCK, "pbext": OURS, "pure": PURE}


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
    parser.add_argument(
        "--alone",
        action="store_true",
        help="without the other libraries",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write all samples, after each job",
    )
    parser.add_argument(
        "--read",
        type=Path,
        metavar="FILE",
        help="take no samples: show those that --json has written",
    )
    parser.add_argument(
        "--profile",
        choices=("near", "peer"),
        help="do the jobs once, and show where the time goes in the process that "
        "publishes or calls, or in its peer",
    )
    parser.add_argument(
        "--of",
        choices=_PROFILED,
        default="pbext",
        help="what is profiled (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    unknown = set(options.jobs) - set(JOBS)
    if unknown:
        parser.error(f"no job named {', '.join(sorted(unknown))}; see --list")
    if options.rounds < 1:
        parser.error("--rounds has to be 1 or more")
    options.jobs = [
        name for name in options.jobs or JOBS if _possible(name, JOBS[name].packages)
    ]
    return options


def _possible(name: str, packages: Sequence[str]) -> bool:
    lacking = [package for package in packages if find_spec(package) is None]
    if lacking:
        print(f"{name} is left out: no {', '.join(lacking)}", file=sys.stderr)
    return not lacking


def _pairings(options: Namespace) -> list[Pairing]:
    """
    What can be compared here.
    """
    found = [STOCK, OURS]
    if CODEC == "compiled":
        found.append(PURE)
    else:
        print(f"pbext's codec is {CODEC} here", file=sys.stderr)
    found += MIXED if options.mixed else ()
    for rival in () if options.alone else RIVALS:
        missing = OTHERS[rival.other].missing()
        if missing:
            print(f"{rival.name} is left out: no {missing}", file=sys.stderr)
        else:
            found.append(rival)
    return found


#: By job: by pairing: one for each round.
_Samples = dict[str, dict[str, list[Sample]]]


def _run(options: Namespace, pairings: Sequence[Pairing]) -> _Samples:
    """
    Take the samples.
    """
    if options.smoke:
        # All the jobs in the same processes: starting them is what takes time.
        taken = takeSamples(pairings, options.jobs, 1, smoke=True)
        found = {
            job: {name: samples for name, samples in taken.items() if job in samples[0]}
            for job in options.jobs
        }
        _keep(options, pairings, found)
        return found
    found = {}
    for name in options.jobs:
        print(f"{name}: {JOBS[name].title}", file=sys.stderr, flush=True)
        try:
            found[name] = takeSamples(pairings, [name], options.rounds, smoke=False)
        except subprocess.SubprocessError as error:
            print(f"{name}: {error}", file=sys.stderr)
        _keep(options, pairings, found)
    return found


def _keep(options: Namespace, pairings: Sequence[Pairing], samples: _Samples) -> None:
    """
    Write what there is so far: the whole takes long.
    """
    if options.json:
        tables = _rows(pairings, samples)
        content = {
            "machine": [*machine(), f"pbext: {CODEC}"],
            "tables": {
                n: [asdict(row) for row in table] for n, table in tables.items()
            },
            "samples": samples,
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n")


def _rows(pairings: Sequence[Pairing], samples: _Samples) -> dict[str, list[Row]]:
    """
    @return: by pairing: its table.
    """
    return {
        pairing.name: [
            row
            for job, taken in samples.items()
            if pairing.name in taken
            for row in rows(job, taken[STOCK.name], taken[pairing.name])
        ]
        for pairing in pairings
        if pairing is not STOCK
    }


def _profile(options: Namespace) -> int:
    for job in options.jobs:
        environment = {PROFILE: options.profile}
        print(_PROFILED[options.of].sample([job], options.smoke, environment))
    return 0


def main(argv: Sequence[str]) -> int:
    """
    @return: the exit status: 1 if a job gave no row.
    """
    options = _options(argv)
    if options.list:
        for name, job in JOBS.items():
            print(f"{name:<18} {job.title}")
        return 0
    pairings = _pairings(options)
    try:
        if options.profile:
            return _profile(options)
        where = [*machine(), f"pbext: {CODEC}"]
        if options.read:
            content = json.loads(options.read.read_text())
            where, samples = content["machine"], content["samples"]
            options.jobs = list(samples)
        else:
            samples = _run(options, pairings)
    except subprocess.SubprocessError as error:
        print(error, file=sys.stderr)
        return 1
    tables = _rows(pairings, samples)
    print(*where, sep=", ")
    for pairing in pairings:
        if tables.get(pairing.name) and not pairing.other:
            print("", heading(pairing.name), sep="\n")
            for row in tables[pairing.name]:
                # With stock at one end, the other is not to be slower.
                goal = NOT_SLOWER if pairing in MIXED else goalOf(row)
                print(line(row, goal, pairing.pure))
    _printOthers(tables)
    missing = set(options.jobs) - {row.job for row in tables[OURS.name]}
    return 1 if missing else 0


def _printOthers(tables: Mapping[str, list[Row]]) -> None:
    """
    The figures that other libraries have as well: those of calls, and those of
    one who tells many, which others do.
    """
    found = {n: {(r.job, r.figure): r.other for r in t} for n, t in tables.items()}
    for kinds in ({"echo", "object"}, {"fan"}):
        rows = [row for row in tables[OURS.name] if JOBS[row.job].kind in kinds]
        rivals = [
            p for p in RIVALS if found.get(p.name) and OTHERS[p.other].does & kinds
        ]
        if not rivals or not rows:
            continue
        shown = [p for p in (OURS, PURE, *rivals) if found.get(p.name)]
        print("", columns([p.short for p in (STOCK, *shown)]), sep="\n")
        for row in rows:
            values = {p.name: found[p.name].get((row.job, row.figure)) for p in shown}
            print(beside(row, {STOCK.name: row.stock, **values}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
