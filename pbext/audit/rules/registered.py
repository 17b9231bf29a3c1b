"""
Whether what is sent is registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pbext.audit._findings import Place, Severity
from pbext.audit._model import ClassModel, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._uses import usesOf
from pbext.audit.rules._tags import misnamed

__all__: list[str] = []

#: What opens the allow-list, so that classes may arrive which nobody has registered.
_OPENED = re.compile(r"\bDummySecurityOptions\b|\ballowInstancesOf\b")


def _isKnown(cls: ClassModel) -> bool:
    """
    Whether a class says itself how and under which tag it is sent.
    """
    hooks = ("jellyFor", "getTypeToCopyFor")
    return (
        cls.complete
        and cls.tag is not None
        and not any(hook in cls.methods or hook in cls.values for hook in hooks)
    )


def _hides(program: Program, cls: ClassModel) -> bool:
    """
    Whether there are registrations that may well be for a class, and do not say
    so.
    """
    top = cls.module.partition(".")[0]
    return any(
        entry.kind == "tree"
        or (
            entry.tag is None
            and entry.sender is None
            and entry.kind != "copier"
            and entry.module.partition(".")[0] == top
        )
        for entry in program.registrations
    )


def _idle(program: Program) -> bool:
    """
    Whether there is a class to receive with, and nothing registers it.
    """
    targets = {entry.target for entry in program.registrations}
    return None not in targets and any(
        cls.receives and cls.name not in targets for cls in program
    )


def _evidence(program: Program, cls: ClassModel) -> Place | None:
    """
    @return: where objects of a class are sent; of a class that was not read, its
        own place, if it is made to travel there and back, and nothing derives
        from it.
    """
    sent = usesOf(program).sent.get(cls.name)
    if sent:
        return sent[0]
    if cls.node is None and cls.live is not None and cls.receives:
        if not any(cls.name in other.bases for other in program):
            return cls.place
    return None


def _making(program: Program, cls: ClassModel) -> Place | None:
    """
    @return: where objects of a class are sent; or its own place, if some are made:
        why else, beside a class to receive them with.
    """
    uses = usesOf(program)
    sent = uses.sent.get(cls.name)
    if sent:
        return sent[0]
    return cls.place if uses.made.get(cls.name) else None


def _unregistered(program: Program) -> Iterator[Hit]:
    senders = [cls for cls in program if cls.sends]
    both = any(program.receivers(cls) for cls in senders)
    if not both and not _idle(program):
        return  # the other end is elsewhere
    opened = bool(program.widened) or any(
        _OPENED.search(source.text) for source in program.sources
    )
    # Whether what is only sent becomes something else in this program.
    copied = any(not cls.receives and program.receivers(cls) for cls in senders)
    meant = {near.sender.name for near in misnamed(program)}
    for cls in senders:
        if program.receivers(cls) or not _isKnown(cls):
            continue
        if cls.name in meant or _hides(program, cls) or not statesOf(program, cls):
            continue
        place = _evidence(program, cls) if both else _making(program, cls)
        if place is None:
            continue
        where = "" if place == cls.place else f" (at {place})"
        less = ", so that it arrives only where all may" if opened else ""
        sure = cls.node is not None and both and not opened
        sure = sure and (cls.receives or copied)
        name = cls.qualname.rpartition(".")[2]
        receiver = name if cls.receives else "TheClassThatReceives"
        yield Hit(
            cls.place,
            cls.name,
            f"{cls.qualname} is sent{where}, and nothing is registered for its tag "
            f"{cls.tag}{less}",
            f"where it arrives, say pb.setUnjellyableForClass({name}, {receiver})",
            None if sure else Severity.WARNING,
        )


UNREGISTERED = Rule(
    id="PBX103",
    severity=Severity.ERROR,
    title="a class that is sent, and that nobody registers",
    explanation="""\
Whoever receives an object of it refuses it, with ``InsecureJelly``.  If it was the
argument of a call, the caller's errback is told.  If it was an answer, with stock's
brokers nobody is: the receiver drops the connection, and no Deferred that waits on it
gets its result.

Each class that arrives has to be registered, and the module that does it has to be
imported by the receiving program.  It is registered under the tag that its sender gives
it; a subclass has a tag of its own.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Copyable, pb.RemoteCopy):
    pass


class Frog(pb.Copyable, pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(Pond, Pond)


class Desk(pb.Root):
    def remote_frog(self):
        return Frog()
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Copyable, pb.RemoteCopy):
    pass


class Frog(pb.Copyable, pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(Pond, Pond)
pb.setUnjellyableForClass(Frog, Frog)


class Desk(pb.Root):
    def remote_frog(self):
        return Frog()
""",
    fix="register it where it arrives",
    find=_unregistered,
)
