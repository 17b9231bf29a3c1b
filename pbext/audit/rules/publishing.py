"""
What Twisted once cached across sessions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._findings import Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.reading._sources import Source

__all__: list[str] = []

_PUBLISH = "twisted.spread.publish"


def _published(program: Program) -> Iterator[Hit]:
    paths = set()
    for cls in program:
        if cls.isA("RemotePublished"):
            paths.add(cls.place.path)
            yield Hit(
                cls.place,
                cls.name,
                f"{cls.qualname} lets whoever sends it choose a file, and writes it",
            )
        elif cls.isA("Publishable"):
            paths.add(cls.place.path)
            yield Hit(
                cls.place,
                cls.name,
                f"{cls.qualname} can only be received by a RemotePublished, which "
                f"writes files that its sender chooses",
            )
    for source in program.sources:
        if source.path in paths:
            continue
        for node in source.of(ast.Import):
            if any(name.name == _PUBLISH for name in node.names):
                yield Hit(source.place(node), source.label, _imports(source))
        for other in source.of(ast.ImportFrom):
            names = {f"{other.module}.{name.name}" for name in other.names}
            if other.module == _PUBLISH or _PUBLISH in names:
                yield Hit(source.place(other), source.label, _imports(source))


def _imports(source: Source) -> str:
    return f"{source.module} uses {_PUBLISH}"


PUBLISHED = Rule(
    id="PBX208",
    severity=Severity.ERROR,
    title="twisted.spread.publish, by which a peer writes files",
    explanation="""\
A ``RemotePublished`` that arrives makes the name of a file of what its sender says
(service, perspective and id, each as it likes, with ``../`` in them), reads that file,
asks the sender for a state, and writes it there: each peer that may send one can
overwrite whatever the process can.  If a subclass of it is registered with Twisted's
function, that is every peer, on every port, before any login.

Nothing in Twisted uses it any more.  pbext's registries refuse it.""",
    bad="""\
from twisted.spread import pb, publish


class RemotePond(publish.RemotePublished):
    pass


pb.setUnjellyableForClass("pond.Pond", RemotePond)
""",
    good="""\
from twisted.spread import pb


class RemotePond(pb.RemoteCache):
    pass


pb.setUnjellyableForClass("pond.Pond", RemotePond)
""",
    fix="send a pb.Cacheable to a pb.RemoteCache, and keep the file yourself",
    find=_published,
)
