"""
C{python -m pbext demo}, and the command line around it.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from twisted.trial.unittest import TestCase

import pbext
from pbext.wire._codec import CODEC
from tests.processes import Child, directory, environment


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class DemoTests(TestCase):
    timeout = 60

    async def test_demo(self) -> None:
        """
        It tells the whole story, ends by itself with status 0, and leaves no
        file and no directory behind.
        """
        home, temporary = directory(self), directory(self)
        child = Child.start(
            self,
            [sys.executable, "-m", "pbext", "demo"],
            cwd=home,
            env=environment(TMPDIR=str(temporary)),
        )
        code, output = await child.ended()
        self.assertEqual(code, 0, output)
        for said in (
            "3 x twistd -n pbreceiver",
            "arrived safe and sound; the receiver counts 7 frogs",
            "3 frogs + 4 toads = 7",
            "the password stayed here",
            "3 of 3 observers in step",
            "2 told, 1 dropped, 0 starved",
            "1 told, then AttributeError; 1 starved",
            "twistd -n pbreceiver --listen ",
        ):
            self.assertIn(said, output)
        self.assertNotIn("WRONG", output)
        self.assertEqual([*home.iterdir(), *temporary.iterdir()], [])

    async def test_broken(self) -> None:
        """
        When its receivers cannot start it says so, and its status is not 0.
        """
        home = directory(self)
        (home / "twisted_is_broken").mkdir(parents=True)
        # A receiver's own Python finds this first; the demo's runs from here.
        (home / "twisted_is_broken" / "sitecustomize.py").write_text(
            "import os, sys\n"
            "if '--nodaemon' in sys.orig_argv:\n"
            "    print('no twistd today', flush=True)\n"
            "    os._exit(3)\n"
        )
        child = Child.start(
            self,
            [sys.executable, "-m", "pbext", "demo"],
            env=environment(PYTHONPATH=str(home / "twisted_is_broken")),
        )
        code, output = await child.ended()
        self.assertEqual(code, 1, output)
        self.assertIn("a receiver did not start", output)
        self.assertIn("no twistd today", output)
        self.assertNotIn("Traceback", output)

    async def test_interrupted(self) -> None:
        """
        Interrupted, it takes its receivers with it.
        """
        child = Child.start(self, [sys.executable, "-m", "pbext", "demo"])
        await child.waitFor("^receivers ")
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        if not children.exists():
            child.kill("INT")
            await child.ended()
            return  # no way to see them here
        receivers = [int(pid) for pid in children.read_text().split()]
        self.assertTrue(receivers)
        child.kill("INT")
        code, output = await child.ended()
        self.assertNotEqual(code, 0, output)
        self.assertEqual([pid for pid in receivers if _alive(pid)], [])


class CommandLineTests(TestCase):
    timeout = 60

    async def said(self, *arguments: str) -> tuple[int, str]:
        child = Child.start(self, [sys.executable, "-m", "pbext", *arguments])
        return await child.ended()

    async def test_version(self) -> None:
        """
        C{--version} is the version, and which wire there is.
        """
        shown = f"pbext {pbext.__version__} ({CODEC} wire)\n"
        self.assertEqual(await self.said("--version"), (0, shown))

    async def test_nonsense(self) -> None:
        """
        A command that is not there: the usage and one line, status 2.
        """
        for arguments in ([], ["frob"]):
            code, output = await self.said(*arguments)
            self.assertEqual(code, 2)
            self.assertTrue(
                re.search(r"^pbext: error: .*COMMAND", output, re.M), output
            )
            self.assertNotIn("Traceback", output)
