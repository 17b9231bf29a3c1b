"""
Failures that are compared become failures that are asked.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from twisted.internet.defer import Deferred, fail
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._rules import find
from pbext.audit.fixing._fix import Plan, planFixes
from pbext.audit.reading._reader import readProgram
from pbext.testing import connectedPair
from tests.audit.test_rules import SAMPLES
from tests.audit.written import Written
from tests.processes import directory

#: An errback, before and after: what it compares, and what it asks.
ASKED = {
    "if failure.type == Full: pass": "if failure.check(Full): pass",
    "if failure.type is Full: pass": "if failure.check(Full): pass",
    "if Full == failure.type: pass": "if failure.check(Full): pass",
    "if failure.type != Full: pass": "if not failure.check(Full): pass",
    "if failure.type is not Full: pass": "if not failure.check(Full): pass",
    "if not failure.type == Full: pass": "if not failure.check(Full): pass",
    "if failure.type in (Full, errors.Empty): pass": (
        "if failure.check(Full, errors.Empty): pass"
    ),
    "if failure.type not in [Full]: pass": "if not failure.check(Full): pass",
    "if failure.type == Full and 1 or 2: pass": (
        "if failure.check(Full) and 1 or 2: pass"
    ),
    "if (failure.type  ==  Full): pass": "if (failure.check(Full)): pass",
    "if issubclass(failure.type, Full): pass": "if failure.check(Full): pass",
    "if issubclass(failure.type, (Full, Odd)): pass": (
        "if failure.check(Full, Odd): pass"
    ),
    "if isinstance(failure.value, Full): pass": "if failure.check(Full): pass",
    'if failure.type == "pond.errors.Full": pass': (
        'if failure.check("pond.errors.Full"): pass'
    ),
    'if str(failure.type) == "pond.errors.Full": pass': (
        'if failure.check("pond.errors.Full"): pass'
    ),
    "if failure.type == qual(Full): pass": "if failure.check(Full): pass",
    "while failure.type == Full: break": "while failure.check(Full): break",
    "assert failure.type == Full": "assert failure.check(Full)",
    "x = 1 if failure.type == Full else 2": "x = 1 if failure.check(Full) else 2",
    "x = [1 for y in z if failure.type == Full]": (
        "x = [1 for y in z if failure.check(Full)]"
    ),
    "x = bool(failure.type == Full)": "x = bool(failure.check(Full))",
    # Where the answer is kept, it has to be True or False.
    "return failure.type == Full": "return failure.check(Full) is not None",
    "x = failure.type != Full": "x = failure.check(Full) is None",
    "x = failure.type == Full or None": "x = failure.check(Full) is not None or None",
    "x = 1 + (failure.type == Full)": "x = 1 + (failure.check(Full) is not None)",
    "x = 1 + issubclass(failure.type, Full)": (
        "x = 1 + (failure.check(Full) is not None)"
    ),
    "if failure.type in (\n            Full,\n            Odd,\n        ): pass": (
        "if failure.check(Full, Odd): pass"
    ),
}

#: What is left alone, and why.
LEFT = {
    "if failure.type in KNOWN: pass": "it is no comparison of its type with classes",
    "kind = failure.type\n        if kind == Full: pass": (
        "it is no comparison of its type with classes"
    ),
    'if failure.type == "exceptions.ValueError": pass': (
        "it is compared with something else than classes"
    ),
    "if failure.type in (  # those\n            Full, Odd): pass": (
        "there are comments in the comparison"
    ),
}

_SENDER = """\
from twisted.python.reflect import qual
from twisted.spread import pb

from pond import errors
from pond.errors import Full, KNOWN, Odd


class Sender:
    def send(self, root):
        return root.callRemote("take").addErrback(self.failed)

    def failed(self, failure):
        z = ()
        {}
"""


class TypesTests(SynchronousTestCase):
    def planned(self, statement: str) -> tuple[Path, Plan]:
        written = Written(str(directory(self)), sender=_SENDER.format(statement))
        return written.directory / "sender.py", planFixes(written.read())

    def test_asked(self) -> None:
        """
        Each comparison becomes a question that means the same.
        """
        for before, after in ASKED.items():
            path, plan = self.planned(before)
            self.assertEqual(plan.remarks, (), before)
            self.assertEqual(len(plan.write().paths), 1, before)
            self.assertEqual(path.read_text(), _SENDER.format(after))
            program = readProgram([str(path)])
            self.assertEqual([f for f in find(program) if f.rule == "PBX216"], [])

    def test_left(self) -> None:
        """
        What cannot be said mechanically is left alone, with the reason.
        """
        for before, why in LEFT.items():
            path, plan = self.planned(before)
            self.assertEqual(plan.files, {}, before)
            [remark] = plan.remarks
            self.assertEqual(remark.text, f"it is left as it is: {why}", before)
            self.assertEqual(remark.subject, "sender.Sender")
            self.assertTrue(path.samefile(remark.place.path))

    def test_sample(self) -> None:
        """
        Of the rule's sample, nothing is left to be found but what was remarked.
        """
        target = str(directory(self) / "failures.py")
        shutil.copy(SAMPLES / "PBX216" / "bad_failures.py", target)
        plan = planFixes(readProgram([target]))
        self.assertGreater(len(plan.fixes), 10)
        plan.write()
        again = planFixes(readProgram([target]))
        self.assertEqual(again.files, {})
        self.assertEqual(len(again.remarks), len(plan.remarks))

    def test_true(self) -> None:
        """
        An error that comes by the wire is not what it is compared with, and is
        what the failure is asked for.
        """

        class Root(stock.Root):
            def remote_take(self) -> Deferred[None]:
                return fail(ValueError("no"))

        def outcome(code: str) -> list[str]:
            names: dict[str, object] = {"found": []}
            exec(code, names)  # which is what is tested
            with connectedPair(
                Root(),
                serverFactory=stock.PBServerFactory,
                clientFactory=stock.PBClientFactory,
            ) as pair:
                names["send"](pair.root)  # type: ignore[operator]
                pair.flush()
            self.flushLoggedErrors()
            return names["found"]  # type: ignore[return-value]

        written = Written(
            str(directory(self)),
            sender="""\
            from twisted.spread import pb


            def send(root):
                root.callRemote("take").addErrback(failed)


            def failed(failure):
                if failure.type == ValueError:
                    found.append("value")
                if failure.type in (KeyError, ValueError):
                    found.append("among")
                if failure.type != ValueError:
                    found.append("another")
            """,
        )
        path = written.directory / "sender.py"
        self.assertEqual(outcome(path.read_text()), ["another"])
        planFixes(written.read()).write()
        self.assertEqual(outcome(path.read_text()), ["value", "among"])
