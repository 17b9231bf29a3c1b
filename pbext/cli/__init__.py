"""
The commands: C{python -m pbext}, or C{pbext}.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pbext

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    @param arguments: the command line without the program's name; by default
        that of this process.
    @return: the exit status.
    """
    parser = argparse.ArgumentParser(
        prog="pbext", description="Perspective Broker, made safe and observable."
    )
    parser.add_argument("--version", action="version", version=pbext.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "demo",
        help="start receivers, copy ponds to them, keep caches in step, kill one",
    )
    parser.parse_args(arguments)
    from pbext.cli._demo import demo  # the one command so far

    return demo()
