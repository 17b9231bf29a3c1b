"""
A stock peer: a Python that has Twisted and nothing of ours, and of Twisted the
other end of what we support.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from functools import cache
from pathlib import Path

import twisted

__all__ = ["OLDEST", "stockPython"]

#: The oldest Twisted that setup.cfg allows.
OLDEST = "24.10.0"

_CHECKOUT = Path(__file__).parent.parent

#: Seconds that the making of the environment, or its downloads, may take.
_PATIENCE = 300


def stockPython() -> str:
    """
    The stock peer's Python: the one that the environment variable
    C{PBEXT_STOCK_PYTHON} names, or that of an environment which is made, once,
    in C{.stock} of the checkout.

    @raise unittest.SkipTest: if it cannot be made, for want of an index, say.
        Where the environment variable C{CI} is set, that is an error.
    """
    named = os.environ.get("PBEXT_STOCK_PYTHON")
    if named:
        return named
    python, trouble = _made()
    if not trouble:
        return str(python)
    if os.environ.get("CI"):
        raise RuntimeError(trouble)
    raise unittest.SkipTest(trouble)


@cache
def _made() -> tuple[Path, str]:
    """
    @return: the Python, and why it is not there.
    """
    version = "newest" if twisted.__version__ == OLDEST else OLDEST
    home = _CHECKOUT / ".stock" / f"twisted-{version}"
    python = home / "bin" / "python"
    if python.exists():
        return python, ""
    requirement = "Twisted" if version == "newest" else f"Twisted=={version}"
    try:
        home.parent.mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="making-", dir=home.parent))
        try:
            _run(sys.executable, "-m", "venv", scratch)
            _run(scratch / "bin" / "python", "-m", "pip", "install", requirement)
            # Its scripts name the place where they were made, and are of no
            # use any more; its Python is.
            scratch.rename(home)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except (OSError, subprocess.SubprocessError) as error:
        if not python.exists():  # else another process was faster
            said = getattr(error, "stdout", None) or error
            return python, f"no stock Twisted {version} in {home}: {said}"
    return python, ""


def _run(*command: str | Path) -> None:
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
