"""
The audit of a program by itself.
"""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import pbext.audit
from pbext import pb
from pbext.audit import AuditFailed, Finding, Place, Severity, check, raiseFor
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.errors import DeclarationError


class View(pb.RemoteCopy):
    depth: int


class Hidden(pb.RemoteCopy):  # pbext: ignore[PBX999] it is a sample
    depth: int


def every(program: Program) -> Iterable[Hit]:
    for cls in program:
        yield Hit(cls.place, cls.name, f"{cls.qualname} is a class")


EVERY = Rule(
    id="PBX999",
    severity=Severity.WARNING,
    title="there is a class",
    explanation="",
    bad="",
    good="",
    fix="have none",
    find=every,
)


class CheckTests(SynchronousTestCase):
    def registry(self) -> pb.Registry:
        registry = pb.Registry()
        registry.setUnjellyableForClass("checked.Pond", View)
        registry.setUnjellyableForClass("checked.Hidden", Hidden)
        return registry

    def test_findings(self) -> None:
        """
        What is found are records, but for what comments hide.
        """
        [finding] = check(self.registry(), rules=[EVERY])
        self.assertEqual(
            (finding.rule, finding.severity, finding.subject, finding.message),
            ("PBX999", Severity.WARNING, f"{__name__}.View", "View is a class"),
        )
        line = Path(__file__).read_text().splitlines()[finding.place.line - 1]
        self.assertEqual(line, "class View(pb.RemoteCopy):")

    def test_modules(self) -> None:
        """
        Modules that are named are audited, whatever is registered.
        """
        self.assertEqual(check(pb.Registry(), rules=[EVERY]), [])
        found = check(pb.Registry(), modules=[__name__], rules=[EVERY])
        self.assertEqual([f.subject for f in found], [f"{__name__}.View"])

    def test_rules(self) -> None:
        """
        By default, all rules are asked; a good program is left alone.
        """
        self.assertEqual(check(self.registry()), [])
        self.assertEqual(check(self.registry(), rules=[]), [])

    def test_shared(self) -> None:
        """
        The tables of the process can be audited.
        """
        self.assertIsInstance(check(pb.defaultRegistry, rules=[EVERY]), list)

    def test_withoutExtra(self) -> None:
        """
        For that, no library is needed, and none of those that rewrite and follow
        sources is imported.
        """
        program = (
            "import sys\n"
            "sys.modules['griffe'] = sys.modules['libcst'] = None\n"
            "from pbext import pb\n"
            "from pbext.audit import check\n"
            "registry = pb.Registry()\n"
            "@registry.unjellyableFor('zoo.Pond')\n"
            "class View(pb.RemoteCopy):\n"
            "    ducks: int\n"
            "print(check(registry))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(pbext.__file__).parent.parent,
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.stdout, done.stderr), ("[]\n", ""))

    def test_example(self) -> None:
        """
        The example of the package is true.
        """
        failed, tried = doctest.testmod(pbext.audit)
        self.assertEqual(failed, 0)
        self.assertGreater(tried, 5)


def finding(severity: Severity) -> Finding:
    return Finding(
        "PBX999", severity, "bad", Place("pond.py", 3), "pond.View", "mend it"
    )


class RaiseTests(SynchronousTestCase):
    def test_raised(self) -> None:
        """
        One error holds all that was found, and says each in a line.
        """
        found = [finding(Severity.NOTE), finding(Severity.ERROR)]
        error = self.assertRaises(AuditFailed, raiseFor, iter(found))
        self.assertEqual(error.findings, tuple(found))
        self.assertEqual(
            str(error),
            "pond.py:3: note PBX999: bad; mend it\n"
            "pond.py:3: error PBX999: bad; mend it",
        )
        self.assertIsInstance(error, DeclarationError)

    def test_failOn(self) -> None:
        """
        It depends on how bad it is.
        """
        raiseFor([])
        raiseFor([finding(Severity.WARNING)])
        self.assertRaises(
            AuditFailed, raiseFor, [finding(Severity.WARNING)], Severity.WARNING
        )
        raiseFor([finding(Severity.NOTE)], failOn=Severity.WARNING)
