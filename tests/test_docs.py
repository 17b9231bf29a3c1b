"""
What README and docs say is so.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import textwrap
import types
from pathlib import Path
from unittest import mock

import attrs

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._cacheable import RESERVED
from pbext.audit._audited import Audited
from pbext.audit._findings import NOWHERE, Finding, Severity
from pbext.audit._job import Job
from pbext.audit._settings import KEYS, Settings, findSettings
from pbext.audit.reports._json import asJSON
from pbext.audit.reports._report import Manner, asText
from pbext.cli import main
from pbext.receiver.tap import Options
from pbext.testing import restoredRegistry
from tests.processes import directory

TOP = Path(__file__).resolve().parent.parent


def _block(text: str, before: str) -> str:
    """
    The indented block after a line.
    """
    after = text.partition(before + "\n")[2].lstrip("\n")
    block = re.match(r"(?: .*\n|\n)+", after)
    assert block is not None, before
    return textwrap.dedent(block[0]).strip("\n") + "\n"


class ReadmeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.readme = (TOP / "README.rst").read_text()

    def test_example(self) -> None:
        """
        The example prints what README says.
        """
        code = _block(self.readme, ".. code-block:: python")
        printed = io.StringIO()
        with restoredRegistry(), contextlib.redirect_stdout(printed):
            exec(compile(code, "README.rst", "exec"), {"__name__": "readme"})
        self.assertEqual(printed.getvalue(), _block(self.readme, "It prints::"))

    def test_links(self) -> None:
        """
        What README links to is there.
        """
        links = re.findall(r"<([\w/]+\.rst)>`_", self.readme)
        self.assertTrue(links)
        self.assertEqual([link for link in links if not (TOP / link).exists()], [])


class DocsTests(SynchronousTestCase):
    def page(self, name: str) -> str:
        return (TOP / "docs" / f"{name}.rst").read_text()

    def test_examples(self) -> None:
        """
        The example of a page prints what the page says, but that the page folds
        it.
        """
        for name in "calls", "contract":
            page = self.page(name)
            code = _block(page, ".. code-block:: python")
            printed = io.StringIO()
            module = types.ModuleType("docs")
            with mock.patch.dict(sys.modules, docs=module):
                with contextlib.redirect_stdout(printed):
                    exec(compile(code, f"{name}.rst", "exec"), vars(module))
            said = _block(page, "prints (here the long lines are folded)::")
            unfolded = re.sub(r"\n  +", " ", said)
            self.assertEqual(printed.getvalue(), unfolded)

    def test_limits(self) -> None:
        """
        The limits in the docs are the limits, with their defaults.
        """
        rows = re.findall(r"\* - ``(\w+)``\n     - ([\d,]+|none)\n", self.page("calls"))
        documented = {
            name: None if value == "none" else int(value.replace(",", ""))
            for name, value in rows
        }
        self.assertEqual(documented, attrs.asdict(pb.Limits()))

    def test_reserved(self) -> None:
        """
        The reserved names in the docs are the reserved names.
        """
        section = self.page("differences").partition("keeps for itself\n")[2]
        sentence = section.partition("cannot be fields")[0]
        self.assertEqual(set(re.findall(r"``(\w+)``", sentence)), set(RESERVED))

    def test_differences(self) -> None:
        """
        The way back to stock's behaviour, where there is one, is a name that
        stock has.
        """
        page = self.page("differences")
        ways = re.findall(r"``(\w+) = twisted\.spread\.pb\.(\w+)\.(\w+)``", page)
        self.assertEqual(len(ways), 2)
        for hook, flavor, method in ways:
            self.assertEqual(hook, method)
            ours, theirs = getattr(pb, flavor), getattr(stock, flavor)
            self.assertIsNot(getattr(ours, method), getattr(theirs, method))

    def test_audit(self) -> None:
        """
        The audit prints what its page says that it prints.
        """
        page = self.page("audit")
        home = directory(self)
        (home / "pond.py").write_text(_block(page, ".. code-block:: python"))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(home)
        job = Job.of(Settings(targets=("pond.py",), static=True))
        text = asText(job.audited(), job.lines, Manner(width=80))
        said = _block(page, "prints, in a terminal of 80 columns::")
        self.assertEqual(text, said)

    def test_auditSettings(self) -> None:
        """
        The settings in the docs are those that there are, and those of the example
        make sense.
        """
        page = self.page("audit")
        section = page.partition("\nSettings\n")[2].partition("\nFor other")[0]
        rows = re.findall(r"\* - ``([\w-]+)``", section)
        self.assertEqual(rows, list(KEYS))
        home = directory(self)
        example = _block(page, ".. code-block:: toml")
        (home / "pyproject.toml").write_text(example)
        self.assertEqual(findSettings(home).targets, ("your.package",))

    def test_auditJSON(self) -> None:
        """
        So are the keys of its JSON.
        """
        section = self.page("audit").partition("\nFor other programs\n")[2]
        rows = re.findall(r"\* - ``(\w+)``", section)
        finding = Finding("PBX101", Severity.NOTE, "", NOWHERE, "", "")
        whole = json.loads(asJSON(Audited((finding,)), Settings()))
        self.assertEqual(rows, list(whole))
        self.assertEqual(whole["version"], 1)
        row = section.partition("* - ``findings``")[2].partition("* -")[0]
        self.assertEqual(
            set(re.findall(r"``(\w+)``", row)) - {"null"}, set(whole["findings"][0])
        )

    def test_auditOptions(self) -> None:
        """
        What the docs say on the command line is understood.
        """
        page = self.page("audit")
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            main(["audit", "--help"])
        known = set(re.findall(r"--[a-z-]+", shown.getvalue()))
        said = set(re.findall(r"(?<![\w-])--[a-z-]+", page))
        self.assertEqual(said - known, set())
        self.assertIn("--baseline", said)

    def test_options(self) -> None:
        """
        The options of pbreceiver in the docs are its options.
        """
        documented = set(re.findall(r"``--([\w-]+)", self.page("receiver")))
        shown = str(Options())
        theirs = set(re.findall(r"--([\w-]+)", shown)) - {"help", "version"}
        self.assertEqual(documented, theirs)
