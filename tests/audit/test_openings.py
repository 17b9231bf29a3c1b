"""
What a process has opened, beside what stands in its sources.
"""

from __future__ import annotations

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import Finding, Severity
from pbext.audit._model import Program
from pbext.audit._rules import allRules
from tests.audit.written import Written
from tests.processes import directory

INSTANCES = "globalSecurity allows instances of pond.Frog"
MODULE = "globalSecurity allows the module os"
LIMIT = "twisted.spread.pb.MAX_BROKER_REFS is 9 and not 1024: the most objects"


class OpeningTests(SynchronousTestCase):
    def found(self, rule: str, program: Program) -> list[Finding]:
        return list(allRules()[rule](program))

    def test_living(self) -> None:
        """
        What only lives is said without a place, by the rule that it is for.
        """
        program = Program(widened=[INSTANCES, MODULE, LIMIT])
        found = self.found("PBX110", program)
        self.assertEqual(
            [(f.severity, f.message.partition(",")[0], f.place.path) for f in found],
            [(Severity.ERROR, INSTANCES, ""), (Severity.WARNING, MODULE, "")],
        )
        [limit] = self.found("PBX214", program)
        self.assertIn(LIMIT, limit.message)
        self.assertEqual(limit.subject, "twisted.spread.pb")

    def test_written(self) -> None:
        """
        What stands in a source as well is said once, with its place.
        """
        written = Written(
            directory(self),
            pond="""\
            from twisted.spread import jelly, pb

            class Frog:
                pass

            jelly.globalSecurity.allowInstancesOf(Frog)
            jelly.globalSecurity.allowModules("os")
            pb.MAX_BROKER_REFS = 9
            """,
        )
        program = attrs.evolve(written.read(), widened=[INSTANCES, MODULE, LIMIT])
        self.assertEqual(
            [(f.severity, f.place.line) for f in self.found("PBX110", program)],
            [(Severity.ERROR, 6), (Severity.WARNING, 7)],
        )
        self.assertEqual([f.place.line for f in self.found("PBX214", program)], [8])

    def test_severities(self) -> None:
        """
        Off is an error; a policy of one factory's is a warning; a factory of ours
        without a registry is worth knowing.
        """
        written = Written(
            directory(self),
            pond="""\
            from pbext import pb
            from twisted.spread import jelly

            class Frog:
                pass

            def serve(root):
                policy = jelly.SecurityOptions()
                policy.allowInstancesOf(Frog)
                pb.PBServerFactory(root, security=jelly.DummySecurityOptions())
                return pb.PBServerFactory(root, security=policy)
            """,
        )
        self.assertEqual(
            {(f.severity, f.place.line) for f in self.found("PBX110", written.read())},
            {
                (Severity.WARNING, 9),
                (Severity.NOTE, 10),
                (Severity.ERROR, 10),
                (Severity.NOTE, 11),
            },
        )
