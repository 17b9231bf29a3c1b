"""
The process that imports what is audited: C{main} reads what to do from its standard
input, and tells on what was its standard output how it gets on, a line of JSON for
each step.  What the targets themselves print goes elsewhere.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from pbext.audit._audited import Audited
from pbext.audit._model import Program
from pbext.audit._rules import allRules
from pbext.audit.living._live import classesOf
from pbext.audit.living._merge import merged
from pbext.audit.living._modules import Module
from pbext.audit.living._recording import Ends, Recorder
from pbext.audit.living._widened import widened
from pbext.audit.manifest._ends import manifestOf
from pbext.audit.manifest._manifest import textOfManifest
from pbext.audit.reading._names import Names, NeedsExtra
from pbext.audit.reading._reader import readProgram
from pbext.audit.reading._sources import shownPath
from pbext.errors import PBExtError

__all__ = ["main"]


class _Channel:
    """
    Where the parent listens.
    """

    def __init__(self) -> None:
        self._file = os.dup(1)
        self._process = os.getpid()
        os.dup2(2, 1)
        faulthandler.enable(self._file, all_threads=False)

    def send(self, **message: Any) -> None:
        if os.getpid() != self._process:
            os._exit(0)  # a module has forked: the rest is not for both to do
        data = f"{json.dumps(message)}\n".encode()
        while data:
            data = data[os.write(self._file, data) :]


def main() -> None:
    """
    Do it, and end the process.
    """
    request = json.load(sys.stdin.buffer)
    channel = _Channel()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    _leaveNoCore()
    # Before a module of a target can stand in the way of one of these.
    reads = _canRead()
    allRules()
    modules = [Module(**module) for module in request["modules"]]
    answer = _manifest if "manifest" in request else _audit
    recorder = Recorder(frozenset(module.name for module in modules))
    path = [*sys.path]
    for number, why in _importing(modules, request, channel, recorder):
        channel.send(failed=number, why=why)
    channel.send(looking=True)
    program = _live(modules, recorder)
    channel.send(reading=True)
    sys.path[:] = path
    if reads:
        program = merged(readProgram(request["files"]), program)
    channel.send(reads=reads, **answer(program, request))
    os._exit(0)  # whatever threads the modules have started


def _audit(program: Program, request: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [allRules()[id] for id in request["rules"]]
    return {"audited": Audited.ofProgram(program, chosen).toJSON()}


def _manifest(program: Program, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "manifest": textOfManifest(manifestOf(program, "import")),
        "unread": [attrs.asdict(unread) for unread in program.unread],
    }


def _canRead() -> bool:
    try:
        Names()
    except NeedsExtra:
        return False
    return True


def _leaveNoCore() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _importing(
    modules: Sequence[Module],
    request: Mapping[str, Any],
    channel: _Channel,
    recorder: Recorder,
) -> Iterator[tuple[int, str]]:
    """
    Import them.

    @return: which could not be, and why.
    """
    # What they add to the path themselves is for those that follow, too.
    wanted = dict.fromkeys([*request["path"], *sys.path])
    sys.path.clear()
    files = {os.path.abspath(module.path) for module in modules}
    first: dict[str, Module] = {}
    for number, module in enumerate(modules):
        channel.send(importing=number)
        sys.path += [entry for entry in wanted if entry not in sys.path]
        same = first.setdefault(module.name, module)
        if same is not module:
            why: str | None = _another(module, same.path)
        else:
            why = _imported(module, recorder, files, request["verbose"])
        if why:
            yield number, why


def _imported(
    module: Module, recorder: Recorder, files: set[str], verbose: bool
) -> str | None:
    """
    @return: why a module could not be imported, if that is so.
    """
    directory = os.getcwd()
    found, failed = None, None
    try:
        with recorder.recording():
            found = importlib.import_module(module.name)
    except BaseException as error:
        failed = error
    os.chdir(directory)
    if failed is not None:
        if verbose:  # the module may have put something else in place of sys.stderr
            text = "".join(traceback.format_exception(failed))
            os.write(2, text.encode("utf-8", "replace"))
        return _why(failed, files)
    file = getattr(found, "__file__", None) or ""
    if os.path.exists(file) and os.path.samefile(file, module.path):
        return None
    return _another(module, shownPath(file) if file else "Python itself")


def _another(module: Module, place: str) -> str:
    return f"it is not what {module.name} is imported from: that is {place}"


def _why(error: BaseException, files: set[str]) -> str:
    """
    Without the text of an error, which may hold values.
    """
    if isinstance(error, SyntaxError) and error.lineno:
        file = os.path.abspath(error.filename or "")
        what = f"line {error.lineno}: {error.msg}"  # as the reader says it
        return what if file in files else f"{shownPath(file)}, {what}"
    frames = traceback.extract_tb(error.__traceback__)
    where = [f for f in frames if os.path.abspath(f.filename) in files] or [
        f for f in frames if not f.filename.startswith("<")
    ][1:]  # the first one is of this file
    place = f"{shownPath(where[-1].filename)}:{where[-1].lineno}" if where else ""
    if isinstance(error, Ends):
        what = str(error)
    elif isinstance(error, SystemExit):
        what = "ends the program (SystemExit)"
    else:
        what = f"raises {type(error).__qualname__}"
        if isinstance(error, ModuleNotFoundError) and error.name:
            what += f" for {error.name}"
        elif isinstance(error, PBExtError):  # which hold none
            what += f" ({error})"
    return f"importing it {what}" + (f" at {place}" if place else "")


def _live(modules: Sequence[Module], recorder: Recorder) -> Program:
    names = {module.name for module in modules}
    registrations = recorder.registrations()
    tags = {entry.tag for entry in registrations if entry.tag}
    return Program(
        classes=classesOf(recorder.targets, tags, names.__contains__),
        registrations=registrations,
        widened=widened(),
    )
