"""
What a comparison of two manifests hands back, as text for people and as JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import attrs

from pbext.audit._audited import CannotAudit
from pbext.audit.manifest._differences import CHANGES, Change, Direction, Level
from pbext.audit.reports._report import Manner

__all__ = ["Compared", "allowedOf"]

#: Of the JSON; see L{pbext.audit.reports._json.VERSION}.
VERSION = 1

#: Who is who, of what travels and of what is called.
_ENDS: Mapping[Direction, tuple[str, str]] = {
    Direction.OLD_TO_NEW: ("old sender to new receiver", "old client to new server"),
    Direction.NEW_TO_OLD: ("new sender to old receiver", "new client to old server"),
}

_FROM: Mapping[Direction, str] = {
    Direction.OLD_TO_NEW: "from old to new",
    Direction.NEW_TO_OLD: "from new to old",
}

_COLOURS: Mapping[Level, str] = {
    Level.BREAKS: "1;31",
    Level.COVERED: "32",
    Level.UNKNOWN: "33",
    Level.NOTE: "36",
}
_HEADING = "1"


def allowedOf(texts: Iterable[str]) -> list[tuple[str, str]]:
    """
    @param texts: each the id of a kind of changes, or C{ID:SUBJECT}.
    @return: each id with its subject, C{""} for all.
    @raise CannotAudit: if there is no such id.
    """
    found = []
    for text in texts:
        id, _, subject = text.partition(":")
        if id.upper() not in CHANGES:
            raise CannotAudit(
                f"there is no kind of changes {id}; they are {', '.join(CHANGES)}"
            )
        found.append((id.upper(), subject))
    return found


@attrs.frozen
class Compared:
    """
    @ivar changes: what was found, in the order in which it is shown.
    @ivar allowed: those of the changes that may break what they break.
    """

    changes: Sequence[Change]
    allowed: Collection[Change] = ()

    @classmethod
    def of(
        cls,
        changes: Iterable[Change],
        directions: Collection[Direction],
        allowed: Iterable[tuple[str, str]] = (),
    ) -> Compared:
        """
        @param directions: those that matter.
        @param allowed: what L{allowedOf} gives.
        """
        kept = [change for change in changes if change.direction in directions]
        pairs = {*allowed}
        return cls(
            kept,
            frozenset(
                change
                for change in kept
                if pairs & {(change.kind.id, ""), (change.kind.id, change.subject)}
            ),
        )

    @property
    def breaks(self) -> list[Change]:
        """
        The changes that break something, and may not.
        """
        return [
            change
            for change in self.changes
            if change.level is Level.BREAKS and change not in self.allowed
        ]

    def asJSON(self) -> str:
        """
        @return: JSON, with a line feed at its end.
        """
        whole = {
            "format": "pbext-diff",
            "version": VERSION,
            "breaks": bool(self.breaks),
            "changes": [
                {
                    "id": change.kind.id,
                    "level": change.level.value,
                    "direction": change.direction.value,
                    "subject": change.subject,
                    "name": change.name or None,
                    "message": change.message,
                    "fix": change.fix,
                    "allowed": change in self.allowed,
                }
                for change in self.changes
            ],
        }
        return json.dumps(whole, indent=1) + "\n"

    def asText(self, manner: Manner) -> str:
        """
        @return: lines, the last of which is the summary.
        """
        blocks = []
        for subject, found in groupby(self.changes, lambda change: change.subject):
            lines = [manner.coloured(manner.plain(subject), _HEADING)]
            for direction, each in groupby(found, lambda change: change.direction):
                lines += self._direction(direction, [*each], manner)
            blocks.append(lines)
        blocks.append([manner.folded(self.summary(), "    ")])
        return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)

    def _direction(
        self, direction: Direction, changes: Sequence[Change], manner: Manner
    ) -> Iterator[str]:
        calls = all(change.kind.id.startswith("PBD4") for change in changes)
        yield f"  {_ENDS[direction][calls]}"
        for change in changes:
            level = "allowed" if change in self.allowed else change.level.value
            told = f"{level} {change.kind.id}: {manner.plain(change.message)}"
            colour = _COLOURS[Level.NOTE if level == "allowed" else change.level]
            yield manner.folded(f"    {told}", " " * 8).replace(
                f"{level} ", f"{manner.coloured(level, colour)} ", 1
            )
            if change.level is Level.BREAKS and change not in self.allowed:
                yield manner.folded(f"        fix: {change.fix}", " " * 13)

    def summary(self) -> str:
        """
        @return: how much there is of what, in a line without its end.
        """
        by = Counter(change.direction for change in self.breaks)
        if by:
            count = by.total()
            where = ", ".join(f"{by[d]} {_FROM[d]}" for d in Direction if by[d])
            parts = [f"{count} {'break' if count == 1 else 'breaks'} ({where})"]
        else:
            parts = ["nothing breaks"]
        levels = Counter(c.level for c in self.changes if c not in self.allowed)
        for level, words in {
            Level.COVERED: "covered by upgrades",
            Level.UNKNOWN: "that cannot be judged",
            Level.NOTE: "to know of",
        }.items():
            if levels[level]:
                parts.append(f"{levels[level]} {words}")
        if self.allowed:
            parts.append(f"{len(self.allowed)} allowed")
        return "; ".join(parts)
