"""
Environments with nothing but pbext and what it requires, each made once.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from unittest import SkipTest

TOP = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """
    Run a command to its end.

    @return: what it printed, to stdout and to stderr.
    @raise AssertionError: if it failed.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


@cache
def place() -> Path:
    """
    Where the environments of this run are: shared with other runs if somebody
    cleans up after them, else made anew, and gone with this process.
    """
    shared = os.environ.get("PBEXT_TEST_ENVIRONMENTS")
    if shared:
        return Path(shared)
    made = tempfile.mkdtemp(prefix="pbext-tests-")
    # Not tearDownModule, which trial does not call.
    atexit.register(shutil.rmtree, made)
    return Path(made)


def checkout() -> Path:
    """
    @return: a copy of what git would check out, since a build leaves its
        traces.
    """
    copy = place() / "checkout"
    if not copy.exists():
        if not (TOP / "setup.cfg").exists():
            raise SkipTest("these tests are not in a checkout")
        copy.mkdir()
        names = run("git", "ls-files", "-co", "--exclude-standard", cwd=TOP).split("\n")
        for name in filter(None, names):
            source = TOP / name
            if source.is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes(source.read_bytes())
    return copy


def environment(name: str, *install: str | Path) -> Path:
    """
    @param name: of the environment.
    @param install: what to give to pip.
    @return: its directory of programs.
    """
    directory = place() / name
    if not directory.exists():
        run(sys.executable, "-m", "venv", directory)
        run(directory / "bin" / "python", "-m", "pip", "install", "-q", *install)
    return directory / "bin"


def unpacked() -> Path:
    """
    @return: what is in the source distribution.
    """
    directory = place() / "unpacked"
    if not directory.exists():
        [source] = distributions().glob("*.tar.gz")
        shutil.unpack_archive(source, directory)
    [top] = directory.iterdir()
    return top


def pureWheel() -> Path:
    """
    @return: the wheel that is built where there is no compiler.
    """
    built = place() / "pure"
    if not built.exists():
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", built]
        run("env", "CC=/nonexistent/cc", *build, unpacked())
    [wheel] = built.iterdir()
    return wheel


def distributions() -> Path:
    """
    @return: the directory of a source distribution and of the wheel that was
        made from it.
    """
    built = place() / "dist"
    if not built.exists():
        run(sys.executable, "-m", "build", "--outdir", built, cwd=checkout())
    return built
