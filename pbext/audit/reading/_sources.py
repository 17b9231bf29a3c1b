"""
Source files: which there are, and what stands in them.  They are only read.
"""

from __future__ import annotations

import ast
import os
import tokenize
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import invalidate_caches
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, TypeVar

import attrs

from pbext.audit._findings import Place

__all__ = [
    "NoSuchTarget",
    "Source",
    "Unread",
    "filesOf",
    "moduleOf",
    "parse",
    "shownPath",
    "textOf",
]

_Node = TypeVar("_Node", bound=ast.AST)

#: Python, also as twistd reads it.
_SUFFIXES = (".py", ".tac")

#: Directories that hold no sources of the program's.
_SKIPPED = frozenset({"__pycache__", "node_modules"})


class NoSuchTarget(Exception):
    """
    A target is neither a module that can be found nor a path.
    """


@attrs.frozen
class Unread:
    """
    A file that could not be read.

    @ivar path: the file.
    @ivar why: in words, with the line if there is one.
    """

    path: str
    why: str


@attrs.frozen(eq=False, slots=False)
class Source:
    """
    A file that has been read.

    @ivar path: as it is shown.
    @ivar module: what importing programs call it.
    @ivar text: all of it.
    @ivar tree: the same, parsed.
    @ivar resolver: gives the canonical name of what a name or an attribute in
        this file stands for, or C{None}: see L{pbext.audit.reading._names}.
    @ivar label: what the module is called in canonical names: as importing
        programs do, but for one of several of the same name.
    """

    path: str
    module: str
    text: str = attrs.field(repr=False)
    tree: ast.Module = attrs.field(repr=False)
    resolver: Callable[[Source, ast.expr], str | None] = attrs.field(
        default=lambda source, node: None, repr=False
    )
    label: str = attrs.Factory(lambda self: self.module, takes_self=True)

    @cached_property
    def lines(self) -> list[str]:
        """
        The lines, without their ends.
        """
        # As the parser counts them: str.splitlines also splits at form feeds.
        return self.text.split("\n")

    @cached_property
    def _index(self) -> tuple[dict[ast.AST, ast.AST], dict[type, list[Any]]]:
        # Walked once, for everybody.
        parents: dict[ast.AST, ast.AST] = {}
        kinds: dict[type, list[Any]] = {}
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            kinds.setdefault(type(node), []).append(node)
            children = list(ast.iter_child_nodes(node))
            parents.update(dict.fromkeys(children, node))
            waiting += reversed(children)
        return parents, kinds

    @property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """
        What each node stands in.
        """
        return self._index[0]

    def of(self, kind: type[_Node]) -> Sequence[_Node]:
        """
        @return: the nodes of a kind, in the order of the text.
        """
        return self._index[1].get(kind, ())

    def enclosing(self, node: ast.AST) -> Iterator[ast.AST]:
        """
        @return: what a node stands in, from the inside out.
        """
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def place(self, node: ast.AST) -> Place:
        """
        @return: where a node stands; of a class or a function, its first line
            without the decorators.
        """
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        end = getattr(node, "end_lineno", None) or line
        endColumn = getattr(node, "end_col_offset", None) or column
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            end, endColumn = line, len(self.lines[line - 1].encode())
        return Place(
            self.path,
            line,
            self._characters(line, column),
            end,
            self._characters(end, endColumn),
        )

    def _characters(self, line: int, count: int) -> int:
        # The parser counts the bytes of UTF-8.
        if not 0 < line <= len(self.lines):
            return count
        return len(self.lines[line - 1].encode()[:count].decode("utf-8", "replace"))

    def resolve(self, node: ast.expr | None) -> str | None:
        """
        @return: the canonical name of what an expression stands for, such as
            C{"twisted.spread.flavors.Copyable"}, or C{None} if that cannot be
            known.
        """
        return None if node is None else self.resolver(self, node)


def parse(path: str, module: str, text: str) -> Source | Unread:
    """
    @return: a file that has this text.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the program's own backslashes
            tree = ast.parse(text, path)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        return Unread(path, f"{where}{error.msg}")
    except (RecursionError, MemoryError):
        return Unread(path, "it is nested too deeply")
    except ValueError as error:  # null bytes
        return Unread(path, str(error))
    return Source(path, module, text, tree)


def textOf(path: str) -> str | Unread:
    """
    @return: what stands in a file, in the encoding that it declares.
    """
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeError, LookupError):
        return Unread(path, "it is not in the encoding that it declares, or UTF-8")
    except OSError as error:
        return Unread(path, error.strerror or "it cannot be opened")


def filesOf(targets: Iterable[str], search: Iterable[str]) -> list[str]:
    """
    @param targets: paths, and names of modules and packages.
    @param search: the directories in which modules are looked for.
    @return: the files of all of them, each once.
    @raise NoSuchTarget: if one of them cannot be found.
    """
    found: dict[str, None] = {}
    for target in targets:
        path = target if os.path.exists(target) else _located(target, [*search])
        for file in _walk(path) if os.path.isdir(path) else [path]:
            found[shownPath(file)] = None
    return list(found)


def shownPath(path: str) -> str:
    """
    @return: how a file is named to people: from the working directory, if it is
        below that.
    """
    below = os.path.abspath(path).startswith(os.getcwd() + os.sep)
    return os.path.relpath(path) if below else path


def _located(module: str, search: list[str]) -> str:
    """
    Find a module as Python would, importing nothing, not even its parents.
    """
    spec = None
    # Finders keep what was in a directory, and the relative ones after a chdir.
    invalidate_caches()
    path: list[str] | None = [os.path.abspath(directory) for directory in search]
    for part in module.split("."):
        spec = PathFinder.find_spec(part, path) if part and path else None
        if spec is None:
            raise NoSuchTarget(
                f"{module}: there is no such file, directory, module or package"
            )
        path = list(spec.submodule_search_locations or ())
    assert spec is not None
    if path:
        return path[0]
    if spec.origin is None or not spec.origin.endswith(_SUFFIXES):
        raise NoSuchTarget(f"{module}: it has no source to read")
    return spec.origin


def _walk(top: str) -> Iterator[str]:
    for directory, inside, files in os.walk(top):
        inside[:] = sorted(
            name
            for name in inside
            if not name.startswith(".")
            and name not in _SKIPPED
            and not os.path.exists(os.path.join(directory, name, "pyvenv.cfg"))
        )
        for name in sorted(files):
            if name.endswith(_SUFFIXES):
                yield os.path.join(directory, name)


def moduleOf(path: str) -> tuple[str, str]:
    """
    @return: the directory in which Python would look for a file's module or its
        outermost package, and the name of the module.
    """
    file = Path(path).absolute()
    parts = [] if file.name == "__init__.py" else [file.stem]
    directory = file.parent
    while (directory / "__init__.py").exists() and directory != directory.parent:
        parts.insert(0, directory.name)
        directory = directory.parent
    return str(directory), ".".join(parts) or "__init__"
