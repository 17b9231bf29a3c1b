"""
Findings that are known.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import CannotAudit
from pbext.audit._baseline import (
    Known,
    countsOf,
    readBaseline,
    withoutKnown,
    writeBaseline,
)
from pbext.audit._findings import Finding, Place, Severity
from pbext.audit.reports._lines import Lines
from tests.processes import directory


class BaselineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = directory(self)
        self.source = self.home / "pond.py"
        self.path = str(self.home / "baseline.json")

    def found(self, line: int, rule: str = "PBX101") -> Finding:
        place = Place(str(self.source), line, 4)
        return Finding(rule, Severity.ERROR, "wrong", place, "pond.Pond", "right")

    def test_moved(self) -> None:
        """
        It knows a finding again when it has moved, in the file or to the right.
        """
        self.source.write_text("a\nobservers.remove( observer )\n")
        writeBaseline(self.path, countsOf([self.found(2)], Lines()))
        self.source.write_text("a\n\n\n\tif a:\n\t\tobservers.remove(  observer )\n")
        known = readBaseline(self.path)
        self.assertEqual(
            withoutKnown([self.found(5)], known, Lines(), {"PBX101"}), ([], 0)
        )

    def test_changed(self) -> None:
        """
        A line that has changed is new, and the old one is gone.
        """
        self.source.write_text("observers.remove(observer)\n")
        known = countsOf([self.found(1)], Lines())
        self.source.write_text("observers.remove(other)\n")
        self.assertEqual(
            withoutKnown([self.found(1)], known, Lines(), {"PBX101"}),
            ([self.found(1)], 1),
        )

    def test_counted(self) -> None:
        """
        The same once more is new.
        """
        self.source.write_text("remove(a)\n" * 3)
        lines = Lines()
        known = countsOf([self.found(1), self.found(2)], lines)
        found = [self.found(1), self.found(2), self.found(3)]
        self.assertEqual(
            withoutKnown(found, known, lines, {"PBX101"}), ([self.found(3)], 0)
        )

    def test_notAsked(self) -> None:
        """
        What a rule has found that is not asked is not gone.
        """
        known = Counter(
            {Known("PBX101", "a.A", "00"): 2, Known("PBX102", "a.A", ""): 1}
        )
        self.assertEqual(withoutKnown([], known, Lines(), {"PBX101"}), ([], 2))
        self.assertEqual(withoutKnown([], known, Lines(), {"PBX103"}), ([], 0))

    def test_stable(self) -> None:
        """
        The file does not depend on the order in which things are found, and
        says nothing of the sources.
        """
        self.source.write_text("password = 'xyzzy'\nb\nc\n")
        found = [self.found(1), self.found(2), self.found(3, "PBX090")]
        writeBaseline(self.path, countsOf(found, Lines()))
        written = Path(self.path).read_text()
        writeBaseline(self.path, countsOf(reversed(found), Lines()))
        self.assertEqual(Path(self.path).read_text(), written)
        self.assertNotIn("xyzzy", written)
        self.assertNotIn("pond.py", written)
        self.assertEqual(list(json.loads(written)["findings"]), ["PBX090", "PBX101"])
        self.assertEqual(readBaseline(self.path), countsOf(found, Lines()))
        self.assertEqual(
            sorted(p.name for p in self.home.iterdir()), ["baseline.json", "pond.py"]
        )

    def test_bad(self) -> None:
        """
        What is no baseline is refused in a sentence that names the file.
        """
        good = {"format": "pbext-baseline", "version": 1}
        for text, why in (
            ("", "is no baseline, it is no JSON"),
            ("\x00\x01", "is no baseline, it is no JSON"),
            ("[" * 100_000, "is no baseline, it is no JSON"),
            ("[]", "is no baseline of pbext's"),
            ('{"findings": {}}', "is no baseline of pbext's"),
            ({**good, "version": 2}, "is a baseline of another version"),
            (good, "is damaged"),
            ({**good, "findings": []}, "is damaged"),
            ({**good, "findings": {"PBX101": 1}}, "is damaged"),
            ({**good, "findings": {"PBX101": {"a.A": {"00": "1"}}}}, "is damaged"),
            ({**good, "findings": {"PBX101": {"a.A": {"00": 0}}}}, "is damaged"),
        ):
            text = text if isinstance(text, str) else json.dumps(text)
            Path(self.path).write_text(text)
            error = self.assertRaises(CannotAudit, readBaseline, self.path)
            self.assertIn(f"{self.path} {why}", str(error))

    def test_notUnicode(self) -> None:
        """
        Nor is a binary file one.
        """
        Path(self.path).write_bytes(b"\xff\xfe\x00")
        error = self.assertRaises(CannotAudit, readBaseline, self.path)
        self.assertIn("is no JSON", str(error))

    def test_missing(self) -> None:
        """
        One that is not there is not an empty one.
        """
        error = self.assertRaises(CannotAudit, readBaseline, self.path)
        self.assertIn("--update-baseline writes it", str(error))

    def test_cannotWrite(self) -> None:
        """
        Where it cannot be written, what is there stays.
        """
        path = str(self.home / "gone" / "baseline.json")
        error = self.assertRaises(CannotAudit, writeBaseline, path, Counter())
        self.assertIn(f"{path} cannot be written: ", str(error))
        error = self.assertRaises(CannotAudit, readBaseline, str(self.home))
        self.assertIn("cannot be read: ", str(error))
