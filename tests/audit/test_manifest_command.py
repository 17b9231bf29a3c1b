"""
C{pbext manifest} and C{pbext diff}, as they are run.
"""

from __future__ import annotations

import json
import sys

from twisted.trial.unittest import TestCase

from tests.audit.test_command import Commands
from tests.processes import Child, environment

FROG = """\
from dataclasses import dataclass
from pbext import pb

print("hello")

@dataclass
class Frog(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "Frog"
    name: str

pb.setUnjellyableForClass(Frog, Frog)
"""

#: The same, with one more field.
HEAVY = FROG.replace("    name: str\n", "    name: str\n    weight: float\n")


class ManifestTests(Commands, TestCase):
    async def test_printed(self) -> None:
        """
        It is printed, the same each time, and nothing else is.
        """
        self.write("frog.py", FROG)
        for mode in "--static", "--no-static":
            code, output, errors = await self.said("manifest", mode, "frog")
            self.assertEqual((code, errors), (0, ""))
            data = json.loads(output)
            self.assertEqual([*data["tags"]], ["Frog"])
            self.assertEqual(data["mode"], "static" if mode == "--static" else "import")
            self.assertNotIn(str(self.home), output)
            again = await self.said("manifest", mode, "frog.py", "--output", "out.json")
            self.assertEqual(again, (0, "", ""))
            self.assertEqual((self.home / "out.json").read_text(), output)

    async def test_settings(self) -> None:
        """
        Targets and what is excluded may stand in the settings; rules that are chosen
        there are the audit's.
        """
        self.write("frog.py", FROG)
        self.write("broken.py", "from pbext import (\n")
        self.write(
            "pyproject.toml",
            '[tool.pbext]\ntargets = ["."]\nexclude = ["broken.py", "pond.py"]\n'
            'static = true\nselect = ["PBX999"]\n',
        )
        code, output, errors = await self.said("manifest")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual([*json.loads(output)["tags"]], ["Frog", "lake.Pond"])

    async def test_allOrNothing(self) -> None:
        """
        What cannot be read or imported would be missing in it, so there is none.
        """
        self.write("frog.py", FROG)
        self.write("broken.py", "from pbext import (\n")
        self.write("raises.py", "from pbext import pb\n1 / 0\n")
        for mode, why in {
            "--static": "broken.py: line 1",
            "--no-static": "raises.py: importing it raises ZeroDivisionError",
        }.items():
            targets = ["broken.py"] if mode == "--static" else ["raises.py"]
            said = await self.refused("manifest", mode, "frog.py", *targets)
            self.assertIn(why, said)
        self.assertIn(
            "no Python",
            await self.refused("manifest", "--static", ".", "--exclude", "*"),
        )
        self.assertIn("say what", await self.refused("manifest"))
        self.assertIn("no such", await self.refused("manifest", "missing"))
        self.assertIn(
            "cannot be written",
            await self.refused(
                "manifest", "--static", "lake.py", "--output", "no/such.json"
            ),
        )


class DiffTests(Commands, TestCase):
    async def made(self) -> None:
        """
        Write two manifests.
        """
        for name, text in ("old", FROG), ("new", HEAVY):
            self.write("frog.py", text)
            done = await self.said(
                "manifest", "--static", "frog.py", "--output", f"{name}.json"
            )
            self.assertEqual(done, (0, "", ""))

    async def test_statuses(self) -> None:
        """
        0 if nothing breaks in a direction that matters, and is not allowed; 1 if
        something does.
        """
        await self.made()
        for arguments, status in [
            (["old.json", "old.json"], 0),
            (["old.json", "new.json"], 1),
            (["new.json", "old.json"], 1),
            (["old.json", "new.json", "--direction", "old-to-new"], 1),
            (["old.json", "new.json", "--direction", "new-to-old"], 0),
            (["old.json", "new.json", "--allow", "PBD202"], 0),
            (["old.json", "new.json", "--allow", "pbd202:Frog"], 0),
            (["old.json", "new.json", "--allow", "PBD202:Toad"], 1),
            (["old.json", "new.json", "--allow", "PBD201"], 1),
        ]:
            code, output, errors = await self.said("diff", *arguments)
            self.assertEqual((code, errors), (status, ""), arguments)
            self.assertIn("breaks", output)

    async def test_text(self) -> None:
        """
        People are told what, in which direction, and what to do.
        """
        await self.made()
        _, output, _ = await self.said("diff", "old.json", "new.json")
        self.assertEqual(
            output,
            "Frog\n"
            "  old sender to new receiver\n"
            "    breaks PBD202: frog.Frog requires weight, which frog.Frog does not "
            "send\n"
            "        fix: give it a default; or raise copyVersion, and let the "
            "receiver bring old states up to it with upgradeStateToVersion<N>\n"
            "  new sender to old receiver\n"
            "    note PBD211: frog.Frog sends weight, which frog.Frog ignores\n"
            "\n"
            "1 break (1 from old to new); 1 to know of\n",
        )
        _, output, _ = await self.said(
            "diff", "old.json", "new.json", "--allow", "PBD202"
        )
        self.assertIn("allowed PBD202: ", output)
        self.assertNotIn("fix: ", output)
        self.assertIn("\nnothing breaks; 1 to know of; 1 allowed\n", output)
        _, output, _ = await self.said("diff", "old.json", "old.json")
        self.assertEqual(output, "nothing breaks\n")

    async def test_json(self) -> None:
        """
        Programs are told the same.
        """
        await self.made()
        code, output, _ = await self.said(
            "diff", "old.json", "new.json", "--format", "json"
        )
        self.assertEqual(code, 1)
        data = json.loads(output)
        self.assertEqual((data["format"], data["breaks"]), ("pbext-diff", True))
        first = data["changes"][0]
        self.assertEqual(
            {name: first[name] for name in ("id", "level", "direction", "subject")},
            {
                "id": "PBD202",
                "level": "breaks",
                "direction": "old-to-new",
                "subject": "Frog",
            },
        )
        self.assertEqual((first["name"], first["allowed"]), ("weight", False))

    async def test_standardInput(self) -> None:
        """
        One of the manifests can come from the standard input.
        """
        await self.made()
        old = (self.home / "old.json").read_bytes()
        for arguments in ["-", "new.json"], ["new.json", "-"]:
            child = Child.start(
                self,
                [sys.executable, "-m", "pbext", "diff", *arguments],
                cwd=self.home,
                env=environment(),
            )
            child.transport.write(old)
            child.transport.closeStdin()
            code, _ = await child.ended()
            self.assertEqual(code, 1)
        self.assertIn("only one", await self.refused("diff", "-", "-"))

    async def test_nonsense(self) -> None:
        """
        What is no manifest is refused in a sentence.
        """
        await self.made()
        self.write("text.json", "hello")
        self.write("other.json", "[1]")
        newer = (
            (self.home / "old.json")
            .read_text()
            .replace('"version": 1\n', '"version": 9\n')
        )
        self.write("newer.json", newer)
        for name, said in {
            "text.json": "is no JSON",
            "other.json": "is no manifest",
            "newer.json": "newer pbext",
            "missing.json": "cannot be read: No such file",
            ".": "cannot be read",
        }.items():
            for arguments in [name, "old.json"], ["old.json", name]:
                errors = await self.refused("diff", *arguments)
                self.assertIn(said, errors)
                self.assertTrue(errors.startswith(f"pbext diff: {name} "), errors)
        errors = await self.refused("diff", "old.json", "new.json", "--allow", "PBD9")
        self.assertIn("PBD101", errors)
