"""
What a name in a source stands for, followed through imports, aliases and the
other modules of the target by griffe, which reads and runs nothing.
"""

from __future__ import annotations

import ast
import builtins
from functools import cache
from importlib import import_module
from logging import getLogger
from pathlib import Path
from typing import Any

from pbext.audit.reading._bodies import FUNCTIONS
from pbext.audit.reading._scopes import bindings, inBody, qualnameOf
from pbext.audit.reading._sources import Source, Unread, textOf

__all__ = ["FRAMEWORK", "Names", "NeedsExtra", "frameworkBases", "isFramework"]

#: Whose names are followed by asking the modules themselves, which are loaded
#: in any case; nothing in them is the program's.
FRAMEWORK = ("twisted.spread", "pbext")

#: Names that are followed from one to the next, before it is given up.
_HOPS = 30

_SCOPES = (*FUNCTIONS, ast.Lambda)


class NeedsExtra(Exception):
    """
    A library is missing, which comes with an extra.
    """

    def __init__(self) -> None:
        super().__init__(
            "reading sources needs a library that is not here: "
            "pip install 'pbext[audit]'"
        )


def isFramework(name: str) -> bool:
    """
    @return: whether a canonical name is Twisted's or pbext's own.
    """
    return any(name == top or name.startswith(f"{top}.") for top in FRAMEWORK) and not (
        name.startswith("twisted.spread.test.")
    )


@cache
def _framework(name: str) -> Any:
    """
    @return: what a name of the framework stands for, or C{None}.
    """
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            found = getattr(found, part, None)
        return found
    return None


@cache
def _definition(name: str) -> str:
    """
    @return: the canonical name of something of the framework's: where it is
        defined, not where it was found.
    """
    found = _framework(name)
    module = getattr(found, "__module__", None)
    qualname = getattr(found, "__qualname__", None)
    if not module or not qualname or not isFramework(module):
        return name
    return f"{module}.{qualname}"


@cache
def frameworkBases(name: str) -> tuple[str, ...]:
    """
    @return: a class of the framework and all above it, by their canonical
        names; nothing if it is no class.
    """
    found = _framework(name)
    if not isinstance(found, type):
        return ()
    return tuple(
        f"{base.__module__}.{base.__qualname__}"
        for base in found.__mro__
        if base is not object
    )


class Names:
    """
    The names of the modules that Python would find in one directory.

    @ivar elsewhere: where a name is looked for that this directory does not
        have: the other directories of the target.
    """

    def __init__(self) -> None:
        try:
            import griffe
        except ImportError:
            raise NeedsExtra from None
        # What it cannot follow, it would log; here that is no news.
        getLogger("griffe").disabled = True
        self._griffe: Any = griffe
        self._offered: dict[str, str] = {}
        self._packages: set[str] = set()
        self._read: dict[str, Any] = {}
        self._labels: dict[str, str] = {}
        self._unlabelled: dict[str, str] = {}
        self._following: set[ast.expr] = set()
        self.elsewhere: list[Names] = []

    def offer(self, module: str, path: str) -> None:
        """
        Let the names of a module be known when they are asked for.
        """
        self._offered[module] = path
        while "." in module:
            module = module.rpartition(".")[0]
            self._packages.add(module)

    def label(self, module: str, label: str) -> None:
        """
        @param label: what the module is called in canonical names.
        """
        self._labels[module] = label
        if label != module:
            self._unlabelled[label] = module

    def _module(self, name: str) -> Any:
        """
        @return: a module, as griffe has it; C{None} if there is none.
        """
        if name not in self._read:
            self._read[name] = None  # of one that asks for itself
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> Any:
        path = self._offered.get(name)
        # A package may have no file of its own, or one that is no target.
        if path is None and name not in self._packages:
            return None
        text = textOf(path) if path is not None else ""
        if isinstance(text, Unread):
            return None
        parent, _, last = name.rpartition(".")
        try:
            return self._griffe.visit(
                last,
                Path(path or f"{last}/__init__.py"),
                text,
                parent=self._module(parent) if parent else None,
            )
        except Exception:  # what cannot be read is named by who parses it
            return None

    def canonical(self, name: str) -> str | None:
        """
        @param name: a dotted name, as a module of this directory would import
            it.
        @return: the canonical one: where it is defined; of what a call
            returns, say, the variable that holds it.  C{None} if the way there
            has no end.
        """
        for _ in range(_HOPS):
            if isFramework(name):
                return _definition(name)
            name, last = self._step(name)
            if last:
                return name
        return None

    def _step(self, name: str) -> tuple[str, bool]:
        """
        @return: the next name on the way, and whether that is the last one.
        """
        parts = name.split(".")
        found = self._module(parts[0])
        if found is None:
            for other in self.elsewhere:
                if other._module(parts[0]) is not None:
                    return other.canonical(name) or name, True
            return name, True
        for at, part in enumerate(parts[1:], 1):
            rest = parts[at:]
            member = found.members.get(part)
            if member is None and found.is_module:
                member = self._module(".".join(parts[: at + 1]))
            if member is None:
                wider = self._starred(found, rest) if found.is_module else None
                return (wider, False) if wider else (self._labelled(name), True)
            if member.is_alias:
                return ".".join([member.target_path, *rest[1:]]), False
            if member.is_attribute:
                value = member.value
                if isinstance(
                    value, (self._griffe.ExprName, self._griffe.ExprAttribute)
                ):
                    return ".".join([value.canonical_path, *rest[1:]]), False
                return self._labelled(name), True
            found = member
        return self._labelled(name), True

    def _starred(
        self, module: Any, rest: list[str], seen: frozenset[str] = frozenset()
    ) -> str | None:
        """
        Look a name up in what a module imports whole.
        """
        seen |= {module.path}
        for member in module.members.values():
            if member.is_alias and member.name.endswith("/*"):
                path = member.target_path
                if isFramework(path):
                    if _framework(f"{path}.{rest[0]}") is not None:
                        return ".".join([path, *rest])
                    continue
                there = self._module(path)
                if there is None or there.path in seen:
                    continue
                if rest[0] in there.members or self._starred(there, rest, seen):
                    return ".".join([path, *rest])
        return None

    def _labelled(self, name: str) -> str:
        """
        @return: a name in which the module is called by its label.
        """
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            label = self._labels.get(".".join(parts[:count]))
            if label is not None:
                return ".".join([label, *parts[count:]])
        return name

    def resolve(self, source: Source, node: ast.expr) -> str | None:
        """
        See L{Source.resolver}.
        """
        if isinstance(node, ast.Subscript):  # of a generic class
            return self.resolve(source, node.value)
        if isinstance(node, ast.Attribute):
            owner = self.resolve(source, node.value)
            return owner and self._attribute(owner, node.attr)
        if not isinstance(node, ast.Name):
            return None
        return self._name(source, node)

    def _attribute(self, owner: str, name: str) -> str | None:
        for names in (self, *self.elsewhere):
            for label, module in names._unlabelled.items():
                if owner == label or owner.startswith(f"{label}."):
                    return names.canonical(f"{module}{owner[len(label) :]}.{name}")
        return self.canonical(f"{owner}.{name}")

    def _name(self, source: Source, node: ast.Name) -> str | None:
        directly = True  # names of a class are not seen from its functions
        for scope in source.enclosing(node):
            if isinstance(scope, _SCOPES):
                bound = bindings(scope)
                if node.id in bound:
                    return self._local(source, bound[node.id])
                directly = False
            elif isinstance(scope, ast.ClassDef) and directly:
                inner = inBody(scope, node)
                if inner is not None:
                    return self._local(source, inner)
        if self._inModule(source.module, node.id):
            return self.canonical(f"{source.module}.{node.id}")
        return f"builtins.{node.id}" if hasattr(builtins, node.id) else None

    def _inModule(self, name: str, member: str) -> bool:
        module = self._module(name)
        if module is None:
            return False
        return member in module.members or bool(self._starred(module, [member]))

    def _here(self, source: Source, node: ast.AST) -> str:
        """
        @return: the canonical name of a class or function in a source.
        """
        return f"{source.label}.{qualnameOf(source, node)}"

    def _local(self, source: Source, bound: Any) -> str | None:
        if isinstance(bound, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            return self._here(source, bound)
        if isinstance(bound, str):
            return self.canonical(bound)
        if isinstance(bound, tuple):
            module = self._module(source.module)
            if module is None:
                return None
            return self.canonical(self._griffe.relative_to_absolute(*bound, module))
        if not isinstance(bound, ast.expr) or bound in self._following:
            return None
        self._following.add(bound)
        try:
            return self.resolve(source, bound)
        finally:
            self._following.discard(bound)
