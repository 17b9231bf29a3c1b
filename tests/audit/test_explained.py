"""
What people are told of the rules.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import Severity
from pbext.audit._rules import Rule, allRules
from pbext.audit.reports._explained import asList, asMarkdown, asPage, asText

RULE = Rule(
    id="PBX101",
    severity=Severity.ERROR,
    title="an observer is compared",
    explanation="With ``remove``, that is.\n\nIt fails.\n",
    bad="a = 1\n\nobservers.remove(observer)\n",
    good="observers.discard(observer)\n",
    fix="use ``discard``",
    find=lambda program: (),
)

TEXT = """\
PBX101 (error): an observer is compared

With `remove`, that is.

It fails.

Bad:

    a = 1

    observers.remove(observer)

Good:

    observers.discard(observer)

Fix: use `discard`.
"""

SECTION = """
PBX101: an observer is compared
===============================

*Error.*

With ``remove``, that is.

It fails.

Bad:

.. code-block:: python

    a = 1

    observers.remove(observer)

Good:

.. code-block:: python

    observers.discard(observer)

Fix: use ``discard``.
"""


class ExplainedTests(SynchronousTestCase):
    def test_text(self) -> None:
        """
        In a terminal.
        """
        self.assertEqual(asText(RULE), TEXT)

    def test_list(self) -> None:
        """
        A line for each.
        """
        self.assertEqual(
            asList([RULE, RULE]), "PBX101  error    an observer is compared\n" * 2
        )

    def test_markdown(self) -> None:
        """
        For code hosts.
        """
        self.assertIn("```python\na = 1\n\nobservers.remove(", asMarkdown(RULE))
        self.assertTrue(asMarkdown(RULE).endswith("\n\nFix: use `discard`."))

    def test_page(self) -> None:
        """
        In the documentation, be there one rule or none.
        """
        self.assertTrue(asPage([RULE]).endswith(SECTION))
        self.assertEqual(asPage([RULE]).count("\n==="), 2)
        self.assertEqual(asPage([]).count("\n==="), 1)

    def test_committed(self) -> None:
        """
        The page in the documentation is the one that is made.
        """
        path = Path(__file__).parent.parent.parent / "docs" / "rules.rst"
        if not path.exists():
            self.skipTest("these tests run without the checkout")
        self.assertEqual(path.read_text("utf-8"), asPage(allRules().values()))

    def test_complete(self) -> None:
        """
        Every rule says what people need.
        """
        for rule in allRules().values():
            self.assertRegex(rule.id, r"^PBX\d{3}$")
            for text in (rule.title, rule.fix):
                self.assertNotIn("\n", text, rule.id)
                self.assertFalse(text.endswith("."), rule.id)
            self.assertTrue(rule.explanation.strip().endswith((".", ")")), rule.id)
            wide = [
                line
                for text in (rule.explanation, rule.bad, rule.good)
                for line in text.splitlines()
                if len(line) > 88
            ]
            self.assertEqual(wide, [], rule.id)
