"""
Each rule finds what its bad samples say, and nothing in its good ones.  A line of
a sample on which a rule is to report ends in C{# finds: PBX101}.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._rules import Rule, allRules
from pbext.audit.reading._reader import readProgram
from tests.processes import directory

SAMPLES = Path(__file__).parent / "samples"
_MARK = re.compile(r"# finds: ((?:PBX\d{3},? ?)+)$")


def found(rule: Rule, path: Path) -> list[tuple[str, int]]:
    """
    @return: where a rule finds something in a sample: file and line.
    """
    program = readProgram([str(path)])
    assert not program.unread, program.unread
    return sorted(
        (Path(finding.place.path).name, finding.place.line) for finding in rule(program)
    )


def marked(rule: Rule, path: Path) -> list[tuple[str, int]]:
    """
    @return: where a sample says that it should.
    """
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return sorted(
        (file.name, number)
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if (mark := _MARK.search(line)) and rule.id in mark[1]
    )


class SampleTests(SynchronousTestCase):
    """
    The directory of a rule's samples is called after it.
    """

    def samples(self, rule: Rule, kind: str) -> list[Path]:
        found = sorted((SAMPLES / rule.id).glob(f"{kind}_*"))
        return [path for path in found if path.name != "__pycache__"]

    def test_bad(self) -> None:
        """
        Where a bad sample is marked, and only there, its rule reports.
        """
        for rule in allRules().values():
            samples = self.samples(rule, "bad")
            self.assertTrue(samples, f"{rule.id} has no bad sample")
            for path in samples:
                expected = marked(rule, path)
                self.assertTrue(expected, f"{path} marks nothing")
                self.assertEqual(found(rule, path), expected, str(path))

    def test_good(self) -> None:
        """
        A good sample is left alone.
        """
        for rule in allRules().values():
            samples = self.samples(rule, "good")
            self.assertTrue(samples, f"{rule.id} has no good sample")
            for path in samples:
                self.assertEqual(marked(rule, path), [], str(path))
                self.assertEqual(found(rule, path), [], str(path))

    def test_noStrangers(self) -> None:
        """
        There are samples of rules only.
        """
        names = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
        self.assertEqual(names - {*allRules()}, set())

    def test_examples(self) -> None:
        """
        Of the examples that explain a rule, it finds something in the bad one
        and nothing in the good one.
        """
        for rule in allRules().values():
            for name, text in (("bad", rule.bad), ("good", rule.good)):
                place = directory(self)
                path = place / "example.py"
                path.write_text(text, "utf-8")
                self.assertEqual(
                    bool(found(rule, path)), name == "bad", f"{rule.id}, {name}"
                )
