"""
What puts a state into an object that has arrived.
"""

from __future__ import annotations

from pbext.audit._model import ClassModel, Program, Registered

__all__ = ["byPbext", "byTwisted", "sendersFor", "slotsOf", "whyUnfilled"]


def byPbext(cls: ClassModel) -> bool:
    """
    Whether pbext's RemoteCopy is what receives.
    """
    return any(
        base.startswith("pbext.") and base.endswith((".RemoteCopy", ".RemoteCache"))
        for base in cls.bases
    )


def byTwisted(cls: ClassModel) -> bool:
    """
    Whether Twisted's own hooks put the state into a class.
    """
    return (
        cls.isA("RemoteCopy")
        and not byPbext(cls)
        and "unjellyFor" not in cls.methods
        and "unjellyFor" not in cls.values
    )


def slotsOf(cls: ClassModel) -> list[str]:
    return [n for n in cls.slots or () if n not in ("__dict__", "__weakref__")]


def whyUnfilled(cls: ClassModel) -> str | None:
    """
    @return: why Twisted's own hooks cannot fill a class.
    """
    isCache = cls.isA("RemoteCache")
    if not isCache and "setCopyableState" in cls.methods:
        return None  # it knows what it does
    if cls.frozen:
        return "is frozen, so that it cannot be given its state"
    if slotsOf(cls):
        return (
            f"arrives empty: its state is put into __dict__, behind its slots "
            f"{', '.join(sorted(set(slotsOf(cls))))}"
        )
    return None


def sendersFor(program: Program, entry: Registered) -> list[ClassModel]:
    if entry.sender is not None:
        named = program.classes.get(entry.sender)
        return [named] if named is not None and named.sends else []
    return [cls for cls in program if cls.sends and entry.tag and cls.tag == entry.tag]
