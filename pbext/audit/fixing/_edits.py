"""
What a fix changes in a file, as data: what stands at a place becomes something
else.  L{pbext.audit.fixing._fixes} carries it out.
"""

from __future__ import annotations

import ast

import attrs

from pbext.audit._findings import Place
from pbext.audit.reading._sources import Source

__all__ = ["Announce", "Drop", "Edit", "Import", "Put", "whole"]


@attrs.frozen
class Edit:
    """
    One change.

    @ivar place: all of the statement or the expression that is changed.
    @ivar why: for people, a few words.
    """

    place: Place
    why: str


@attrs.frozen
class Drop(Edit):
    """
    A statement goes; comments above it stay.
    """


@attrs.frozen
class Put(Edit):
    """
    An expression, or a statement that is none, becomes another expression.

    @ivar code: the other one, on one line.
    """

    code: str


@attrs.frozen
class Announce(Edit):
    """
    A statement becomes one call that stands in it, of something else.

    @ivar call: where the call stands.
    @ivar callee: what is called instead.
    """

    call: Place
    callee: str


@attrs.frozen
class Import(Edit):
    """
    Names are imported from another module.

    @ivar names: as they are called in the module that they come from; of an
        C{import}, that module itself.
    @ivar module: the other module.
    """

    names: tuple[str, ...]
    module: str


def whole(source: Source, node: ast.AST) -> Place:
    """
    @return: where all of a node stands; of a class or a function too, without
        its decorators.
    """
    place = source.place(node)
    return attrs.evolve(place, endLine=getattr(node, "end_lineno", place.endLine))
