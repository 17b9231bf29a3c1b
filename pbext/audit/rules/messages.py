"""
Messages to observers that do not fit what receives them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache

from pbext.audit._findings import Severity
from pbext.audit._model import ClassModel, Method, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._sent import Message, sentBy
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._sources import Source

__all__: list[str] = []

_PREFIX = "observe_"

#: C{observe_} methods that a program makes of names that it computes.
_MADE = re.compile(r"""["']observe_["'%{]""")

#: Decorators after which a method takes what it took before.
_TRANSPARENT = frozenset(
    {"twisted.internet.defer.inlineCallbacks", "typing.override", "typing.final"}
)


def _misfits(program: Program) -> Iterator[Hit]:
    if any(_MADE.search(source.text) for source in program.sources):
        return
    for cls in program:
        if cls.isA("Cacheable") and cls.node is not None:
            receivers = _receivers(program, cls)
            for message in sentBy(program, cls) if receivers else ():
                yield from _misfit(cls, message, receivers)
    for cls in program:
        if _isReadable(program, cls):
            yield from _unsent(program, cls)


def _receivers(program: Program, cls: ClassModel) -> list[ClassModel]:
    """
    @return: the classes that a Cacheable becomes; none if that is not certain.
    """
    found = []
    for entry in program.receivers(cls):
        receiver = program.classes.get(entry.target or "")
        if receiver is None or not _isReadable(program, receiver):
            return []
        found.append(receiver)
    return found


def _isReadable(program: Program, cls: ClassModel) -> bool:
    """
    @return: whether a class is a RemoteCache all of whose C{observe_} methods are
        in sight.
    """
    return (
        cls.isA("RemoteCache")
        and _isKnown(program, cls)
        and not {"remoteMessageReceived", "__getattr__", "__getattribute__"}
        & (cls.methods.keys() | cls.values.keys())
    )


def _isKnown(program: Program, cls: ClassModel) -> bool:
    """
    @return: whether it is known what is above a class, or that is the standard
        library's, which has no C{observe_} methods.
    """
    nodes = _nodes(program)
    return cls.complete or all(
        base is not None
        and (
            base in nodes
            or isFramework(base)
            or base.partition(".")[0] in sys.stdlib_module_names
        )
        for name in (cls.name, *cls.bases)
        if name in nodes
        for base in map(nodes[name][0].resolve, nodes[name][1].bases)
    )


@lru_cache(maxsize=8)  # of one program, for each of its classes
def _nodes(program: Program) -> dict[str, tuple[Source, ast.ClassDef]]:
    return {
        f"{source.label}.{node.name}": (source, node)
        for source in program.sources
        for node in source.tree.body
        if isinstance(node, ast.ClassDef)
    }


def _misfit(
    cls: ClassModel, message: Message, receivers: list[ClassModel]
) -> Iterator[Hit]:
    if message.name is None or (message.name == "invalidate" and _haveIt(receivers)):
        return
    name = f"{_PREFIX}{message.name}"
    having = [r for r in receivers if name in r.methods or name in r.values]
    whom = ", ".join(receiver.qualname for receiver in receivers)
    if not having:
        theirs = {n for r in receivers for n in [*r.methods, *r.values]}
        [near] = get_close_matches(name, theirs, 1, 0.75) or [""]
        yield Hit(
            message.place,
            cls.name,
            f"{cls.qualname} sends {message.name}, and {whom} has no {name}",
            f"call it {near[len(_PREFIX) :]}, if {near} is meant"
            if near.startswith(_PREFIX)
            else "",
        )
        return
    methods = [r.methods.get(name) for r in having]
    if not any(method is None or _fits(method, message) for method in methods):
        [method, *_] = [method for method in methods if method is not None]
        yield Hit(
            message.place,
            cls.name,
            f"{cls.qualname} sends {message.name} with {_shape(message)}, and "
            f"{having[0].qualname}.{name} takes {_takes(method)}",
            "give it what it takes",
        )


def _haveIt(receivers: list[ClassModel]) -> bool:
    return any(receiver.ours for receiver in receivers)


def _fits(method: Method, message: Message) -> bool:
    if not _TRANSPARENT.issuperset(method.decorators):
        return True  # for all that can be known
    if message.open:
        return method.most is None or message.count <= method.most
    return method.takes(message.count, message.names)


def _shape(message: Message) -> str:
    said = f"{message.count or 'no'} argument{'' if message.count == 1 else 's'}"
    if message.open:
        said = f"{message.count} and more arguments"
    if message.names:
        said += f", and {', '.join(sorted(message.names))} by name"
    return said


def _takes(method: Method) -> str:
    if method.most is None:
        said = f"{method.least} or more"
    elif method.least == method.most:
        said = str(method.most or "none")
    else:
        said = f"{method.least} to {method.most}"
    if method.required:
        said += f", and {', '.join(sorted(method.required))} by name"
    return said


def _unsent(program: Program, receiver: ClassModel) -> Iterator[Hit]:
    """
    What a cache listens for and nobody says, for all that is said in the program.
    """
    senders = program.senders(receiver)
    own = [
        method
        for name, method in receiver.methods.items()
        if name.startswith(_PREFIX) and method.owner == receiver.name
    ]
    if not own or not senders or not all(sender.complete for sender in senders):
        return
    sent = [message for sender in senders for message in sentBy(program, sender)]
    if not sent or any(message.name is None for message in sent):
        return
    for method in own:
        name = method.name[len(_PREFIX) :]
        if name == "invalidate" or any(
            f'"{name}"' in source.text or f"'{name}'" in source.text
            for source in program.sources
        ):
            continue
        yield Hit(
            method.place,
            receiver.name,
            f"{receiver.qualname}.{method.name} is never called: none of "
            f"{', '.join(s.qualname for s in senders)} sends {name}",
            "take it away, or send it",
            Severity.NOTE,
        )


MISFITS = Rule(
    id="PBX108",
    severity=Severity.ERROR,
    title="a message to observers does not fit their observe_ methods",
    explanation="""\
``observer.callRemote("addDuck", duck)`` calls ``observe_addDuck(duck)`` of the
``RemoteCache`` at the other end.  If that has no such method, or one that takes other
arguments, each update fails at every receiver: the cache stays as it was.  The
publisher sees an ``AttributeError`` or a ``TypeError`` of the peer's, if it looks at
the answer, and nothing at all if it has asked for none.

pbext's caches become stale then, and say so.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.ducks = []
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {"ducks": self.ducks}

    def addDuck(self, duck):
        self.ducks.append(duck)
        for observer in self.observers:
            observer.callRemote("addDuck", duck, len(self.ducks))


class RemotePond(pb.RemoteCache):
    def observe_addDuck(self, duck):
        self.ducks.append(duck)


pb.setUnjellyableForClass(Pond, RemotePond)
""",
    good="""\
from pbext import pb


class Pond(pb.Cacheable):
    typeToCopy = "pond.Pond"

    def __init__(self):
        self.ducks = []

    def addDuck(self, duck):
        self.ducks.append(duck)
        self.observers.callRemote("addDuck", duck)


class RemotePond(pb.RemoteCache):
    def observe_addDuck(self, duck):
        self.ducks.append(duck)


registry = pb.Registry()
registry.setUnjellyableForClass(Pond, RemotePond)
""",
    fix="write the observe_ method, for what is sent",
    find=_misfits,
    sources=True,
)
