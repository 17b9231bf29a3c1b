"""
What stands in the fields of what is sent, and of what receives.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._findings import Place, Severity
from pbext.audit._model import UNKNOWN, ClassModel, Field, Method, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._states import State, namesIn
from pbext.audit.reading._bodies import selfOf, shallow, written
from pbext.audit.reading._sources import Source
from pbext.audit.reading._typed import ANY, TYPED_DICT, namedBy
from pbext.audit.rules._receiving import byPbext
from pbext.audit.rules._said import sourceOf
from pbext.audit.rules._unsendable import ONLY_OURS, UNSENDABLE

__all__: list[str] = []


def _states(program: Program, cls: ClassModel) -> list[State]:
    if not cls.sends:
        return []
    return [state for state in statesOf(program, cls) if state is not None]


#: Hooks that run where an object has arrived, which is seldom sent on.
_ARRIVING = ("setCopyableState", "unjellyFor", "postUnjelly")


def _stuck(program: Program) -> Iterator[Hit]:
    seen: set[Place] = set()
    for cls in sorted(program, key=lambda cls: len(cls.bases)):
        names: dict[str, bool] = {}
        for state in _states(program, cls):
            for name in namesIn(cls, state):
                names[name] = state.gathered == "pbext"
        for hit in [*_put(cls, names), *_declared(program, cls, names)]:
            if hit.place not in seen:
                seen.add(hit.place)
                yield hit


def _put(cls: ClassModel, names: dict[str, bool]) -> Iterator[Hit]:
    """
    What methods put into attributes that travel.

    @param names: these, and whether pbext's own hook gathers them.
    """
    for method in cls.methods.values():
        if method.node is None or method.source is None:
            continue
        if method.name in _ARRIVING:
            continue
        itself = selfOf(method.node)
        for node in shallow(method.node.body):
            if not isinstance(node, ast.Assign):
                continue
            targets = [written(target).rpartition(".") for target in node.targets]
            put = [name for owner, _, name in targets if owner == itself]
            put = [name for name in put if name in names]
            word = _word(cls, method, node.value, names[put[0]]) if put else None
            if word is not None:
                only = all(len(cls.assigned.get(name, ())) == 1 for name in put)
                yield Hit(
                    method.source.place(node.targets[0]),
                    cls.name,
                    f"{cls.qualname} sends {', '.join(put)}, which "
                    f"{'holds' if len(put) == 1 else 'hold'} {word}",
                    "",
                    None if only and method.name == "__init__" else Severity.WARNING,
                )


def _word(cls: ClassModel, method: Method, value: ast.expr, byOurs: bool) -> str | None:
    """
    @return: what cannot be sent of what an expression gives, in a word.
    """
    assert method.source is not None and method.node is not None
    if isinstance(value, ast.Lambda):
        return "a function"
    if isinstance(value, ast.GeneratorExp):
        return "a generator"
    if isinstance(value, ast.Attribute):
        itself = written(value.value) == selfOf(method.node)
        return "a method" if itself and value.attr in cls.methods else None
    if not isinstance(value, ast.Call):
        return None
    name = method.source.resolve(value.func) or ""
    declares = byOurs and cls.declares
    if name in ONLY_OURS and not declares:
        return f"{_article(name)} {name.rpartition('.')[2]}"
    return UNSENDABLE.get(name)


def _article(name: str) -> str:
    return "an" if name.rpartition(".")[2][0] in "AEIOaeio" else "a"


def _declared(
    program: Program, cls: ClassModel, names: dict[str, bool]
) -> Iterator[Hit]:
    """
    What the fields that travel are declared to hold.
    """
    for field in cls.fields:
        named = namedBy(program, field) if field.name in names else None
        if named is None:
            continue
        for part, certain in named.walk():
            word = UNSENDABLE.get(part.name)
            if word is None and part.name in ONLY_OURS and not names[field.name]:
                word = f"{_article(part.name)} {part.name.rpartition('.')[2]}"
            if word is not None:
                yield Hit(
                    field.place if field.place.path else cls.place,
                    cls.name,
                    f"{cls.qualname} sends {field.name}, which holds {word}",
                    "",
                    None if certain else Severity.WARNING,
                )
                break


SENDABLE = Rule(
    id="PBX203",
    severity=Severity.ERROR,
    title="a field that cannot travel",
    explanation="""\
Of a lock, a file, a Deferred, of most objects whose class is no Copyable, and also of
an ``Enum``, a ``UUID``, a ``Path`` or a ``deque``, Twisted's ``Copyable`` sends a note
in their place: no error at the sender, an ``Unpersistable`` at the receiver, which
fails when it is used.  A function or a method makes the call fail that was to carry it.

pbext's classes refuse it at the sender, with the path.  ``Enum``, ``UUID``, ``Path``
and some others travel as fields that a class of pbext's declares.""",
    bad="""\
import threading

from twisted.spread import pb


class Pond(pb.Copyable):
    def __init__(self):
        self.frogs = []
        self.lock = threading.Lock()
""",
    good="""\
import threading

from pbext import pb


class Pond(pb.Copyable):
    localFields = ["lock"]

    def __init__(self):
        self.frogs = []
        self.lock = threading.Lock()
""",
    fix="keep it at home, by localFields or LocalOnly in a class derived from pbext's "
    "pb.Copyable, or send what it is made of",
    find=_stuck,
)

#: By what a value arrives as: what becomes of it, if a union holds that too.
_AMBIGUOUS = {
    "builtins.str": frozenset(
        n for n in ONLY_OURS if n.startswith(("enum", "pathlib", "uuid"))
    ),
    "builtins.bytes": frozenset({"builtins.bytearray"}),
    "builtins.list": frozenset({"collections.deque"}),
    "builtins.tuple": frozenset({"builtins.complex"}),
    "builtins.dict": frozenset(
        {"collections.Counter", "collections.OrderedDict", "collections.defaultdict"}
    ),
}


def _unchecked(program: Program) -> Iterator[Hit]:
    seen: set[Place] = set()
    for cls in sorted(program, key=lambda cls: len(cls.bases)):
        if not byPbext(cls) or cls.values.get("copyChecked") is False:
            continue
        for field in cls.fields:
            if field.local or field.place in seen:
                continue
            for message, severity in _lax(program, cls, field):
                seen.add(field.place)
                yield Hit(
                    field.place if field.place.path else cls.place,
                    cls.name,
                    f"{cls.qualname}.{field.name} {message}",
                    severity=severity,
                )
                break


def _lax(
    program: Program, cls: ClassModel, field: Field
) -> Iterator[tuple[str, Severity | None]]:
    source = sourceOf(program, field.place.path)
    missing = _missing(source, field) if source is not None else ""
    if missing or (cls.live is not None and field.type is UNKNOWN and field.annotation):
        name = missing or "something"
        yield (
            f"is annotated with {name}, which is not there when the program runs, so "
            f"that whatever arrives is taken",
            Severity.WARNING,
        )
        return
    named = namedBy(program, field)
    if named is None:
        return
    for arms in named.unions():
        for base, others in _AMBIGUOUS.items():
            both = sorted(arms & others)
            if base in arms and both:
                plain, other = base.rpartition(".")[2], both[0].rpartition(".")[2]
                yield (
                    f"may be {plain} or {other}, which arrives as {plain}: the first "
                    f"of them that fits is taken for both",
                    Severity.WARNING,
                )
    for part, _ in named.walk():
        module, _, last = part.name.rpartition(".")
        if part.name in UNSENDABLE or part.name in ANY:
            continue
        if part.name == TYPED_DICT:
            yield "is a TypedDict, of which no key and no value is checked", None
        elif module == "collections.abc" or (module == "typing" and last in _ABSTRACT):
            yield f"is a {last}, of which nothing is checked", None


#: What C{typing} calls what C{collections.abc} has.
_ABSTRACT = frozenset(
    "AbstractSet Collection Container Iterable Mapping MutableMapping MutableSequence "
    "MutableSet Reversible Sequence Sized".split()
)


def _missing(source: Source, field: Field) -> str:
    """
    @return: what an annotation names that is imported for type checkers only.
    """
    only = {
        alias.asname or alias.name
        for kind in (source.of(ast.ImportFrom), source.of(ast.Import))
        for node in kind
        if _isForCheckers(source, node)
        for alias in node.names
    }
    if not only:
        return ""
    try:
        tree = ast.parse(field.annotation, mode="eval")
    except SyntaxError:
        return ""
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    return next((name for name in names if name in only), "")


def _isForCheckers(source: Source, node: ast.AST) -> bool:
    return any(
        isinstance(outer, ast.If) and written(outer.test).endswith("TYPE_CHECKING")
        for outer in source.enclosing(node)
    )


UNCHECKED = Rule(
    id="PBX204",
    severity=Severity.NOTE,
    title="an annotation that is not checked when data arrives",
    explanation="""\
pbext's classes check what arrives for the fields that they declare.  Of an abstract
container (``Sequence``, ``Mapping``) and of a ``TypedDict`` they check nothing that is
in it, of the first not even what it is.  A name that is imported for type checkers only
cannot be found at run time, so that anything is taken.

Some types travel as others: a ``Path`` as a string, a ``deque`` as a list.  In a union
of the two nobody can tell at the receiver which it was, and the first that fits is
taken.""",
    bad="""\
from collections.abc import Sequence

from pbext import pb


class Pond(pb.RemoteCopy):
    frogs: Sequence[str]
""",
    good="""\
from pbext import pb


class Pond(pb.RemoteCopy):
    frogs: list[str]
""",
    fix="annotate it with what it is: list[...], dict[...], a class, one of the two",
    find=_unchecked,
)


def _undeclared(program: Program) -> Iterator[Hit]:
    targets = {entry.target for entry in program.registrations if entry.kind == "class"}
    for cls in program:
        if cls.name not in targets or not byPbext(cls) or not cls.complete:
            continue
        own = "setCopyableState" in cls.methods or "setCopyableState" in cls.values
        if not cls.declares and not own:
            yield Hit(
                cls.place,
                cls.name,
                f"{cls.qualname} declares no fields: it takes any public name and "
                f"any value",
            )


UNDECLARED = Rule(
    id="PBX201",
    severity=Severity.NOTE,
    title="a class that receives, and does not say what",
    explanation="""\
A class that declares no fields takes what its peer sends: every name that is an
identifier, not private and no attribute of the class, with any value.  Whatever reads
it later finds out what that was.

Declared fields are checked when they arrive: a dataclass, an attrs class, annotations.
(Twisted's own ``RemoteCopy`` takes even more: its peer may replace methods, too.)""",
    bad="""\
from pbext import pb


class Frog(pb.Copyable, pb.RemoteCopy):
    def __init__(self, colour):
        self.colour = colour


pb.setUnjellyableForClass(Frog, Frog)
""",
    good="""\
from dataclasses import dataclass

from pbext import pb


@dataclass
class Frog(pb.Copyable, pb.RemoteCopy):
    colour: str


pb.setUnjellyableForClass(Frog, Frog)
""",
    fix="make it a dataclass, or annotate its fields",
    find=_undeclared,
)
