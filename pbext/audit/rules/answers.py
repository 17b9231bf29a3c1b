"""
Remote methods that are called, and that nobody has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from difflib import get_close_matches

from pbext.audit._findings import Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._calls import RemoteCall, observerCalls, remoteCalls
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    constant,
    enclosingFunction,
    parameters,
    written,
)
from pbext.audit.reading._sources import textOf

__all__: list[str] = []

_PREFIXES = ("remote_", "perspective_", "view_", "observe_")

#: A method that answers, however it comes to be: defined, assigned, or named.
_ANSWERING = re.compile(rf"\b(?:{'|'.join(_PREFIXES)})(\w+)")

#: What Twisted's own objects answer.
_TWISTEDS = frozenset(
    """
    login loginAnonymous respond gotPage endedPaging invalidate
    request write writeHeaders finish registerProducer unregisterProducer
    pauseProducing resumeProducing stopProducing
    addCookie setETag setLastModified setResponseCode
    """.split()
)

#: Of the names that are called, how many have to be answered, so that both ends
#: can be taken to be there.
_SHARE = 0.75


def _unanswered(program: Program) -> Iterator[Hit]:
    observers = observerCalls(program)
    named = [
        call
        for call in remoteCalls(program)
        if call.name is not None and call.node not in observers
    ]
    answered = _answered(program)
    called = {call.name for call in named}
    missing = called - answered
    if not missing or len(missing) > len(called) * (1 - _SHARE) or _isOpen(program):
        return
    for call in named:
        if call.name is None or call.name not in missing or _isTried(call):
            continue
        [near] = get_close_matches(call.name, answered, 1, 0.75) or [""]
        yield Hit(
            call.source.place(call.node),
            call.subject,
            f"{call.name} is called, and nothing here answers it",
            f"call {near}, if that is what is meant" if near else "",
            None if near or not _isStrange(call) else Severity.NOTE,
        )


def _answered(program: Program) -> set[str]:
    texts = [source.text for source in program.sources]
    for unread in program.unread:
        text = textOf(unread.path)
        texts += [text] if isinstance(text, str) else []
    return {*_TWISTEDS, *(name for text in texts for name in _ANSWERING.findall(text))}


def _isOpen(program: Program) -> bool:
    """
    @return: whether there is something that answers whatever it is asked.
    """
    return any("__getattr__" in cls.methods for cls in program) or any(
        _makes(node)
        for source in program.sources
        if "MessageReceived" in source.text or "setattr" in source.text
        for node in ast.walk(source.tree)
    )


def _makes(node: ast.AST) -> bool:
    if isinstance(node, FUNCTIONS):
        # One that goes by the same names opens nothing.
        return node.name.endswith("MessageReceived") and not any(
            _isPrefixed(inner)
            or (isinstance(inner, ast.Attribute) and "MessageReceived" in inner.attr)
            for inner in ast.walk(node)
        )
    return (
        isinstance(node, ast.Call)
        and written(node.func) == "setattr"
        and len(node.args) == 3
        and not isinstance(node.args[1], ast.Constant)
        and any(map(_isPrefixed, ast.walk(node.args[1])))
    )


def _isPrefixed(node: ast.AST) -> bool:
    return (constant(node) or "").startswith(_PREFIXES)


def _isTried(call: RemoteCall) -> bool:
    """
    @return: whether the program is prepared for a peer that has no such method.
    """
    return any(
        isinstance(outer, ast.Try) and outer.handlers
        for outer in call.source.enclosing(call.node)
    )


def _isStrange(call: RemoteCall) -> bool:
    """
    @return: whether it is of an object that a peer has passed to this program;
        it may be anybody's.
    """
    function = enclosingFunction(call.source, call.node)
    return (
        isinstance(function, FUNCTIONS)
        and function.name.startswith(_PREFIXES)
        and written(call.owner) in parameters(function)
    )


UNANSWERED = Rule(
    id="PBX213",
    severity=Severity.WARNING,
    title="a remote method is called that nobody has",
    explanation="""\
A call by name finds its method when it arrives, and not before.  Where a program has
both ends, each name that is called should be a ``remote_`` method, a ``perspective_``
method or another one somewhere; one that is nowhere was misspelled, or left
behind when the method was renamed.  The caller gets ``NoSuchMethod``, as an error of
the peer's, and only when that line runs.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Root):
    def remote_takeDuck(self, name):
        return f"{name} is in"

    def remote_count(self):
        return 1

    def remote_name(self):
        return "pond"

    def remote_size(self):
        return 3


async def visit(root):
    print(await root.callRemote("name"), await root.callRemote("size"))
    print(await root.callRemote("count"))
    await root.callRemote("takeDucks", "Daffy")
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Root):
    def remote_takeDuck(self, name):
        return f"{name} is in"

    def remote_count(self):
        return 1

    def remote_name(self):
        return "pond"

    def remote_size(self):
        return 3


async def visit(root):
    print(await root.callRemote("name"), await root.callRemote("size"))
    print(await root.callRemote("count"))
    await root.callRemote("takeDuck", "Daffy")
""",
    fix="write the method, or call it by the name that it has",
    find=_unanswered,
    sources=True,
)
