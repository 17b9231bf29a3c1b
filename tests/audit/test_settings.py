"""
What a project has settled.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import CannotAudit
from pbext.audit._findings import Severity
from pbext.audit._settings import Settings, findSettings
from tests.processes import directory

TOML = """
[tool.other]
colour = "green"

[tool.pbext]
targets = ["pond", "lake.py"]
select = ["PBX1"]
ignore = "PBX101, PBX102"
fail-on = "error"
baseline = "known.json"
exclude = ["tests"]
static = true
"""

INI = """
[metadata]
name = %(pond)s

[pbext]
targets =
    pond
    lake.py
select = PBX1
ignore = PBX101, PBX102
fail-on = error
baseline = known.json
exclude = tests
static = True
"""


class SettingsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = directory(self)
        (self.home / "deep" / "er").mkdir(parents=True)
        (self.home / ".git").mkdir()  # above is the checkout of pbext

    def write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text)

    def seen(self, name: str) -> str:
        return os.path.relpath(self.home / name)

    def test_files(self) -> None:
        """
        Both files say the same; paths are relative to them, if they are there.
        """
        self.write("lake.py", "")
        for name, text in (("pyproject.toml", TOML), ("setup.cfg", INI)):
            self.write(name, text)
            self.assertEqual(
                findSettings(self.home / "deep" / "er"),
                Settings(
                    targets=("pond", self.seen("lake.py")),
                    select=("PBX1",),
                    ignore=("PBX101", "PBX102"),
                    failOn=Severity.ERROR,
                    baseline=self.seen("known.json"),
                    exclude=("tests",),
                    static=True,
                    root=os.path.relpath(self.home),
                ),
                name,
            )
            (self.home / name).unlink()

    def test_nothing(self) -> None:
        """
        Without any there are defaults, whatever else is in the files.
        """
        self.assertEqual(findSettings(self.home), Settings())
        self.write("pyproject.toml", "[tool.other]\n[[[")
        self.write("setup.cfg", "nonsense")
        self.assertEqual(findSettings(self.home), Settings())
        self.assertEqual(Settings().failOn, Severity.WARNING)

    def test_nearest(self) -> None:
        """
        The nearest file with settings wins, pyproject.toml if there are two; what
        is above the root of the repository is another project's.
        """
        self.write("pyproject.toml", '[tool.pbext]\nselect = "PBX1"\n')
        self.write("setup.cfg", "[pbext]\nselect = PBX2\n")
        self.write("deep/pyproject.toml", "[project]\nname = 'pbext'\n")
        self.assertEqual(findSettings(self.home / "deep").select, ("PBX1",))
        self.write("deep/setup.cfg", "[pbext]\nselect = PBX3\n")
        self.assertEqual(findSettings(self.home / "deep").select, ("PBX3",))
        (self.home / "deep" / "er" / ".git").mkdir()
        self.assertEqual(findSettings(self.home / "deep" / "er"), Settings())

    def test_bad(self) -> None:
        """
        What makes no sense is refused in a sentence with the file, what it is,
        and what there could be.
        """
        for line, why in (
            ('fail_on = "error"', "pbext has no setting fail_on; fail-on perhaps"),
            ("colour = 1", "pbext has no setting colour; there are targets, select"),
            ('fail-on = "bad"', "fail-on of pbext has to be one of note, warning, err"),
            ("fail-on = 3", "fail-on of pbext has to be a string"),
            ("targets = 3", "targets of pbext has to be a list of strings"),
            ("select = [1]", "select of pbext has to be a list of strings"),
            ('baseline = ""', "baseline of pbext has to be a string"),
            ('static = "maybe"', "static of pbext has to be true or false"),
            ("static = 1", "static of pbext has to be true or false"),
            ("static =", "is no TOML: "),
        ):
            self.write("pyproject.toml", f"[tool.pbext]\n{line}\n")
            error = self.assertRaises(CannotAudit, findSettings, self.home)
            self.assertIn(why, str(error))
            self.assertIn(self.seen("pyproject.toml"), str(error))

    def test_noTable(self) -> None:
        """
        A value is no table of settings.
        """
        self.write("pyproject.toml", "[tool]\npbext = 1\n")
        error = self.assertRaises(CannotAudit, findSettings, self.home)
        self.assertIn("tool.pbext has to be a table", str(error))
        self.write("pyproject.toml", "tool = 'pbext'\n")
        self.assertEqual(findSettings(self.home), Settings())

    def test_badIni(self) -> None:
        """
        A setup.cfg that cannot be read is refused, too.
        """
        self.write("setup.cfg", "[pbext]\nstatic = true\nstatic = false\n")
        error = self.assertRaises(CannotAudit, findSettings, self.home)
        self.assertIn(f"{self.seen('setup.cfg')} cannot be read: ", str(error))
        self.assertNotIn("\n", str(error))

    def test_encoding(self) -> None:
        """
        So is one in another encoding.
        """
        (self.home / "pyproject.toml").write_bytes(b"[tool.pbext]\n# \xff\n")
        error = self.assertRaises(CannotAudit, findSettings, self.home)
        self.assertIn(f"{self.seen('pyproject.toml')} is not in UTF-8", str(error))
