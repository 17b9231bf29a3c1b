"""
How the state of one object is gathered, and put into another, by what their
classes declare (L{pbext._fields}).  Nothing in here knows a broker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import Logger
from twisted.python.reflect import qual

from pbext._contract import Contract, contractOf
from pbext._fields import fieldsOf, mayHold
from pbext._kinds import Mismatch, Postponed
from pbext._late import Unfinished, Versioned
from pbext._perclass import PerClass
from pbext._undeclared import Undeclared, named, sayWhatIsIgnored
from pbext._versions import VERSION, versionOf
from pbext.errors import NotSendable, RefusedState

__all__ = [
    "fillDefaults",
    "gatherState",
    "gathererOf",
    "makerOf",
    "restoreState",
    "takeState",
]

_log = Logger()

#: How many shapes of states are remembered of a class: a peer decides in what
#: order the fields come, and which of several types a value is of.
_MOST_SHAPES = 50


class _Declared:
    """
    How the objects of one class travel that declares fields.

    @ivar version: of the states that it sends and reads, or C{None}.
    """

    def __init__(self, contract: Contract) -> None:
        self.version = contract.version
        self._contract = contract
        # Annotations may have been written for a type checker alone.
        self._hasToSay = contract.fields.loose
        # The names in a state, and the types of their values, where all are
        # right: those of a hundred thousand objects are the same few.
        self._right: set[tuple[Any, ...]] = set()

    def gather(self, instance: Any) -> dict[str, object]:
        """
        @return: the state of an object: a fresh dict.
        """
        if self._hasToSay:
            self._hasToSay = False
            self._sayWhatStays(instance)
        state = {}
        for name, changes, shared in self._contract.sends:
            if shared and name not in vars(instance):
                continue
            try:
                value = getattr(instance, name)
            except AttributeError:
                if not mayHold(type(instance), name):
                    raise  # a property that fails is no field without a value
                continue
            if changes:
                try:
                    value = self._contract.write(name, value)
                except NotSendable as error:
                    error.owner = instance
                    raise
            state[name] = value
        if self.version is not None:
            state[VERSION] = self.version
        return state

    def _sayWhatStays(self, instance: object) -> None:
        """
        Say, once a class, what because of its annotations does not travel.
        """
        fields = self._contract.fields
        stays = [
            name
            for name in vars(instance)
            if name[0] != "_" and name not in fields.names and name not in fields.local
        ]
        if stays:
            _log.warn(
                "{cls} declares its fields by annotations, so its attributes "
                "{stays} do not travel: annotate them too, or set copyFields",
                cls=qual(type(instance)),
                stays=", ".join(stays),
            )

    def restore(
        self, instance: object, state: Mapping[Any, Any], finished: bool = False
    ) -> None:
        """
        Make a blank object the one that has arrived: see L{restoreState}.

        @param finished: as of L{Undeclared.restore}; here, what is read says so.
        """
        contract = self._contract
        shape: Any = (*state, *map(type, state.values()))
        try:
            known = shape in self._right
        except TypeError:
            known, shape = False, None  # the class of a value has no hash
        if known:
            contract.make(instance, state)
            return
        reads = contract.reads
        right = shape is not None and state.keys() <= reads.keys()
        if not right:
            state = dict(named(state))
        values: dict[str, Any] = {}
        unfinished: Unfinished | None = None
        for name, value in state.items():
            read = reads.get(name)
            if read is None:
                self._refuseOrIgnore(type(instance), name)
            elif shape is not None and type(value) in read[1]:
                values[name] = value
            else:
                right = False
                try:
                    values[name] = read[0](value)
                except Mismatch as error:
                    raise contract.refusal(name, error) from None
                except Postponed as missing:
                    unfinished = unfinished or Unfinished(instance, contract, values)
                    unfinished.waiting[name] = value
                    unfinished.wait(name, missing.part)
        if unfinished is None:
            if right and len(self._right) < _MOST_SHAPES:
                self._right.add(shape)
            contract.make(instance, values)

    def _refuseOrIgnore(self, cls: type, name: object) -> None:
        if name not in self._contract.fields.names:  # a property is, and has its own
            self._contract.refuseUnknown(name)
            sayWhatIsIgnored(cls, name)


def _findPlan(cls: type) -> _Declared | Undeclared:
    contract = contractOf(cls)
    if contract is None:
        return Undeclared(cls, fieldsOf(cls), versionOf(cls))
    return _Declared(contract)


_plans = PerClass(_findPlan)


def gatherState(instance: object) -> dict[str, object]:
    """
    The state of an object, as its class declares it: a fresh dict.  A
    declared field that has no value is left out.
    """
    return _plans.of(type(instance)).gather(instance)


def gathererOf(cls: type) -> Callable[[Any], dict[str, object]] | None:
    """
    @return: what does as L{gatherState} for the instances of a class, if nothing
        of the class is called for it; a declared field may be a property, or have
        a converter.
    """
    plan = _plans.of(cls)
    return plan.gather if type(plan) is Undeclared else None


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
    plan = _plans.of(type(instance))
    if plan.version is None:
        plan.restore(instance, state)
    else:
        Versioned(instance, dict(named(state)), plan.restore).upgrade()


def takeState(instance: object, state: Any) -> None:
    """
    Take whatever has arrived for a state.

    @raise RefusedState: if it is neither a dict nor empty.
    @raise PeerError: as L{restoreState}.
    """
    if type(state) is dict or isinstance(state, Mapping):
        restoreState(instance, state)
    elif not state:  # stock's rule, for a state of None
        fillDefaults(instance)
    else:
        raise RefusedState(className=qual(type(instance)), got=qual(type(state)))


def makerOf(cls: Any) -> Callable[[Any], Any]:
    """
    @return: what makes an object of a class that has
        L{RemoteCopy.setCopyableState<pbext._copyable.RemoteCopy>} of a state
        all of which is known.
    """

    def make(state: Any) -> Any:
        made = cls.__new__(cls)
        plan = _plans.of(cls)
        if type(state) is dict and plan.version is None:
            plan.restore(made, state, finished=True)
        else:
            takeState(made, state)
        return made

    return make


def fillDefaults(instance: object) -> None:
    """
    Give an object that has arrived without a state its defaults.
    """
    contract = contractOf(type(instance))
    if contract is not None:
        contract.make(instance, {})
