"""
What travels in a state that should stay at home.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._findings import Place, Severity
from pbext.audit._model import ClassModel, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._held import How
from pbext.audit.following._observing import observing
from pbext.audit.following._states import State, namesIn
from pbext.audit.reading._bodies import written
from pbext.audit.rules._secrets import isPrivate, isSecret

__all__: list[str] = []

#: Functions that make something else of what they are given, with the same in it.
_REMADE = frozenset({"copy", "dict", "frozenset", "list", "set", "sorted", "tuple"})


def _senders(program: Program) -> list[ClassModel]:
    """
    @return: the classes that are sent, those above the others first: what a class
        inherits is its parent's affair.
    """
    return sorted((c for c in program if c.sends), key=lambda c: len(c.bases))


def _holders(program: Program, cls: ClassModel) -> dict[str, bool]:
    """
    @return: the attributes in which a class keeps observers; of each, whether
        iterating it gives perspectives.
    """
    watched = observing(program).classes.get(cls.name)
    held = watched.held.items() if watched is not None else ()
    return {
        name: how is How.BY_PERSPECTIVE
        for name, how in held
        if how is not How.BOOK and "." not in name
    }


def _isItself(node: ast.expr, name: str, keyed: bool) -> bool:
    """
    Whether an expression is an attribute that holds observers, or a copy of it.
    """
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        node = node.value
    if isinstance(node, ast.Call) and not node.keywords:
        function = node.func
        last = getattr(function, "attr", getattr(function, "id", ""))
        if last not in _REMADE or (keyed and last not in ("copy", "dict")):
            return False
        inner = node.args[0] if node.args else getattr(function, "value", None)
        return inner is not None and _isItself(inner, name, keyed)
    owner, _, last = written(node).rpartition(".")
    return last == name and bool(owner) and "." not in owner


def _observersIn(
    cls: ClassModel, state: State, holders: dict[str, bool]
) -> Iterator[tuple[str, Place]]:
    """
    @return: the attributes with observers that are in a state, and where they
        come into it.
    """
    travelling = namesIn(cls, state)
    for name, keyed in holders.items():
        if name in travelling:
            yield name, state.place if state.source else cls.place
        for value in state.named.values():
            if state.source is not None and _isItself(value, name, keyed):
                yield name, state.source.place(value)


def _living(program: Program) -> Iterator[Hit]:
    seen: set[tuple[Place, str]] = set()
    for cls in _senders(program):
        holders = _holders(program, cls) if cls.isA("Cacheable") else {}
        for state in statesOf(program, cls):
            if state is None:
                continue
            found = list(_observersIn(cls, state, holders))
            for name, place in found:
                if (place, name) not in seen:
                    yield _observers(cls, name, place)
                seen.add((place, name))
            if found or state.gathered or not state.live or state.source is None:
                continue
            # One that is changed first is another matter.
            if not (state.without or state.named or (state.place, "") in seen):
                yield Hit(
                    state.place,
                    cls.name,
                    f"{cls.qualname} sends its own __dict__, with whatever is in it "
                    f"now or will ever be",
                    severity=Severity.WARNING,
                )
            seen.add((state.place, ""))


def _observers(cls: ClassModel, name: str, place: Place) -> Hit:
    return Hit(
        place,
        cls.name,
        f"{cls.qualname} sends the observers that it keeps in {name}",
        f"leave {name} out of the state",
    )


LIVE = Rule(
    id="PBX106",
    severity=Severity.ERROR,
    title="the live __dict__, or observers, in the state",
    explanation="""\
An observer cannot be sent.  With stock's classes each receiver gets, in place of each
observer, an ``Unpersistable``, and so learns how many others there are; with pbext's
the object is not sent at all, and the call fails with ``NotSendable``.

A hook that returns ``self.__dict__`` sends all that the object has: what is private,
and what somebody will add next year.  And it is no copy: a subclass that asks for this
state and takes something out takes it out of the object.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.ducks = []
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return self.__dict__
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.ducks = []
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {"ducks": self.ducks}
""",
    fix="return a dict of what is to travel",
    find=_living,
)


def _leaking(program: Program) -> Iterator[Hit]:
    seen: set[tuple[Place, str]] = set()
    for cls in _senders(program):
        # The class itself may need at the other side what it has here.
        returns = any(entry.target == cls.name for entry in program.receivers(cls))
        severity = Severity.NOTE if returns else None
        for state in statesOf(program, cls):
            if state is None:
                continue
            names = namesIn(cls, state)
            for name, place in [*names.items(), *_put(state)]:
                if isSecret(name) and (place, name) not in seen:
                    seen.add((place, name))
                    message = f"{cls.qualname} sends {name}"
                    yield Hit(place, cls.name, message, severity=severity)
            private = {
                (place, name)
                for name, place in names.items()
                if isPrivate(name) and not isSecret(name)
            }
            if not private <= seen:
                yield Hit(
                    state.place if state.source else cls.place,
                    cls.name,
                    f"{cls.qualname} sends what is private: "
                    f"{', '.join(sorted(name for _, name in private - seen))}",
                    "derive the class from pbext's pb.Copyable, which sends no "
                    "private names, or return a dict of what is to travel",
                    severity,
                )
            seen |= private


def _put(state: State) -> Iterator[tuple[str, Place]]:
    """
    @return: the names under which a state has values of the object's.
    """
    for name, value in state.named.items():
        if state.source is not None and not isinstance(value, ast.Constant):
            yield name, state.source.place(value)


SECRETS = Rule(
    id="PBX107",
    severity=Severity.WARNING,
    title="private or secret-looking names that travel",
    explanation="""\
Stock's ``Copyable`` sends its whole ``__dict__``: passwords, tokens and whatever begins
with an underscore, to every peer that the object or anything that holds it is sent to.

pbext's sends no private names, and no field that is declared ``LocalOnly`` or named in
``localFields``; but a public field of such a name it sends as any other.

It is only a note where the same class stands at the other side, and may need there
what it has here.  Where it is meant to travel, say so: ``# pbext: ignore[PBX107] the
peer checks it``.""",
    bad="""\
from twisted.spread import pb


class Account(pb.Copyable):
    def __init__(self, name, password):
        self.name = name
        self.password = password
""",
    good="""\
from pbext import pb


class Account(pb.Copyable):
    name: str
    password: pb.LocalOnly[str]

    def __init__(self, name, password):
        self.name = name
        self.password = password
""",
    fix="keep it at home: derive the class from pbext's pb.Copyable and name it in "
    "localFields, or leave it out of the state",
    find=_leaking,
)
