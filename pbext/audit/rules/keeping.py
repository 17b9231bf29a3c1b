"""
Observers that are not kept, or never let go.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from pbext.audit._findings import Severity
from pbext.audit._model import ClassModel, Method, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._changes import changesOf, statesOf, takenFrom
from pbext.audit.following._facts import What
from pbext.audit.following._held import End, How, Value, farEnds
from pbext.audit.following._observing import CAME, LEFT, Observed, observing

__all__ = ["unkept"]

_FIX = (
    "derive from pbext's Cacheable, which keeps the observers itself, or keep them in "
    "a pbext.Observers"
)

#: How like a hook's a name has to be, from 0 to 1, to be taken for a slip.
_LIKE = 0.9

#: Methods that change an object before anybody observes it, or at the other end.
_BEFORE = ("__init__", "__new__", "__setstate__", "__post_init__", "setCopyableState")


def _unkept(program: Program) -> Iterator[Hit]:
    seen = set()
    for watched in observing(program).classes.values():
        cls = watched.cls
        if cls is None:
            continue
        below = [other for other in program if cls.name in other.bases]
        for hit in (*_slips(cls), *_cameHits(watched, cls, below), *_left(cls)):
            if hit.place not in seen:
                seen.add(hit.place)
                yield hit


def _slips(cls: ClassModel) -> Iterator[Hit]:
    """
    Methods that are named almost like a hook.
    """
    for hook in (CAME, LEFT):
        if hook in cls.methods or hook in cls.values:
            continue
        for method in cls.methods.values():
            if method.takes(2) and not method.name.startswith("_"):
                likeness = SequenceMatcher(None, method.name, hook).ratio()
                if likeness >= _LIKE:
                    yield Hit(
                        method.place,
                        method.owner,
                        f"{_in(method)} is never called: the hook is {hook}",
                        f"call it {hook}",
                    )


def _left(cls: ClassModel) -> Iterator[Hit]:
    for hook in (CAME, LEFT):
        method = cls.methods.get(hook)
        if method is None or method.decorators:
            continue
        if not method.takes(2):
            yield Hit(
                method.place,
                method.owner,
                f"{_in(method)} does not take what it is called with, a perspective "
                "and an observer: that raises TypeError",
                f"define it as {hook}(self, perspective, observer)",
            )
        elif isinstance(method.node, ast.AsyncFunctionDef):
            yield Hit(
                method.place,
                method.owner,
                f"{_in(method)} is a coroutine, which nobody awaits",
                "make it a plain method",
            )


def _cameHits(
    watched: Observed, cls: ClassModel, below: list[ClassModel]
) -> Iterator[Hit]:
    came = cls.methods.get(CAME)
    if came is None or came.node is None or came.decorators or not came.takes(2):
        return
    if any(
        CAME in other.methods and other.methods[CAME] is not came for other in below
    ):
        below = [b for b in below if b.methods.get(CAME) is came]
        if not below:
            return  # it is for others to derive from
    kept = [
        fact
        for fact in watched
        if fact.what in (What.KEPT, What.PASSED)
        and any(end.fresh == CAME for end in farEnds(fact.value))
    ]
    if not kept:
        if watched.end is End.STOCK and not _isAbstract(came):
            yield _lost(cls, came, below)
        return
    own = {
        name: how
        for name, how in watched.held.items()
        if how not in (How.BOOK, How.OTHER)
    }
    if not own or any(fact.what is What.PASSED for fact in kept):
        return
    if watched.end is End.STOCK and all(
        _isWeak(watched.attributes[name]) for name in own
    ):
        yield Hit(
            came.place,
            came.owner,
            f"{_in(came)} keeps its observers in a weak container alone: they are gone "
            "at once, since nothing else holds them",
            _FIX,
        )
        return
    yield from _staying(watched, cls, came, own, below)


def _staying(
    watched: Observed,
    cls: ClassModel,
    came: Method,
    own: Mapping[str, How],
    below: list[ClassModel],
) -> Iterator[Hit]:
    names = " and ".join(sorted(own))
    single = set(own.values()) == {How.SINGLE}
    if single and (watched.end is End.OURS or How.BOOK in watched.held.values()):
        return  # it is not all that is kept
    if not any(map(own.__contains__, _takenFrom(cls))):
        yield from _notLeft(watched, cls, came, names, below)
    if single:
        yield Hit(
            came.place,
            came.owner,
            f"{_in(came)} keeps one observer, in {names}: a second peer takes the "
            "place of the first, which is told nothing from then on",
            _FIX,
            Severity.WARNING,
        )


def _notLeft(
    watched: Observed,
    cls: ClassModel,
    came: Method,
    names: str,
    below: list[ClassModel],
) -> Iterator[Hit]:
    """
    No method takes observers out of where they are kept.
    """
    left = cls.methods.get(LEFT)
    if left is not None and _doesNothing(left):
        method, fault = left, f"{_in(left)} does not take the observer out of {names}"
    elif left is None and _isMissing(cls, came, below):
        method = came
        fault = (
            f"{_in(came)} keeps observers in {names}, and {_nameOf(cls)} has no "
            "stoppedObserving"
        )
    else:
        return
    ours = watched.end is End.OURS
    yield Hit(
        method.place,
        method.owner,
        f"{fault}: those that have gone stay for ever"
        + ("" if ours else ", and to call one of them raises"),
        _FIX,
        Severity.WARNING if ours else Severity.ERROR,
    )


def _isMissing(cls: ClassModel, came: Method, below: list[ClassModel]) -> bool:
    """
    @return: whether it is certain that nobody takes care of observers that leave.
    """
    return (
        cls.complete
        and LEFT not in cls.values
        and not any(LEFT in other.methods for other in below)
        and "notifyOnDisconnect" not in ast.unparse(came.node or ast.Pass())
    )


def _takenFrom(cls: ClassModel) -> Iterator[str]:
    """
    @return: the attributes that something is taken out of, once observers are in
        them.
    """
    for name, method in cls.methods.items():
        if name not in (*_BEFORE, CAME):
            yield from takenFrom(method, cls.qualname.rpartition(".")[2])


def _lost(cls: ClassModel, came: Method, below: list[ClassModel]) -> Hit:
    state = statesOf(cls)
    changing = sorted(
        name
        for each in (cls, *below)
        for name, method in each.methods.items()
        if name not in _BEFORE and not name.startswith(("_", "observe_"))
        for attribute in changesOf(method)
        if name not in (CAME, LEFT)
        and (not attribute.startswith("_") if state is None else attribute in state)
    )
    if changing:
        return Hit(
            came.place,
            came.owner,
            f"{_in(came)} keeps no observer: nobody is told of what {changing[0]} "
            "changes",
            _FIX,
            Severity.WARNING if state is None else Severity.ERROR,
        )
    return Hit(
        came.place,
        came.owner,
        f"{_in(came)} keeps no observer: nobody is told if anything changes",
        "if nothing ever does, derive from Copyable; or " + _FIX,
        Severity.NOTE,
    )


def _isWeak(value: Value) -> bool:
    return value.weak


def _isAbstract(method: Method) -> bool:
    assert method.node is not None
    return any(isinstance(node, ast.Raise) for node in method.node.body)


def _doesNothing(method: Method) -> bool:
    return method.node is not None and all(
        isinstance(statement, ast.Pass)
        or (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
        )
        for statement in method.node.body
    )


def _in(method: Method) -> str:
    return f"{method.owner.rpartition('.')[2]}.{method.name}"


def _nameOf(cls: ClassModel) -> str:
    return cls.qualname.rpartition(".")[2]


unkept = Rule(
    id="PBX109",
    severity=Severity.ERROR,
    title="observers are not kept, or never let go",
    explanation="""\
When a Cacheable is sent, ``getStateToCacheAndObserveFor(perspective, observer)`` has
to return the state and to keep the observer, in one step: Twisted keeps no other
reference to it, and without one nobody is told of a change. A peer that has the
object already is not sent its state again, so its copy stays wrong.

When the peer drops the object, or its connection is lost, Twisted calls
``stoppedObserving(perspective, observer)``, which has to take the observer out; what
the class inherits does nothing. One that stays is kept alive with its connection, and
each later call of it raises. An attribute for one is not enough: there is an observer
for each connection. pbext's Cacheable keeps them whatever a class overrides.
""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.ducks = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {"ducks": self.ducks}

    def addDuck(self, duck):
        self.ducks.append(duck)
""",
    good="""\
from pbext import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.ducks = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {"ducks": self.ducks}

    def addDuck(self, duck):
        self.ducks.append(duck)
        self.observers.callRemote("addDuck", duck)
""",
    fix=_FIX,
    find=_unkept,
    sources=True,
)
