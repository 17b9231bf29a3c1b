"""
An audit, from what is settled to what is to be shown.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import Audited, CannotAudit
from pbext.audit._job import Job
from pbext.audit._rules import allRules
from pbext.audit._settings import Settings
from pbext.audit.reading._sources import NoSuchTarget
from tests.audit.written import Written
from tests.processes import directory

#: PBX001 and PBX002, in a class each.
POND = """\
from twisted.spread import pb

class Pond(pb.Copyable):
    name = ""  # pbext: ignore[PBX002]

class Lake(pb.Copyable):
    name = ""  # pbext: ignore[lake] so it is
"""


class JobTests(SynchronousTestCase):
    def setUp(self) -> None:
        home = directory(self)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(home)
        Written(".", pond=POND, zoo__init="", zoo__tests__test=POND, zoo__pond_pb=POND)

    def job(self, *targets: str, **settings: object) -> Job:
        return Job.of(Settings(targets=targets, static=True, **settings))

    def found(self, *targets: str, **settings: object) -> list[tuple[str, str, int]]:
        return self.told(self.job(*targets, **settings).audited())

    def told(self, audited: Audited) -> list[tuple[str, str, int]]:
        return [(f.rule, f.place.path, f.place.line) for f in audited.findings]

    def refused(self, *targets: str, **settings: object) -> str:
        error = self.assertRaises(
            (CannotAudit, NoSuchTarget), self.found, *targets, **settings
        )
        self.assertNotIn("\n", str(error))
        return str(error)

    def test_found(self) -> None:
        """
        Targets are paths, or modules that are looked for here.
        """
        found = [("PBX001", "pond.py", 4), ("PBX002", "pond.py", 7)]
        self.assertEqual(self.found("pond.py"), found)
        self.assertEqual(self.found("pond"), found)
        audited = self.job("pond.py").audited()
        self.assertEqual(
            [f.subject for f in audited.findings], ["pond.Pond", "pond.Lake"]
        )
        self.assertEqual((audited.read, audited.count), (1, 1))

    def test_search(self) -> None:
        """
        Modules are looked for where the settings are, or where it is said.
        """
        os.chdir("zoo")
        settings = Settings(targets=("pond",), static=True, root="..")
        found = [("PBX001", "../pond.py", 4), ("PBX002", "../pond.py", 7)]
        shown = self.told(Job.of(settings).audited())
        self.assertEqual(
            [(rule, os.path.relpath(path), line) for rule, path, line in shown], found
        )
        job = Job.of(settings, ["tests"])
        self.assertRaises(NoSuchTarget, job.audited)
        installed = Settings(targets=("twisted.web.distrib",), static=True)
        self.assertEqual(Job.of(installed, ["tests"]).audited().count, 1)
        error = self.assertRaises(CannotAudit, Job.of, settings, ["nowhere"])
        self.assertEqual(str(error), "nowhere is no directory")

    def test_select(self) -> None:
        """
        Rules are chosen and left out by their ids, or how they begin.
        """
        one, two = self.found("pond.py")
        self.assertEqual(self.found("pond.py", select=("PBX001",)), [one])
        self.assertEqual(self.found("pond.py", select=("PBX00",)), [one, two])
        self.assertEqual(self.found("pond.py", ignore=("PBX001",)), [two])
        self.assertEqual(
            self.found("pond.py", select=("PBX0",), ignore=("PBX002",)), [one]
        )
        self.assertEqual(len(self.job("pond.py").rules), len(allRules()))

    def test_noSuchRule(self) -> None:
        """
        One that does not exist is refused, with one that does.
        """
        for settings in ({"select": ("pbx001",)}, {"ignore": ("PBX0001",)}):
            self.assertIn("; PBX001 perhaps", self.refused("pond.py", **settings))
        self.assertIn("pbext explain lists", self.refused("pond.py", select=("X",)))
        self.assertIn(
            "no rule is left",
            self.refused("pond.py", select=("PBX0",), ignore=("PBX",)),
        )

    def test_exclude(self) -> None:
        """
        A pattern is for a file or a directory, by name or by path.
        """
        tests, plain = "zoo/tests/test.py", "zoo/pond_pb.py"
        for patterns, left in (
            ((), {tests, plain}),
            (("tests",), {plain}),
            (("zoo/tests",), {plain}),
            (("zoo/tests/",), {plain}),
            (("*/tests/*",), {plain}),
            (("*_pb.py", "nothing"), {tests}),
            (("tes",), {tests, plain}),
        ):
            found = self.found("zoo", exclude=patterns)
            self.assertEqual({path for _, path, _ in found}, left, patterns)
        self.assertEqual(
            self.refused("zoo", exclude=("zoo",)),
            "there is no Python in zoo that is not excluded",
        )

    def test_excludeFromRoot(self) -> None:
        """
        Paths are also those that the settings see.
        """
        os.chdir("zoo")
        settings = Settings(
            targets=("tests", "pond_pb.py"),
            static=True,
            exclude=("zoo/tests",),
            root="..",
        )
        found = self.told(Job.of(settings).audited())
        self.assertEqual({path for _, path, _ in found}, {"pond_pb.py"})

    def test_hidden(self) -> None:
        """
        What comments and the baseline hide is counted.
        """
        Path("pond.py").write_text(f"{POND}\n{POND}")
        self.job("pond.py", baseline="known").updateBaseline()
        Path("pond.py").write_text(
            POND.replace("[lake]", "[river]")
            + "    # pbext: ignore[PBX002] there is none\n"
            + "    pike = 1  # pbext: ignore[pike] so it is\n"
        )
        audited = self.job("pond.py", baseline="known").audited()
        self.assertEqual(self.told(audited), [("PBX002", "pond.py", 7)])
        self.assertEqual((audited.ignored, audited.known, audited.gone), (1, 1, 3))

    def test_updateBaseline(self) -> None:
        """
        The baseline is replaced, but for what rules have found that are not
        asked now.
        """

        def update(**settings: object) -> int:
            return self.job("pond.py", baseline="known", **settings).updateBaseline()

        self.assertEqual(update(), 2)
        before = Path("known").read_bytes()
        self.assertEqual(update(), 2)
        self.assertEqual(Path("known").read_bytes(), before)
        Path("pond.py").write_text(POND.replace(" so it is", ""))
        self.assertEqual(update(select=("PBX001",)), 3)
        self.assertEqual(
            self.found("pond.py", baseline="known"), [("PBX002", "pond.py", 7)]
        )
        self.assertEqual(update(), 3)
        self.assertEqual(self.found("pond.py", baseline="known"), [])

    def test_noBaseline(self) -> None:
        """
        What is no baseline is neither read nor overwritten.
        """
        self.assertRaises(CannotAudit, self.job("pond.py").updateBaseline)
        Path("known").write_text("mine")
        self.assertIn("known is no", self.refused("pond.py", baseline="known"))
        update = self.job("pond.py", baseline="known").updateBaseline
        self.assertRaises(CannotAudit, update)
        self.assertEqual(Path("known").read_text(), "mine")

    def test_nothing(self) -> None:
        """
        Where there is nothing to read, nothing is clean.
        """
        Path("empty").mkdir()
        Path("broken.py").write_text("from twisted.spread import pb\nclass\n")
        Path("binary.py").write_bytes(b"\x7fELF\xff\x00")
        self.assertIn("say what to audit", self.refused())
        self.assertIn("nowhere: there is no such", self.refused("nowhere"))
        self.assertIn("there is no Python in empty", self.refused("empty"))
        self.assertIn("broken.py: line 2: invalid", self.refused("broken.py"))
        self.assertIn("binary.py: it is not in", self.refused("binary.py"))
        audited = self.job("broken.py", "binary.py", "pond.py").audited()
        self.assertEqual((audited.read, audited.count), (1, 3))
        self.assertEqual(
            sorted(unread.path for unread in audited.unread), ["binary.py", "broken.py"]
        )
