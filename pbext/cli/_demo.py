"""
C{pbext demo}
"""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add"]


def add(commands: Any) -> None:
    """
    @param commands: what C{argparse} adds commands to.
    """
    command = commands.add_parser(
        "demo",
        help="start receivers, copy ponds to them, keep caches in step, kill one",
    )
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pbext.cli._story import demo

    return demo()
