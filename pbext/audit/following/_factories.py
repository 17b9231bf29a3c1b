"""
By whose brokers a program is connected.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from pbext.audit._model import Program
from pbext.audit.reading._names import isFramework
from pbext.audit.reading._sources import Source

__all__ = ["onlyOurs"]

_FACTORIES = (".PBServerFactory", ".PBClientFactory")


@lru_cache(maxsize=8)  # several rules ask, of one program
def onlyOurs(program: Program) -> bool:
    """
    @return: whether a program names pbext's factories, and none of Twisted's;
        for what pbext's brokers make right whatever the class.
    """
    named = {
        name
        for source in program.sources
        for node in _named(source)
        if (name := source.resolve(node)) is not None
        and isFramework(name)
        and name.endswith(_FACTORIES)
    }
    return bool(named) and all(name.startswith("pbext.") for name in named)


def _named(source: Source) -> Iterator[ast.expr]:
    """
    @return: where something is named that may be a factory.
    """
    for name in source.of(ast.Name):
        if isinstance(name.ctx, ast.Load) and name.id.endswith("Factory"):
            yield name
    for attribute in source.of(ast.Attribute):
        if isinstance(attribute.ctx, ast.Load) and attribute.attr.endswith("Factory"):
            yield attribute
