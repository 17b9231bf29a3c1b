"""
What would travel otherwise, if a class of Twisted's became one of pbext's.
"""

from __future__ import annotations

import ast

from pbext._cacheable import RESERVED
from pbext._fields import SETTINGS
from pbext.audit._model import ClassModel
from pbext.audit.fixing._collections import BOOK
from pbext.audit.fixing._edits import Put, whole
from pbext.audit.fixing._families import ENTERS, ownerOf
from pbext.audit.fixing._mentions import Mentions
from pbext.audit.reading._sources import Source

__all__ = ["takenOut", "whatChanges"]

#: Of a RemoteCache, what it cannot set.
_READ_ONLY = frozenset({"broker", "cacheState", "luid"})

_WHY = "the state has none"

_STATE = ("getStateToCopyFor", "getStateToCopy")


def whatChanges(cls: ClassModel, kept: frozenset[str]) -> str:
    """
    @param kept: attributes that hold observers, and are meant to stay at home.
    @return: what a program would see of it, after the name of the class, in words;
        C{""} if nothing.
    """
    said = sorted(SETTINGS & {*cls.values, *cls.assigned})
    if said:
        return f"says {said[0]}, which would mean something to pbext"
    if cls.isA("RemoteCache"):
        names = (_READ_ONLY & {*cls.assigned}) | (
            RESERVED & {field.name for field in cls.fields}
        )
        if names:
            return f"sets {min(names)}, which pbext's RemoteCache has for itself"
    if cls.sends and _sendsAll(cls):
        travel = {field.name for field in cls.fields if not field.local}
        stay = sorted(
            name
            for name in cls.assigned
            if (name.startswith("_") or (cls.declares and name not in travel))
            and name not in kept
        )
        if stay:
            return (
                f"would no longer send {', '.join(stay)}: say what it sends, or "
                "getStateToCopy = twisted.spread.pb.Copyable.getStateToCopy"
            )
    return ""


def _sendsAll(cls: ClassModel) -> bool:
    """
    @return: whether it sends all that it has, as Twisted's do by default.
    """
    for hook in (ENTERS, *_STATE) if cls.isA("Cacheable") else _STATE:
        if hook in cls.values:
            return False
        method = cls.methods.get(hook)
        if method is not None and method.node is not None:
            called = {
                n.attr for n in ast.walk(method.node) if isinstance(n, ast.Attribute)
            }
            if not called & {ENTERS, *_STATE}:
                return False
    return True


def takenOut(mentions: Mentions, cls: ClassModel, kept: frozenset[str]) -> list[Put]:
    """
    @param kept: see L{whatChanges}.
    @return: what lets a class take its observers out of a state that has none of
        them any more, which would raise C{KeyError}.
    @raise ValueError: if it does so in a way that is not known; its argument is the
        node.
    """
    edits = []
    if cls.isA("Cacheable") and _sendsAll(cls):
        for name in {BOOK} | {name for name in kept if name.startswith("_")}:
            for source, string in mentions.strings(name):
                owner = ownerOf(source, string)
                if source is cls.source and owner is not None and owner.cls == cls.name:
                    edits += _takenOut(source, string)
    return edits


def _takenOut(source: Source, string: ast.Constant) -> list[Put]:
    parent = source.parents[string]
    around = source.parents[parent]
    key = ast.get_source_segment(source.text, string)
    state = getattr(parent, "value", None)
    if isinstance(parent, ast.Subscript) and isinstance(state, ast.Name):
        if isinstance(around, ast.Delete) and around.targets == [parent]:
            code = f"{state.id}.pop({key}, None)"
            return [Put(whole(source, around), _WHY, code)]
    function = getattr(parent, "func", None)
    if isinstance(parent, ast.Call) and isinstance(function, ast.Attribute):
        if function.attr == "pop" and isinstance(function.value, ast.Name):
            if len(parent.args) > 1:
                return []
            code = f"{function.value.id}.pop({key}, None)"
            return [Put(whole(source, parent), _WHY, code)]
        if function.attr == "callRemote":
            return []
    if isinstance(parent, ast.Compare) or isinstance(around, ast.Compare):
        return []  # what is not there, is not equal either
    raise ValueError(string)
