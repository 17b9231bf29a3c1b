"""
Which line brings a class of Twisted's, and whether it can bring pbext's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import attrs

from twisted.spread import pb as stock

from pbext import pb as ours
from pbext.audit._findings import Place
from pbext.audit._model import ClassModel, Program
from pbext.audit.fixing._edits import Edit, Import, Put, whole
from pbext.audit.fixing._families import FUNCTIONS, Family
from pbext.audit.fixing._mentions import Mentions
from pbext.audit.fixing._travels import takenOut, whatChanges
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._sources import Source

__all__ = ["Refused", "importsOf"]

_STOCK = "twisted.spread.pb"
_CACHEABLE = "twisted.spread.flavors.Cacheable"

_WHY = "the hooks get observers that can be compared, and called at any time"

#: From where to where names can move, and which.
_MOVES: Mapping[str, tuple[str, frozenset[str]]] = {
    "twisted.spread": ("pbext", frozenset({"pb"})),
    _STOCK: ("pbext.pb", frozenset(ours.__all__)),
    "twisted.spread.flavors": ("pbext.pb", frozenset(ours.__all__)),
}

#: The names by which pbext has something of its own.
_OWN = frozenset(
    name
    for name in ours.__all__
    if hasattr(stock, name) and getattr(ours, name) is not getattr(stock, name)
)

_KINDS = ("builtins.isinstance", "builtins.issubclass")


class Refused(Exception):
    """
    An import has to stay; the message says why.

    @ivar place: where what keeps it stands.
    """

    def __init__(self, why: str, place: Place) -> None:
        super().__init__(why)
        self.place = place


@attrs.frozen(eq=False)
class _Line:
    """
    An import that can be changed.

    @ivar source: in which file.
    @ivar bound: what is called how in that file, by the names there.
    @ivar edit: what changes it.
    """

    source: Source
    bound: Mapping[str, str]
    edit: Import


def importsOf(
    program: Program, mentions: Mentions, family: Family, kept: frozenset[str]
) -> list[Edit]:
    """
    @param kept: the attributes in which observers are kept.
    @return: what makes a family's Cacheable pbext's; nothing if it is.
    @raise Refused: if that cannot be done, or would change something else.
    """
    lines: dict[Place, _Line] = {}
    isOurs = False
    for source, body in family.bodies():
        for base in body.bases:
            name = source.resolve(base)
            isOurs = isOurs or name == "pbext._cacheable.Cacheable"
            if name == _CACHEABLE:
                line = _lineOf(source, base)
                lines[line.edit.place] = line
    if not lines and not isOurs:
        raise Refused("it is no Cacheable by itself", family.classes[0].place)
    edits: list[Edit] = [line.edit for line in lines.values()]
    for line in lines.values():
        _checkUses(line)
        _checkTakers(program, mentions, line)
        for cls in program:
            if _isReached(program, cls.name, line):
                edits += _adapted(mentions, cls, kept)
    return edits


def _adapted(mentions: Mentions, cls: ClassModel, kept: frozenset[str]) -> list[Put]:
    """
    @return: what else a class needs to be as it was, as one of pbext's.
    """
    why = whatChanges(cls, kept)
    if why:
        raise Refused(f"{cls.name} {why}", cls.place)
    try:
        return takenOut(mentions, cls, kept)
    except ValueError as error:
        assert cls.source is not None
        raise Refused(
            "it speaks of what would not be in the state", cls.source.place(*error.args)
        ) from None


def _lineOf(source: Source, expression: ast.expr) -> _Line:
    """
    @return: the import by which a file has what an expression begins with.
    """
    place = source.place(expression)
    name = _first(expression)
    statements = [*_binding(source, name)]
    if len(statements) != 1:
        raise Refused(f"{name} is bound more than once, or not in the module", place)
    [statement] = statements
    if statement not in source.tree.body:
        raise Refused(f"{name} is imported under a condition", source.place(statement))
    if isinstance(statement, ast.Assign) and isinstance(
        statement.value, (ast.Name, ast.Attribute)
    ):
        return _lineOf(source, statement.value)
    if isinstance(statement, ast.Import):
        moved = [a for a in statement.names if a.name == _STOCK and a.asname == name]
        module, everything = "pbext.pb", True
    elif isinstance(statement, ast.ImportFrom) and not statement.level:
        module, names = _MOVES.get(statement.module or "", ("", frozenset()))
        moved = [alias for alias in statement.names if alias.name in names]
        everything = len(moved) == len(statement.names)
    else:
        moved = []
    bound = {alias.asname or alias.name: alias.name for alias in moved}
    if name not in bound:
        raise Refused(f"{name} does not come from {_STOCK}", source.place(statement))
    if not everything and any(
        other.lineno == statement.lineno and other is not statement
        for other in source.tree.body
    ):
        raise Refused("the line of the import says more", source.place(statement))
    edit = Import(whole(source, statement), _WHY, tuple(a.name for a in moved), module)
    return _Line(source, bound, edit)


def _first(expression: ast.expr) -> str:
    while isinstance(expression, (ast.Attribute, ast.Subscript)):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


def _binding(source: Source, name: str) -> Iterator[ast.stmt]:
    """
    @return: the statements of a module that bind a name of it.
    """
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.asname or a.name.partition(".")[0] for a in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names = [node.id]
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names = [node.name]
        else:
            continue
        around = [*source.enclosing(node)]
        if name in names and not any(
            isinstance(outer, (*FUNCTIONS, ast.ClassDef, ast.Lambda))
            for outer in around
        ):
            yield next(n for n in [node, *around] if isinstance(n, ast.stmt))


def _checkUses(line: _Line) -> None:
    """
    See that all that the file does with the names, can be done with pbext's.
    """
    source = line.source
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Name) or node.id not in line.bound:
            continue
        if not isFramework(source.resolve(node) or ""):
            continue  # something else is called so here
        used: ast.expr = node
        name = line.bound[node.id]
        if name in ("pb", _STOCK):
            parent = source.parents[node]
            if not isinstance(parent, ast.Attribute):
                raise Refused(f"{node.id} itself is used", source.place(node))
            used, name = parent, parent.attr
            if name not in ours.__all__:
                raise Refused(f"pbext.pb has no {name}", source.place(parent))
        if not isinstance(getattr(used, "ctx", None), ast.Load):
            raise Refused(f"{name} is set", source.place(used))
        if name in _OWN and _isAsked(source, used):
            raise Refused(
                f"who is not a {name} of Twisted's alone would be told apart here",
                source.place(used),
            )


def _isAsked(source: Source, node: ast.expr) -> bool:
    """
    @return: whether somebody is asked whether it is an instance.
    """
    parent = source.parents[node]
    if isinstance(parent, (ast.Tuple, ast.List, ast.BinOp)):
        return _isAsked(source, parent)
    if isinstance(parent, ast.Call) and node in parent.args[1:]:
        return source.resolve(parent.func) in _KINDS
    return isinstance(parent, ast.Compare)


def _checkTakers(program: Program, mentions: Mentions, line: _Line) -> None:
    """
    See that no other file has the names from this one.
    """
    module = line.source.module.rpartition(".")[2]
    for source in program.sources:
        for node in ast.walk(source.tree) if source is not line.source else ():
            if not isinstance(node, ast.ImportFrom):
                continue
            names = {alias.name for alias in node.names}
            if (node.module or "").rpartition(".")[2] == module:
                if names & {*line.bound} or "*" in names:
                    raise Refused(f"it is imported from {module}", source.place(node))
    for name in line.bound:
        for source, node in mentions.attributes(name):
            owner = source.resolve(node.value) or ""
            if owner.rpartition(".")[2] == module and not isFramework(owner):
                raise Refused(f"it is used by way of {module}", source.place(node))


def _isReached(program: Program, name: str, line: _Line) -> bool:
    """
    @return: whether a class derives from what a line imports.
    """
    for above in (name, *program.classes[name].bases):
        cls = program.classes.get(above)
        if cls is None or cls.source is not line.source or cls.node is None:
            continue
        for base in cls.node.bases:
            found = line.source.resolve(base) or ""
            if found.startswith("twisted.") and found.rpartition(".")[2] in _OWN:
                return True
    return False
