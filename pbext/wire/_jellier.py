"""
From objects to jelly.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any
from weakref import WeakSet

import attrs

from twisted.logger import Logger
from twisted.python.reflect import qual
from twisted.spread import flavors, jelly

from pbext.errors import NotSendable
from pbext.interfaces import IStrict
from pbext.wire._jelly import UNSENDABLE, pathTo

__all__ = ["Jellier"]

_log = Logger()

#: What to do with a value for which jelly has no word.
_AS_TEXT = "send it as text, or in a field that is declared as what it is"

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
            sexp = self.jelly(obj)
        except NotImplementedError as error:
            if not _isStocks(error):
                raise  # a hook's
            path = self._pathTo(_hasZone)
            got = "a date or a time with a time zone"
            raise NotSendable(path=path, got=got, fix=_AS_TEXT) from None
        except UnicodeEncodeError as error:
            if not _isStocks(error):
                raise
            path = self._pathTo(_hasSurrogate)
            got = "a str with a surrogate, which UTF-8 has no bytes for"
            raise NotSendable(path=path, got=got, fix="send bytes") from None
        except NotSendable as error:
            owner = error.owner
            if owner is None:
                raise
            # Of the object's own contract, and so from there.
            path = self._pathTo(lambda value: value is owner)
            path += error.path.removeprefix("$")
            raise attrs.evolve(error, path=path) from None
        if self._unsendable:
            part, reason, fix = self._unsendable[0]
            raise NotSendable(path=pathTo(sexp, part), got=reason, fix=fix)
        return sexp

    def jelly_decimal(self, d: Any) -> Any:
        """
        Note that jelly has no word for a decimal that is no finite number.
        """
        if d.is_finite():
            return super().jelly_decimal(d)
        sexp = [b"None"]
        self._unsendable.append((sexp, "a decimal that is not finite", _AS_TEXT))
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


def _keyStep(key: object) -> str:
    # as in paths that are read from jelly
    if type(key) is int:
        return f"[{key}]"
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    return f".{name}" if isinstance(name, str) and name.isidentifier() else "[...]"


def _inside(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield "{key}", key
            yield _keyStep(key), item
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, item in enumerate(value):
            yield f"[{index}]", item
