"""
Where registrations stand in the sources, and what stands around them.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

import attrs

from pbext.audit._model import Program, Registered
from pbext.audit.reading._bodies import FUNCTIONS
from pbext.audit.reading._sources import Source

__all__ = ["Said", "excludes", "said", "sourceOf"]

#: What only one of several branches of is run.
_BRANCHES = ("body", "orelse", "handlers")


@attrs.frozen(eq=False)
class Said:
    """
    A registration, as it is written.

    @ivar node: the call; or the entry of one of Twisted's tables that is set.
    @ivar source: the file.
    """

    node: ast.Call | ast.Subscript
    source: Source

    @property
    def byTwisted(self) -> bool:
        """
        Whether it is Twisted's own function, which knows no C{typeToCopy}.
        """
        name = self.source.resolve(getattr(self.node, "func", None)) or ""
        return name.startswith("twisted.spread.")

    @property
    def always(self) -> bool:
        """
        Whether it is made when the module is imported, if at all.
        """
        return not any(
            isinstance(n, FUNCTIONS) for n in self.source.enclosing(self.node)
        )

    @property
    def of(self) -> str:
        """
        What it is said to: C{"registry"}, C{"pb"}.
        """
        function = getattr(self.node, "func", None)
        owner = getattr(function, "value", None)
        return ast.unparse(owner) if owner is not None else ""


def said(program: Program, entry: Registered) -> Said | None:
    """
    @return: how a registration is written, if its source was read.
    """
    source = sourceOf(program, entry.place.path)
    if source is None:
        return None
    nodes: list[ast.Call | ast.Subscript] = [
        *source.of(ast.Call),
        *source.of(ast.Subscript),
    ]
    line = entry.place.line
    here = [n for n in nodes if n.lineno == line and source.place(n) == entry.place]
    if not here:  # a process knows its line only
        here = [
            call
            for call in source.of(ast.Call)
            if call.lineno <= line <= (call.end_lineno or line)
            and _lastName(call.func).startswith(("set", "register", "unjellyable"))
        ]
    return Said(here[0], source) if len(here) == 1 else None


def sourceOf(program: Program, path: str) -> Source | None:
    """
    @return: the file of this path, if it was read.
    """
    if not path:
        return None
    for source in program.sources:
        if source.path == path or os.path.abspath(source.path) == path:
            return source
    return None


def excludes(one: Said, other: Said) -> bool:
    """
    @return: whether two registrations stand in branches of which only one is run.
    """
    if one.source is not other.source:
        return False
    return any(
        there is here and branch != that
        for here, branch in _branches(one)
        for there, that in _branches(other)
    )


def _branches(entry: Said) -> Iterator[tuple[ast.AST, str]]:
    inner: ast.AST = entry.node
    for outer in entry.source.enclosing(entry.node):
        if isinstance(outer, (ast.If, ast.Try)):
            for branch in _BRANCHES:
                if inner in getattr(outer, branch, ()):
                    yield outer, branch
        inner = outer


def _lastName(node: ast.expr) -> str:
    found: str = getattr(node, "attr", getattr(node, "id", ""))
    return found
