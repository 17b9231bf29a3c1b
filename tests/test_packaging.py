"""
However pbext is installed, the twistd plugin comes with it.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import pbext
from tests import packages

#: Whether the compiled part can be built here.
COMPILER = shutil.which(os.environ.get("CC", "cc")) is not None


def _compiled(names: list[str]) -> list[str]:
    return [name for name in names if name.endswith((".so", ".pyd"))]


class InstalledMixin:
    """
    What is true of every way to install.
    """

    def programs(self) -> Path:
        raise NotImplementedError("for subclasses")

    def outside(self) -> Path:
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        return directory

    def test_plugin(self) -> None:
        """
        twist and twistd list pbreceiver, outside the checkout.
        """
        for program in ("twist", "twistd"):
            shown = packages.run(
                self.programs() / program, "--help", cwd=self.outside()
            )
            self.assertIn("pbreceiver", shown)
            self.assertIn("Receive Perspective Broker copies", shown)

    def test_options(self) -> None:
        """
        The plugin can be loaded.
        """
        shown = packages.run(
            self.programs() / "twistd", "pbreceiver", "--help", cwd=self.outside()
        )
        self.assertIn("--allow-shutdown", shown)

    def test_wire(self) -> None:
        """
        The wire is the compiled one, if there is a compiler; the environment
        variable chooses the other one.
        """
        compiled = "compiled" if COMPILER else "pure Python"
        for pure, codec in (("", compiled), ("1", "pure Python")):
            shown = packages.run(
                "env",
                f"PBEXT_PURE={pure}",
                self.programs() / "pbext",
                "--version",
                cwd=self.outside(),
            )
            self.assertEqual(shown, f"pbext {pbext.__version__} ({codec} wire)\n")

    def test_demo(self) -> None:
        """
        The demo runs, and leaves nothing behind.
        """
        outside = self.outside()
        shown = packages.run(
            self.programs() / "python", "-m", "pbext", "demo", cwd=outside
        )
        self.assertIn("2 told, 1 dropped, 0 starved", shown)
        self.assertNotIn("WRONG", shown)
        self.assertEqual(list(outside.iterdir()), [])


class WheelTests(InstalledMixin, SynchronousTestCase):
    """
    The wheel that was built from the source distribution.
    """

    def programs(self) -> Path:
        [wheel] = packages.distributions().glob("*.whl")
        return packages.environment("wheel", wheel)

    def test_content(self) -> None:
        """
        It holds the plugin, and no package that is Twisted's.
        """
        [wheel] = packages.distributions().glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        self.assertIn("twisted/plugins/pbext_receiver.py", names)
        self.assertIn("pbext/py.typed", names)
        self.assertEqual(len(_compiled(names)), 1 if COMPILER else 0)
        self.assertIn("pbext/wire/_fast.pyi", names)
        self.assertNotIn("pbext/wire/_fast.pyx", names)
        self.assertNotIn("twisted/__init__.py", names)
        self.assertNotIn("twisted/plugins/__init__.py", names)
        self.assertEqual([n for n in names if "dropin.cache" in n or "tests/" in n], [])

    def test_source(self) -> None:
        """
        The source distribution holds the tests, the examples and the docs, and
        of the compiled part what it is made of.
        """
        [source] = packages.distributions().glob("*.tar.gz")
        with tarfile.open(source) as opened:
            names = {name.partition("/")[2] for name in opened.getnames()}
        for name in (
            "LICENSE",
            "README.rst",
            "docs/index.rst",
            "examples/copy/sender.py",
            "tests/test_packaging.py",
            "twisted/plugins/pbext_receiver.py",
        ):
            self.assertIn(name, names)
        fast = {name for name in names if name.startswith("pbext/wire/_fast.")}
        self.assertEqual(fast, {"pbext/wire/_fast.pyi", "pbext/wire/_fast.pyx"})

    def test_noCompiler(self) -> None:
        """
        Without a compiler there is a wheel as well, all in Python.
        """
        names = zipfile.ZipFile(packages.pureWheel()).namelist()
        self.assertIn("pbext/wire/_decoder.py", names)
        self.assertEqual(_compiled(names), [])

    def test_uninstall(self) -> None:
        """
        Uninstalling leaves Twisted as it is without pbext.
        """
        [wheel] = packages.distributions().glob("*.whl")
        programs = packages.environment("uninstalled", wheel)
        pip = [programs / "python", "-m", "pip"]
        packages.run(*pip, "uninstall", "-qy", "pbext")
        shown = packages.run(programs / "twistd", "--help", cwd=self.outside())
        self.assertIn("web", shown)
        self.assertNotIn("pbreceiver", shown)
        packages.run(*pip, "check")
        self.assertIn(
            "twisted/plugins/__init__.py", packages.run(*pip, "show", "-f", "twisted")
        )
        packages.run(
            programs / "python", "-c", "import twisted.plugins, twisted.spread.pb"
        )
        packages.run(*pip, "install", "-q", "--no-deps", wheel)  # for a next run


class PlainTests(InstalledMixin, SynchronousTestCase):
    """
    C{pip install .}
    """

    def programs(self) -> Path:
        return packages.environment("plain", packages.checkout())


class EditableTests(InstalledMixin, SynchronousTestCase):
    """
    C{pip install -e .}
    """

    def programs(self) -> Path:
        return packages.environment("editable", "-e", packages.checkout())
