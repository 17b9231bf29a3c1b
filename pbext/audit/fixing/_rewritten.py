"""
Files that are to be rewritten: what stands in them, what is to stand there, and
how it gets there.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import shutil
import stat
import tempfile
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress

import attrs

from pbext.audit.reading._sources import Source

__all__ = ["CannotRewrite", "Content", "Rewritten", "Unwritten", "contentOf", "write"]

_CHANGED = "it has changed since it was read"


class CannotRewrite(Exception):
    """
    A file is beyond libcst; the message says why.
    """


class Unwritten(Exception):
    """
    A file cannot be rewritten; the message says why.
    """


@attrs.frozen
class Content:
    """
    What stands in a file.

    @ivar data: its bytes.
    @ivar text: the same as text, with its own ends of lines.
    @ivar encoding: what it is encoded in, which knows of a mark at the beginning.
    """

    data: bytes
    text: str
    encoding: str


def contentOf(source: Source) -> Content:
    """
    @return: what stands in the file of a source.
    @raise Unwritten: if that is not what was read, or not there any more.
    """
    data = _read(source.path)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeError):
        raise Unwritten(_CHANGED) from None
    if io.StringIO(text, newline=None).read() != source.text:
        raise Unwritten(_CHANGED)
    return Content(data, text, encoding)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unwritten(error.strerror or "it cannot be opened") from None


@attrs.frozen
class Rewritten:
    """
    A file before and after.

    @ivar path: the file.
    @ivar before: what stands in it.
    @ivar after: what is to stand in it.
    @ivar encoding: what both are encoded in.
    """

    path: str
    before: bytes = attrs.field(repr=False)
    after: bytes = attrs.field(repr=False)
    encoding: str

    def diff(self) -> str:
        """
        @return: the difference, to be read.
        """
        return "".join(
            self._diff(*(c.decode(self.encoding) for c in (self.before, self.after)))
        )

    def patch(self) -> bytes:
        """
        @return: the same, byte for byte, to be applied.
        """
        texts = (
            c.decode("utf-8", "surrogateescape") for c in (self.before, self.after)
        )
        return "".join(self._diff(*texts)).encode("utf-8", "surrogateescape")

    def _diff(self, before: str, after: str) -> Iterator[str]:
        name = self.path.replace(os.sep, "/").lstrip("/")
        ends = "\t" if " " in name else ""  # or patch would stop at the space
        for line in difflib.unified_diff(
            _lines(before), _lines(after), f"a/{name}{ends}", f"b/{name}{ends}"
        ):
            yield (
                line
                if line.endswith("\n")
                else f"{line}\n\\ No newline at end of file\n"
            )


def _lines(text: str) -> list[str]:
    # Not splitlines, to which a form feed is the end of a line.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def write(files: Iterable[Rewritten]) -> None:
    """
    Write files, all of them or none; each keeps its mode, its owner and the links
    to it, and at no time holds half of anything.

    @raise Unwritten: if that cannot be done; the message names the file.
    """
    ready: list[tuple[str, str, Rewritten]] = []
    done: list[tuple[str, Rewritten]] = []
    try:
        for file in files:
            with _naming(file.path):
                real = os.path.realpath(file.path)
                _check(real, file)
                ready.append((_beside(real, file.after), real, file))
        for made, real, file in ready:
            with _naming(file.path):
                os.replace(made, real)
            done.append((real, file))
    except Unwritten:
        for real, file in done:
            with suppress(OSError):
                os.replace(_beside(real, file.before), real)
        raise
    finally:
        for made, _, _ in ready:
            with suppress(FileNotFoundError):
                os.unlink(made)


class _naming:
    """
    Where what goes wrong is about one file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            why = error.strerror or "it cannot be written"
            raise Unwritten(f"{self._path}: {why}") from None
        if isinstance(error, Unwritten):
            raise Unwritten(f"{self._path}: {error}") from None


def _check(real: str, file: Rewritten) -> None:
    if _read(real) != file.before:
        raise Unwritten(_CHANGED)
    # It could be replaced all the same; who has made it so, did not want that.
    writable = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    if not os.stat(real).st_mode & writable or not os.access(real, os.W_OK):
        raise Unwritten("it is read-only")


def _beside(real: str, data: bytes) -> str:
    """
    @return: a new file in the same directory that can take the place of one.
    """
    number, made = tempfile.mkstemp(prefix=".pbext-", dir=os.path.dirname(real))
    try:
        with open(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(number)
        shutil.copymode(real, made)
        owner = os.stat(real)
        with suppress(AttributeError, PermissionError):
            os.chown(made, owner.st_uid, owner.st_gid)
    except BaseException:
        os.unlink(made)
        raise
    return made
