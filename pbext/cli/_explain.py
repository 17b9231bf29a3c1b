"""
C{pbext explain}
"""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches
from typing import Any

__all__ = ["add"]


def add(commands: Any) -> None:
    """
    @param commands: what C{argparse} adds commands to.
    """
    command = commands.add_parser(
        "explain",
        help="say what a rule of the audit looks for, why, and what to do",
        description="Say what rules of the audit look for, why, and what to do.",
    )
    command.add_argument(
        "rules", nargs="*", metavar="RULE", help="such as PBX101; without any, list all"
    )
    command.add_argument(
        "--rst", action="store_true", help="all, as a page of the documentation"
    )
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pbext.audit._rules import allRules
    from pbext.audit.reports._explained import asList, asPage, asText
    from pbext.cli._output import write

    rules = allRules()
    ids = [id.upper() for id in options.rules]
    for id in ids:
        if id not in rules:
            near = get_close_matches(id, rules, n=3) or rules
            print(
                f"pbext explain: there is no rule {id}; there is {', '.join(near)}",
                file=sys.stderr,
            )
            return 2
    chosen = [rules[id] for id in ids] or rules.values()
    if options.rst:
        write(asPage(chosen))
    elif ids:
        write("\n".join(map(asText, chosen)))
    else:
        write(asList(chosen))
    return 0
