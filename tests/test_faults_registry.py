"""
What stock Perspective Broker gets wrong with the classes that may arrive, fault
by fault under its id: gone when the end that is to blame runs pbext, whatever
the other end runs.  What a peer can do is tried in memory and over loopback
TCP.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from zope.interface import implementer

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly

from pbext import Limits, Registry, pb
from pbext.errors import LimitReached, NotSendable, RefusedObject, RefusedTag
from pbext.testing import restoredRegistry
from tests.contracts import REGISTRY, ROWS, ContractCase, Sent
from tests.desks import Desk
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, StockPond
from tests.wires import PBEXT, STOCK, Factories, Line, across


class Trap(stock.RemoteCopy):
    """
    What any import may have registered.

    @cvar made: what was made, and what was called.
    """

    made: list[Any] = []

    def setCopyableState(self, state: Any) -> None:
        Trap.made.append(state)


class TrapCache(stock.RemoteCache):
    def setCopyableState(self, state: Any) -> None:
        Trap.made.append(state)

    def observe_addDuck(self, duck: Any) -> None:
        Trap.made.append(duck)


class OurTrapCache(pb.RemoteCache):
    setCopyableState = TrapCache.setCopyableState
    observe_addDuck = TrapCache.observe_addDuck


def trap(state: Any) -> Any:
    Trap.made.append(state)


stock.setUnjellyableForClass("process.Trap", Trap)
stock.setUnjellyableForClass("process.TrapCache", TrapCache)
stock.setUnjellyableForClass("process.OurTrapCache", OurTrapCache)
stock.setUnjellyableFactoryForClass("process.trap", trap)


class Raw(jelly.Jellyable):
    """
    Is sent as it says.
    """

    def __init__(self, *sexp: Any) -> None:
        self.sexp = list(sexp)

    def jellyFor(self, jellier: Any) -> Any:
        return self.sexp


class Instance:
    """
    No flavor, of which a program has allowed the instances.
    """

    def __init__(self) -> None:
        self.frogs = 3

    def __setstate__(self, state: Any) -> None:
        Trap.made.append(state)


class RegistryCase(ContractCase):
    def setUp(self) -> None:
        restoring = restoredRegistry()
        restoring.__enter__()
        self.addCleanup(restoring.__exit__, None, None, None)
        self.patch(Trap, "made", [])

    def give(self, **terms: Any) -> None:
        """
        Give our factories other terms.
        """
        self.ours = Factories(
            partial(pb.PBServerFactory, **terms), partial(pb.PBClientFactory, **terms)
        )

    def assertGone(self, pond: Any, times: int) -> None:
        """
        So many times a Cacheable was refused, and nobody follows it.
        """
        self.assertEqual(times, len(pond.left))
        self.assertNothingHeld()


class _Scope(RegistryCase):
    """
    To blame is the end that accepts what its program has not meant for it.
    """

    async def test_B4_theProcess(self) -> None:
        """
        What the process has registered is neither made nor called here if it is
        not in the factory's registry.
        """
        await self.meet()
        for make in (
            lambda: Sent("process.Trap", {"it": 1}),
            lambda: Sent("process.trap", {"it": 1}),
            lambda: StockPond("process.TrapCache"),
            lambda: StockPond("process.OurTrapCache"),
            lambda: Pond("process.TrapCache"),
        ):
            thing = make()
            for failure in await self.refusals(thing):
                self.assertTrue(failure.check(RefusedTag, InsecureJelly), failure)
                self.assertIn("(at $[1][0])", str(failure.value))
                self.assertIn("'process.", str(failure.value))
            await self.settle()
            if isinstance(thing, (Pond, StockPond)):
                self.assertGone(thing, 2)
        for number in range(5):
            update = b"addDuck", 0, [b"tuple", 7], [b"dictionary"]
            self.there.sendCall(b"cachemessage", number, number, *update)
        await self.settle()
        self.assertEqual([], Trap.made)
        await self.assertUnharmed()

    async def test_B4_updates(self) -> None:
        """
        Nor is it if it comes with an update of a cache that is.
        """
        await self.meet()
        REGISTRY.setUnjellyableForClass("faults.Kept", OurTrapCache)
        pond = StockPond("faults.Kept")
        await self.result(self.toUs.callRemote("keep", pond))
        del Trap.made[:]
        [answer] = pond.tell("addDuck", Sent("process.Trap", {"it": 1}))
        failure = await self.failure(answer)
        self.assertTrue(failure.check(RefusedTag, InsecureJelly))
        self.assertEqual([], Trap.made)
        await self.assertUnharmed()

    async def test_B4_aCap(self) -> None:
        """
        A peer can give so many caches as the limits say: what is beyond is
        refused, and given back; if it drops one, there is room for another.
        """
        self.give(limits=Limits(cachesReceived=3))
        await self.meet()
        ponds = [StockPond(tag) for tag in (WATCHER, STOCK_WATCHER) * 2]
        for pond in ponds[:3]:
            await self.result(self.toUs.callRemote("keep", pond))
        self.assertEqual((3, 3), self.here.gauges["cachesReceived"])
        failure = await self.failure(self.toUs.callRemote("keep", ponds[3]))
        self.assertTrue(failure.check(LimitReached), failure)
        self.assertIn("cachesReceived=3", failure.value)
        await self.settle()
        self.assertEqual([0, 0, 0, 1], [len(pond.left) for pond in ponds])
        for pond in ponds[:3]:
            pond.addDuck("huey")
        await self.settle()
        for cache in self.ourDesk.kept:
            self.assertEqual(["huey"], cache.ducks)
        self.ourDesk.kept.pop(0)
        del cache
        await self.settle()
        await self.result(self.toUs.callRemote("keep", ponds[3]))
        self.assertEqual([1, 0, 0, 1], [len(pond.left) for pond in ponds])
        await self.assertUnharmed()

    async def test_B4_aCapOnOneMessage(self) -> None:
        """
        So it is if they come together: then none is kept.
        """
        self.give(limits=Limits(cachesReceived=3))
        await self.meet()
        ponds = [StockPond(tag) for tag in (WATCHER, STOCK_WATCHER) * 5]
        failure = await self.failure(self.toUs.callRemote("keep", *ponds))
        self.assertTrue(failure.check(LimitReached), failure)
        self.theirDesk.things["it"] = ponds
        failure = await self.failure(self.toThem.callRemote("get", "it"))
        self.assertTrue(failure.check(LimitReached), failure)
        del failure  # whose traceback holds what had been read by then
        await self.settle()
        self.assertEqual([2] * 10, [len(pond.left) for pond in ponds])
        self.assertNothingHeld()
        await self.assertUnharmed()

    async def test_B4f_instances(self) -> None:
        """
        A class whose instances a program allows somewhere, by
        C{globalSecurity.allowInstancesOf}, is nothing to a factory that has a
        registry; neither are classes and modules.
        """
        jelly.globalSecurity.allowInstancesOf(Instance)
        await self.meet()
        name = f"{__name__}.Instance".encode()
        for thing, word in (
            (Raw(name, [b"dictionary", [b"frogs", 3]]), name.decode()),
            (Raw(b"class", name), "class"),
            (Raw(b"module", __name__.encode()), "module"),
            (Raw(b"instance", [b"class", name], [b"dictionary"]), "instance"),
            (Raw(b"function", b"os.getcwd"), "function"),
        ):
            for failure in await self.refusals(thing):
                self.assertTrue(failure.check(RefusedTag, InsecureJelly), failure)
                self.assertIn(f"{word}", str(failure.value))
                self.assertIn("(at $[1][0])", str(failure.value))
        if self.theirs is STOCK:
            # Stock sends it, and takes it, wherever it comes from.
            for thing in Instance(), Instance:
                for failure in await self.refusals(thing):
                    self.assertTrue(failure.check(RefusedTag, InsecureJelly), failure)
        self.assertEqual([], Trap.made)
        await self.assertUnharmed()


class Strict(jelly.SecurityOptions):
    """
    Allows nothing but what is named.
    """

    def isTypeAllowed(self, typeName: Any) -> bool:
        name = typeName.encode() if isinstance(typeName, str) else typeName
        return name in self.allowedTypes


class _Policies(RegistryCase):
    """
    To blame is the end whose policy allows almost nothing.
    """

    async def approach(self) -> None:
        """
        Connect, without any calls.
        """
        self.ourDesk, self.theirDesk = Desk(), Desk()
        server, client = self.theirDesk, self.ourDesk
        factories = self.theirs, self.ours
        if self.serving:
            server, client, factories = client, server, factories[::-1]
        self.wire = self.Wire(server, *factories)
        self.line = await self.wire.connect()
        self.line.server.setNameForLocal("desk", server)
        self.line.client.setNameForLocal("desk", client)
        ends = self.line.server, self.line.client
        self.here, self.there = ends if self.serving else ends[::-1]
        self.toThem = self.here.remoteForName("desk")
        self.toUs = self.there.remoteForName("desk")

    async def assertAlive(self) -> None:
        """
        The connection is there, and calls are answered.
        """
        await self.settle()
        self.assertTrue(self.line.connected)

    async def test_B4b_arriving(self) -> None:
        """
        What may not arrive is refused, and each call is answered with the
        error, as often as it is made.
        """
        for policy in jelly.SecurityOptions(), Strict():
            self.give(security=policy)
            await self.approach()
            for _ in range(10):
                for call, word in (
                    (("keep", 1), "tuple"),
                    (("fail",), "tuple"),
                    (("nothing",), "tuple"),
                ):
                    failure = await self.failure(self.toUs.callRemote(*call))
                    self.assertTrue(failure.check(InsecureJelly), failure)
                    self.assertIn(f"a {word} (at $) is not accepted", failure.value)
            self.assertEqual([], self.ourDesk.kept)
            await self.assertAlive()
            await self.wire.close()

    async def test_B4b_answers(self) -> None:
        """
        If it is an answer, that call fails, and no other.
        """
        for policy in jelly.SecurityOptions(), Strict():
            self.give(security=policy)
            await self.approach()
            self.theirDesk.things["it"] = [1]
            waiting = self.toThem.callRemote("wait")
            for _ in range(10):
                for method in "wait", "fail":
                    call = self.toThem.callRemote(method)
                    await self.settle()
                    if method == "wait":
                        self.theirDesk.waiting.pop().callback([1])
                    failure = await self.failure(call)
                    self.assertTrue(failure.check(RefusedTag), failure)
            self.assertFalse(waiting.called)
            self.theirDesk.waiting.pop().callback(7)
            self.assertEqual(7, await self.result(waiting))
            await self.assertAlive()
            await self.wire.close()

    async def test_B4b_leaving(self) -> None:
        """
        What may arrive is the registry's to say, if there is one: the policy
        says what may leave.  What may not is an error for who has asked, who
        is told, and so is every other error.
        """
        policy = Strict()
        policy.allowTypes("builtins.NoneType")  # the answer of a method that has none
        self.give(security=policy, registry=REGISTRY)
        await self.approach()
        for _ in range(10):
            await self.result(self.toUs.callRemote("keep", [1, {"it": ("text",)}]))
            failure = await self.failure(self.toUs.callRemote("echo", "text"))
            self.assertTrue(failure.check(InsecureJelly), failure)
            for method, error in (
                ("fail", stock.Error),
                ("nothing", stock.NoSuchMethod),
                ("echo", TypeError),
            ):
                failure = await self.failure(self.toUs.callRemote(method))
                self.assertTrue(failure.check(error), failure)
            call = self.toThem.callRemote("echo", "text")
            self.failureResultOf(call, InsecureJelly)
            failure = await self.failure(self.toThem.callRemote("fail"))
            self.assertTrue(failure.check(stock.Error), failure)
        self.assertEqual([[1, {"it": ("text",)}]] * 10, self.ourDesk.kept)
        await self.assertAlive()

    async def test_B4b_withARegistry(self) -> None:
        """
        A policy of Twisted's that allows nothing is in nobody's way then.
        """
        self.give(security=jelly.SecurityOptions(), registry=REGISTRY)
        await self.meet()
        mine = stock.Referenceable()
        for thing in "text", [1, {"it": (None, True)}], mine:
            echoed = await self.result(self.toUs.callRemote("echo", thing))
            self.assertEqual(thing, echoed)
            echoed = await self.result(self.toThem.callRemote("echo", thing))
            self.assertEqual(thing, echoed)
        failure = await self.failure(self.toUs.callRemote("answerBadly"))
        self.assertTrue(failure.check(NotSendable), failure)
        await self.assertUnharmed()


def raising(state: Any) -> Any:
    raise KeyError("secret")


def refusing(state: Any) -> Any:
    raise stock.Error("as you wish")


class _Factories(RegistryCase):
    """
    To blame is the end that makes objects by a function.
    """

    def register(self, registry: Any) -> None:
        """
        Have it both ways: as ours, and as Twisted's.
        """
        for tag, factory in (
            ("raising", raising),
            ("refusing", refusing),
            ("making", list),
        ):
            if registry is None:
                stock.setUnjellyableFactoryForClass(f"factory.{tag}", factory)
            else:
                registry.setUnjellyableFactoryForClass(f"factory.{tag}", factory)

    async def begin(self, ours: bool) -> None:
        registry = Registry() if ours else None
        self.register(registry)
        self.give(**({"registry": registry} if ours else {}))
        await self.meet()

    async def fails(self, ours: bool) -> None:
        await self.begin(ours)
        for _ in range(3):
            for failure in await self.refusals(Sent("factory.raising", {"it": 1})):
                self.assertTrue(failure.check(KeyError), failure)
            logged = self.flushLoggedErrors(KeyError)
            self.assertEqual(1, len(logged))  # to who has called us
            [one, other] = await self.refusals(Sent("factory.refusing", {"it": 1}))
            for failure in one, other:
                self.assertTrue(failure.check(stock.Error), failure)
                self.assertIn("as you wish", str(failure.value))
        await self.assertUnharmed()

    async def cacheables(self, ours: bool) -> None:
        await self.begin(ours)
        for make in Pond, StockPond:
            for tag in "making", "raising":
                pond = make(f"factory.{tag}")
                for failure in await self.refusals(pond):
                    self.assertTrue(failure.check(RefusedObject), failure)
                    self.assertIn("at $[1][0]", str(failure.value))
                    self.assertIn("cannot follow a Cacheable", str(failure.value))
                await self.settle()
                self.assertGone(pond, 2)
        made = Sent("factory.making", {"it": 1})
        self.assertEqual([["it"]] * 3, await self.toOurs(made))
        await self.assertUnharmed()

    async def test_B5_fails(self) -> None:
        """
        A function that fails is an error for the caller, and the connection
        holds.
        """
        await self.fails(ours=True)

    async def test_B5_failsInTwistedsTables(self) -> None:
        """
        So it is if it was registered with Twisted's function.
        """
        await self.fails(ours=False)

    async def test_B5_cacheables(self) -> None:
        """
        One that was registered, by its tag, for what arrives as a Cacheable
        cannot follow it: that is an error for the caller, and the publisher
        is told that nobody follows it.
        """
        await self.cacheables(ours=True)

    async def test_B5_cacheablesInTwistedsTables(self) -> None:
        """
        So it is if it was registered with Twisted's function.
        """
        await self.cacheables(ours=False)


class Visitor(pb.Avatar):
    def __init__(self) -> None:
        self.kept: list[Any] = []

    def perspective_keep(self, *things: Any) -> None:
        self.kept += things


@implementer(IRealm)
class Realm:
    def __init__(self) -> None:
        self.visitors: list[Visitor] = []

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        self.visitors.append(Visitor())
        return stock.IPerspective, self.visitors[-1], lambda: None


class _Strangers(RegistryCase):
    """
    To blame is a server whose peer has not logged in.
    """

    async def connect(self, root: Any = None, clients: int = 2) -> list[Line]:
        self.realm = Realm()
        passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
        self.wire = self.Wire(Portal(self.realm, [passwords]), self.ours, self.theirs)
        return [await self.wire.connect() for _ in range(clients)]

    def things(self) -> list[Any]:
        return [
            Sent("process.Trap", {"it": 1}),
            Sent("process.trap", {"it": 1}),
            StockPond("process.TrapCache"),
            StockPond("process.OurTrapCache"),
        ]

    async def assertClosed(self, line: Line) -> None:
        """
        Nothing that is registered can be made by a connection.
        """
        for thing in self.things():
            for method in "login", "loginAnonymous", "keep":
                failures: list[Any] = []
                call = line.root.callRemote(method, [thing])
                await self.wire.result(call.addErrback(failures.append))
                [failure] = failures
                self.assertTrue(failure.check(InsecureJelly), failure)
            await self.settle()
            self.assertEqual(3, len(getattr(thing, "left", "abc")))
        self.assertEqual([], Trap.made)
        self.assertTrue(line.connected)

    async def test_B4_beforeTheLogin(self) -> None:
        """
        Before the login, nothing that any import has registered is made or
        called, whatever the peer calls; after it, on that connection, it is.
        """
        [one, other] = await self.connect()
        await self.assertClosed(one)
        key = UsernamePassword(b"alice", b"secret")
        avatar = await self.wire.result(one.factory.login(key))
        await self.assertClosed(other)
        for thing in self.things():
            await self.wire.result(avatar.callRemote("keep", thing))
        self.assertEqual(4, len(Trap.made))
        [visitor] = self.realm.visitors
        self.assertEqual(4, len(visitor.kept))
        del Trap.made[:]
        await self.assertClosed(other)


globals().update(across(module=__name__, tests=_Scope, rows=ROWS))
globals().update(across(module=__name__, tests=_Policies, rows=ROWS))
globals().update(across(module=__name__, tests=_Factories, rows=ROWS))
globals().update(
    across(
        module=__name__,
        tests=_Strangers,
        rows={
            "OfAServer": {"ours": PBEXT, "theirs": STOCK},
            "WithPbext": {"ours": PBEXT, "theirs": PBEXT},
        },
    )
)
