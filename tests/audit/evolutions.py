"""
Programs before and after a change: what they send and what they receive, with
objects to send; and what a comparison of their manifests has to find.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import sys
import types
import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from unittest import mock

import attrs

from pbext import CacheState, pb
from pbext._annotations import kindOf
from pbext._contract import contractOf
from pbext._fields import fieldsOf
from pbext.audit._model import Program
from pbext.audit.living._live import liveProgram
from pbext.audit.living._merge import merged
from pbext.audit.manifest._differences import Direction
from pbext.audit.manifest._ends import manifestOf
from pbext.audit.manifest._manifest import Manifest, parseManifest, textOfManifest
from pbext.testing import connectedPair
from tests.audit.kinds import NAMES
from tests.audit.written import Written

__all__ = ["EVOLUTIONS", "Evolution", "Pond", "program", "same"]

_HEAD = """\
from __future__ import annotations
import datetime, enum, pathlib, uuid
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
import attrs
from msgspec import Meta
from twisted.spread import pb as stock
from pbext import pb
registry = pb.Registry()
"""


class _Keeper(pb.Root):
    """
    Keeps what it is given.
    """

    def remote_take(self, taken: object) -> None:
        self.taken = taken


class Pond:
    """
    A program, written and loaded as the module C{pond}: what it sends is in
    C{samples}; what that becomes, in C{registry}.
    """

    def __init__(self, directory: pathlib.Path, text: str) -> None:
        self.written = Written(directory, pond=_HEAD + text)
        path = self.written.directory / "pond.py"
        self.module: Any = types.ModuleType("pond")
        self.module.__file__ = str(path)
        with self.imported():
            vars(self.module).update(NAMES)
            exec(compile(_HEAD + text, path, "exec"), vars(self.module))
            for found in [*vars(self.module).values()]:
                if isinstance(found, type) and issubclass(
                    found, (pb.Copyable, pb.RemoteCopy)
                ):
                    contractOf(found)  # while the module is the one of that name

    def imported(self) -> Any:
        """
        @return: makes it, for a while, the module of its name.
        """
        return mock.patch.dict(sys.modules, pond=self.module)

    def manifests(self) -> Iterator[Manifest]:
        """
        @return: those that are made of it: as it is written, and as it lives.
        """
        with self.imported():
            written = self.written.read()
            living = merged(written, self._living())
            made = [
                manifestOf(written, "static"),
                manifestOf(living, "import"),
            ]
        for manifest in made:
            yield parseManifest(textOfManifest(manifest), "a manifest")

    def _living(self) -> Program:
        found = liveProgram(self.module.registry, ["pond"])
        # There may be others of the name, which are still in memory.
        own = {
            name: cls
            for name, cls in found.classes.items()
            if getattr(self.module, cls.qualname, None) is cls.live
        }
        return attrs.evolve(found, classes=own)

    def sendsTo(self, other: Pond) -> list[str]:
        """
        @return: what of the samples is not taken for what it was.
        """
        return [
            wrong
            for sample in self.module.samples()
            for wrong in _sent(sample, other.module.registry)
        ]


def _sent(sample: Any, registry: Any) -> Iterator[str]:
    root = _Keeper()
    factory = partial(pb.PBServerFactory, registry=registry)
    with connectedPair(root, serverFactory=factory) as pair:
        try:
            pair.result(pair.root.callRemote("take", sample))
        except Exception as error:
            yield f"refused: {error}"
            return
        arrived: Any = root.taken
        if hasattr(sample, "announce"):
            sample.announce()
            pair.flush()
            if arrived.cacheState is not CacheState.LIVE:
                yield "stale"
        version, own = (
            getattr(type(end), "copyVersion", None) or 0 for end in (sample, arrived)
        )
        if version >= own:  # or an upgrade has been there
            for name in {*fieldsOf(type(sample)).names} & {
                *fieldsOf(type(arrived)).names
            }:
                if not same(getattr(sample, name), getattr(arrived, name)):
                    yield f"{name} is not what it was"


def same(sent: Any, arrived: Any) -> bool:
    """
    @return: whether a value has arrived for what it was, in whatever type.
    """
    if hasattr(sent, "_fields") and hasattr(arrived, "_fields"):
        shared = {*sent._fields} & {*arrived._fields}
        return all(getattr(sent, n) == getattr(arrived, n) for n in shared)
    if isinstance(sent, (list, tuple)) and type(sent) is type(arrived):
        return len(sent) == len(arrived) and all(map(same, sent, arrived))
    if isinstance(sent, (set, frozenset)) and type(sent) is type(arrived):
        return len(sent) == len(arrived) and all(
            any(same(one, other) for other in arrived) for one in sent
        )
    if isinstance(sent, dict) and isinstance(arrived, dict):
        return same([*sent.items()], [*arrived.items()])
    if isinstance(sent, pb.Copyable):
        return True
    if isinstance(sent, _NUMBERS) and isinstance(arrived, _NUMBERS):
        return bool(sent == arrived) or sent != sent
    if isinstance(sent, _TEXTS) and isinstance(arrived, _TEXTS):
        return _text(sent) == _text(arrived)
    return type(sent) is not type(arrived) or bool(sent == arrived)


_NUMBERS = (int, float, decimal.Decimal)
_TEXTS = (str, enum.Enum, uuid.UUID, pathlib.Path, datetime.datetime, datetime.time)


def _text(value: Any) -> str:
    if isinstance(value, enum.Flag):
        return str(kindOf(type(value)).writes(value))
    if isinstance(value, enum.Enum):
        return value.name
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def program(
    sent: str,
    samples: str,
    taken: str | None = None,
    *,
    before: str = "",
    sends: str = "",
    takes: str = "",
    made: str = "@dataclass",
    flavor: str = "copy",
    tags: str = "'pond.Frog'",
    tag: str = "pond.Frog",
) -> str:
    """
    @param sent: the fields of what is sent, with semicolons between them.
    @param samples: the arguments for objects of that.
    @param taken: the fields of what receives; by default the same.
    @param before: what else there is.
    @param sends: what else stands in the class that is sent.
    @param takes: in the one that receives.
    @param made: the decorator of both.
    @param flavor: C{"copy"} or C{"cache"}.
    @param tags: those that are received.
    @param tag: the one that is sent.
    """
    bases = {"copy": ("Copyable", "RemoteCopy"), "cache": ("Cacheable", "RemoteCache")}

    def body(*parts: str) -> str:
        lines = [line.strip() for part in parts for line in part.split(";")]
        return "".join(f"    {line}\n" for line in lines if line) or "    pass\n"

    def block(text: str) -> str:
        return "".join(f"    {line}\n" for line in text.splitlines())

    return (
        f"{before}\n"
        f"{made}\nclass Sent(pb.{bases[flavor][0]}):\n"
        f"    typeToCopy = {tag!r}\n{body(sent)}{block(sends)}"
        f"{made}\nclass Taken(pb.{bases[flavor][1]}):\n"
        f"{body(sent if taken is None else taken)}{block(takes)}"
        f"for tag in ({tags},):\n    registry.setUnjellyableForClass(tag, Taken)\n"
        f"def samples():\n    return [Sent(*each) for each in [{samples}]]\n"
    )


@attrs.frozen
class Evolution:
    """
    @ivar old: what a program was.
    @ivar new: what it is.
    @ivar oldToNew: the kinds of changes that break what old senders send.
    @ivar newToOld: those that break what new senders send.
    @ivar covered: those that an upgrade covers.
    @ivar hidden: whether they cannot be seen in what is only read.
    """

    old: str
    new: str
    oldToNew: frozenset[str] = attrs.field(default=(), converter=frozenset)
    newToOld: frozenset[str] = attrs.field(default=(), converter=frozenset)
    covered: frozenset[str] = attrs.field(default=(), converter=frozenset)
    hidden: bool = False

    def breaks(self, direction: Direction) -> frozenset[str]:
        """
        @return: the kinds of changes that break something in a direction.
        """
        return self.oldToNew if direction is Direction.OLD_TO_NEW else self.newToOld


_FORBID = "copyUnknown = 'forbid'"
_COLOUR = "class Colour(enum.Enum):\n    GREEN = 1\n    BLUE = 2\n"
_COLOURS = f"{_COLOUR}    RED = 3\n"
_TURNED = "class Place(NamedTuple):\n    y: int\n    x: int\n"
_PLACE = "class Place(NamedTuple):\n    x: int\n    y: int\n"
_RENAMED = "class Place(NamedTuple):\n    a: int\n    b: int\n"
_ANIMALS = (
    "@dataclass\nclass Toad(pb.Copyable, pb.RemoteCopy):\n    name: str\n"
    "@dataclass\nclass Newt(pb.Copyable, pb.RemoteCopy):\n    name: str\n"
    "registry.setUnjellyableForClass(Toad, Toad)\n"
    "registry.setUnjellyableForClass(Newt, Newt)\n"
)


def _version(number: int, upgrades: str = "") -> dict[str, str]:
    return {
        "sends": f"copyVersion = {number}",
        "takes": f"copyVersion = {number}\n{upgrades}",
    }


def _upgrade(number: int, does: str = "pass") -> str:
    return (
        f"@classmethod\ndef upgradeStateToVersion{number}(cls, state):\n"
        f"    {does}\n    return state\n"
    )


def _announcing(sends: str, observes: str) -> str:
    return program(
        "name: str",
        "('x',)",
        flavor="cache",
        sends=f"def announce(self):\n    {sends}\n",
        takes="".join(f"def observe_{m}: pass\n" for m in observes.split("; ") if m),
    )


def _typed(old: str, new: str, olds: str, news: str, **more: Any) -> tuple[str, str]:
    def one(kind: str, values: str, before: str) -> str:
        each = ", ".join(f"({value},)" for value in values.split("; "))
        return program(f"thing: {kind}", each, before=before)

    return (
        one(old, olds, more.get("before", more.get("both", ""))),
        one(new, news, more.get("after", more.get("both", ""))),
    )


_NAME = program("name: str", "('x',)")
_BOTH = program("name: str; weight: float", "('x', 1.5)")
_DEFAULT = program("name: str; weight: float = 1.0", "('x', 1.5)")

_ADD = "self.observers.callRemote('add', 1)"

EVOLUTIONS: Mapping[str, Evolution] = {
    "nothing": Evolution(_BOTH, _BOTH),
    "a field is added": Evolution(_NAME, _BOTH, ["PBD202"]),
    "a field is added, with a default": Evolution(_NAME, _DEFAULT),
    "a field is removed": Evolution(_BOTH, _NAME, newToOld=["PBD201"]),
    "a field is removed that had a default": Evolution(_DEFAULT, _NAME),
    "a field has another name": Evolution(
        _NAME, program("title: str", "('x',)"), ["PBD202"], ["PBD201"]
    ),
    "a field is added where more is forbidden": Evolution(
        program("name: str", "('x',)", takes=_FORBID),
        program("name: str; weight: float = 1.0", "('x', 1.5)", takes=_FORBID),
        newToOld=["PBD203"],
    ),
    "a field is removed where more is forbidden": Evolution(
        program("name: str; weight: float = 1.0", "('x', 1.5)", takes=_FORBID),
        program("name: str", "('x',)", takes=_FORBID),
        oldToNew=["PBD204"],
    ),
    "more is forbidden, and there is none": Evolution(
        _BOTH, program("name: str; weight: float", "('x', 1.5)", takes=_FORBID)
    ),
    "more is forbidden, and was ignored": Evolution(
        program("name: str; weight: float", "('x', 1.5)", "name: str"),
        program("name: str", "('x',)", takes=_FORBID),
        oldToNew=["PBD204"],
    ),
    "more is sent, and was ignored": Evolution(
        program("name: str; weight: float", "('x', 1.5)", "name: str"),
        program("name: str; weight: float; age: int", "('x', 1.5, 2)", "name: str"),
    ),
    "there is a version, which is forbidden": Evolution(
        program("name: str", "('x',)", takes=_FORBID),
        program("name: str", "('x',)", **_version(1, f"{_FORBID}\n{_upgrade(1)}")),
        newToOld=["PBD203"],
        covered=["PBD210"],
    ),
    "there is a version, which is ignored": Evolution(
        _NAME,
        program("name: str", "('x',)", **_version(1, _upgrade(1))),
        covered=["PBD210"],
    ),
    "another type": Evolution(
        *_typed("int", "str", "1", "'x'"), ["PBD205"], ["PBD205"]
    ),
    "a wider number": Evolution(*_typed("int", "float", "1", "1.5"), (), ["PBD205"]),
    "a narrower number": Evolution(*_typed("float", "int", "1.5", "1"), ["PBD205"]),
    "None as well": Evolution(
        *_typed("int", "Optional[int]", "1", "1; None"), (), ["PBD206"]
    ),
    "None no more": Evolution(*_typed("int | None", "int", "1; None", "1"), ["PBD206"]),
    "a member more": Evolution(
        *_typed(
            "Colour",
            "Colour",
            "Colour.BLUE",
            "Colour.BLUE; Colour.RED",
            before=_COLOUR,
            after=_COLOURS,
        ),
        (),
        ["PBD206"],
    ),
    "a member less": Evolution(
        *_typed(
            "list[Colour]",
            "list[Colour]",
            "[Colour.RED]; []",
            "[]; [Colour.GREEN]",
            before=_COLOURS,
            after=_COLOUR,
        ),
        ["PBD206"],
    ),
    "other values of members": Evolution(
        *_typed(
            "Colour",
            "Colour",
            "Colour.BLUE",
            "Colour.BLUE",
            before=_COLOUR,
            after=_COLOUR.replace("2", "'blue'"),
        )
    ),
    "text for an enum": Evolution(
        *_typed("Colour", "str", "Colour.BLUE", "'BLUE'; 'x'", both=_COLOUR),
        (),
        ["PBD206"],
    ),
    "an enum for a literal": Evolution(
        *_typed(
            "Literal['GREEN', 'BLUE']",
            "Colour",
            "'GREEN'; 'BLUE'",
            "Colour.GREEN",
            both=_COLOUR,
        )
    ),
    "other elements": Evolution(
        *_typed("list[int]", "list[str]", "[]; [1]", "[]; ['x']"),
        ["PBD206"],
        ["PBD206"],
    ),
    "another container": Evolution(
        *_typed("list[int]", "set[int]", "[1]", "{1}"), ["PBD205"], ["PBD205"]
    ),
    "a limit": Evolution(
        *_typed("int", "Annotated[int, Meta(gt=0)]", "0; 1", "1; 2"), ["PBD206"]
    ),
    "a looser limit": Evolution(
        *_typed(
            "Annotated[int, Meta(gt=0)]", "Annotated[int, Meta(ge=0)]", "1", "0; 1"
        ),
        (),
        ["PBD206"],
    ),
    "the same limit in other words": Evolution(
        *_typed("Annotated[int, Meta(gt=0)]", "Annotated[int, Meta(ge=1)]", "1", "1")
    ),
    "text for what travels as text": Evolution(
        *_typed("uuid.UUID", "str", "uuid.UUID(int=5)", "'x'"), (), ["PBD206"]
    ),
    "a path for text": Evolution(
        *_typed("str", "pathlib.Path", "'x'", "pathlib.Path('x')")
    ),
    "anything": Evolution(*_typed("int", "Any", "1", "1; 'x'"), (), ["PBD206"]),
    "not anything": Evolution(*_typed("Any", "int", "1; 'x'", "1"), ["PBD206"]),
    "another kind of objects": Evolution(
        *_typed("Toad", "Toad | Newt", "Toad('x')", "Newt('x')", both=_ANIMALS),
        (),
        ["PBD206"],
    ),
    "other objects": Evolution(
        *_typed("Toad", "Newt", "Toad('x')", "Newt('x')", both=_ANIMALS),
        ["PBD205"],
        ["PBD205"],
    ),
    "an upgrade": Evolution(
        _NAME,
        program(
            "title: str",
            "('x',)",
            **_version(1, _upgrade(1, "state['title'] = state.pop('name')")),
        ),
        (),
        ["PBD201"],
        ["PBD202", "PBD210"],
    ),
    "two upgrades": Evolution(
        program("name: str", "('x',)", **_version(1, _upgrade(1))),
        program(
            "title: int",
            "(1,)",
            **_version(
                3,
                _upgrade(2, "state['title'] = state.pop('name')")
                + _upgrade(3, "state['title'] = len(state['title'])"),
            ),
        ),
        (),
        ["PBD208"],
        ["PBD202", "PBD210"],
    ),
    "an upgrade is missing": Evolution(
        program("name: str", "('x',)", **_version(1)),
        program("name: str", "('x',)", **_version(3, _upgrade(3))),
        ["PBD209"],
        ["PBD208"],
    ),
    "newer ones are read": Evolution(
        program("name: str", "('x',)", **_version(1, "copyNewer = 'read'")),
        program(
            "name: str; age: int",
            "('x', 1)",
            **_version(2, _upgrade(2, "state['age'] = 0")),
        ),
        covered=["PBD202", "PBD210"],
    ),
    "newer ones are read, and are other ones": Evolution(
        program("name: str", "('x',)", **_version(1, "copyNewer = 'read'")),
        program("name: int", "(1,)", **_version(2, _upgrade(2, "state['name'] = 0"))),
        (),
        ["PBD205"],
        ["PBD205", "PBD210"],
    ),
    "a lower version": Evolution(
        program("name: str", "('x',)", **_version(2)),
        program("name: str", "('x',)", **_version(1)),
        ["PBD208"],
        ["PBD209"],
    ),
    "no version any more": Evolution(
        program("name: str", "('x',)", **_version(1, _upgrade(1))),
        _NAME,
        covered=["PBD210"],
    ),
    "no version any more, where more is forbidden": Evolution(
        program("name: str", "('x',)", **_version(1, _upgrade(1))),
        program("name: str", "('x',)", takes=_FORBID),
        ["PBD204"],
        covered=["PBD210"],
    ),
    "followed, and was copied": Evolution(
        _NAME, program("name: str", "('x',)", flavor="cache"), ["PBD103"], ["PBD103"]
    ),
    "copied, and was followed": Evolution(
        program("name: str", "('x',)", flavor="cache"), _NAME, ["PBD103"], ["PBD103"]
    ),
    "not received any more": Evolution(
        _NAME, program("name: str", "", tags="'other'"), ["PBD101"]
    ),
    "under another tag": Evolution(
        _NAME,
        program("name: str", "('x',)", tags="'Frog'", tag="Frog"),
        ["PBD101"],
        ["PBD102"],
    ),
    "under another tag, and the old one is received": Evolution(
        _NAME,
        program("name: str", "('x',)", tags="'Frog', 'pond.Frog'", tag="Frog"),
        (),
        ["PBD102"],
    ),
    "elements in another order": Evolution(
        *_typed(
            "Place",
            "Place",
            "Place(1, 2)",
            "Place(1, 2)",
            before=_PLACE,
            after=_TURNED,
        ),
        ["PBD206"],
        ["PBD206"],
        hidden=True,
    ),
    "elements with other names": Evolution(
        *_typed(
            "Place",
            "Place",
            "Place(1, 2)",
            "Place(1, 2)",
            before=_PLACE,
            after=_RENAMED,
        ),
    ),
    "what was local-only": Evolution(
        program("name: str; key: pb.LocalOnly[str] = ''", "('x', 'y')"),
        program("name: str; key: str = ''", "('x', 'y')"),
    ),
    "local-only now": Evolution(
        program("name: str; key: str", "('x', 'y')"),
        program("name: str; key: pb.LocalOnly[str] = ''", "('x', 'y')"),
        (),
        ["PBD201"],
    ),
    "declared by annotations alone": Evolution(
        program("name: str", "('x',)"),
        program(
            "name: str; weight: float",
            "('x', 1.5)",
            made="",
            sends="def __init__(self, name, weight):\n"
            "    self.name, self.weight = name, weight",
        ),
    ),
    "attrs": Evolution(
        program("name: str; weight: float = 1.0", "('x', 1.5)", made="@attrs.define"),
        program("name: str; weight: int", "('x', 2)", made="@attrs.frozen"),
        ["PBD205"],
    ),
    "fields that are named": Evolution(
        program(
            "",
            "('x',)",
            made="",
            sends="copyFields = ('name',)\ndef __init__(self, name): self.name = name",
            takes="copyFields = ('name',)",
        ),
        program(
            "",
            "('x', 1)",
            made="",
            sends="copyFields = ('name', 'age')\n"
            "def __init__(self, name, age): self.name, self.age = name, age",
            takes="copyFields = ('name', 'age')",
        ),
        ["PBD202"],
    ),
    "a constructor that wants more": Evolution(
        program("name: str", "('x',)", made="@dataclass"),
        program(
            "name: str; age: int",
            "('x', 1)",
            "name: str; age: int",
            made="",
            sends="def __init__(self, name, age): self.name, self.age = name, age",
            takes="copyConstruct = True\n"
            "def __init__(self, name, age): self.name, self.age = name, age",
        ),
        ["PBD202"],
    ),
    "a field that is not for the constructor": Evolution(
        _NAME,
        program(
            "name: str; age: int = field(init=False)",
            "('x',)",
            "name: str; age: int = field(init=False)",
            sends="def __post_init__(self): self.age = 1",
        ),
    ),
    "not checked any more": Evolution(
        *_typed("int", "str", "1", "'x'")[:1],
        program("thing: str", "('x',)", takes="copyChecked = False"),
        (),
        ["PBD205"],
    ),
    "fields of a cache": Evolution(
        program("name: str", "('x',)", flavor="cache"),
        program("name: str; weight: float", "('x', 1.5)", flavor="cache"),
        ["PBD202"],
    ),
    "announced, and observed": Evolution(
        _announcing(_ADD, "add(self, duck)"), _announcing(_ADD, "add(self, duck)")
    ),
    "announced as well": Evolution(
        _announcing(_ADD, "add(self, duck)"),
        _announcing(
            f"{_ADD}; self.observers.callRemote('drop')",
            "add(self, duck); drop(self)",
        ),
        (),
        ["PBD301"],
    ),
    "observed no more": Evolution(
        _announcing(
            f"{_ADD}; self.observers.callRemote('drop')",
            "add(self, duck); drop(self)",
        ),
        _announcing(_ADD, "add(self, duck)"),
        ["PBD302"],
    ),
    "announced with more": Evolution(
        _announcing(_ADD, "add(self, duck)"),
        _announcing(
            "self.observers.callRemote('add', 1, loud=2)",
            "add(self, duck, *, loud)",
        ),
        ["PBD303"],
        ["PBD303"],
    ),
    "announced with more, which has a default": Evolution(
        _announcing(_ADD, "add(self, duck)"),
        _announcing(
            "self.observers.callRemote('add', 1, 2)", "add(self, duck, loud=0)"
        ),
        (),
        ["PBD303"],
    ),
    "observed under other names": Evolution(
        _announcing(_ADD, "add(self, duck)"), _announcing(_ADD, "add(self, *more)")
    ),
    "given by name": Evolution(
        _announcing("self.observers.callRemote('add', duck=1)", "add(self, duck)"),
        _announcing("self.observers.callRemote('add', bird=1)", "add(self, bird)"),
        ["PBD303"],
        ["PBD303"],
    ),
}
