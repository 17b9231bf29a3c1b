"""
Versions of a state: a class says C{copyVersion = 3}, and how a state of an
older version becomes one of the next, one by one, in class methods
C{upgradeStateToVersion1}, C{upgradeStateToVersion2} and so on.

On the wire it is one more key of the state, which a peer without versions
ignores.  A state that has none is of version 0.
"""

from __future__ import annotations

from typing import Any

from twisted.python.reflect import qual

from pbext._fields import choiceOf
from pbext.errors import BadDeclaration, PBExtError, RefusedObject, RefusedVersion

__all__ = ["NEWER", "VERSION", "upgraded", "versionOf"]

#: The key of the version in a state, and the attribute of a class.
VERSION = "copyVersion"

#: What a class may do with a state that is newer than itself; first the default.
NEWER = ("refuse", "read")


def versionOf(cls: type) -> int | None:
    """
    @return: the version that a class sends and reads, or C{None} if it has
        none.
    @raise BadDeclaration: if it is no version, or what the class says of newer
        ones makes no sense.
    """
    version = getattr(cls, VERSION, None)
    if version is not None and (type(version) is not int or version < 0):
        raise BadDeclaration(
            className=qual(cls), attribute=VERSION, why="has to be an int, 0 or more"
        )
    _newer(cls)
    return version


def _newer(cls: type) -> str:
    return choiceOf(cls, "copyNewer", NEWER)


def upgraded(cls: Any, state: dict[str, Any]) -> dict[str, Any]:
    """
    @param state: as it has arrived; it may be changed.
    @return: a state of the version that C{cls} reads.
    @raise RefusedVersion: if there is no way from the one to the other.
    @raise RefusedObject: if an upgrade fails.
    """
    own = versionOf(cls)
    if own is None:
        return state
    sent = state.pop(VERSION, 0)
    if type(sent) is not int or sent < 0:
        raise RefusedVersion(
            className=qual(cls), got=-1, reads=own, why="this is no version"
        )
    if sent > own and _newer(cls) == "refuse":
        raise RefusedVersion(
            className=qual(cls),
            got=sent,
            reads=own,
            why="the sender is newer than this side; update this side, or let "
            "the class say copyNewer = 'read'",
        )
    for version in range(sent + 1, own + 1):
        upgrade = getattr(cls, f"upgradeStateToVersion{version}", None)
        if upgrade is None:
            raise RefusedVersion(
                className=qual(cls),
                got=sent,
                reads=own,
                why=f"the class has no upgradeStateToVersion{version}",
            )
        state = _run(cls, upgrade, state)
    return state


def _run(cls: type, upgrade: Any, state: dict[str, Any]) -> dict[str, Any]:
    try:
        result = upgrade(state)
    except PBExtError:
        raise
    except Exception as error:
        raise RefusedObject(className=qual(cls), errorType=qual(type(error))) from None
    if not isinstance(result, dict):
        raise BadDeclaration(
            className=qual(cls),
            attribute=upgrade.__name__,
            why="has to return the upgraded state, a dict",
        )
    return result
