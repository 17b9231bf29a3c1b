"""
How the state of one object is gathered, and put into another, by what their
classes declare (L{pbext._fields}).  Nothing in here knows a broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary, WeakSet

from twisted.logger import Logger
from twisted.persisted.crefutil import NotKnown
from twisted.python.reflect import qual

from pbext._fields import CALLED, DISPATCHED, Fields, fieldsOf, mayHold

__all__ = ["fillDefaults", "gatherState", "restoreState"]

_log = Logger()


def _accepts(cls: type, fields: Fields, name: object) -> bool:
    """
    Whether a peer may set this name on an instance of C{cls}.
    """
    if fields.declared:
        return name in fields.accepted
    return (
        isinstance(name, str)
        and name.isidentifier()
        and not name.startswith("_")
        and name not in fields.local
        and name != CALLED
        and not (fields.dispatches and name.startswith(DISPATCHED))
        and mayHold(cls, name)
    )


def _isSet(instance: object, name: str) -> bool:
    try:
        object.__getattribute__(instance, name)
    except AttributeError:
        return False
    return True


def gatherState(instance: object) -> dict[str, object]:
    """
    The state of an object, as its class declares it: a fresh dict.  A
    declared field that has no value is left out.
    """
    fields = fieldsOf(type(instance))
    if fields.loose:
        _sayWhatStays(instance, fields)
    if not fields.declared:
        return _publicState(instance, fields)
    state = {}
    for name in fields.names:
        if name in fields.shared and name not in vars(instance):
            continue
        try:
            state[name] = getattr(instance, name)
        except AttributeError:
            if not mayHold(type(instance), name):
                raise  # a property that fails is no field without a value
    return state


def _publicState(instance: object, fields: Fields) -> dict[str, object]:
    state = {n: getattr(instance, n) for n in fields.slots if _isSet(instance, n)}
    for name, value in vars(instance).items():
        if not name.startswith("_") and name not in fields.local:
            state[name] = value
    return state


_said: WeakSet[type] = WeakSet()


def _sayWhatStays(instance: object, fields: Fields) -> None:
    """
    Annotations may have been written for a type checker alone: say, once a
    class, what because of them does not travel.
    """
    cls = type(instance)
    if cls in _said:
        return
    _said.add(cls)
    stays = [
        name
        for name in vars(instance)
        if name[0] != "_" and name not in fields.names and name not in fields.local
    ]
    if stays:
        _log.warn(
            "{cls} declares its fields by annotations, so its attributes "
            "{stays} do not travel: annotate them too, or set copyFields",
            cls=qual(cls),
            stays=", ".join(stays),
        )


class _Place:
    """
    Where a value goes that is not known yet: part of a cycle, which Twisted
    fills in by C{place[name] = value} (C{twisted.persisted.crefutil}).
    """

    def __init__(self, instance: object) -> None:
        self._instance = instance

    def __setitem__(self, name: str, value: object) -> None:
        if not isinstance(value, NotKnown):  # known by another name that is not, yet
            object.__setattr__(self._instance, name, value)


def restoreState(instance: object, state: Mapping[object, object]) -> None:
    """
    Put a state that a peer sent into an object.  What the class does not
    accept is ignored: no method, property or private name is set, and
    nothing is called, neither C{__init__} nor C{__setattr__}.

    @param state: names, as str, or as bytes as Python 2 peers send them.
    """
    cls = type(instance)
    fields = fieldsOf(cls)
    for key, value in state.items():
        name = key
        if isinstance(key, bytes):
            try:
                name = key.decode("utf-8")
            except UnicodeDecodeError:
                continue
        if not _accepts(cls, fields, name):
            _sayWhatIsIgnored(cls, name)
        elif isinstance(value, NotKnown):
            value.addDependant(_Place(instance), name)
        else:
            object.__setattr__(instance, name, value)  # type: ignore[arg-type]  # _accepts takes only a str
    fillDefaults(instance)


#: By class, how many fields it was said of that they were ignored.
_ignored: WeakKeyDictionary[type, int] = WeakKeyDictionary()

#: How many times that is said of one class; a peer decides how many there are.
_MOST = 20


def _sayWhatIsIgnored(cls: type, name: object) -> None:
    count = _ignored.get(cls, 0)
    if count < _MOST:
        _ignored[cls] = count + 1
        _log.debug(
            "{cls} does not accept a field that was sent to it: {name}",
            cls=qual(cls),
            name=repr(name)[:80],
        )


def fillDefaults(instance: object) -> None:
    """
    Give each declared field that has a default, and no value, its default.
    """
    for name, default in fieldsOf(type(instance)).defaults.items():
        if not _isSet(instance, name):
            object.__setattr__(instance, name, default(instance))
