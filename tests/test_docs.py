"""
What README and docs say is so.
"""

from __future__ import annotations

import contextlib
import io
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
from pbext.receiver.tap import Options
from pbext.testing import restoredRegistry

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

    def test_options(self) -> None:
        """
        The options of pbreceiver in the docs are its options.
        """
        documented = set(re.findall(r"``--([\w-]+)", self.page("receiver")))
        shown = str(Options())
        theirs = set(re.findall(r"--([\w-]+)", shown)) - {"help", "version"}
        self.assertEqual(documented, theirs)
