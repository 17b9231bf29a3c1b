"""
Objects that refer to each other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import attrs

from pbext.audit._findings import Place, Severity
from pbext.audit._model import ClassModel, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._states import namesIn
from pbext.audit.reading._bodies import Function, parameters, selfOf, shallow, written
from pbext.audit.reading._sources import Source

__all__: list[str] = []

_ADDS = frozenset({"add", "append", "appendleft", "insert"})


@attrs.frozen
class _Link:
    """
    Something that an object is told of another one.

    @ivar name: what the other one is called there; C{""} if it has no name.
    @ivar attribute: in which of its attributes the object is.
    @ivar cls: its class, if that is known.
    @ivar node: where it is told.
    """

    name: str
    attribute: str
    cls: str | None
    node: ast.AST


def _travelling(program: Program, cls: ClassModel) -> frozenset[str]:
    """
    @return: the attributes that Twisted's own flavors send of a class.
    """
    if not cls.sends or cls.ours:
        return frozenset()
    found: set[str] = set()
    for state in statesOf(program, cls):
        if state is not None:
            found.update(namesIn(cls, state))
            found.update(written(v).rpartition(".")[2] for v in state.named.values())
    return frozenset(found)


def _cyclic(program: Program) -> Iterator[Hit]:
    travelling = {cls.name: _travelling(program, cls) for cls in program}
    seen: set[Place] = set()
    for cls in sorted(program, key=lambda cls: len(cls.bases)):
        for method in cls.methods.values():
            if method.node is None or method.source is None:
                continue
            for attribute, link in _circles(program, method.source, method.node):
                if attribute not in travelling[cls.name]:
                    continue
                back = [
                    other
                    for other, names in travelling.items()
                    if link.attribute in names and link.cls in (other, None)
                ]
                place = method.source.place(link.node)
                if link.cls is None and cls.name not in back:
                    continue  # of whatever class it is
                inner = program.classes[link.cls or cls.name]
                if not back or place in seen or _takesAll(program, inner):
                    continue
                seen.add(place)
                yield Hit(
                    place,
                    cls.name,
                    f"{cls.qualname} sends {attribute}, and what is in there refers "
                    f"back to it by {link.attribute}, which will not be resolved",
                )


def _takesAll(program: Program, cls: ClassModel) -> bool:
    """
    Whether what receives a class reads its state itself: what it keeps as a whole
    will be resolved.
    """
    targets = [program.classes.get(e.target or "") for e in program.receivers(cls)]
    return any(
        known is None or "setCopyableState" in known.methods
        for known in (targets or [cls])
    )


def _circles(
    program: Program, source: Source, function: Function
) -> Iterator[tuple[str, _Link]]:
    """
    @return: the attributes in which a method keeps what it has told of its object.
    """
    itself = selfOf(function)
    if not itself:
        return
    told = list(_told(program, source, function, itself))
    for node in shallow(function.body):
        kept: ast.expr | None = None
        attribute = ""
        if isinstance(node, ast.Assign):
            kept, attribute = node.value, _attributeOf(node.targets[0], itself)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _ADDS and node.args:
                kept = node.args[-1]
                attribute = _attributeOf(node.func.value, itself)
        if kept is None or not attribute:
            continue
        for link in told:
            if link.node is kept or (link.name and written(kept) == link.name):
                yield attribute, link


def _told(
    program: Program, source: Source, function: Function, itself: str
) -> Iterator[_Link]:
    made: dict[str, str] = {}
    for node in shallow(function.body):
        if isinstance(node, ast.Call):
            cls = source.resolve(node.func) or ""
            if cls in program.classes:
                name = _nameOf(source, node)
                if name:
                    made[name] = cls
                for attribute in _given(program.classes[cls], node, itself):
                    yield _Link(name, attribute, cls, node)
        elif isinstance(node, ast.Assign) and written(node.value) == itself:
            for target in node.targets:
                owner, _, attribute = written(target).rpartition(".")
                if owner and owner != itself and "." not in owner:
                    yield _Link(owner, attribute, made.get(owner), target)


def _nameOf(source: Source, node: ast.AST) -> str:
    """
    @return: the local name that a value is given.
    """
    parent = source.parents.get(node)
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        return parent.targets[0].id
    return ""


def _given(cls: ClassModel, call: ast.Call, itself: str) -> Iterator[str]:
    """
    @return: the attributes in which a constructor keeps an object that it is given.
    """
    constructor = cls.methods.get("__init__")
    if constructor is None or constructor.node is None:
        return
    own, *names = parameters(constructor.node) or [""]
    given = {
        name
        for name, value in zip(names, call.args, strict=False)
        if written(value) == itself
    } | {k.arg for k in call.keywords if written(k.value) == itself}
    for node in shallow(constructor.node.body):
        if isinstance(node, ast.Assign) and written(node.value) in given:
            for target in node.targets:
                owner, _, attribute = written(target).rpartition(".")
                if owner == own:
                    yield attribute


def _attributeOf(node: ast.expr, itself: str) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    owner, _, last = written(node).rpartition(".")
    return last if owner == itself else ""


CYCLES = Rule(
    id="PBX206",
    severity=Severity.WARNING,
    title="objects that refer to each other, with Twisted's own flavors",
    explanation="""\
When an object is sent that holds another one, which refers back to it by an attribute,
Twisted's receiver meets that reference before it has the object.  It puts a
``_Dereference`` in its place and never takes it out again: the attribute of the inner
object is of no use, and nobody says so.  (In a list or a dict it would be resolved.)

pbext's flavors resolve it.""",
    bad="""\
from twisted.spread import pb


class Frog(pb.Copyable, pb.RemoteCopy):
    def __init__(self, pond):
        self.pond = pond


class Pond(pb.Copyable, pb.RemoteCopy):
    def __init__(self):
        self.frogs = [Frog(self)]
        self.frogs.append(Frog(self))
""",
    good="""\
from pbext import pb


class Frog(pb.Copyable, pb.RemoteCopy):
    def __init__(self, pond):
        self.pond = pond


class Pond(pb.Copyable, pb.RemoteCopy):
    def __init__(self):
        self.frogs = []
        self.frogs.append(Frog(self))
""",
    fix="derive the classes from pbext's, or leave the reference out of the state and "
    "set it again in setCopyableState of the outer object",
    find=_cyclic,
    sources=True,
)
