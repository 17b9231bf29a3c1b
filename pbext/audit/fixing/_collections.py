"""
What classes keep their observers in, and which of its uses are known.
"""

from __future__ import annotations

import ast
import enum

import attrs

from pbext.audit._findings import Place
from pbext.audit.fixing._families import ENTERS, Family, isCondition
from pbext.audit.reading._bodies import parameters
from pbext.audit.reading._sources import Source

__all__ = [
    "BOOK",
    "Collection",
    "Keys",
    "Read",
    "Stays",
    "attributeOf",
    "collectionOf",
    "entered",
    "isEmpty",
    "isName",
    "readOf",
]

#: Where the book is.
BOOK = "observers"

_EMPTY = frozenset(
    {
        *("builtins.dict", "builtins.list", "builtins.set"),
        *("collections.OrderedDict", "collections.deque"),
        *("weakref.WeakSet", "weakref.WeakKeyDictionary"),
        "weakref.WeakValueDictionary",
    }
)

_COPY = frozenset({"builtins.list", "builtins.tuple"})
#: What walks a collection and keeps nothing of it but its members.
_WALK = _COPY | frozenset(
    f"builtins.{name}"
    for name in ("all", "any", "enumerate", "filter", "frozenset", "iter", "map", "set")
)
_COUNT = frozenset({"builtins.bool", "builtins.len"})


class Stays(Exception):
    """
    A collection has to stay; the message says why.

    @ivar place: where what keeps it stands.
    @ivar isRight: whether it is right with pbext's observers.
    """

    def __init__(self, why: str, place: Place, isRight: bool = True) -> None:
        super().__init__(why)
        self.place = place
        self.isRight = isRight


class Keys(enum.Enum):
    """
    What a collection is keyed by.
    """

    NONE = "nothing"
    OBSERVERS = "observers"
    OTHERS = "something else"


@attrs.frozen
class Collection:
    """
    @ivar name: of the attribute that it is.
    @ivar keys: what it is keyed by.
    """

    name: str
    keys: Keys


class Read(enum.Enum):
    """
    What is done with a collection that leaves it as it is.
    """

    PLAIN = "what can be done with the book as well"
    WALKED = "a loop over it"
    PAIRED = "a loop over its keys and values"
    COPIED = "a copy of it, for whatever use"


def collectionOf(family: Family) -> Collection | None:
    """
    @return: what the hooks of a family put their observers in.
    @raise Stays: if there are several.
    """
    found: dict[Collection, Place] = {}
    for source, hook in family.functions(ENTERS):
        names = parameters(hook)
        for node in ast.walk(hook) if len(names) > 2 else ():
            collection = entered(node, names[0], names[2])
            if collection is not None:
                found.setdefault(collection, source.place(node))
    if len(found) > 1:
        raise Stays("observers are kept in more than one", [*found.values()][1])
    return next(iter(found), None)


def attributeOf(node: ast.AST | None, itself: str) -> str:
    """
    @return: the name, if a node is an attribute of the object itself.
    """
    if isinstance(node, ast.Attribute) and isName(node.value, itself):
        return node.attr
    return ""


def isName(node: ast.AST | None, name: str) -> bool:
    """
    @return: whether a node is that name.
    """
    return isinstance(node, ast.Name) and node.id == name


def entered(node: ast.AST, itself: str, observer: str) -> Collection | None:
    """
    @param itself: what the method calls its object.
    @param observer: what it calls the observer.
    @return: what a call or an assignment puts the observer in.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = attributeOf(node.func.value, itself)
        given = len(node.args) == 1 and not node.keywords and node.args[0]
        if name and node.func.attr in ("append", "add") and given:
            return Collection(name, Keys.NONE) if isName(given, observer) else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Subscript):
            name = attributeOf(target.value, itself)
            if name and isName(target.slice, observer):
                return Collection(name, Keys.OBSERVERS)
            if name and isName(node.value, observer):
                return Collection(name, Keys.OTHERS)
    return None


def isEmpty(source: Source, value: ast.expr | None) -> bool:
    """
    @return: whether an expression makes an empty collection.
    """
    if isinstance(value, (ast.List, ast.Tuple)):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    return (
        isinstance(value, ast.Call)
        and not value.args
        and not value.keywords
        and source.resolve(value.func) in _EMPTY
    )


def readOf(source: Source, node: ast.expr, keys: Keys) -> tuple[ast.expr, Read] | None:
    """
    @param node: where a collection is named.
    @return: the expression that stands for its observers there, and what is
        done with them; C{None} if that is not known.
    """
    parent = source.parents[node]
    if isCondition(source, node):
        return node, Read.PLAIN
    if isinstance(parent, ast.Call) and parent.args == [node]:
        if source.resolve(parent.func) in _COUNT:
            return node, Read.PLAIN
    if isinstance(parent, ast.Compare) and keys is not Keys.OTHERS:
        if parent.comparators == [node] and isinstance(
            parent.ops[0], (ast.In, ast.NotIn)
        ):
            return node, Read.PLAIN
    pairs = _called(source, node, ("items",))
    if pairs is not None and keys is not Keys.NONE:
        loop = source.parents[pairs]
        paired = isinstance(loop, ast.For) and loop.iter is pairs and _isPair(loop)
        return (pairs, Read.PAIRED) if paired else None
    observers = _observersIn(source, node, keys)
    if observers is None:
        return None
    parent = source.parents[observers]
    if isinstance(parent, ast.Call) and observers in parent.args:
        function = source.resolve(parent.func)
        if function in _COPY and len(parent.args) == 1:
            if _isWalked(source, parent):
                return parent, Read.WALKED
            return observers, Read.PLAIN
        return (observers, Read.PLAIN) if function in _WALK else None
    if _isWalked(source, observers):
        return observers, Read.WALKED
    if isinstance(parent, ast.Starred):
        return observers, Read.PLAIN
    isCopy = observers is not node and keys is Keys.NONE
    return (observers, Read.COPIED) if isCopy else None


def _isWalked(source: Source, node: ast.expr) -> bool:
    parent = source.parents[node]
    return isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is node


def _observersIn(source: Source, node: ast.expr, keys: Keys) -> ast.expr | None:
    """
    @return: the expression that gives the observers of a collection one after
        the other, if it is one: C{self.observers[:]}, C{self.observers.values()}.
    """
    parent = source.parents[node]
    if isinstance(parent, ast.Subscript) and parent.value is node:
        part = parent.slice
        everything = isinstance(part, ast.Slice) and not (
            part.lower or part.upper or part.step
        )
        isLoad = isinstance(parent.ctx, ast.Load)
        return parent if everything and isLoad and keys is Keys.NONE else None
    if isinstance(parent, ast.Attribute):
        return _called(source, node, _GIVES[keys])
    return None if keys is Keys.OTHERS else node


#: The methods that give the observers of a collection one after the other.
_GIVES = {
    Keys.NONE: ("copy",),
    Keys.OBSERVERS: ("copy", "keys"),
    Keys.OTHERS: ("values",),
}


def _called(
    source: Source, node: ast.expr, methods: tuple[str, ...]
) -> ast.Call | None:
    """
    @return: the call of one of the methods of a node, without arguments.
    """
    method = source.parents[node]
    call = source.parents[method]
    if isinstance(method, ast.Attribute) and method.attr in methods:
        if isinstance(call, ast.Call) and call.func is method:
            return None if call.args or call.keywords else call
    return None


def _isPair(loop: ast.For) -> bool:
    target = loop.target
    return (
        isinstance(target, ast.Tuple)
        and len(target.elts) == 2
        and all(isinstance(name, ast.Name) for name in target.elts)
    )
