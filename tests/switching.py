"""
Brokers with one codec and with the other, in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from pbext.wire import _banana, _codec, _decoder, _encoder, _unjelly
from tests.codecs import CODECS, Codec

__all__ = ["BY_NAME", "PURE", "using"]

#: The codecs that there are here.
BY_NAME: dict[str, Codec] = {codec.name: codec for codec in CODECS}

#: The one that is everywhere.
PURE = BY_NAME["pure Python"]

#: Their parts, as L{pbext.wire._codec} chooses them.
_PARTS: dict[str, dict[str, Any]] = {
    PURE.name: {
        "Decoder": _decoder.Decoder,
        "Encoder": _encoder.Encoder,
        "decodeTokens": _decoder.decodeTokens,
        "encodeTokens": _banana.encodeTokens,
        "read": _unjelly.read,
    }
}
if len(BY_NAME) > 1:
    _fast = import_module("pbext.wire._fast")
    _PARTS["compiled"] = {part: getattr(_fast, part) for part in _PARTS[PURE.name]}

#: What the modules that make up a codec have of its parts is their own.
_OWN = frozenset(
    f"pbext.wire.{name}"
    for name in ("_banana", "_decoder", "_encoder", "_fast", "_unjelly")
)


@cache
def _users() -> list[tuple[Any, str]]:
    """
    @return: the modules that have a part of the codec, and which.
    """
    import_module("pbext.testing")  # and so all that are concerned
    found = []
    for part in _PARTS[PURE.name]:
        ones = [parts[part] for parts in _PARTS.values()]
        for name, module in list(sys.modules.items()):
            if name.startswith("pbext.") and name not in _OWN:
                if part in vars(module) and vars(module)[part] in ones:
                    found.append((module, part))
    return found


@contextmanager
def using(codec: Codec) -> Iterator[None]:
    """
    Brokers use this codec, those that are connected from now on.
    """
    before = [(module, part, vars(module)[part]) for module, part in _users()]
    name, _codec.CODEC = _codec.CODEC, codec.name
    try:
        for module, part in _users():
            setattr(module, part, _PARTS[codec.name][part])
        yield
    finally:
        _codec.CODEC = name
        for module, part, value in before:
            setattr(module, part, value)
