"""
How the state of one object is gathered, and put into another, by what their
classes declare (L{pbext._fields}).  Nothing in here knows a broker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from twisted.logger import Logger
from twisted.persisted.crefutil import NotKnown
from twisted.python.reflect import qual

from pbext._contract import Contract, contractOf
from pbext._fields import CALLED, DISPATCHED, Fields, fieldsOf, mayHold
from pbext._kinds import Mismatch, Postponed, whole
from pbext._versions import VERSION, upgraded, versionOf
from pbext.errors import NotSendable, PeerError

__all__ = ["fillDefaults", "gatherState", "restoreState"]

_log = Logger()


def _accepts(cls: type, fields: Fields, name: object) -> bool:
    """
    Whether a peer may set this name on an instance of C{cls}, which declares
    nothing.
    """
    return (
        isinstance(name, str)
        and name.isidentifier()
        and not name.startswith("_")
        and name not in fields.local
        and name not in (CALLED, VERSION)
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
    cls = type(instance)
    contract = contractOf(cls)
    if contract is None:
        state = _publicState(instance, fields)
        version = versionOf(cls)
        return state if version is None else {**state, VERSION: version}
    state = {}
    for name in fields.names:
        if name in fields.shared and name not in vars(instance):
            continue
        try:
            value = getattr(instance, name)
        except AttributeError:
            if not mayHold(cls, name):
                raise  # a property that fails is no field without a value
            continue
        try:
            state[name] = contract.write(name, value)
        except NotSendable as error:
            error.owner = instance
            raise
    if contract.version is not None:
        state[VERSION] = contract.version
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
        object.__setattr__(self._instance, name, value)


class _Late:
    """
    What has to wait for parts of cycles.  Twisted says that one is known by
    C{late[name] = part}; others may not have been told yet, so that this goes
    on when all have been (L{pbext.wire._unjelly.Unjellier}).
    """

    #: What is to be called then, of the message that is being read.
    _queue: deque[Callable[[], None]] | None = None

    def __init__(self, instance: object) -> None:
        self._instance = instance

    def wait(self, name: str, part: NotKnown) -> None:
        """
        Wait for what is missing of the value of this name.
        """
        self._queue = getattr(part, "queue", None)
        part.addDependant(self, name)

    def __setitem__(self, name: str, part: object) -> None:
        if self._queue is None:
            self._known(name, part)
        else:
            self._queue.append(partial(self._known, name, part))

    def _known(self, name: str, part: object) -> None:
        try:
            self.goOn(name, part)
        except PeerError as error:
            # Whoever has called this cannot know.
            error.owner = error.owner or self._instance
            raise

    def goOn(self, name: str, part: object) -> None:
        """
        A part of the value of this name, or that itself, is known.
        """
        raise NotImplementedError("for subclasses")


class _Unfinished(_Late):
    """
    An object some of whose values are not known yet; it is made when the last
    one is.
    """

    def __init__(
        self, instance: object, contract: Contract, values: dict[str, object]
    ) -> None:
        super().__init__(instance)
        self._contract = contract
        self._values = values
        self.waiting: dict[str, object] = {}

    def goOn(self, name: str, part: object) -> None:
        """
        See L{_Late.goOn}.
        """
        value = self.waiting.pop(name)
        # It was the value itself, or something in a container, which has it now.
        value = part if isinstance(value, NotKnown) else value
        try:
            self._values[name] = self._contract.reads[name](value)
        except Mismatch as error:
            raise self._contract.refusal(name, error) from None
        except Postponed as missing:
            self.waiting[name] = value
            self.wait(name, missing.part)
        if not self.waiting:
            self._contract.make(self._instance, self._values)


class _Versioned(_Late):
    """
    A state that may be of an older version.  The class is to upgrade it, and so
    has to see it whole.
    """

    def __init__(self, instance: object, state: dict[Any, Any]) -> None:
        super().__init__(instance)
        self._state = state

    def goOn(self, name: str, part: object) -> None:
        """
        See L{_Late.goOn}.
        """
        if isinstance(self._state[name], NotKnown):
            self._state[name] = part
        self.upgrade()

    def upgrade(self) -> None:
        """
        Do it, and take the state, if nothing is missing.
        """
        for name, value in self._state.items():
            try:
                whole(value)
            except Postponed as missing:
                self.wait(name, missing.part)
                return
        cls = type(self._instance)
        _restore(self._instance, contractOf(cls), upgraded(cls, self._state))


def restoreState(instance: object, state: Mapping[Any, Any]) -> None:
    """
    Put a state that a peer sent into an object.  Of a class that declares
    fields, each is checked, and the object is made as its contract
    (L{pbext._contract}) says.  Otherwise, what the class does not accept is
    ignored, and nothing is called: no method, property or private name is
    set.

    @param state: names, as str, or as bytes as Python 2 peers send them.
    @raise PeerError: if it is not a state of the class; one of C{RefusedField},
        C{RefusedObject} and C{RefusedVersion} (L{pbext.errors}).
    """
    cls = type(instance)
    contract = contractOf(cls)
    if (versionOf(cls) if contract is None else contract.version) is None:
        _restore(instance, contract, state)
    else:
        _Versioned(instance, dict(_named(state))).upgrade()


def _restore(
    instance: object, contract: Contract | None, state: Mapping[Any, Any]
) -> None:
    if contract is None:
        _restoreUndeclared(instance, dict(_named(state)))
        return
    reads = contract.reads
    if not state.keys() <= reads.keys():
        state = dict(_named(state))
    values: dict[str, Any] = {}
    unfinished: _Unfinished | None = None
    for name, value in state.items():
        read = reads.get(name)
        if read is None:
            _refuseOrIgnore(type(instance), contract, name)
            continue
        try:
            values[name] = read(value)
        except Mismatch as error:
            raise contract.refusal(name, error) from None
        except Postponed as missing:
            unfinished = unfinished or _Unfinished(instance, contract, values)
            unfinished.waiting[name] = value
            unfinished.wait(name, missing.part)
    if unfinished is None:
        contract.make(instance, values)


def _refuseOrIgnore(cls: type, contract: Contract, name: object) -> None:
    if name not in contract.fields.names:  # a property is, and has its own
        contract.refuseUnknown(name)
        _sayWhatIsIgnored(cls, name)


def _named(state: Mapping[object, object]) -> Iterator[tuple[Any, object]]:
    for key, value in state.items():
        if isinstance(key, bytes):
            try:
                key = key.decode("utf-8")
            except UnicodeDecodeError:
                continue
        yield key, value


def _restoreUndeclared(instance: object, state: dict[Any, object]) -> None:
    cls = type(instance)
    fields = fieldsOf(cls)
    for name, value in state.items():
        if not _accepts(cls, fields, name):
            _sayWhatIsIgnored(cls, name)
        elif isinstance(value, NotKnown):
            value.addDependant(_Place(instance), name)
        else:
            object.__setattr__(instance, name, value)


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
            # A key that is no name may be a value; it may even be half-made.
            name=repr(name[:80]) if isinstance(name, str) else qual(type(name)),
        )


def fillDefaults(instance: object) -> None:
    """
    Give an object that has arrived without a state its defaults.
    """
    contract = contractOf(type(instance))
    if contract is not None:
        contract.make(instance, {})
