"""
What the page about manifests says is so.
"""

from __future__ import annotations

import io
import json
import re
import textwrap
from contextlib import redirect_stdout
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit.manifest._compared import Compared
from pbext.audit.manifest._diff import compare
from pbext.audit.manifest._differences import CHANGES, Direction, Level
from pbext.audit.manifest._ends import manifestOf
from pbext.audit.manifest._manifest import (
    Manifest,
    Received,
    Remote,
    Sent,
    Tag,
    textOfManifest,
)
from pbext.audit.reports._report import Manner
from pbext.cli import main
from tests.audit.written import Written
from tests.processes import directory

PAGE = Path(__file__).resolve().parents[2] / "docs" / "manifest.rst"

_DIRECTIONS = {
    Direction.OLD_TO_NEW: "old to new",
    Direction.NEW_TO_OLD: "new to old",
}

_LEVELS = {
    Level.BREAKS: "breaks it",
    Level.COVERED: "covers it",
    Level.UNKNOWN: "cannot be judged",
    Level.NOTE: "breaks nothing",
}


def table() -> str:
    """
    @return: the table of changes, as the page is to have it.
    """
    rows = []
    for kind in CHANGES.values():
        both = len(kind.directions) > 1
        does = _LEVELS[kind.level]
        if kind.fixNew:
            fixes = {d: kind.fixFor(d) for d in Direction}
            does += "".join(f"; {_DIRECTIONS[d]}: {fix}" for d, fix in fixes.items())
        elif kind.fix != "nothing":
            does += f"; {kind.fix}"
        cells = [
            kind.id,
            kind.title,
            "both" if both else _DIRECTIONS[kind.directions[0]],
            re.sub(
                r"(copy\w+( = \"\w+\")?|typeToCopy|upgradeState\S+)", r"``\1``", does
            ),
        ]
        lines = [textwrap.wrap(cell, 80, break_on_hyphens=False) for cell in cells]
        for at, cell in enumerate(lines):
            rows.append(f"   {'  ' if at else '* '}- {cell[0]}")
            rows += [f"       {line}" for line in cell[1:]]
    return "\n".join(rows)


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.page = PAGE.read_text()

    def blocks(self, start: str) -> list[str]:
        """
        @return: the indented blocks after each line that begins like this.
        """
        return [
            textwrap.dedent(found[1]).strip("\n") + "\n"
            for found in re.finditer(
                rf"^{start}.*\n\n((?:(?: .*)?\n)+)", self.page, re.MULTILINE
            )
        ]

    def manifest(self, text: str) -> Manifest:
        return manifestOf(Written(directory(self), pond=text).read(), "static")

    def test_example(self) -> None:
        """
        The example is compared as the page says.
        """
        old, new = self.blocks(r"\.\. code-block:: python")[:2]
        manifests = [self.manifest(text) for text in (old, new)]
        compared = Compared.of(compare(*manifests), [*Direction])
        [said] = self.blocks("``pbext diff old.json new.json`` prints")
        self.assertEqual(compared.asText(Manner(width=84)), said)

    def test_file(self) -> None:
        """
        What the page shows of the file stands in it.
        """
        old = self.blocks(r"\.\. code-block:: python")[0]
        written = json.loads(textOfManifest(self.manifest(old)))
        [shown] = self.blocks(r"\.\. code-block:: json")
        self.assertEqual(written["tags"]["pond.Frog"], json.loads(shown)["pond.Frog"])
        self.assertIn(
            textwrap.indent(shown, "  ").strip("{}\n "),
            textOfManifest(self.manifest(old)),
        )

    def test_keys(self) -> None:
        """
        Everything that is in the file is described.
        """
        section = self.page.partition("What is in it\n")[2]
        section = section.partition("How changes are judged\n")[0]
        described = {*re.findall(r"``(\w+)``", section)}
        keys = {"format", "version"}
        for cls in Manifest, Tag, Sent, Received, Remote:
            keys |= {field.name for field in cls.__attrs_attrs__}
        self.assertEqual(keys - described, set())

    def test_table(self) -> None:
        """
        The table of changes is the one that the comparison goes by.
        """
        self.assertIn(table(), self.page)

    def test_options(self) -> None:
        """
        All options of the commands are on the page.
        """
        for command in "manifest", "diff":
            printed = io.StringIO()
            with redirect_stdout(printed):
                self.assertRaises(SystemExit, main, [command, "--help"])
            options = {*re.findall(r"--[a-z-]+", printed.getvalue())} - {"--help"}
            options -= {"--no-static"}
            for option in options:
                self.assertIn(option, self.page)
