"""
No error of a contract carries a value: not its text, not a field of it, not what
is logged, and not what the peer is told.  Keys that are names are part of the
path to a value, and are said.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import pathlib
import uuid
from dataclasses import dataclass, make_dataclass
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from twisted.logger import formatEvent, globalLogPublisher
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, pb
from pbext._annotations import kindOf
from pbext._kinds import Mismatch
from pbext._state import gatherState, restoreState
from pbext.errors import NotSendable, PBExtError, PeerError
from pbext.testing import connectedPair

#: No name, and in nothing else.
SECRET = "my s3cret!"


class Colour(enum.Enum):
    GREEN = 1


class Spot(NamedTuple):
    x: int
    name: Colour


class Picky(str):
    """
    Says what it does not like.
    """

    def __new__(cls, text: str) -> Picky:
        raise ValueError(f"{text} again")


class Shown:
    """
    Shows what nobody is to see.
    """

    def __repr__(self) -> str:
        return SECRET

    __str__ = __repr__


ANNOTATIONS: list[Any] = [
    int,
    float,
    bool,
    bytes,
    None,
    datetime.date,
    datetime.datetime,
    datetime.time,
    decimal.Decimal,
    uuid.UUID,
    complex,
    bytearray,
    Colour,
    Spot,
    Picky,
    Shown,
    pathlib.PurePath,
    Literal["a", 1],
    Literal[Colour.GREEN],
    Annotated[str, Meta(max_length=1)],
    Annotated[list[str], Meta(max_length=0)],
    int | None,
    Colour | dict[str, int] | Shown,
    list[int],
    list[Colour],
    list[Picky],
    set[int],
    tuple[int, ...],
    tuple[Colour, int],
    dict[str, int],
    dict[int, str],
    dict[Colour, Spot],
    collections.OrderedDict[str, Colour],
    collections.defaultdict[str, list[int]],
    collections.deque[Shown],
    list[dict[str, tuple[int, Colour]]],
]

SECRETS = st.recursive(
    st.sampled_from([SECRET, SECRET.encode(), SECRET * 3, Picky.__name__ + SECRET, 7]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.lists(inner, min_size=1, max_size=2).map(tuple)
        | st.dictionaries(st.sampled_from([SECRET, "a"]), inner, min_size=1, max_size=2)
    ),
    max_leaves=3,
)


def parts(error: BaseException) -> list[str]:
    """
    @return: all that anybody could read of an error.
    """
    error.owner = error.where = None  # type: ignore[attr-defined]  # for the broker alone
    found = [str(error), repr(error), *map(repr, error.args)]
    found += [repr(value) for value in vars(error).values()]
    if attrs.has(type(error)):
        found += [repr(getattr(error, a.name)) for a in attrs.fields(type(error))]
    return found


class StayCase(SynchronousTestCase):
    def assertSilent(self, error: BaseException) -> None:
        for part in parts(error):
            self.assertNotIn("s3cret", part)

    def refusal(self, cls: Any, state: Any) -> None:
        """
        A state is refused, in silence.
        """
        instance = object.__new__(cls)
        error = self.assertRaises(PeerError, restoreState, instance, state)
        self.assertSilent(error)


class StayTests(StayCase):
    """
    Without a broker.
    """

    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(ANNOTATIONS), SECRETS)
    def test_mismatches(self, annotation: Any, value: Any) -> None:
        """
        What is said of a value that is not of its kind.
        """
        try:
            kindOf(annotation).read(value)
        except Mismatch as error:
            self.assertSilent(error)
            error = error.under(".step")
            self.assertSilent(error)

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(ANNOTATIONS), SECRETS)
    def test_fields(self, annotation: Any, value: Any) -> None:
        """
        What is said of it as a field's.
        """
        cls: Any = make_dataclass("Holder", [("value", annotation)])
        try:
            restoreState(object.__new__(cls), {"value": value})
        except PBExtError as error:
            self.assertSilent(error)

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(ANNOTATIONS), SECRETS | st.builds(Shown))
    def test_sent(self, annotation: Any, value: Any) -> None:
        """
        What is said of a value that a program has against its annotation, and
        that is to be sent.
        """
        cls: Any = make_dataclass("Holder", [("value", annotation)])
        try:
            gatherState(cls(value))
        except NotSendable as error:
            self.assertSilent(error)

    def test_ownCode(self) -> None:
        """
        What the class's own code says of it: constructors, validators,
        converters, properties and upgrades.
        """

        def says(*values: Any) -> Any:
            raise ValueError(f"not {values}, {SECRET}")

        @dataclass
        class Made:
            value: str
            __post_init__ = says

        @attrs.define
        class Validated:
            value: str = attrs.field(validator=says)

        @attrs.define
        class Converted:
            value: str = attrs.field(converter=says)

        @attrs.define
        class Defaulted:
            value: str = attrs.Factory(says, takes_self=True)

        class Property:
            copyFields = ("value",)
            value = property(says, says)

        class Asking:
            copyConstruct = True
            copyFields = ("value",)

            def __init__(self, value: str) -> None:
                says(value)

        class Upgraded:
            copyVersion = 1
            copyFields = ("value",)
            upgradeStateToVersion1 = says

        for cls in (Made, Validated, Converted, Property, Asking, Upgraded):
            self.refusal(cls, {"value": SECRET})
        self.refusal(Defaulted, {})

    def test_names(self) -> None:
        """
        A name that is none is not repeated, nor is a version that is none.
        """

        class Strict:
            copyUnknown = "forbid"
            copyFields = ()
            copyVersion = 1

        for name in (SECRET, (SECRET,), SECRET.encode() + b"\xff"):
            state: Any = {name: 1, "copyVersion": 1}
            if isinstance(name, bytes):
                restoreState(object.__new__(Strict), state)  # is left, not being text
            else:
                self.refusal(Strict, state)
        self.refusal(Strict, {"copyVersion": SECRET})


class Desk(pb.Root):
    def remote_take(self, *things: Any) -> None:
        self.taken = things


class Sent(stock.Copyable):
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def getTypeToCopy(self) -> bytes:
        return b"tests.test_values_stay"


class ConnectionTests(StayCase):
    """
    Over a connection.
    """

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.sampled_from(ANNOTATIONS), SECRETS)
    def test_told(self, annotation: Any, value: Any) -> None:
        """
        Neither the log of the end that receives nor what the sender is told has
        it.
        """
        registry = Registry()
        holder = make_dataclass(
            "Holder",
            [("value", annotation)],
            bases=(pb.RemoteCopy,),
        )
        registry.setUnjellyableForClass("tests.test_values_stay", holder)
        told: list[str] = []

        def observe(event: Any) -> None:
            told.append(formatEvent(event))
            told.extend(repr(value) for value in event.values())

        globalLogPublisher.addObserver(observe)
        try:
            with connectedPair(
                Desk(),
                serverFactory=partial(pb.PBServerFactory, registry=registry),
            ) as pair:
                call = pair.root.callRemote("take", 1, Sent(value=value, other=value))
                pair.flush()
                call.addErrback(lambda failure: told.append(repr(vars(failure))))
        finally:
            globalLogPublisher.removeObserver(observe)
        self.assertEqual([], [text for text in told if "s3cret" in text])
