"""
Which classes C{pbreceiver} lets in, and that it says so.
"""

from __future__ import annotations

import contextlib
import io
import sys
import textwrap
from pathlib import Path
from typing import Any

from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pbext import defaultRegistry, pb
from pbext.receiver import CannotStart
from pbext.receiver.tap import Options, makeService
from pbext.testing import restoredRegistry
from tests import test_receiver
from tests.processes import Child, directory

PONDS = """
import lakes
from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.portal import Portal
from twisted.spread import pb as stock
from pbext import defaultRegistry, pb

@defaultRegistry.unjellyableFor("receiver.Frog")
class Frog(pb.RemoteCopy):
    copyVersion = 3
    colour: str

def newt(state):
    return sorted(state)

pb.setUnjellyableFactoryForClass("receiver.Newt", newt)

class Eel(stock.RemoteCopy):
    pass

stock.setUnjellyableForClass("receiver.Eel", Eel)

class Root(pb.Root):
    def remote_take(self, thing):
        return type(thing).__qualname__

class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        return stock.IPerspective, pb.Avatar(), lambda: None

portal = Portal(Realm(), [AllowAnonymousAccess()])
"""

LAKES = """
from pbext import pb

class Toad(pb.RemoteCopy):
    pass

pb.setUnjellyableForClass("receiver.Toad", Toad)
"""


def modules(testCase: Any) -> Path:
    """
    @return: a directory with two modules that register classes, of which
        C{ponds} imports C{lakes}.
    """
    home = directory(testCase).resolve()
    (home / "ponds.py").write_text(PONDS)
    (home / "lakes.py").write_text(LAKES)
    return home


def lineOf(source: str, text: str) -> int:
    """
    @return: the number of the line of a module that begins so.
    """
    lines = source.splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.startswith(text))


def listed(home: Path) -> list[str]:
    """
    @return: what is to be listed of C{ponds}.
    """
    file = home / "ponds.py"
    # Python 3.10 gives a decorator's call the line of the class.
    decorator = "@default" if sys.version_info >= (3, 11) else "class Frog"
    frog, newt = lineOf(PONDS, decorator), lineOf(PONDS, "pb.setUnjellyableFactory")
    return [
        "receiver.Eel: class, ponds.Eel, by a place that is not known",
        f"receiver.Frog: class, version 3, ponds.Frog, by {file}:{frog}",
        f"receiver.Newt: factory, ponds.newt, by {file}:{newt}",
    ]


class Sent(stock.Copyable):
    """
    A copy under any tag.
    """

    def __init__(self, tag: str, **state: Any) -> None:
        self.tag = tag
        self.state = state

    def getTypeToCopy(self) -> bytes:
        return self.tag.encode()

    def getStateToCopy(self) -> Any:
        return self.state


class ProcessTests(TestCase):
    """
    In a process of its own.
    """

    program = test_receiver.ServiceTests.program
    start = test_receiver.ServiceTests.start
    connect = test_receiver.ServiceTests.connect
    timeout = 30

    async def list(self, *options: str, cwd: Path | None = None) -> list[str]:
        """
        @return: what is printed, when it has ended well.
        """
        child = Child.start(
            self, [*self.program, "pbreceiver", "--list-classes", *options], cwd=cwd
        )
        code, output = await child.ended()
        self.assertEqual(code, 0, output)
        return output.splitlines()

    async def test_list(self) -> None:
        """
        C{--list-classes} prints what may arrive, what it becomes and where
        that was said, and ends.
        """
        home = modules(self)
        lines = await self.list(
            "--import", "ponds", "--allow", "receiver.Carp", cwd=home
        )
        self.assertTrue(lines[0].startswith("receiver.Carp: class, "), lines)
        self.assertIn("OpaqueCopy or OpaqueCache", lines[0])
        self.assertEqual(lines[1:], listed(home))

    async def test_listNothing(self) -> None:
        """
        It says so if there is nothing.
        """
        self.assertEqual(await self.list(), ["no class may arrive"])

    async def test_scope(self) -> None:
        """
        What an imported module registers may arrive, from peers of both
        kinds; what is registered by a module that that one imports may not,
        though it is registered in the process, and the log says how to let it
        in.
        """
        child, port = await self.start(
            "--import", "ponds", "--root", "ponds.Root", cwd=modules(self)
        )
        for factory in pb.PBClientFactory, stock.PBClientFactory:
            root = await self.connect(port, factory)
            for tag, becomes in (
                ("receiver.Frog", "Frog"),
                ("receiver.Eel", "Eel"),
                ("receiver.Newt", "list"),
            ):
                sent = Sent(tag, colour="green", copyVersion=3)
                self.assertEqual(await root.callRemote("take", sent), becomes)
            for tag in "receiver.Toad", "receiver.Carp":
                call = root.callRemote("take", Sent(tag))
                [failure] = await call.addErrback(lambda failure: [failure])
                self.assertTrue(failure.check(InsecureJelly))
                self.assertIn(tag, failure.value)
            self.assertEqual(await root.callRemote("take", "text"), "str")
        await child.waitFor(
            r"receiver\.Toad is registered by the module lakes: --import lakes$"
        )
        await child.waitFor(r"--allow receiver\.Carp$")
        self.assertNotIn("--allow receiver.Toad", child.output)
        self.assertNotIn("Traceback", child.output)

    async def test_both(self) -> None:
        """
        Both modules can be named.
        """
        home = modules(self)
        options = "--import", "ponds", "--import", "lakes"
        child, port = await self.start(*options, cwd=home)
        root = await self.connect(port)
        answer = await root.callRemote("take", "toad", Sent("receiver.Toad"))
        self.assertEqual(answer, "safe and sound")

    async def test_portal(self) -> None:
        """
        A root may be a portal: then nothing may arrive before a login, and
        the log says why.
        """
        child, port = await self.start("--root", "ponds.portal", cwd=modules(self))
        root = await self.connect(port)
        call = root.callRemote("login", Sent("receiver.Frog", colour="green"))
        [failure] = await call.addErrback(lambda failure: [failure])
        self.assertTrue(failure.check(InsecureJelly))
        await child.waitFor(r"receiver\.Frog may arrive when its sender has logged in$")
        self.assertNotIn("--import", child.output)
        avatar = await root.callRemote("loginAnonymous", None)
        frog = Sent("receiver.Frog", colour="green", copyVersion=3)
        call = avatar.callRemote("swim", frog)
        [failure] = await call.addErrback(lambda failure: [failure])
        self.assertTrue(failure.check(stock.NoSuchMethod), failure)


class TwistTests(ProcessTests):
    """
    The same for C{twist}.
    """

    program = test_receiver.TwistTests.program


class OptionsTests(SynchronousTestCase):
    """
    In this process.
    """

    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        path = list(sys.path)
        self.addCleanup(sys.path.__setitem__, slice(None), path)
        for name in "ponds", "lakes", "shore", "shore.reeds":
            self.addCleanup(sys.modules.pop, name, None)
        self.home = modules(self)

    def run_(self, *arguments: str) -> Any:
        options = Options()
        options.parseOptions(["--path", str(self.home), *arguments])
        return makeService(options)

    def list(self, *arguments: str) -> list[str]:
        """
        @return: the lines that are printed.
        """
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            end = self.assertRaises(SystemExit, self.run_, "--list-classes", *arguments)
        self.assertEqual(end.code, 0)
        return printed.getvalue().splitlines()

    def tags(self, *arguments: str) -> list[str]:
        return [line.partition(":")[0] for line in self.list(*arguments)]

    def test_modules(self) -> None:
        """
        What a module registers is listed, not what it imports does; nor what
        else is registered in the process.
        """
        pb.setUnjellyableForClass("receiver.elsewhere", pb.RemoteCopy)
        self.assertEqual(self.list("--import", "ponds"), listed(self.home))
        self.assertIn("receiver.Toad", defaultRegistry)
        self.assertEqual(self.tags("--import", "lakes"), ["receiver.Toad"])
        both = self.tags("--import", "lakes", "--import", "ponds")
        self.assertEqual(
            both, ["receiver.Eel", "receiver.Frog", "receiver.Newt", "receiver.Toad"]
        )

    def test_rootsModule(self) -> None:
        """
        The module of the root is one of them.
        """
        self.assertEqual(self.list("--root", "ponds.Root"), listed(self.home))

    def test_package(self) -> None:
        """
        Of a package, it is the module that is named.
        """
        shore = self.home / "shore"
        shore.mkdir()
        register = (
            "from pbext import pb\npb.setUnjellyableForClass('{0}', pb.RemoteCopy)"
        )
        (shore / "__init__.py").write_text(
            "from shore import reeds\n" + register.format("receiver.Shore")
        )
        (shore / "reeds.py").write_text(register.format("receiver.Reeds"))
        self.assertEqual(self.tags("--import", "shore"), ["receiver.Shore"])
        self.assertEqual(self.tags("--import", "shore.reeds"), ["receiver.Reeds"])

    def test_allowed(self) -> None:
        """
        What is allowed without its class is let in here, and nowhere else in
        the process, also if a module that is not imported has a class for it.
        """
        tags = self.tags("--allow", "receiver.Carp", "--allow", "receiver.Bream")
        self.assertEqual(tags, ["receiver.Bream", "receiver.Carp"])
        self.assertNotIn("receiver.Carp", defaultRegistry)
        self.list("--import", "lakes")
        [line] = self.list("--allow", "receiver.Toad")
        self.assertIn("OpaqueCopy or OpaqueCache", line)
        entry = defaultRegistry.find("receiver.Toad")
        assert entry is not None
        self.assertEqual(entry.module, "lakes")

    def test_allowedTwice(self) -> None:
        """
        A tag that an imported module has registered is not allowed as well.
        """
        error = self.assertRaises(
            CannotStart, self.run_, "--import", "lakes", "--allow", "receiver.Toad"
        )
        self.assertIn("--allow receiver.Toad: a module that is imported", str(error))
        error = self.assertRaises(
            CannotStart, self.run_, *["--allow", "receiver.Carp"] * 2
        )
        self.assertIn("--allow receiver.Carp", str(error))

    def test_refused(self) -> None:
        """
        A module that registers what cannot be registered is refused in one
        line, which says where and why.
        """
        (self.home / "clash.py").write_text(
            textwrap.dedent(
                """
                from pbext import pb
                import lakes

                class Other(pb.RemoteCopy):
                    pass

                pb.setUnjellyableForClass("receiver.Toad", Other)
                """
            )
        )
        self.addCleanup(sys.modules.pop, "clash", None)
        error = self.assertRaises(CannotStart, self.run_, "--import", "clash")
        line = str(error)
        self.assertIn("clash.py:8", line)
        self.assertIn("lakes.Toad, by ", line)
        self.assertIn("lakes.py:7", line)
        self.assertNotIn("\n", line)
