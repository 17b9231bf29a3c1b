"""
How bad the rules about observers say that it is, and what they say.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import Severity
from pbext.audit._rules import allRules
from tests.audit.written import Written
from tests.processes import directory

_POND = """
from pbext import pb as ours
from twisted.spread import pb
from dataclasses import dataclass

{before}
class Pond({base}):
    def __init__(self):
        self.x = {made}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        {kept}
        return {{"a": self.a}}

    def stoppedObserving(self, perspective, observer):
        {dropped}

    def tell(self):
        {told}
"""


class SeverityTests(SynchronousTestCase):
    def found(
        self,
        rule: str,
        base: str = "pb.Cacheable",
        made: str = "[]",
        kept: str = "self.x.append(observer)",
        dropped: str = "self.x = []",
        told: str = "pass",
        before: str = "",
    ) -> list[tuple[Severity, str]]:
        text = _POND.format(
            before=before, base=base, made=made, kept=kept, dropped=dropped, told=told
        )
        program = Written(directory(self), pond=text).read()
        return [(f.severity, f.message) for f in allRules()[rule](program)]

    def only(self, rule: str, **parts: str) -> tuple[Severity, str]:
        [found] = self.found(rule, **parts)
        return found

    def test_perspective(self) -> None:
        """
        Under a perspective they are in danger, unless it is known to be somebody.
        """
        kept = "self.x[perspective] = observer"
        for base in ("pb.Cacheable", "ours.Cacheable"):
            severity, _ = self.only("PBX101", base=base, made="{}", kept=kept)
            self.assertEqual(severity, Severity.WARNING)
        severity, _ = self.only(
            "PBX101", made="{}", kept=kept, dropped="del self.x[perspective.name]"
        )
        self.assertEqual(severity, Severity.NOTE)

    def test_tuples(self) -> None:
        """
        A tuple is compared by its first part first.
        """
        for pair, expected in (
            ("(perspective, observer)", Severity.WARNING),
            ("(observer, perspective)", Severity.ERROR),
        ):
            severity, message = self.only(
                "PBX101",
                kept=f"self.x.append({pair})",
                dropped=f"self.x.remove({pair})",
            )
            self.assertEqual(severity, expected)
            self.assertIn("Pond.stoppedObserving", message)

    def test_unhashable(self) -> None:
        """
        It is said if they have no hash at all.
        """
        for before, unhashable in (
            ("@dataclass", True),
            ("@dataclass(order=True)", True),
            ("@dataclass(eq=False)", False),
            ("@dataclass(unsafe_hash=True)", False),
            ("", False),
        ):
            [(severity, message), *_] = self.found(
                "PBX101",
                made="set()",
                kept="self.x.add(observer)",
                dropped="self.x = set()",
                before=before,
            )
            self.assertEqual(severity, Severity.ERROR)
            self.assertEqual("the class is not hashable" in message, unhashable, before)

    def test_loops(self) -> None:
        """
        What is left of the errors, and whether there is an errback, is said.
        """
        for told, expected, says in (
            ("[o.callRemote('a') for o in self.x]", Severity.ERROR, "told nothing"),
            (
                "[o.callRemote('a').addErrback(print) for o in self.x]",
                Severity.ERROR,
                "the errback is never reached",
            ),
            (
                """
        for o in self.x:
            try:
                o.callRemote('a')
            except pb.DeadReferenceError:
                pass""",
                Severity.ERROR,
                "does not catch the AttributeError or ProtocolError",
            ),
            (
                """
        for o in self.x:
            try:
                o.callRemote('a')
            except AttributeError:
                pass""",
                Severity.WARNING,
                "does not catch the ProtocolError",
            ),
            (
                """
        try:
            for o in self.x:
                o.callRemote('a')
        except Exception:
            pass""",
                Severity.ERROR,
                "the try around the loop",
            ),
        ):
            severity, message = self.only("PBX102", told=told)
            self.assertEqual(severity, expected, told)
            self.assertIn(says, message)

    def test_kept(self) -> None:
        """
        To keep no observer is an error where something is known to change that was
        sent; a warning where it is not known what was sent; else it is a note.
        """
        for told, kept, expected in (
            ("self.a = 1", "pass", Severity.ERROR),
            ("self.a = 1", "return self.__dict__", Severity.WARNING),
            ("self.b = 1", "pass", Severity.NOTE),
            ("pass", "pass", Severity.NOTE),
        ):
            severity, message = self.only("PBX109", told=told, kept=kept)
            self.assertEqual(severity, expected, (told, kept))
            self.assertIn("keeps no observer", message)
