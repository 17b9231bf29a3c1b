"""
What an audit hands back.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import Audited
from pbext.audit._findings import NOWHERE, Finding, Place, Severity
from pbext.audit._model import Program, Registered
from pbext.audit.reading._sources import Unread

AUDITED = Audited(
    findings=(
        Finding(
            "PBX101",
            Severity.ERROR,
            "compared",
            Place("pond.py", 3, 4, 3, 9),
            "pond.Pond",
            "discard",
        ),
        Finding("PBX402", Severity.NOTE, "open", NOWHERE, "pond", "close it"),
        Finding("PBX402", Severity.NOTE, "open", Place("pond.py"), "pond", "close it"),
    ),
    unread=(Unread("broken.py", "line 1: invalid syntax"),),
    read=2,
    count=3,
    registrations=(
        Registered(
            "pond.Pond",
            "class",
            "pond.Pond",
            "home.Pond",
            Place("home.py", 7, 0, 7, 40),
            "home",
            alien=True,
        ),
        Registered(None, "factory", None, None, NOWHERE, "home", shared=False),
    ),
    ignored=1,
    known=2,
    gone=3,
)


class AuditedTests(SynchronousTestCase):
    def test_roundTrip(self) -> None:
        """
        It survives JSON whole, places that are not known included.
        """
        data = json.loads(json.dumps(AUDITED.toJSON()))
        self.assertEqual(Audited.fromJSON(data), AUDITED)
        self.assertEqual(Audited.fromJSON(Audited().toJSON()), Audited())

    def test_columns(self) -> None:
        """
        In JSON, columns are counted from 1, and what is not known is null.
        """
        known, nowhere, file = AUDITED.toJSON()["findings"]
        self.assertEqual(
            (known["line"], known["column"], known["endColumn"]), (3, 5, 10)
        )
        self.assertEqual((nowhere["path"], nowhere["column"]), (None, None))
        self.assertEqual((file["path"], file["line"]), ("pond.py", None))

    def test_reaches(self) -> None:
        """
        What counts is the worst finding.
        """
        self.assertTrue(AUDITED.reaches(Severity.ERROR))
        mild = Audited(findings=AUDITED.findings[1:])
        self.assertFalse(mild.reaches(Severity.WARNING))
        self.assertTrue(mild.reaches(Severity.NOTE))
        self.assertFalse(Audited().reaches(Severity.NOTE))

    def test_ofProgram(self) -> None:
        """
        What could not be read was not read.
        """
        program = Program(
            registrations=AUDITED.registrations, unread=AUDITED.unread, count=3
        )
        self.assertEqual(
            Audited.ofProgram(program, []),
            Audited(
                unread=AUDITED.unread,
                read=2,
                count=3,
                registrations=AUDITED.registrations,
            ),
        )
