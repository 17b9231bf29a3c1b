"""
Finding what the command line names, and saying it well when it is not there.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from twisted.python.failure import Failure
from twisted.spread.pb import IPBRoot

from pbext._opaque import allowOpaque
from pbext._registry import Registry
from pbext._reports import whereRaised
from pbext.receiver._service import CannotStart
from pbext.wire._jelly import ATOMS

__all__ = ["allow", "importModule", "listing", "loadRoot"]


def importModule(name: str) -> ModuleType:
    """
    @raise CannotStart: if it is not there, or cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (
            name == error.name or name.startswith(f"{error.name}.")
        ):
            raise CannotStart(
                f"no module named {error.name}; looked in {sys.path[0]} and in what "
                f"is installed for {sys.executable}"
            ) from None
        raise _broken(name) from None
    except CannotStart:
        raise
    except (Exception, SystemExit):
        raise _broken(name) from None


def _broken(name: str) -> CannotStart:
    failure = Failure()
    text = str(failure.value).partition("\n")[0]
    return CannotStart(
        f"the module {name} cannot be imported: {whereRaised(failure)}: {text}"
    )


def loadRoot(name: str) -> Any:
    """
    @param name: C{package.module.Name} of an C{IPBRoot}, a class or function
        that makes one, or what can be adapted to it, as a portal can.
    @return: the C{IPBRoot}.
    @raise CannotStart: if there is none of that name.
    """
    moduleName, _, attribute = name.rpartition(".")
    if not moduleName or not attribute:
        raise CannotStart(f"--root {name}: write it as package.module.Name")
    module = importModule(moduleName)
    found = getattr(module, attribute, None)
    if found is None:
        raise CannotStart(f"--root {name}: the module {moduleName} has no {attribute}")
    adapted = IPBRoot(found, None)
    if adapted is None and callable(found):
        try:
            adapted = IPBRoot(found(), None)
        except Exception:
            raise CannotStart(
                f"--root {name}: calling it failed: {whereRaised(Failure())}"
            ) from None
    if adapted is None:
        raise CannotStart(
            f"--root {name}: neither a root object nor a class or function that "
            f"makes one; derive it from pb.Root, or provide IPBRoot"
        )
    return adapted


def allow(tag: str, registry: Registry) -> None:
    """
    @raise CannotStart: if the tag cannot be one, or is somebody's already.
    """
    if not tag.strip() or tag.encode("utf-8") in ATOMS:
        raise CannotStart(f"--allow {tag!r}: this is no tag of a class")
    if tag in registry:
        raise CannotStart(
            f"--allow {tag}: a module that is imported has registered it already"
        )
    allowOpaque(tag, registry)


def listing(registry: Registry) -> Iterator[str]:
    """
    @return: what is in a registry, line by line: the tag, what it becomes, and
        where that was said.
    """
    for entry in registry:
        version = "" if entry.version is None else f", version {entry.version}"
        yield f"{entry.tag}: {entry.kind}{version}, {entry}"
