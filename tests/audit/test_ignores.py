"""
Comments that hide findings.
"""

from __future__ import annotations

import textwrap

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import Finding, Place, Severity
from pbext.audit._ignores import ignoresOf, withoutIgnored
from pbext.audit.reports._lines import Lines
from tests.processes import directory


def finding(path: str, line: int, rule: str = "PBX101") -> Finding:
    return Finding(rule, Severity.ERROR, "it is wrong", Place(path, line), "a.A", "fix")


def hidden(text: str) -> set[int]:
    """
    @return: on which lines PBX101 is hidden.
    """
    text = textwrap.dedent(text)
    (ignore,) = ignoresOf("a.py", text)
    numbers = range(1, text.count("\n") + 1)
    return {n for n in numbers if ignore.hides(finding("a.py", n))}


class PlacesTests(SynchronousTestCase):
    def test_behind(self) -> None:
        """
        Behind code, it is about that line.
        """
        text = "a\nb  # pbext: ignore[PBX101] so it is\nc\n"
        self.assertEqual(hidden(text), {2})

    def test_above(self) -> None:
        """
        On a line of its own, it is about the next one, be there other comments
        between them, but no blank line.
        """
        text = "a\n# pbext: ignore[PBX101] so it is\n# and so on\nb\nc\n"
        self.assertEqual(hidden(text), {4})
        self.assertEqual(hidden("# pbext: ignore[PBX101] so it is\n\nb\n"), set())
        self.assertEqual(hidden("a\n# pbext: ignore[PBX101] so it is\n"), set())

    def test_header(self) -> None:
        """
        Behind the last line of a header of several, it is about all of it.
        """
        text = """\
        class Pond(
            A,
            B,
        ):  # pbext: ignore[PBX101] so it is
            c = 1
        """
        self.assertEqual(hidden(text), {1, 4})

    def test_call(self) -> None:
        """
        So it is behind the last line of a call; in the midst of one, it is about
        its own line.
        """
        text = """\
        a(
            b,{}
        ){}
        """
        comment = "  # pbext: ignore[PBX101] so it is"
        self.assertEqual(hidden(text.format("", comment)), {1, 3})
        self.assertEqual(hidden(text.format(comment, "")), {2})

    def test_decorated(self) -> None:
        """
        Above decorators, it is about what they decorate.
        """
        text = """\
        # pbext: ignore[PBX101] so it is
        @a
        @b(
            1,
        )
        class Pond:
            c = 1
        """
        self.assertEqual(hidden(text), {2, 3, 6})

    def test_inside(self) -> None:
        """
        Above a line in the midst of a statement, it is about that line.
        """
        text = """\
        a = [
            # pbext: ignore[PBX101] so it is
            b,
            c,
        ]
        """
        self.assertEqual(hidden(text), {3})

    def test_string(self) -> None:
        """
        In a string there is no comment.
        """
        text = (
            'a = "# pbext: ignore[PBX101] so"\nb = """\n# pbext: ignore[PBX101]\n"""\n'
        )
        self.assertEqual(ignoresOf("a.py", text), [])

    def test_afterString(self) -> None:
        """
        A string of several lines counts as all of them.
        """
        text = 'a = """\nb\n"""  # pbext: ignore[PBX101] so it is\nc\n'
        self.assertEqual(hidden(text), {1, 3})

    def test_formFeed(self) -> None:
        """
        A form feed ends no line.
        """
        self.assertEqual(hidden("a\n\x0c\nb  # pbext: ignore[PBX101] so it is\n"), {3})

    def test_broken(self) -> None:
        """
        In a file that cannot be parsed, what stands above the fault counts.
        """
        text = "a  # pbext: ignore[PBX101] so it is\nb = (\n"
        self.assertEqual(hidden(text), {1})


class WordsTests(SynchronousTestCase):
    def read(self, comment: str) -> tuple[tuple[str, ...], str]:
        (ignore,) = ignoresOf("a.py", f"a  {comment}\n")
        return ignore.ids, ignore.reason

    def test_ids(self) -> None:
        """
        There may be several rules.
        """
        ids = ("PBX101", "PBX102")
        self.assertEqual(self.read("# pbext: ignore[PBX101, PBX102] so"), (ids, "so"))
        self.assertEqual(self.read("#pbext:ignore [PBX101,PBX102]: so"), (ids, "so"))

    def test_noReason(self) -> None:
        """
        Another comment is no reason, nor is a dash.
        """
        for comment in (
            "# pbext: ignore[PBX101]",
            "# pbext: ignore[PBX101] --",
            "# pbext: ignore[PBX101]  # noqa: E501",
            "# pbext: ignore[PBX101]# noqa: E501",
        ):
            self.assertEqual(self.read(comment), (("PBX101",), ""), comment)
            (ignore,) = ignoresOf("a.py", f"a  {comment}\n")
            self.assertFalse(ignore.hides(finding("a.py", 1)))

    def test_besideOthers(self) -> None:
        """
        It may stand before and behind another comment.
        """
        self.assertEqual(
            self.read("# noqa: E501  # pbext: ignore[PBX101] see #12  # type: ignore"),
            (("PBX101",), "see #12"),
        )

    def test_noIds(self) -> None:
        """
        Without brackets it names no rule, and hides nothing.
        """
        self.assertEqual(self.read("# pbext: ignore it all"), ((), "it all"))
        self.assertEqual(hidden("a  # pbext: ignore it all\n"), set())

    def test_place(self) -> None:
        """
        Its place is that of the comment alone.
        """
        text = "é = 1  # noqa # pbext: ignore[PBX101] so\n"
        (ignore,) = ignoresOf("a.py", text)
        self.assertEqual(ignore.place, Place("a.py", 1, 14, 1, len(text) - 1))


class WithoutIgnoredTests(SynchronousTestCase):
    def test_files(self) -> None:
        """
        A comment hides what it names in its own file; what has no place is not
        hidden, nor is what is in a file that is gone.
        """
        home = directory(self)
        a, b = home / "a.py", home / "b.py"
        a.write_text("a  # pbext: ignore[PBX101] so it is\n")
        b.write_text("b\n")
        shown = [
            finding(str(a), 1, "PBX102"),
            finding(str(b), 1),
            finding(str(home / "gone.py"), 1),
            finding("", 0),
        ]
        self.assertEqual(withoutIgnored([finding(str(a), 1), *shown], Lines()), shown)
