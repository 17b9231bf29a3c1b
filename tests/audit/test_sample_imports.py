"""
Samples of the rules, imported: what lives neither hides what the sources say nor makes
a rule find what is none.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import CannotAudit
from pbext.audit._rules import Rule, allRules
from pbext.audit.living._imports import importAudit
from tests.audit.test_rules import SAMPLES, marked


class SampleTests(SynchronousTestCase):
    def check(self, rule: Rule, path: Path) -> bool:
        """
        @return: whether a sample can be imported; some need what is not there, or
            register what pbext refuses.
        """
        try:
            audited = importAudit([str(path)], [], rules=[rule.id])
        except CannotAudit:
            return False
        found = {(Path(f.place.path).name, f.place.line) for f in audited.findings}
        self.assertEqual(found, {*marked(rule, path)}, str(path))
        return not audited.unread

    def test_samples(self) -> None:
        """
        Of each rule that does not read what functions do, the first sample of either
        kind that can be imported.
        """
        for rule in allRules().values():
            if rule.sources:
                continue
            for kind in "bad", "good":
                samples = sorted((SAMPLES / rule.id).glob(f"{kind}_*"))
                imported = any(self.check(rule, path) for path in samples)
                self.assertTrue(imported or kind == "good", (rule.id, kind))
