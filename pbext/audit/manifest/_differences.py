"""
The kinds of changes that a comparison of two manifests finds: one table, which the
comparison, its reports and docs/manifest.rst walk.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

__all__ = ["CHANGES", "Change", "ChangeKind", "Direction", "Level"]


class Direction(enum.Enum):
    """
    Who has been updated, and who has not.
    """

    OLD_TO_NEW = "old-to-new"
    NEW_TO_OLD = "new-to-old"


class Level(enum.Enum):
    """
    What a change does.

    @cvar BREAKS: what was understood no longer is.
    @cvar COVERED: it would be, but for an upgrade of the state that is there.
    @cvar UNKNOWN: whether it breaks anything cannot be known.
    @cvar NOTE: it breaks nothing.
    """

    BREAKS = "breaks"
    COVERED = "covered"
    UNKNOWN = "unknown"
    NOTE = "note"


_BOTH = (Direction.OLD_TO_NEW, Direction.NEW_TO_OLD)
_OLD_TO_NEW = (Direction.OLD_TO_NEW,)
_NEW_TO_OLD = (Direction.NEW_TO_OLD,)


@attrs.frozen
class ChangeKind:
    """
    @ivar id: C{"PBD101"}.
    @ivar title: what has changed, for the table.
    @ivar directions: where it does something.
    @ivar level: what it does there.
    @ivar says: of one such change, with the names C{sender}, C{receiver}, C{name}
        and C{says}.
    @ivar fix: what covers it, or what to do.
    @ivar fixNew: the same for what a new sender sends, if that is something else.
    """

    id: str
    title: str
    directions: tuple[Direction, ...]
    level: Level
    says: str
    fix: str
    fixNew: str = ""

    def fixFor(self, direction: Direction) -> str:
        """
        @return: what to do where it is found in a direction.
        """
        return (direction is Direction.NEW_TO_OLD and self.fixNew) or self.fix


@attrs.frozen
class Change:
    """
    One change.

    @ivar kind: what kind of.
    @ivar subject: the tag, or the class that is called.
    @ivar direction: in which direction it does something.
    @ivar level: what.
    @ivar message: it, in a sentence without a full stop.
    @ivar name: the field, message or method.
    """

    kind: ChangeKind
    subject: str
    direction: Direction
    level: Level
    message: str
    name: str = ""

    @property
    def fix(self) -> str:
        """
        What to do.
        """
        return self.kind.fixFor(self.direction)


_RENAME = (
    "keep the tag with typeToCopy; or update the receivers first, where both tags may "
    "become the same class"
)
_VERSION = (
    "raise copyVersion, and let the receiver bring old states up to it with "
    "upgradeStateToVersion<N>"
)
_NEWER = (
    'update the receivers first, or let their class say copyNewer = "read" '
    "before the version is raised"
)
_LOWERED = "do not lower the version"
_RECEIVERS_FIRST = "update the receivers before the senders"
_COMPARE = "look at it by hand"

_KINDS = (
    ChangeKind(
        "PBD001",
        "The manifests were not made in the same way",
        _BOTH,
        Level.UNKNOWN,
        "{says}",
        "make both with --static, or both without",
    ),
    ChangeKind(
        "PBD101",
        "A tag is not received any more",
        _OLD_TO_NEW,
        Level.BREAKS,
        "nothing is registered for it any more; it was {receiver}",
        "keep a registration for it: several tags may become the same class",
    ),
    ChangeKind(
        "PBD102",
        "A class is sent under another tag, which receivers do not know",
        _NEW_TO_OLD,
        Level.BREAKS,
        "{sender} is sent under it, and was as {says}",
        _RENAME,
    ),
    ChangeKind(
        "PBD103",
        "A Copyable has become a Cacheable, or the reverse",
        _BOTH,
        Level.BREAKS,
        "{sender} and {receiver} do not match: {says}",
        "let the new class have a tag of its own",
    ),
    ChangeKind(
        "PBD104",
        "A tag is sent that is new",
        _NEW_TO_OLD,
        Level.NOTE,
        "{sender} is new: who has not been updated refuses it",
        _RECEIVERS_FIRST,
    ),
    ChangeKind(
        "PBD105",
        "A tag is not sent any more",
        _NEW_TO_OLD,
        Level.NOTE,
        "{sender} is not sent under it any more",
        "nothing",
    ),
    ChangeKind(
        "PBD106",
        "It cannot be known whether a tag is still received",
        _OLD_TO_NEW,
        Level.UNKNOWN,
        "it was {receiver}, and for some registrations the tags are not known",
        _COMPARE,
    ),
    ChangeKind(
        "PBD201",
        "A field is not sent any more that is required",
        _NEW_TO_OLD,
        Level.BREAKS,
        "{sender} does not send {name}, which {receiver} requires",
        "go on sending it; or give it a default where it is received, and update the "
        "receivers first",
    ),
    ChangeKind(
        "PBD202",
        "A field is required that is not sent",
        _OLD_TO_NEW,
        Level.BREAKS,
        "{receiver} requires {name}, which {sender} does not send",
        f"give it a default; or {_VERSION}",
    ),
    ChangeKind(
        "PBD203",
        "A field is sent that is forbidden",
        _NEW_TO_OLD,
        Level.BREAKS,
        "{sender} sends {name}, which {receiver} does not know and forbids",
        _RECEIVERS_FIRST,
    ),
    ChangeKind(
        "PBD204",
        "A field is forbidden that is sent",
        _OLD_TO_NEW,
        Level.BREAKS,
        "{receiver} does not know {name} and forbids it, and {sender} sends it",
        f"let it ignore what it does not know; or {_VERSION}",
    ),
    ChangeKind(
        "PBD205",
        "The type of a field is another: nothing that is sent is taken",
        _BOTH,
        Level.BREAKS,
        "{name} of {receiver} takes nothing that {sender} sends: {says}",
        f"let the receiver take both types; or {_VERSION}",
        "update the receivers before the senders, so that they take both types",
    ),
    ChangeKind(
        "PBD206",
        "The type of a field is narrower where it is received, or wider where it is "
        "sent: not all that is sent is taken",
        _BOTH,
        Level.BREAKS,
        "{name} of {receiver} does not take all that {sender} sends: {says}",
        f"let the receiver take both types; or {_VERSION}",
        "update the receivers before the senders, so that they take both types",
    ),
    ChangeKind(
        "PBD207",
        "The type of a field cannot be compared",
        _BOTH,
        Level.UNKNOWN,
        "whether {name} of {receiver} takes what {sender} sends cannot be known: "
        "{says}",
        _COMPARE,
    ),
    ChangeKind(
        "PBD208",
        "The version of what is sent is newer than the receiver",
        _BOTH,
        Level.BREAKS,
        "{receiver} refuses what {sender} sends: version {says}",
        _LOWERED,
        _NEWER,
    ),
    ChangeKind(
        "PBD209",
        "The version of what is sent is older, and an upgrade is missing",
        _BOTH,
        Level.BREAKS,
        "{receiver} cannot upgrade what {sender} sends: version {says}",
        "write the upgrade",
        _LOWERED,
    ),
    ChangeKind(
        "PBD210",
        "The version of what is sent is older, and the upgrades are there",
        _BOTH,
        Level.COVERED,
        "{receiver} upgrades what {sender} sends: version {says}",
        "nothing",
    ),
    ChangeKind(
        "PBD211",
        "A field is sent that the receiver takes no notice of",
        _BOTH,
        Level.NOTE,
        "{sender} sends {name}, which {receiver} ignores",
        "nothing",
    ),
    ChangeKind(
        "PBD212",
        "A field is sent that was local-only",
        _NEW_TO_OLD,
        Level.NOTE,
        "{sender} sends {name}, which was local-only",
        "see that it may leave the program",
    ),
    ChangeKind(
        "PBD213",
        "The states cannot be compared",
        _BOTH,
        Level.UNKNOWN,
        "whether {receiver} takes what {sender} sends cannot be known: {says}",
        _COMPARE,
    ),
    ChangeKind(
        "PBD214",
        "A field is not sent any more",
        _NEW_TO_OLD,
        Level.NOTE,
        "{sender} does not send {name} any more",
        "see that receivers have a default for it",
    ),
    ChangeKind(
        "PBD301",
        "A cache announces something that is not observed",
        _NEW_TO_OLD,
        Level.BREAKS,
        "{sender} announces {name}, and {receiver} has no observe_{name}: the cache "
        "becomes stale",
        _RECEIVERS_FIRST,
    ),
    ChangeKind(
        "PBD302",
        "Something that a cache announces is not observed any more",
        _OLD_TO_NEW,
        Level.BREAKS,
        "{receiver} has no observe_{name}, which {sender} announces: the cache becomes "
        "stale",
        "keep the method as long as there are old senders",
    ),
    ChangeKind(
        "PBD303",
        "Something is announced with arguments that are not taken",
        _BOTH,
        Level.BREAKS,
        "observe_{name} of {receiver} does not take what {sender} announces: {says}",
        "give new parameters defaults, and update the receivers before the senders; or "
        "announce it under a new name",
    ),
    ChangeKind(
        "PBD304",
        "The announcements of a cache cannot be compared",
        _BOTH,
        Level.UNKNOWN,
        "whether {receiver} observes what {sender} announces cannot be known: {says}",
        _COMPARE,
    ),
    ChangeKind(
        "PBD401",
        "A class that peers call is gone",
        _OLD_TO_NEW,
        Level.BREAKS,
        "it is gone, with {says}",
        "keep its methods as long as there are old clients",
    ),
    ChangeKind(
        "PBD402",
        "A method that peers call is gone",
        _OLD_TO_NEW,
        Level.BREAKS,
        "{name} is gone",
        "keep it as long as there are old clients",
    ),
    ChangeKind(
        "PBD403",
        "A method does not take arguments that it took",
        _OLD_TO_NEW,
        Level.BREAKS,
        "{name} does not take all that it took: {says}",
        "give new parameters defaults, and keep those that there are",
    ),
    ChangeKind(
        "PBD404",
        "A parameter of a method has another name",
        _OLD_TO_NEW,
        Level.BREAKS,
        "{name} does not take what it took, if that is given by name: {says}",
        "keep the name; or allow it, if all clients give it by position",
    ),
    ChangeKind(
        "PBD405",
        "A method takes nothing that it took",
        _NEW_TO_OLD,
        Level.BREAKS,
        "{name} cannot be called in a way that both understand: {says}",
        "give new parameters defaults, or the method a new name",
    ),
    ChangeKind(
        "PBD406",
        "A method that peers call is new",
        _NEW_TO_OLD,
        Level.NOTE,
        "{name} is new: a server that has not been updated does not have it",
        "update the servers before the clients",
    ),
    ChangeKind(
        "PBD407",
        "What a method takes cannot be compared",
        _BOTH,
        Level.UNKNOWN,
        "whether {name} takes what it took cannot be known: {says}",
        _COMPARE,
    ),
)

#: By id.
CHANGES: Mapping[str, ChangeKind] = {kind.id: kind for kind in _KINDS}
