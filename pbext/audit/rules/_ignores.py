"""
Comments that are to hide findings, and do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from pbext.audit._findings import Finding, Severity
from pbext.audit._ignores import Ignore, ignoresOf
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule, allRules, find
from pbext.audit.reading._sources import Source

__all__: list[str] = []


def _comments(program: Program) -> Iterator[tuple[Source, Ignore]]:
    for source in program.sources:
        for ignore in ignoresOf(source.path, source.text):
            yield source, ignore


def _hit(program: Program, source: Source, ignore: Ignore, message: str) -> Hit:
    around = [
        cls
        for cls in program
        if cls.node is not None
        and cls.source is source
        and cls.node.lineno <= ignore.place.line <= (cls.node.end_lineno or 0)
    ]
    subject = around[-1].name if around else source.label
    return Hit(ignore.place, subject, message)


def _withoutReason(program: Program) -> Iterator[Hit]:
    for source, ignore in _comments(program):
        if not ignore.reason:
            named = ", ".join(ignore.ids) or "anything"
            message = f"this comment does not say why {named} is to be ignored"
            yield _hit(program, source, ignore, message)


def _ofNoRule(program: Program) -> Iterator[Hit]:
    known = list(allRules())
    for source, ignore in _comments(program):
        unknown = [id for id in ignore.ids if id not in known]
        near = [n for id in unknown for n in get_close_matches(id.upper(), known, n=1)]
        if not ignore.ids:
            message = "this comment names no rule to ignore"
            yield _hit(program, source, ignore, message)
        elif unknown:
            message = f"there is no rule {' and no rule '.join(unknown)}"
            message += f"; perhaps {' and '.join(near)}" if near else ""
            yield _hit(program, source, ignore, message)


def _unused(program: Program) -> Iterator[Hit]:
    found: dict[str, list[Finding]] = {}
    for source, ignore in _comments(program):
        unused = []
        for id in ignore.ids if ignore.reason else ():
            rule = allRules().get(id)
            if rule is None or rule is UNUSED:
                continue
            if id not in found:
                found[id] = find(program, [rule])
            if not any(
                finding.place.path == source.path and ignore.hides(finding)
                for finding in found[id]
            ):
                unused.append(id)
        if unused:
            named = " and of ".join(unused)
            message = f"there is nothing of {named} that this comment could hide"
            yield _hit(program, source, ignore, message)


WITHOUT_REASON = Rule(
    id="PBX001",
    severity=Severity.WARNING,
    title="a comment ignores a finding and does not say why",
    explanation="""\
Behind the names of the rules, a comment that hides findings has to say why they are
no trouble here. Without a reason it hides nothing: whoever reads the line next
year could not know whether it is still right.
""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)  # pbext: ignore[PBX101]
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        # pbext: ignore[PBX101] only one client is let in
        self.observers.remove(observer)
""",
    fix="write the reason behind the bracket, or take the comment away",
    find=_withoutReason,
    sources=True,
)

OF_NO_RULE = Rule(
    id="PBX002",
    severity=Severity.WARNING,
    title="a comment ignores a rule that does not exist",
    explanation="""\
A comment that hides findings names the rules in brackets, by their whole ids and with
commas between them. This one names none, or one that does not exist, and so does not
hide what it is meant to hide.
""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)  # pbext: ignore[remove] only one client
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)  # pbext: ignore[PBX101] only one client
""",
    fix="name the rule by its id as the report shows it, such as PBX101",
    find=_ofNoRule,
    sources=True,
)

UNUSED = Rule(
    id="PBX003",
    severity=Severity.NOTE,
    title="a comment ignores what is not there",
    explanation="""\
What this comment was written for has gone: the rule finds nothing on its line. If it
stayed, it would hide the next finding there, which nobody has judged. A comment
hides what begins on its own line or, if it has a line of its own, on the next one.

(What is only found when the program is imported looks unused with ``--static``.)
""",
    bad="""\
from pbext import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.watching = pb.Observers()

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.watching.add(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.watching.discard(observer)  # pbext: ignore[PBX101] only one client
""",
    good="""\
from pbext import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.watching = pb.Observers()

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.watching.add(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.watching.discard(observer)
""",
    fix="take the comment away",
    find=_unused,
    sources=True,
)
