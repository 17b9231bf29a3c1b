"""
Copying objects: L{Copyable} and L{RemoteCopy}, thin over
L{pbext._state}, which knows what of an object travels.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from zope.interface import implementer

from twisted.python.reflect import qual
from twisted.spread import flavors

from pbext._fields import fieldsOf
from pbext._state import gathererOf, gatherState, makerOf, takeState
from pbext.interfaces import IStrict
from pbext.wire._hooks import GATHERERS, TAGS
from pbext.wire._readers import STATES

__all__ = ["Copyable", "RemoteCopy", "tagOf"]


def tagOf(cls: type) -> bytes:
    """
    The tag under which instances of a class travel unless a hook of theirs
    says otherwise.
    """
    tag = getattr(cls, "typeToCopy", None)
    return (qual(cls) if tag is None else tag).encode("utf-8")


@implementer(IStrict)
class Copyable(flavors.Copyable):
    """
    An object that is copied to the peer: its declared fields, or, if its
    class declares none, its public attributes.  See L{pbext._fields} for
    what declares a field.

    Every hook of L{twisted.spread.flavors.Copyable} can be overridden as
    before, and wins.  C{getStateToCopy = twisted.spread.pb.Copyable.getStateToCopy}
    brings back stock's state, the whole live C{__dict__}.

    @cvar typeToCopy: the tag to travel under, or C{None} (the default) for
        the class's module and name.  Subclasses inherit it.
    @cvar copyFields: the names of the attributes that travel, properties
        too, or C{None} (the default) if the class says it otherwise.
    @cvar localFields: names that never travel, in addition to those of the
        base classes.
    """

    typeToCopy: ClassVar[str | None] = None
    copyFields: ClassVar[Iterable[str] | None] = None
    localFields: ClassVar[Iterable[str]] = ()

    def getStateToCopy(self) -> Any:
        """
        @return: a fresh dict of the fields that travel.
        """
        return gatherState(self)

    def getTypeToCopy(self) -> bytes:
        """
        @return: the tag to travel under.
        """
        return tagOf(type(self))


class RemoteCopy(flavors.RemoteCopy):
    """
    What a L{Copyable} becomes at the receiver.  The class may be a plain
    one, a dataclass or an attrs class, with slots or frozen.  A generated
    C{__init__} is called, with what was sent; one written by hand is not, as
    in stock PB, unless the class says C{copyConstruct}: see L{pbext.pb}.

    What the sender may set is what the class declares, if it fits; if that is
    nothing, every public name that is neither a method nor a property of the
    class.  C{setCopyableState = twisted.spread.pb.RemoteCopy.setCopyableState}
    brings back stock's, which lets the peer set anything.

    @cvar copyFields: as in L{Copyable}.
    @cvar localFields: as in L{Copyable}: names that a peer cannot set.
    """

    copyFields: ClassVar[Iterable[str] | None] = None
    localFields: ClassVar[Iterable[str]] = ()

    def setCopyableState(self, state: Any) -> None:
        """
        Take the state that arrived.  Override this for a state that is no
        dict.

        @raise RefusedState: if C{state} is neither a dict nor empty.
        @raise PeerError: if it does not fit, as L{pbext.pb} says.
        """
        takeState(self, state)

    def __getattr__(self, name: str) -> Any:
        # Reached only for a name that has no value.  Another base of the
        # user's class may know more.
        inherited = getattr(super(), "__getattr__", None)
        if inherited is not None:
            return inherited(name)
        cls = type(self)
        if name in fieldsOf(cls).local:
            raise AttributeError(
                f"{qual(cls)}.{name} is local-only: it does not travel, so this "
                f"copy has no value for it, and the class has no default"
            )
        # In Python's words; or in those of a property that failed, whose own
        # AttributeError has led here.
        return object.__getattribute__(self, name)


STATES[RemoteCopy.setCopyableState] = makerOf
TAGS[Copyable.getTypeToCopy] = tagOf
GATHERERS[Copyable.getStateToCopy] = gathererOf
