"""
Comments that hide findings: C{# pbext: ignore[PBX101, PBX102] reason}, behind the
code or on a line of its own just above it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable
from itertools import takewhile

import attrs

from pbext.audit._findings import Finding, Place
from pbext.audit.reports._lines import Lines

__all__ = ["Ignore", "ignoresOf", "withoutIgnored"]

_COMMENT = re.compile(r"#\s*pbext:\s*ignore\b\s*(?:\[([^\]]*)\])?(.*)")

#: Where another comment begins in the same one, which is no reason.
_ANOTHER = re.compile(r"(?:^|\s)#\s")

#: Tokens that are no code.
_BLANK = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


@attrs.frozen
class Ignore:
    """
    One such comment.

    @ivar place: the comment.
    @ivar ids: the rules that it names, as it names them.
    @ivar reason: what it says behind them; without one it hides nothing.
    @ivar lines: in which lines it hides what begins there.
    """

    place: Place
    ids: tuple[str, ...]
    reason: str
    lines: frozenset[int]

    def hides(self, finding: Finding) -> bool:
        """
        @param finding: something in the same file.
        """
        return (
            bool(self.reason)
            and finding.rule in self.ids
            and finding.place.line in self.lines
        )


@attrs.frozen
class _Code:
    """
    Where the code of a file is.

    @ivar comments: the comments, as tokens.
    @ivar lines: the lines that hold code.
    @ivar statements: by their first line, the last line of each statement, of
        a compound one up to its colon, and its first word.
    """

    comments: list[tokenize.TokenInfo] = attrs.Factory(list)
    lines: set[int] = attrs.Factory(set)
    statements: dict[int, tuple[int, str]] = attrs.Factory(dict)

    @classmethod
    def read(cls, text: str) -> _Code:
        code = cls()
        first: tokenize.TokenInfo | None = None
        try:
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                if token.type == tokenize.COMMENT:
                    code.comments.append(token)
                elif token.type not in _BLANK:
                    code.lines.update(range(token.start[0], token.end[0] + 1))
                    first = first or token
                elif token.type == tokenize.NEWLINE and first is not None:
                    code.statements[first.start[0]] = token.start[0], first.string
                    first = None
        except (tokenize.TokenError, SyntaxError):
            pass  # the reader has said so; what stands above it still counts
        return code

    def covered(self, comment: tokenize.TokenInfo) -> frozenset[int]:
        line = comment.start[0]
        if line in self.lines:
            # At the end of a statement of several lines it is about all of it.
            ends = {s for s, (end, _) in self.statements.items() if end == line}
            return frozenset({line, *ends})
        comments = {token.start[0] for token in self.comments} - self.lines
        line += 1
        while line in comments:
            line += 1
        if line not in self.lines:
            return frozenset()
        covered = {line}
        if self.statements.get(line, (0, ""))[1] == "@":
            below = sorted(start for start in self.statements if start >= line)
            decorators = list(takewhile(lambda s: self.statements[s][1] == "@", below))
            covered.update(below[: len(decorators) + 1])
        return frozenset(covered)


def ignoresOf(path: str, text: str) -> list[Ignore]:
    """
    @return: the comments that hide something, or mean to, in a file.
    """
    if "pbext:" not in text:
        return []  # so the rest, which is slow, is for few files
    code = _Code.read(text)
    found = []
    for comment in code.comments:
        match = _COMMENT.search(comment.string)
        if match is not None:
            (line, column), (_, end) = comment.start, comment.end
            start = column + match.start()
            reason = _ANOTHER.split(match[2], maxsplit=1)[0].strip(" \t:-")
            ids = (match[1] or "").replace(",", " ").split()
            place = Place(path, line, start, line, end)
            found.append(Ignore(place, tuple(ids), reason, code.covered(comment)))
    return found


def withoutIgnored(findings: Iterable[Finding], lines: Lines) -> list[Finding]:
    """
    @return: the findings that no comment hides.
    """
    comments: dict[str, list[Ignore]] = {}
    shown = []
    for finding in findings:
        path = finding.place.path
        if path not in comments:
            text = "\n".join(lines.of(path)) if path else ""
            comments[path] = ignoresOf(path, text)
        if not any(ignore.hides(finding) for ignore in comments[path]):
            shown.append(finding)
    return shown
