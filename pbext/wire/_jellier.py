"""
From objects to jelly.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from twisted.logger import Logger
from twisted.python.reflect import qual
from twisted.spread import flavors, jelly

from pbext.errors import NotSendable
from pbext.interfaces import IStrict
from pbext.wire._jelly import UNSENDABLE, pathTo

__all__ = ["Jellier"]

_log = Logger()

#: Classes of stock's of which it has been said what they lose.
_said: WeakSet[type] = WeakSet()


class Jellier(jelly._Jellier):
    """
    Twisted's, but that an object that cannot be sent is an error.
    """

    def __init__(self, taster: Any, invoker: Any) -> None:
        super().__init__(taster, None, invoker)
        self._unsendable: list[tuple[list[Any], str]] = []

    def jellyFull(self, obj: Any) -> Any:
        """
        @return: the jelly of an object.
        @raise NotSendable: if it holds something that cannot be sent.
        """
        sexp = self.jelly(obj)
        if self._unsendable:
            part, reason = self._unsendable[0]
            raise NotSendable(path=pathTo(sexp, part), got=reason, fix=UNSENDABLE)
        return sexp

    def unpersistable(self, reason: Any, sxp: Any = None) -> Any:
        """
        Note that a value cannot be sent, unless it is in the state of an
        object of stock's: there are such (C{twisted.web.server.Request}) that
        send whatever they have, and nobody asks for the rest.
        """
        sexp = super().unpersistable(reason, sxp)
        owner = self._owner()
        if owner is None or IStrict.providedBy(owner):
            self._unsendable.append((sexp, str(reason)))
        elif type(owner) not in _said:
            _said.add(type(owner))
            _log.warn(
                "{cls} sends what its peer cannot read, as stock PB does: {what}",
                cls=qual(type(owner)),
                what=reason,
            )
        return sexp

    def _owner(self) -> flavors.Copyable | None:
        """
        The object whose state is being jellied just now.
        """
        for number in reversed(self.preserved):
            # Of what is not finished, and only of that, the list is empty.
            sexp = self.preserved[number]
            inner = sexp[2] if sexp[:1] == [b"reference"] else sexp
            held = self.cooker[number]
            if not inner and isinstance(held, flavors.Copyable):
                return held
        return None


class CopyingJellier(Jellier):
    """
    One that knows of classes that are not flavors, by the copiers of the
    connection's registry.
    """

    def jelly(self, obj: Any) -> Any:
        """
        @return: the jelly of an object, or what refers to it.
        """
        copier = self.invoker.registry.copiers.get(type(obj))
        if copier is None:
            return super().jelly(obj)
        known = self._checkMutable(obj)
        if known:
            return known
        _cls, toWire = copier.sender
        sexp = self.prepare(obj)
        sexp.extend([copier.tag.encode("utf-8"), self.jelly(toWire(obj))])
        return self.preserve(obj, sexp)
