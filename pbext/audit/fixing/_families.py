"""
Cacheables that hang together by inheritance, since what one of them keeps is used
by the others.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

import attrs

from pbext.audit._model import ClassModel, Program
from pbext.audit.reading._bodies import FUNCTIONS, Function
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._scopes import qualnameOf
from pbext.audit.reading._sources import Source

__all__ = [
    "ENTERS",
    "FUNCTIONS",
    "LEAVES",
    "Family",
    "Function",
    "Owner",
    "familiesOf",
    "isCondition",
    "ownerOf",
]

#: The hooks of a Cacheable by which an observer comes and goes.
ENTERS = "getStateToCacheAndObserveFor"
LEAVES = "stoppedObserving"


@attrs.frozen
class Owner:
    """
    To whose method a piece of source belongs.

    @ivar cls: the class, by its canonical name.
    @ivar function: the method; C{None} in the body of the class itself.
    @ivar itself: what the method calls its object; C{""} if nothing.
    """

    cls: str
    function: Function | None
    itself: str


@attrs.frozen(eq=False, slots=False)
class Family:
    """
    @ivar classes: those that were read.
    """

    classes: tuple[ClassModel, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """
        What they are called.
        """
        return frozenset(cls.name for cls in self.classes)

    @cached_property
    def strangers(self) -> frozenset[str]:
        """
        The classes above them that are no Cacheables.
        """
        above = {base for cls in self.classes for base in cls.bases}
        return frozenset(b for b in above - self.names if not isFramework(b))

    def functions(self, name: str = "") -> Iterator[tuple[Source, Function]]:
        """
        @return: the functions in the bodies of the classes, of this name if it
            is one.
        """
        for source, body in self.bodies():
            for statement in body.body:
                if isinstance(statement, FUNCTIONS) and name in ("", statement.name):
                    yield source, statement

    def bodies(self) -> Iterator[tuple[Source, ast.ClassDef]]:
        """
        @return: each class in its source.
        """
        for cls in self.classes:
            if cls.source is not None and cls.node is not None:
                yield cls.source, cls.node


def familiesOf(program: Program) -> list[Family]:
    """
    @return: the Cacheables of a program that were read.
    """
    members = {
        cls.name: cls
        for cls in program
        if cls.isA("Cacheable") and cls.node is not None and cls.source is not None
    }
    found: list[Family] = []
    left = dict(members)
    while left:
        _, first = left.popitem()
        classes, waiting = {first.name}, [first]
        while waiting:
            cls = waiting.pop()
            for other in [*left.values()]:
                if other.name in cls.bases or cls.name in other.bases:
                    del left[other.name]
                    classes.add(other.name)
                    waiting.append(other)
        found.append(Family(tuple(members[name] for name in sorted(classes))))
    return sorted(found, key=lambda family: family.classes[0].name)


def ownerOf(source: Source, node: ast.AST) -> Owner | None:
    """
    @return: whose a node is, functions inside of a method included.
    """
    function: Function | None = None
    for outer in source.enclosing(node):
        if isinstance(outer, FUNCTIONS):
            function = outer
        elif isinstance(outer, ast.ClassDef):
            name = f"{source.label}.{qualnameOf(source, outer)}"
            arguments = function.args if function is not None else None
            first = [*arguments.posonlyargs, *arguments.args][:1] if arguments else []
            return Owner(name, function, first[0].arg if first else "")
    return None


def isCondition(source: Source, node: ast.AST) -> bool:
    """
    @return: whether an expression is only asked whether it is true.
    """
    parent = source.parents.get(node)
    if isinstance(parent, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        return parent.test is node
    if isinstance(parent, ast.UnaryOp):
        return isinstance(parent.op, ast.Not)
    if isinstance(parent, ast.BoolOp):
        return isCondition(source, parent)
    if isinstance(parent, ast.comprehension):
        return node in parent.ifs
    return (
        isinstance(parent, ast.Call)
        and parent.args == [node]
        and source.resolve(parent.func) == "builtins.bool"
    )
