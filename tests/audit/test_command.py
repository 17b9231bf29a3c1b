"""
C{pbext audit} and C{pbext explain}, as they are run.
"""

from __future__ import annotations

import json
import os
import sys

from twisted.trial.unittest import TestCase

from pbext.audit._rules import allRules
from pbext.audit.reports._explained import asPage
from tests.processes import Child, directory, environment

#: A warning, PBX001, on line 4.
POND = """\
from twisted.spread import pb

class Pond(pb.Copyable):
    name = "xyzzy"  # pbext: ignore[PBX002]
"""

#: Registers a class on line 8.
HOME = """\
from twisted.spread import pb
import lake

class Pond(pb.RemoteCopy):
    pass

print("hello")
pb.setUnjellyableForClass(lake.Pond, Pond)
"""


#: The guide's list and loop.
DUCKS = """\
from twisted.spread import pb

class DuckPond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)

    def addDuck(self, duck):
        for observer in self.observers:
            observer.callRemote("addDuck", duck)
"""


class Commands:
    """
    Runs commands in a directory with two programs, one of them clean.
    """

    timeout = 60

    def setUp(self) -> None:
        self.home = directory(self)
        (self.home / ".git").mkdir()  # no settings are looked for above
        self.write("pond.py", POND)
        self.write("lake.py", POND.partition("  #")[0] + "\n")

    def write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text, encoding="utf-8")

    async def said(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """
        @return: the exit status, what was printed, and what was complained of.
        """
        child = Child.start(
            self,
            [sys.executable, "-m", "pbext", *arguments],
            cwd=self.home,
            env=environment(**variables),
        )
        code, output = await child.ended()
        self.assertNotIn("Traceback", output)
        return code, output.replace(child.errors, ""), child.errors

    async def refused(self, *arguments: str) -> str:
        """
        @return: the one sentence that says why it could not run.
        """
        code, output, errors = await self.said(*arguments)
        self.assertEqual((code, output), (2, ""), errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        return errors


class AuditTests(Commands, TestCase):
    async def audit(self, *arguments: str) -> tuple[int, str, str]:
        return await self.said("audit", "--static", *arguments)

    async def test_statuses(self) -> None:
        """
        0 if nothing is found that is as bad as C{--fail-on} says, 1 if something
        is.
        """
        code, output, errors = await self.audit("lake.py")
        self.assertEqual(
            (code, output, errors), (0, "nothing found; 1 of 1 file read\n", "")
        )
        code, output, errors = await self.audit("pond.py")
        self.assertEqual((code, errors), (1, ""))
        self.assertIn("\n  pond.py:4:21: warning PBX001: ", output)
        self.assertTrue(output.endswith("1 warning in 1 class; 1 of 1 file read\n"))
        code, output, errors = await self.audit("pond.py", "--fail-on", "error")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("PBX001", output)

    async def test_cannot(self) -> None:
        """
        2 if it cannot run, with a sentence that says why.
        """
        (self.home / "empty").mkdir()
        self.write("broken.py", "from twisted.spread import pb\nclass\n")
        (self.home / "binary.py").write_bytes(b"\x7fELF\xff\x00")
        self.write("mine.txt", "mine")
        for arguments, why in (
            ((), "say what to audit"),
            (("nowhere",), "nowhere: there is no such"),
            (("pond.nowhere",), "pond.nowhere: there is no such"),
            (("",), "there is no such"),
            (("empty",), "no Python in empty"),
            (("broken.py",), "broken.py: line 2: invalid syntax"),
            (("binary.py",), "binary.py: it is not in"),
            (("pond.py", "--select", "PBX901"), "there is no rule PBX901"),
            (("pond.py", "--path", "nowhere"), "nowhere is no directory"),
            (("pond.py", "--baseline", "nowhere"), "there is no baseline nowhere"),
            (("pond.py", "--baseline", "mine.txt"), "mine.txt is no baseline"),
            (("pond.py", "--update-baseline"), "needs --baseline FILE"),
            (("pond.py", "--output", "empty"), "empty cannot be written: "),
            (("pond.py", "--output", "no/where"), "no/where cannot be written: "),
        ):
            error = await self.refused("audit", "--static", *arguments)
            self.assertTrue(error.startswith("pbext audit: "), error)
            self.assertIn(why, error)

    async def test_extra(self) -> None:
        """
        2, too, if there is nothing to read sources with; it says what to install.
        """
        self.write("griffe.py", "raise ImportError")
        code, output, errors = await self.said(
            "audit", "--static", "pond.py", PYTHONPATH=str(self.home)
        )
        self.assertEqual((code, output), (2, ""))
        self.assertIn("pip install 'pbext[audit]'\n", errors)

    async def test_usage(self) -> None:
        """
        2, too, if the command line makes no sense.
        """
        for arguments in (["--format", "xml"], ["--fail-on", "3"], ["--frob"]):
            code, output, errors = await self.audit("pond.py", *arguments)
            self.assertEqual((code, output), (2, ""))
            self.assertRegex(errors, "\npbext.*: error: ")

    async def test_unreadable(self) -> None:
        """
        A file that may not be read is named.
        """
        path = self.home / "secret.py"
        path.write_text(POND)
        path.chmod(0)
        if os.access(path, os.R_OK):
            self.skipTest("root may read everything")
        code, output, errors = await self.audit("secret.py", "lake.py")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn(
            "Not read, or not imported\n  secret.py: Permission denied\n", output
        )

    async def test_dangling(self) -> None:
        """
        So is one that is a link to nothing.
        """
        (self.home / "secret.py").symlink_to("nowhere")
        code, output, errors = await self.audit(".")
        self.assertEqual((code, errors), (1, ""))
        self.assertIn(
            "Not read, or not imported\n  secret.py: No such file or directory\n",
            output,
        )
        self.assertIn("2 of 3 files read", output)

    async def test_settings(self) -> None:
        """
        Settings are those of the project, and the command line wins.
        """
        self.write(
            "pyproject.toml",
            '[tool.pbext]\ntargets = ["pond"]\nfail-on = "error"\nstatic = true\n',
        )
        code, output, _ = await self.said("audit")
        self.assertEqual(code, 0)
        self.assertIn("1 warning", output)
        code, output, _ = await self.said("audit", "--fail-on", "note")
        self.assertEqual(code, 1)
        code, output, _ = await self.said("audit", "lake")
        self.assertIn("nothing found", output)
        self.write("pyproject.toml", "[tool.pbext]\ntarget = []\n")
        self.assertIn("targets perhaps", await self.refused("audit", "lake"))
        self.write("pyproject.toml", "[tool.pbext]\n[[\n")
        self.assertIn("is no TOML", await self.refused("audit", "lake"))

    async def test_formats(self) -> None:
        """
        As JSON and as SARIF it is one document, also in a file.
        """
        code, output, errors = await self.audit("pond.py", "--format", "json")
        self.assertEqual((code, errors), (1, ""))
        whole = json.loads(output)
        self.assertEqual((whole["format"], whole["failed"]), ("pbext-audit", True))
        self.assertEqual([f["line"] for f in whole["findings"]], [4])
        code, printed, errors = await self.audit(
            "pond.py", "--format", "sarif", "--output", "report.sarif"
        )
        self.assertEqual((code, errors), (1, ""))
        self.assertEqual(
            printed, "1 warning in 1 class; 1 of 1 file read; written to report.sarif\n"
        )
        whole = json.loads((self.home / "report.sarif").read_text("utf-8"))
        self.assertEqual(len(whole["runs"][0]["results"]), 1)

    async def test_baseline(self) -> None:
        """
        What is in the baseline is hidden.
        """
        code, output, errors = await self.audit(
            "pond.py", "--baseline", "known.json", "--update-baseline"
        )
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(output, "known.json has 1 finding now\n")
        code, output, _ = await self.audit("pond.py", "--baseline", "known.json")
        self.assertEqual(code, 0)
        self.assertEqual(
            output, "nothing found; 1 of 1 file read; 1 hidden by the baseline\n"
        )
        code, output, _ = await self.audit("lake.py", "--baseline", "known.json")
        self.assertIn("1 of the baseline not found any more", output)

    async def test_encoding(self) -> None:
        """
        A terminal that knows no Unicode is no reason to fail.
        """
        self.write("pond.py", POND.replace("xyzzy", "池"))
        for encoding in ("ascii", "latin-1", "utf-8"):
            code, output, errors = await self.said(
                "audit", "--static", "pond.py", PYTHONIOENCODING=encoding
            )
            self.assertEqual((code, errors), (1, ""))
            self.assertIn("池" if encoding == "utf-8" else '"\\u6c60"', output)

    async def test_brokenPipe(self) -> None:
        """
        If nobody reads the report any more, the status says the same.
        """
        self.write("pond.py", "".join([POND, *["    a = 1  # pbext: ignore\n"] * 2000]))
        shell = (
            '"$0" -m pbext audit --static pond.py | head -n 1; echo ${PIPESTATUS[0]}'
        )
        child = Child.start(self, ["/bin/bash", "-c", shell, sys.executable], self.home)
        code, output = await child.ended()
        self.assertEqual((code, output), (0, "pond.Pond\n1\n"))

    async def test_terminal(self) -> None:
        """
        On a terminal there are colours, unless NO_COLOR is set.
        """
        program = (
            "import pty, sys; "
            "sys.exit(pty.spawn([sys.executable, '-m', 'pbext', 'audit', '--static', "
            "'pond.py']) >> 8)"
        )
        for variables, coloured in (
            ({"TERM": "xterm"}, True),
            ({"NO_COLOR": "1"}, False),
        ):
            child = Child.start(
                self,
                [sys.executable, "-c", program],
                cwd=self.home,
                env=environment(COLUMNS="60", **variables),
            )
            code, output = await child.ended()
            self.assertEqual(code, 1, output)
            self.assertEqual("\x1b[33mwarning PBX001\x1b[m" in output, coloured, output)
            self.assertIn("this comment does not say\r\n      why", output)


class FixTests(Commands, TestCase):
    """
    C{pbext audit --fix} in a process of its own; what it makes of a program is
    seen in L{tests.audit.test_fix}.
    """

    async def test_fixed(self) -> None:
        """
        The diff alone is printed; agreed to, it is done, and what is left counts.
        """
        before = DUCKS.encode()
        self.write("ducks.py", DUCKS)
        path = self.home / "ducks.py"
        for flags in (["--diff"], ["--fix"]):  # there is nobody to ask
            code, diff, errors = await self.said(
                "audit", "--static", *flags, "ducks.py"
            )
            self.assertEqual(code, 1)
            self.assertTrue(diff.startswith("--- a/ducks.py\n+++ b/ducks.py\n"), diff)
            self.assertEqual(path.read_bytes(), before)
            self.assertIn("1 of 1 file read", errors)
        code, again, errors = await self.said(
            "audit", "--static", "--fix", "--yes", "ducks.py"
        )
        self.assertEqual((code, again), (0, diff))
        self.assertIn("1 file rewritten\nnothing found", errors)
        code, diff, errors = await self.said("audit", "--static", "--diff", "ducks.py")
        self.assertEqual((code, diff), (0, ""))
        self.assertIn("nothing can be fixed mechanically", errors)

    async def test_nonsense(self) -> None:
        """
        What does not go together is said.
        """
        self.write("ducks.py", DUCKS)
        for flags, says in (
            (["--yes"], "--yes agrees to --fix, which is not there"),
            (["--diff", "--format", "json"], "without --format or --output"),
            (["--fix", "--diff"], "not allowed with argument"),
        ):
            code, output, errors = await self.said("audit", *flags, "ducks.py")
            self.assertEqual((code, output), (2, ""))
            self.assertIn(says, errors)


class ImportTests(Commands, TestCase):
    async def test_imported(self) -> None:
        """
        Without C{--static} targets are imported: what they print is not in the
        report, and what they register is.
        """
        self.write("home.py", HOME)
        code, output, errors = await self.said("audit", "--registrations", "home")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("Registered\n  lake.Pond -> home.Pond, home.py:8\n", output)
        self.assertNotIn("hello", output)
        code, output, errors = await self.said("audit", "--verbose", "home")
        self.assertEqual((code, errors), (0, "hello\n"))
        code, output, errors = await self.said("audit", "--format", "json", "home")
        self.assertEqual((code, errors), (0, ""))
        (entry,) = json.loads(output)["registrations"]
        self.assertEqual((entry["tag"], entry["path"]), ("lake.Pond", "home.py"))

    async def test_failed(self) -> None:
        """
        A module that cannot be imported is named, without the text of its error; if
        none can be, the audit could not run.
        """
        self.write(
            "broken.py", "from twisted.spread import pb\nraise ValueError('xyz')"
        )
        code, output, errors = await self.said("audit", "broken", "pond")
        self.assertEqual((code, errors), (1, ""))
        self.assertIn("PBX001", output)
        self.assertIn("broken.py: importing it raises ValueError", output)
        self.assertNotIn("xyz", output.replace("xyzzy", ""))
        self.assertIn("broken.py: ", await self.refused("audit", "broken"))

    async def test_excluded(self) -> None:
        """
        What is excluded is not imported.
        """
        self.write("broken.py", "raise ValueError\n")
        code, output, errors = await self.said("audit", ".", "--exclude", "broken.py")
        self.assertEqual((code, errors), (1, ""))
        self.assertIn("2 of 2 files read", output)


class ExplainTests(Commands, TestCase):
    async def test_one(self) -> None:
        """
        What is asked for, in any case of letters.
        """
        code, output, errors = await self.said("explain", "pbx001", "PBX003")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("PBX001 (warning): ", output)
        self.assertIn("\n\nPBX003 (note): ", output)
        self.assertIn("# pbext: ignore[PBX101]\n", output)

    async def test_all(self) -> None:
        """
        Without any, a line for each; and the page of the documentation.
        """
        code, output, errors = await self.said("explain")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(
            [line.split()[0] for line in output.splitlines()], list(allRules())
        )
        code, output, errors = await self.said("explain", "--rst")
        self.assertEqual((code, output, errors), (0, asPage(allRules().values()), ""))

    async def test_unknown(self) -> None:
        """
        One that does not exist is an error that names one that does.
        """
        self.assertIn("PBX001", await self.refused("explain", "PBX0001"))
        self.assertIn("there is PBX", await self.refused("explain", "frob"))


class ImportsTests(Commands, TestCase):
    async def imported(self, program: str) -> set[str]:
        child = Child.start(
            self, [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"]
        )
        code, output = await child.ended()
        self.assertEqual(code, 0, output)
        return set(output.split())

    async def test_thin(self) -> None:
        """
        The command line brings neither the audit nor the demo, until one of them
        is asked for.
        """
        modules = await self.imported(
            "from pbext.cli import main\n"
            "try: main(['--version'])\n"
            "except SystemExit: pass"
        )
        self.assertIn("pbext.cli._audit", modules)
        self.assertEqual(
            {m for m in modules if m.startswith(("pbext.audit", "pbext.cli._story"))},
            set(),
        )

    async def test_noReader(self) -> None:
        """
        Rules are explained where nothing is installed to read sources with.
        """
        modules = await self.imported(
            "from pbext.cli import main\nmain(['explain', 'PBX001'])"
        )
        self.assertIn("pbext.audit._rules", modules)
        self.assertEqual({"griffe", "libcst"} & modules, set())
