"""
Where a program mentions what: looked up once for all that is to be fixed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from pbext.audit.reading._sources import Source

__all__ = ["Mentions"]


class Mentions:
    """
    The attributes and the literal strings of some sources.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._attributes: dict[str, list[tuple[Source, ast.Attribute]]] = {}
        self._strings: dict[str, list[tuple[Source, ast.Constant]]] = {}
        for source in sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Attribute):
                    self._attributes.setdefault(node.attr, []).append((source, node))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    self._strings.setdefault(node.value, []).append((source, node))

    def attributes(self, name: str) -> Sequence[tuple[Source, ast.Attribute]]:
        """
        @return: where anything's attribute of this name is used.
        """
        return self._attributes.get(name, ())

    def strings(self, text: str) -> Sequence[tuple[Source, ast.Constant]]:
        """
        @return: where this text stands by itself.
        """
        return self._strings.get(text, ())
