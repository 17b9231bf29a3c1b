"""
From objects to jelly.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, Protocol
from weakref import WeakSet

import attrs

from twisted.logger import Logger
from twisted.python.reflect import qual
from twisted.spread import flavors, jelly

from pbext.errors import NotSendable
from pbext.interfaces import IStrict
from pbext.wire._flaw import Flaw
from pbext.wire._jelly import UNSENDABLE, checkSendable, pathTo

__all__ = [
    "AS_TEXT",
    "CopyingJellier",
    "Facade",
    "IEncoder",
    "Jellier",
    "keyStep",
    "notUTF8",
    "zoned",
]

_log = Logger()

#: What to do with a value for which jelly has no word.
AS_TEXT = "send it as text, or in a field that is declared as what it is"

#: Classes of stock's of which it has been said what they lose.
_said: WeakSet[type] = WeakSet()


class Jellier(jelly._Jellier):
    """
    Twisted's, but that an object that cannot be sent is an error.
    """

    def __init__(self, taster: Any, invoker: Any) -> None:
        super().__init__(taster, None, invoker)
        self._unsendable: list[tuple[list[Any], str, str]] = []

    def jellyFull(self, obj: Any) -> Any:
        """
        @return: the jelly of an object.
        @raise NotSendable: if it holds something that cannot be sent.
        """
        try:
            return self.jellyPart(obj)
        except Flaw as flaw:
            raise flaw.whole() from None

    def jellyPart(self, obj: Any) -> Any:
        """
        @return: the jelly of an object that is part of something.
        @raise Flaw: if it holds something that cannot be sent.
        """
        try:
            sexp = self.jelly(obj)
        except NotImplementedError as error:
            if not _isStocks(error):
                raise  # a hook's
            path = self._pathTo(_hasZone)
            raise Flaw(zoned(path)) from None
        except UnicodeEncodeError as error:
            if not _isStocks(error):
                raise
            path = self._pathTo(_hasSurrogate)
            raise Flaw(notUTF8(path)) from None
        except NotSendable as error:
            owner = error.owner
            if owner is None:
                raise
            # Of the object's own contract, and so from there.
            path = self._pathTo(lambda value: value is owner)
            path += error.path.removeprefix("$")
            raise Flaw(attrs.evolve(error, path=path)) from None
        if self._unsendable:
            part, reason, fix = self._unsendable[0]
            raise Flaw(NotSendable(path=pathTo(sexp, part), got=reason, fix=fix))
        return sexp

    def jelly_decimal(self, d: Any) -> Any:
        """
        Note that jelly has no word for a decimal that is no finite number.
        """
        if d.is_finite():
            return super().jelly_decimal(d)
        sexp = [b"None"]
        self._unsendable.append((sexp, "a decimal that is not finite", AS_TEXT))
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
            self._unsendable.append((sexp, str(reason), UNSENDABLE))
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
        for held in reversed(list(self._unfinished())):
            if isinstance(held, flavors.Copyable):
                return held
        return None

    def _pathTo(self, last: Callable[[object], bool]) -> str:
        """
        @param last: whether a value is what is to be jellied next.
        @return: where it stands.
        """
        return "".join(["$", *_steps(list(self._unfinished()), last)])

    def _unfinished(self) -> Iterator[Any]:
        """
        The objects that are being jellied just now, each of them within the
        one before.
        """
        for number, sexp in self.preserved.items():
            # Of what is not finished, and only of that, the list is empty.
            if not (sexp[2] if sexp[:1] == [b"reference"] else sexp):
                yield self.cooker[number]


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


class IEncoder(Protocol):
    """
    What a L{Facade} asks of the encoder that it belongs to.

    @ivar owner: the innermost C{flavors.Copyable} whose state the encoder is
        writing just now, or C{None}.
    """

    owner: Any

    def reference(self, obj: Any) -> list[Any] | None:
        """
        If the encoder itself has met this very object in the message, finished
        or not: give it a number, unless it has one, and note that it is
        referred to.

        @return: C{[b"dereference", number]}; or C{None} if it has not.
        """

    def newNumber(self) -> int:
        """
        @return: the next number for what is referred to, from 1 on.
        """


class Facade(CopyingJellier):
    """
    What jellies for an encoder all that the encoder does not write itself, such
    as objects with hooks of their own.  The hooks see the jellier that they
    know; what it makes are lists, and whatever is in such an object is in lists
    as well.  It is one for the message, as the encoder is, and the two share
    the objects met and the numbers: each of them asks the other one.

    The encoder, when it meets

      - an object that is one of its own kinds and that it has not met itself,
        asks L{known}, and, if that has an answer, writes that;
      - an object of any other kind, calls L{jellyPart}, at once, and writes
        what that returns, but, as the lists may still change (to those that
        are referred to later, C{reference} is added I{in place}), only when all
        of the message is made.  Where nothing was L{prepared}, nothing will
        change, so it may be written at once.

    Nothing of this calls the encoder for a value: only L{IEncoder}.
    """

    def __init__(self, encoder: IEncoder, broker: Any) -> None:
        super().__init__(broker.security, broker)
        self._encoder = encoder
        self._limit = broker.stringLimit

    def known(self, obj: Any) -> list[Any] | None:
        """
        If the facade has met this very object: note that it is referred to.

        @return: C{[b"dereference", number]}; or C{None} if it has not.
        """
        known: list[Any] | None = super()._checkMutable(obj)
        return known

    def jellyPart(self, obj: Any) -> Any:
        """
        @return: the jelly of an object: a list, a tuple, or an integer, a float
            or bytes.
        @raise Flaw: if it holds something that cannot be sent.
        """
        sexp = super().jellyPart(obj)
        try:
            checkSendable(sexp, strict=False, limit=self._limit)
        except NotSendable as error:
            raise Flaw(error) from None
        return sexp

    def prepared(self) -> int:
        """
        @return: how many objects it has met that may be referred to.
        """
        return len(self.preserved)

    def _checkMutable(self, obj: Any) -> Any:
        return self.known(obj) or self._encoder.reference(obj)

    def _cook(self, object: Any) -> Any:
        self._ref_id = self._encoder.newNumber()
        return super()._cook(object)

    def _owner(self) -> Any:
        return super()._owner() or self._encoder.owner


def zoned(path: str = "$") -> NotSendable:
    """
    @return: the error for a time with a time zone.
    """
    return NotSendable(path=path, got="a date or a time with a time zone", fix=AS_TEXT)


def notUTF8(path: str = "$") -> NotSendable:
    """
    @return: the error for a str that has no bytes.
    """
    got = "a str with a surrogate, which UTF-8 has no bytes for"
    return NotSendable(path=path, got=got, fix="send bytes")


def _isStocks(error: BaseException) -> bool:
    """
    Whether an error was raised by Twisted's jellier itself.
    """
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals is vars(jelly)


def _hasZone(value: object) -> bool:
    kinds = datetime.datetime, datetime.time
    return isinstance(value, kinds) and value.tzinfo is not None


def _hasSurrogate(value: object) -> bool:
    return isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value)


def _steps(objects: list[Any], last: Callable[[object], bool]) -> Iterator[str]:
    """
    @param objects: objects, each of them within the one before.
    @param last: whether a value is what is looked for in the last one.
    @return: the steps of the path to that.
    """
    for outer, inner in zip_longest(objects, objects[1:]):
        for step, value in _inside(outer):
            if last(value) if inner is None else value is inner:
                yield step
                break


def keyStep(key: object) -> str:
    # as in paths that are read from jelly
    if type(key) is int:
        return f"[{key}]"
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    return f".{name}" if isinstance(name, str) and name.isidentifier() else "[...]"


def _inside(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield "{key}", key
            yield keyStep(key), item
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, item in enumerate(value):
            yield f"[{index}]", item
