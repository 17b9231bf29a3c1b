"""
Whether a tag is what the sender says.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from pbext.audit._findings import Place, Severity
from pbext.audit._model import ClassModel, Program, Registered
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._uses import usesOf
from pbext.audit.reading._sources import Source
from pbext.audit.rules._said import Said, excludes, said
from pbext.audit.rules._scripts import MAIN, inMainBlock, startedBy
from pbext.audit.rules._tags import isLocal, isNested, misnamed, ownTag, saysTag
from pbext.wire._jelly import ATOMS

__all__: list[str] = []

_EXPLICIT = (
    "give it a tag of its own: typeToCopy = '...' in a class derived from pbext's "
    "pb.Copyable, or getTypeToCopy in one of Twisted's"
)


def _scripts(program: Program) -> Iterator[Hit]:
    """
    Classes whose module is started as a script.
    """
    expected = {entry.tag for entry in program.registrations}
    made: dict[Source, set[str]] = {}
    for cls in program:
        name = cls.qualname.rpartition(".")[2]
        if not cls.sends or saysTag(cls) or f"{MAIN}.{name}" in expected:
            continue
        if cls.module == MAIN:
            yield _asScript(cls, name, cls.qualname, None)
        elif cls.source is not None and cls.node is not None and cls.tag is not None:
            if cls.source not in made:
                made[cls.source] = _madeBy(cls.source)
            inside = inMainBlock(cls.source, cls.node)
            if inside or cls.name in made[cls.source]:
                sure = inside or any(
                    entry.place.path != cls.source.path
                    for entry in program.receivers(cls)
                )
                severity = None if sure else Severity.WARNING
                yield _asScript(cls, name, cls.tag, severity)


def _madeBy(source: Source) -> set[str]:
    """
    @return: what a script calls, when it is started: classes, too.
    """
    called = [node.func for node in startedBy(source) if isinstance(node, ast.Call)]
    return {source.resolve(function) or "" for function in called}


def _asScript(cls: ClassModel, name: str, meant: str, severity: Severity | None) -> Hit:
    return Hit(
        cls.place,
        cls.name,
        f"{cls.qualname} is sent as {MAIN}.{name} by a program that is started with "
        f"its module, and as {meant} by others",
        f"move it into a module that is only imported, or {_EXPLICIT}",
        severity,
    )


def _inside(program: Program) -> Iterator[Hit]:
    """
    Classes in classes and in functions.
    """
    uses = usesOf(program)
    first: dict[str, ClassModel] = {}
    for cls in program:
        if not cls.sends or cls.tag is None or saysTag(cls):
            continue
        used = cls.name in uses.made or cls.live is not None
        if isLocal(cls):
            sent = cls.name in uses.sent or bool(program.receivers(cls))
            if sent and not _isTest(cls):
                yield Hit(
                    cls.place,
                    cls.name,
                    f"{cls.qualname} is another class each time that its function "
                    f"is called, and all of them are sent as {cls.tag}",
                    f"define it in the module, or {_EXPLICIT}",
                    Severity.WARNING,
                )
        elif used:
            other = first.setdefault(f"{cls.module}:{cls.tag}", cls)
            if other is not cls and (isNested(cls) or isNested(other)):
                yield Hit(
                    cls.place,
                    cls.name,
                    f"{cls.qualname} and {other.qualname} are both sent as {cls.tag}",
                    _EXPLICIT,
                )


def _isTest(cls: ClassModel) -> bool:
    """
    Whether a class is made by a test, for itself alone.
    """
    names = [*cls.module.split("."), *cls.qualname.split(".")]
    return any(name.lower().lstrip("_").startswith("test") for name in names)


def _misnamed(program: Program) -> Iterator[Hit]:
    """
    Tags of registrations that all but fit.
    """
    for near in misnamed(program):
        cls, entry = near.sender, near.entry
        if cls.values.get("typeToCopy") == entry.tag:
            continue  # see _meaningless
        yield Hit(
            entry.place,
            cls.name,
            f"{cls.qualname} is sent as {cls.tag}, and registered as {entry.tag}",
            f"register {cls.tag}, or the class itself, or {_EXPLICIT}",
            None if near.sure else Severity.WARNING,
        )


def _meaningless(program: Program) -> Iterator[Hit]:
    """
    C{typeToCopy} where nobody asks for it.
    """
    for cls in program:
        if not cls.sends or cls.ours or saysTag(cls):
            continue
        tag = cls.values.get("typeToCopy")
        if isinstance(tag, str) and _isOwn(cls, "typeToCopy"):
            yield Hit(
                cls.place,
                cls.name,
                f"{cls.qualname} says typeToCopy, which Twisted's Copyable does not "
                f"ask for: it is sent as {cls.tag}",
                "derive it from pbext's pb.Copyable, or override getTypeToCopy",
            )


def _isOwn(cls: ClassModel, name: str) -> bool:
    """
    Whether a name stands in the body of a class itself.
    """
    if cls.live is not None:
        return name in vars(cls.live)
    return cls.node is not None and any(
        isinstance(target, ast.Name) and target.id == name
        for statement in cls.node.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in getattr(statement, "targets", [getattr(statement, "target", 0)])
    )


def _unasked(program: Program) -> Iterator[Hit]:
    """
    Classes that are named to Twisted's own function, which does not ask them for
    their tag.
    """
    for entry in program.registrations:
        cls = program.classes.get(entry.sender or "")
        if cls is None or cls.tag is None or entry.kind == "tree":
            continue
        taken = ownTag(cls)
        if cls.tag == taken:
            continue
        written = said(program, entry)
        if entry.tag == taken or (written is not None and written.byTwisted):
            yield Hit(
                entry.place,
                cls.name,
                f"Twisted's own function registers {taken} for {cls.qualname}, which "
                f"is sent as {cls.tag}",
                "use pbext's pb.setUnjellyableForClass, or name the tag",
            )


def _twice(program: Program) -> Iterator[Hit]:
    """
    Tags that become two classes.
    """
    known: dict[tuple[str, str], list[tuple[Registered, Said | None]]] = {}
    for entry in program.registrations:
        if entry.tag is None or entry.target is None or entry.kind == "copier":
            continue
        written = said(program, entry)
        to = "" if entry.shared else written.of if written is not None else "?"
        before = known.setdefault((entry.tag, to), [])
        for other, place in before:
            if other.target == entry.target or entry.replaces or to == "?":
                continue
            lives = all(
                cls is not None and cls.live is not None
                for target in (entry.target, other.target)
                for cls in (program.classes.get(target or ""),)
            )
            if _meet(place, written, lives):
                yield Hit(
                    entry.place,
                    entry.target,
                    f"{entry.tag} becomes {entry.target}, and no longer "
                    f"{other.target} as {_at(other.place)} says",
                    "register each tag once, or say replace=True to pbext's function",
                )
                break
        before.append((entry, written))


def _meet(one: Said | None, other: Said | None, lives: bool) -> bool:
    """
    @param lives: whether both targets are in this process.
    @return: whether two registrations are made in one process.
    """
    if one is None or other is None:
        return lives
    return (
        (lives or one.source is other.source)
        and one.always
        and other.always
        and not excludes(one, other)
    )


def _at(place: Place) -> str:
    return str(place) if place.path else "another registration"


def _forbidden(program: Program) -> Iterator[Hit]:
    """
    Tags that are no tags.
    """
    for entry in program.registrations:
        if entry.tag is None:
            continue
        subject = entry.target or entry.module
        if entry.tag.encode("utf-8", "replace") in ATOMS or not entry.tag.strip():
            yield Hit(
                entry.place,
                subject,
                f"the tag {entry.tag!r} is one of jelly's own words: whatever "
                f"arrives under it is no longer what it was",
                "use another tag",
            )
        elif "." not in entry.tag:
            written = said(program, entry)
            if written is not None and isinstance(written.node, ast.Subscript):
                yield Hit(
                    entry.place,
                    subject,
                    f"the tag {entry.tag!r} is put into Twisted's table by hand, and "
                    f"has no dot: globalSecurity refuses it",
                    "use setUnjellyableForClass, which lets it in",
                )


_PARTS: tuple[Callable[[Program], Iterator[Hit]], ...] = (
    _scripts,
    _inside,
    _misnamed,
    _meaningless,
    _unasked,
    _twice,
    _forbidden,
)


def _mismatched(program: Program) -> Iterator[Hit]:
    for part in _PARTS:
        yield from part(program)


TAGS = Rule(
    id="PBX104",
    severity=Severity.ERROR,
    title="a tag that does not match what the sender will say",
    explanation="""\
An object travels under a tag, and the receiver looks for that tag, letter by letter.
By default it is the module and the name of the class *as the sending process knows
them*: a module that is started as a script is ``__main__`` there, whatever it is called
elsewhere; of a class inside of another class or a function only its own name counts, so
that two of them may have one tag.

Where the tags differ, the object is refused with ``InsecureJelly``, and stock's
receivers of an answer drop the connection.  Where two classes have one tag, the one
that was registered last stands for both, and nobody says so.

``typeToCopy`` is pbext's.  Twisted's own ``Copyable`` does not ask for it, nor does
Twisted's ``setUnjellyableForClass`` if it is given a class.""",
    bad="""\
from twisted.spread import pb


class Frog(pb.Copyable):
    typeToCopy = "pond.Frog"


class RemoteFrog(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("pond.Frog", RemoteFrog)
""",
    good="""\
from pbext import pb


class Frog(pb.Copyable):
    typeToCopy = "pond.Frog"


class RemoteFrog(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("pond.Frog", RemoteFrog)
""",
    fix="let the sender and the registration say the same",
    find=_mismatched,
)
