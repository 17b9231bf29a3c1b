"""
Programs that are imported, in a process of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import skipUnless

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._audited import Audited, CannotAudit
from pbext.audit.living._imports import importAudit
from pbext.audit.living._modules import modulesOf
from pbext.audit.reading._sources import NoSuchTarget
from tests.audit.written import Written
from tests.processes import directory

#: Seconds that a module has, where none is to need them.
ENOUGH = 60.0

#: Seconds that a module has that needs more.
FEW = 2.0


class ImportTestCase(SynchronousTestCase):
    def write(self, **files: str) -> Path:
        """
        @return: the directory of a program; see L{Written}.
        """
        return Written(directory(self), **files).directory

    def audit(
        self, *targets: str | Path, search: Path | None = None, **kw: Any
    ) -> Audited:
        self.said: list[str] = []
        return importAudit(
            [*map(str, targets)],
            [] if search is None else [str(search)],
            **{"timeout": ENOUGH, "say": self.said.append, **kw},
        )

    def why(self, audited: Audited) -> dict[str, str]:
        """
        @return: by the names of files, why they were not imported.
        """
        return {Path(unread.path).name: unread.why for unread in audited.unread}

    def registered(self, audited: Audited) -> list[tuple[Any, ...]]:
        """
        @return: what was registered: tag, target, file and line.
        """
        return [
            (e.tag, e.target, Path(e.place.path).name, e.place.line)
            for e in audited.registrations
        ]


class RegistrationTests(ImportTestCase):
    """
    Each registration is noted, with its file and line.
    """

    def test_ways(self) -> None:
        """
        However it is made.
        """
        home = self.write(
            ponds="""\
                import sys
                import threading
                from twisted.spread import flavors, jelly, pb as stock
                from twisted.spread.jelly import setUnjellyableForClass as register
                import pbext
                from pbext import pb

                class View(pb.RemoteCopy): pass
                class Pond(pb.Copyable): typeToCopy = "zoo.Pond"

                register("direct", View)
                pb.setUnjellyableForClass(Pond, View)
                stock.setUnjellyableForClass(Pond, View)
                pb.setUnjellyableFactoryForClass("factory", lambda state: state)
                pbext.defaultRegistry.registerCopier(complex, "copier", str, complex)

                @pbext.defaultRegistry.unjellyableFor("decorated")
                class Decorated(pb.RemoteCopy): pass

                for number in range(2):
                    flavors.setCopierForClass(f"loop{number}", View)

                def registered(tag):
                    def register(cls):
                        stock.setUnjellyableForClass(tag, cls)
                        return cls
                    return register

                @registered("mine")
                class Mine(pb.RemoteCopy): pass

                def inThread():
                    register("threaded", View)

                thread = threading.Thread(target=inThread)
                thread.start()
                thread.join()
                flavors.copyTags[b"assigned"] = View
                jelly.unjellyableFactoryRegistry[b"made"] = View
                own = pb.Registry()
                own.setUnjellyableForClass("own", Mine, replace=True)
                """,
            tree="""\
                import sys
                from twisted.spread import pb

                class Base(pb.RemoteCopy): pass
                class Leaf(Base): pass

                pb.setUnjellyableForClassTree(sys.modules[__name__], Leaf, "t")
                """,
        )
        audited = self.audit(home)
        self.assertEqual(self.why(audited), {})
        found = self.registered(audited)
        lines = (home / "ponds.py").read_text().splitlines()

        def line(text: str) -> int:
            return next(n for n, ln in enumerate(lines, 1) if ln.startswith(text))

        expected = [
            ("direct", "ponds.View", line('register("direct"')),
            ("zoo.Pond", "ponds.View", line("pb.setUnjellyableForClass(Pond")),
            ("ponds.Pond", "ponds.View", line("stock.setUnjellyableForClass(Pond")),
            ("factory", None, line("pb.setUnjellyableFactory")),
            ("copier", "builtins.complex", line("pbext.defaultRegistry")),
            ("decorated", "ponds.Decorated", line("@pbext")),
            ("loop0", "ponds.View", line("    flavors.set")),
            ("loop1", "ponds.View", line("    flavors.set")),
            ("mine", "ponds.Mine", line("        stock.set")),
            ("threaded", "ponds.View", line('    register("threaded"')),
            ("own", "ponds.Mine", line("own.set")),
        ]
        for tag, target, at in expected:
            [entry] = [e for e in found if e[0] == tag]
            if target is None:
                self.assertIn("<lambda>", entry[1])
                entry = (entry[0], None, *entry[2:])
            self.assertEqual(entry, (tag, target, "ponds.py", at))
        # Of these it is known that they were made, if not all where.
        tags = [e.tag for e in audited.registrations]
        for tag in "assigned", "made", "t.Leaf":
            self.assertEqual(tags.count(tag), 1, tags)
        self.assertEqual(len(tags), 14)
        entries = {e.tag: e for e in audited.registrations}
        self.assertEqual(entries["copier"].kind, "copier")
        self.assertEqual(entries["copier"].sender, "builtins.complex")
        self.assertEqual(entries["made"].kind, "factory")
        self.assertEqual(entries["zoo.Pond"].sender, "ponds.Pond")
        self.assertTrue(entries["own"].replaces)
        self.assertEqual(
            [e.tag for e in audited.registrations if not e.shared], ["own"]
        )
        self.assertFalse(any(e.alien for e in audited.registrations))

    def test_twice(self) -> None:
        """
        Of a tag that is registered twice, both places are known, be the second one
        refused or not.
        """
        home = self.write(
            stocks="""\
                from twisted.spread import pb
                class One(pb.RemoteCopy): pass
                class Two(pb.RemoteCopy): pass
                pb.setUnjellyableForClass("stock", One)
                pb.setUnjellyableForClass("stock", Two)
                """,
            ours="""\
                from pbext import pb
                class One(pb.RemoteCopy): pass
                class Two(pb.RemoteCopy): pass
                pb.setUnjellyableForClass("ours", One)
                pb.setUnjellyableForClass("ours", Two)
                """,
        )
        audited = self.audit(home)
        self.assertEqual(
            sorted(self.registered(audited)),
            [
                ("ours", "ours.One", "ours.py", 4),
                ("ours", "ours.Two", "ours.py", 5),
                ("stock", "stocks.One", "stocks.py", 4),
                ("stock", "stocks.Two", "stocks.py", 5),
            ],
        )
        [why] = self.why(audited).values()
        self.assertIn("CannotRegister ('ours' cannot be registered: this tag", why)
        self.assertTrue(why.endswith("ours.py:5"), why)

    def test_alien(self) -> None:
        """
        What a module registers that is no target, but was imported by one, is alien.
        """
        home = self.write(
            ponds="import lakes\n",
            lakes="""\
                from twisted.spread import pb
                class View(pb.RemoteCopy): pass
                pb.setUnjellyableForClass("lake", View)
                """,
        )
        [entry] = self.audit("ponds", search=home).registrations
        self.assertEqual((entry.module, entry.alien), ("lakes", True))
        [entry] = self.audit("ponds", "lakes", search=home).registrations
        self.assertEqual((entry.module, entry.alien), ("lakes", False))

    def test_both(self) -> None:
        """
        What is not called when it is imported is known from the sources, and where
        the sources cannot tell, the process can.
        """
        home = self.write(
            ponds="""\
                from twisted.spread import pb
                class View(pb.RemoteCopy): pass
                def later():
                    pb.setUnjellyableForClass("later", View)
                pb.setUnjellyableForClass("".join("now"), View)
                """
        )
        self.assertEqual(
            self.registered(self.audit(home)),
            [
                ("now", "ponds.View", "ponds.py", 5),
                ("later", "ponds.View", "ponds.py", 4),
            ],
        )


class TargetTests(ImportTestCase):
    """
    What is imported of the targets.
    """

    def names(self, *targets: str | Path, search: Path, **kw: Any) -> list[str]:
        files, modules = modulesOf([*map(str, targets)], [str(search)], **kw)
        self.assertLessEqual({m.path for m in modules}, {*files})
        return sorted(module.name for module in modules)

    def zoo(self) -> Path:
        home = self.write(
            zoo__init="",
            zoo__ponds="",
            zoo__main_="",
            zoo__tests__init="",
            zoo__tests__samples="",
            zoo__test_more="",
            zoo__sub__init="",
            zoo__sub__setup="",
            setup="raise SystemExit",
            script="",
        )
        (home / "zoo" / "main_.py").rename(home / "zoo" / "__main__.py")
        (home / "no-name.py").write_text("")
        (home / "service.tac").write_text("")
        return home

    def test_names(self) -> None:
        """
        A package is all of its modules, but for those that are no part of its work.
        """
        home = self.zoo()
        zoo = ["zoo", "zoo.ponds", "zoo.sub", "zoo.sub.setup"]
        self.assertEqual(self.names("zoo", search=home), zoo)
        self.assertEqual(self.names(home / "zoo", search=home), zoo)
        self.assertEqual(self.names(home, search=home), ["script", *zoo])
        self.assertEqual(self.names("zoo.ponds", search=home), ["zoo.ponds"])

    def test_named(self) -> None:
        """
        Whatever is named is imported.
        """
        home = self.zoo()
        tests = ["zoo.tests", "zoo.tests.samples"]
        self.assertEqual(self.names("zoo.tests", search=home), tests)
        self.assertEqual(self.names(home / "zoo" / "tests", search=home), tests)
        self.assertEqual(
            self.names(home / "setup.py", "zoo.__main__", search=home),
            ["setup", "zoo.__main__"],
        )

    def test_excluded(self) -> None:
        """
        What is excluded is neither imported nor read.
        """
        home = self.zoo()
        files, modules = modulesOf(
            [str(home)], [], lambda path: "zoo" in Path(path).parts
        )
        self.assertEqual([m.name for m in modules], ["script"])
        self.assertEqual(
            sorted(Path(path).name for path in files),
            ["no-name.py", "script.py", "service.tac", "setup.py"],
        )

    def test_missing(self) -> None:
        """
        A target that is not there is said before anything is imported.
        """
        self.assertRaises(NoSuchTarget, self.audit, "nosuchzoo")

    def test_siblings(self) -> None:
        """
        A module that is named by its path finds those beside it.
        """
        home = self.write(
            ponds="import lakes\nassert lakes.DEPTH == 3\n", lakes="DEPTH = 3\n"
        )
        self.assertEqual(self.audit(home / "ponds.py").unread, ())

    def test_sameNames(self) -> None:
        """
        Python knows one module of a name; the other one is named.
        """
        home = self.write(
            one__ponds="", two__ponds="", one__json="", one__bad="x", two__bad=""
        )
        audited = self.audit(home)
        why = {"/".join(Path(u.path).parts[-2:]): u.why for u in audited.unread}
        self.assertEqual(
            sorted(why), ["one/bad.py", "one/json.py", "two/bad.py", "two/ponds.py"]
        )
        for name in "two/ponds.py", "two/bad.py":
            one = str(home / name.replace("two", "one"))
            self.assertTrue(why[name].endswith(f"imported from: that is {one}"), name)
        self.assertIn("not what json is imported from: that is", why["one/json.py"])
        self.assertIn("raises NameError", why["one/bad.py"])

    def test_count(self) -> None:
        """
        All files of the targets are read, also those that are not imported.
        """
        audited = self.audit(self.zoo())
        self.assertEqual((audited.read, audited.count, audited.unread), (12, 12, ()))


class HostileTests(ImportTestCase):
    """
    A module that does not let itself be imported is named, with the reason, and the
    others are audited.
    """

    GOOD = """\
        from twisted.spread import pb
        class View(pb.RemoteCopy): pass
        pb.setUnjellyableForClass("good", View)
        """

    def test_raising(self) -> None:
        """
        Whatever it raises.
        """
        home = self.write(
            a_exits="import sys\nsys.exit('my password is xyzzy')\n",
            b_raises="def f():\n    raise ValueError('xyzzy')\n\nf()\n",
            c_base="class Odd(BaseException): pass\nraise Odd('xyzzy')\n",
            d_missing="import nowater\n",
            e_broken="\n\ndef (\n",
            f_ends="import os\n\nos._exit(3)\n",
            g_reactor="""\
                from twisted.internet import reactor
                reactor.callLater(0, print)
                reactor.run()
                """,
            h_interrupts="raise KeyboardInterrupt\n",
            i_deep="import json\njson.loads('{')\n",
            j_odd="class E(Exception):\n    def __str__(self): raise E\nraise E\n",
            k_tricks="import os, sys\nos.chdir('..')\nsys.path.clear()\nsys.stdout=0\n",
            zgood=self.GOOD,
        )
        audited = self.audit(home)
        why = self.why(audited)
        for name, says in {
            "a_exits.py": "importing it ends the program (SystemExit) at {}:2",
            "b_raises.py": "importing it raises ValueError at {}:2",
            "c_base.py": "importing it raises Odd at {}:2",
            "d_missing.py": "importing it raises ModuleNotFoundError for nowater at "
            "{}:1",
            "e_broken.py": "line 3: invalid syntax",
            "f_ends.py": "importing it calls os._exit at {}:3",
            "g_reactor.py": "importing it runs the reactor at {}:3",
            "h_interrupts.py": "importing it raises KeyboardInterrupt at {}:1",
            "i_deep.py": "importing it raises JSONDecodeError at {}:2",
            "j_odd.py": "importing it raises E at {}:3",
        }.items():
            path = str(home / name)
            self.assertEqual(why.pop(name, None), says.format(path))
        self.assertEqual(why, {})
        self.assertEqual([e.tag for e in audited.registrations], ["good"])
        self.assertEqual((audited.read, audited.count), (12, 12))

    def test_printing(self) -> None:
        """
        What modules print is no part of the report, by whatever way it comes.
        """
        home = self.write(
            ponds="""\
                import os, subprocess, sys
                print("{}")
                sys.__stdout__.write("{}")
                os.write(1, b"{}")
                subprocess.run([sys.executable, "-c", "print('{}')"], check=True)
                assert sys.stdin.read() == ""
                """,
            good=self.GOOD,
        )
        audited = self.audit(home)
        self.assertEqual(audited.unread, ())
        self.assertEqual(len(audited.registrations), 1)

    @skipUnless(os.name == "posix", "signals")
    def test_killing(self) -> None:
        """
        One that takes the process with it is left out the next time.
        """
        home = self.write(
            a_dies="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
            b_raises="raise ValueError\n",
            c_crashes="import ctypes\n\nctypes.string_at(0)\n",
            d_threads="""\
                import os, threading
                thread = threading.Thread(target=lambda: os.kill(os.getpid(), 15))
                thread.start()
                thread.join()
                """,
            good=self.GOOD,
        )
        audited = self.audit(home)
        why = self.why(audited)
        crash = str(home / "c_crashes.py")
        self.assertEqual(
            why,
            {
                "a_dies.py": "importing it kills the process with SIGKILL",
                "b_raises.py": "importing it raises ValueError at "
                + str(home / "b_raises.py:1"),
                "c_crashes.py": "importing it kills the process with SIGSEGV "
                f"at {crash}:3",
                "d_threads.py": "importing it kills the process with SIGTERM",
            },
        )
        self.assertEqual([e.tag for e in audited.registrations], ["good"])

    @skipUnless(hasattr(os, "fork"), "processes that fork")
    def test_forking(self) -> None:
        """
        Of one that forks, one goes on.
        """
        home = self.write(
            ponds="import os\nif os.fork():\n    os.wait()\nraise ValueError\n",
            good=self.GOOD,
        )
        audited = self.audit(home)
        self.assertEqual([*self.why(audited)], ["ponds.py"])
        self.assertEqual(len(audited.registrations), 1)

    def test_loop(self) -> None:
        """
        One that takes too long is left out, and where it was is said.
        """
        home = self.write(ponds="\nwhile True:\n    pass\n", good=self.GOOD)
        audited = self.audit(home, timeout=FEW)
        [why] = self.why(audited).values()
        self.assertIn("importing it takes longer than 2 s", why)
        if os.name == "posix":
            self.assertRegex(why, r" at .*ponds\.py:[23]$")
        self.assertEqual([e.tag for e in audited.registrations], ["good"])

    @skipUnless(os.name == "posix", "signals")
    def test_stubbornLoop(self) -> None:
        """
        Also if it does not let itself be asked.
        """
        home = self.write(
            ponds="""\
                import faulthandler, signal
                faulthandler.disable()
                signal.signal(signal.SIGABRT, signal.SIG_IGN)
                while True:
                    pass
                """,
            good=self.GOOD,
        )
        audited = self.audit(home, timeout=FEW)
        self.assertEqual(
            self.why(audited), {"ponds.py": "importing it takes longer than 2 s"}
        )

    def test_swallowed(self) -> None:
        """
        Of one that goes on when the reactor was not run, it is known what it has
        registered then.
        """
        home = self.write(
            ponds="""\
                from twisted.internet import reactor
                from twisted.spread import pb
                class View(pb.RemoteCopy): pass
                try:
                    reactor.run()
                except BaseException:
                    pb.setUnjellyableForClass("after", View)
                """,
        )
        audited = self.audit(home)
        self.assertEqual(audited.unread, ())
        self.assertEqual(
            self.registered(audited), [("after", "ponds.View", "ponds.py", 7)]
        )

    def test_threadsLeft(self) -> None:
        """
        Threads that a module leaves running keep nobody waiting.
        """
        home = self.write(
            ponds="""\
                import threading
                threading.Thread(target=threading.Event().wait).start()
                """,
            good=self.GOOD,
        )
        self.assertEqual(len(self.audit(home).registrations), 1)

    def test_nothing(self) -> None:
        """
        If nothing can be imported, the audit cannot run.
        """
        home = self.write(ponds="raise ValueError('xyzzy')\n", lakes="import ponds\n")
        error = self.assertRaises(CannotAudit, self.audit, home)
        self.assertIn("nothing could be imported; ", str(error))
        self.assertIn("lakes.py: importing it raises ValueError at ", str(error))
        self.assertNotIn("xyzzy", str(error))

    def test_nothingToImport(self) -> None:
        """
        If there is nothing to import, there is what can be read.
        """
        home = self.write(test_ponds=self.GOOD)
        audited = self.audit(home)
        self.assertEqual((audited.read, len(audited.registrations)), (1, 1))

    def test_untouched(self) -> None:
        """
        Nothing is written beside the modules.
        """
        home = self.write(ponds=self.GOOD)
        self.audit(home)
        self.assertEqual(os.listdir(home), ["ponds.py"])

    def test_evil(self) -> None:
        """
        What ends the process later is nobody's import, and the audit says so.
        """
        home = self.write(
            ponds="""\
                import os
                from twisted.spread import pb

                class Meta(type):
                    @property
                    def copyFields(cls):
                        os._exit(7)

                class Pond(pb.Copyable, metaclass=Meta): pass
                """
        )
        error = self.assertRaises(CannotAudit, self.audit, home)
        self.assertEqual(
            str(error),
            "looking at what was imported ends the process with status 7; --verbose "
            "shows what it says",
        )

    def test_verbose(self) -> None:
        """
        On request, what modules print and where they fail goes to the standard error,
        and to nothing else.
        """
        home = self.write(ponds="print('a frog')\nraise ValueError\n", good=self.GOOD)
        program = (
            "import sys\n"
            "from pbext.audit.living._imports import importAudit\n"
            "importAudit([sys.argv[1]], [], verbose=sys.argv[2] == 'yes')\n"
        )
        for verbose in "yes", "no":
            done = subprocess.run(
                [sys.executable, "-c", program, str(home), verbose],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                capture_output=True,
                text=True,
            )
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.assertEqual("a frog" in done.stderr, verbose == "yes")
            self.assertEqual("Traceback" in done.stderr, verbose == "yes")

    def test_withoutExtra(self) -> None:
        """
        Without the library that sources are read with, what was imported is audited,
        and that is said.
        """
        home = self.write(ponds=self.GOOD, lakes="raise ValueError\n", test_more="")
        missing = self.write(griffe="raise ImportError\n")
        self.patch(sys, "path", [str(missing), *sys.path])
        audited = self.audit(home)
        [line] = self.said
        self.assertIn("only what was imported has been audited; ", line)
        self.assertIn("pip install 'pbext[audit]'", line)
        self.assertEqual(
            self.registered(audited), [("good", "ponds.View", "ponds.py", 3)]
        )
        self.assertEqual([*self.why(audited)], ["lakes.py"])
        self.assertEqual((audited.read, audited.count), (1, 3))
