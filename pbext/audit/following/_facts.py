"""
What a program does to far ends, as the rules ask for it.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Sequence

import attrs

from pbext.audit._findings import Place
from pbext.audit.following._held import Path, Value
from pbext.audit.reading._sources import Source

__all__ = ["ALL", "Caught", "Context", "Fact", "What", "caughtBy", "leaves"]


class What(enum.Enum):
    """
    What is done.
    """

    COMPARED = "compared by value"
    HASHED = "hashed by value"
    MISSED = "looked for by identity, and cannot be found"
    KEYED = "kept under its perspective"
    CALLED = "called, by callRemote"
    TOLD = "called in some way that cannot raise here"
    CHANGED = "the collection is changed while it is walked"
    KEPT = "kept by the object"
    PASSED = "passed on"
    CLEARED = "an attribute is emptied"


#: The names of the errors that are caught; L{ALL} if every error is.
Caught = frozenset[str]

ALL: Caught = frozenset({"Exception"})


@attrs.frozen
class Context:
    """
    What a piece of a program stands in.

    @ivar loop: the innermost loop over far ends; C{None} if there is none.
    @ivar inside: what is caught inside of it, or at all if there is none.
    @ivar outside: what is caught outside of it.
    @ivar walked: where that lives which is walked, and is no copy.
    @ivar via: the call in the loop's own function by which it came here.
    """

    loop: ast.AST | None = None
    inside: Caught = frozenset()
    outside: Caught = frozenset()
    walked: frozenset[Path] = frozenset()
    via: ast.AST | None = None


@attrs.frozen
class Fact:
    """
    One thing that is done to far ends.

    @ivar what: what.
    @ivar node: where.
    @ivar source: in which file.
    @ivar owner: in the body of which class, as L{ClassModel.name<pbext.audit._model>};
        C{""} if in none.
    @ivar function: in which method or function.
    @ivar value: the far end, or what holds it.
    @ivar word: how, as it is written: C{"remove"}, C{"=="}.
    @ivar context: in what.
    """

    what: What
    node: ast.AST
    source: Source
    owner: str
    function: str
    value: Value
    word: str = ""
    context: Context = Context()

    @property
    def place(self) -> Place:
        return self.source.place(self.node)

    @property
    def where(self) -> str:
        """
        The function, for people: C{"Pond.stoppedObserving"}.
        """
        owner = self.owner.rpartition(".")[2]
        return f"{owner}.{self.function}" if owner else self.function


#: The errors that are known by name; another name may stand for any.
_KNOWN = frozenset(
    "AttributeError TypeError KeyError ValueError IndexError LookupError OSError "
    "RuntimeError NameError StopIteration ImportError IOError ProtocolError "
    "DeadReferenceError PBConnectionLost ConnectionLost ConnectionDone "
    "ConnectionClosed RemoteError CancelledError TimeoutError BananaError "
    "KeyboardInterrupt SystemExit".split()
)


def caughtBy(kinds: ast.expr | None) -> Caught:
    """
    @param kinds: what stands after C{except}, or C{None} for nothing.
    @return: what that catches; L{ALL} if it cannot be known.
    """
    if kinds is None:
        return ALL
    names = set()
    for node in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
        name = getattr(node, "attr", getattr(node, "id", ""))
        if name not in _KNOWN:
            return ALL
        names.add(name)
    return frozenset(names)


def leaves(body: Sequence[ast.stmt]) -> bool:
    """
    @return: whether what is around a body ends with it.
    """
    return bool(body) and isinstance(body[-1], (ast.Raise, ast.Return, ast.Break))
