"""
What keeps one sender from being understood by one receiver.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping

import attrs

from pbext._versions import VERSION
from pbext.audit.manifest._compatible import Taken, taken
from pbext.audit.manifest._manifest import Received, ReceivedField, Sent, SentField
from pbext.audit.manifest._takes import Given, callsOf, parseTakes, takes
from pbext.audit.manifest._wiretypes import WireType, parseType

__all__ = [
    "MIRROR",
    "Problem",
    "Trouble",
    "mirroredReceiver",
    "mirroredSender",
    "problems",
]


class Trouble(enum.Enum):
    """
    What sort of problem it is.
    """

    FLAVOR = enum.auto()
    NEWER = enum.auto()
    NO_UPGRADE = enum.auto()
    UPGRADED = enum.auto()
    MISSING = enum.auto()
    FORBIDDEN = enum.auto()
    IGNORED = enum.auto()
    TYPE_NONE = enum.auto()
    TYPE_SOME = enum.auto()
    TYPE_UNKNOWN = enum.auto()
    STATE_UNKNOWN = enum.auto()
    UNOBSERVED = enum.auto()
    ARGUMENTS = enum.auto()
    MESSAGES_UNKNOWN = enum.auto()


@attrs.frozen
class Problem:
    """
    @ivar trouble: the sort of it.
    @ivar subject: of what: a field, a message; C{""} for the object as such.
    @ivar says: more of it, in words.
    @ivar covered: the methods that an older state passes through first, of which
        any may put this right; C{""} for none.
    @ivar types: of a field, what is sent and what is taken.
    """

    trouble: Trouble
    subject: str = ""
    says: str = ""
    covered: str = ""
    types: tuple[WireType, WireType] | None = None

    def isIn(self, others: Iterable[Problem]) -> bool:
        """
        @return: whether there was this problem, or a worse one, among others.
        """
        return any(
            other.subject == self.subject
            and (bool(self.covered) or not other.covered)
            and self._isLike(other)
            for other in others
        )

    def _isLike(self, other: Problem) -> bool:
        if self.types is None or other.types is None:
            same = self.trouble is other.trouble
            return same and (self.trouble not in _DIFFER or self.says == other.says)
        if other.trouble is Trouble.TYPE_NONE or self.says == other.says:
            return True
        # It is as it was if no more is sent, and no less taken.
        (sent, took), (wasSent, wasTaken) = self.types, other.types
        return (
            (self.trouble, other.trouble) == (Trouble.TYPE_SOME, Trouble.TYPE_SOME)
            and taken(wasSent, sent) is Taken.ALL
            and taken(took, wasTaken) is Taken.ALL
        )


#: Of which there may be several of one subject.
_DIFFER = frozenset({Trouble.ARGUMENTS, Trouble.UPGRADED})


def problems(sent: Sent, received: Received) -> Iterator[Problem]:
    """
    @return: what there is between a class that is sent and what its tag becomes.
    """
    if received.flavor is None:
        yield Problem(Trouble.STATE_UNKNOWN, says=received.unknown.get("flavor", ""))
    elif sent.flavor != received.flavor:
        yield Problem(
            Trouble.FLAVOR,
            says=f"a {_FLAVORS[sent.flavor]} is sent, and what receives is for a "
            f"{_FLAVORS[received.flavor]}",
        )
    else:
        yield from _state(sent, received)
        if sent.flavor == "cache":
            yield from _messages(sent, received)


_FLAVORS = {"copy": "Copyable", "cache": "Cacheable"}


def _state(sent: Sent, received: Received) -> Iterator[Problem]:
    steps: list[str] = []
    unknown = [*_unknown(sent, "version"), *_unknown(received, "version")]
    if unknown:
        yield Problem(Trouble.STATE_UNKNOWN, says=unknown[0])
        return
    if received.version is not None:
        version, own = sent.version or 0, received.version
        if version > own and "newer" in received.unknown:
            yield Problem(Trouble.STATE_UNKNOWN, says=received.unknown["newer"])
            return
        if version > own and received.newer == "refuse":
            yield Problem(Trouble.NEWER, says=f"{version} is sent, and {own} is read")
            return
        steps = [f"upgradeStateToVersion{n}" for n in range(version + 1, own + 1)]
        for number, step in enumerate(steps, version + 1):
            if number not in received.upgrades:
                yield Problem(
                    Trouble.NO_UPGRADE,
                    says=f"{version} is sent, {own} is read, and there is no {step}",
                )
                return
    covered = ", ".join(steps)
    if covered:
        yield Problem(
            Trouble.UPGRADED,
            says=f"{sent.version or 0} is sent, and {received.version} is read",
            covered=covered,
        )
    for problem in _fields(sent, received):
        yield attrs.evolve(problem, covered=covered)


def _unknown(end: Sent | Received, attribute: str) -> Iterator[str]:
    why = end.unknown.get(attribute)
    if why is not None:
        yield why


def _fields(sent: Sent, received: Received) -> Iterator[Problem]:
    unknown = [*_unknown(sent, "fields"), *_unknown(received, "fields")]
    if unknown:
        yield Problem(Trouble.STATE_UNKNOWN, says=unknown[0])
        return
    if received.fields is None:
        return  # it takes what comes
    if sent.fields is None:
        yield Problem(
            Trouble.STATE_UNKNOWN,
            says="what is sent is not declared, and what receives declares its fields",
        )
        return
    extra = (
        {VERSION} if sent.version is not None and received.version is None else set()
    )
    for name, field in sorted(received.fields.items()):
        if name in sent.fields:
            yield from _type(name, sent.fields[name], field)
        elif field.required:
            yield Problem(Trouble.MISSING, name)
    for name in sorted(sent.fields.keys() - received.fields.keys() | extra):
        if name in received.computed:
            continue
        if received.forbids:
            yield Problem(Trouble.FORBIDDEN, name)
        elif name not in extra:
            yield Problem(Trouble.IGNORED, name)


def _type(name: str, sent: SentField, received: ReceivedField) -> Iterator[Problem]:
    types = parseType(sent.type), parseType(received.type)
    trouble = _TAKEN[taken(types[1], types[0])]
    if trouble is not None:
        says = f"{sent.type} is sent, and {received.type} is taken"
        yield Problem(trouble, name, says, types=types)


_TAKEN: Mapping[Taken, Trouble | None] = {
    Taken.ALL: None,
    Taken.SOME: Trouble.TYPE_SOME,
    Taken.NONE: Trouble.TYPE_NONE,
    Taken.UNKNOWN: Trouble.TYPE_UNKNOWN,
}


def _messages(sent: Sent, received: Received) -> Iterator[Problem]:
    unknown = [*_unknown(sent, "messages"), *_unknown(received, "messages")]
    if unknown:
        yield Problem(Trouble.MESSAGES_UNKNOWN, says=unknown[0])
        return
    methods = received.messages or {}
    for name, each in sorted((sent.messages or {}).items()):
        if name not in methods:
            yield Problem(Trouble.UNOBSERVED, name)
            continue
        text = methods[name]
        if text is None or each is None:
            whose = f"observe_{name} takes" if text is None else "is announced"
            yield Problem(
                Trouble.MESSAGES_UNKNOWN, name, f"what {whose} cannot be followed"
            )
            continue
        signature = parseTakes(text)
        for given in each:
            if not takes(signature, given):
                yield Problem(Trouble.ARGUMENTS, name, str(given))


#: What the other end is called if it is not in a manifest.
MIRROR = "the other end"


def mirroredSender(received: Received) -> Sent:
    """
    @return: what sends just what is received, for a tag that the program itself does
        not send.
    """
    fields, messages = received.fields, received.messages
    return Sent(
        flavor=received.flavor or "copy",
        open=received.open,
        fields=None
        if fields is None
        else {name: SentField(field.type) for name, field in fields.items()},
        version=received.version,
        messages=None
        if messages is None
        else {name: _given(text) for name, text in messages.items()},
        unknown=received.unknown,
    )


def _given(text: str | None) -> tuple[Given, ...] | None:
    if text is None:
        return None
    signature = parseTakes(text)
    return tuple(callsOf(signature))


def mirroredReceiver(sent: Sent) -> Received:
    """
    @return: what wants just what is sent, and takes no notice of more, for a tag
        that the program itself does not receive.
    """
    fields, messages = sent.fields, sent.messages
    return Received(
        flavor=sent.flavor,
        open=sent.open,
        fields=None
        if fields is None
        else {name: ReceivedField(field.type, True) for name, field in fields.items()},
        version=sent.version,
        messages=None
        if messages is None
        else {name: _takes(each) for name, each in messages.items()},
        unknown=sent.unknown,
    )


def _takes(each: tuple[Given, ...] | None) -> str | None:
    """
    @return: what takes some calls.
    """
    if not each:
        return None
    least, most = (find(given.count for given in each) for find in (min, max))
    byName = [set(given.names) for given in each]
    parts = [f"_{n}" if n < least else f"_{n}=..." for n in range(most)]
    parts += ["/"] * (most > 0) + ["*"] * bool(set().union(*byName))
    for name in sorted(set().union(*byName)):
        parts.append(name if all(name in names for names in byName) else f"{name}=...")
    return f"({', '.join(parts)})"
