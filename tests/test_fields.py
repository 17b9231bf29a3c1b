"""
What a class declares about the state of its instances: the core, without a
broker.  What travels is seen in L{tests.test_copyable}.

No C{from __future__ import annotations} in here: annotations of both kinds are
wanted, objects and strings.
"""

import dataclasses
import gc
import typing
import weakref
from dataclasses import KW_ONLY, InitVar, dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, Optional, TypeVar

import attrs

from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.persisted.crefutil import NotKnown
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import LocalOnly
from pbext._fields import fieldsOf
from pbext._state import gatherState, restoreState
from pbext.errors import BadDeclaration


class Plain:
    def __init__(self) -> None:
        self.frogs = 3
        self._secret = "toad"


@dataclass
class OnDataclass:
    colour: str
    password: LocalOnly[str] = "secret"
    frogs: int = 7
    toads: list[str] = field(default_factory=list)
    _private: int = 5
    kinds: ClassVar[int] = 2
    _: KW_ONLY
    depth: InitVar[int] = 0


@attrs.define
class OnAttrs:
    colour: str
    password: LocalOnly[str] = "secret"
    frogs: int = 7
    toads: list[str] = attrs.field(factory=list)
    twice: int = attrs.Factory(lambda self: 2 * self.frogs, takes_self=True)
    _private: int = 5
    kinds: ClassVar[int] = 2


@attrs.frozen
class OnFrozen:
    frogs: int
    toads: int = 4


class OnAnnotations:
    colour: str
    frogs: int = 7
    password: LocalOnly[str]
    _private: int
    kinds: ClassVar[int] = 2
    others: "ClassVar[int]" = 2
    twisted: "typing.ClassVar[int]" = 2
    initial: "InitVar[int]"
    bare: ClassVar = 2  # type: ignore[misc]


class OnShared:
    everyPond: dict[int, object] = {}


class OnSharedAndMore(OnShared):
    colour: str
    ducks: list[str] = []


class OnCopyFields:
    copyFields = ("frogs", "sum")

    def __init__(self) -> None:
        self.frogs, self.toads, self.colour = 3, 4, "green"

    @property
    def sum(self) -> int:
        return self.frogs + self.toads


class DeclarationTests(SynchronousTestCase):
    """
    What counts as a declared field.
    """

    def test_nothing(self) -> None:
        """
        A class that says nothing declares nothing.
        """
        fields = fieldsOf(Plain)
        self.assertEqual((fields.declared, fields.names), (False, ()))

    def test_dataclass(self) -> None:
        """
        A dataclass declares its fields: no class variable, no C{InitVar}, no
        private name, nothing that is local.
        """
        fields = fieldsOf(OnDataclass)
        self.assertEqual(fields.names, ("colour", "frogs", "toads"))
        self.assertEqual(fields.local, {"password"})
        self.assertFalse(fields.loose)

    def test_attrs(self) -> None:
        """
        So does an attrs class, with slots as C{define} makes it.
        """
        fields = fieldsOf(OnAttrs)
        self.assertEqual(fields.names, ("colour", "frogs", "toads", "twice"))
        self.assertEqual(fields.local, {"password"})
        self.assertFalse(fields.loose)

    def test_frozen(self) -> None:
        """
        A frozen class declares as others do.
        """
        self.assertEqual(fieldsOf(OnFrozen).names, ("frogs", "toads"))

    def test_annotations(self) -> None:
        """
        Annotations alone declare too, whether objects or strings.
        """
        fields = fieldsOf(OnAnnotations)
        self.assertEqual(fields.names, ("colour", "frogs"))
        self.assertEqual(fields.local, {"password"})
        self.assertTrue(fields.loose)

    def test_shared(self) -> None:
        """
        A list or a dict that a class annotates belongs to all its instances:
        it makes no field of itself, and the class's value does not travel.
        """
        pond = OnShared()
        pond.frogs = 3  # type: ignore[attr-defined]
        self.assertFalse(fieldsOf(OnShared).declared)
        self.assertEqual(gatherState(pond), {"frogs": 3})
        self.assertTrue(fieldsOf(OnSharedAndMore).declared)
        other = OnSharedAndMore()
        other.colour = "green"
        self.assertEqual(gatherState(other), {"colour": "green"})
        other.ducks = ["daffy"]
        self.assertEqual(gatherState(other), {"colour": "green", "ducks": ["daffy"]})
        restoreState(other, {"ducks": ["donald"], "toads": 3})
        self.assertEqual(vars(other), {"colour": "green", "ducks": ["donald"]})

    def test_copyFields(self) -> None:
        """
        C{copyFields} names the fields, properties too.
        """
        self.assertEqual(fieldsOf(OnCopyFields).names, ("frogs", "sum"))

    def test_copyFieldsWins(self) -> None:
        """
        C{copyFields} wins over whatever else the class declares.
        """

        @dataclass
        class Both:
            frogs: int = 1
            toads: int = 2
            copyFields = ["toads"]

        self.assertEqual(fieldsOf(Both).names, ("toads",))

    def test_copyFieldsEmpty(self) -> None:
        """
        An empty C{copyFields} declares that nothing travels.
        """

        class Nothing:
            copyFields = ()

        fields = fieldsOf(Nothing)
        self.assertEqual((fields.declared, fields.names), (True, ()))

    def test_copyFieldsPrivate(self) -> None:
        """
        A private name in C{copyFields} is an error that says so, rather than a
        field that is left out in silence.
        """

        class Private:
            copyFields = ("frogs", "_toads")

        error = self.assertRaises(BadDeclaration, fieldsOf, Private)
        self.assertIn("_toads", str(error))
        self.assertIn("Private.copyFields", str(error))

    def test_notNames(self) -> None:
        """
        C{copyFields} and C{localFields} that are no sequence of names are
        refused: one string would be a field for each letter.
        """
        for attribute in "copyFields", "localFields":
            for wrong in "frogs", b"frogs", 7, (b"frogs",), [7]:
                cls = type("Wrong", (), {attribute: wrong})
                error = self.assertRaises(BadDeclaration, fieldsOf, cls)
                self.assertIn(attribute, str(error))

    def test_inherited(self) -> None:
        """
        What the bases declare belongs to it, and comes first.
        """

        @dataclass
        class Child(OnDataclass):
            newts: int = 1

        class Annotated(OnAttrs):
            newts: int

        self.assertEqual(fieldsOf(Child).names, ("colour", "frogs", "toads", "newts"))
        self.assertEqual(
            fieldsOf(Annotated).names, ("colour", "frogs", "toads", "twice", "newts")
        )

    def test_generic(self) -> None:
        """
        A generic class declares like another.
        """
        T = TypeVar("T")

        @attrs.define
        class Box(Generic[T]):
            content: T

        self.assertEqual(fieldsOf(Box).names, ("content",))

    def test_settings(self) -> None:
        """
        What a class tells pbext about itself is no field, even if the author
        has annotated it.
        """

        class Annotated:
            typeToCopy: str = "pond"
            localFields: tuple[str, ...] = ("password",)
            acknowledged: bool = True

        @dataclass
        class Data:
            typeToCopy: str = "pond"
            copyVersion: int = 3
            frogs: int = 7

        self.assertFalse(fieldsOf(Annotated).declared)
        self.assertEqual(fieldsOf(Data).names, ("frogs",))

    def test_framework(self) -> None:
        """
        What Twisted's and pbext's own classes annotate is no field of the
        user's; what a plugin of the user's in C{twisted.plugins} does, is.
        """
        own = type("Own", (), {"__annotations__": {"a": int}})
        own.__module__ = "twisted.spread.flavors"
        theirs = type("Theirs", (own,), {"__annotations__": {"b": int}})
        theirs.__module__ = "twisted.plugins.pond"
        self.assertEqual(fieldsOf(theirs).names, ("b",))

    def test_classIsNotKept(self) -> None:
        """
        Knowing what a class declares does not keep the class alive.
        """
        cls = type("Passing", (), {"__annotations__": {"a": int}})
        fieldsOf(cls)
        gone = weakref.ref(cls)
        del cls
        gc.collect()
        self.assertIsNone(gone())


class Secret:
    """
    Only for its name.
    """


Password = LocalOnly[str]


class LocalOnlyTests(SynchronousTestCase):
    """
    L{LocalOnly}, however it is written.  What is missed leaves in silence, so
    all of these matter.
    """

    def assertLocal(self, **annotations: Any) -> None:
        cls = type("Account", (), {"__annotations__": {"name": str, **annotations}})
        cls.__module__ = __name__
        fields = fieldsOf(cls)
        self.assertEqual(fields.local, set(annotations))
        self.assertEqual(fields.names, ("name",))

    def test_object(self) -> None:
        """
        As an object, with any type in it.
        """
        self.assertLocal(a=LocalOnly[str], b=LocalOnly[list[int]], c=LocalOnly["No"])

    def test_string(self) -> None:
        """
        As a string, which is what C{from __future__ import annotations} leaves.
        """
        self.assertLocal(a="LocalOnly[str]", b="Password", c="Optional[Password]")

    def test_unevaluable(self) -> None:
        """
        As a string that names what does not exist at run time.
        """
        self.assertLocal(
            a="LocalOnly[NotImported]",
            b="pbext.LocalOnly[NotImported]",
            c="NotImported[LocalOnly[str]]",
            d="LocalOnly[str] | NotImported",
        )

    def test_quotedInQuotes(self) -> None:
        """
        As a quoted annotation, under C{from __future__ import annotations}.
        """
        self.assertLocal(a="'LocalOnly[str]'")

    def test_inside(self) -> None:
        """
        Anywhere inside a larger annotation.
        """
        self.assertLocal(
            a=Optional[LocalOnly[str]],  # noqa: UP045  # as people write it
            b=dict[str, LocalOnly[str]],
            c=Annotated[LocalOnly[str], "more"],
            d=Optional["LocalOnly[str]"],
            e="LocalOnly[str] | None",
        )

    def test_alias(self) -> None:
        """
        Under another name, that of Python 3.12's C{type} statement too.
        """

        class Statement:
            __value__ = LocalOnly[str]

        self.assertLocal(a=Password, b=Statement())

    def test_others(self) -> None:
        """
        Other annotations, even those with the word in them, are not local.
        """
        cls = type(
            "Account",
            (),
            {
                "__annotations__": {
                    "a": Annotated[str, "LocalOnly"],
                    "b": typing.Literal["LocalOnly"],
                    "c": "Secret",
                    "d": "NotLocalOnlyAtAll",
                    "e": Optional[str],  # noqa: UP045
                }
            },
        )
        cls.__module__ = __name__
        self.assertEqual(fieldsOf(cls).local, set())

    def test_withAValueInTheClass(self) -> None:
        """
        Whatever value the class has for it, and if it declares nothing else.
        """
        for value in [], {}, "default", None:
            cls = type(
                "Account",
                (),
                {"__annotations__": {"a": LocalOnly[Any]}, "a": value},
            )
            account = cls()
            account.a, account.name = ["secret"], "ann"
            self.assertEqual(fieldsOf(cls).local, {"a"})
            self.assertNotIn("a", gatherState(account))

    def test_localFieldsAddUp(self) -> None:
        """
        C{localFields} adds up over the bases: a subclass with one of its own
        must not send its parent's password.
        """

        class Parent:
            localFields = ("password",)

        class Other:
            token: LocalOnly[str]

        class Child(Parent, Other):
            localFields = ["pin"]

        self.assertEqual(fieldsOf(Child).local, {"password", "pin", "token"})

    def test_redeclared(self) -> None:
        """
        A subclass that annotates the name again does not set it free.
        """

        class Parent:
            password: LocalOnly[str]

        class Child(Parent):
            password: str
            name: str

        self.assertEqual(fieldsOf(Child).names, ("name",))

    def test_localWinsOverCopyFields(self) -> None:
        """
        A local name stays local when C{copyFields} names it.
        """

        class Both:
            copyFields = ("name", "password")
            localFields = ("password",)

        self.assertEqual(fieldsOf(Both).names, ("name",))


class Slotted:
    __slots__ = ("__weakref__", "_hidden", "frogs", "toads")


class SlottedMore(Slotted):
    __slots__ = ("__dict__", "newts")


class GatherTests(SynchronousTestCase):
    """
    What is gathered from an object.
    """

    def test_public(self) -> None:
        """
        If nothing is declared: the public attributes, no private one.
        """
        self.assertEqual(gatherState(Plain()), {"frogs": 3})

    def test_publicSlots(self) -> None:
        """
        Those in slots as well, if they have a value.
        """
        pond = SlottedMore()
        pond.frogs, pond.newts, pond._hidden, pond.colour = 3, 1, 9, "green"
        self.assertEqual(gatherState(pond), {"frogs": 3, "newts": 1, "colour": "green"})

    def test_publicLocal(self) -> None:
        """
        But not the local ones.
        """

        class Account(Slotted):
            localFields = ("password", "toads")

        account = Account()
        account.name, account.password, account.toads = "ann", "secret", 4
        self.assertEqual(gatherState(account), {"name": "ann"})

    def test_declared(self) -> None:
        """
        If fields are declared: those, and nothing else.
        """
        for cls, more in (OnDataclass, {}), (OnAttrs, {"twice": 14}):
            pond = cls("green")
            if cls is OnDataclass:
                pond.extra = "stays"
            expected = {"colour": "green", "frogs": 7, "toads": [], **more}
            self.assertEqual(gatherState(pond), expected)

    def test_property(self) -> None:
        """
        A property that C{copyFields} names is computed.
        """
        self.assertEqual(gatherState(OnCopyFields()), {"frogs": 3, "sum": 7})

    def test_propertyThatFails(self) -> None:
        """
        A property that fails fails the whole, even with an AttributeError: it
        does not make its field vanish.
        """

        class Broken:
            copyFields = ("sum",)

            @property
            def sum(self) -> int:
                return self.frogz  # type: ignore[no-any-return,attr-defined]

        error = self.assertRaises(AttributeError, gatherState, Broken())
        self.assertIn("frogz", str(error))

    def test_noValue(self) -> None:
        """
        A declared field that has no value is left out.
        """
        blank = object.__new__(OnAttrs)
        blank.frogs = 1
        self.assertEqual(gatherState(blank), {"frogs": 1})

    def test_classDefault(self) -> None:
        """
        A declared field whose value is the class's default travels.
        """
        pond = OnAnnotations()
        pond.colour = "green"
        self.assertEqual(gatherState(pond), {"colour": "green", "frogs": 7})

    def test_fresh(self) -> None:
        """
        The state is a fresh dict each time, never the object's own.
        """
        for pond in Plain(), OnDataclass("green"), OnCopyFields():
            state = gatherState(pond)
            state.clear()
            self.assertTrue(gatherState(pond))
            self.assertIsNot(gatherState(pond), gatherState(pond))
            self.assertIsNot(gatherState(pond), vars(pond))

    def test_annotationsSayWhatStays(self) -> None:
        """
        Since annotations may be meant for a type checker alone, it is logged,
        once a class, which attributes stay because of them.
        """

        class Half:
            frogs: int

        half = Half()
        half.frogs, half.toads, half._private = 3, 4, 5  # type: ignore[attr-defined]
        with capturedLogs() as events:
            self.assertEqual(gatherState(half), {"frogs": 3})
            gatherState(half)
        [event] = events
        self.assertEqual(event["log_level"], LogLevel.warn)
        self.assertEqual(event["stays"], "toads")
        self.assertIn("Half", event["cls"])

    def test_explicitIsSilent(self) -> None:
        """
        Nothing is logged for who has made it plain what travels.
        """
        pond = OnDataclass("green")
        pond.extra = 1  # type: ignore[attr-defined]
        with capturedLogs() as events:
            gatherState(pond)
            gatherState(OnCopyFields())
            gatherState(Plain())
        self.assertEqual(events, [])


class Guarded:
    """
    A receiver that declares nothing.
    """

    frogs = 0
    kinds = ["green"]

    def countFrogs(self) -> int:
        return self.frogs

    @property
    def sum(self) -> int:
        return 7

    @cached_property
    def cached(self) -> int:
        return 8

    @staticmethod
    def free() -> int:
        return 9

    @classmethod
    def make(cls) -> int:
        return 10

    class Inner:
        pass


class Reserved(stock.Referenceable):
    """
    A receiver of Twisted's family, that takes calls.
    """


class Raising:
    """
    A receiver whose every hook would show that it was called.
    """

    def __init__(self) -> None:
        raise AssertionError("called")

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError("called")


def blank(cls: type, state: object) -> Any:
    instance = object.__new__(cls)
    restoreState(instance, state)  # type: ignore[arg-type]
    return instance


class RestoreTests(SynchronousTestCase):
    """
    What is put into an object.
    """

    def test_plain(self) -> None:
        """
        A class that declares nothing takes every public identifier.
        """
        pond = blank(Plain, {"frogs": 3, "été": 1, "remote_address": "here"})
        self.assertEqual(vars(pond), {"frogs": 3, "été": 1, "remote_address": "here"})

    def test_bytes(self) -> None:
        """
        Names may be bytes, as Python 2 peers send them.
        """
        self.assertEqual(vars(blank(Plain, {b"frogs": 3, b"\xff": 1})), {"frogs": 3})

    def test_noPrivateName(self) -> None:
        """
        No private and no dunder name is set, as bytes neither.
        """
        state = {
            "_a": 1,
            "__class__": Guarded,
            b"__dict__": {},
            "__slots__": (),
            "_": 1,
        }
        pond = blank(Plain, state)
        self.assertIs(type(pond), Plain)
        self.assertEqual(vars(pond), {})

    def test_noIdentifier(self) -> None:
        """
        Nothing is set that no program could read by name.
        """
        state = {"a b": 1, "": 1, "1a": 1, "a.b": 1, 7: 1, None: 1, (1,): 1}
        self.assertEqual(vars(blank(Plain, state)), {})

    def test_noMethod(self) -> None:
        """
        No method, property or class of the receiver's is replaced.
        """
        names = "countFrogs sum cached free make Inner".split()
        pond = blank(Guarded, dict.fromkeys(names, 666))
        self.assertEqual(vars(pond), {})
        self.assertEqual((pond.countFrogs(), pond.sum, pond.free()), (0, 7, 9))

    def test_inheritedMethod(self) -> None:
        """
        Nor is an inherited one, or one that was added since.
        """

        class Child(Guarded):
            pass

        self.assertEqual(
            vars(blank(Child, {"countFrogs": 1, "later": 1})), {"later": 1}
        )
        Child.later = lambda self: 2  # type: ignore[attr-defined]
        self.assertEqual(vars(blank(Child, {"countFrogs": 1, "later": 1})), {})

    def test_default(self) -> None:
        """
        Plain data in the class is a default, and gives way.
        """
        pond = blank(Guarded, {"frogs": 3, "kinds": []})
        self.assertEqual((pond.frogs, pond.kinds), (3, []))
        self.assertEqual((Guarded.frogs, Guarded.kinds), (0, ["green"]))

    def test_frameworkData(self) -> None:
        """
        Plain data of the framework's own classes does not.
        """
        self.assertEqual(
            vars(blank(Reserved, {"perspective": 1, "frogs": 2})), {"frogs": 2}
        )

    def test_postUnjelly(self) -> None:
        """
        B7: C{postUnjelly}, which jelly would call, is never set, not even as a
        declared field.
        """

        class Declaring:
            copyFields = ("postUnjelly", "frogs")

        for cls in Plain, Declaring:
            pond = blank(cls, {"postUnjelly": print, "frogs": 3})
            self.assertEqual(vars(pond), {"frogs": 3})

    def test_dispatched(self) -> None:
        """
        On an object that takes calls from afar, no name is set that such a
        call would look for.
        """
        names = "remote_a perspective_a view_a observe_a".split()
        self.assertEqual(vars(blank(Reserved, dict.fromkeys(names, 1))), {})

    def test_declared(self) -> None:
        """
        A class that declares fields takes those and nothing else.
        """
        state = {"colour": "red", "extra": 1, "password": "theirs", "_private": 9}
        pond = blank(OnDataclass, state)
        self.assertEqual((pond.colour, pond.toads), ("red", []))
        self.assertEqual((pond.password, pond._private), ("secret", 5))
        self.assertFalse(hasattr(pond, "extra"))

    def test_localFields(self) -> None:
        """
        Nobody sets a local name from afar, whatever else is taken.
        """

        class Account:
            localFields = ("password",)

        account = blank(Account, {"password": "theirs", "name": "ann"})
        self.assertEqual(vars(account), {"name": "ann"})

    def test_declaredRemote(self) -> None:
        """
        A declared field may have any public name.
        """

        @dataclass
        class Visit:
            remote_address: str

        self.assertEqual(
            blank(Visit, {"remote_address": "here"}).remote_address, "here"
        )

    def test_declaredProperty(self) -> None:
        """
        A property among the declared fields is computed here, and what was sent
        for it is left.
        """
        pond = blank(OnCopyFields, {"frogs": 3, "sum": 9})
        self.assertEqual(vars(pond), {"frogs": 3})

    def test_slotsAndFrozen(self) -> None:
        """
        Slots and frozen classes are filled as others are.
        """
        pond = blank(OnFrozen, {"frogs": 3})
        self.assertEqual(pond, OnFrozen(3, 4))
        pond = blank(SlottedMore, {"frogs": 3, "newts": 1, "_hidden": 1, "a": 5})
        self.assertEqual(gatherState(pond), {"frogs": 3, "newts": 1, "a": 5})
        self.assertFalse(hasattr(pond, "_hidden"))

    def test_nothingIsCalled(self) -> None:
        """
        Neither C{__init__} nor C{__setattr__} is called.
        """
        self.assertEqual(vars(blank(Raising, {"frogs": 3})), {"frogs": 3})

    def test_defaults(self) -> None:
        """
        Fields that were not sent have their defaults, each object its own.
        """
        one, two = [blank(OnAttrs, {"colour": "red", "frogs": n}) for n in (4, 5)]
        self.assertEqual((one.toads, one.password, one._private), ([], "secret", 5))
        self.assertEqual((one.twice, two.twice), (8, 10))
        self.assertIsNot(one.toads, two.toads)

    def test_noDefaultOverAValue(self) -> None:
        """
        A default never replaces what was sent, be it empty.
        """
        pond = blank(OnAttrs, {"colour": "", "frogs": 0, "toads": ["one"]})
        self.assertEqual((pond.colour, pond.frogs, pond.toads), ("", 0, ["one"]))

    def test_noDefaultForAProperty(self) -> None:
        """
        A subclass's property in the place of a field is neither run nor set.
        """
        ran = []

        class Child(OnDataclass):
            @property
            def toads(self) -> int:  # type: ignore[override]
                ran.append(1)
                raise AttributeError("on purpose")

        pond = blank(Child, {"colour": "red", "toads": ["one"]})
        self.assertEqual((ran, vars(pond)["colour"]), ([], "red"))
        self.assertNotIn("toads", vars(pond))

    def test_notKnownYet(self) -> None:
        """
        A10b: an object of values that are not known yet is made as soon as
        they are, and until then is blank.
        """
        value, later, again = NotKnown(), NotKnown(), NotKnown()
        pond = blank(OnFrozen, {"frogs": value, "toads": later})
        value.resolveDependants(3)
        self.assertFalse(hasattr(pond, "frogs"))
        later.resolveDependants(again)
        again.resolveDependants(7)
        self.assertEqual((pond.frogs, pond.toads), (3, 7))

    def test_refusalIsLogged(self) -> None:
        """
        What was not accepted is logged for who looks for it, without its
        value.
        """
        with capturedLogs() as events:
            blank(OnFrozen, {"frogs": 1, "newts": "value"})
        [event] = events
        self.assertEqual(event["log_level"], LogLevel.debug)
        self.assertIn("newts", event["name"])
        self.assertNotIn("value", formatEvent(event))


class DataclassVariantTests(SynchronousTestCase):
    """
    The ways in which dataclasses and attrs classes differ.
    """

    def test_dataclassSlotsFrozen(self) -> None:
        """
        A dataclass with slots, frozen, works both ways.
        """
        cls = dataclasses.make_dataclass(
            "Pond", [("frogs", int), ("toads", int, 4)], slots=True, frozen=True
        )
        pond = blank(cls, {"frogs": 3})
        self.assertEqual(pond, cls(3, 4))
        self.assertEqual(gatherState(pond), {"frogs": 3, "toads": 4})

    def test_oldAttrs(self) -> None:
        """
        C{attr.s} with C{attr.ib} declares as well.
        """
        cls = attrs.make_class("Pond", ["frogs", "toads"])
        self.assertEqual(gatherState(cls(3, 4)), {"frogs": 3, "toads": 4})
        self.assertEqual(blank(cls, {"frogs": 3, "toads": 4}), cls(3, 4))

    def test_notInit(self) -> None:
        """
        A field that is no argument of the constructor travels like another.
        """

        @attrs.define
        class Pond:
            frogs: int
            seen: int = attrs.field(default=0, init=False)

        pond = Pond(3)
        pond.seen = 9
        self.assertEqual(blank(Pond, gatherState(pond)), pond)
