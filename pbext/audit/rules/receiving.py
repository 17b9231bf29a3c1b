"""
Whether what is registered can receive at all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from pbext._cacheable import RESERVED
from pbext._receivable import checkReceivable
from pbext.audit._findings import Severity
from pbext.audit._model import ClassModel, Computed, Made, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._states import namesIn
from pbext.audit.rules._receiving import byPbext, byTwisted, sendersFor, whyUnfilled
from pbext.errors import BadDeclaration, CannotRegister

__all__: list[str] = []

#: What Twisted's RemoteCache sets itself, whatever has arrived.
_OVERWRITTEN = ("broker", "luid")


def _targets(program: Program) -> Iterator[ClassModel]:
    """
    @return: the classes that are registered.
    """
    names = {e.target: None for e in program.registrations if e.kind == "class"}
    for name in names:
        cls = program.classes.get(name or "")
        if cls is not None and cls.complete and not cls.isA("RemotePublished"):
            yield cls


def _takesUnjellier(cls: ClassModel) -> bool:
    """
    Whether a class can be called as a function is that unjellies.
    """
    constructor = cls.methods.get("__init__")
    if constructor is not None:
        return constructor.takes(2)
    return "__init__" in cls.values or cls.made is not Made.PLAIN


def _notReceiving(program: Program, cls: ClassModel) -> str | None:
    if (
        cls.isA("Unjellyable")
        or cls.isA("RemoteReference")
        or "unjellyFor" in cls.methods
        or "unjellyFor" in cls.values
        or _takesUnjellier(cls)
    ):
        return None
    return "has no unjellyFor"


def _constructed(program: Program, cls: ClassModel) -> str | None:
    """
    Twisted calls the constructor of a RemoteCache, without arguments.
    """
    if not cls.isA("RemoteCache") or not byTwisted(cls):
        return None
    constructor = cls.methods.get("__init__")
    if constructor is not None:
        needed = constructor.least or constructor.required
    elif "__init__" in cls.values or cls.made is Made.PLAIN:
        return None
    else:
        needed = sum(not field.hasDefault for field in cls.fields)
    return "needs arguments to be constructed, and is given none" if needed else None


def _frozenCache(program: Program, cls: ClassModel) -> str | None:
    if byPbext(cls) and cls.isA("RemoteCache") and cls.frozen:
        return "is frozen, and a cache has to change"
    return None


def _reserved(program: Program, cls: ClassModel) -> str | None:
    if not cls.isA("RemoteCache") or not (byPbext(cls) or byTwisted(cls)):
        return None
    if byPbext(cls):
        taken = RESERVED | ({"invalidate"} if cls.isA("Cacheable") else set())
        names = {field.name for field in cls.fields if not field.local}
    else:
        taken, names = frozenset(_OVERWRITTEN), _arriving(program, cls)
    found = sorted(taken & names)
    if found:
        return (
            f"cannot have what is called {', '.join(found)}: a RemoteCache is so itself"
        )
    return None


def _hidden(program: Program, cls: ClassModel) -> str | None:
    """
    Properties in the way of what arrives.
    """
    if byPbext(cls):
        if cls.sends:
            return None  # what it sends, it computes
        names = {field.name for field in cls.fields if not field.local}
        found = {
            name
            for name in names
            if isinstance(value := cls.values.get(name), Computed)
            and not value.settable
        }
    elif byTwisted(cls):
        found = {name for name in _arriving(program, cls) if _isProperty(cls, name)}
    else:
        return None
    if not found:
        return None
    return f"has properties in the way of what arrives: {', '.join(sorted(found))}"


def _arriving(program: Program, cls: ClassModel) -> set[str]:
    """
    @return: the names that are in the states of the classes that become a class,
        another one than they are.
    """
    found: set[str] = set()
    for sender in program.senders(cls):
        states = [] if sender is cls else statesOf(program, sender)
        for state in states:
            if state is not None:
                found.update(namesIn(sender, state))
                found.update(state.named)
    return found


def _isProperty(cls: ClassModel, name: str) -> bool:
    """
    Whether it is a property, and not a cached one, which a value hides.
    """
    if not isinstance(cls.values.get(name), Computed):
        return False
    if cls.live is not None:
        return isinstance(getattr(cls.live, name, None), property)
    assert cls.node is not None and cls.source is not None
    return any(
        isinstance(statement, ast.FunctionDef)
        and statement.name == name
        and any(
            cls.source.resolve(decorator) == "builtins.property"
            for decorator in statement.decorator_list
        )
        for statement in cls.node.body
    )


#: What is looked at, and what to do about it.
_TROUBLES: tuple[tuple[Callable[[Program, ClassModel], str | None], str], ...] = (
    (_notReceiving, "derive it from pb.RemoteCopy, or from pb.RemoteCache"),
    (
        _constructed,
        "give the arguments of its constructor defaults, or derive it from pbext's "
        "pb.RemoteCache",
    ),
    (_frozenCache, "do not freeze it, or make it a pb.RemoteCopy"),
    (_reserved, "call it by another name"),
    (_hidden, "call the property, or what is sent, by another name"),
)


def _unreceivable(program: Program) -> Iterator[Hit]:
    for cls in _targets(program):
        if byTwisted(cls) and whyUnfilled(cls) is not None:
            continue  # see PBX205
        found = False
        for trouble, fix in _TROUBLES:
            why = trouble(program, cls)
            if why is not None:
                found = True
                yield Hit(cls.place, cls.name, f"{cls.qualname} {why}", fix)
        if cls.live is not None and not found:
            yield from _refused(cls)
    yield from _mismatched(program)


def _refused(cls: ClassModel) -> Iterator[Hit]:
    """
    What a registry of pbext's says of it.
    """
    try:
        checkReceivable(cls.live)
    except CannotRegister as error:
        yield Hit(cls.place, cls.name, f"{cls.qualname} cannot receive: {error.why}")
    except BadDeclaration as error:
        why = f"{error.attribute} {error.why}"
        yield Hit(cls.place, cls.name, f"{cls.qualname} cannot receive: its {why}")


def _mismatched(program: Program) -> Iterator[Hit]:
    """
    Copies for what is to be followed, and caches for what is copied.
    """
    for entry in program.registrations:
        target = program.classes.get(entry.target or "")
        if entry.kind != "class" or target is None or not target.complete:
            continue
        if not (byPbext(target) or byTwisted(target)):
            continue
        senders = sendersFor(program, entry)
        if len(senders) != 1 or not senders[0].complete:
            continue
        [sender] = senders
        if "jellyFor" in sender.methods or "jellyFor" in sender.values:
            continue
        followed, follows = sender.isA("Cacheable"), target.isA("RemoteCache")
        if followed is not follows:
            what = "Cacheable" if followed else "Copyable, and no Cacheable"
            right = "RemoteCache" if followed else "RemoteCopy"
            wrong = "RemoteCopy" if followed else "RemoteCache"
            yield Hit(
                entry.place,
                target.name,
                f"{sender.qualname} is a {what}, and becomes the {wrong} "
                f"{target.qualname}, which cannot read what it sends",
                f"derive {target.qualname} from pb.{right}",
            )


RECEIVABLE = Rule(
    id="PBX105",
    severity=Severity.ERROR,
    title="a class that cannot be received as it is",
    explanation="""\
Nothing looks at a class when Twisted's function registers it; what is wrong with it
shows when data arrives.  A RemoteCache is constructed without arguments; what is
neither a RemoteCopy nor has an ``unjellyFor`` is called with two; a Cacheable sends its
number before its state, so that a RemoteCopy cannot read it.  If the object was an
argument, the caller gets an error that says nothing of all this.  If it was an answer,
stock's receiver drops the connection, and the Deferred never fires.

A property wins over what has arrived under its name, which then cannot be read; the
names of a RemoteCache's own attributes are taken.  pbext's registries refuse such
classes when they are registered.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    pass


class RemotePond(pb.RemoteCache):
    def __init__(self, name):
        self.name = name


pb.setUnjellyableForClass(Pond, RemotePond)
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    pass


class RemotePond(pb.RemoteCache):
    def __init__(self, name=None):
        self.name = name


pb.setUnjellyableForClass(Pond, RemotePond)
""",
    fix="change the class as it says, or register another one",
    find=_unreceivable,
)
