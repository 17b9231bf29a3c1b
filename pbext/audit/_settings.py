"""
What a project has settled about its audit, in C{[tool.pbext]} of pyproject.toml
or C{[pbext]} of setup.cfg.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs

from pbext.audit._audited import CannotAudit
from pbext.audit._findings import Severity

__all__ = ["KEYS", "Settings", "findSettings", "severityOf"]

#: What the root of a repository has; settings above it are another project's.
_ROOTS = (".git", ".hg")


@attrs.frozen(kw_only=True)
class Settings:
    """
    What is settled, by the command line or by a file.

    @ivar targets: what is audited, unless the command line says.
    @ivar select: ids of rules, or how they begin; empty for all.
    @ivar ignore: the same, for those that are left out.
    @ivar failOn: how bad a finding has to be to make the audit fail.
    @ivar baseline: the file of findings that are known; C{None} for none.
    @ivar exclude: glob patterns of paths that are left out.
    @ivar static: whether the targets are only read, and not imported.
    @ivar root: the directory that the patterns are relative to, and in which
        modules are looked for, too.
    """

    targets: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    failOn: Severity = Severity.WARNING
    baseline: str | None = None
    exclude: tuple[str, ...] = ()
    static: bool = False
    root: str = "."


def severityOf(text: str) -> Severity:
    """
    @raise ValueError: if it is none.
    """
    for severity in Severity:
        if str(severity) == text:
            return severity
    raise ValueError(f"one of {', '.join(map(str, Severity))}")


def findSettings(directory: str | os.PathLike[str] = ".") -> Settings:
    """
    Look in a directory and those above it, up to the root of a repository.

    @return: the settings of the nearest file that has any, with its directory as
        C{root}, and paths that were relative to that as they are seen from the
        working directory; if there is none, nothing settled.
    @raise CannotAudit: if there is something in it that makes no sense.
    """
    here = Path(directory).absolute()
    for place in (here, *here.parents):
        for name, read in _READERS.items():
            table = read(place / name)
            if table is not None:
                return _settings(place / name, table)
        if any((place / root).exists() for root in _ROOTS):
            break
    return Settings()


def _fromToml(path: Path) -> Mapping[str, Any] | None:
    text = _textOf(path)
    if "pbext" not in text:
        return None  # whatever else may be wrong with it
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise CannotAudit(
                f"{_shown(path)} cannot be read without tomli: "
                f"pip install 'pbext[audit]'"
            ) from None
    try:
        table = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise CannotAudit(f"{_shown(path)} is no TOML: {error}") from None
    settings = table.get("pbext") if isinstance(table, dict) else None
    if settings is not None and not isinstance(settings, dict):
        raise CannotAudit(f"{_shown(path)}: tool.pbext has to be a table")
    return settings


def _fromIni(path: Path) -> Mapping[str, Any] | None:
    text = _textOf(path)
    if "[pbext]" not in text:
        return None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        first = str(error).splitlines()[0]
        raise CannotAudit(f"{_shown(path)} cannot be read: {first}") from None
    return dict(parser["pbext"]) if parser.has_section("pbext") else None


_READERS: Mapping[str, Callable[[Path], Mapping[str, Any] | None]] = {
    "pyproject.toml": _fromToml,
    "setup.cfg": _fromIni,
}


def _textOf(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    except UnicodeError:
        raise CannotAudit(f"{_shown(path)} is not in UTF-8") from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CannotAudit(f"{_shown(path)} cannot be read: {why}") from None


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def _texts(value: Any) -> tuple[str, ...]:
    """
    A list of strings, or one; in setup.cfg, with commas or lines between them.
    """
    if isinstance(value, str):
        parts = value.replace("\n", ",").split(",")
        return tuple(part.strip() for part in parts if part.strip())
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError("a list of strings")


def _text(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError("a string")


def _flag(value: Any) -> bool:
    flags = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in flags:
        return flags[value.lower()]
    raise ValueError("true or false")


#: By the name in the file: the attribute, and what reads the value.
KEYS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "targets": ("targets", _texts),
    "select": ("select", _texts),
    "ignore": ("ignore", _texts),
    "fail-on": ("failOn", lambda value: severityOf(_text(value))),
    "baseline": ("baseline", _text),
    "exclude": ("exclude", _texts),
    "static": ("static", _flag),
}


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    settings = Settings(**dict(_read(path, table)), root=os.path.relpath(path.parent))

    def seen(name: str) -> str:
        return os.path.normpath(os.path.join(settings.root, name))

    baseline = settings.baseline
    return attrs.evolve(
        settings,
        baseline=None if baseline is None else seen(baseline),
        targets=tuple(
            seen(target) if os.path.exists(seen(target)) else target
            for target in settings.targets
        ),
    )


def _read(path: Path, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            hint = f"{near[0]} perhaps" if near else f"there are {', '.join(KEYS)}"
            raise CannotAudit(f"{_shown(path)}: pbext has no setting {key}; {hint}")
        attribute, read = KEYS[key]
        try:
            yield attribute, read(value)
        except ValueError as error:
            raise CannotAudit(
                f"{_shown(path)}: the setting {key} of pbext has to be {error}"
            ) from None
