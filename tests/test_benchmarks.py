"""
Tests for C{benchmarks}: that they run.  What they measure is no test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.growth import table
from benchmarks.jobs import GROWTH, JOBS, Goal, find
from benchmarks.others import OTHERS, Other
from benchmarks.pairings import MIXED, OURS, STOCK
from benchmarks.rounds import Row, rows
from benchmarks.table import beside, line
from benchmarks.tally import Tally

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
        The smoke run does every job that is possible here, in all pairings with
        C{pb}, and says so.  The gate does it with the other libraries as well.
        """
        with TemporaryDirectory() as directory:
            result = Path(directory, "result.json")
            done = _run("--smoke", "--mixed", "--alone", "--json", str(result))
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            content = json.loads(result.read_text())
        for said in done.stderr.splitlines():
            self.assertRegex(said, "^(.* is left out: no .*|pbext's codec is .* here)$")
        possible = {n: j for n, j in JOBS.items() if all(map(find_spec, j.packages))}
        printed = {text.split()[0] for text in done.stdout.splitlines() if text}
        self.assertLessEqual(set(possible), printed)
        tables = {
            name: {row["job"] for row in table}
            for name, table in content["tables"].items()
        }
        self.assertEqual(set(possible), tables[OURS.name])
        between = {name for name, job in possible.items() if job.peer}
        for mixed in MIXED:
            self.assertEqual(between, tables[mixed.name])

    def test_jobsByName(self) -> None:
        """
        Only the jobs that are named are done, by other libraries as well.
        """
        done = _run("--smoke", "echo")
        self.assertEqual(0, done.returncode, done.stderr)
        titles = [text for text in done.stdout.splitlines() if "AMP" in text]
        self.assertEqual(1, len(titles), done.stdout)
        self.assertIn("bare", titles[0])
        self.assertIn("echo  ", done.stdout)
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
            "sys.executable = sys.argv[1]; sys.exit(main(['--smoke', 'echo']))"
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


class AttacksTests(SynchronousTestCase):
    def test_smoke(self) -> None:
        """
        An attack gives a row for each server that there is here.
        """
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.attacks", "--smoke", "references"],
            cwd=_HOME,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        rows = [text for text in done.stdout.splitlines() if "references" in text]
        self.assertEqual(2 + (find_spec("pbext.wire._fast") is not None), len(rows))
        for row in rows[1:]:
            self.assertTrue(row.endswith("closed"), row)


class RowTests(SynchronousTestCase):
    def test_ratioIsOfNeighbours(self) -> None:
        """
        Each sample is compared with stock's of the same round, and the middle
        one counts.
        """
        stock = [{"j": {"time, us": x}} for x in (10.0, 20.0, 60.0)]
        other = [{"j": {"time, us": x}} for x in (5.0, 40.0, 12.0)]
        [row] = rows("j", stock, other)
        self.assertEqual((2.0, 0.5, 5.0), row.ratios)
        self.assertEqual(2.0, row.ratio)
        self.assertEqual((20.0, 12.0), (row.stock, row.other))

    def test_goal(self) -> None:
        """
        A row that is short of its goal is marked; pure Python has its own.
        """
        row = Row("echo", "f", 40.0, 10.0, (4.0,))
        goal = Goal(times=5, pure=4)
        self.assertTrue(line(row, goal).endswith("NO"))
        self.assertTrue(line(row, goal, pure=True).endswith("yes"))
        self.assertTrue(line(row, Goal(atMost=9)).endswith("NO"))
        self.assertTrue(line(row, Goal(atMost=10)).endswith("yes"))

    def test_goalsAreOfFigures(self) -> None:
        """
        What is beside another library is something that it does.
        """
        for name, job in JOBS.items():
            for goal in job.goals.values():
                for other in goal.beside:
                    self.assertIn(job.kind, OTHERS[other].does, name)

    def test_beside(self) -> None:
        """
        A goal beside another library is of what that has, where it was measured.
        """
        row = Row("object", "time, us", 40.0, 10.0, (4.0,))
        self.assertIn("(RPyC): NO", beside(row, {"RPyC": 9.0, "Pyro5": None}))
        self.assertNotIn("Pyro5", beside(row, {"RPyC": 9.0, "Pyro5": None}))
        self.assertIn("(RPyC): yes", beside(row, {"RPyC": 11.0}))


class GrowthTests(SynchronousTestCase):
    def test_straight(self) -> None:
        """
        What takes longer the more there is of it is no straight line.
        """
        found = {
            size: {
                "stock at both ends": [{"j": {"time, us": float(size)}}],
                "pbext at both ends": [{"j": {"time, us": 1.0}}],
            }
            for size in (1, 10)
        }
        *_, last = table("x", [STOCK, OURS], found)
        self.assertEqual(["straight", "NO", "yes"], last.split())

    def test_jobs(self) -> None:
        """
        Each size has a job, by its name.
        """
        for what, sizes in GROWTH.items():
            for size, job in sizes.items():
                self.assertIs(job, find(f"{what}-{size}"))


class OthersTests(SynchronousTestCase):
    def test_missing(self) -> None:
        """
        A library says what it lacks.
        """
        there = Other("bare", frozenset(), ("twisted",))
        self.assertEqual("", there.missing())
        gone = Other("bare", frozenset(), ("twisted", "no_such_package"), "no-program")
        self.assertEqual("no_such_package, no-program", gone.missing())


class TallyTests(SynchronousTestCase):
    def test_severalWait(self) -> None:
        """
        Each is told when it is its turn.
        """
        tally = Tally()
        waiting = [tally.whenReached(count) for count in (1, 1, 3)]
        tally.add()
        tally.add()
        self.successResultOf(waiting[0])
        self.successResultOf(waiting[1])
        self.assertNoResult(waiting[2])
        tally.add()
        self.successResultOf(waiting[2])
        self.successResultOf(tally.whenReached(3))
