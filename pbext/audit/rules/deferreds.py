"""
Answers that nobody waits for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._findings import Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._calls import RemoteCall, observerCalls, remoteCalls
from pbext.audit.following._factories import onlyOurs
from pbext.audit.following._facts import What
from pbext.audit.following._observing import observing
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    Function,
    enclosingFunction,
    shallow,
    written,
)
from pbext.audit.reading._sources import Source

__all__: list[str] = []

_LOOPS = (ast.For, ast.AsyncFor)

#: What an C{except} clause catches that is taken to be for the peer's errors.
_BROAD = frozenset({"BaseException", "Error", "Exception", "RemoteError"})

#: How many statements there are in a C{try} that is there for one of them.
_FEW = 2


def _dropped(program: Program) -> Iterator[Hit]:
    observers, looped = observerCalls(program), _looped(program)
    raises = not onlyOurs(program)
    noted: set[str] = set()
    for call in remoteCalls(program):
        if not _isDropped(call) or call.node in observers:
            continue
        place, subject = call.source.place(call.node), call.subject
        why = _why(call, raises and call.node not in looped)
        if why:
            owner = ast.unparse(call.owner)
            yield Hit(place, subject, f"the answer of {owner}.callRemote is {why}")
        elif call.node not in looped and subject not in noted:
            noted.add(subject)
            yield Hit(
                place,
                subject,
                "nobody looks at the answers of calls such as this one, so that their "
                "errors come to light late, without a word on where they were made",
                severity=Severity.NOTE,
            )


def _looped(program: Program) -> set[ast.AST]:
    """
    @return: the calls of references in a loop that PBX102 judges.
    """
    return {
        fact.node
        for watched in observing(program)
        for fact in watched.find(What.CALLED)
        if fact.context.loop is not None
    }


def _isDropped(call: RemoteCall) -> bool:
    return (
        isinstance(call.source.parents.get(call.node), ast.Expr)
        and call.answered
        # A method of the program's own may look after it.
        and ast.unparse(call.owner) not in ("self", "super()")
    )


def _words(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _why(call: RemoteCall, raises: bool) -> str:
    """
    @param raises: whether a call by a reference that is dead raises.
    @return: why it is likely that somebody wanted to know; C{""} if it is not.
    """
    function = enclosingFunction(call.source, call.node)
    if isinstance(function, FUNCTIONS):
        if isinstance(function, ast.AsyncFunctionDef):
            return "not awaited, though this is a coroutine"
        if _isInline(function):
            return "not yielded, though this function waits for others"
    caught = _caught(call)
    if caught:
        return "dropped, and the except clause sees only what is raised at once"
    if raises and caught is None and _isOneOfMany(call.source, call):
        return (
            "dropped, and if one of these peers is gone, DeadReferenceError keeps the "
            "others from being called"
        )
    return ""


def _isInline(function: Function) -> bool:
    return any(
        written(decorator).endswith("inlineCallbacks")
        for decorator in function.decorator_list
    )


def _caught(call: RemoteCall) -> bool | None:
    """
    @return: whether it stands in a C{try} that is there for it, and would catch
        the peer's errors if they were raised; C{None} if in no C{try} at all.
    """
    found: bool | None = None
    for outer in call.source.enclosing(call.node):
        if isinstance(outer, (*FUNCTIONS, *_LOOPS)):
            break
        if isinstance(outer, ast.Try) and outer.handlers:
            found = False
            if len(outer.body) <= _FEW and any(map(_isBroad, outer.handlers)):
                statement = call.source.parents[call.node]
                return any(inner is statement for inner in outer.body)
    return found


def _isBroad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_BROAD & {*_words(handler.type)})


def _isOneOfMany(source: Source, call: RemoteCall) -> bool:
    """
    @return: whether it is called for one peer after the other.
    """
    for outer in source.enclosing(call.node):
        if isinstance(outer, FUNCTIONS):
            return False
        if isinstance(outer, _LOOPS):
            names = {*_words(outer.target)}
            for node in shallow(outer.body):
                if isinstance(node, ast.Assign) and names & {*_words(node.value)}:
                    for target in node.targets:
                        names.update(_words(target))
            if names & {*_words(call.owner)}:
                return not _endsAt(source, call.node, outer)
    return False


def _endsAt(source: Source, node: ast.AST, loop: ast.AST) -> bool:
    """
    @return: whether a loop ends once it has come to a node: it was looking for
        one.
    """
    for outer in source.enclosing(node):
        if outer is loop:
            return False
        for _, body in ast.iter_fields(outer):
            if isinstance(body, list) and any(
                isinstance(statement, (ast.Return, ast.Break)) for statement in body
            ):
                return True
    return False


DROPPED = Rule(
    id="PBX211",
    severity=Severity.WARNING,
    title="the Deferred of a callRemote is dropped",
    explanation="""\
What goes wrong at the peer comes back as an error of the Deferred.  If nobody has
kept that, the error is logged when the garbage collector comes to it, as "Unhandled
error in Deferred", with no hint of who called what.  A ``try`` around the call
does not see it; in a coroutine, an ``await`` that is missing loses it.

A reference whose connection is lost raises ``DeadReferenceError`` at once, on stock's
brokers: in a loop over several peers, all after the first dead one are not told.""",
    bad="""\
from twisted.spread import pb


class User(pb.Avatar):
    def __init__(self, room, mind):
        self.room, self.mind = room, mind

    def perspective_say(self, text):
        for user in self.room:
            user.mind.callRemote("said", text)
""",
    good="""\
from twisted.internet.defer import maybeDeferred
from twisted.python import log
from twisted.spread import pb


class User(pb.Avatar):
    def __init__(self, room, mind):
        self.room, self.mind = room, mind

    def perspective_say(self, text):
        for user in self.room:
            said = maybeDeferred(user.mind.callRemote, "said", text)
            said.addErrback(log.err, "saying something")
""",
    fix="wait for it, or give it an errback; say pbanswer=False if no answer is wanted",
    find=_dropped,
    sources=True,
)
