"""
C{python -m benchmarks.auditing}: how long the static audit takes, and how much
memory, for code bases of several sizes.

The code is Twisted's own, as installed here with its tests, under as many names as
there have to be files; or what is in the directories that are named.  Each run is
a process of its own, C{pbext audit --static}, measured from its start to its end.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import twisted

from benchmarks.table import machine

#: Files of the code bases.
_SIZES = (500, 1000, 2500, 5000)

#: An odd number has a middle.
_ROUNDS = 9

#: What 5,000 files may take: seconds, and MB.
GOAL = 60, 500


def _sources() -> Iterator[Path]:
    top = Path(twisted.__file__).parent
    yield from sorted(path for path in top.rglob("*.py") if path.name != "dropin.py")


def _write(directory: Path, count: int) -> None:
    """
    Make a code base of C{count} files.
    """
    top = Path(twisted.__file__).parent
    files = [*_sources()]
    for number in range(count):
        round_, index = divmod(number, len(files))
        place = directory / f"twisted{round_}" / files[index].relative_to(top)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[index], place)


def audit(targets: Sequence[str]) -> tuple[float, float, str]:
    """
    @return: seconds, megabytes, and the last line of the report.
    """
    command = [sys.executable, "-m", "pbext", "audit", "--static", *targets]
    with tempfile.TemporaryFile("w+") as report:
        start = os.times().elapsed
        process = subprocess.Popen(command, stdout=report)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = os.times().elapsed - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"{command} ended with {process.returncode}")
        report.seek(0)
        *_, last = report.read().strip().splitlines()
    return seconds, usage.ru_maxrss / 1024, last


def _measure(title: str, targets: Sequence[str], rounds: int) -> None:
    taken = [audit(targets) for _ in range(rounds)]
    seconds, memory = ([one[at] for one in taken] for at in (0, 1))
    print(
        f"{title:>8} {median(seconds):8.1f}  {min(seconds):.1f} - {max(seconds):.1f} "
        f"{median(memory):8.0f}   {taken[0][2]}",
        flush=True,
    )


def main(argv: Sequence[str]) -> int:
    """
    @return: the exit status.
    """
    parser = ArgumentParser(prog="python -m benchmarks.auditing")
    parser.add_argument("directory", nargs="*", help="code to read instead")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument(
        "--smoke", action="store_true", help="only to see that it works"
    )
    options = parser.parse_args(argv)
    rounds = 1 if options.smoke else options.rounds
    print(*machine(), sep=", ")
    print("goal for 5,000 files: {} s, {} MB\n".format(*GOAL))
    print(f"{'files':>8} {'seconds':>8}  min - max {'MB':>8}")
    if options.directory:
        _measure("", options.directory, rounds)
        return 0
    with tempfile.TemporaryDirectory() as directory:
        for size in (20,) if options.smoke else _SIZES:
            place = Path(directory, str(size))
            _write(place, size)
            _measure(f"{size:,}", [str(place)], rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
