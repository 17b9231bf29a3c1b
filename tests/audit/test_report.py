"""
An audit as text.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import Audited
from pbext.audit._findings import NOWHERE, Finding, Place, Severity
from pbext.audit._model import Registered
from pbext.audit.reading._sources import Unread
from pbext.audit.reports._lines import Lines
from pbext.audit.reports._report import Manner, asText, summary
from tests.processes import directory

SOURCE = """\
class Pond:
\tdef stoppedObserving(self, perspective, observer):
\t\tself.observers.remove(observer)
"""

WHOLE = """\
pond.Pond
  {path}:3:3: error PBX101: Pond.stoppedObserving compares observers
      3 | self.observers.remove(observer)
        | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      fix: discard it from pb.Observers()
  {path}:3:25: warning PBX102: observer is what it is
      3 | self.observers.remove(observer)
        |                       ^^^^^^^^
      fix: let it be

pond
  note PBX103: nobody is there
      fix: wait

Not read, or not imported
  broken.py: line 3: invalid syntax

More about them: pbext explain PBX101 PBX102 PBX103

1 error, 1 warning, 1 note in 2 classes or modules; 2 of 3 files read
"""


class ReportTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.source = directory(self) / "pond.py"

    def write(self, text: str) -> None:
        self.source.write_text(text, encoding="utf-8")

    def found(self, *where: int, rule: str = "PBX101") -> Finding:
        place = Place(str(self.source), *where)
        return Finding(
            rule, Severity.ERROR, "it is wrong", place, "pond.Pond", "fix it"
        )

    def audited(self) -> Audited:
        self.write(SOURCE)
        one = attrs.evolve(
            self.found(3, 2, 3, 33),
            message="Pond.stoppedObserving compares observers",
            fix="discard it from pb.Observers()",
        )
        two = attrs.evolve(
            self.found(3, 24, 3, 32, rule="PBX102"),
            message="observer is what it is",
            severity=Severity.WARNING,
            fix="let it be",
        )
        three = Finding(
            "PBX103", Severity.NOTE, "nobody is there", NOWHERE, "pond", "wait"
        )
        unread = (Unread("broken.py", "line 3: invalid syntax"),)
        return Audited((one, three, two), unread, read=2, count=3)

    def shown(self, finding: Finding, **manner: object) -> tuple[str, str]:
        """
        @return: a source line, and what stands below it.
        """
        text = asText(Audited((finding,)), Lines(), attrs.evolve(Manner(), **manner))
        number = finding.place.line
        found = re.search(rf"^ +{number} \| (.*)\n +\| ( *\^+)$", text, re.M)
        assert found is not None, text
        return found[1], found[2]

    def test_whole(self) -> None:
        """
        By class, each finding with its place, its line and what to do; then what
        was not read, and one line about it all.
        """
        text = asText(self.audited(), Lines(), Manner())
        self.assertEqual(text, WHOLE.format(path=self.source))

    def test_once(self) -> None:
        """
        Neither is a line repeated for what is found at the same place, nor what to
        do for what comes next.
        """
        self.write(SOURCE)
        one = self.found(1, 0, 1, 11)
        other = attrs.evolve(one, rule="PBX102", fix="do that")
        text = asText(Audited((one, one, other)), Lines(), Manner())
        self.assertEqual(text.count("class Pond:"), 1)
        self.assertEqual(text.count("is wrong"), 3)
        self.assertEqual(re.findall("fix: (.*)", text), ["fix it", "do that"])

    def test_clean(self) -> None:
        """
        Where nothing is found, one line says so.
        """
        text = asText(Audited(read=7, count=7), Lines(), Manner())
        self.assertEqual(text, "nothing found; 7 of 7 files read\n")

    def test_summary(self) -> None:
        """
        What is hidden is counted.
        """
        audited = attrs.evolve(self.audited(), ignored=1, known=2, gone=3)
        self.assertEqual(
            summary(audited),
            "1 error, 1 warning, 1 note in 2 classes or modules; 2 of 3 files read; "
            "1 hidden by comments; 2 hidden by the baseline; "
            "3 of the baseline not found any more",
        )
        one = Audited((self.found(1), self.found(2)), read=1, count=1)
        self.assertEqual(summary(one), "2 errors in 1 class; 1 of 1 file read")

    def test_colours(self) -> None:
        """
        Colours change nothing but colours.
        """
        plain = asText(self.audited(), Lines(), Manner(width=60))
        coloured = asText(self.audited(), Lines(), Manner(width=60, colours=True))
        self.assertNotIn("\x1b", plain)
        self.assertIn(": \x1b[1;31merror PBX101\x1b[m:", coloured)
        self.assertIn(" \x1b[1;31m^^^^^", coloured)
        self.assertEqual(re.sub(r"\x1b\[[\d;]*m", "", coloured), plain)

    def test_narrow(self) -> None:
        """
        Nothing is wider than the terminal but what cannot be broken.
        """
        self.write("a = 1; " * 20 + "observers.remove(observer); " + "b = 2; " * 20)
        finding = attrs.evolve(
            self.found(1, 140, 1, 166), message="on " * 50, fix="do " * 50
        )
        text = asText(Audited((finding,), read=1, count=1), Lines(), Manner(width=60))
        wide = [line for line in text.splitlines() if len(line) > 60]
        self.assertEqual([line for line in wide if str(self.source) not in line], [])
        self.assertIn("observers.remove(observer)", text)

    def test_trimmed(self) -> None:
        """
        Of a long line, the part around the place is shown, wherever that is.
        """
        line = "".join(f"a{number:04}, " for number in range(1000))
        self.write(line)
        for start in (0, 7, 70, 3500, 6930, 6993):
            code, below = self.shown(self.found(1, start, 1, start + 5), width=80)
            self.assertLessEqual(len(code), 70)
            marked = code[below.index("^") : len(below)]
            self.assertEqual(marked, line[start : start + 5], code)
        code, below = self.shown(self.found(1, 700, 1, 7000), width=80)
        self.assertLessEqual(len(below), len(code))

    def test_tabs(self) -> None:
        """
        What is marked stands above the marks: behind tabs, wide characters,
        such as take no columns, and such as the terminal does not have.
        """
        place = (1, 9, 1, 12)
        self.write("a\t\t\t=\tbc pond\n")
        code, below = self.shown(self.found(*place))
        self.assertEqual(code[below.index("^") : len(below)], "pon")

        self.write("池 = '池池池' pond\n")
        code, below = self.shown(self.found(1, 10, 1, 14))
        before = code[: code.index("pond")]
        columns = sum(1 + (unicodedata.east_asian_width(c) == "W") for c in before)
        self.assertEqual(below, " " * columns + "^^^^")

        self.write("e\u0301 = 'e\u0301' pond\n")
        code, below = self.shown(self.found(1, 10, 1, 14))
        self.assertEqual(below, " " * 8 + "^^^^")

        self.write("é = 'é€' pond\n")
        code, below = self.shown(self.found(1, 9, 1, 13), encoding="ascii")
        self.assertEqual(code, "\\xe9 = '\\xe9\\u20ac' pond")
        self.assertEqual(code[below.index("^") : len(below)], "pond")
        code, below = self.shown(self.found(1, 9, 1, 13), encoding="latin-1")
        self.assertEqual(code, "é = 'é\\u20ac' pond")
        self.assertEqual(code[below.index("^") : len(below)], "pond")

    def test_commands(self) -> None:
        """
        Nothing that is shown commands the terminal.
        """
        self.write("a = '\x1b[2J\x07' # \x9b\u202e\n")
        finding = attrs.evolve(
            self.found(1, 0, 1, 1),
            message="the tag \x1b[2J",
            subject="pond.\x1b]0;P",
            fix="\r",
        )
        audited = Audited((finding,), (Unread("\x1b\n.py", "\x07"),))
        text = asText(audited, Lines(), Manner())
        self.assertEqual([c for c in text if c != "\n" and not c.isprintable()], [])
        self.assertIn("the tag \\x1b[2J", text)
        self.assertIn("  \\x1b\\n.py: \\x07\n", text)

    def test_oddPlaces(self) -> None:
        """
        Places that are not in the file, or on more than one line, do no harm.
        """
        self.write("  a = (\n  b,\n)\n\n")
        cases = {
            (1, 6, 3, 1): ("a = (", "    ^"),
            (1, 0, 1, 0): ("  a = (", "^"),
            (1, 99, 1, 200): ("a = (", "    ^"),
            (2, 2, 2, 99): ("b,", "^^"),
        }
        for place, shown in cases.items():
            self.assertEqual(self.shown(self.found(*place)), shown, place)
        for place in ((4, 0, 4, 1), (99, 0, 99, 1)):
            text = asText(Audited((self.found(*place),)), Lines(), Manner())
            self.assertNotIn("|", text)
        gone = attrs.evolve(self.found(1), place=Place("gone.py", 1, 0, 1, 1))
        self.assertNotIn("|", asText(Audited((gone,)), Lines(), Manner()))

    def test_registrations(self) -> None:
        """
        On request it says what is registered: for which tag, which class, where, and
        whether it is by a module that is not audited.
        """
        place = Place("home.py", 7)
        audited = Audited(
            registrations=(
                Registered("pond.Pond", "class", None, "home.Pond", place, "home"),
                Registered(
                    None, "factory", "pond.A", None, place, "pond", shared=False
                ),
                Registered(None, "copier", None, "c.C", NOWHERE, "third", alien=True),
            )
        )
        text = asText(audited, Lines(), Manner(), registrations=True)
        expected = """\
        Registered
          pond.Pond -> home.Pond, home.py:7
          (that of pond.A) -> (?), a factory, home.py:7, in a registry of its own
          (?) -> c.C, a copier, by third, which is not audited

        nothing found; 0 of 0 files read
        """
        self.assertEqual(text, textwrap.dedent(expected))
        self.assertNotIn("Registered", asText(audited, Lines(), Manner()))
        none = asText(Audited(), Lines(), Manner(), registrations=True)
        self.assertTrue(none.startswith("Nothing registered\n\n"))
