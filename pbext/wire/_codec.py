"""
The codec that this process uses: the compiled one, if it was built and the
environment variable C{PBEXT_PURE} is not set, or the same in Python.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

__all__ = ["CODEC", "Decoder", "Encoder", "decodeTokens", "encodeTokens", "read"]

#: Which one it is: C{"compiled"} or C{"pure Python"}.
CODEC = "pure Python"

Decoder: Any
Encoder: Any
decodeTokens: Callable[[bytes], Any]
encodeTokens: Callable[[Any, bool, int], bytes]
read: Callable[..., Any]

try:
    if os.environ.get("PBEXT_PURE"):
        raise ImportError("the pure one is asked for")
    from pbext.wire import _fast
except ImportError:
    from pbext.wire import _banana, _decoder, _encoder, _unjelly

    Decoder, Encoder = _decoder.Decoder, _encoder.Encoder
    decodeTokens, encodeTokens = _decoder.decodeTokens, _banana.encodeTokens
    read = _unjelly.read
else:
    CODEC = "compiled"
    Decoder, Encoder = _fast.Decoder, _fast.Encoder
    decodeTokens, encodeTokens = _fast.decodeTokens, _fast.encodeTokens
    read = _fast.read
