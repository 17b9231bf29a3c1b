"""
The commands: C{python -m pbext}, or C{pbext}.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

import pbext
from pbext.wire._codec import CODEC

__all__ = ["main"]

#: A module for each command, whose function C{add} adds it to C{argparse}'s, with
#: what runs it as the default of C{run}.  What a command needs it imports then.
_COMMANDS = ("_audit", "_explain", "_manifest", "_diff", "_demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    @param arguments: the command line without the program's name; by default
        that of this process.
    @return: the exit status.
    """
    parser = argparse.ArgumentParser(
        prog="pbext", description="Perspective Broker, made safe and observable."
    )
    version = f"pbext {pbext.__version__} ({CODEC} wire)"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in _COMMANDS:
        import_module(f"pbext.cli.{name}").add(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status
