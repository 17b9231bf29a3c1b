"""
Announcements that a dead observer stops.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._findings import Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._facts import Caught, Fact, What
from pbext.audit.following._held import End
from pbext.audit.following._observing import LEFT, Observed, observing
from pbext.audit.reading._sources import Source

__all__ = ["unguarded"]

#: What C{callRemote} raises of a far end that is gone: of an observer, C{None} has no
#: attribute C{get} when the connection is lost, and a ProtocolError or its child
#: DeadReferenceError if the peer has dropped the cache or is just being lost.
_RAISED = {
    End.STOCK: ("AttributeError", "ProtocolError"),
    End.FOREIGN: ("AttributeError", "ProtocolError"),
    End.REFERENCE: ("DeadReferenceError",),
}

#: What catches these, but for themselves.
_CATCHING = {
    "DeadReferenceError": {"ProtocolError"},
}

_CALLBACKS = frozenset({"addErrback", "addBoth", "addCallbacks"})

_FIX = (
    "announce with pbext's observers.callRemote(...), which no observer can stop, or "
    "put try/except Exception around the call, inside the loop"
)


def _unguarded(program: Program) -> Iterator[Hit]:
    seen = set()
    for watched in observing(program):
        for fact in watched.find(What.CALLED, What.CHANGED):
            hit = _changed(watched, fact) if fact.what is What.CHANGED else None
            if fact.what is What.CALLED:
                hit = _called(watched, fact)
            if hit is not None and hit.place not in seen:
                seen.add(hit.place)
                yield hit


def _missed(end: End, caught: Caught) -> list[str]:
    """
    @return: what is not caught of that which can be raised.
    """
    if not caught.isdisjoint({"Exception", "BaseException"}):
        return []
    return [
        error
        for error in _RAISED[end]
        if error not in caught and caught.isdisjoint(_CATCHING.get(error, ()))
    ]


def _called(watched: Observed, fact: Fact) -> Hit | None:
    end = fact.value.end
    if end is None or end not in _RAISED:
        return None
    context = fact.context
    missed = _missed(end, context.inside)
    if not missed or (context.loop is not None and _asksFirst(context.loop)):
        return None
    subject = fact.owner or fact.source.label
    if context.loop is None:
        return None if end is End.REFERENCE else _alone(watched, fact, subject)
    errors = " or ".join(missed)
    if context.inside:
        rest = f"what is caught does not catch the {errors} of one that is gone"
    elif not _missed(end, context.outside):
        rest = (
            "one that is gone raises, and the try around the loop ends it for the rest"
        )
    elif _hasErrback(fact.source, fact.node):
        rest = (
            f"one that is gone raises {errors} before there is a Deferred, so that "
            "the errback is never reached and the rest are told nothing"
        )
    else:
        rest = f"one that is gone raises {errors}, and the rest are told nothing"
    things = "remote references" if end is End.REFERENCE else "observers"
    return Hit(
        fact.place,
        subject,
        f"{fact.where} calls {things} in a loop: {rest}",
        "" if end is not End.REFERENCE else _FIX_REFERENCES,
        Severity.WARNING
        if end is End.REFERENCE or (context.inside and errors == "ProtocolError")
        else Severity.ERROR,
    )


_FIX_REFERENCES = (
    "use pbext's factories, whose callRemote always returns a Deferred, or put "
    "try/except pb.DeadReferenceError around the call, inside the loop"
)


def _alone(watched: Observed, fact: Fact, subject: str) -> Hit | None:
    """
    A call of one observer.
    """
    if fact.value.fresh == LEFT:
        return Hit(
            fact.place,
            subject,
            f"{fact.where} calls the observer that has just left: if its connection "
            "is lost, that raises DeadReferenceError",
            "tell only those that stay",
            Severity.WARNING,
        )
    place = fact.value.place
    if len([step for step in place if step]) != 1 or fact.value.fresh:
        return None
    if isTested(fact.source, fact.node) and _isCleared(watched, place[-1]):
        return None
    return Hit(
        fact.place,
        subject,
        f"{fact.where} calls the one observer in {place[-1]}: when it is gone, that "
        "raises AttributeError or ProtocolError at whoever makes the change",
        "announce with pbext's observers.callRemote(...), which never raises for one "
        "that is gone",
        Severity.WARNING,
    )


def _isCleared(watched: Observed, name: str) -> bool:
    """
    @return: whether the observer that has left is taken from an attribute.
    """
    if watched.end is not End.STOCK:
        return True  # it cannot be seen from here
    return any(
        fact.what is What.CLEARED and fact.function == LEFT and fact.word == name
        for fact in watched
    )


def isTested(source: Source, call: ast.AST) -> bool:
    """
    @return: whether it is asked first if there is what is called.
    """
    receiver = getattr(getattr(call, "func", None), "value", None)
    if receiver is None:
        return False
    name = ast.unparse(receiver)
    inner: ast.AST = call
    for outer in source.enclosing(call):
        test = getattr(outer, "test", None)
        if test is not None and inner is not test and _speaksOf(test, name):
            return True
        if isinstance(outer, ast.BoolOp) and any(
            _speaksOf(value, name) for value in outer.values if value is not inner
        ):
            return True
        for field in ("body", "orelse"):
            body = getattr(outer, field, None)
            if isinstance(body, list) and inner in body:
                for earlier in body[: body.index(inner)]:
                    if isinstance(earlier, (ast.If, ast.Assert)) and _speaksOf(
                        earlier.test, name
                    ):
                        return True
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            break
        inner = outer
    return False


def _speaksOf(test: ast.AST, name: str) -> bool:
    return any(
        isinstance(part, (ast.Name, ast.Attribute)) and ast.unparse(part) == name
        for part in ast.walk(test)
    )


def _asksFirst(loop: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Attribute) and part.attr in ("disconnected", "connected")
        for part in ast.walk(loop)
    )


def _hasErrback(source: Source, call: ast.AST) -> bool:
    parent = source.parents.get(call)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _CALLBACKS
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        name = parent.targets[0].id
        for outer in source.enclosing(call):
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return any(
                    isinstance(part, ast.Attribute)
                    and part.attr in _CALLBACKS
                    and isinstance(part.value, ast.Name)
                    and part.value.id == name
                    for part in ast.walk(outer)
                )
    return False


def _changed(watched: Observed, fact: Fact) -> Hit | None:
    """
    The collection is changed while it is walked.
    """
    node = fact.context.via or fact.node
    name = fact.value.place[0]
    subject = fact.owner or fact.source.label
    if fact.word == "await":
        if watched.cls is None or LEFT not in watched.cls.methods:
            return None
        return Hit(
            fact.place,
            subject,
            f"{fact.where} waits while it walks {name}: an observer that comes or goes "
            "meanwhile changes it, so that others are left out",
            "walk a copy: for observer in list(...)",
            Severity.WARNING,
        )
    source = fact.source
    if node is fact.node and _isLast(source, node):
        return None
    return Hit(
        fact.place,
        subject,
        f"{fact.where} changes {name} while it is walked: the next observer is left "
        "out, or RuntimeError is raised",
        "walk a copy: for observer in list(...)",
    )


def _isLast(source: Source, node: ast.AST) -> bool:
    """
    @return: whether the loop ends after this.
    """
    inner = node
    for outer in source.enclosing(node):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(outer, field, None)
            if isinstance(body, list) and inner in body:
                if any(
                    isinstance(after, (ast.Break, ast.Return, ast.Raise))
                    for after in body[body.index(inner) :]
                ):
                    return True
        if isinstance(outer, (ast.For, ast.AsyncFor, ast.While)):
            return False
        inner = outer
    return False


unguarded = Rule(
    id="PBX102",
    severity=Severity.ERROR,
    title="one observer that is gone keeps the others from being told",
    explanation="""\
In Twisted, ``observer.callRemote`` raises at once when there is nobody to call:
``AttributeError`` after the connection was lost, ``DeadReferenceError`` while it is
being lost, ``ProtocolError`` after the peer has dropped the cache. There is no
Deferred then, so the guide's ``.addErrback(lambda f: None)`` is never reached, and a
loop ends at the first observer that is gone; those after it are told nothing, and
their caches are wrong from then on. A try around the loop hides that. To catch
``DeadReferenceError`` alone does not help with a connection that was lost.

A loop also leaves out observers if the list is changed while it is walked.
pbext's observers do not raise, and ``self.observers.callRemote`` tells them all.
""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        pass

    def addDuck(self, duck):
        for observer in self.observers:
            observer.callRemote("addDuck", duck).addErrback(lambda failure: None)
""",
    good="""\
from pbext import pb


class Pond(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {}

    def addDuck(self, duck):
        self.observers.callRemote("addDuck", duck)
""",
    fix=_FIX,
    find=_unguarded,
    sources=True,
)
