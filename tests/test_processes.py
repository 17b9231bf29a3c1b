"""
What the tests that start processes rely on.
"""

from __future__ import annotations

import os
import signal
import sys
import unittest
from pathlib import Path

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.processes import Child, directory, environment


def python(testCase: TestCase, code: str) -> Child:
    return Child.start(testCase, [sys.executable, "-c", code])


class ChildTests(TestCase):
    """
    A process, seen from the test that has started it.
    """

    timeout = 60

    async def test_lines(self) -> None:
        """
        A line is matched when it is complete, and at the end of all output;
        also one that has come before.
        """
        code = "import sys; sys.stdout.write('port 88\\nport 99'); sys.stdout.flush()"
        child = python(self, code)
        first, second = await gatherResults(
            [child.waitFor(r"port (\d+)"), child.waitFor(r"^port (9+)$")]
        )
        self.assertEqual((first[1], second[1]), ("88", "99"))
        self.assertEqual(await child.ended(), (0, "port 88\nport 99"))
        self.assertEqual((await child.waitFor("^port 88$"))[0], "port 88")

    async def test_inVain(self) -> None:
        """
        To wait for what a process never printed fails when it has ended, and
        shows what it printed.
        """
        child = python(self, "print('a frog')")
        error = await self.assertFailure(child.waitFor("a toad"), AssertionError)
        self.assertIn("'a toad'", str(error))
        self.assertIn("a frog", str(error))

    async def test_errors(self) -> None:
        """
        Errors are in the output, and also apart; the exit code is told.
        """
        child = python(self, "import sys; sys.exit('croak')")
        self.assertEqual(await child.ended(), (1, "croak\n"))
        self.assertEqual(child.errors, "croak\n")

    async def test_kill(self) -> None:
        """
        A process that was killed ends with minus the number of the signal.
        """
        child = python(self, "print('up'); import time; time.sleep(600)")
        await child.waitFor("up")
        child.kill("TERM")
        self.assertEqual((await child.ended())[0], -signal.SIGTERM)

    async def test_nothingLeft(self) -> None:
        """
        At the end of a test its processes are gone and waited for, and so
        are their directories; what it was still waiting for is an error.
        """
        child = python(self, "print('up'); import time; time.sleep(600)")
        await child.waitFor("up")
        pid = child.pid
        assert pid is not None
        child.waitFor("a toad").addErrback(lambda failure: None)
        with self.assertRaises(AssertionError) as caught:
            await child._bury()
        self.assertIn("'a toad'", str(caught.exception))
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)


class EnvironmentTests(SynchronousTestCase):
    """
    Where a process starts.
    """

    def test_environment(self) -> None:
        """
        PYTHONPATH is not handed down, unless it is said.
        """
        self.patch(os, "environ", {"PYTHONPATH": "/pond", "COLOUR": "green"})
        self.assertEqual(
            environment(FROGS="7"),
            {"PYTHONUNBUFFERED": "1", "COLOUR": "green", "FROGS": "7"},
        )
        self.assertEqual(environment(PYTHONPATH="/lake")["PYTHONPATH"], "/lake")

    def test_directory(self) -> None:
        """
        A directory is there for the test, and no longer.
        """
        made: list[Path] = []

        class Inner(SynchronousTestCase):
            def runTest(self) -> None:
                made.append(directory(self))
                self.assertEqual(list(made[0].iterdir()), [])

        result = unittest.TestResult()
        Inner().run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (1, [], []))
        self.assertFalse(made[0].exists())
