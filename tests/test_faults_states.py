"""
What stock Perspective Broker gets wrong with the states that objects take and
give, fault by fault under its id: gone when the end that is to blame runs
pbext, whatever the other end runs.  All of it in memory and over loopback TCP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import attrs

from pbext import LocalOnly, pb
from pbext.errors import RefusedField, RefusedObject, RefusedState
from tests.contracts import MIXINS, ROWS, Arrived, ContractCase, register
from tests.ponds import STOCK_WATCHER, Pond, StockPond
from tests.wires import across


@register
class Guard(pb.RemoteCopy):
    """
    Declares nothing.
    """

    limit = 3

    def isAdmin(self) -> bool:
        return False

    @property
    def rank(self) -> str:
        return "none"


@register
class CalledGuard(Guard):
    """
    Has what jelly calls on whatever has arrived.
    """

    def postUnjelly(self) -> None:
        self.called = True


@register
@dataclass
class CheckedGuard(pb.RemoteCopy):
    """
    Declares its fields.
    """

    frogs: int
    toads: list[str]
    name: str = "guard"
    keys: list[str] = field(default_factory=list)
    password: LocalOnly[str] = "secret"

    def isAdmin(self) -> bool:
        return False


@register
@attrs.frozen
class StrictGuard(pb.RemoteCopy):
    """
    Takes nothing that it does not know.
    """

    copyUnknown = "forbid"
    frogs: int = attrs.field(validator=attrs.validators.lt(100))


@register
class CheckedCache(pb.RemoteCache):
    name: str
    ducks: list[str]


#: What no object is to take from a peer.
HOSTILE: dict[Any, Any] = {
    "isAdmin": 1,
    b"isAdmin": 1,
    "rank": "admiral",
    "setCopyableState": 1,
    "unjellyFor": 1,
    "_private": 1,
    "__class__": 1,
    "__dict__": {"isAdmin": 1},
    "__init__": 1,
    "__getattr__": 1,
    "postUnjelly": 7,
    "no identifier": 1,
    "": 1,
    7: 1,
    None: 1,
    ("limit",): 1,
}


class _States(ContractCase):
    """
    To blame is the end that takes a state.
    """

    async def test_B7_undeclared(self) -> None:
        """
        Of a class that declares nothing, no method, no property, no private
        name and nothing of the framework's is replaced, and nothing that came
        is called; other names are set.
        """
        await self.meet()
        before = dict(vars(Guard))
        state = {**HOSTILE, "frogs": 3, b"toads": 4, "limit": 5}
        sent = self.of(Guard)
        sent.state = state
        for guard in await self.toOurs(sent):
            self.assertIs(Guard, type(guard))
            self.assertEqual({"frogs": 3, "toads": 4, "limit": 5}, vars(guard))
            self.assertIs(False, guard.isAdmin())
            self.assertEqual("none", guard.rank)
        self.assertEqual(before, dict(vars(Guard)))
        await self.assertUnharmed()

    async def test_B7_postUnjelly(self) -> None:
        """
        The hook of that name is the class's, if it has one.
        """
        await self.meet()
        for value in 7, [], {"a": 1}, None:
            for guard in await self.toOurs(self.of(CalledGuard, postUnjelly=value)):
                self.assertEqual({"called": True}, vars(guard))
        await self.assertUnharmed()

    async def test_B7_declared(self) -> None:
        """
        Of a class that declares fields, those are set, and have their
        defaults; what it does not know is ignored.
        """
        await self.meet()
        sent = self.of(CheckedGuard)
        sent.state = {**HOSTILE, "frogs": 3, b"toads": ["one"], "password": "mine"}
        keys = []
        for guard in await self.toOurs(sent):
            self.assertEqual(CheckedGuard(3, ["one"]), guard)
            self.assertEqual("secret", guard.password)
            self.assertEqual(5, len(vars(guard)))
            self.assertIs(False, guard.isAdmin())
            keys.append(guard.keys)
        self.assertEqual(3, len({id(each) for each in keys}))
        await self.assertUnharmed()


class _Refusals(ContractCase):
    """
    To blame is the end that takes a state that is not what its class declares.
    """

    async def refused(self, sent: Any, error: type, path: str, *says: str) -> None:
        """
        What is sent is refused, as an argument and as an answer, with an error
        that says where and why, and not what it was.
        """
        for failure in await self.refusals(sent):
            self.assertTrue(failure.check(error), failure)
            text = str(failure.value)
            for part in (f"$[1][0]{path}", *says):
                self.assertIn(part, text)
            self.assertNotIn("secret", text)
            self.assertNotIn("1234", text)

    async def test_B7_types(self) -> None:
        """
        A value of another type than is declared is refused, at any depth,
        with the path and both types.
        """
        await self.meet()
        for state, path, expected, got in (
            ({"frogs": "secret", "toads": []}, ".frogs", "int", "str"),
            ({"frogs": 1.5, "toads": []}, ".frogs", "int", "float"),
            ({"frogs": True, "toads": []}, ".frogs", "int", "bool"),
            ({"frogs": None, "toads": []}, ".frogs", "int", "NoneType"),
            ({"frogs": 3, "toads": "secret"}, ".toads", "list[str]", "str"),
            ({"frogs": 3, "toads": ("secret",)}, ".toads", "list[str]", "tuple"),
            ({"frogs": 3, "toads": ["a", b"secret"]}, ".toads[1]", "str", "bytes"),
            ({"frogs": 3, "toads": [["secret"]]}, ".toads[0]", "str", "list"),
            ({"frogs": 3, "toads": [], "name": 1234}, ".name", "str", "int"),
            ({"frogs": 3, "toads": [], "keys": {}}, ".keys", "list[str]", "dict"),
        ):
            await self.refused(
                self.of(CheckedGuard, **state),
                RefusedField,
                path,
                f"{expected} is declared",
                f"{got} was sent",
                "CheckedGuard",
            )
        await self.assertUnharmed()

    async def test_B7_missing(self) -> None:
        """
        A field without a default that was not sent is refused.
        """
        await self.meet()
        for state, name in (
            ({}, "frogs"),
            ({"frogs": 3}, "toads"),
            ({"toads": []}, "frogs"),
        ):
            await self.refused(
                self.of(CheckedGuard, **state),
                RefusedField,
                f".{name}",
                "nothing was sent",
            )
        await self.assertUnharmed()

    async def test_B7_forbidden(self) -> None:
        """
        A field that the class does not know is refused, if it says so.
        """
        await self.meet()
        for more in {"isAdmin": 1}, {"_private": 1}, {b"toads": 1}, {"a b": 1}, {7: 1}:
            sent = self.of(StrictGuard)
            sent.state = {"frogs": 3, **more}
            await self.refused(sent, RefusedField, ".", "no such field")
        [guard, *_] = await self.toOurs(self.of(StrictGuard, frogs=3))
        self.assertEqual(StrictGuard(3), guard)
        await self.assertUnharmed()

    async def test_B7_validators(self) -> None:
        """
        What a constructor or a validator does not take is refused, without
        its words.
        """
        await self.meet()
        await self.refused(
            self.of(StrictGuard, frogs=1234),
            RefusedObject,
            "",
            "StrictGuard",
            "builtins.ValueError",
        )
        await self.assertUnharmed()

    async def test_B7_noState(self) -> None:
        """
        A state that is none is refused.
        """
        await self.meet()
        for cls in Guard, CheckedGuard, StrictGuard:
            for state in 1234, "secret", ["secret"], b"secret":
                sent = self.of(cls)
                sent.state = state
                for failure in await self.refusals(sent):
                    self.assertTrue(failure.check(RefusedState), failure)
                    self.assertIn("reads a dict", str(failure.value))
                    self.assertNotIn("secret", str(failure.value))
        await self.assertUnharmed()

    async def test_B7_caches(self) -> None:
        """
        So is the state of a cache; its publisher is told that nobody follows
        it.
        """
        await self.meet()
        for name, ducks, path in (1234, [], ".name"), ("pond", [7], ".ducks[0]"):
            pond = StockPond(self.tag(CheckedCache), name=name)  # type: ignore[arg-type]  # which is refused
            pond.ducks = ducks
            await self.refused(pond, RefusedField, path, "CheckedCache")
            await self.settle()
            self.assertEqual(2, len(pond.left))
            self.assertNothingHeld()
        await self.assertUnharmed()


class Account(pb.Copyable):
    """
    Declares nothing.
    """

    typeToCopy = "faults.Guard"
    localFields = ("pin",)

    def __init__(self) -> None:
        self.owner = "alice"
        self.pin = "secret"
        self._password = "secret"


class CarefulAccount(Account):
    """
    Takes out of its state what is not to travel.
    """

    def getStateToCopy(self) -> Any:
        state = super().getStateToCopy()
        del state["owner"]
        state["more"] = 1
        return state


@dataclass
class DeclaredAccount(pb.Copyable):
    typeToCopy = "faults.Guard"
    owner: str = "alice"
    password: LocalOnly[str] = "secret"
    _pin: str = "secret"

    def __post_init__(self) -> None:
        self.undeclared = "secret"


class AccountPond(Pond):
    """
    A Cacheable with something to hide.
    """

    localFields = ("pin",)

    def __init__(self) -> None:
        super().__init__(STOCK_WATCHER)
        self.pin = self._password = "secret"


class _Outgoing(ContractCase):
    """
    To blame is the end that sends a state.
    """

    async def test_B8_publicOnly(self) -> None:
        """
        Private names, local ones, and what a class does not declare do not
        leave.
        """
        await self.meet()
        for account in Account(), DeclaredAccount():
            for copy in await self.toTheirs(account):
                self.assertIs(Arrived, type(copy))
                self.assertEqual({"owner": "alice"}, vars(copy))
        await self.assertUnharmed()

    async def test_B8_freshDict(self) -> None:
        """
        What is done with the state does nothing to the object.
        """
        await self.meet()
        account = CarefulAccount()
        before = dict(vars(account))
        for copy in await self.toTheirs(account):
            self.assertEqual({"more": 1}, vars(copy))
        self.assertEqual(before, vars(account))
        self.assertIsNot(account.getStateToCopy(), account.getStateToCopy())
        await self.assertUnharmed()

    async def test_B8_caches(self) -> None:
        """
        So it is for the state of a cache.
        """
        await self.meet()
        pond = AccountPond()
        for cache in await self.toTheirs(pond):
            state = {
                n: v for n, v in vars(cache).items() if n not in ("broker", "luid")
            }
            self.assertEqual({"name": "pond", "ducks": []}, state)
        await self.assertUnharmed()


globals().update(across(module=__name__, tests=_States, rows={**ROWS, **MIXINS}))
globals().update(across(module=__name__, tests=_Refusals, rows=ROWS))
globals().update(across(module=__name__, tests=_Outgoing, rows={**ROWS, **MIXINS}))
