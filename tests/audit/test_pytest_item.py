"""
C{pytest --pbext-audit}, in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.audit.test_job import POND
from tests.audit.written import Written
from tests.processes import Child, directory

#: A test that passes.
TEST = "def test_pass():\n    pass\n"


class ItemTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.home = directory(self)

    async def run_(self, *options: str, **files: str) -> tuple[int, str]:
        """
        @return: how pytest ended, and what it printed.
        """
        Written(str(self.home), test_other=TEST, **files)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        return await Child.start(self, command, cwd=self.home).ended()

    def settings(self, text: str) -> None:
        Path(self.home, "pyproject.toml").write_text(f"[tool.pbext]\n{text}\n")

    async def test_finds(self) -> None:
        """
        What is found is a failure, with the report and no traceback.
        """
        code, output = await self.run_("--pbext-audit=pond", pond=POND)
        self.assertEqual(code, 1, output)
        self.assertIn("_ pbext audit pond _", output)
        self.assertIn("  pond.py:4:16: warning PBX001: ", output)
        self.assertIn("2 warnings in 2 classes or modules; 1 of 1 file read", output)
        self.assertIn("1 failed, 1 passed", output)
        self.assertNotIn("Traceback", output)
        self.assertNotIn("pytest_plugin.py", output)

    async def test_findsNothing(self) -> None:
        """
        A target that is right is a test that passes; there may be several.
        """
        code, output = await self.run_(
            "--pbext-audit=pond", "--pbext-audit", "lakes", pond="", lakes__init=""
        )
        self.assertEqual(code, 0, output)
        self.assertIn("2 passed", output)

    async def test_notAsked(self) -> None:
        """
        Without the option, there is no audit.
        """
        self.settings("targets = ['pond']")
        code, output = await self.run_(pond=POND)
        self.assertEqual(code, 0, output)
        self.assertIn("1 passed", output)

    async def test_settings(self) -> None:
        """
        What is audited by default, and how bad it has to be, is settled by the project.
        """
        self.settings("targets = ['pond']")
        code, output = await self.run_("--pbext-audit", pond=POND)
        self.assertEqual(code, 1, output)
        self.assertIn("1 failed, 1 passed", output)
        self.settings("targets = ['pond']\nfail-on = 'error'")
        code, output = await self.run_("--pbext-audit")
        self.assertEqual(code, 0, output)
        self.assertIn("2 passed", output)

    async def test_cannotRun(self) -> None:
        """
        That it cannot run is an error, in a sentence.
        """
        code, output = await self.run_("--pbext-audit=nopond")
        self.assertEqual(code, 1, output)
        self.assertIn(
            "the audit cannot run: nopond: there is no such file, directory, module or "
            "package\n",
            output,
        )
        self.assertIn("1 passed, 1 error", output)
        self.assertNotIn("Traceback", output)
        self.assertNotIn("pytest_plugin.py", output)
        code, output = await self.run_("--pbext-audit")
        self.assertIn("the audit cannot run: say what to audit", output)

    async def test_deselected(self) -> None:
        """
        It is chosen like other tests, and the only one if there are no others.
        """
        options = "--pbext-audit=pond", "-k"
        code, output = await self.run_(*options, "test_pass", pond=POND)
        self.assertEqual(code, 0, output)
        self.assertIn("1 passed, 1 deselected", output)
        code, output = await self.run_(*options, "pbext-audit")
        self.assertEqual(code, 1, output)
        self.assertIn("1 failed, 1 deselected", output)
