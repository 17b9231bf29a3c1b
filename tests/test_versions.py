"""
Versions of states: an older one is upgraded step by step, a newer one refused or
read, and a peer that knows of no versions notices nothing.

No C{from __future__ import annotations} in here: classes in a test could not be
found by their names.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import attrs

from twisted.spread import jelly
from twisted.spread import pb as stock

from pbext import LocalOnly, Registry, pb
from pbext._state import fillDefaults, gatherState
from pbext.errors import (
    BadDeclaration,
    BadReference,
    RefusedObject,
    RefusedVersion,
)
from pbext.testing import connectedPair, restoredRegistry, roundTrip
from tests.ponds import Hooked, Pond, PondTestCase
from tests.states import ContractCase, blank


class Upgrades:
    """
    Notes which steps ran, in order.
    """

    steps: ClassVar[list[Any]] = []

    @classmethod
    def upgradeStateToVersion1(cls, state: dict[str, Any]) -> dict[str, Any]:
        cls.steps.append((cls, 1, dict(state)))
        state["name"] = state.pop("nick")
        return state

    @classmethod
    def upgradeStateToVersion2(cls, state: dict[str, Any]) -> dict[str, Any]:
        cls.steps.append((cls, 2, dict(state)))
        return {"name": state["name"], "grams": state["weight"] * 1000}

    @classmethod
    def upgradeStateToVersion3(cls, state: dict[str, Any]) -> dict[str, Any]:
        cls.steps.append((cls, 3, dict(state)))
        return {**state, "tags": [state["name"]]}


@dataclass
class Frog(Upgrades, pb.Copyable, pb.RemoteCopy):
    typeToCopy = "tests.test_versions.Frog"
    copyVersion = 3
    name: str
    grams: int
    tags: list[str] = field(default_factory=list)


#: One frog, in all its versions.
STATES: list[dict[str, Any]] = [
    {"nick": "ann", "weight": 2},
    {"name": "ann", "weight": 2},
    {"name": "ann", "grams": 2000},
    {"name": "ann", "grams": 2000, "tags": ["ann"]},
]


class Undeclared(Upgrades, pb.Copyable, pb.RemoteCopy):
    """
    Declares no fields.
    """

    typeToCopy = "tests.test_versions.Undeclared"
    copyVersion = 3


class Sent(stock.Copyable):
    """
    A copy of stock's, with any state.
    """

    def __init__(self, cls: Any, state: dict[str, Any]) -> None:
        self._tag = cls.typeToCopy.encode()
        self._state = state

    def getTypeToCopy(self) -> bytes:
        return self._tag  # type: ignore[no-any-return]

    def getStateToCopy(self) -> Any:
        return self._state


class VersionCase(ContractCase):
    def setUp(self) -> None:
        Upgrades.steps.clear()

    def ran(self) -> list[int]:
        """
        @return: the steps that ran.
        """
        return [number for _, number, _ in Upgrades.steps]


class UpgradeTests(VersionCase):
    """
    A state that is older than the class.
    """

    def test_steps(self) -> None:
        """
        From whichever version, the steps that are missing run one by one, and
        the object is the same.
        """
        for cls in (Frog, Undeclared):
            for version, state in enumerate(STATES):
                Upgrades.steps.clear()
                frog = blank(cls, {**state, "copyVersion": version})
                self.assertEqual(list(range(version + 1, 4)), self.ran())
                self.assertEqual(STATES[3], vars(frog))

    def test_handedOn(self) -> None:
        """
        Each step has what the one before has returned, without a number, and
        the class.
        """

        class Child(Frog):
            pass

        blank(Child, STATES[0])
        expected = [(Child, n + 1, state) for n, state in enumerate(STATES[:3])]
        self.assertEqual(expected, Upgrades.steps)

    def test_noNumber(self) -> None:
        """
        A state without a number is of version 0; so says a stock sender.
        """
        self.assertEqual("ann", blank(Frog, STATES[0]).name)
        self.assertEqual([1, 2, 3], self.ran())

    def test_bytes(self) -> None:
        """
        The names in it are str, though a Python 2 peer sends bytes.
        """
        state = {key.encode(): value for key, value in STATES[1].items()}
        frog = blank(Frog, {**state, b"copyVersion": 1})
        self.assertEqual([2, 3], self.ran())
        self.assertEqual("ann", frog.name)

    def test_checkedAfterwards(self) -> None:
        """
        What the steps have made is checked as if it had arrived, and so is
        what nobody has upgraded.
        """
        state = {"name": 7, "weight": 2, "copyVersion": 1}
        self.assertRefusesField(Frog, state, "$.name")
        self.assertRefusesField(Frog, {"name": "a", "copyVersion": 3}, "$.grams")

        class Strict(Frog):
            copyUnknown = "forbid"

        state = {**STATES[2], "copyVersion": 2}
        self.assertEqual(["ann"], blank(Strict, state).tags)
        self.assertRefusesField(Strict, {**state, "weight": 2}, "$.weight")

    def test_notTheSenders(self) -> None:
        """
        To change the state changes nothing for another object that has the
        same.
        """
        state = dict(STATES[0])
        self.assertEqual(blank(Frog, state), blank(Frog, state))
        self.assertEqual(STATES[0], state)

    def test_missingStep(self) -> None:
        """
        Where a step is missing, the state is refused, with its name.
        """

        class Gap(Frog):
            copyVersion = 5

        error = self.refusal(Gap, {**STATES[1], "copyVersion": 1})
        self.assertIsInstance(error, RefusedVersion)
        self.assertEqual((1, 5), (error.got, error.reads))
        self.assertIn("no upgradeStateToVersion4", str(error))
        self.assertIn("Gap reads version 5", str(error))

    def test_fails(self) -> None:
        """
        A step that fails refuses the state, and keeps to itself what it says;
        an error of pbext's passes.
        """

        class Failing(Frog):
            @classmethod
            def upgradeStateToVersion2(cls, state: Any) -> Any:
                raise state["error"]("the secret is ann")

        for error, expected in (
            (ValueError, "builtins.ValueError"),
            (StopIteration, "builtins.StopIteration"),
            (RecursionError, "builtins.RecursionError"),
        ):
            refusal = self.refusal(Failing, {**STATES[0], "error": error})
            self.assertIsInstance(refusal, RefusedObject)
            self.assertEqual(expected, refusal.errorType)
            self.assertNotIn("ann", str(refusal))
        own = lambda text: BadReference(kind="own")  # noqa: E731
        self.assertIsInstance(
            self.refusal(Failing, {**STATES[0], "error": own}), BadReference
        )

    def test_missingKey(self) -> None:
        """
        A state that lacks what a step asks for is refused as well.
        """
        error = self.refusal(Frog, {"copyVersion": 0})
        self.assertEqual("builtins.KeyError", error.errorType)

    def test_returnsNothing(self) -> None:
        """
        A step that returns no dict is the receiver's mistake, and says so.
        """

        class Forgetful(Frog):
            @classmethod
            def upgradeStateToVersion2(cls, state: Any) -> Any:
                state["grams"] = 1

        error = self.assertRaises(BadDeclaration, blank, Forgetful, STATES[0])
        self.assertEqual("upgradeStateToVersion2", error.attribute)

    def test_localFields(self) -> None:
        """
        No step brings a local field.
        """

        class Account(Frog):
            password: LocalOnly[str] = "ours"

            @classmethod
            def upgradeStateToVersion3(cls, state: Any) -> Any:
                return {**state, "password": "theirs", "copyVersion": 9}

        account = blank(Account, STATES[0])
        self.assertEqual("ours", account.password)
        self.assertEqual(3, account.copyVersion)


class NewerTests(VersionCase):
    """
    A state that is newer than the class.
    """

    NEWER: ClassVar[dict[str, Any]] = {**STATES[3], "colour": "blue", "copyVersion": 4}

    def test_refused(self) -> None:
        """
        It is refused, and the error says what to do.
        """
        for cls in (Frog, Undeclared):
            error = self.refusal(cls, self.NEWER)
            self.assertIsInstance(error, RefusedVersion)
            self.assertEqual((4, 3), (error.got, error.reads))
            self.assertIn("copyNewer", str(error))
        self.assertEqual([], self.ran())

    def test_read(self) -> None:
        """
        Unless the class reads it: what it knows of it, which is checked.
        """

        class Reading(Frog):
            copyNewer = "read"

        frog = blank(Reading, self.NEWER)
        self.assertEqual(STATES[3], vars(frog))
        self.assertEqual([], self.ran())
        self.assertRefusesField(Reading, {**self.NEWER, "name": 7}, "$.name")
        self.assertRefusesField(Reading, {"copyVersion": 2**447}, "$.name")

    def test_nonsense(self) -> None:
        """
        What is no version is refused, whatever the class reads, and is not
        repeated.
        """

        class Reading(Frog):
            copyNewer = "read"

        for version in (-1, -(2**447), True, "3", b"3", 3.0, None, [3], {}, "x" * 99):
            for cls in (Frog, Reading, Undeclared):
                error = self.refusal(cls, {**STATES[3], "copyVersion": version})
                self.assertIsInstance(error, RefusedVersion)
                self.assertEqual((-1, 3), (error.got, error.reads))
                self.assertNotIn("xx", str(error))
        self.assertEqual([], self.ran())

    def test_huge(self) -> None:
        """
        A huge one is but a newer one.
        """
        self.assertEqual(
            2**447, self.refusal(Frog, {**STATES[3], "copyVersion": 2**447}).got
        )


class DeclarationTests(VersionCase):
    """
    What a class says.
    """

    def test_versions(self) -> None:
        """
        A version is an int that is not negative; anything else is refused at
        registration, of a class that declares no fields too.
        """
        for version in (-1, True, "3", 3.0, [3]):
            for base in (Frog, Undeclared):
                cls = type("Wrong", (base,), {"copyVersion": version})
                error = self.assertRaises(BadDeclaration, self.register, cls)
                self.assertEqual("copyVersion", error.attribute)
        for version in (None, 0, 7):
            self.register(type("Right", (Frog,), {"copyVersion": version}))

    def test_newer(self) -> None:
        """
        So is what it says of newer ones, if that is no word for it.
        """
        for base in (Frog, Undeclared):
            cls = type("Wrong", (base,), {"copyNewer": "ignore"})
            error = self.assertRaises(BadDeclaration, self.register, cls)
            self.assertIn("copyNewer has to be one of refuse, read", str(error))

    def test_registration(self) -> None:
        """
        A registration says which version it is of.
        """
        [entry] = self.register(Frog)
        self.assertEqual(3, entry.version)

    def test_unset(self) -> None:
        """
        A class without a version upgrades nothing, and sees the number of a
        newer sender as a field that it does not know.
        """

        class Unversioned(Frog):
            copyVersion = None  # type: ignore[assignment]

        class Nothing:
            pass

        frog = blank(Unversioned, {**STATES[3], "copyVersion": 7})
        self.assertEqual(STATES[3], vars(frog))
        self.assertEqual(
            {"name": 1}, vars(blank(Nothing, {"name": 1, "copyVersion": 7}))
        )
        self.assertEqual([], self.ran())

    def test_noState(self) -> None:
        """
        An object without a state has its defaults, and no version.
        """

        @attrs.define
        class Empty(Upgrades):
            copyVersion = 3
            frogs: int = 7

        empty = object.__new__(Empty)
        fillDefaults(empty)
        self.assertEqual((7, []), (empty.frogs, self.ran()))


class Desk(pb.Root):
    def remote_take(self, *things: Any) -> None:
        self.taken = things


class WireCase(VersionCase):
    def setUp(self) -> None:
        super().setUp()
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)


class WireTests(WireCase):
    """
    What is sent.
    """

    def sent(self, value: Any) -> Any:
        """
        @return: a state as it is sent.
        """
        with connectedPair(Desk()) as pair:
            _tag, state = pair.client.serialize(value)
        return jelly.unjelly(state)

    def test_number(self) -> None:
        """
        The version is one more key of the state; of a class that declares no
        fields too.
        """
        frog = Frog("ann", 2000)
        expected = {"name": "ann", "grams": 2000, "tags": [], "copyVersion": 3}
        self.assertEqual(expected, self.sent(frog))
        self.assertEqual(expected, gatherState(frog))
        undeclared: Any = Undeclared()
        undeclared.name = "ann"
        self.assertEqual({"name": "ann", "copyVersion": 3}, self.sent(undeclared))
        self.assertEqual({"name": "ann"}, vars(undeclared))

    def test_none(self) -> None:
        """
        There is none if it is not set.
        """

        class Unversioned(Frog):
            copyVersion = None  # type: ignore[assignment]

        self.assertNotIn("copyVersion", self.sent(Unversioned("ann", 2000)))
        self.assertEqual({}, self.sent(_Nothing()))

    def test_roundTrip(self) -> None:
        """
        With the same class at both ends nothing is upgraded.
        """
        registry = Registry()
        registry.setUnjellyableForClass(Frog, Frog)
        self.assertEqual(Frog("ann", 7), roundTrip(Frog("ann", 7), registry))
        self.assertEqual([], self.ran())

    def test_stockReceiver(self) -> None:
        """
        A stock receiver has it among the other attributes, and goes on.
        """

        class Plain(stock.RemoteCopy):
            pass

        stock.setUnjellyableForClass(Frog.typeToCopy, Plain)
        desk = Desk()
        with connectedPair(desk, serverFactory=stock.PBServerFactory) as pair:
            pair.result(pair.root.callRemote("take", Frog("ann", 7)))
        [plain] = desk.taken
        self.assertEqual(("ann", 7), (plain.name, plain.grams))

    def test_stockSender(self) -> None:
        """
        A stock sender's state is of version 0, or of the version that it puts
        into it itself.
        """
        pb.setUnjellyableForClass(Frog, Frog)
        desk = Desk()
        with connectedPair(desk, clientFactory=stock.PBClientFactory) as pair:
            for version, state in enumerate(STATES):
                sent = Sent(Frog, {**state, "copyVersion": version})
                pair.result(pair.root.callRemote("take", sent))
                self.assertEqual(Frog("ann", 2000, ["ann"]), desk.taken[0])
            pair.result(pair.root.callRemote("take", Sent(Frog, STATES[0])))
            self.assertEqual(Frog("ann", 2000, ["ann"]), desk.taken[0])

    def test_path(self) -> None:
        """
        A refusal says where the object was, and as what it was sent.
        """
        pb.setUnjellyableForClass(Frog, Frog)
        with connectedPair(Desk()) as pair:
            for version, expected in ((9, RefusedVersion), (0, RefusedObject)):
                sexp = pair.client.serialize(
                    [{"a": Sent(Frog, {"copyVersion": version})}]
                )
                error = self.assertRaises(expected, pair.server.unserialize, sexp)
                self.assertEqual("$[0].a", error.path)
                self.assertEqual(Frog.typeToCopy, error.tag)
                self.assertIn("$[0].a", str(error))

    def test_renamed(self) -> None:
        """
        Several tags may become one class, which has had other names.
        """
        registry = Registry()
        for tag in (Frog.typeToCopy, "tests.test_versions.Tadpole"):
            registry.setUnjellyableForClass(tag, Frog)

        class Tadpole(pb.Copyable):
            typeToCopy = "tests.test_versions.Tadpole"
            nick = "ann"

        tadpole: Any = Tadpole()
        tadpole.nick, tadpole.weight = "ann", 2
        for thing in (tadpole, Frog("ann", 2000, ["ann"])):
            self.assertEqual(Frog("ann", 2000, ["ann"]), roundTrip(thing, registry))


class _Nothing(pb.Copyable):
    pass


class Node(pb.RemoteCopy):
    """
    Has had one link, and has several.
    """

    typeToCopy = "tests.test_versions.Node"
    copyVersion = 1
    copyFields = ("links",)
    links: list[Any]

    @classmethod
    def upgradeStateToVersion1(cls, state: Any) -> Any:
        [link] = state["link"]
        return {"links": [link, type(link)]}


class CycleTests(WireCase):
    """
    A state that is part of a cycle.
    """

    def receive(self, sent: Any) -> Any:
        """
        @return: what arrives for a value.
        """
        registry = Registry()
        registry.setUnjellyableForClass(Node.typeToCopy, Node)
        return roundTrip(sent, registry)

    def test_whole(self) -> None:
        """
        A step sees the objects, and nothing that stands for them, and may put
        them into other places.
        """
        for around in (list, tuple, set):
            sent = Sent(Node, {})
            sent._state["link"] = around([sent])
            node = self.receive(sent)
            self.assertEqual([node, Node], node.links)
            self.assertIs(node, node.links[0])

    def test_two(self) -> None:
        """
        So do those of two objects that refer to each other, and to a third.
        """
        one, two, three = (Sent(Node, {}) for _ in range(3))
        one._state["link"], two._state["link"] = [two], (one,)
        three._state["link"] = [[three, one]]
        [first, third] = self.receive([one, three])
        second = first.links[0]
        self.assertIs(first, second.links[0])
        self.assertEqual([third, first], third.links[0])
        self.assertEqual(
            [Node, Node, list], [n.links[1] for n in (first, second, third)]
        )

    def test_refused(self) -> None:
        """
        If a step fails then, the error says of which object.
        """
        sent = Sent(Node, {})
        sent._state["link"] = [sent, 2]
        pb.setUnjellyableForClass(Node.typeToCopy, Node)
        with connectedPair(Desk()) as pair:
            sexp = pair.client.serialize([0, {"a": sent}])
            error = self.assertRaises(RefusedObject, pair.server.unserialize, sexp)
        self.assertEqual(("$[1].a", Node.typeToCopy), (error.path, error.tag))
        self.assertEqual("builtins.ValueError", error.errorType)


@dataclass
class FrogCache(Upgrades, pb.RemoteCache):
    copyVersion = 3
    name: str = ""
    grams: int = 0
    tags: list[str] = field(default_factory=list)


pb.setUnjellyableForClass("tests.test_versions.FrogCache", FrogCache)


class VersionedPond(Pond):
    copyVersion = 3
    copyFields = ("name",)


class CacheTests(PondTestCase):
    """
    The states of Cacheables.
    """

    def test_upgraded(self) -> None:
        """
        They are upgraded as those of copies are.
        """
        for version, state in enumerate(STATES):
            pond = Hooked("tests.test_versions.FrogCache")
            sent = {**state, "copyVersion": version}
            pond.hook = lambda perspective, observer, sent=sent: sent
            [cache] = self.follow(pond, clients=1)
            self.assertEqual(
                ("ann", 2000, ["ann"]), (cache.name, cache.grams, cache.tags)
            )

    def test_newer(self) -> None:
        """
        A newer one is refused, and nobody follows.
        """
        pond = Hooked("tests.test_versions.FrogCache")
        pond.hook = lambda perspective, observer: {"copyVersion": 4}
        self.connect(1, pond=pond)
        call = self.pair.root.callRemote("get")
        self.pair.flush()
        self.failureResultOf(call, RefusedVersion)
        self.assertEqual(0, len(pond.observers))

    def test_sent(self) -> None:
        """
        A Cacheable sends its version, too.
        """
        pond = VersionedPond("tests.test_versions.FrogCache", "ann")
        state = pond.getStateToCacheAndObserveFor(None, None)
        self.assertEqual({"name": "ann", "copyVersion": 3}, state)
        [cache] = self.follow(pond, clients=1)
        self.assertEqual("ann", cache.name)
