"""
A manifest: what a program sends, receives and lets its peers call, as records and
as JSON for a repository; docs/manifest.rst describes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs
import msgspec

from pbext.audit._audited import CannotAudit
from pbext.audit.manifest._takes import Given, parseTakes
from pbext.audit.manifest._wiretypes import BadWireType, parseType

__all__ = [
    "VERSION",
    "Flavor",
    "Manifest",
    "Mode",
    "Received",
    "ReceivedField",
    "Remote",
    "Sent",
    "SentField",
    "Tag",
    "parseManifest",
    "textOfManifest",
]

FORMAT = "pbext-manifest"

Flavor = Literal["copy", "cache"]
Mode = Literal["import", "static"]

#: Counted up when something in it changes its meaning or goes, not when
#: something is added.
VERSION = 1


@attrs.frozen
class SentField:
    """
    @ivar type: of the values, as L{pbext.audit.manifest._wiretypes} writes it.
    @ivar annotation: as it stands in the source, or C{""}.
    """

    type: str
    annotation: str = ""


@attrs.frozen
class ReceivedField:
    """
    @ivar type: see L{SentField.type}.
    @ivar required: whether a state without it is refused.
    @ivar annotation: see L{SentField.annotation}.
    """

    type: str
    required: bool
    annotation: str = ""


@attrs.frozen(kw_only=True)
class Sent:
    """
    A class whose instances travel.

    @ivar flavor: C{"copy"} or C{"cache"}, what they become.
    @ivar open: whether it declares no fields, and sends what its instances have.
    @ivar fields: by name; C{None} if it is open, or they are not known.
    @ivar local: the names that are declared never to travel.
    @ivar version: C{copyVersion}; C{None} if it has none, or it is not known.
    @ivar messages: of a cache, by name: the arguments of each announcement, which
        are C{None} if not known; C{None} if the messages are not known.
    @ivar unknown: by the name of an attribute here: why it is not known.
    """

    flavor: Flavor
    open: bool = False
    fields: Mapping[str, SentField] | None = None
    local: tuple[str, ...] = ()
    version: int | None = None
    messages: Mapping[str, tuple[Given, ...] | None] | None = None
    unknown: Mapping[str, str] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Received:
    """
    What a tag becomes.

    @ivar kind: see L{Registered.kind<pbext.audit._model.Registered.kind>}.
    @ivar flavor: C{"copy"} or C{"cache"}; C{None} if it is not known.
    @ivar open: whether it declares no fields, and takes what comes.
    @ivar fields: those that a peer may set, by name; C{None} if it is open, or they
        are not known.
    @ivar computed: the names of fields that the class computes, and takes no notice
        of.
    @ivar forbids: whether a state with other fields is refused.
    @ivar version: see L{Sent.version}.
    @ivar newer: what happens to a state of a newer version: C{"refuse"} or
        C{"read"}.
    @ivar upgrades: the versions to which it can bring a state of the one before.
    @ivar messages: of a cache, by name: what its C{observe_} methods take, which is
        C{None} if not known; C{None} if the messages are not known.
    @ivar unknown: see L{Sent.unknown}.
    """

    kind: str = "class"
    flavor: Flavor | None
    open: bool = False
    fields: Mapping[str, ReceivedField] | None = None
    computed: tuple[str, ...] = ()
    forbids: bool = False
    version: int | None = None
    newer: Literal["refuse", "read"] = "refuse"
    upgrades: tuple[int, ...] = ()
    messages: Mapping[str, str | None] | None = None
    unknown: Mapping[str, str] = attrs.Factory(dict)


@attrs.frozen
class Tag:
    """
    What travels under a tag.

    @ivar sent: by the name of the class.
    @ivar received: by the name of what is registered: in each registry there may
        be another.
    """

    sent: Mapping[str, Sent] = attrs.Factory(dict)
    received: Mapping[str, Received] = attrs.Factory(dict)


@attrs.frozen
class Remote:
    """
    A class whose instances peers may call.

    @ivar methods: by the names that they have there, C{"remote_feed"}: what they
        take, which is C{None} if not known.
    @ivar complete: whether these are all.
    """

    methods: Mapping[str, str | None] = attrs.Factory(dict)
    complete: bool = True


@attrs.frozen(kw_only=True)
class Manifest:
    """
    @ivar mode: how it was made: C{"import"} or C{"static"}.
    @ivar tags: by tag.
    @ivar calls: by class.
    @ivar unknownSenders: classes of which it is not known under which tag they
        travel.
    @ivar unknownReceivers: registrations of which it is not known for which tag
        they are, in words.
    """

    mode: Mode
    tags: Mapping[str, Tag] = attrs.Factory(dict)
    calls: Mapping[str, Remote] = attrs.Factory(dict)
    unknownSenders: tuple[str, ...] = ()
    unknownReceivers: tuple[str, ...] = ()


#: What is written one entry a line, so that a change of one is a change of a line.
_LINES = frozenset({"fields", "messages", "methods"})


def textOfManifest(manifest: Manifest) -> str:
    """
    @return: JSON, of which the same program always gives the same.
    """
    whole = {
        "format": FORMAT,
        "version": VERSION,
        **msgspec.to_builtins(manifest),
    }
    return "".join(_written(whole, "", False)) + "\n"


def _written(value: Any, indent: str, lines: bool) -> Iterator[str]:
    """
    @param lines: whether each entry of this is to be a line.
    """
    if not isinstance(value, (dict, list, tuple)) or not value:
        yield json.dumps(value)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield f"{opening}\n"
    inner = indent + "  "
    entries = sorted(value.items()) if isinstance(value, dict) else enumerate(value)
    for at, (key, entry) in enumerate(entries):
        yield ",\n" if at else ""
        yield inner
        if isinstance(value, dict):
            yield f"{json.dumps(key)}: "
        if lines:
            yield json.dumps(entry, sort_keys=True)
        else:
            yield from _written(entry, inner, key in _LINES)
    yield f"\n{indent}{closing}"


def parseManifest(text: str | bytes, name: str) -> Manifest:
    """
    @param name: what the text is called, for people.
    @raise CannotAudit: if it is no manifest that can be read.
    """
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise CannotAudit(f"{name} is no JSON, so no manifest") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CannotAudit(f"{name} is no manifest: pbext manifest TARGET writes one")
    version = data.get("version")
    if type(version) is not int:
        raise CannotAudit(f"{name} is a manifest that makes no sense: no version")
    if version > VERSION:
        raise CannotAudit(
            f"{name} was written by a newer pbext: it is of version {version}, and "
            f"this one reads {VERSION}"
        )
    try:
        manifest = msgspec.convert(data, Manifest)
        _check(manifest)
    except (msgspec.ValidationError, BadWireType, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise CannotAudit(f"{name} is a manifest that makes no sense: {why}") from None
    return manifest


def _check(manifest: Manifest) -> None:
    """
    @raise Exception: if something in it cannot be read.
    """
    for tag in manifest.tags.values():
        ends: list[Sent | Received] = [*tag.sent.values(), *tag.received.values()]
        for end in ends:
            for field in (end.fields or {}).values():
                parseType(field.type)
        for received in tag.received.values():
            _checkTakes(received.messages or {})
    for remote in manifest.calls.values():
        _checkTakes(remote.methods)


def _checkTakes(methods: Mapping[str, str | None]) -> None:
    for text in methods.values():
        if text is not None:
            parseTakes(text)
