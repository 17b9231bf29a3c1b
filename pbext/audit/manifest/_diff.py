"""
Which changes between two manifests break what: a sender that has not been updated
and a receiver that has, and the reverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from pbext.audit.manifest._differences import CHANGES, Change, Direction, Level
from pbext.audit.manifest._manifest import Manifest, Received, Sent, Tag
from pbext.audit.manifest._problems import (
    MIRROR,
    Problem,
    Trouble,
    mirroredReceiver,
    mirroredSender,
    problems,
)
from pbext.audit.manifest._remotes import changedCalls

__all__ = ["compare"]

_T = TypeVar("_T")

_OLD_TO_NEW, _NEW_TO_OLD = Direction.OLD_TO_NEW, Direction.NEW_TO_OLD

#: By problem: which kind of change it is, for an old sender and for a new one.
_KINDS: Mapping[Trouble, tuple[str, str]] = {
    Trouble.FLAVOR: ("PBD103", "PBD103"),
    Trouble.MISSING: ("PBD202", "PBD201"),
    Trouble.FORBIDDEN: ("PBD204", "PBD203"),
    Trouble.TYPE_NONE: ("PBD205", "PBD205"),
    Trouble.TYPE_SOME: ("PBD206", "PBD206"),
    Trouble.TYPE_UNKNOWN: ("PBD207", "PBD207"),
    Trouble.NEWER: ("PBD208", "PBD208"),
    Trouble.NO_UPGRADE: ("PBD209", "PBD209"),
    Trouble.UPGRADED: ("PBD210", "PBD210"),
    Trouble.IGNORED: ("PBD211", "PBD211"),
    Trouble.STATE_UNKNOWN: ("PBD213", "PBD213"),
    Trouble.UNOBSERVED: ("PBD302", "PBD301"),
    Trouble.ARGUMENTS: ("PBD303", "PBD303"),
    Trouble.MESSAGES_UNKNOWN: ("PBD304", "PBD304"),
}

#: Two ends that meet, by name, and what was between the one that has not changed
#: and the other before.
_Pair = tuple[str, Sent, str, Received, list[Problem]]

_NOTHING = Tag()


def compare(old: Manifest, new: Manifest) -> list[Change]:
    """
    @return: the changes, by tag and class, direction and kind.
    """
    found = [*_modes(old, new)]
    for tag in old.tags.keys() | new.tags.keys():
        found += _ofTag(tag, old, new)
    found += changedCalls(old.calls, new.calls)
    order = list(Direction)
    return sorted(
        dict.fromkeys(found),
        key=lambda c: (
            c.subject,
            order.index(c.direction),
            c.kind.id,
            c.name,
            c.message,
        ),
    )


def _modes(old: Manifest, new: Manifest) -> Iterator[Change]:
    if old.mode != new.mode:
        for direction in Direction:
            yield _change(
                "PBD001",
                "the manifests",
                direction,
                says=f"the old one is of mode {old.mode}, the new one of {new.mode}",
            )


def _ofTag(tag: str, old: Manifest, new: Manifest) -> Iterator[Change]:
    before, after = old.tags.get(tag, _NOTHING), new.tags.get(tag, _NOTHING)
    if before.received and not after.received:
        id = "PBD106" if new.unknownReceivers else "PBD101"
        yield _change(id, tag, _OLD_TO_NEW, receiver=_all(before.received))
    if after.sent and before == _NOTHING:
        yield _newTag(tag, old, new)
    elif before.sent and not after.sent and not new.unknownSenders:
        yield _change("PBD105", tag, _NEW_TO_OLD, sender=_all(before.sent))
    for name, sent in after.sent.items():
        earlier = _counterpart(before.sent, name)
        if earlier is not None:
            yield from _fieldsSent(tag, name, earlier, sent)
    for direction, pairs in (
        (_OLD_TO_NEW, _fromOld(before, after)),
        (_NEW_TO_OLD, _fromNew(before, after)),
    ):
        for sender, sent, receiver, received, known in pairs:
            fresh = [p for p in problems(sent, received) if not p.isIn(known)]
            for problem in _joined(fresh):
                yield _changed(problem, tag, direction, sender, receiver)


def _fieldsSent(tag: str, sender: str, old: Sent, new: Sent) -> Iterator[Change]:
    if new.fields is None:
        return
    for name in new.fields.keys() & old.local:
        yield _change("PBD212", tag, _NEW_TO_OLD, sender=sender, name=name)
    for name in (old.fields or {}).keys() - new.fields.keys():
        yield _change("PBD214", tag, _NEW_TO_OLD, sender=sender, name=name)


def _newTag(tag: str, old: Manifest, new: Manifest) -> Change:
    sent = new.tags[tag].sent
    before = sorted(_renamed(tag, old, new))
    if before:
        return _change(
            "PBD102", tag, _NEW_TO_OLD, sender=_all(sent), says=" or ".join(before)
        )
    return _change("PBD104", tag, _NEW_TO_OLD, sender=_all(sent))


def _renamed(tag: str, old: Manifest, new: Manifest) -> Iterator[str]:
    """
    @return: the tags that are not sent any more, and in whose place a new one seems
        to be: the class or what receives it has the same name, or the fields are the
        same.
    """
    now = new.tags[tag]
    for other, before in old.tags.items():
        after = new.tags.get(other, _NOTHING)
        if not before.sent or after.sent:
            continue
        fields = [sent.fields for sent in before.sent.values() if sent.fields]
        if (
            before.sent.keys() & now.sent.keys()
            or after.received.keys() & now.received.keys()
            or before.received.keys() & now.received.keys()
            or any(sent.fields in fields for sent in now.sent.values())
        ):
            yield other


def _fromOld(before: Tag, after: Tag) -> Iterator[_Pair]:
    for receiver, received in after.received.items():
        earlier = _counterpart(before.received, receiver)
        senders = [*before.sent.items()]
        if not senders:
            mirrored = before.received.values() if earlier is None else [earlier]
            senders = [(MIRROR, mirroredSender(each)) for each in mirrored]
        for sender, given in senders:
            sent = given if earlier is None else _filled(given, earlier)
            known = [] if earlier is None else [*problems(sent, earlier)]
            yield sender, sent, receiver, received, known


def _filled(sent: Sent, received: Received) -> Sent:
    """
    @param received: what an old sender was understood by.
    @return: the same sender; what is not known of it is taken to be what was wanted.
    """
    mirrored = mirroredSender(received)
    unknown = dict(sent.unknown)
    if sent.fields is None and mirrored.fields is not None:
        unknown.pop("fields", None)
        sent = attrs.evolve(sent, open=False, fields=mirrored.fields)
    if "messages" in unknown and mirrored.messages is not None:
        del unknown["messages"]
        sent = attrs.evolve(sent, messages=mirrored.messages)
    return attrs.evolve(sent, unknown=unknown)


def _fromNew(before: Tag, after: Tag) -> Iterator[_Pair]:
    senders: dict[str, Sent] = {**after.sent}
    if not senders and not before.sent:
        pairs = [
            (mirroredSender(received), before.received.get(name), name)
            for name, received in after.received.items()
        ]
        for sent, earlier, receiver in pairs:
            if earlier is not None:
                known = [*problems(mirroredSender(earlier), earlier)]
                yield MIRROR, sent, receiver, earlier, known
        return
    for sender, sent in senders.items():
        earlierSent = _counterpart(before.sent, sender)
        receivers = [*before.received.items()]
        if not receivers:
            mirrored = before.sent.values() if earlierSent is None else [earlierSent]
            receivers = [(MIRROR, mirroredReceiver(each)) for each in mirrored]
        for receiver, received in receivers:
            known = [] if earlierSent is None else [*problems(earlierSent, received)]
            yield sender, sent, receiver, received, known


def _counterpart(ends: Mapping[str, _T], name: str) -> _T | None:
    """
    @return: what had the place of an end that may have another name now.
    """
    if name in ends or len(ends) != 1:
        return ends.get(name)
    return next(iter(ends.values()))


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _joined(found: Iterable[Problem]) -> Iterator[Problem]:
    """
    @return: the problems, with those in one that differ in what they say alone.
    """
    joined: dict[Problem, list[str]] = {}
    for problem in found:
        joined.setdefault(attrs.evolve(problem, says=""), []).append(problem.says)
    for problem, says in joined.items():
        yield attrs.evolve(problem, says=" or ".join(says))


def _changed(
    problem: Problem, tag: str, direction: Direction, sender: str, receiver: str
) -> Change:
    return _change(
        _KINDS[problem.trouble][direction is _NEW_TO_OLD],
        tag,
        direction,
        covered=problem.covered,
        sender=sender,
        receiver=receiver,
        name=problem.subject,
        says=problem.says,
    )


def _change(
    id: str, subject: str, direction: Direction, covered: str = "", **words: str
) -> Change:
    kind = CHANGES[id]
    message = kind.says.format_map({"sender": "", "receiver": "", "says": "", **words})
    level = kind.level
    if covered:
        message += f"; {covered} runs first"
        if level is not Level.NOTE:
            level = Level.COVERED
    return Change(kind, subject, direction, level, message, words.get("name", ""))
