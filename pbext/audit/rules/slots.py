"""
Slots and frozen classes.
"""

from __future__ import annotations

from collections.abc import Iterator

from pbext.audit._findings import Severity
from pbext.audit._model import ClassModel, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._gathering import statesOf
from pbext.audit.rules._receiving import byTwisted, slotsOf, whyUnfilled

__all__: list[str] = []


def _slotted(program: Program) -> Iterator[Hit]:
    troubled: set[str] = set()
    for cls in sorted(program, key=lambda cls: len(cls.bases)):
        why = whyUnfilled(cls) if cls.complete and byTwisted(cls) else None
        if why is None:
            why = _unsent(program, cls)
        if why is None:
            continue
        if troubled.isdisjoint(cls.bases):
            yield Hit(cls.place, cls.name, f"{cls.qualname} {why}")
        troubled.add(cls.name)


def _unsent(program: Program, cls: ClassModel) -> str | None:
    """
    @return: what Twisted's own hooks do not send of a class.
    """
    if not cls.sends or not cls.complete or not slotsOf(cls):
        return None
    for state in statesOf(program, cls):
        if state is not None and state.whole and state.gathered != "pbext":
            missing = set(slotsOf(cls)) - state.named.keys() - state.without
            if missing:
                return (
                    f"sends its __dict__, in which its slots are not: "
                    f"{', '.join(sorted(missing))}"
                )
    return None


SLOTS = Rule(
    id="PBX205",
    severity=Severity.ERROR,
    title="slots or a frozen class with Twisted's own flavors",
    explanation="""\
Twisted's ``Copyable`` sends ``__dict__``, and its ``RemoteCopy`` puts what has arrived
there.  Slots are not in it: nothing of them is sent, and an object that arrives has all
its slots empty, and raises ``AttributeError`` when one is read.  ``attrs.define`` makes
slots unless it is told not to.

A frozen class refuses its state.  The caller gets an error; and if the object is an
answer, the receiver drops the connection.

pbext's flavors know dataclasses, attrs, slots and frozen classes.""",
    bad="""\
import attrs

from twisted.spread import pb


@attrs.define
class Frog(pb.Copyable, pb.RemoteCopy):
    colour: str


pb.setUnjellyableForClass(Frog, Frog)
""",
    good="""\
import attrs

from pbext import pb


@attrs.define
class Frog(pb.Copyable, pb.RemoteCopy):
    colour: str


pb.setUnjellyableForClass(Frog, Frog)
""",
    fix="derive it from pbext's pb.Copyable and pb.RemoteCopy, or do without",
    find=_slotted,
)
