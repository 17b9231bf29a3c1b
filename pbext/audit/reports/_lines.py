"""
The lines that findings are in, read when they are first asked for.
"""

from __future__ import annotations

import hashlib

import attrs

from pbext.audit._findings import Finding, Place
from pbext.audit.reading._sources import Unread, textOf

__all__ = ["Lines"]


@attrs.frozen
class Lines:
    """
    The lines of files, each of which is read once.
    """

    _files: dict[str, list[str]] = attrs.field(factory=dict, init=False, repr=False)

    def of(self, path: str) -> list[str]:
        """
        @return: the lines of a file, without their ends; none if it cannot be
            read.
        """
        if path not in self._files:
            text = textOf(path)
            # As the parser counts them: str.splitlines would also split at form
            # feeds.
            lines = [] if isinstance(text, Unread) else text.split("\n")
            self._files[path] = lines
        return self._files[path]

    def line(self, place: Place) -> str:
        """
        @return: the first line of a place; C{""} if that is not known.
        """
        lines = self.of(place.path)
        return lines[place.line - 1] if 0 < place.line <= len(lines) else ""

    def fingerprint(self, finding: Finding) -> str:
        """
        @return: what stays the same of the place of a finding when lines are
            added above it or it is indented; it does not tell what stands there.
        """
        line = " ".join(self.line(finding.place).split())
        return hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()[:16]
