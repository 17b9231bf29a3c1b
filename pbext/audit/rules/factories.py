"""
Factories of what arrives.
"""

from __future__ import annotations

from collections.abc import Iterator

from pbext.audit._findings import Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.rules._receiving import sendersFor

__all__: list[str] = []


def _made(program: Program) -> Iterator[Hit]:
    for entry in program.registrations:
        if entry.kind != "factory":
            continue
        for cls in sendersFor(program, entry)[:1]:
            if cls.isA("Cacheable"):
                yield Hit(
                    entry.place,
                    cls.name,
                    f"a factory is registered for {cls.qualname}, which is a Cacheable",
                )


FACTORIES = Rule(
    id="PBX207",
    severity=Severity.ERROR,
    title="a factory for a Cacheable",
    explanation="""\
A factory is called with the state of what has arrived.  What it gets of a Cacheable is
its number on the connection, an ``int``, and the state is thrown away; what it makes
follows nothing.  If it raises, and it will if it expects a dict, the caller gets an
error, or, if the object was an answer, the receiver drops the connection.

pbext's registries refuse it.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    pass


class RemotePond(pb.RemoteCache):
    pass


def makePond(state):
    pond = RemotePond()
    pond.setCopyableState(state)
    return pond


pb.setUnjellyableFactoryForClass(Pond, makePond)
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    pass


class RemotePond(pb.RemoteCache):
    pass


pb.setUnjellyableForClass(Pond, RemotePond)
""",
    fix="register a pb.RemoteCache with setUnjellyableForClass",
    find=_made,
)
