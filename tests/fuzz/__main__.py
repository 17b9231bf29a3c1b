"""
C{python -m tests.fuzz --seconds N}: coverage-guided fuzzing of what reads and
writes the wire, from a corpus of real conversations; see
L{tests.fuzz._targets}.  Needs the extra C{fuzz}.

Prints how many inputs were tried, and how much of C{pbext/wire} those that are
kept go through; and fails with the first input that finds something.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from twisted.logger import globalLogBeginner

#: Branches of C{pbext/wire}, in percent.
GOAL = 95.0

_HOME = Path(__file__).parent.parent.parent

#: What libFuzzer is told: bytes of an input; seconds for one; MiB for all.
_BOUNDS = ["-max_len=8200", "-timeout=20", "-rss_limit_mb=2000"]


def _options(argv: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="1 by default")
    parser.add_argument(
        "--codec",
        choices=("pure", "compiled"),
        help="the one in Python alone, or the compiled one beside it; by default what "
        "there is",
    )
    parser.add_argument("--corpus", type=Path, help="a directory to keep inputs in")
    parser.add_argument("--again", type=Path, nargs="+", help="try these inputs")
    return parser.parse_args(argv)


def _codecs(options: Namespace) -> str:
    from tests.codecs import CODECS

    names = [codec.name for codec in CODECS]
    if options.codec == "pure":
        names = ["pure Python"]
    if options.codec == "compiled" and len(names) < 2:
        sys.exit("the compiled codec was not built")
    return ",".join(names)


def _run(
    *arguments: str | Path, pure: bool = False
) -> subprocess.CompletedProcess[str]:
    """
    @param pure: whether the process has the codec in Python alone.
    """
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    if pure:
        environment["PBEXT_PURE"] = "1"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=_HOME,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _fuzz(options: Namespace, codecs: str, corpus: Path) -> int:
    """
    @return: how many inputs were tried.
    """
    last = corpus.parent / "last"
    done = _run(
        "-m",
        "tests.fuzz._worker",
        codecs,
        last,
        f"-max_total_time={options.seconds}",
        f"-seed={options.seed}",
        f"-artifact_prefix={corpus.parent}/",
        "-print_final_stats=1",
        *_BOUNDS,
        corpus,
        pure="compiled" not in codecs,
    )
    tried = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    if done.returncode or not tried:
        print(done.stdout[-6000:], f"exit status {done.returncode}", sep="\n")
        data = last.read_bytes()
        print("last", data[4 : 4 + int.from_bytes(data[:4], "little")].hex())
        for found in corpus.parent.glob("*-*"):
            if found.is_file():
                print(found.name, found.read_bytes().hex())
        sys.exit(1)
    return int(tried[1])


def _cover(corpus: Path) -> float:
    """
    @return: of the branches of C{pbext/wire}, how many percent the inputs go
        through.
    """
    data = corpus.parent / "data"
    coverage = ("-m", "coverage")
    common = f"--data-file={data}"
    inputs = sorted(corpus.iterdir())
    again = ("-m", "tests.fuzz._worker", "pure Python", "--again", *inputs)
    source = ("--branch", "--source=pbext.wire")
    done = _run(*coverage, "run", common, *source, *again, pure=True)
    if done.returncode:
        print(done.stdout[-6000:])
        sys.exit(1)
    report = corpus.parent / "report.json"
    _run(*coverage, "json", common, "-o", report)
    print(_run(*coverage, "report", common, "--show-missing").stdout)
    totals = json.loads(report.read_text())["totals"]
    return float(100 * totals["covered_branches"] / totals["num_branches"])


def main(argv: Sequence[str]) -> int:
    """
    @return: the exit status.
    """
    options = _options(argv)
    codecs = _codecs(options)
    if options.again:
        done = _run("-m", "tests.fuzz._worker", codecs, "--again", *options.again)
        print(done.stdout, end="")
        return done.returncode
    if not (find_spec("atheris") and find_spec("coverage")):
        print("pip install pbext[fuzz]")
        return 2
    from tests.fuzz._corpus import seeds

    # What goes wrong on purpose is no news.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    with tempfile.TemporaryDirectory() as directory:
        corpus = options.corpus or Path(directory, "corpus")
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            (corpus / sha256(seed).hexdigest()[:20]).write_bytes(seed)
        begun = len(list(corpus.iterdir()))
        tried = _fuzz(options, codecs, corpus)
        kept = len(list(corpus.iterdir()))
        covered = _cover(corpus)
    print(f"codecs: {codecs.replace(',', ', ')}")
    print(
        f"executions: {tried:,}; inputs: {begun:,} to begin with, {kept:,} in the end"
    )
    print(f"branches of pbext/wire: {covered:.1f} % (goal: {GOAL:.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
