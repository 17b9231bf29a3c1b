"""
C{pbext audit --fix} and C{pbext audit --diff}
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pbext.audit._findings import Finding
    from pbext.audit._model import Program
    from pbext.audit.fixing._fix import Plan, Written

__all__ = ["fix"]


def fix(
    program: Program,
    findings: Sequence[Finding],
    *,
    shows: bool = False,
    yes: bool = False,
    streams: tuple[TextIO, TextIO, TextIO] | None = None,
) -> Written:
    """
    Show what can be fixed mechanically, as a diff on the standard output, and
    nothing but that; and do it, if somebody says so.  On a terminal it is asked;
    elsewhere C{yes} has to say it.

    @param program: read from the sources of what is audited.
    @param findings: what is to be fixed.
    @param shows: whether the diff is all (C{--diff}).
    @param yes: whether nobody is asked (C{--yes}).
    @param streams: standard input, output and error; by default those of this
        process.
    @return: what was written; what is left to be found, is for another audit to
        say.
    @raise NeedsExtra: if a library that this needs is not installed.
    """
    from pbext.audit.fixing._fix import Written, planFixes

    input, output, errors = streams or (sys.stdin, sys.stdout, sys.stderr)

    def say(text: str) -> None:
        print(text, file=errors, flush=True)

    plan = planFixes(program, findings)
    _show(plan, output)
    for remark in plan.remarks:
        say(str(remark))
    if not plan.files:
        say("nothing can be fixed mechanically")
        return Written()
    if shows:
        return Written()
    if not yes:
        if not (input.isatty() and output.isatty()):
            say("nothing is written without --yes, since there is nobody to ask")
            return Written()
        if not _isWanted(plan, input, errors):
            say("nothing is written")
            return Written()
    written = plan.write()
    for sentence in written.failed:
        say(sentence)
    say(f"{_files(len(written.paths))} rewritten")
    return written


def _files(count: int) -> str:
    return f"{count} {'file' if count == 1 else 'files'}"


def _isWanted(plan: Plan, input: TextIO, errors: TextIO) -> bool:
    errors.write(f"{_files(len(plan.files))} would change; apply? [y/N] ")
    errors.flush()
    try:
        answer = input.readline()
    except KeyboardInterrupt:
        answer = ""
    if not answer.endswith("\n"):
        errors.write("\n")
    return answer.strip().lower() in ("y", "yes")


def _show(plan: Plan, output: TextIO) -> None:
    """
    Print the diff: on a terminal to be read, elsewhere byte for byte, to be
    applied.
    """
    buffer = getattr(output, "buffer", None)
    try:
        if buffer is None or output.isatty():
            encoding = output.encoding or "utf-8"
            text = plan.diff().encode(encoding, "backslashreplace")
            output.write(text.decode(encoding))
        else:
            output.flush()
            buffer.write(plan.patch())
        output.flush()
    except BrokenPipeError:
        # To a pager that was left; what is still in the buffer is written once
        # more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
