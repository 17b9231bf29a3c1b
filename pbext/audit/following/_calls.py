"""
The calls of remote methods that a program makes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

import attrs

from pbext.audit._model import Program
from pbext.audit.following._facts import What
from pbext.audit.following._held import End
from pbext.audit.following._observing import observing
from pbext.audit.reading._bodies import argument, constant, subjectOf
from pbext.audit.reading._sources import Source

__all__ = ["RemoteCall", "observerCalls", "remoteCalls"]

#: Whose C{callRemote} is another.
_OTHERS = re.compile(
    r"^\s*(?:from|import)\s+(?:foolscap|twisted\.protocols(?:\.| import )amp"
    r"|twisted\.web(?:\.| import )xmlrpc|txjsonrpc|txmsgpackrpc|txzmqrpc)\b",
    re.MULTILINE,
)
_OURS = re.compile(
    r"^\s*(?:from|import)\s+(?:twisted\.spread|pbext)\b|\bimport pb\b", re.MULTILINE
)


@attrs.frozen(eq=False)
class RemoteCall:
    """
    A call of a C{callRemote}.

    @ivar source: in which file.
    @ivar node: the call.
    @ivar owner: of what it is the method.
    @ivar name: the name of the remote method; C{None} if it is not written out.
    """

    source: Source
    node: ast.Call
    owner: ast.expr
    name: str | None

    @property
    def subject(self) -> str:
        """
        The class in which it stands, or the module.
        """
        return subjectOf(self.source, self.node)

    @property
    def answered(self) -> bool:
        """
        Whether it gives a Deferred that somebody has to look after.
        """
        return not any(
            given.arg in ("pbanswer", "pbcallback", "pberrback")
            for given in self.node.keywords
        )


@lru_cache(maxsize=8)  # several rules ask, of one program
def remoteCalls(program: Program) -> tuple[RemoteCall, ...]:
    """
    @return: the calls in a program, without those that are of another protocol
        for all that can be seen.
    """
    others = [bool(_OTHERS.search(source.text)) for source in program.sources]
    mixed = any(
        other and "foolscap" in source.text
        for other, source in zip(others, program.sources, strict=True)
    )
    return tuple(
        call
        for other, source in zip(others, program.sources, strict=True)
        if "callRemote" in source.text
        and (not (other or mixed) or _OURS.search(source.text))
        for call in _calls(source)
    )


def observerCalls(program: Program) -> set[ast.AST]:
    """
    @return: those that are of observers, which other rules judge.
    """
    return {
        fact.node
        for watched in observing(program)
        for fact in watched.find(What.CALLED, What.TOLD)
        if fact.value.end is not End.REFERENCE
    }


def _calls(source: Source) -> Iterator[RemoteCall]:
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "callRemote"
        ):
            name = argument(node, 0, "_name")
            if name is not None and _isClass(name):  # a command of AMP's
                continue
            yield RemoteCall(source, node, node.func.value, constant(name))


def _isClass(node: ast.expr) -> bool:
    last = node.attr if isinstance(node, ast.Attribute) else ""
    last = node.id if isinstance(node, ast.Name) else last
    return last[:1].isupper()
