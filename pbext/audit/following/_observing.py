"""
Where the observers of each Cacheable live, and what is done to them.

    >>> watched = observing(program).classes["pond.Pond"]
    >>> watched.held
    {'observers': <How.LIST: 'in a list'>}

The same for the references that remote methods keep: they fail in the same ways.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from weakref import WeakKeyDictionary

import attrs

from pbext.audit._model import ClassModel, Program
from pbext.audit.following._facts import Fact, What
from pbext.audit.following._following import Follower
from pbext.audit.following._held import (
    NOTHING,
    End,
    How,
    Kind,
    Path,
    Value,
    far,
    farEnds,
    howHeld,
    joined,
)
from pbext.audit.following._world import Function, World
from pbext.audit.reading._sources import Source

__all__ = ["CAME", "LEFT", "Observed", "Observing", "observing"]

#: The hook that is given an observer, and the one that is told that it has gone.
CAME = "getStateToCacheAndObserveFor"
LEFT = "stoppedObserving"

#: How often the functions of a class are read, until nothing new is learnt of its
#: attributes.
_ROUNDS = 5

_FIRST = ("__init__", "__post_init__", "__attrs_post_init__")

_REMOTE = ("remote_", "perspective_", "view_")


@attrs.frozen(eq=False, slots=False)
class Observed:
    """
    What a class does with far ends.

    @ivar cls: the class; C{None} for functions that belong to no class of PB's.
    @ivar end: whose they are.
    @ivar attributes: what is known of its attributes.
    @ivar facts: what is done to them.
    @ivar viewed: whether perspectives are used as objects, so that they are not
        C{None}.
    """

    cls: ClassModel | None
    end: End
    attributes: Mapping[str, Value]
    facts: Sequence[Fact]
    viewed: bool = False

    @property
    def held(self) -> dict[str, How]:
        """
        By attribute, how far ends are held.
        """
        found = {name: howHeld(value) for name, value in self.attributes.items()}
        return {name: how for name, how in found.items() if how is not None}

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    @cached_property
    def called(self) -> frozenset[Path]:
        """
        Where that comes from on which C{callRemote} is called.
        """
        return frozenset(f.value.place for f in self.facts if f.what is What.CALLED)

    def find(self, *whats: What) -> Iterator[Fact]:
        """
        @return: the facts of some sorts; those of references, only if it is
            certain that they are some: arguments of remote methods are anything.
        """
        for fact in self.facts:
            if fact.what in whats and (
                self.end is not End.REFERENCE or self._isSure(fact)
            ):
                yield fact

    def _isSure(self, fact: Fact) -> bool:
        place = fact.value.place
        if farEnds(fact.value) and farEnds(fact.value)[0].end is End.FOREIGN:
            return fact.what is What.CALLED
        if fact.what is What.CHANGED:
            return any(taken[: len(place)] == place for taken in self.called)
        return len(place) > 1 and place in self.called


@attrs.frozen(eq=False)
class Observing:
    """
    What a program does with far ends.

    @ivar world: its functions.
    @ivar classes: each Cacheable whose source was read, by name.
    @ivar references: other classes of PB's, and functions.
    """

    world: World
    classes: Mapping[str, Observed]
    references: Sequence[Observed]

    def __iter__(self) -> Iterator[Observed]:
        yield from self.classes.values()
        yield from self.references


_known: WeakKeyDictionary[Program, Observing] = WeakKeyDictionary()


def observing(program: Program) -> Observing:
    """
    @return: what a program does with far ends.
    """
    found = _known.get(program)
    if found is None:
        found = _known[program] = _observing(program)
    return found


def _observing(program: Program) -> Observing:
    world = World(program.sources)
    cacheables = [cls for cls in program if cls.isA("Cacheable") and cls.node]
    first = [_observe(world, cls, {}) for cls in cacheables]
    foreign = _foreign(first)
    classes = {
        cls.name: _observe(world, cls, foreign) if foreign else known
        for cls, known in zip(cacheables, first, strict=True)
    }
    others = [
        _refer(world, cls, foreign)
        for cls in program
        if cls.node is not None and cls.name not in classes
    ]
    seen = {*classes} | {base for cls in cacheables for base in cls.bases}
    alone = [_observeAlone(world, name, foreign) for name in _hooked(world, seen)]
    return Observing(
        world, classes, [*alone, *others, *_elsewhere(world, program, foreign)]
    )


def _hooked(world: World, seen: set[str]) -> Iterator[str]:
    """
    @return: classes that have the hook, and are no Cacheables for all that can be
        read: what they derive from is somewhere else.
    """
    for name, methods in world.classes.items():
        if CAME in methods and name not in seen:
            if "pbext" not in methods[CAME].source.text:
                yield name


def _foreign(classes: Iterable[Observed]) -> dict[str, Value]:
    """
    @return: by name, attributes that hold observers of Twisted's, wherever they
        are found.
    """
    held: dict[str, list[Value]] = {}
    ours: set[str] = {"observers"} if any(c.end is End.OURS for c in classes) else set()
    for watched in classes:
        for name, how in watched.held.items():
            if watched.end is End.OURS or how in (How.BOOK, How.OTHER):
                ours.add(name)
            elif "." not in name:
                held.setdefault(name, []).append(_alien(watched.attributes[name]))
    return {n: joined(*values) for n, values in held.items() if n not in ours}


def _alien(value: Value) -> Value:
    end = End.FOREIGN if value.end is not None else None
    return attrs.evolve(value, end=end, parts=tuple(map(_alien, value.parts)))


def isOurs(cls: ClassModel) -> bool:
    """
    @return: whether the hooks of a Cacheable are given pbext's observers.
    """
    return any(
        base.startswith("pbext.") and base.endswith(".Cacheable") for base in cls.bases
    )


def _observe(world: World, cls: ClassModel, foreign: Mapping[str, Value]) -> Observed:
    end = End.OURS if isOurs(cls) else End.STOCK
    lines = [cls.name, *cls.bases]
    return _follow(world, lines, end, foreign, _hooks(end), cls)


def _observeAlone(world: World, name: str, foreign: Mapping[str, Value]) -> Observed:
    lines = world.lines(name)
    return _follow(world, lines, End.STOCK, foreign, _hooks(End.STOCK))


def _hooks(end: End) -> dict[str, list[Value]]:
    return {hook: [Value(Kind.VIEWER), far(end, hook)] for hook in (CAME, LEFT)}


def _refer(world: World, cls: ClassModel, foreign: Mapping[str, Value]) -> Observed:
    lines = [cls.name, *cls.bases]
    arguments = {
        name: _references(method)
        for name in cls.methods
        if (method := world.method(lines, name)) is not None
    }
    return _follow(world, lines, End.REFERENCE, foreign, arguments, cls)


def _references(method: Function) -> list[Value]:
    """
    @return: the arguments of a method that may be references: all of those that a
        peer gives, and one that is asked to tell when it is disconnected.
    """
    taken = method.node.args
    names = [a.arg for a in (*taken.posonlyargs, *taken.args)]
    reference = far(End.REFERENCE, method.name)
    if method.name.startswith(_REMOTE):
        given = [reference] * max(len(names) - 1, 0)
        if method.name.startswith("view_") and given:
            given[0] = Value(Kind.VIEWER)
        return given
    asked = {
        node.value.id
        for node in ast.walk(method.node)
        if isinstance(node, ast.Attribute)
        and node.attr == "notifyOnDisconnect"
        and isinstance(node.value, ast.Name)
    }
    return [reference if name in asked else NOTHING for name in names[1:]]


def _follow(
    world: World,
    lines: Sequence[str],
    end: End,
    foreign: Mapping[str, Value],
    arguments: Mapping[str, Sequence[Value]],
    cls: ClassModel | None = None,
) -> Observed:
    complete = cls is not None and cls.complete
    follower = Follower(world, lines, foreign, end is End.OURS, complete)
    names = dict.fromkeys(_FIRST)  # which say what the attributes are
    for line in lines:
        names.update(dict.fromkeys(world.classes.get(line, ())))
        names.update(dict.fromkeys(world.values.get(line, ())))
    methods = {n: m for n in names if (m := world.method(lines, n)) is not None}
    for _ in range(_ROUNDS):
        before = dict(follower.attributes)
        follower.forget()
        follower.classBodies()
        for name, method in methods.items():
            follower.enterFirst(method, arguments.get(name, ()))
        if follower.attributes == before:
            break
    return Observed(
        cls, end, follower.attributes, tuple(follower.facts), follower.viewed
    )


def _elsewhere(
    world: World, program: Program, foreign: Mapping[str, Value]
) -> Iterator[Observed]:
    """
    The functions that belong to no class of PB's, where they may meet the
    observers of others.
    """
    if not foreign:
        return
    for function in _functions(world):
        if function.owner not in program.classes and _speaks(function.source):
            follower = Follower(world, [function.owner], foreign)
            follower.enterFirst(function, ())
            if follower.facts:
                yield Observed(None, End.FOREIGN, {}, tuple(follower.facts))


def _functions(world: World) -> Iterator[Function]:
    for name, function in world.functions.items():
        if "<locals>" not in name:  # which are read with what is around them
            yield function
    for methods in world.classes.values():
        yield from methods.values()


def _speaks(source: Source) -> bool:
    return "callRemote" in source.text
