"""
L{pbext.pb}: all of L{twisted.spread.pb}, ours where we have one; and thin.
"""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

import pbext
from pbext import _observers, pb, testing

#: What of Twisted's we have our own of.
OURS = {
    "Avatar",
    "Broker",
    "Cacheable",
    "Copyable",
    "PBClientFactory",
    "PBServerFactory",
    "Referenceable",
    "RemoteCache",
    "RemoteCopy",
    "RemoteMethod",
    "RemoteReference",
    "Root",
    "ViewPoint",
    "setCopierForClass",
    "setCopierForClassTree",
    "setFactoryForClass",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
}


class NamesTests(SynchronousTestCase):
    """
    Promise 1: change one line, keep the program.
    """

    def test_superset(self) -> None:
        """
        Every public name of C{twisted.spread.pb} is there.
        """
        self.assertEqual(set(stock.__all__) - set(pb.__all__), set())

    def test_oursOrTwisteds(self) -> None:
        """
        Each of them is ours if we have one, and otherwise Twisted's very own.
        """
        for name in stock.__all__:
            found, theirs = getattr(pb, name), getattr(stock, name)
            if name in OURS:
                self.assertTrue(found.__module__.startswith("pbext."), name)
                self.assertIsNot(found, theirs)
            else:
                self.assertIs(found, theirs)

    def test_noneForgotten(self) -> None:
        """
        Whatever pbext has under a name of Twisted's, C{pb} has too.
        """
        for name in {*stock.__all__} & {*pbext.__all__}:
            self.assertIs(getattr(pb, name), getattr(pbext, name))
            self.assertIn(name, OURS)
        aliases = {"setCopierForClass", "setCopierForClassTree", "setFactoryForClass"}
        self.assertEqual({*stock.__all__} & {*pbext.__all__}, OURS - aliases)

    def test_subclasses(self) -> None:
        """
        Our classes are subclasses of Twisted's, so that C{isinstance} holds.
        """
        classes = [name for name in OURS if isinstance(getattr(stock, name), type)]
        self.assertEqual(len(classes), 13)
        for name in classes:
            self.assertTrue(issubclass(getattr(pb, name), getattr(stock, name)))

    def test_aliases(self) -> None:
        """
        Twisted's older names for a function are names of ours.
        """
        self.assertIs(pb.setCopierForClass, pb.setUnjellyableForClass)
        self.assertIs(pb.setCopierForClassTree, pb.setUnjellyableForClassTree)
        self.assertIs(pb.setFactoryForClass, pb.setUnjellyableFactoryForClass)

    def test_all(self) -> None:
        """
        C{__all__} has each name once, and all that is public in pbext.
        """
        for module in pb, pbext:
            self.assertEqual(len(module.__all__), len({*module.__all__}))
            for name in module.__all__:
                self.assertTrue(hasattr(module, name), name)
        self.assertEqual({*pbext.__all__} - {*pb.__all__}, set())


def loadedBy(statement: str) -> set[str]:
    """
    @return: the modules that a statement loads beyond Twisted's PB and attrs,
        in an interpreter of its own.
    """
    program = (
        f"import json, sys\nimport attrs, twisted.spread.pb\n"
        f"before = set(sys.modules)\n{statement}\n"
        f"print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, timeout=60
    ).stdout
    return set(json.loads(output))


class ThinTests(SynchronousTestCase):
    """
    Promise 4: thin.
    """

    def test_imports(self) -> None:
        """
        C{import pbext.pb} brings Twisted and attrs and nothing more, and
        nothing of what a program may never use.
        """
        loaded = loadedBy("import pbext.pb")
        self.assertIn("pbext._observers", loaded)
        # Cython's own, of the compiled wire, is in no file.
        found = {name.partition(".")[0] for name in loaded}
        tops = {name for name in found if not name.startswith(("_cython_", "cython_"))}
        others = tops - {"pbext", "twisted", "attr", "attrs", "zope"}
        self.assertEqual(others - sys.stdlib_module_names, set())
        for never in (
            "msgspec",
            "psygnal",
            "pytest",
            "twisted.web",
            "twisted.trial",
            "twisted.internet.reactor",
            "pbext.audit",
            "pbext.cli",
            "pbext.receiver",
            "pbext.testing",
            "pbext.pytest_plugin",
        ):
            self.assertEqual(
                [n for n in loaded if n == never or n.startswith(f"{never}.")], []
            )

    def test_testingInstallsNoReactor(self) -> None:
        """
        What tests import installs no reactor, which is for the test runner to
        choose.
        """
        loaded = loadedBy("import pbext.testing, pbext.pytest_plugin")
        self.assertIn("pbext.testing", loaded)
        self.assertNotIn("twisted.internet.reactor", loaded)

    def test_pluginIsLight(self) -> None:
        """
        pytest loads our plugin in every project; Twisted comes along only with
        the fixture.
        """
        self.assertEqual(
            {n for n in loadedBy("import pbext.pytest_plugin") if "testing" in n}
            & {"pbext.testing", "twisted.internet.testing"},
            set(),
        )

    def test_mixins(self) -> None:
        """
        The three mixin modules together are under 600 lines.
        """
        package = Path(pbext.__file__).parent
        lines = [
            line
            for name in ("_copyable.py", "_cacheable.py", "_observers.py")
            for line in (package / name).read_text("utf-8").splitlines()
        ]
        self.assertLess(len(lines), 600)


class ExamplesTests(SynchronousTestCase):
    """
    The examples in docstrings.
    """

    def test_run(self) -> None:
        """
        Each prints what it says.
        """
        for module in pbext, testing, _observers:
            failed, tried = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
            self.assertEqual(failed, 0)
            self.assertGreater(tried, 0)
