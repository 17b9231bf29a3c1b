"""
The ends of a program on the wire: what of it sends, what receives, and what peers
may call, for its manifest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from pbext._versions import NEWER
from pbext.audit._model import UNKNOWN, ClassModel, Method, Program, Registered
from pbext.audit.following._sent import sentBy
from pbext.audit.manifest._annotated import Side, typeOf
from pbext.audit.manifest._declared import CannotTell, Declared, declaredBy
from pbext.audit.manifest._evaluated import Annotations
from pbext.audit.manifest._manifest import (
    Flavor,
    Manifest,
    Mode,
    Received,
    ReceivedField,
    Remote,
    Sent,
    SentField,
    Tag,
)
from pbext.audit.manifest._takes import Given, takesOf, takesOfNode
from pbext.audit.manifest._wiretypes import ANY, WireType, unknownType

__all__ = ["SentMessages", "manifestOf"]

#: The announcements of a Cacheable, by name: the arguments of each, C{None} if they
#: are not known; C{None} in all, if it is not known which there are.
SentMessages = Callable[
    [Program, ClassModel], "Mapping[str, tuple[Given, ...] | None] | None"
]

#: Methods of a class that sends, in whose place another state may travel.
_GATHERS = ("getStateToCopy", "getStateToCopyFor", "jellyFor")
_GATHERS_CACHE = (*_GATHERS, "getStateToCacheAndObserveFor")

#: Those of a class that receives.
_READS = ("setCopyableState", "unjellyFor")

#: What peers may call, and how many arguments the broker adds.
_CALLED = {"remote_": 0, "perspective_": 0, "view_": 1}

#: What answers in a way of its own to what it has no method for.
_DISPATCHES = ("__getattr__", "remoteMessageReceived", "perspectiveMessageReceived")

#: What something is called that has no name, or none that is known.
_NAMELESS = "?"

_UPGRADE = "upgradeStateToVersion"
_OBSERVE = "observe_"


def sentMessages(
    program: Program, cls: ClassModel
) -> Mapping[str, tuple[Given, ...] | None] | None:
    """
    See L{SentMessages}.
    """
    if cls.node is None or not cls.complete:
        return None
    found: dict[str, dict[Given, None] | None] = {}
    for message in sentBy(program, cls):
        if message.name is None:
            return None
        known = found.setdefault(message.name, {})
        if message.open:
            found[message.name] = None
        elif known is not None:
            known[Given(message.count, tuple(sorted(message.names)))] = None
    # If nothing is seen, it may well be said where that is not looked for.
    return {
        name: None if each is None else tuple(sorted(each))
        for name, each in found.items()
    } or None


def manifestOf(
    program: Program, mode: Mode, sentMessages: SentMessages = sentMessages
) -> Manifest:
    """
    @param mode: how the program was read: C{"import"} or C{"static"}.
    @param sentMessages: finds the announcements of a class.
    @return: what travels.
    """
    return _Survey(program, sentMessages).manifest(mode)


class _Survey:
    def __init__(self, program: Program, sentMessages: SentMessages) -> None:
        self._program = program
        self._sentMessages = sentMessages
        self._annotations = Annotations(program.sources)
        self._entries = [*self._registered()]

    def manifest(self, mode: Mode) -> Manifest:
        sent: dict[str, dict[str, Sent]] = {}
        received: dict[str, dict[str, Received]] = {}
        unknownSenders: set[str] = set()
        for cls in self._program:
            if cls.sends and cls.tag is None:
                unknownSenders.add(_shown(cls.name))
            elif cls.sends and cls.tag is not None:
                sent.setdefault(cls.tag, {})[_shown(cls.name)] = self._sent(cls)
        for entry in self._entries:
            if entry.kind == "copier" and entry.tag and entry.sender:
                copied = Sent(flavor="copy", unknown={"fields": "a copier makes it"})
                sent.setdefault(entry.tag, {})[_shown(entry.sender)] = copied
        unknownReceivers: set[str] = set()
        for entry in self._entries:
            if entry.tag is None:
                unknownReceivers.add(_inWords(entry))
            elif not entry.alien or entry.tag in sent:
                names = received.setdefault(entry.tag, {})
                names[_shown(entry.target or _NAMELESS)] = self._received(entry)
        return Manifest(
            mode=mode,
            tags={
                tag: Tag(sent.get(tag, {}), received.get(tag, {}))
                for tag in sent.keys() | received.keys()
            },
            calls=dict(self._calls()),
            unknownSenders=tuple(sorted(unknownSenders)),
            unknownReceivers=tuple(sorted(unknownReceivers)),
        )

    def _registered(self) -> Iterator[Registered]:
        for entry in self._program.registrations:
            sender = self._program.classes.get(entry.sender or "")
            if entry.tag is None and entry.kind != "tree" and sender is not None:
                entry = attrs.evolve(entry, tag=sender.tag)
            yield entry

    def _sent(self, cls: ClassModel) -> Sent:
        flavor: Flavor = "cache" if cls.isA("Cacheable") else "copy"
        unknown: dict[str, str] = {}
        messages = None
        if flavor == "cache":
            messages = self._sentMessages(self._program, cls)
            if messages is None:
                unknown["messages"] = "what it announces cannot be seen"
        declared = self._declared(cls, unknown)
        gathers = _GATHERS_CACHE if flavor == "cache" else _GATHERS
        own = _overridden(cls, gathers)
        if own:
            unknown.setdefault("fields", f"it has a {own} of its own")
            if declared.version is not None:  # which it may leave out
                unknown["version"] = unknown["fields"]
        fields = None
        if "fields" not in unknown and not declared.open:
            fields = {
                name: SentField(
                    str(self._type(annotation, True)), declared.texts.get(name, "")
                )
                for name, annotation in declared.fields.items()
            }
        return Sent(
            flavor=flavor,
            open=declared.open and "fields" not in unknown,
            fields=fields,
            local=tuple(
                name
                for name in sorted(declared.local - {"observers"})
                if name[0] != "_"  # which never travels, whoever says so
            ),
            version=declared.version,
            messages=messages,
            unknown=unknown,
        )

    def _declared(self, cls: ClassModel, unknown: dict[str, str]) -> Declared:
        try:
            if cls.ours or not cls.complete:
                return declaredBy(cls, self._annotations)
            return Declared(open=True)  # stock's send and take all of a __dict__
        except CannotTell as error:
            unknown.update(dict.fromkeys(("fields", "version"), str(error)))
            return Declared()

    def _received(self, entry: Registered) -> Received:
        cls = self._program.classes.get(entry.target or "")
        if entry.kind not in ("class", "tree"):
            # They are given the state of a copy.
            return Received(
                kind=entry.kind,
                flavor="copy",
                unknown=dict.fromkeys(
                    ("fields", "version"), f"a {entry.kind} takes what it wants"
                ),
            )
        if cls is None or not cls.receives:
            return Received(
                kind=entry.kind,
                flavor=None,
                unknown=dict.fromkeys(
                    ("fields", "flavor", "messages", "version"),
                    "it is no class of the program",
                ),
            )
        return self._receivedClass(entry.kind, cls)

    def _receivedClass(self, kind: str, cls: ClassModel) -> Received:
        flavor: Flavor = "cache" if cls.isA("RemoteCache") else "copy"
        unknown: dict[str, str] = {}
        messages = None
        if flavor == "cache":
            messages = _methods(cls, {_OBSERVE: 0}, strip=True)
            if messages is None:
                unknown["messages"] = "it may answer in a way of its own"
            elif cls.ours:
                messages.setdefault("invalidate", "()")
        declared = self._declared(cls, unknown)
        own = _overridden(cls, _READS)
        if own:
            unknown.setdefault("fields", f"it has a {own} of its own")
            if declared.version is not None:  # which it may take no notice of
                unknown["version"] = unknown["fields"]
        fields = None
        if "fields" not in unknown and not declared.open:
            fields = {
                name: ReceivedField(
                    str(self._type(annotation, False)),
                    name in declared.required,
                    declared.texts.get(name, ""),
                )
                for name, annotation in declared.fields.items()
                if name in declared.accepted
            }
        newer = cls.values.get("copyNewer", NEWER[0])
        if newer not in NEWER:
            unknown["newer"] = "its copyNewer is computed"
            newer = NEWER[0]
        return Received(
            kind=kind,
            flavor=flavor,
            open=declared.open and "fields" not in unknown,
            fields=fields,
            computed=tuple(sorted(declared.fields.keys() - declared.accepted)),
            forbids=declared.forbids,
            version=declared.version,
            newer=newer,
            upgrades=tuple(sorted(_upgrades(cls))),
            messages=messages,
            unknown=unknown,
        )

    def _type(self, annotation: Any, sending: bool) -> WireType:
        if annotation is UNKNOWN:
            return unknownType() if sending else ANY
        tagsOf = self._sentTags if sending else self._receivedTags
        return typeOf(annotation, Side(sending, tagsOf))

    def _sentTags(self, cls: type) -> Iterator[str]:
        name = f"{cls.__module__}.{cls.__qualname__}"
        for found in self._program:
            if found.sends and found.tag and name in (found.name, *found.bases):
                yield found.tag
        for entry in self._entries:
            if entry.kind == "copier" and entry.sender == name and entry.tag:
                yield entry.tag

    def _receivedTags(self, cls: type) -> Iterator[str]:
        name = f"{cls.__module__}.{cls.__qualname__}"
        for entry in self._entries:
            found = self._program.classes.get(entry.target or "")
            isOne = found is not None and name in (found.name, *found.bases)
            isCopied = entry.kind == "copier" and entry.sender == name
            if entry.tag and (isOne or isCopied):
                yield entry.tag

    def _calls(self) -> Iterator[tuple[str, Remote]]:
        for cls in self._program:
            methods = _methods(cls, _CALLED, strip=False)
            if methods is None:
                found = _named(cls, _CALLED)
                if found:
                    yield _shown(cls.name), Remote(dict(found), complete=False)
            elif methods:
                yield _shown(cls.name), Remote(methods)


def _shown(name: str) -> str:
    """
    @return: a canonical name, as it is the same on each machine.
    """
    module, at, path = name.partition("@")
    if os.path.isabs(path):
        path = os.path.relpath(path)
    return f"{module}{at}{path}".replace(os.sep, "/")


def _inWords(entry: Registered) -> str:
    """
    @return: what is not known of a registration.
    """
    what = _shown(entry.target) if entry.target else "something"
    if entry.kind == "tree":
        return f"the classes of {entry.module} that derive from {entry.sender}"
    return f"{what}, by {entry.module}"


def _overridden(cls: ClassModel, names: Iterable[str]) -> str | None:
    return next((n for n in names if n in cls.methods or n in cls.values), None)


def _upgrades(cls: ClassModel) -> Iterator[int]:
    for name in (*cls.methods, *cls.values):
        number = name.removeprefix(_UPGRADE)
        if number != name and number.isdecimal():
            yield int(number)


def _methods(
    cls: ClassModel, prefixes: Mapping[str, int], strip: bool
) -> dict[str, str | None] | None:
    """
    @param prefixes: of the methods, and how many arguments the broker adds.
    @param strip: whether the names are given without them.
    @return: what the methods take, by name; C{None} if there may be others.
    """
    if not cls.complete or _overridden(cls, _DISPATCHES):
        return None
    found = _named(cls, prefixes)
    return dict(
        (name.partition("_")[2], takes) if strip else (name, takes)
        for name, takes in found
    )


def _named(
    cls: ClassModel, prefixes: Mapping[str, int]
) -> Iterator[tuple[str, str | None]]:
    for name, method in cls.methods.items():
        for prefix, skipped in prefixes.items():
            if name.startswith(prefix):
                yield name, _takes(cls, method, skipped)
    for name in cls.values:
        if name.startswith(tuple(prefixes)):
            yield name, None


def _takes(cls: ClassModel, method: Method, skipped: int) -> str | None:
    if cls.live is not None:
        return takesOf(cls.live, method.name, skipped)
    if method.node is None:
        return None
    if method.keywords is None and method.node.args.kwarg is None:
        return None  # it is decorated with what may take something else
    bound = 0 if "builtins.staticmethod" in method.decorators else 1
    return takesOfNode(method.node, bound + skipped)
