"""
How a class keeps its observers, and how it would if it left that to the book.

Where everything that a class and its kin do with their collection is known, it
goes, and the book takes its place.  Where anything is not, it stays; it is right
with pbext's observers as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._model import Made
from pbext.audit.fixing._broadcasts import broadcastIn
from pbext.audit.fixing._collections import (
    BOOK,
    Collection,
    Keys,
    Read,
    Stays,
    collectionOf,
    isEmpty,
    isName,
    readOf,
)
from pbext.audit.fixing._edits import Announce, Drop, Edit, Put, whole
from pbext.audit.fixing._families import (
    ENTERS,
    FUNCTIONS,
    LEAVES,
    Family,
    Function,
    Owner,
    ownerOf,
)
from pbext.audit.fixing._mentions import Mentions
from pbext.audit.fixing._steps import checkHooks, discarded, isEmptied, stepOf
from pbext.audit.reading._sources import Source

__all__ = ["keptBy"]

#: Where a collection is made, before anybody can have entered it.
_BEGINS = ("__init__", "__post_init__", "__attrs_post_init__", "__setstate__")

_THERE = "the book is always there"
_STEP = "the book knows"
_BOOK = "it is the book"
_NO_PART = "the book is no part of the state"
_TOLD = "the book tells them all"


def keptBy(mentions: Mentions, family: Family) -> list[Edit]:
    """
    @return: what makes the book take the place of what a family keeps its
        observers in; nothing if it keeps them in nothing.
    @raise Stays: if that would not be the same.
    """
    collection = collectionOf(family)
    if collection is None:
        return []
    try:
        return _Leaving(mentions, family, collection).edits()
    except Stays as stays:
        # Under a key of its own, an observer still takes another's place.
        stays.isRight = collection.keys is not Keys.OTHERS
        raise


class _Leaving:
    """
    What has to be done for one collection to go.
    """

    def __init__(
        self, mentions: Mentions, family: Family, collection: Collection
    ) -> None:
        self._mentions = mentions
        self._family = family
        self._collection = collection
        self._name = collection.name
        self._edits: dict[ast.AST, tuple[Source, Edit]] = {}
        self._steps: dict[Function, ast.stmt] = {}
        self._looks: list[tuple[Function, ast.AST]] = []
        self._concerned: set[str] = set()

    def edits(self) -> list[Edit]:
        """
        @return: all that has to be done.
        @raise Stays: if it cannot be.
        """
        for source, body in self._family.bodies():
            self._inBody(source, body)
        for source, node in self._mentions.attributes(self._name):
            self._mentioned(source, node)
        for source, string in self._mentions.strings(self._name):
            self._spelt(source, string)
        if self._name != BOOK:
            for source, node in self._mentions.attributes(BOOK):
                if self._isOurs(source, node, ownerOf(source, node)):
                    raise Stays(f"there are {BOOK} of another kind", source.place(node))
        checkHooks(self._family, self._steps, self._looks, self._concerned)
        for source, hook in self._family.functions(LEAVES):
            if isEmptied(hook, self._edits):
                self._drop(source, hook, _STEP)
        return [*self._outermost()]

    def _outermost(self) -> Iterator[Edit]:
        for node, (source, edit) in self._edits.items():
            around = [
                self._edits[n][1] for n in source.enclosing(node) if n in self._edits
            ]
            if not any(isinstance(found, (Announce, Drop)) for found in around):
                yield edit

    def _drop(self, source: Source, statement: ast.AST, why: str) -> None:
        self._edits[statement] = source, Drop(whole(source, statement), why)

    def _put(self, source: Source, node: ast.AST, code: str) -> None:
        if ast.get_source_segment(source.text, node) != code:
            self._edits[node] = source, Put(whole(source, node), _BOOK, code)

    def _inBody(self, source: Source, body: ast.ClassDef) -> None:
        """
        Look at what the body of a class says.
        """
        plain = all(cls.made is Made.PLAIN for cls in self._family.classes)
        for statement in body.body:
            names = _boundBy(statement)
            if BOOK in names and self._name != BOOK:
                raise Stays(f"{BOOK} is something else", source.place(statement))
            if self._name not in names:
                continue
            nothing = isinstance(statement, (ast.Assign, ast.AnnAssign)) and _isNothing(
                source, statement.value
            )
            if not plain or not nothing or len(names) > 1:
                raise Stays("it is more than an attribute", source.place(statement))
            self._drop(source, statement, _THERE)

    def _isOurs(self, source: Source, node: ast.Attribute, owner: Owner | None) -> bool:
        """
        @return: whether it is of an object of the family, in a method of it.
        """
        if owner is None or not owner.itself or owner.cls not in self._family.names:
            return False
        return isName(node.value, owner.itself) and not any(
            isinstance(outer, (*FUNCTIONS, ast.Lambda))
            and outer is not owner.function
            and owner.itself in [a.arg for a in outer.args.args]
            for outer in source.enclosing(node)
        )

    def _mentioned(self, source: Source, node: ast.Attribute) -> None:
        """
        Look at one place where an attribute of the collection's name is used.
        """
        owner = ownerOf(source, node)
        if owner is not None and self._isOurs(source, node, owner):
            self._used(source, node, owner)
            return
        if owner is not None and owner.itself and isName(node.value, owner.itself):
            if owner.cls in self._family.strangers:
                raise Stays(f"{owner.cls} uses it too", source.place(node))
            if owner.cls not in self._family.names:
                return  # something of another class that is called the same
        read = readOf(source, node, self._collection.keys)
        if self._name != BOOK or read is None or read[0] is not node:
            raise Stays("it is used from outside", source.place(node))

    def _used(self, source: Source, node: ast.Attribute, owner: Owner) -> None:
        """
        Look at one place where a method uses the collection.
        """
        function = owner.function
        assert function is not None
        book = f"{owner.itself}.{BOOK}"
        isHook = function.name in (ENTERS, LEAVES)
        if not isHook:
            self._concerned.add(function.name)
        step = stepOf(source, node, owner, self._collection)
        if step is not None:
            self._steps.setdefault(function, step)
            self._drop(source, step, _STEP)
        elif not isinstance(node.ctx, ast.Load):
            self._set(source, node, function)
        elif (method := discarded(source, node, self._collection)) is not None:
            self._put(source, method, f"{book}.discard")
        else:
            read = readOf(source, node, self._collection.keys)
            if read is None:
                raise Stays("it is used in a way that is not known", source.place(node))
            if isHook:
                self._looks.append((function, node))
            observers, kind = read
            if kind is Read.COPIED:
                self._put(source, observers, f"list({book})")
            elif kind is Read.PAIRED:
                self._paired(source, observers, owner, book)
            elif kind is Read.PLAIN or not self._announces(source, observers, owner):
                self._put(source, observers, book)

    def _set(self, source: Source, node: ast.Attribute, function: Function) -> None:
        statement = source.parents[node]
        begins = function.name in _BEGINS or function.name.startswith("upgradeTo")
        if isinstance(statement, (ast.AnnAssign, ast.Assign)) and begins:
            alone = len(getattr(statement, "targets", [node])) == 1
            if alone and _isNothing(source, statement.value):
                self._drop(source, statement, _THERE)
                return
        raise Stays("it is set once more", source.place(node))

    def _announces(self, source: Source, observers: ast.expr, owner: Owner) -> bool:
        """
        Let the book do what a loop does, if it does no more than tell them all.
        """
        loop = source.parents[observers]
        assert isinstance(loop, (ast.For, ast.comprehension))
        if not isinstance(loop.target, ast.Name):
            return False
        name = loop.target.id
        if isinstance(loop, ast.For):
            return self._tells(source, loop, name, loop.body, owner)
        made = source.parents[loop]
        statement = source.parents[made]
        if not isinstance(made, (ast.ListComp, ast.SetComp)) or loop.ifs:
            return False
        alone = isinstance(statement, ast.Expr) and len(made.generators) == 1
        return alone and self._tells(source, statement, name, made.elt, owner)

    def _tells(
        self,
        source: Source,
        statement: ast.AST,
        name: str,
        body: list[ast.stmt] | ast.expr,
        owner: Owner,
    ) -> bool:
        """
        @param name: what it calls each observer.
        @param body: what it does with each.
        """
        if getattr(statement, "orelse", None) or _isUsedAfter(statement, name, owner):
            return False
        call = broadcastIn(source, self._family, name, body)
        if call is None:
            return False
        callee = f"{owner.itself}.{BOOK}.callRemote"
        edit = Announce(whole(source, statement), _TOLD, whole(source, call), callee)
        self._edits[statement] = source, edit
        return True

    def _paired(self, source: Source, pairs: ast.expr, owner: Owner, book: str) -> None:
        """
        Let a loop over keys and values go over the observers alone.
        """
        loop = source.parents[pairs]
        assert isinstance(loop, ast.For) and isinstance(loop.target, ast.Tuple)
        names = [name.id for name in loop.target.elts if isinstance(name, ast.Name)]
        if self._collection.keys is Keys.OTHERS:
            names.reverse()
        observer, other = names
        used = {n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name)}
        if other in used or _isUsedAfter(loop, other, owner):
            raise Stays("both its keys and its values are used", source.place(pairs))
        if not self._tells(source, loop, observer, loop.body, owner):
            self._put(source, loop.target, observer)
            self._put(source, pairs, book)

    def _spelt(self, source: Source, string: ast.Constant) -> None:
        """
        Look at one place where the collection's name stands as a string.
        """
        parent = source.parents[string]
        owner = ownerOf(source, string)
        outside = owner is None or owner.cls not in self._family.names
        if isinstance(parent, ast.Call):
            function = source.resolve(parent.func) or ""
            if function in _BY_NAME:
                raise Stays("it is used by its name", source.place(string))
            if outside or getattr(parent.func, "attr", "") == "callRemote":
                return
        if outside or isinstance(parent, ast.Compare):
            return
        statement = _removes(source, string)
        if statement is not None:
            self._drop(source, statement, _NO_PART)
            return
        around = source.parents[parent]
        if isinstance(around, ast.Compare):  # if name not in ("observers", ...)
            return
        if isinstance(around, ast.Assign) and "localFields" in _boundBy(around):
            return
        raise Stays("it is used by its name", source.place(string))


_BY_NAME = frozenset(f"builtins.{n}attr" for n in ("del", "get", "has", "set"))


def _boundBy(statement: ast.stmt) -> list[str]:
    """
    @return: the names that a statement of a class binds.
    """
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return [statement.name]
    return [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _isNothing(source: Source, value: ast.expr | None) -> bool:
    none = isinstance(value, ast.Constant) and value.value is None
    return value is None or none or isEmpty(source, value)


def _isUsedAfter(loop: ast.AST, name: str, owner: Owner) -> bool:
    assert owner.function is not None
    inside = {*ast.walk(loop)}
    line = getattr(loop, "lineno", 0)
    return any(
        isName(node, name) and isinstance(getattr(node, "ctx", None), ast.Load)
        for node in ast.walk(owner.function)
        if node not in inside and getattr(node, "lineno", 0) > line
    )


def _removes(source: Source, string: ast.Constant) -> ast.stmt | None:
    """
    @return: the statement, if it only takes a key out of a state:
        C{del state["observers"]}, C{state.pop("observers", None)}.
    """
    parent = source.parents[string]
    statement = source.parents[parent]
    if isinstance(parent, ast.Subscript) and isinstance(parent.value, ast.Name):
        if isinstance(statement, ast.Delete) and statement.targets == [parent]:
            return statement
    if isinstance(parent, ast.Call) and isinstance(statement, ast.Expr):
        function = parent.func
        if isinstance(function, ast.Attribute) and function.attr == "pop":
            if isinstance(function.value, ast.Name) and parent.args[0] is string:
                return statement
    return None
