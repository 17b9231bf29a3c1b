"""
C{python -m benchmarks.growth}: how the time for one of something grows with how
much there is of it at once.  It should not: then the whole is a straight line.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.jobs import GROWTH, STOCK_GROWS
from benchmarks.pairings import OURS, PURE, STOCK, Pairing, Sample
from benchmarks.rounds import takeSamples
from benchmarks.table import machine, number
from pbext.wire._codec import CODEC

#: An odd number has a middle.
_ROUNDS = 3

#: The last may take so many times what the least takes: memory that is in the
#: processor's cache, or not, is no curve.
_STRAIGHT = 2.5

#: In a smoke run, of each.
_FEW = 2


#: By size: by pairing: the samples.
_Grown = dict[int, dict[str, list[Sample]]]


def _grown(what: str, pairings: Sequence[Pairing], rounds: int) -> _Grown:
    found = {}
    for size in GROWTH[what]:
        able = [p for p in pairings if p is not STOCK or size <= STOCK_GROWS[what]]
        found[size] = takeSamples(able, [f"{what}-{size}"], rounds, smoke=False)
    return found


def _smoke(what: str, pairings: Sequence[Pairing]) -> _Grown:
    sizes = list(GROWTH[what])[:_FEW]
    taken = takeSamples(pairings, [f"{what}-{s}" for s in sizes], 1, smoke=True)
    return {
        size: {
            name: [{what: sample[f"{what}-{size}"]} for sample in samples]
            for name, samples in taken.items()
        }
        for size in sizes
    }


def table(what: str, pairings: Sequence[Pairing], found: _Grown) -> Iterator[str]:
    """
    @return: for each figure: a line for each size.
    """
    medians: dict[str, dict[int, dict[str, float]]] = {}
    for size, samples in found.items():
        for name, taken in samples.items():
            [job] = taken[0]
            for figure in taken[0][job]:
                value = median(sample[job][figure] for sample in taken)
                medians.setdefault(figure, {}).setdefault(size, {})[name] = value
    for figure, rows in medians.items():
        yield f"\n{what}: {figure}"
        yield f"{'':>12}" + "".join(f"{p.short:>10}" for p in pairings)
        for size, values in rows.items():
            shown = (values.get(p.name) for p in pairings)
            cells = ("" if v is None else number(v) for v in shown)
            yield f"{size:>12,}" + "".join(f"{cell:>10}" for cell in cells)
        columns = ([v[p.name] for v in rows.values() if p.name in v] for p in pairings)
        straight = ("yes" if c[-1] <= _STRAIGHT * min(c) else "NO" for c in columns)
        yield f"{'straight':>12}" + "".join(f"{cell:>10}" for cell in straight)


def main(argv: Sequence[str]) -> int:
    """
    @return: the exit status.
    """
    parser = ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument(
        "--smoke", action="store_true", help="only to see that it works"
    )
    options = parser.parse_args(argv)
    pairings = [STOCK, OURS, *([PURE] if CODEC == "compiled" else [])]
    print(*machine(), f"pbext: {CODEC}", sep=", ")
    for what in GROWTH:
        try:
            found = (
                _smoke(what, pairings)
                if options.smoke
                else _grown(what, pairings, options.rounds)
            )
        except subprocess.SubprocessError as error:
            print(error, file=sys.stderr)
            return 1
        print(*table(what, pairings, found), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
