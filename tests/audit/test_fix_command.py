"""
What is shown, asked and done by C{pbext audit --fix} and C{--diff}.
"""

from __future__ import annotations

import io
import os
import re
import sys
import textwrap
from pathlib import Path
from unittest import mock

import attrs

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pbext.audit._findings import Finding
from pbext.audit.fixing._fix import Written as Done
from pbext.audit.fixing._fix import planFixes
from pbext.audit.reading._names import NeedsExtra
from pbext.audit.reading._reader import readProgram
from pbext.cli._fix import fix
from tests.audit.ponds_written import KEPT, LEFT
from tests.audit.test_fix_kept import finding
from tests.audit.written import Written
from tests.processes import directory

_TEXT = KEPT["classic"].text
_HEADER = "# -*- coding: latin-1 -*-\n"


class Stream(io.TextIOWrapper):
    """
    A terminal, or none.
    """

    def __init__(self, text: str = "", terminal: bool = True) -> None:
        super().__init__(io.BytesIO(text.encode()), "utf-8", newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def data(self) -> bytes:
        """
        What was written.
        """
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


class Interrupted(Stream):
    def readline(self, size: int = -1, /) -> str:
        raise KeyboardInterrupt


@attrs.frozen
class Said:
    """
    What was printed.
    """

    output: bytes
    errors: str
    done: Done


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = directory(self) / "pond.py"
        self.path.write_text(_TEXT)

    def fix(
        self,
        input: Stream | None = None,
        output: Stream | None = None,
        findings: list[Finding] | None = None,
        **options: bool,
    ) -> Said:
        input, output = input or Stream(), output or Stream()
        errors = Stream()
        program = Written(str(self.path.parent)).read()
        if findings is None:
            findings = [finding(program, "pond.Pond")]
        done = fix(program, findings, streams=(input, output, errors), **options)
        return Said(output.data, errors.data.decode(), done)

    def checkShown(self, said: Said) -> None:
        self.assertTrue(said.output.startswith(b"--- a/"))
        self.assertIn(
            b"\n-from twisted.spread import pb\n+from pbext import pb", said.output
        )

    def checkUnwritten(self, said: Said) -> None:
        self.checkShown(said)
        self.assertEqual(said.done, Done())
        self.assertEqual(self.path.read_text(), _TEXT)

    def checkWritten(self, said: Said) -> None:
        self.checkShown(said)
        self.assertTrue(said.errors.endswith("1 file rewritten\n"))
        [path] = said.done.paths
        self.assertTrue(self.path.samefile(path))
        self.assertIn("from pbext import pb", self.path.read_text())

    def test_asked(self) -> None:
        """
        On a terminal, the diff is shown, and it is done if somebody says so.
        """
        for answer in ("y\n", "Y\n", " yes \n", "y"):
            self.path.write_text(_TEXT)
            said = self.fix(Stream(answer))
            self.checkWritten(said)
            self.assertTrue(
                said.errors.startswith("1 file would change; apply? [y/N] ")
            )

    def test_refused(self) -> None:
        """
        Everything else is no, also the end, or an interruption.
        """
        for input in (
            *(Stream(a) for a in ("\n", "n\n", "no\n", "yesterday\n", "")),
            Interrupted(),
        ):
            said = self.fix(input)
            self.checkUnwritten(said)
            self.assertTrue(said.errors.endswith("nothing is written\n"))

    def test_nobody(self) -> None:
        """
        Where there is nobody to ask, it is only shown.
        """
        for input, output in ((False, True), (True, False), (False, False)):
            said = self.fix(Stream("y\n", input), Stream("", output))
            self.checkUnwritten(said)
            self.assertEqual(
                said.errors,
                "nothing is written without --yes, since there is nobody to ask\n",
            )

    def test_yes(self) -> None:
        """
        With C{--yes} nobody is asked.
        """
        for terminal in (True, False):
            self.path.write_text(_TEXT)
            said = self.fix(Interrupted("", terminal), Stream("", terminal), yes=True)
            self.checkWritten(said)
            self.assertEqual(said.errors, "1 file rewritten\n")

    def test_shows(self) -> None:
        """
        With C{--diff} it is only shown, whatever else is said.
        """
        said = self.fix(Stream("y\n"), shows=True, yes=True)
        self.checkUnwritten(said)
        self.assertEqual(said.errors, "")

    def test_bytes(self) -> None:
        """
        To a pipe, the diff goes byte for byte; to a terminal, so that it can be
        read.
        """
        umlaut = "\N{LATIN SMALL LETTER A WITH DIAERESIS}"
        text = f"{_HEADER}{_TEXT}".replace("self.observers = []", f"{{}}  # {umlaut}")
        text = text.replace("{}", "self.observers = []")
        self.path.write_text(text, "latin-1")
        removed = f"\n-        self.observers = []  # {umlaut}\n"
        self.assertIn(removed.encode("utf-8"), self.fix(shows=True).output)
        piped = self.fix(output=Stream("", False), shows=True)
        self.assertIn(removed.encode("latin-1"), piped.output)

    def test_nothing(self) -> None:
        """
        If there is nothing to do, that is said.
        """
        said = self.fix(Stream("y\n"), findings=[])
        self.assertEqual(said.output, b"")
        self.assertEqual(said.errors, "nothing can be fixed mechanically\n")

    def test_remarks(self) -> None:
        """
        What cannot be done is said, with the place, and not on the standard output.
        """
        self.path.write_text(LEFT["sorted out"].text)
        said = self.fix(yes=True)
        self.checkShown(said)
        self.assertEqual(
            said.errors,
            f"{self.path}:22: pond.Pond: its collection stays: it is used in a way "
            "that is not known\n1 file rewritten\n",
        )

    def test_failed(self) -> None:
        """
        What cannot be written is said, too.
        """
        self.path.chmod(0o444)
        said = self.fix(yes=True)
        self.assertEqual(
            said.errors,
            f"{self.path}: it is read-only; it is left as it is\n0 files rewritten\n",
        )
        self.assertEqual(len(said.done.failed), 1)

    def test_broken(self) -> None:
        """
        Whoever has read enough of the diff, may go.
        """
        end, output = os.pipe()
        os.close(end)
        program = Written(str(self.path.parent)).read()
        with open(output, "w") as stream:
            done = fix(
                program,
                [finding(program, "pond.Pond")],
                shows=True,
                streams=(Stream(), stream, Stream()),
            )
        self.assertEqual(done, Done())


class DocsTests(SynchronousTestCase):
    def test_example(self) -> None:
        """
        The example of the page becomes what the page says.
        """
        page = Path(__file__).parents[2] / "docs" / "fix.rst"
        if not page.exists():
            raise SkipTest("the documentation is not here")
        blocks = page.read_text("utf-8").split(".. code-block:: python\n\n")[1:]
        before, after = (
            textwrap.dedent(re.match(r"(?: .*\n|\n)+", block)[0]).rstrip() + "\n"  # type: ignore[index]  # each is one
            for block in blocks
        )
        path = directory(self) / "pond.py"
        path.write_text(before)
        planFixes(readProgram([str(path)])).write()
        self.assertEqual(path.read_text(), after)

    def test_missing(self) -> None:
        """
        Without libcst, a sentence says what to install.
        """
        path = directory(self) / "pond.py"
        path.write_text(_TEXT)
        program = readProgram([str(path)])
        with mock.patch.dict(sys.modules, {"libcst": None}):
            sys.modules.pop("pbext.audit.fixing._fixes", None)
            error = self.assertRaises(NeedsExtra, planFixes, program)
        self.assertIn("pip install 'pbext[audit]'", str(error))
        self.assertEqual(planFixes(program, []).files, {})
