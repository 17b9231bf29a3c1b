"""
The whole test suite, C{python -m tests}: all behaviour with trial, in the order
of the files and in a random one, on the compiled wire if it was built; in a
random order with pytest, on the one in pure Python; what waits for the network
under the asyncio reactor too; and what is about pytest itself in a process of its
own, since pytest-twisted and waiting trial cases in one process end in
DirtyReactor errors.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

#: What does its work in processes of its own, whatever came before it here, and
#: is not tried in a random order.
APART = {
    "test_packaging",
    "test_benchmarks",
    "audit.test_command",
    "audit.test_imports",
    "audit.test_manifest_command",
    "audit.test_pytest_item",
    "audit.test_sample_imports",
}

#: What waits for processes or for sockets.
WAITING = [
    *sorted(f"tests.{path.stem}" for path in (TOP / "tests").glob("test_faults*.py")),
    "tests.test_receiver",
    "tests.test_examples",
]

#: The run on the wire in pure Python.
PURE = "pytest, random order, pure Python"


def lanes() -> list[dict[str, list[str]]]:
    """
    @return: the runs, by name, that go on beside each other.
    """
    seed = random.randrange(1_000_000)
    trial = ["-m", "twisted.trial"]
    pytest = ["-m", "pytest", "-q"]
    modules = [
        ".".join(path.relative_to(TOP / "tests").with_suffix("").parts)
        for pattern in ("test_*.py", "audit/test_*.py")
        for path in sorted((TOP / "tests").glob(pattern))
    ]
    together = [f"tests.{name}" for name in modules if name not in APART]
    apart = [f"--ignore=tests/{name.replace('.', '/')}.py" for name in sorted(APART)]
    return [
        {
            "trial": [*trial, "tests"],
            "trial, asyncio": [*trial, "--reactor=asyncio", *WAITING],
            "pytest's own": [*pytest, "-p", "twisted", "tests/test_pytest"],
        },
        {
            "trial, random order": [*trial, f"--random={seed}", *together],
            PURE: [*pytest, f"--randomly-seed={seed}", "tests", *apart],
        },
    ]


def follow(runs: dict[str, list[str]]) -> list[str]:
    """
    Do some runs, one after the other, and print what each has printed when it
    is over.

    @return: the names of those that failed.
    """
    failed = []
    with tempfile.TemporaryDirectory(prefix="pbext-tests-") as shared:
        # Environments that several runs need are made once, in here.
        environment = {**os.environ, "PBEXT_TEST_ENVIRONMENTS": shared}
        for name, command in runs.items():
            start = time.monotonic()
            done = subprocess.run(
                [sys.executable, *command],
                cwd=TOP,
                env={**environment, "PBEXT_PURE": "1" if name == PURE else ""},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            passed = time.monotonic() - start
            print(
                f"--- {name}: python {' '.join(command)[:200]}\n{done.stdout}"
                f"--- {name}: {done.returncode or 'ok'}, {passed:.0f} s",
                flush=True,
            )
            if done.returncode:
                failed.append(name)
    return failed


def main() -> int:
    runs = lanes()
    number = sum(map(len, runs))
    print(
        f"--- {number} runs, two at a time; each is shown when it is over", flush=True
    )
    with ThreadPoolExecutor() as pool:
        failed = [name for names in pool.map(follow, runs) for name in names]
    print(f"{number - len(failed)} passed, {len(failed)} failed")
    if failed:
        print("failed: " + "; ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
