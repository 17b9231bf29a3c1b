"""
What people are told of the rules: in a terminal, in the documentation, and by
whatever shows a SARIF file.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from pbext.audit._rules import Rule

__all__ = ["asList", "asMarkdown", "asPage", "asText", "plain"]

_PAGE = """\
=========
The rules
=========

.. Made by: python -m pbext explain --rst > docs/rules.rst

What ``pbext audit`` looks for; :doc:`audit` says how to run it, and how to hide a
finding that is none. ``pbext explain PBX101`` prints a section of this page.
"""


def asList(rules: Iterable[Rule]) -> str:
    """
    @return: a line for each.
    """
    return "".join(f"{rule.id}  {rule.severity!s:7}  {rule.title}\n" for rule in rules)


def asText(rule: Rule) -> str:
    """
    @return: all about a rule, as it is read in a terminal.
    """
    return "\n".join(
        [
            f"{rule.id} ({rule.severity}): {rule.title}",
            "",
            plain(rule.explanation),
            "",
            "Bad:",
            "",
            textwrap.indent(rule.bad.strip("\n"), "    "),
            "",
            "Good:",
            "",
            textwrap.indent(rule.good.strip("\n"), "    "),
            "",
            f"Fix: {plain(rule.fix)}.",
            "",
        ]
    )


def asMarkdown(rule: Rule) -> str:
    """
    @return: all about a rule, as code hosts show it.
    """
    return "\n".join(
        [
            plain(rule.explanation),
            "",
            "Bad:",
            "",
            f"```python\n{rule.bad.strip(chr(10))}\n```",
            "",
            "Good:",
            "",
            f"```python\n{rule.good.strip(chr(10))}\n```",
            "",
            f"Fix: {plain(rule.fix)}.",
        ]
    )


def asPage(rules: Iterable[Rule]) -> str:
    """
    @return: the page of the documentation.
    """
    return "\n".join([_PAGE, *map(_section, rules)])


def _section(rule: Rule) -> str:
    heading = f"{rule.id}: {_noLinks(rule.title)}"
    return "\n".join(
        [
            heading,
            "=" * len(heading),
            "",
            f"*{str(rule.severity).capitalize()}.*",
            "",
            rule.explanation.strip(),
            "",
            "Bad:",
            "",
            ".. code-block:: python",
            "",
            textwrap.indent(rule.bad.strip("\n"), "    "),
            "",
            "Good:",
            "",
            ".. code-block:: python",
            "",
            textwrap.indent(rule.good.strip("\n"), "    "),
            "",
            f"Fix: {_noLinks(rule.fix)}.",
            "",
        ]
    )


def _noLinks(text: str) -> str:
    """
    @return: plain text for reStructuredText, in which C{observe_} is a link.
    """
    return re.sub(r"_(?!\w)", r"\_", text)


def plain(text: str) -> str:
    """
    @return: reStructuredText as it is read outside of the documentation.
    """
    return text.strip().replace("``", "`")
