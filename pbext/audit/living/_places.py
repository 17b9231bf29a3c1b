"""
Where what lives was written.
"""

from __future__ import annotations

import ast
import inspect
from types import FunctionType
from typing import Any

import attrs

from pbext.audit._findings import NOWHERE, Place
from pbext.audit.reading._sources import Source, Unread, parse, shownPath, textOf

__all__ = ["Places"]


@attrs.frozen
class _File:
    """
    @ivar source: a file.
    @ivar classes: by C{__qualname__}, those of that name that stand in it.
    @ivar functions: by the line of the first decorator, or of the C{def}.
    """

    source: Source
    classes: dict[str, list[ast.ClassDef]] = attrs.Factory(dict)
    functions: dict[int, ast.AST] = attrs.Factory(dict)

    def read(self, body: list[Any], outer: str = "") -> None:
        for node in body:
            inner = outer
            if isinstance(node, ast.ClassDef):
                self.classes.setdefault(outer + node.name, []).append(node)
                inner = f"{outer}{node.name}."
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node, *node.decorator_list], key=lambda n: n.lineno)
                self.functions[first.lineno] = node
                inner = f"{outer}{node.name}.<locals>."
            elif not isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)):
                continue  # no statement stands in an expression
            self.read([*ast.iter_child_nodes(node)], inner)


@attrs.frozen
class Places:
    """
    The places of classes and functions; each file is read once.
    """

    _files: dict[str, _File | None] = attrs.field(factory=dict, init=False)

    def ofClass(self, cls: type) -> Place:
        """
        @return: the C{class} line; its file alone, or L{NOWHERE}, if that is all
            that is known.
        """
        path = _fileOf(cls)
        node = self._node(cls)
        if node is None:
            return Place(shownPath(path)) if path else NOWHERE
        file = self._file(path)
        assert file is not None
        return file.source.place(node)

    def ofField(self, cls: type, name: str) -> Place:
        """
        @return: where the body of a class gives a name an annotation or a value;
            that of the class, if it does not.
        """
        node, file = self._node(cls), self._file(_fileOf(cls))
        for statement in () if node is None else node.body:
            targets = getattr(statement, "targets", [getattr(statement, "target", 0)])
            for target in targets:
                if isinstance(target, ast.Name) and target.id == name and file:
                    return file.source.place(target)
        return self.ofClass(cls)

    def ofFunction(self, function: FunctionType) -> Place:
        """
        @return: its C{def} line; as L{ofClass}.
        """
        code = function.__code__
        file = self._file(code.co_filename)
        if file is not None and code.co_firstlineno in file.functions:
            return file.source.place(file.functions[code.co_firstlineno])
        known = not code.co_filename.startswith("<")
        return Place(shownPath(code.co_filename)) if known else NOWHERE

    def _node(self, cls: type) -> ast.ClassDef | None:
        path = _fileOf(cls)
        file = self._file(path)
        found = [] if file is None else file.classes.get(cls.__qualname__, [])
        # Of several, the one that has its methods.
        lines = [
            member.__code__.co_firstlineno
            for member in vars(cls).values()
            if isinstance(member, FunctionType) and member.__code__.co_filename == path
        ]
        for node in found:
            if any(node.lineno <= line <= (node.end_lineno or 0) for line in lines):
                return node
        return found[-1] if found else None

    def _file(self, path: str) -> _File | None:
        if path not in self._files:
            self._files[path] = None
            text = textOf(path) if path.endswith(".py") else ""
            source = None if isinstance(text, Unread) else parse(path, "", text)
            if isinstance(source, Source):
                shown = attrs.evolve(source, path=shownPath(path))
                file = self._files[path] = _File(shown)
                file.read(source.tree.body)
        return self._files[path]


def _fileOf(cls: type) -> str:
    """
    @return: the file of the module of a class, or C{""}.
    """
    try:
        return inspect.getsourcefile(cls) or ""
    except (TypeError, OSError):  # of a module that is none, or of no file
        return ""
