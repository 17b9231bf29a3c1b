"""
What C{pbreceiver} says of its classes when it starts.
"""

from __future__ import annotations

import contextlib
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.python import log
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pbext.audit import Severity, _rules
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.receiver import CannotStart
from pbext.receiver._audit import MOST
from pbext.receiver.tap import Options, makeService
from pbext.testing import restoredRegistry
from tests import test_receiver
from tests.processes import Child, directory

TOP = Path(__file__).resolve().parent.parent

#: A module whose process has one rule, that finds each of its classes.
AUDITED = """
from pbext import pb
from pbext.audit import Severity, _rules

class Frog(pb.RemoteCopy):
    colour: str

pb.setUnjellyableForClass("receiver.Frog", Frog)

RULE = _rules.Rule(
    id="PBX999", severity=Severity.WARNING, title="", explanation="", bad="", good="",
    fix="have none",
    find=lambda program: [
        _rules.Hit(cls.place, cls.name, f"{cls.qualname} is a class")
        for cls in program
    ],
)
_rules.allRules = lambda: {"PBX999": RULE}
"""


def written(testCase: Any, text: str) -> Path:
    """
    @return: a directory with a module C{auditedpond}.
    """
    home = directory(testCase).resolve()
    (home / "auditedpond.py").write_text(textwrap.dedent(text))
    return home


class ProcessTests(TestCase):
    """
    In a process of its own.
    """

    program = test_receiver.ServiceTests.program
    timeout = 30

    def run_(self, *options: str, cwd: Path) -> Child:
        return Child.start(
            self,
            [
                *self.program,
                "pbreceiver",
                "--listen",
                "tcp:0:interface=127.0.0.1",
                *options,
            ],
            cwd=cwd,
        )

    async def test_warn(self) -> None:
        """
        What is found is a line of the log, and the service starts.
        """
        home = written(self, AUDITED)
        child = self.run_("--import", "auditedpond", cwd=home)
        await child.waitFor(
            r"audit: auditedpond\.py:5: warning PBX999: Frog is a class; have none$"
        )
        await child.waitFor(r"listening on ")
        self.assertEqual(child.output.count("audit: "), 1)
        self.assertNotIn("Traceback", child.output)

    async def test_strict(self) -> None:
        """
        If it is strict, the service does not start, and says why.
        """
        home = written(self, AUDITED)
        child = self.run_("--import", "auditedpond", "--audit=strict", cwd=home)
        code, output = await child.ended()
        self.assertEqual(code, 1, output)
        self.assertIn("pbreceiver: the audit is strict, and finds:", output)
        self.assertIn("  auditedpond.py:5: warning PBX999: Frog is a class", output)
        self.assertNotIn("Traceback", output)
        self.assertNotIn("listening", output)

    async def test_examples(self) -> None:
        """
        The examples have nothing to be said against, so that nothing is.
        """
        cache = TOP / "examples" / "cache"
        if not cache.exists():
            self.skipTest("these tests are not in a checkout")
        modules = "--import", "cache_ponds", "--root", "receiver.Receiver"
        for mode in "warn", "strict":
            options = "--path", str(cache), *modules, "--audit", mode
            child = self.run_(*options, cwd=directory(self))
            await child.waitFor(r"listening on ")
            self.assertNotIn("audit", child.output)
            child.kill("TERM")
            await child.ended()


class TwistTests(ProcessTests):
    """
    The same for C{twist}.
    """

    program = test_receiver.TwistTests.program


class OptionTests(SynchronousTestCase):
    """
    In this process.
    """

    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        path = list(sys.path)
        self.addCleanup(sys.path.__setitem__, slice(None), path)
        self.addCleanup(sys.modules.pop, "auditedpond", None)
        self.home = written(
            self,
            """
            from pbext import pb

            class Frog(pb.RemoteCopy):
                colour: str

            pb.setUnjellyableForClass("receiver.Frog", Frog)
            """,
        )
        self.said: list[str] = []

        def see(event: dict[str, Any]) -> None:
            if event.get("log_namespace") == "pbreceiver":
                level = event["log_level"].name
                self.said.append(f"{level} {log.textFromEventDict(event)}")

        log.addObserver(see)
        self.addCleanup(log.removeObserver, see)

    def rule(self, *found: Severity) -> None:
        """
        Let there be one rule, that finds these.
        """

        def find(program: Program) -> Iterable[Hit]:
            [frog] = program
            for number, severity in enumerate(found):
                text = f"{frog.qualname} is bad, {number}"
                yield Hit(frog.place, frog.name, text, "mend it", severity)

        rule = Rule(
            id="PBX999",
            severity=Severity.ERROR,
            title="",
            explanation="",
            bad="",
            good="",
            fix="",
            find=find,
        )
        self.patch(_rules, "allRules", lambda: {rule.id: rule})

    def start(self, *arguments: str) -> None:
        options = Options()
        options.parseOptions(
            ["--path", str(self.home), "--import", "auditedpond", *arguments]
        )
        makeService(options)

    def test_warn(self) -> None:
        """
        By default, what is bad is said, and notes are not.
        """
        self.rule(Severity.ERROR, Severity.NOTE, Severity.WARNING)
        self.start()
        place = f"{self.home / 'auditedpond.py'}:4"
        self.assertEqual(
            self.said,
            [
                f"warn audit: {place}: error PBX999: Frog is bad, 0; mend it",
                f"warn audit: {place}: warning PBX999: Frog is bad, 2; mend it",
            ],
        )

    def test_bounded(self) -> None:
        """
        Only so much is said.
        """
        self.rule(*[Severity.ERROR] * (MOST + 3))
        self.start("--audit=warn")
        self.assertEqual(len(self.said), MOST + 1)
        self.assertEqual(
            self.said[-1], "warn audit: and 3 more: pbext audit shows them all"
        )

    def test_strict(self) -> None:
        """
        If it is strict, that is too much; notes are not.
        """
        self.rule(Severity.NOTE)
        self.start("--audit", "strict")
        self.rule(Severity.WARNING, Severity.ERROR)
        error = self.assertRaises(CannotStart, self.start, "--audit", "strict")
        first, *lines = str(error).splitlines()
        self.assertEqual(first, "pbreceiver: the audit is strict, and finds:")
        self.assertEqual(len(lines), 2)
        self.assertEqual(self.said, [])

    def test_off(self) -> None:
        """
        If it is off, nothing is looked at, and nothing of the audit is imported.
        """
        self.rule(Severity.ERROR)
        with mock.patch.dict(sys.modules, {"pbext.audit": None}):
            self.start("--audit=off")
            self.assertEqual(self.said, [])
            self.assertRaises(ImportError, self.start)

    def test_fails(self) -> None:
        """
        If the audit itself fails, that is said, and is no reason not to start; but if
        it is strict.
        """

        def fail() -> Any:
            raise ValueError("xyzzy")

        self.patch(_rules, "allRules", fail)
        self.start()
        [line] = self.said
        self.assertIn("warn audit: it could not be done: builtins.ValueError at", line)
        self.assertNotIn("xyzzy", line)
        error = self.assertRaises(CannotStart, self.start, "--audit=strict")
        self.assertIn("it could not be done", str(error))

    def test_bad(self) -> None:
        """
        Anything else is refused.
        """
        error = self.assertRaises(CannotStart, self.start, "--audit=harsh")
        self.assertEqual(
            str(error),
            "pbreceiver: --audit harsh: it has to be one of off, warn, strict",
        )

    def test_listing(self) -> None:
        """
        Who only asks what may arrive is told that.
        """
        self.rule(Severity.ERROR)
        with contextlib.redirect_stdout(None):
            self.assertRaises(
                SystemExit, self.start, "--list-classes", "--audit=strict"
            )
        self.assertEqual(self.said, [])
