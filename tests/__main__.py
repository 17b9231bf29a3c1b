"""
The whole test suite, C{python -m tests}: all behaviour with trial and with
pytest, in the order of the files and in a random one; what waits for the
network under the asyncio reactor too; and what is about pytest itself in a
process of its own, since pytest-twisted and waiting trial cases in one process
end in DirtyReactor errors.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

#: What waits for processes or for sockets.
WAITING = [
    *sorted(f"tests.{path.stem}" for path in (TOP / "tests").glob("test_faults*.py")),
    "tests.test_receiver",
    "tests.test_examples",
]


def main() -> int:
    seed = random.randrange(1_000_000)
    trial = ["-m", "twisted.trial"]
    pytest = ["-m", "pytest", "-q", "tests"]
    runs = {
        "trial": [*trial, "tests"],
        "trial, random order": [*trial, f"--random={seed}", "tests"],
        "trial, asyncio": [*trial, "--reactor=asyncio", *WAITING],
        "pytest": [*pytest, "-p", "no:randomly"],
        "pytest, random order": [*pytest, f"--randomly-seed={seed}"],
        "pytest's own": ["-m", "pytest", "-q", "-p", "twisted", "tests/test_pytest"],
    }
    failed = []
    with tempfile.TemporaryDirectory(prefix="pbext-tests-") as shared:
        # Environments that several runs need are made once, in here.
        environment = {**os.environ, "PBEXT_TEST_ENVIRONMENTS": shared}
        for name, command in runs.items():
            print(f"--- {name}: python {' '.join(command)}", flush=True)
            start = time.monotonic()
            status = subprocess.call(
                [sys.executable, *command], cwd=TOP, env=environment
            )
            print(f"--- {name}: {status or 'ok'}, {time.monotonic() - start:.0f} s")
            if status:
                failed.append(name)
    print(f"{len(runs) - len(failed)} passed, {len(failed)} failed")
    if failed:
        print("failed: " + "; ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
