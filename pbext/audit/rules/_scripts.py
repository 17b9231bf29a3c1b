"""
Modules that are started as scripts, in which everything belongs to C{__main__}.
"""

from __future__ import annotations

import ast

from pbext.audit.reading._sources import Source

__all__ = ["MAIN", "inMainBlock", "startedBy"]

#: What Python calls the module that it was started with.
MAIN = "__main__"

#: What a program calls that talks to others.
_TALKS = (
    "twisted.internet.reactor.",
    "twisted.internet.task.react",
    "twisted.internet.asyncioreactor.",
    "twisted.spread.pb.PBClientFactory",
    "twisted.spread.pb.PBServerFactory",
    "pbext.",
)

_Defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _mainBlock(source: Source) -> ast.If | None:
    """
    @return: the C{if __name__ == "__main__":} of a module.
    """
    for statement in source.tree.body:
        if isinstance(statement, ast.If) and isinstance(statement.test, ast.Compare):
            sides = [statement.test.left, *statement.test.comparators]
            names = {side.id for side in sides if isinstance(side, ast.Name)}
            values = {side.value for side in sides if isinstance(side, ast.Constant)}
            if names == {"__name__"} and values == {MAIN}:
                return statement
    return None


def startedBy(source: Source) -> list[ast.AST]:
    """
    @return: all that stands in what a module may run if it is started as a
        script: its main block, and the functions and classes of the module that
        are named there, and there, and so on; nothing if that does not talk to
        others, or the module imports itself, as somebody does who knows.
    """
    block = _mainBlock(source)
    if block is None or _importsItself(source):
        return []
    defined = {n.name: n for n in source.tree.body if isinstance(n, _Defined)}
    reached: list[ast.AST] = []
    waiting: list[ast.AST] = [*block.body]
    while waiting:
        for node in ast.walk(waiting.pop()):
            reached.append(node)
            if isinstance(node, ast.Name) and node.id in defined:
                waiting.append(defined.pop(node.id))
    talks = any(
        (source.resolve(node.func) or "").startswith(_TALKS)
        for node in reached
        if isinstance(node, ast.Call)
    )
    return reached if talks else []


def _importsItself(source: Source) -> bool:
    return source.module in {
        *(name.name for node in source.of(ast.Import) for name in node.names),
        *(node.module for node in source.of(ast.ImportFrom)),
    }


def inMainBlock(source: Source, node: ast.AST) -> bool:
    """
    @return: whether something only exists if the module is started as a script.
    """
    block = _mainBlock(source)
    return block is not None and any(outer is block for outer in source.enclosing(node))
