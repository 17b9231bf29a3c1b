"""
The rules: what each looks for, and what people are told of it.  They are data:
the command that explains them, the page of the documentation, the reports and
the tests walk one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import attrs

from pbext.audit._findings import Finding, Place, Severity
from pbext.audit._model import Program

__all__ = ["Hit", "Rule", "allRules", "find"]


@attrs.frozen
class Hit:
    """
    Where a rule has found something.

    @ivar place: see L{Finding.place}.
    @ivar subject: see L{Finding.subject}.
    @ivar message: see L{Finding.message}.
    @ivar fix: see L{Finding.fix}; C{""} for the one of the rule.
    @ivar severity: if it differs from that of the rule.
    """

    place: Place
    subject: str
    message: str
    fix: str = ""
    severity: Severity | None = None


@attrs.frozen(eq=False)
class Rule:
    """
    One rule.

    @ivar id: C{"PBX101"}.
    @ivar severity: of what it finds.
    @ivar title: what is wrong, in one line without a full stop.
    @ivar explanation: why it is, in reStructuredText paragraphs: what happens,
        to whom and when.
    @ivar bad: a small example of it, as Python.
    @ivar good: the same done right.
    @ivar fix: what to do, in a sentence without a full stop.
    @ivar find: finds it in a program.
    @ivar sources: whether it reads the bodies of functions, so that it finds
        nothing in what only lives.
    """

    id: str
    severity: Severity
    title: str
    explanation: str
    bad: str
    good: str
    fix: str
    find: Callable[[Program], Iterable[Hit]]
    sources: bool = False

    def __call__(self, program: Program) -> Iterator[Finding]:
        """
        @return: what it finds in a program.
        """
        for hit in self.find(program):
            yield Finding(
                self.id,
                hit.severity or self.severity,
                hit.message,
                hit.place,
                hit.subject,
                hit.fix or self.fix,
            )


@cache
def allRules() -> dict[str, Rule]:
    """
    @return: each rule of L{pbext.audit.rules}, by its id, in the order of these.
    """
    package = import_module("pbext.audit.rules")
    found = [
        member
        for module in iter_modules(package.__path__)
        for member in vars(import_module(f"{package.__name__}.{module.name}")).values()
        if isinstance(member, Rule)
    ]
    return {rule.id: rule for rule in sorted(found, key=lambda rule: rule.id)}


def find(program: Program, rules: Iterable[Rule] | None = None) -> list[Finding]:
    """
    @param rules: by default all.
    @return: what they find, by place; nothing twice.
    """
    chosen = allRules().values() if rules is None else rules
    found = {finding: None for rule in chosen for finding in rule(program)}
    return sorted(
        found,
        key=lambda finding: (
            finding.place.path,
            finding.place.line,
            finding.place.column,
            finding.rule,
        ),
    )
