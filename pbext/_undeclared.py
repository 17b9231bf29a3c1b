"""
The state of the objects of a class that declares no fields: their public
attributes.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary, ref

from twisted.logger import Logger
from twisted.persisted.crefutil import NotKnown
from twisted.python.reflect import qual

from pbext._fields import (
    CALLED,
    DISPATCHED,
    Fields,
    classAttribute,
    isFramework,
    mayHold,
)
from pbext._late import Place
from pbext._versions import VERSION

__all__ = ["Undeclared", "named", "sayWhatIsIgnored"]

_log = Logger(namespace="pbext")

#: How many names are remembered of a class, and of what length in characters: a
#: peer may well send others with every object.
_MOST_NAMES, _LONGEST = 200, 80

#: What a class may have in the place of a value of its instances: a default of
#: one of these types neither is called nor does anything when it is looked up.
_PLAIN = frozenset(
    {type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset}
)

#: What looks up attributes of objects whose class does not do that itself.
_FOUND_AS_EVER = object, object.__getattribute__

#: C{Py_TPFLAGS_HEAPTYPE}: of a class that is written in Python.
_IN_PYTHON = 1 << 9


class Undeclared:
    """
    What is known of one such class; it is one of the user's.

    The names that have travelled are remembered, those of a hundred thousand
    objects being the same few: of a state that has no others, nothing has to be
    asked but whether the class has got a method of that name meanwhile.

    @ivar version: of the states that it sends and reads, or C{None}.
    """

    def __init__(self, cls: type, fields: Fields, version: int | None) -> None:
        self.version = version
        self._fields = fields
        self._slots = fields.slots
        # What is public, and what a peer may set.
        self._public: set[str] = set()
        self._accepted: set[str] = set()
        # The classes are not to be kept.  What Twisted's and ours have is what
        # they had when a name was looked up first.
        bases = cls.__mro__[1:]
        self._bases = [ref(base) for base in bases if not isFramework(base)]
        self._others = [ref(base) for base in bases if isFramework(base)]
        self._hasPlainDict = _hasPlainDict(cls)

    def gather(self, instance: Any) -> dict[str, object]:
        """
        @return: the state of an object: a fresh dict.
        """
        values = instance.__dict__
        if type(values) is dict and self._public.issuperset(values) and not self._slots:
            state = values.copy()
        else:
            state = self._publicState(instance)
        if self.version is not None:
            state[VERSION] = self.version
        return state

    def _publicState(self, instance: object) -> dict[str, object]:
        slots = [name for name in self._slots if _isSet(instance, name)]
        state = {name: getattr(instance, name) for name in slots}
        for name, value in vars(instance).items():
            if not name.startswith("_") and name not in self._fields.local:
                state[name] = value
                _remember(self._public, name)
        return state

    def restore(
        self, instance: Any, state: Mapping[Any, object], finished: bool = False
    ) -> None:
        """
        Put a state that a peer sent into an object: see
        L{pbext._state.restoreState}.

        @param finished: whether it is known that nothing in it is part of a
            cycle and not known yet.
        """
        cls = type(instance)
        if (
            self._hasPlainDict
            and self._accepted.issuperset(state)
            and _leavesFree(cls, state)
            and (not self._bases or self._basesLeaveFree(state))
            and (finished or not _hasLate(state))
        ):
            instance.__dict__.update(state)
            return
        for name, value in dict(named(state)).items():
            if not self._accepts(cls, name):
                sayWhatIsIgnored(cls, name)
            elif isinstance(value, NotKnown):
                value.addDependant(Place(instance), name)
            else:
                object.__setattr__(instance, name, value)

    def _basesLeaveFree(self, state: Mapping[Any, object]) -> bool:
        return all(_leavesFree(base(), state) for base in self._bases)

    def _accepts(self, cls: type, name: object) -> bool:
        """
        Whether a peer may set this name on an instance.
        """
        fields = self._fields
        if (
            not isinstance(name, str)
            or not name.isidentifier()
            or name.startswith("_")
            or name in fields.local
            or name in (CALLED, VERSION)
            or (fields.dispatches and name.startswith(DISPATCHED))
            or not mayHold(cls, name)
        ):
            return False
        if not any(name in vars(base()) for base in self._others):
            _remember(self._accepted, name)
        return True


def _remember(names: set[str], name: str) -> None:
    if len(name) <= _LONGEST:
        if len(names) >= _MOST_NAMES:
            names.clear()
        names.add(name)


def _leavesFree(cls: Any, state: Mapping[Any, object]) -> bool:
    """
    Whether a class itself has nothing of these names but defaults.
    """
    body = cls.__dict__
    if not body.keys().isdisjoint(state):
        for name in state:
            if name in body and type(body[name]) not in _PLAIN:
                return False
    return True


def _hasPlainDict(cls: type) -> bool:
    """
    Whether what is put into C{__dict__} is what C{object.__setattr__} would set.
    """
    found = classAttribute(cls, "__dict__")
    return (
        found is not None
        and isinstance(found[1], types.GetSetDescriptorType)
        and classAttribute(cls, "__getattribute__") == _FOUND_AS_EVER
        and all(base is object or base.__flags__ & _IN_PYTHON for base in cls.__mro__)
    )


def _isSet(instance: object, name: str) -> bool:
    try:
        object.__getattribute__(instance, name)
    except AttributeError:
        return False
    return True


def _hasLate(state: Mapping[Any, object]) -> bool:
    for value in state.values():
        if isinstance(value, NotKnown):
            return True
    return False


def named(state: Mapping[object, object]) -> Iterator[tuple[Any, object]]:
    """
    @return: the items of a state, with names that are bytes, as Python 2 peers
        send them, as text.
    """
    for key, value in state.items():
        if isinstance(key, bytes):
            try:
                key = key.decode("utf-8")
            except UnicodeDecodeError:
                continue
        yield key, value


#: By class, how many fields it was said of that they were ignored.
_ignored: WeakKeyDictionary[type, int] = WeakKeyDictionary()

#: How many times that is said of one class; a peer decides how many there are.
_MOST = 20


def sayWhatIsIgnored(cls: type, name: object) -> None:
    """
    Log that a class does not take a field that has arrived.
    """
    count = _ignored.get(cls, 0)
    if count < _MOST:
        _ignored[cls] = count + 1
        _log.debug(
            "{cls} does not accept a field that was sent to it: {name}",
            cls=qual(cls),
            # A key that is no name may be a value; it may even be half-made.
            name=repr(name[:80]) if isinstance(name, str) else qual(type(name)),
        )
