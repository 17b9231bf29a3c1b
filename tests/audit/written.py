"""
Programs that a test writes, to be read.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from pbext.audit._model import Program
from pbext.audit.reading._reader import readProgram


class Written:
    """
    A program in a directory; C{zoo__init} is the file C{zoo/__init__.py}.
    """

    def __init__(self, directory: Path, **files: str) -> None:
        self.directory = Path(directory).absolute()
        for name, text in files.items():
            *parts, last = name.split("__")
            last = "__init__" if last == "init" else last
            path = self.directory.joinpath(*parts, f"{last}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), "utf-8")

    def read(self, *targets: str) -> Program:
        chosen = targets or (str(self.directory),)
        return readProgram(chosen, [str(self.directory)])
