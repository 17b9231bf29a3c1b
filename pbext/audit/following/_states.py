"""
What a class sends of its instances.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

import attrs

from pbext.audit._findings import NOWHERE, Place
from pbext.audit._model import ClassModel, Computed
from pbext.audit.reading._sources import Source

__all__ = ["HOOKS", "State", "namesIn"]

#: The hooks that gather a state, and what each asks by default.
HOOKS = {
    "getStateToCacheAndObserveFor": "getStateToCopyFor",
    "getStateToCopyFor": "getStateToCopy",
    "getStateToCopy": "",
}


@attrs.frozen
class State:
    """
    A state that a hook returns.

    @ivar whole: whether all that the object has is in it, C{without} apart.
    @ivar live: whether it is the object's own C{__dict__}, and no copy.
    @ivar without: the names that were taken out.
    @ivar named: by name, what was put in, if it is written out there.
    @ivar gathered: by whose own hook it was: C{"twisted"}, C{"pbext"}, or C{""} if
        the program itself names what it consists of.
    @ivar place: where the program returns it; L{NOWHERE} if it has no hook.
    @ivar source: the file of that.
    """

    whole: bool = False
    live: bool = False
    without: frozenset[str] = frozenset()
    named: Mapping[str, ast.expr] = attrs.Factory(dict)
    gathered: str = ""
    place: Place = NOWHERE
    source: Source | None = None

    def lacking(self, name: str) -> State:
        """
        @return: the same, but for one name.
        """
        named = {n: value for n, value in self.named.items() if n != name}
        return attrs.evolve(self, without=self.without | {name}, named=named)

    def having(self, more: Mapping[str, ast.expr]) -> State:
        """
        @return: the same, and more.
        """
        return attrs.evolve(self, named={**self.named, **more})


def namesIn(cls: ClassModel, state: State) -> dict[str, Place]:
    """
    @return: the names of the attributes in a state that are sent as they are,
        and where each was first set, or put into the state.
    """
    found: dict[str, Place] = {}
    if state.whole:
        declared = {field.name: field.place for field in cls.fields}
        for name, place in [
            *((name, places[0]) for name, places in cls.assigned.items() if places),
            *declared.items(),
        ]:
            computed = isinstance(cls.values.get(name), Computed)
            taken = name in state.without or name in state.named
            if not (taken or computed or name in ("__dict__", "__class__")):
                found.setdefault(name, place)
    if state.gathered != "pbext":
        for name in cls.slots or ():
            found.pop(name, None)  # not in __dict__
    else:
        local = {field.name for field in cls.fields if field.local} | {"observers"}
        travels = {field.name for field in cls.fields if not field.local}
        found = {
            name: place
            for name, place in found.items()
            if name not in local
            and not name.startswith("_")
            and (name in travels or not cls.declares)
        }
    return found
