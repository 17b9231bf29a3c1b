"""
C{pbext diff}
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pbext.audit.manifest._manifest import Manifest

__all__ = ["add"]

_DIRECTIONS = ("old-to-new", "new-to-old", "both")


def add(commands: Any) -> None:
    """
    @param commands: what C{argparse} adds commands to.
    """
    command = commands.add_parser(
        "diff",
        help="say which changes of the wire contract break what",
        description="Compare two manifests, and say which changes break what an old "
        "sender sends to a new receiver, or the reverse. The exit status is 0 if "
        "nothing breaks, 1 if something does, and 2 if they could not be compared.",
    )
    command.add_argument("old", metavar="OLD", help="a manifest; - for stdin")
    command.add_argument("new", metavar="NEW", help="a manifest; - for stdin")
    command.add_argument(
        "--direction",
        choices=_DIRECTIONS,
        default="both",
        help="which peers may be of another version (default: both)",
    )
    command.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="ID[:TAG]",
        help="a kind of changes that may break something, such as PBD203 or "
        "PBD203:pond.Frog; may be repeated",
    )
    command.add_argument("--format", choices=("text", "json"), default="text")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pbext.cli._output import statusOf

    return statusOf("diff", partial(_diff, options))


def _diff(options: argparse.Namespace) -> int:
    from pbext.audit._audited import CannotAudit
    from pbext.audit.manifest._compared import Compared, allowedOf
    from pbext.audit.manifest._diff import compare
    from pbext.audit.manifest._differences import Direction
    from pbext.cli._output import mannerOf, write

    if options.old == options.new == "-":
        raise CannotAudit("only one of the two can come from stdin")
    allowed = allowedOf(options.allow)
    changes = compare(_read(options.old), _read(options.new))
    both = options.direction == "both"
    directions = [*Direction] if both else [Direction(options.direction)]
    compared = Compared.of(changes, directions, allowed)
    if options.format == "json":
        write(compared.asJSON())
    else:
        write(compared.asText(mannerOf(sys.stdout)))
    return int(bool(compared.breaks))


def _read(path: str) -> Manifest:
    from pbext.audit._audited import CannotAudit
    from pbext.audit.manifest._manifest import parseManifest

    if path == "-":
        return parseManifest(sys.stdin.buffer.read(), "what came from stdin")
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        why = error.strerror or "it cannot be opened"
        raise CannotAudit(f"{path} cannot be read: {why}") from None
    return parseManifest(content, path)
