"""
A program, as far as it matters on the wire: its classes and what each declares,
what is registered for which tag, and its sources.

It is read from the sources (L{pbext.audit.reading._reader}), from what lives in a
process (L{pbext.audit.living._live}), or from both; the rules do not know which.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from pbext.audit._findings import NOWHERE, Place
from pbext.audit.reading._sources import Source, Unread

__all__ = [
    "UNKNOWN",
    "ClassModel",
    "Computed",
    "Field",
    "Made",
    "Method",
    "Program",
    "Reference",
    "Registered",
]


class _Unknown(enum.Enum):
    UNKNOWN = "?"

    def __repr__(self) -> str:
        return "UNKNOWN"


#: The value of an attribute of a class, if it cannot be known without running it.
UNKNOWN = _Unknown.UNKNOWN


@attrs.frozen
class Reference:
    """
    The value of an attribute of a class that is another's name.

    @ivar name: what it stands for, canonical.
    """

    name: str


@attrs.frozen
class Computed:
    """
    The value of an attribute of a class that is a property.

    @ivar settable: whether it has a setter.
    """

    settable: bool


class Made(enum.Enum):
    """
    How a class is made.
    """

    PLAIN = "plain"
    DATACLASS = "dataclass"
    ATTRS = "attrs"


@attrs.frozen
class Method:
    """
    A function in the body of a class.

    @ivar name: its name in the class.
    @ivar owner: the class in whose body it stands, as L{ClassModel.name}.
    @ivar place: its C{def} line.
    @ivar least: the fewest arguments that it takes by position, not counting
        C{self} or C{cls}.
    @ivar most: the most; C{None} if there is no end.
    @ivar required: the names of arguments that can only be given by name, and
        have to be.
    @ivar keywords: the names that it takes by name; C{None} if any.
    @ivar decorators: canonical names of its decorators, C{"?"} for one that
        cannot be followed.
    @ivar node: its source, if that was read.
    @ivar source: the file of that.
    """

    name: str
    owner: str
    place: Place
    least: int = 0
    most: int | None = 0
    required: frozenset[str] = frozenset()
    keywords: frozenset[str] | None = frozenset()
    decorators: tuple[str, ...] = ()
    node: ast.FunctionDef | ast.AsyncFunctionDef | None = attrs.field(
        default=None, eq=False, repr=False
    )
    source: Source | None = attrs.field(default=None, eq=False, repr=False)

    def takes(self, count: int, names: frozenset[str] = frozenset()) -> bool:
        """
        @param count: how many arguments are given by position.
        @param names: which are given by name.
        @return: whether a call like that can succeed.
        """
        if self.most is not None and count > self.most:
            return False
        if self.keywords is not None and not names <= self.keywords:
            return False
        return self.required <= names and count + len(names) >= self.least


@attrs.frozen
class Field:
    """
    A field that a class declares.

    @ivar name: its name.
    @ivar annotation: as it stands in the source, or C{""} if it has none.
    @ivar local: whether it never travels: marked C{LocalOnly}, named in
        C{localFields}, or private.
    @ivar hasDefault: whether an object can be made without it.
    @ivar place: where it is declared.
    @ivar type: what its annotation evaluates to; C{UNKNOWN} if only the source
        was read, or it cannot be evaluated.
    """

    name: str
    annotation: str = ""
    local: bool = False
    hasDefault: bool = False
    place: Place = NOWHERE
    type: Any = attrs.field(default=UNKNOWN, eq=False)


@attrs.frozen(eq=False)
class ClassModel:
    """
    A class of the program that has to do with Perspective Broker.

    @ivar module: its module, as importing programs know it; if there are
        several of that name, followed by C{@} and its path.
    @ivar qualname: its name there, with C{<locals>} as in C{__qualname__}.
    @ivar place: its C{class} line.
    @ivar bases: canonical names of all the classes above it, in the order of
        attribute lookup: of the program, of Twisted and of pbext
        (C{"twisted.spread.flavors.Copyable"}), as far as they can be followed.
    @ivar complete: whether all of them could be.
    @ivar methods: by name, the functions that its instances have of the
        program itself, inherited ones too; none of Twisted's or pbext's.
    @ivar values: by name, the attributes in the bodies of the program's own
        classes, inherited ones too, that are no functions: literal ones as
        values, names as L{Reference}, properties as L{Computed}, others
        C{UNKNOWN}.
    @ivar fields: what it declares as fields, inherited ones too.
    @ivar declares: whether it declares any, or none on purpose.
    @ivar made: how.
    @ivar frozen: whether its instances cannot be changed.
    @ivar slots: the slots that its own classes give it; C{None} if none of them
        has C{__slots__}.
    @ivar tag: under which its instances travel; C{None} if that cannot be known
        (C{getTypeToCopy} is a method of its own).
    @ivar assigned: by name, where its methods set C{self.name}, first place
        first; of sources only.
    @ivar live: the class itself, if it lives in this process.
    @ivar node: its source, if that was read.
    @ivar source: the file of that.
    """

    module: str
    qualname: str
    place: Place
    bases: tuple[str, ...] = ()
    complete: bool = True
    methods: Mapping[str, Method] = attrs.Factory(dict)
    values: Mapping[str, Any] = attrs.Factory(dict)
    fields: tuple[Field, ...] = ()
    declares: bool = False
    made: Made = Made.PLAIN
    frozen: bool = False
    slots: tuple[str, ...] | None = None
    tag: str | None = None
    assigned: Mapping[str, Sequence[Place]] = attrs.Factory(dict)
    live: type | None = None
    node: ast.ClassDef | None = attrs.field(default=None, repr=False)
    source: Source | None = attrs.field(default=None, repr=False)

    @property
    def name(self) -> str:
        """
        Canonical: C{"package.module.Class"}.
        """
        return f"{self.module}.{self.qualname}"

    def isA(self, flavor: str) -> bool:
        """
        @param flavor: the name of one of Twisted's classes that PB programs
            derive from, such as C{"Copyable"}, C{"RemoteCache"} or
            C{"RemotePublished"}; pbext's own of that name are derived from it.
        @return: whether this is one.
        """
        return any(
            base.startswith("twisted.spread.") and base.endswith(f".{flavor}")
            for base in self.bases
        )

    @property
    def ours(self) -> bool:
        """
        Whether pbext's flavors stand behind it, and not Twisted's alone.
        """
        return any(base.startswith("pbext.") for base in self.bases)

    @property
    def sends(self) -> bool:
        """
        Whether its instances are copied or followed.
        """
        return self.isA("Copyable")  # which a Cacheable is, too

    @property
    def receives(self) -> bool:
        """
        Whether it can stand for what has arrived.
        """
        return self.isA("RemoteCopy")  # which a RemoteCache is, too

    def own(self, name: str) -> Method | None:
        """
        @return: the method of that name, if it stands in the body of this very
            class.
        """
        method = self.methods.get(name)
        return method if method is not None and method.owner == self.name else None


@attrs.frozen
class Registered:
    """
    What a program has said that a tag becomes.

    @ivar tag: the tag; C{None} if it cannot be known without running it.
    @ivar kind: C{"class"}, C{"factory"}, C{"copier"}, or C{"tree"} for all of a
        module's classes that derive from C{sender}.
    @ivar sender: the class that was named in place of a tag, or C{None}.
    @ivar target: what receives: canonical name; C{None} if it cannot be known.
    @ivar place: where it is said.
    @ivar module: by which module; of a tree, for which.
    @ivar shared: whether it is said to the tables of the process, and not to a
        registry of a factory's own.
    @ivar replaces: whether it says so itself.
    @ivar alien: whether it is by a module that is no target, but was imported
        by one.
    """

    tag: str | None
    kind: str
    sender: str | None
    target: str | None
    place: Place
    module: str
    shared: bool = True
    replaces: bool = False
    alien: bool = False


@attrs.frozen(eq=False)
class Program:
    """
    What is audited.

    @ivar classes: by L{ClassModel.name}.
    @ivar registrations: in the order in which they are made, as far as known.
    @ivar sources: the files that have to do with PB.
    @ivar unread: the files that could not be read.
    @ivar count: how many files there are in all.
    @ivar widened: what a live process has opened for every port, in words:
        C{"globalSecurity allows instances of pond.Frog"}.
    """

    classes: Mapping[str, ClassModel] = attrs.Factory(dict)
    registrations: Sequence[Registered] = ()
    sources: Sequence[Source] = ()
    unread: Sequence[Unread] = ()
    count: int = 0
    widened: Sequence[str] = ()

    def __iter__(self) -> Iterator[ClassModel]:
        """
        The classes, by module and line.
        """
        return iter(
            sorted(self.classes.values(), key=lambda c: (c.module, c.place.line))
        )

    def receivers(self, sender: ClassModel) -> list[Registered]:
        """
        @return: the registrations that are for what a class sends: by its tag,
            or by naming it.
        """
        return [
            entry
            for entry in self.registrations
            if entry.sender == sender.name
            or (entry.tag is not None and entry.tag == sender.tag)
        ]

    def senders(self, receiver: ClassModel) -> list[ClassModel]:
        """
        @return: the classes of the program whose instances become instances of
            C{receiver}.
        """
        tags = {e.tag for e in self.registrations if e.target == receiver.name}
        named = {e.sender for e in self.registrations if e.target == receiver.name}
        return [
            cls
            for cls in self
            if cls.sends and (cls.name in named or (cls.tag and cls.tag in tags))
        ]
