"""
What the commands print, and how they end.
"""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from typing import TextIO

from pbext.audit._audited import CannotAudit
from pbext.audit.reading._names import NeedsExtra
from pbext.audit.reading._sources import NoSuchTarget
from pbext.audit.reports._report import Manner

__all__ = ["complain", "mannerOf", "statusOf", "write"]

#: The exit status of a command that could not do what it is for.
_CANNOT = 2


def statusOf(command: str, run: Callable[[], int]) -> int:
    """
    @param command: its name.
    @param run: does it.
    @return: the exit status, when what went wrong has been said.
    """
    try:
        return run()
    except (CannotAudit, NeedsExtra, NoSuchTarget) as error:
        complain(command, str(error))
    except KeyboardInterrupt:
        complain(command, "interrupted")
    except Exception:
        # Python's own status for it, 1, would say that something was found.
        traceback.print_exc()
        complain(command, "this is a fault of pbext's own")
    return _CANNOT


def complain(command: str, line: str) -> None:
    """
    Say what is wrong, or what else there is to say.
    """
    print(f"pbext {command}: {line}", file=sys.stderr)


def mannerOf(stream: TextIO) -> Manner:
    """
    @return: how text is shown there.  There are colours on a terminal only, and
        none if C{NO_COLOR} is set (no-color.org).
    """
    terminal = stream.isatty()
    columns = shutil.get_terminal_size().columns
    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Manner(
        width=max(columns, 40) if terminal else None,
        colours=terminal and colours,
        encoding=stream.encoding or "utf-8",
    )


def write(text: str, path: str | None = None) -> None:
    """
    @param path: where to; by default the standard output.  If that is a pipe
        that nobody reads any more, so be it.
    @raise CannotAudit: if it cannot be written.
    """
    if path is not None:
        try:
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise CannotAudit(f"{path} cannot be written: {error.strerror}") from None
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer is written once more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise CannotAudit(f"nothing can be written: {error.strerror}") from None
