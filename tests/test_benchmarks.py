"""
Tests for C{benchmarks}: that they run.  What they measure is no test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.jobs import JOBS
from benchmarks.rounds import Row, rows
from benchmarks.table import line

_HOME = Path(__file__).parent.parent


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=_HOME,
        capture_output=True,
        text=True,
        timeout=120,
    )


class SmokeTests(SynchronousTestCase):
    def test_everyJobGivesARow(self) -> None:
        """
        The smoke run does every job, in all pairings, and says so.
        """
        with TemporaryDirectory() as directory:
            result = Path(directory, "result.json")
            done = _run("--smoke", "--mixed", "--json", str(result))
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            content = json.loads(result.read_text())
        self.assertEqual("", done.stderr)
        printed = {text.split()[0] for text in done.stdout.splitlines() if text}
        self.assertLessEqual(set(JOBS), printed)
        ours, *mixed = content["tables"].values()
        self.assertEqual(set(JOBS), {row["job"] for row in ours})
        between = {name for name, job in JOBS.items() if job.peer}
        self.assertEqual(2, len(mixed))
        for table in mixed:
            self.assertEqual(between, {row["job"] for row in table})

    def test_jobsByName(self) -> None:
        """
        Only the jobs that are named are done.
        """
        done = _run("--smoke", "calls")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("calls  ", done.stdout)
        self.assertNotIn("fanout", done.stdout)

    def test_unknownJob(self) -> None:
        """
        A job that there is not is one line, and no traceback.
        """
        done = _run("swimming")
        self.assertEqual(2, done.returncode)
        self.assertIn("no job named swimming", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_failingJob(self) -> None:
        """
        A run in which a process fails says so by its exit status.
        """
        # C{false}, which takes any argument and fails, in Python's place.
        code = (
            "import sys; from benchmarks.__main__ import main;"
            "sys.executable = sys.argv[1]; sys.exit(main(['--smoke', 'calls']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "false"],
            cwd=_HOME,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(1, done.returncode)
        self.assertIn("benchmarks.sample", done.stderr)


class RowTests(SynchronousTestCase):
    def test_ratioIsOfNeighbours(self) -> None:
        """
        Each sample is compared with stock's of the same round, and the middle
        one counts.
        """
        stock = [{"j": {"time, us": x}} for x in (10.0, 20.0, 40.0)]
        other = [{"j": {"time, us": x}} for x in (11.0, 40.0, 60.0)]
        [row] = rows("j", stock, other)
        self.assertEqual((1.1, 2.0, 1.5), row.ratios)
        self.assertEqual(1.5, row.ratio)
        self.assertEqual((20.0, 40.0), (row.stock, row.other))

    def test_overTheGoal(self) -> None:
        """
        A row that is over the goal is marked.
        """
        self.assertTrue(line(Row("j", "f", 1.0, 1.3, (1.3,))).endswith("yes"))
        self.assertTrue(line(Row("j", "f", 1.0, 1.31, (1.31,))).endswith("NO"))
