"""
Which fields a class has, by its contract: those that a state has to have, those
that it may not, those that are properties, and those whose annotations name
what is not there yet.

No C{from __future__ import annotations} in here: classes in a test could not be
found by their names.
"""

import gc
import sys
import weakref
from dataclasses import dataclass, field, make_dataclass
from types import ModuleType
from typing import Annotated, Any, ClassVar, Optional

import attrs
from msgspec import Meta

from twisted.logger import LogLevel, capturedLogs
from twisted.spread import pb as stock

from pbext import LocalOnly, Registry, pb
from pbext._contract import contractOf
from pbext._state import fillDefaults, gatherState
from pbext.errors import BadDeclaration, CannotRegister, RefusedField, RefusedObject
from pbext.testing import roundTrip
from tests.states import ContractCase, blank


@dataclass
class DataPond:
    frogs: int
    toads: list[str] = field(default_factory=list)
    name: str = "pond"
    made: ClassVar[list[Any]] = []

    def __post_init__(self) -> None:
        self.made.append(self)


class FieldTests(ContractCase):
    """
    Which fields a state may have, and must have.
    """

    def test_missing(self) -> None:
        """
        A field without a default has to be sent, the first one that is missing
        is named, and what is declared for it.
        """

        @attrs.define
        class Pond:
            depth: int = 0
            name: str = attrs.field(kw_only=True)
            toads: list[int] = attrs.field(kw_only=True)

        error = self.refusal(Pond, {"depth": 1})
        self.assertEqual(("$.name", "str", "nothing"), _record(error))
        self.assertRefusesField(Pond, {"name": "a"}, "$.toads")

    def test_missingOfCopyFields(self) -> None:
        """
        So has one that C{copyFields} names, unless the class has a value for
        it.
        """

        class Named:
            copyFields = ("frogs", "toads")
            toads = 4

        self.assertRefusesField(Named, {"toads": 3}, "$.frogs")
        self.assertEqual(4, blank(Named, {"frogs": 3}).toads)

    def test_missingOfAnnotations(self) -> None:
        """
        A class that declares by annotations alone may have written them for a
        type checker: nothing has to be sent, but what is has to be right.
        """

        class Loose:
            frogs: int
            toads: int = 4

        self.assertEqual({}, vars(blank(Loose, {})))
        self.assertEqual(4, blank(Loose, {}).toads)
        self.assertRefusesField(Loose, {"frogs": "x"}, "$.frogs")

    def test_noState(self) -> None:
        """
        An object that is sent without a state is made of its defaults; if that
        cannot be, it is refused.
        """

        @dataclass
        class Pond(pb.RemoteCopy):
            frogs: int = 3
            toads: list[int] = field(default_factory=list)

            def __post_init__(self) -> None:
                self.sum = self.frogs

        pond: Any = object.__new__(Pond)
        pond.setCopyableState(None)
        self.assertEqual({"frogs": 3, "toads": [], "sum": 3}, vars(pond))
        self.assertRaises(RefusedField, fillDefaults, object.__new__(DataPond))

    def test_unknown(self) -> None:
        """
        What a class does not know is left, or refused if it says so; its
        subclasses say the same.
        """

        class Strict(DataPond):
            copyUnknown = "forbid"
            password: LocalOnly[str] = "ours"

        class Child(Strict):
            newts: int = 0

        pond = blank(DataPond, {"frogs": 3, "newts": 4, "__class__": 5, 7: 8})
        self.assertFalse(hasattr(pond, "newts"))
        self.assertIs(DataPond, type(pond))
        error = self.refusal(Strict, {"frogs": 3, "newts": 4})
        self.assertEqual(("$.newts", "no such field", "one"), _record(error))
        self.assertEqual(4, blank(Child, {"frogs": 3, "newts": 4}).newts)
        for name in ("efts", "password", "_made", "__init__", "made"):
            self.assertRefusesField(Child, {"frogs": 3, name: 4}, f"$.{name}")
        for odd in ("not a name", 7, None, (1, 2), "", b"efts \xff"[:5]):
            self.assertRefusesField(Child, {"frogs": 3, odd: 4}, "$....")

    def test_unknownNonsense(self) -> None:
        """
        C{copyUnknown} is one of two words.
        """

        class Pond(pb.RemoteCopy):
            copyUnknown = "allow"
            frogs: int

        error = self.assertRaises(BadDeclaration, self.register, Pond)
        self.assertIn("copyUnknown has to be one of ignore, forbid", str(error))

    def test_unchecked(self) -> None:
        """
        C{copyChecked = False} is neither checked nor constructed; it goes on
        taking the declared fields alone, and its defaults.
        """

        class Unchecked(DataPond):
            copyChecked = False

        DataPond.made.clear()
        pond = blank(Unchecked, {"frogs": "many", "newts": 4})
        self.assertEqual({"frogs": "many", "toads": []}, vars(pond))
        self.assertEqual("pond", pond.name)
        self.assertEqual({"toads": 5}, vars(blank(Unchecked, {"toads": 5})))
        self.assertEqual([], DataPond.made)


def _record(error: RefusedField) -> tuple[str, str, str]:
    return error.path, error.expected, error.got


class Level:
    """
    A property of it has the name of a field.
    """

    copyFields: ClassVar[Any] = ("depth", "name")

    @property
    def depth(self) -> int:
        return self._depth

    @depth.setter
    def depth(self, depth: int) -> None:
        if depth < 0:
            raise ValueError(f"the secret is {depth}")
        self._depth = depth


@dataclass
class Flat:
    depth: int
    name: str = "pond"


class FlatLevel(Flat):
    depth: Any = Level.depth


class PropertyTests(ContractCase):
    """
    B2d: a property has the name of a field that arrives; to blame is the end
    that receives.
    """

    def test_B2d_set(self) -> None:
        """
        What arrives is set by the property, if it can be, whether or not a
        constructor does it.
        """
        for cls in (Level, FlatLevel):
            pond = blank(cls, {"depth": 3, "name": "a"})
            self.assertEqual((3, 3, "a"), (pond._depth, pond.depth, pond.name))

    def test_B2d_fails(self) -> None:
        """
        A setter that does not take it refuses the object.
        """
        for cls in (Level, FlatLevel):
            error = self.refusal(cls, {"depth": -77, "name": "a"})
            self.assertIsInstance(error, RefusedObject)
            self.assertEqual("builtins.ValueError", error.errorType)
            self.assertNotIn("77", str(error))

    def test_B2d_checked(self) -> None:
        """
        If the class says what the field is, it is checked first.
        """

        class Checked(Level):
            depth: int = Level.depth  # type: ignore[assignment]

        self.assertRefusesField(Checked, {"depth": "x", "name": "a"}, "$.depth")

    def test_B2d_refused(self) -> None:
        """
        One that has no setter is refused at registration, unless the class
        sends what it computes.
        """

        class Computed(Flat, pb.RemoteCopy):
            @property
            def depth(self) -> int:  # type: ignore[override]
                return 7

        class Both(Computed, pb.Copyable):
            pass

        error = self.assertRaises(CannotRegister, self.register, Computed)
        self.assertIn("depth", str(error))
        self.register(Both)
        pond = blank(Both, {"depth": 3, "name": "a"})
        self.assertEqual((7, "a"), (pond.depth, pond.name))

    def test_B2d_stockSender(self) -> None:
        """
        So it is with what a stock sender sends.
        """

        class Pond(Level, pb.RemoteCopy):
            pass

        class Sent(stock.Copyable):
            def getTypeToCopy(self) -> bytes:
                return b"tests.states"

        sent: Any = Sent()
        sent.depth, sent.name = 3, "a"
        self.assertEqual(3, roundTrip(sent, self.register(Pond))._depth)


class NameTests(ContractCase):
    """
    Annotations that name something.
    """

    def setUp(self) -> None:
        self.module = ModuleType("tests.test_contract.names")
        sys.modules[self.module.__name__] = self.module
        self.addCleanup(sys.modules.pop, self.module.__name__)

    def define(self, source: str) -> Any:
        """
        @return: what a module of this source has.
        """
        namespace = vars(self.module)
        namespace.update(
            pb=pb,
            attrs=attrs,
            dataclass=dataclass,
            LocalOnly=LocalOnly,
            Optional=Optional,
            registry=Registry(),
        )
        exec(source, namespace)
        return self.module

    def test_itself(self) -> None:
        """
        A class may name itself, and be registered as it is defined; with
        annotations of either kind.
        """
        for header in ("", "from __future__ import annotations\n"):
            for make in ("", "@dataclass\n", "@attrs.define\n"):
                names = self.define(
                    f"{header}@registry.unjellyableFor('x')\n{make}"
                    "class Node(pb.RemoteCopy):\n"
                    "    links: list['Node']\n"
                    "    other: Optional['Node'] = None\n"
                )
                with capturedLogs() as events:
                    node = blank(names.Node, {"links": []})
                    self.assertEqual([node], blank(names.Node, {"links": [node]}).links)
                    for state in ({"links": [3]}, {"links": [], "other": 3}):
                        self.assertIsInstance(
                            self.refusal(names.Node, state), RefusedField
                        )
                self.assertEqual([], _warnings(events))

    def test_later(self) -> None:
        """
        It may name what comes after it, too.
        """
        with capturedLogs() as events:
            names = self.define(
                "from __future__ import annotations\n"
                "@registry.unjellyableFor('x')\n"
                "class Pond(pb.RemoteCopy):\n"
                "    frogs: list[Frog]\n"
                "    password: Secret\n"
                "@registry.unjellyableFor('y')\n"
                "class Frog(pb.RemoteCopy):\n"
                "    pond: Pond\n"
                "Secret = LocalOnly[str]\n"
            )
            self.assertRefusesField(names.Pond, {"frogs": [3]}, "$.frogs[0]")
            self.assertRefusesField(names.Frog, {"pond": 3}, "$.pond")
            pond = blank(names.Pond, {"frogs": [], "password": "theirs"})
        self.assertEqual([], _warnings(events))
        self.assertEqual({"frogs": []}, vars(pond))
        pond.password = "ours"
        self.assertEqual({"frogs": []}, gatherState(pond))

    def test_nowhere(self) -> None:
        """
        What cannot be evaluated when the program runs is said once, and is not
        checked; the other fields are.
        """
        names = self.define(
            "from __future__ import annotations\n"
            "@registry.unjellyableFor('x')\n"
            "class Pond(pb.RemoteCopy):\n"
            "    frogs: Nowhere\n"
            "    toads: list['Nowhere']\n"
            "    depth: int\n"
        )
        with capturedLogs() as events:
            for _ in range(3):
                pond = blank(names.Pond, {"frogs": "x", "toads": 3, "depth": 4})
            self.assertRefusesField(names.Pond, {"depth": "x"}, "$.depth")
        self.assertEqual(("x", 3, 4), (pond.frogs, pond.toads, pond.depth))
        self.assertEqual(["frogs", "toads"], _warnings(events))

    def test_nonsense(self) -> None:
        """
        An annotation that nothing could be checked by is refused at
        registration, with the name of the field.
        """

        class Pond(pb.RemoteCopy):
            frogs: Annotated[int, Meta(pattern="a")]

        error = self.assertRaises(BadDeclaration, self.register, Pond)
        self.assertEqual("frogs", error.attribute)
        self.assertIn("pattern", str(error))

    def test_unhashable(self) -> None:
        """
        What stands beside a type may be unhashable, around names in quotes too.
        """

        class Noted(pb.RemoteCopy):
            frogs: Annotated[int, {"unit": "one"}]
            others: Annotated[list["Noted"], ["a", "note"]]

        self.register(Noted)
        noted = blank(Noted, {"frogs": 3, "others": []})
        self.assertEqual([noted], blank(Noted, {"others": [noted]}).others)
        self.assertRefusesField(Noted, {"frogs": "x"}, "$.frogs")
        self.assertRefusesField(Noted, {"others": [3]}, "$.others[0]")


class ContractTests(ContractCase):
    """
    The contract of a class.
    """

    def test_once(self) -> None:
        """
        It is read once; a class that declares nothing has none.
        """
        self.assertIs(contractOf(DataPond), contractOf(DataPond))
        self.assertIsNone(contractOf(ContractCase))

    def test_classIsNotKept(self) -> None:
        """
        It does not keep the class.
        """
        for make in (
            lambda: type("Passing", (), {"__annotations__": {"a": int}}),
            lambda: make_dataclass("Passing", [("a", int), ("b", str, "x")]),
            lambda: attrs.make_class("Passing", {"a": attrs.field(type=int)}),
        ):
            cls: Any = make()
            self.assertEqual(1, blank(cls, {"a": 1}).a)
            gone = weakref.ref(cls)
            del cls
            gc.collect()
            self.assertIsNone(gone())


def _warnings(events: Any) -> list[str]:
    """
    @return: the fields that there were warnings about.
    """
    return [event["name"] for event in events if event["log_level"] is LogLevel.warn]
