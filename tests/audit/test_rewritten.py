"""
Files are rewritten wholly or not at all, and as they were otherwise.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pbext.audit.fixing import _rewritten
from pbext.audit.fixing._fix import Plan, planFixes
from tests.audit.ponds_written import KEPT
from tests.audit.test_fix_kept import finding
from tests.audit.written import Written
from tests.processes import directory

_TEXT = KEPT["classic"].text

#: What goes of it, and what becomes of the loop.
_GONE = (
    "        self.observers = []\n",
    "        self.observers.append(observer)\n",
    "    def stoppedObserving(self, perspective, observer):\n"
    "        self.observers.remove(observer)\n\n",
)
_LOOP = """for o in self.observers:
            o.callRemote("addDuck", duck).addErrback(lambda failure: None)"""
_CALL = 'self.observers.callRemote("addDuck", duck)'


class RewrittenTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = directory(self)

    def write(self, data: bytes, name: str = "pond.py") -> Path:
        path = self.directory / name
        path.write_bytes(data)
        return path

    def planned(self, *subjects: str) -> Plan:
        program = Written(str(self.directory)).read()
        self.assertEqual(program.unread, [])
        subjects = subjects or ("pond.Pond",)
        return planFixes(program, [finding(program, name) for name in subjects])

    def checkKept(self, text: str, encoding: str) -> None:
        """
        See that of a file nothing goes but what has to, and that a patch does the
        same.
        """
        data = text.encode(encoding)
        path = self.write(data)
        plan = self.planned()
        self.assertEqual(plan.remarks, ())
        patch = plan.patch()
        self.assertEqual(plan.write().failed, ())
        after = path.read_bytes()
        fixed = text.replace("from twisted.spread import", "from pbext import")
        end = "\r\n" if "\r" in text else "\n"
        for gone in _GONE:
            self.assertIn(gone.replace("\n", end), fixed)
            fixed = fixed.replace(gone.replace("\n", end), "")
        fixed = fixed.replace(_LOOP.replace("\n", end), _CALL)
        self.assertEqual(after, fixed.encode(encoding))
        path.write_bytes(data)
        self.apply(patch)
        self.assertEqual(path.read_bytes(), after)

    def apply(self, patch: bytes) -> None:
        git = shutil.which("git")
        if git is None:
            raise SkipTest("there is no git")
        subprocess.run(
            [git, "apply", "--whitespace=nowarn", f"-p{len(self.directory.parts)}"],
            input=patch,
            cwd=self.directory,
            check=True,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(self.directory.parent)},
        )

    def test_encodings(self) -> None:
        """
        The encoding stays, with its cookie or its mark, and the ends of lines.
        """
        text = f"# -*- coding: %s -*-\n{_TEXT}# \N{LATIN SMALL LETTER A WITH DIAERESIS}"
        self.checkKept(text % "latin-1", "latin-1")
        self.checkKept(f"{text}\n".replace("\n", "\r\n") % "cp1252", "cp1252")
        for encoding in ("utf-8", "utf-8-sig"):
            self.checkKept(text.partition("\n")[2], encoding)

    def test_modes(self) -> None:
        """
        The mode stays.
        """
        for mode in (0o755, 0o640, 0o600):
            path = self.write(_TEXT.encode())
            path.chmod(mode)
            self.planned().write()
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), mode)
        self.assertEqual(os.listdir(self.directory), ["pond.py"])

    def test_link(self) -> None:
        """
        A link stays one; it is what it points to that is rewritten.
        """
        real = directory(self) / "real.py"
        real.write_text(_TEXT)
        link = self.directory / "pond.py"
        link.symlink_to(real)
        self.assertEqual(len(self.planned().write().paths), 1)
        self.assertTrue(link.is_symlink())
        self.assertIn("from pbext import pb", real.read_text())

    def checkLeft(self, plan: Plan, why: str) -> None:
        """
        See that a file is not written, with a sentence, and that another is.
        """
        done = plan.write()
        self.assertEqual([Path(path).name for path in done.paths], ["other.py"])
        [sentence] = done.failed
        self.assertEqual(
            sentence, f"{self.directory / 'pond.py'}: {why}; it is left as it is"
        )
        names = {name for name in os.listdir(self.directory) if name != "pond.py"}
        self.assertEqual(names, {"other.py"})

    def both(self) -> Plan:
        self.write(_TEXT.encode())
        self.write(_TEXT.encode(), "other.py")
        return self.planned("pond.Pond", "other.Pond")

    def test_readOnly(self) -> None:
        """
        A file that nobody may write is left alone, though it could be replaced.
        """
        plan = self.both()
        path = self.directory / "pond.py"
        path.chmod(0o444)
        self.checkLeft(plan, "it is read-only")
        self.assertEqual(path.read_text(), _TEXT)

    def test_gone(self) -> None:
        """
        A file that is not there any more.
        """
        plan = self.both()
        (self.directory / "pond.py").unlink()
        self.checkLeft(plan, "No such file or directory")

    def test_directory(self) -> None:
        """
        A directory in its place.
        """
        plan = self.both()
        (self.directory / "pond.py").unlink()
        (self.directory / "pond.py").mkdir()
        self.checkLeft(plan, "Is a directory")

    def test_changed(self) -> None:
        """
        A file that somebody has changed meanwhile stays as it is.
        """
        plan = self.both()
        path = self.directory / "pond.py"
        path.write_text(f"{_TEXT}\n")
        self.checkLeft(plan, "it has changed since it was read")
        self.assertEqual(path.read_text(), f"{_TEXT}\n")

    def test_changedBefore(self) -> None:
        """
        The same between the audit and the plan, whatever it is now.
        """
        self.write(_TEXT.encode())
        program = Written(str(self.directory)).read()
        found = [finding(program, "pond.Pond")]
        for data in (b"", b"\xff", b"# coding: klingon\n", _TEXT.encode() + b"#"):
            self.write(data)
            plan = planFixes(program, found)
            self.assertEqual(plan.files, {})
            [remark] = plan.remarks
            self.assertTrue(
                remark.text.endswith("pond.py: it has changed since it was read")
            )
        (self.directory / "pond.py").unlink()
        [remark] = planFixes(program, found).remarks
        self.assertTrue(remark.text.endswith("pond.py: No such file or directory"))

    def test_full(self) -> None:
        """
        If the disk is full half-way, nothing is written, and nothing is left over.
        """
        self.write(_TEXT.encode())
        plan = self.planned()

        def full(number: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(_rewritten.os, "fsync", full)
        [sentence] = plan.write().failed
        self.assertIn("No space left on device", sentence)
        self.assertEqual(os.listdir(self.directory), ["pond.py"])
        self.assertEqual((self.directory / "pond.py").read_text(), _TEXT)

    def test_together(self) -> None:
        """
        Of files that belong together, those that are written already get back what
        they had, if one of the others cannot be.
        """
        base = _TEXT.partition("    def addDuck")[0]
        rest = _TEXT.partition("    def addDuck")[2]
        told = f"from pond import Pond\n\n\nclass Told(Pond):\n    def addDuck{rest}"
        self.write(base.encode())
        self.write(told.encode(), "told.py")
        plan = self.planned()
        self.assertEqual(plan.remarks, ())
        self.assertEqual(len(plan.files), 2)
        replace, moved = os.replace, []

        def failing(made: str, real: str) -> None:
            moved.append(real)
            if len(moved) == 2:
                raise PermissionError(13, "Permission denied")
            replace(made, real)

        self.patch(_rewritten.os, "replace", failing)
        [sentence] = plan.write().failed
        self.assertIn("told.py: Permission denied; it is left as it is", sentence)
        self.assertIn("with what belongs to it", sentence)
        self.assertEqual(len(moved), 3)
        self.assertEqual((self.directory / "pond.py").read_text(), base)
        self.assertEqual((self.directory / "told.py").read_text(), told)
        self.assertEqual(sorted(os.listdir(self.directory)), ["pond.py", "told.py"])

    def test_diff(self) -> None:
        """
        The difference has the names that git gives, also that of a file with a
        space, and says where the last line has no end.
        """
        space = self.directory / "my ponds"
        space.mkdir()
        self.write(_TEXT.rstrip("\n").encode(), "my ponds/pond.py")
        plan = self.planned()
        name = f"{self.directory}/my ponds/pond.py".lstrip("/")
        lines = plan.diff().splitlines()
        self.assertEqual(lines[:2], [f"--- a/{name}\t", f"+++ b/{name}\t"])
        self.assertEqual(lines.count("\\ No newline at end of file"), 2)
        self.assertEqual(plan.diff().encode(), plan.patch())
        self.apply(plan.patch())
        self.assertEqual(
            (space / "pond.py").read_bytes(), next(iter(plan.files.values())).after
        )
