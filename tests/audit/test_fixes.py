"""
What is not to be changed in a file, stays as it is, byte for byte.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit.fixing._edits import Drop, Edit
from pbext.audit.fixing._fix import Plan, planFixes
from pbext.audit.reading._reader import readProgram
from tests.audit.ponds_written import KEPT
from tests.audit.test_fix_kept import finding
from tests.audit.written import Written
from tests.processes import directory

#: What may stand between the lines of a program.
NOISE = (
    "",
    "    ",
    "# a comment at the margin",
    "        # a comment, somewhat to the right",
    "   # a comment of three spaces",
    "\x0c",
    "  \x0c ",
    "# \x0c é \u2028 in a comment",
)


def planned(path: Path) -> Plan:
    program = readProgram([str(path)])
    assert not program.unread, program.unread
    return planFixes(program, [finding(program, f"{path.stem}.Pond")])


def _lines(edit: Edit, lines: list[str]) -> Iterator[int]:
    """
    @return: the lines of what is changed; of a method that goes, with the comments
        that belong to it.
    """
    place = edit.place
    yield from range(place.line, place.endLine + 1)
    if isinstance(edit, Drop) and lines[place.line - 1].lstrip().startswith("def"):
        for number in range(place.line - 1, 0, -1):
            if not lines[number - 1].lstrip(" ").startswith("#"):
                break
            yield number
        waiting = []
        for number in range(place.endLine + 1, len(lines) + 1):
            line = lines[number - 1]
            if line.strip() and not line.lstrip(" ").startswith("#"):
                break
            waiting.append(number)
            if line.strip() and len(line) - len(line.lstrip(" ")) > place.column:
                yield from waiting  # up to the last comment of its body
                waiting = []


class FixesTests(SynchronousTestCase):
    maxDiff = None

    def fixed(self, text: str) -> str:
        """
        @return: what becomes of a pond.
        """
        path = directory(self) / "pond.py"
        path.write_bytes(text.encode("utf-8"))
        plan = planned(path)
        self.assertEqual(plan.remarks, ())
        plan.write()
        return path.read_bytes().decode("utf-8")

    def test_comments(self) -> None:
        """
        Comments above a statement that goes, stay; one behind it and those right
        above a method go with it; those in a loop stand above the call.
        """
        self.assertEqual(
            self.fixed("""\
from twisted.spread import pb

class Pond(pb.Cacheable):
    def __init__(self):
        # The list.

        # Really.
        self.observers = []  # empty
        # At the end.

    # About hooks.

    # About this hook.
    def stoppedObserving(self, perspective, observer):
        # Gone.
        self.observers.remove(observer)  # away
    # Between.

    def getStateToCacheAndObserveFor(self, perspective, observer):

        self.observers.append(observer); self.count += 1

        return {}

    def tell(self):
        # Above.
        for o in self.observers:  # Each
            # Inside.
            o.callRemote("x")  # behind
            # Below.
        # After.

    def one(self):
        for o in self.observers: o.callRemote("x")  # at once

    def two(self):
        for o in self.observers:  # only here
            o.callRemote("x")
# The end.
"""),
            """\
from pbext import pb

class Pond(pb.Cacheable):
    def __init__(self):
        # The list.

        # Really.
        pass
        # At the end.

    # About hooks.

    # Between.

    def getStateToCacheAndObserveFor(self, perspective, observer):

        self.count += 1

        return {}

    def tell(self):
        # Above.
        # Each
        # Inside.
        # Below.
        self.observers.callRemote("x")  # behind
        # After.

    def one(self):
        self.observers.callRemote("x")  # at once

    def two(self):
        self.observers.callRemote("x")  # only here
# The end.
""",
        )

    def test_lines(self) -> None:
        """
        Statements on one line.
        """
        self.assertEqual(
            self.fixed("""\
from twisted.spread import pb
class Pond(pb.Cacheable):
    def __init__(self): self.observers = []
    def getStateToCacheAndObserveFor(self, p, o): self.observers.append(o); return {}
    def stoppedObserving(self, perspective, observer): self.observers.remove(observer)
    def tell(self, *a): [o.callRemote(*a) for o in self.observers]; print()
    def both(self):
        if self.observers: [o.callRemote("x") for o in self.observers]
        x = 1; self.all = self.observers[:]; y = 2
"""),
            """\
from pbext import pb
class Pond(pb.Cacheable):
    def __init__(self): pass
    def getStateToCacheAndObserveFor(self, p, o): return {}
    def tell(self, *a): self.observers.callRemote(*a); print()
    def both(self):
        if self.observers: self.observers.callRemote("x")
        x = 1; self.all = list(self.observers); y = 2
""",
        )

    def test_tabs(self) -> None:
        """
        Indentation by tabs; ends of lines as they are, each; no end of the last
        line.
        """
        before = (
            "from twisted.spread import pb\r\n"
            "class Pond(pb.Cacheable):\r\n"
            "\tdef __init__(self):\n"
            "\t\tself.observers = []\r\n"
            "\t\tself.x = '''\r\n\x0c\n\t\x0c\r\n'''\r\n"
            "\x0c\r\n"
            "\tdef getStateToCacheAndObserveFor(self, perspective, observer):\r\n"
            "\t\tself.observers.append(observer)\n"
            "\t\treturn {}\n"
            "\tdef tell(self):\r\n"
            "\t\tfor o in self.observers:\r\n"
            "\t\t\to.callRemote(\r\n"
            "\t\t\t\t'x', 'é')"
        )
        after = (
            "from pbext import pb\r\n"
            "class Pond(pb.Cacheable):\r\n"
            "\tdef __init__(self):\n"
            "\t\tself.x = '''\r\n\x0c\n\t\x0c\r\n'''\r\n"
            "\x0c\r\n"
            "\tdef getStateToCacheAndObserveFor(self, perspective, observer):\r\n"
            "\t\treturn {}\n"
            "\tdef tell(self):\r\n"
            "\t\tself.observers.callRemote(\r\n"
            "\t\t\t'x', 'é')"
        )
        self.assertEqual(self.fixed(before), after)

    def test_unkept(self) -> None:
        """
        What libcst would change, or cannot read, is left alone, with a sentence.
        """
        good = KEPT["classic"].text
        for text, why in {
            f"{good}\x0cx = 1\n": "libcst would not keep all of it as it is",
            f"{good}\n   # the end\n": "libcst would not keep all of it as it is",
            f"{good}if 1:\n    x = 1\n    \x0cy = 1\n": (
                "libcst would not keep all of it as it is"
            ),
        }.items():
            path = directory(self) / "pond.py"
            path.write_text(text)
            plan = planned(path)
            self.assertEqual(plan.files, {})
            [remark] = plan.remarks
            where = plan.remarks[0].text.partition(str(path.name))[2]
            self.assertEqual(where, f": {why}", remark)

    def test_unread(self) -> None:
        """
        The same for what libcst cannot read at all; others go on.
        """
        from pbext.audit.fixing import _fixes

        def parse(text: str) -> None:
            if "# new" in text:
                raise _fixes.cst.ParserSyntaxError(
                    "?", lines=["?"], raw_line=3, raw_column=0
                )
            return known(text)

        known = _fixes.cst.parse_module
        self.patch(_fixes.cst, "parse_module", parse)
        text = KEPT["classic"].text
        written = Written(str(directory(self)), new=f"{text}# new\n", old=text)
        program = written.read()
        plan = planFixes(
            program, [finding(program, f"{n}.Pond") for n in ("new", "old")]
        )
        [remark] = plan.remarks
        self.assertEqual(remark.subject, "new.Pond")
        self.assertTrue(remark.text.endswith("new.py: line 3: libcst cannot read it"))
        [path] = plan.files
        self.assertEqual(Path(path).name, "old.py")

    @settings(max_examples=75, deadline=None)
    @given(
        st.sampled_from(sorted(KEPT)),
        st.lists(st.tuples(st.integers(0, 60), st.sampled_from(NOISE)), max_size=12),
        st.sampled_from(["\n", "\r\n"]),
        st.booleans(),
    )
    def test_untouched(
        self, name: str, noise: list[tuple[int, str]], end: str, bom: bool
    ) -> None:
        """
        Whatever stands between them, only lines are changed that the plan names,
        but for empty ones, and comments on a method that goes; and the second
        time, nothing is.
        """
        lines = KEPT[name].text.splitlines()
        for number, (at, line) in enumerate(noise):
            # No two comments are the same, so that it can be said which has gone.
            line = f"{line} {number}" if "#" in line else line
            lines.insert(at % len(lines), line)
        before = end.join([*lines, ""])
        path = directory(self) / "pond.py"
        path.write_bytes(before.encode("utf-8-sig" if bom else "utf-8"))
        plan = planned(path)
        self.assertEqual(plan.remarks, ())
        touched = {
            line
            for fix in plan.fixes
            for edits in fix.edits.values()
            for edit in edits
            for line in _lines(edit, lines)
        }
        plan.write()
        after = path.read_bytes().decode("utf-8-sig" if bom else "utf-8")
        self.assertEqual(path.read_bytes()[:3] == b"\xef\xbb\xbf", bom)
        ast.parse(after)
        self.assertEqual(after.count("\n"), after.count(end))
        old, new = before.split(end), after.split(end)
        for kind, a, b, c, d in difflib.SequenceMatcher(
            None, old, new, autojunk=False
        ).get_opcodes():
            if kind != "equal":
                for number in range(a, b):
                    self.assertTrue(
                        number + 1 in touched or not old[number].strip(),
                        f"{old[number]!r} has gone",
                    )
                if a == b:  # nothing is only added, but by a change beside it
                    self.assertTrue({a, a + 1} & touched, new[c:d])
        self.assertEqual(planned(path).files, {})
