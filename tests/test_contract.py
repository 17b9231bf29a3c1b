"""
How an object is constructed, of a state that has arrived.  Of which kind the
values are is seen in L{tests.test_kinds}, and which there have to be in
L{tests.test_contract_fields}.

No C{from __future__ import annotations} in here: classes in a test could not be
found by their names.
"""

import dataclasses
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any, ClassVar

import attrs

from pbext import CacheState, LocalOnly, pb
from pbext._state import gatherState
from pbext.errors import BadDeclaration, RefusedField, RefusedObject
from tests.ponds import Hooked, PondTestCase
from tests.states import ContractCase, blank


@dataclass
class DataPond:
    """
    @ivar made: how often C{__post_init__} ran.
    """

    frogs: int
    toads: list[str] = field(default_factory=list)
    name: str = "pond"
    made: ClassVar[list[Any]] = []

    def __post_init__(self) -> None:
        self.made.append((self.frogs, list(self.toads), self.name))
        self.sum = self.frogs + len(self.toads)


def _isPositive(instance: object, attribute: Any, value: int) -> None:
    if value < 0:
        raise ValueError(f"the secret is {value}")


@attrs.define
class AttrsPond:
    frogs: int = attrs.field(validator=_isPositive)
    tags: Any = attrs.field(converter=tuple, default=())
    twice: int = attrs.Factory(lambda self: 2 * self.frogs, takes_self=True)
    depth: int = attrs.field(alias="how_deep", default=1)
    sum: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sum = self.frogs + self.depth


class GeneratedTests(ContractCase):
    """
    Constructors that dataclasses and attrs have generated.
    """

    def test_dataclass(self) -> None:
        """
        It runs once, with what was sent; what was not has its default, each
        object its own.
        """
        DataPond.made.clear()
        one = blank(DataPond, {"frogs": 3, "toads": ["a"]})
        two = blank(DataPond, {b"frogs": 4})
        self.assertEqual([(3, ["a"], "pond"), (4, [], "pond")], DataPond.made)
        self.assertEqual((4, 4), (one.sum, two.sum))
        self.assertIsNot(two.toads, blank(DataPond, {"frogs": 4}).toads)

    def test_attrs(self) -> None:
        """
        An attrs class has its converters, its factories, names of parameters
        that are not those of the fields, and its C{__attrs_post_init__}.
        """
        pond = blank(AttrsPond, {"frogs": 3, "tags": ["a"], "depth": 5})
        self.assertEqual(
            (("a",), 6, 5, 8), (pond.tags, pond.twice, pond.depth, pond.sum)
        )
        self.assertEqual(9, blank(AttrsPond, {"frogs": 3, "twice": 9}).twice)

    def test_validators(self) -> None:
        """
        A validator that fails is an error that says where and of what class,
        and nothing of what it says itself.
        """
        error = self.refusal(AttrsPond, {"frogs": -77})
        self.assertIsInstance(error, RefusedObject)
        self.assertEqual("builtins.ValueError", error.errorType)
        self.assertEqual("tests.test_contract.AttrsPond", error.className)
        for text in (str(error), repr(error), repr(error.args)):
            self.assertNotIn("77", text)
            self.assertNotIn("secret", text)

    def test_checkedBefore(self) -> None:
        """
        Neither a converter nor a validator sees a value that is not of its
        type.
        """
        seen: list[Any] = []

        @attrs.define
        class Pond:
            frogs: int = attrs.field(converter=lambda value: seen.append(value) or 1)

        self.assertRefusesField(Pond, {"frogs": "many"}, "$.frogs")
        self.assertEqual([], seen)
        self.assertEqual(1, blank(Pond, {"frogs": 7}).frogs)
        self.assertEqual([7], seen)

    def test_everyMake(self) -> None:
        """
        With slots, frozen, and with keyword-only parameters, in any
        combination.
        """
        for slots in (True, False):
            for frozen in (True, False):
                for only in (True, False):
                    options = {"slots": slots, "frozen": frozen, "kw_only": only}
                    for cls in (
                        dataclasses.make_dataclass(
                            "Pond", [("frogs", int), ("toads", int, 4)], **options
                        ),
                        attrs.make_class(
                            "Pond",
                            {
                                "frogs": attrs.field(type=int),
                                "toads": attrs.field(type=int, default=4),
                            },
                            **options,
                        ),
                    ):
                        made: Any = cls(frogs=3)
                        self.assertEqual(made, blank(cls, {"frogs": 3}))
                        self.assertEqual(made, blank(cls, gatherState(made)))
                        self.assertRefusesField(cls, {"frogs": "x"}, "$.frogs")
                        self.assertRefusesField(cls, {"toads": 3}, "$.frogs")

    def test_notAParameter(self) -> None:
        """
        A field that is no parameter has what was sent for it; or what the
        class makes it.
        """

        @dataclass
        class Pond:
            frogs: int
            _: KW_ONLY
            seen: int = field(init=False)
            name: str = "pond"

            def __post_init__(self) -> None:
                self.seen = 0

        self.assertEqual(0, blank(Pond, {"frogs": 3}).seen)
        self.assertEqual(9, blank(Pond, {"frogs": 3, "seen": 9}).seen)
        self.assertRefusesField(Pond, {"frogs": 3, "seen": "x"}, "$.seen")

    def test_initVar(self) -> None:
        """
        An C{InitVar} does not travel: with a default the constructor runs,
        without one it cannot, and the object is as if it had none.
        """

        @dataclass
        class Open:
            frogs: int
            depth: InitVar[int] = 5

            def __post_init__(self, depth: int) -> None:
                self.sum = self.frogs + depth

        @dataclass
        class Closed:
            frogs: int
            depth: InitVar[int]
            toads: list[int] = field(default_factory=list)

            def __post_init__(self, depth: int) -> None:
                raise AssertionError("never called")

        self.assertEqual(8, blank(Open, {"frogs": 3, "depth": 9}).sum)
        closed = blank(Closed, {"frogs": 3, "depth": 9})
        self.assertEqual({"frogs": 3, "toads": []}, vars(closed))

    def test_privateFields(self) -> None:
        """
        A private field has its default, whatever is sent for it, under its name
        or its parameter's; without one, nothing.
        """

        @attrs.define
        class Open:
            frogs: int
            _count: int = 7

        @attrs.define
        class Closed:
            frogs: int = attrs.field(validator=_isPositive)
            _count: int

        state = {"frogs": 3, "_count": 666, "count": 666}
        self.assertEqual((3, 7), attrs.astuple(blank(Open, state)))
        closed = blank(Closed, state)
        self.assertEqual(3, closed.frogs)
        self.assertFalse(hasattr(closed, "_count"))

    def test_localOnly(self) -> None:
        """
        So it is with a local-only field.
        """

        @dataclass
        class Open:
            name: str
            password: LocalOnly[str] = "unknown"

            def __post_init__(self) -> None:
                self.shown = f"{self.name}:{self.password}"

        @dataclass
        class Closed(pb.RemoteCopy):
            name: str
            password: LocalOnly[str]
            tags: list[str] = field(default_factory=list)

        state = {"name": "ann", "password": "theirs"}
        self.assertEqual("ann:unknown", blank(Open, state).shown)
        closed = blank(Closed, state)
        self.assertEqual({"name": "ann", "tags": []}, vars(closed))
        self.assertIn(
            "local-only",
            str(self.assertRaises(AttributeError, getattr, closed, "password")),
        )

    def test_subclass(self) -> None:
        """
        A subclass may add annotations, without being generated itself; it is
        constructed as its base is, and its own fields are set.
        """

        class Child(DataPond):
            newts: int
            depth: int = 5

        DataPond.made.clear()
        child = blank(Child, {"frogs": 3, "newts": 4})
        self.assertEqual([(3, [], "pond")], DataPond.made)
        self.assertEqual((4, 5), (child.newts, child.depth))
        self.assertRefusesField(Child, {"frogs": 3, "newts": "x"}, "$.newts")

        @attrs.frozen
        class Frozen:
            frogs: int

        class FrozenChild(Frozen):
            newts: int

        child = blank(FrozenChild, {"frogs": 3, "newts": 4})
        self.assertEqual((3, 4), (child.frogs, child.newts))

    def test_overridden(self) -> None:
        """
        A generated class may declare a field of its base's anew.
        """

        @attrs.define
        class Base:
            frogs: int = attrs.field(validator=_isPositive)

        @attrs.define
        class Child(Base):
            frogs: str = "many"  # type: ignore[assignment]

        self.assertEqual("many", blank(Child, {}).frogs)
        self.assertRefusesField(Child, {"frogs": 3}, "$.frogs")


class HandMade:
    copyFields: ClassVar[Any] = ("frogs", "toads")
    frogs: int
    toads: int = 4

    def __init__(self, frogs: int) -> None:
        raise AssertionError("never called")


class HandMadeTests(ContractCase):
    """
    Constructors that are written by hand.
    """

    def test_notCalled(self) -> None:
        """
        One is not called, since to register a class gives nobody the power to
        run its code; in a dataclass or an attrs class neither, nor in the
        subclass of one.
        """

        @dataclass
        class Data:
            frogs: int
            toads: list[int] = field(default_factory=list)
            __init__ = HandMade.__init__  # type: ignore[assignment]

        @attrs.define
        class Attrs:
            frogs: int
            toads: list[int] = attrs.field(factory=list)

            def __init__(self, frogs: int) -> None:
                raise AssertionError("never called")

        class Child(DataPond):
            def __init__(self, frogs: int) -> None:
                raise AssertionError("never called")

        self.assertEqual({"frogs": 3}, vars(blank(HandMade, {"frogs": 3})))
        self.assertEqual(4, blank(HandMade, {"frogs": 3}).toads)
        for cls in (Data, Attrs, Child):
            pond = blank(cls, {"frogs": 3})
            self.assertEqual((3, []), (pond.frogs, pond.toads))
            self.assertRefusesField(cls, {"frogs": "x"}, "$.frogs")

    def test_fromNoFile(self) -> None:
        """
        Nor one that was typed in, where there is no file either.
        """
        namespace: dict[str, Any] = {}
        source = "class Typed:\n copyFields = ['a']\n def __init__(self, a): 1 / 0\n"
        for filename in ("<stdin>", "<string>", "<ipython-input-1-0>", "<doctest x>"):
            exec(compile(source, filename, "exec"), {"__name__": "typed"}, namespace)
            self.assertEqual({"a": 1}, vars(blank(namespace["Typed"], {"a": 1})))

    def test_copyConstruct(self) -> None:
        """
        It is called if the class says so, with what was sent as keyword
        arguments; a field that it does not take is set.
        """

        class Pond:
            copyConstruct = True
            copyFields = ("frogs", "toads", "newts")
            frogs: int

            def __init__(self, frogs: int, *, toads: int = 4) -> None:
                self.frogs, self.toads, self.newts = frogs, toads, 0
                self.sum = frogs + toads

        pond = blank(Pond, {"frogs": 3})
        self.assertEqual((3, 4, 0, 7), (pond.frogs, pond.toads, pond.newts, pond.sum))
        pond = blank(Pond, {"frogs": 3, "toads": 5, "newts": 6, "sum": 99})
        self.assertEqual((6, 8), (pond.newts, pond.sum))
        self.assertRefusesField(Pond, {"frogs": "x"}, "$.frogs")
        self.assertRefusesField(Pond, {"toads": 5}, "$.frogs")

    def test_copyConstructInherited(self) -> None:
        """
        A subclass is constructed too, unless it says otherwise.
        """

        class Pond:
            copyConstruct = True
            copyFields = ("frogs",)

            def __init__(self, **fields: Any) -> None:
                self.__dict__.update(fields, made=True)

        class Child(Pond):
            pass

        class Blank(Pond):
            copyConstruct = False

        self.assertEqual({"frogs": 3, "made": True}, vars(blank(Child, {"frogs": 3})))
        self.assertEqual({"frogs": 3}, vars(blank(Blank, {"frogs": 3})))

    def test_cannotBeCalled(self) -> None:
        """
        A class that says so, and whose constructor asks for what does not
        travel, is refused at registration, with the names.
        """

        class Pond(pb.RemoteCopy):
            copyConstruct = True
            copyFields = ("frogs",)

            def __init__(self, frogs: int, store: object, keeper: object) -> None:
                raise AssertionError("never called")

        class Positional(pb.RemoteCopy):
            copyConstruct = True
            copyFields = ("frogs",)

            def __init__(self, frogs: int, /) -> None:
                raise AssertionError("never called")

        for cls, missing in ((Pond, "store, keeper"), (Positional, "frogs")):
            error = self.assertRaises(BadDeclaration, self.register, cls)
            self.assertEqual("copyConstruct", error.attribute)
            self.assertIn(missing, str(error))

    def test_fails(self) -> None:
        """
        Whatever it raises is a refusal that says of what class the error was,
        and not what it said.
        """

        class Pond:
            copyConstruct = True
            copyFields = ("error",)

            def __init__(self, error: str) -> None:
                if error == "ours":
                    raise RefusedField(className=error, path="", expected="", got="")
                raise {"key": KeyError, "stop": StopIteration}[error]("the secret")

        for error, expected in (
            ("key", "builtins.KeyError"),
            ("stop", "builtins.StopIteration"),
            ("ours", "pbext.errors.RefusedField"),
        ):
            refusal = self.refusal(Pond, {"error": error})
            self.assertIsInstance(refusal, RefusedObject)
            self.assertEqual(expected, refusal.errorType)
            self.assertNotIn("secret", str(refusal))


class Ran:
    """
    @cvar ran: with what the constructor of the class was called.
    """

    ran: ClassVar[list[Any]] = []


@dataclass
class DataCache(Ran, pb.RemoteCache):
    frogs: int = 1
    toads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ran.append((self.frogs, list(self.toads)))
        if self.frogs < 0:
            raise ValueError(f"the secret is {self.frogs}")

    def observe_add(self) -> None:
        self.frogs += 1


@attrs.define
class AttrsCache(Ran, pb.RemoteCache):
    frogs: int = 1
    toads: list[int] = attrs.field(factory=list)
    __attrs_post_init__ = DataCache.__post_init__
    observe_add = DataCache.observe_add


class AskingCache(Ran, pb.RemoteCache):
    """
    Says that its constructor may be called.
    """

    copyConstruct = True
    copyFields = ("frogs", "toads")
    frogs: int

    def __init__(self, frogs: int = 1, toads: Any = ()) -> None:
        self.frogs, self.toads = frogs, toads
        DataCache.__post_init__(self)  # type: ignore[arg-type]

    observe_add = DataCache.observe_add


class StocklikeCache(Ran, pb.RemoteCache):
    """
    Says nothing.
    """

    copyFields = ("frogs", "toads")
    frogs: int

    def __init__(self) -> None:
        self.ran.append(dict(vars(self), _pbextRecord=None))
        self.born = True

    observe_add = DataCache.observe_add


@dataclass
class OwnStateCache(Ran, pb.RemoteCache):
    """
    Takes its state itself.
    """

    toads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ran.append(list(self.toads))

    def setCopyableState(self, state: Any) -> None:
        self.state = state


_CONSTRUCTED = (DataCache, AttrsCache, AskingCache)
for _cls in (*_CONSTRUCTED, StocklikeCache, OwnStateCache):
    pb.setUnjellyableForClass(f"tests.test_contract.{_cls.__name__}", _cls)


class CacheTests(PondTestCase):
    """
    Caches, of which stock calls the constructor without arguments.
    """

    def publish(self, cls: Any, **state: Any) -> Any:
        """
        @return: what is published for a cache of this class.
        """
        Ran.ran.clear()
        pond = Hooked(f"tests.test_contract.{cls.__name__}")
        pond.hook = lambda perspective, observer: dict(state)
        return pond

    def test_once(self) -> None:
        """
        A constructor that takes the state runs once, with it, though it could
        be called without.
        """
        for cls in _CONSTRUCTED:
            pond = self.publish(cls, frogs=3, toads=[4])
            [cache] = self.follow(pond, clients=1)
            self.assertIs(cls, type(cache))
            self.assertEqual([(3, [4])], Ran.ran)
            self.assertEqual((3, [4]), (cache.frogs, cache.toads))
            self.assertIs(CacheState.LIVE, cache.cacheState)
            pond.observers.callRemote("add")
            self.pair.flush()
            self.assertEqual(4, cache.frogs)

    def test_defaults(self) -> None:
        """
        So it does if little was sent, or nothing.
        """
        for cls in _CONSTRUCTED:
            for state, expected in (({}, (1, [])), ({"toads": [4]}, (1, [4]))):
                pond = self.publish(cls, **state)
                [cache] = self.follow(pond, clients=1)
                self.assertEqual([expected], Ran.ran)
                self.assertEqual(expected, (cache.frogs, list(cache.toads)))

    def test_handWritten(self) -> None:
        """
        One that is written by hand runs once, before there is a state, as in
        stock; and what is declared is checked all the same.
        """
        pond = self.publish(StocklikeCache, frogs=3, toads=[4], born=False)
        [cache] = self.follow(pond, clients=1)
        self.assertEqual([{"_pbextRecord": None}], Ran.ran)
        self.assertEqual((3, [4], True), (cache.frogs, cache.toads, cache.born))

    def test_ownState(self) -> None:
        """
        So does any, where the class takes its state itself.
        """
        pond = self.publish(OwnStateCache, toads=[4])
        [cache] = self.follow(pond, clients=1)
        self.assertEqual([[]], Ran.ran)
        self.assertEqual(([], {"toads": [4]}), (cache.toads, cache.state))

    def test_refused(self) -> None:
        """
        A state that it does not take, or that is not checked well, is refused,
        and the publisher learns that nobody follows.
        """
        for cls in _CONSTRUCTED:
            for state, expected in (
                ({"frogs": -77}, RefusedObject),
                ({"frogs": "many"}, RefusedField),
            ):
                pond = self.publish(cls, **state)
                self.connect(1, pond=pond)
                call = self.pair.root.callRemote("get")
                self.pair.flush()
                error = self.failureResultOf(call, expected).value
                self.assertNotIn("77", str(error))
                self.assertIn(f"tests.test_contract.{cls.__name__}", str(error))
                self.assertEqual(0, len(pond.observers))
                self.assertEqual(1, len(pond.left))
                self.assertEqual({}, self.pair.client.locallyCachedObjects)
