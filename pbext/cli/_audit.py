"""
C{pbext audit}
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from pbext.audit._audited import Audited
    from pbext.audit._job import Job

__all__ = ["add"]

#: What the command line and the settings of a project say by the same name.
_GIVEN = ("targets", "select", "ignore", "baseline", "exclude", "static")


def add(commands: Any) -> None:
    """
    @param commands: what C{argparse} adds commands to.
    """
    command = commands.add_parser(
        "audit",
        help="find what will go wrong on the wire before it does",
        description="Find what will go wrong on the wire before it does. The exit "
        "status is 0 if nothing was found that is as bad as --fail-on says, 1 if "
        "something was, and 2 if the audit could not run.",
    )
    command.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a module, a package or a path"
    )
    what = command.add_argument_group("what is audited")
    what.add_argument(
        "--static",
        action=argparse.BooleanOptionalAction,
        help="only read the targets; by default they are imported, in a process of "
        "their own",
    )
    what.add_argument(
        "--verbose",
        action="store_true",
        help="show what the targets print when they are imported, and tracebacks",
    )
    what.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="how long importing one module may take",
    )
    what.add_argument(
        "--path",
        action="append",
        metavar="DIR",
        help="where modules are looked for, before those that are installed (default: "
        "the current directory); may be repeated",
    )
    what.add_argument(
        "--exclude",
        type=_words,
        metavar="PATTERNS",
        help="leave out these paths, such as 'tests,*_pb.py'",
    )
    which = command.add_argument_group("which findings")
    which.add_argument(
        "--select", type=_words, metavar="RULES", help="only these, such as PBX1,PBX203"
    )
    which.add_argument(
        "--ignore", type=_words, metavar="RULES", help="all but these of them"
    )
    which.add_argument(
        "--fail-on",
        choices=("note", "warning", "error"),
        help="how bad a finding has to be for exit status 1 (default: warning)",
    )
    which.add_argument(
        "--baseline",
        metavar="FILE",
        help="hide the findings that FILE has; '' for none of the project's settings",
    )
    instead = command.add_argument_group(
        "instead of a report"
    ).add_mutually_exclusive_group()
    instead.add_argument(
        "--update-baseline",
        action="store_true",
        help="write what is found now to the baseline",
    )
    instead.add_argument(
        "--diff", action="store_true", help="show what --fix would change"
    )
    instead.add_argument(
        "--fix",
        action="store_true",
        help="rewrite what is mechanical, after it was shown and agreed to",
    )
    command.add_argument("--yes", action="store_true", help="agree to --fix beforehand")
    how = command.add_argument_group("how they are shown")
    how.add_argument("--format", choices=tuple(_FORMATS), default="text")
    how.add_argument("--output", metavar="FILE", help="write the report there")
    how.add_argument(
        "--registrations",
        action="store_true",
        help="also show what is registered for which tag, and where",
    )
    command.set_defaults(run=_run)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _run(options: argparse.Namespace) -> int:
    from pbext.cli._output import statusOf

    return statusOf("audit", partial(_audit, options))


def _audit(options: argparse.Namespace) -> int:
    from pbext.audit._audited import CannotAudit
    from pbext.audit._job import Job
    from pbext.audit._settings import findSettings, severityOf
    from pbext.audit.reports._report import summary
    from pbext.cli._output import complain, write

    given = {name: getattr(options, name) for name in _GIVEN}
    if options.fail_on is not None:
        given["failOn"] = severityOf(options.fail_on)
    settings = attrs.evolve(
        findSettings(), **{k: v for k, v in given.items() if v not in (None, [])}
    )
    importing = {"verbose": options.verbose, "say": partial(complain, "audit")}
    if options.timeout is not None:
        importing["timeout"] = options.timeout
    fixing = options.fix or options.diff
    if options.yes and not options.fix:
        raise CannotAudit("--yes agrees to --fix, which is not there")
    if fixing and (options.format != "text" or options.output is not None):
        raise CannotAudit("--fix and --diff show a diff, without --format or --output")
    job = Job.of(settings, options.path, **importing)
    if options.update_baseline:
        count = job.updateBaseline()
        noun = "finding" if count == 1 else "findings"
        write(f"{settings.baseline} has {count} {noun} now\n")
        return 0
    audited = job.audited()
    if fixing:
        from pbext.cli._fix import fix

        shows, yes = options.diff, options.yes
        if fix(job.program(), audited.findings, shows=shows, yes=yes).paths:
            audited = Job.of(settings, options.path, **importing).audited()
        print(summary(audited), file=sys.stderr)
        return int(audited.reaches(settings.failOn))
    write(_FORMATS[options.format](audited, job, options), options.output)
    if options.output is not None:
        write(f"{summary(audited)}; written to {options.output}\n")
    return int(audited.reaches(settings.failOn))


def _text(audited: Audited, job: Job, options: argparse.Namespace) -> str:
    from pbext.audit.reports._report import Manner, asText
    from pbext.cli._output import mannerOf

    manner = mannerOf(sys.stdout) if options.output is None else Manner()
    return asText(audited, job.lines, manner, options.registrations)


def _json(audited: Audited, job: Job, options: argparse.Namespace) -> str:
    from pbext.audit.reports._json import asJSON

    return asJSON(audited, job.settings)


def _sarif(audited: Audited, job: Job, options: argparse.Namespace) -> str:
    from pbext.audit.reports._sarif import asSARIF

    return asSARIF(audited, job.rules, job.lines)


_FORMATS: Mapping[str, Callable[[Audited, Job, argparse.Namespace], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
}
