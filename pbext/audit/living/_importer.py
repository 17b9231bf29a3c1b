"""
The process that imports what is audited, as its parent sees it.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from types import TracebackType
from typing import Any

import attrs

from pbext.audit._audited import CannotAudit
from pbext.audit.living._modules import Module
from pbext.audit.reading._sources import shownPath

__all__ = ["Importer"]

#: Seconds that a process has to say where it is, before it is killed; and that what it
#: has written has to arrive, when it has ended.
_GRACE = 2.0

#: The modules are looked for where this process looks; nothing is written beside them.
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; del sys.argv[1:]; "
    "from pbext.audit.living._child import main; main()"
)

#: A line of what C{faulthandler} writes.
_FRAME = re.compile(r' *File "(.*)", line (\d+) in ')


class Importer:
    """
    @ivar importing: the module that is imported at the time.
    """

    def __init__(
        self, modules: Sequence[Module], request: Mapping[str, Any], verbose: bool
    ) -> None:
        """
        @param modules: what is imported.
        @param request: what else C{pbext.audit.living._child} is to know.
        @param verbose: whether its errors are shown.
        """
        self.importing: Module | None = None
        self._doing = "starting to import"
        self._modules = modules
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._cries: list[str] = []
        self._process = subprocess.Popen(  # noqa: S603  # a program of our own
            [sys.executable, "-B", "-c", _START, *map(str, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if verbose else subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        threading.Thread(target=self._wait, daemon=True).start()
        asked = {**request, "modules": [attrs.asdict(module) for module in modules]}
        assert self._process.stdin is not None
        try:
            with self._process.stdin as file:
                json.dump(asked, file)
        except OSError:
            pass  # it has ended, which is seen where it is followed

    def __enter__(self) -> Importer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as file:
            for line in file:
                self._lines.put(line)
        self._lines.put(None)

    def _wait(self) -> None:
        self._process.wait()
        self._reading.join(_GRACE)  # what it has started may keep the pipe open
        self._lines.put(None)

    def follow(
        self, timeout: float, failed: MutableMapping[str, str]
    ) -> dict[str, Any] | None:
        """
        See what it does, to its end.

        @param timeout: seconds that the import of one module may take.
        @param failed: by the path of each module that could not be imported: why.
        @return: its result; C{None} if the module that is imported has kept it from
            having one.
        @raise CannotAudit: if something else has.
        """
        seconds = None
        while True:
            message = self._next(seconds)
            if isinstance(message, str):
                if self.importing is None:
                    said = "--verbose shows what it says"
                    raise CannotAudit(f"{self._doing} {message}; {said}")
                failed[self.importing.path] = f"importing it {message}{self._where()}"
                return None
            match message:
                case {"importing": number}:
                    self.importing, seconds = self._modules[number], timeout
                case {"failed": number, "why": why}:
                    failed[self._modules[number].path] = why
                case {"looking": _}:
                    self.importing = None
                    self._doing = "looking at what was imported"
                case {"reading": _}:
                    seconds = None
                case _:
                    return message

    def _next(self, seconds: float | None) -> dict[str, Any] | str:
        """
        @return: what it says; or, if nothing comes any more, why not.
        """
        try:
            line = self._lines.get(timeout=seconds)
            while line is not None and not line.startswith("{"):
                self._cries.append(line)
                line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self._cry()
            return f"takes longer than {seconds:g} s"
        if line is None:
            return self._end()
        message: dict[str, Any] = json.loads(line)
        return message

    def _cry(self) -> None:
        """
        Let it say where it is.
        """
        if os.name != "posix":
            return
        self._process.send_signal(signal.SIGABRT)
        try:
            while (line := self._lines.get(timeout=_GRACE)) is not None:
                self._cries.append(line)
        except queue.Empty:
            pass  # it does not even do that

    def _end(self) -> str:
        try:
            status = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return "closes files that are not its own"
        if status < 0:
            return f"kills the process with {signal.Signals(-status).name}"
        return f"ends the process with status {status}"

    def _where(self) -> str:
        """
        @return: where it was when it cried, in the targets if possible.
        """
        frames = [match for line in self._cries if (match := _FRAME.match(line))]
        targets = {os.path.abspath(module.path) for module in self._modules}
        inside = [frame for frame in frames if os.path.abspath(frame[1]) in targets]
        for frame in inside[:1]:
            return f" at {shownPath(frame[1])}:{frame[2]}"
        return ""
