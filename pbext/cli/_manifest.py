"""
C{pbext manifest}
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import attrs

__all__ = ["add"]

#: What the command line and the settings of a project say by the same name.
_GIVEN = ("targets", "exclude", "static")


def add(commands: Any) -> None:
    """
    @param commands: what C{argparse} adds commands to.
    """
    command = commands.add_parser(
        "manifest",
        help="write what a program sends, receives and lets its peers call",
        description="Write the wire contract of a program as JSON, to be kept in its "
        "repository and compared by pbext diff. The exit status is 0, or 2 if it could "
        "not be made.",
    )
    command.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a module, a package or a path"
    )
    command.add_argument(
        "--static",
        action=argparse.BooleanOptionalAction,
        help="only read the targets; by default they are imported, in a process of "
        "their own",
    )
    command.add_argument(
        "--verbose",
        action="store_true",
        help="show what the targets print when they are imported, and tracebacks",
    )
    command.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="how long importing one module may take",
    )
    command.add_argument(
        "--path",
        action="append",
        metavar="DIR",
        help="where modules are looked for, before those that are installed (default: "
        "the current directory); may be repeated",
    )
    command.add_argument(
        "--exclude",
        type=lambda text: tuple(p.strip() for p in text.split(",") if p.strip()),
        metavar="PATTERNS",
        help="leave out these paths, such as 'tests,*_pb.py'",
    )
    command.add_argument("--output", metavar="FILE", help="write it there")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pbext.cli._output import statusOf

    return statusOf("manifest", partial(_manifest, options))


def _manifest(options: argparse.Namespace) -> int:
    from pbext.audit._job import Job
    from pbext.audit._settings import findSettings
    from pbext.audit.manifest._manifest import textOfManifest
    from pbext.cli._output import complain, write

    given = {name: getattr(options, name) for name in _GIVEN}
    settings = attrs.evolve(
        findSettings(),
        **{name: value for name, value in given.items() if value not in (None, [])},
        # These are the audit's.
        select=(),
        ignore=(),
    )
    importing = {"verbose": options.verbose, "say": partial(complain, "manifest")}
    if options.timeout is not None:
        importing["timeout"] = options.timeout
    job = Job.of(settings, options.path, **importing)
    write(textOfManifest(job.manifest()), options.output)
    return 0
