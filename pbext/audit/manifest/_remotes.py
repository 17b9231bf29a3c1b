"""
Which changes of what peers may call break what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import Parameter, Signature

from pbext.audit.manifest._differences import CHANGES, Change, Direction
from pbext.audit.manifest._manifest import Remote
from pbext.audit.manifest._takes import Given, callsOf, parseTakes, share, takes

__all__ = ["changedCalls"]


def changedCalls(
    old: Mapping[str, Remote], new: Mapping[str, Remote]
) -> Iterator[Change]:
    """
    @param old: what may be called, by class.
    @return: what changes for a client that has not been updated and a server that
        has, or the reverse.
    """
    moved: set[str] = set()
    for name, remote in old.items():
        there = name if name in new else _moved(remote, old, new)
        if there is not None:
            moved.add(there)
            yield from _ofClass(name, remote, new[there])
        elif remote.methods:
            gone = ", ".join(sorted(remote.methods))
            yield _change("PBD401", name, Direction.OLD_TO_NEW, says=gone)
    for name in new.keys() - moved:
        for method in new[name].methods:
            yield _change("PBD406", name, Direction.NEW_TO_OLD, name=method)


def _moved(
    remote: Remote, old: Mapping[str, Remote], new: Mapping[str, Remote]
) -> str | None:
    """
    @return: the class that has taken the place of one, whose name no peer ever sees:
        a new one that has all of its methods.
    """
    for name, other in new.items():
        if name not in old and remote.methods.keys() <= other.methods.keys():
            return name
    return None


def _ofClass(cls: str, old: Remote, new: Remote) -> Iterator[Change]:
    for name in old.methods:
        if name in new.methods:
            yield from _ofMethod(cls, name, old.methods[name], new.methods[name])
        elif new.complete:
            yield _change("PBD402", cls, Direction.OLD_TO_NEW, name=name)
        else:
            says = "it is gone, and the class may have methods that cannot be seen"
            yield _change("PBD407", cls, Direction.OLD_TO_NEW, name=name, says=says)
    for name in new.methods.keys() - old.methods.keys():
        if old.complete:
            yield _change("PBD406", cls, Direction.NEW_TO_OLD, name=name)


def _ofMethod(
    cls: str, name: str, old: str | None, new: str | None
) -> Iterator[Change]:
    if old == new:
        return
    says = f"{old or 'what is not known'} has become {new or 'what is not known'}"
    if old is None or new is None:
        for direction in Direction:
            yield _change("PBD407", cls, direction, name=name, says=says)
        return
    before, after = parseTakes(old), parseTakes(new)
    calls = callsOf(before, after.parameters)
    refused = [given for given in calls if not takes(after, given)]
    if refused:
        byName = all(_isByChoice(given, before) for given in refused)
        id = "PBD404" if byName else "PBD403"
        yield _change(id, cls, Direction.OLD_TO_NEW, name=name, says=says)
    if not share(before, after):
        yield _change("PBD405", cls, Direction.NEW_TO_OLD, name=name, says=says)


def _isByChoice(given: Given, signature: Signature) -> bool:
    """
    Whether a call gives something by name that it could give by position.
    """
    return any(
        name in signature.parameters
        and signature.parameters[name].kind is Parameter.POSITIONAL_OR_KEYWORD
        for name in given.names
    )


def _change(id: str, subject: str, direction: Direction, **words: str) -> Change:
    kind = CHANGES[id]
    message = kind.says.format_map({"name": "", "says": "", **words})
    return Change(kind, subject, direction, kind.level, message, words.get("name", ""))
