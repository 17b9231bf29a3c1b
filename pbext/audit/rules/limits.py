"""
Limits of Twisted's that are changed for everybody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pbext.audit._findings import NOWHERE, Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.reading._bodies import constant, enclosingFunction, subjectOf
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._sources import Source

__all__: list[str] = []

#: The limits of Twisted's that programs change: the module that asks for each,
#: and what has to be known of it.
_LIMITS = {
    "MAX_BROKER_REFS": (
        "twisted.spread.pb",
        "for every connection of the process, to every peer",
        "give a factory of pbext's limits=pb.Limits(references=...)",
    ),
    "SIZE_LIMIT": (
        "twisted.spread.banana",
        "for every connection of the process, and a peer that has not done the same "
        "drops the connection",
        "send what is large in pieces, as twisted.spread.util.Pager does",
    ),
}


def _limits(program: Program) -> Iterator[Hit]:
    said = [
        hit
        for source in program.sources
        if any(name in source.text for name in _LIMITS)
        for imported in [_imported(source.tree)]
        for node in ast.walk(source.tree)
        for hit in _limit(source, node, imported)
    ]
    yield from said
    # What stands in a source has been said, with its place.
    known = {hit.message.partition(" ")[0] for hit in said}
    for words in program.widened:
        name, _, rest = words.partition(" ")
        last = name.rpartition(".")[2]
        if last in _LIMITS and name not in known:
            home, whom, fix = _LIMITS[last]
            yield Hit(NOWHERE, home, f"{name} {rest}; {whom}", fix)


def _imported(tree: ast.Module) -> dict[str, str]:
    """
    @return: the limits that a module has imported, by their names there.
    """
    return {
        name.asname or name.name: name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and isFramework(node.module or "")
        for name in node.names
        if name.name in _LIMITS
    }


def _limit(source: Source, node: ast.AST, imported: dict[str, str]) -> Iterable[Hit]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        owner, name = source.resolve(node.value), node.attr
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        if node.id in imported and _isGlobalName(source, node):
            yield _copied(source, node, imported[node.id])
        return
    elif isinstance(node, ast.Call) and len(node.args) == 3:
        if source.resolve(node.func) != "builtins.setattr":
            return
        owner, name = source.resolve(node.args[0]), constant(node.args[1]) or ""
    else:
        return
    if name not in _LIMITS or not isFramework(owner or ""):
        return
    home, whom, fix = _LIMITS[name]
    if owner != home:
        yield _copied(source, node, name)
        return
    place, subject = source.place(node), subjectOf(source, node)
    yield Hit(place, subject, f"{home}.{name} is changed, {whom}", fix)


def _isGlobalName(source: Source, node: ast.Name) -> bool:
    function = enclosingFunction(source, node)
    return (
        not isinstance(source.parents.get(source.parents[node]), ast.ClassDef)
        if function is None
        else any(
            isinstance(inner, ast.Global) and node.id in inner.names
            for inner in ast.walk(function)
        )
    )


def _copied(source: Source, node: ast.AST, name: str) -> Hit:
    home, _, fix = _LIMITS[name]
    return Hit(
        source.place(node),
        subjectOf(source, node),
        f"setting this copy of {name} does nothing, because {home} has its own",
        fix,
        Severity.ERROR,
    )


LIMITS = Rule(
    id="PBX214",
    severity=Severity.WARNING,
    title="a limit of Twisted's is changed for the whole process",
    explanation="""\
``MAX_BROKER_REFS`` and ``SIZE_LIMIT`` are names in modules of Twisted's, so who assigns
to them changes them for every connection of the process, other people's too.  The
first is how many objects this end gives to one peer; what it meant to find is often
references that are never dropped.  The second is asked at both ends: a peer that has
not changed it drops the connection when something larger arrives.

``from twisted.spread.pb import MAX_BROKER_REFS`` makes a copy, and assigning to that,
or to ``pbext.pb.MAX_BROKER_REFS``, does nothing at all.""",
    bad="""\
from twisted.spread import banana, pb

pb.MAX_BROKER_REFS = 100_000
banana.SIZE_LIMIT = 64 * 1024 * 1024
""",
    good="""\
from pbext import pb


def serve(root, registry):
    limits = pb.Limits(references=100_000)
    return pb.PBServerFactory(root, registry=registry, limits=limits)
""",
    fix="leave it as it is",
    find=_limits,
)
