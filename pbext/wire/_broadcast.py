"""
One update on its way to many observers.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any, cast

from pbext.errors import NotSendable
from pbext.interfaces import IConnection
from pbext.wire._jelly import checkSendable

__all__ = ["Message"]

_ATOMIC = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        str,
        bytes,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        decimal.Decimal,
    }
)
_CONTAINERS = frozenset({list, tuple, set, frozenset})

#: The jelly of no keyword arguments, as most messages have them.
_NO_KEYWORDS = [b"dictionary"]

#: Deeper values are jellied for each observer; this also ends on a cycle.
_DEPTH = 20


def _isPlain(value: object, depth: int = _DEPTH) -> bool:
    """
    Whether a value jellies the same for every broker and every perspective:
    whether it is made of nothing but exact built-in types.
    """
    kind = type(value)
    if kind in _ATOMIC:
        return True
    if not depth:
        return False
    if kind in _CONTAINERS:
        return all(_isPlain(item, depth - 1) for item in value)  # type: ignore[attr-defined]  # a container by its type
    if kind is dict:
        return all(
            _isPlain(k, depth - 1) and _isPlain(v, depth - 1)
            for k, v in value.items()  # type: ignore[attr-defined]  # a dict by its type
        )
    return False


class Message:
    """
    The name and the arguments of an update.  Arguments that are the same
    for everyone are jellied, and checked, once.

    @ivar shared: whether they are.
    """

    def __init__(
        self, name: str | bytes, args: tuple[Any, ...], kw: dict[str, Any]
    ) -> None:
        self.name = name.encode("utf-8") if isinstance(name, str) else name
        self._args = args
        self._kw = kw
        self.shared = _isPlain(args) and _isPlain(kw)
        self._security: object = None
        self._registry: object = None
        self._jellied: tuple[Any, Any] | None = None
        self._error: Exception | None = None

    def jelliedFor(self, broker: Any, perspective: object) -> tuple[Any, Any]:
        """
        The arguments and the keyword arguments as they go to one observer.

        @raise NotSendable: if the peer could not be given what is meant.
        """
        if not self.shared:
            return self._jellyFor(broker, perspective)
        # What may be sent, and as what, is the factory's to say, so a jelly is
        # shared among brokers with the same policy and registry only.
        security, registry = broker.security, getattr(broker, "registry", None)
        if security is not self._security or registry is not self._registry:
            self._security, self._registry = security, registry
            self._jellied = self._error = None
            try:
                self._jellied = self._jellyFor(broker, perspective)
            except Exception as error:
                self._error = error
        if self._jellied is None:
            raise cast(Exception, self._error)
        return self._jellied

    def _jellyFor(self, broker: Any, perspective: object) -> tuple[Any, Any]:
        args = broker.serialize(self._args, perspective=perspective, method=self.name)
        kw: Any = _NO_KEYWORDS
        if self._kw:
            kw = broker.serialize(self._kw, perspective=perspective, method=self.name)
        try:
            checkSendable(args)
            if self._kw:
                checkSendable(kw)
        except NotSendable:
            connection = IConnection(broker, None)
            if connection is not None:
                connection.withdraw()
            raise
        return args, kw
