"""
A registry that belongs to a factory: what may arrive there and what it becomes,
whatever else the process registers, and whatever the factory may send.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.spread import jelly
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

from pbext import Registry, pb
from pbext.errors import NotSendable, RefusedTag
from pbext.testing import Pair, connectedPair, roundTrip
from tests.exchanges import Desk, ExchangeCase
from tests.ponds import STOCK_WATCHER, Pond, StockPond
from tests.wires import PBEXT, STOCK, Factories, TCPWire


class Frog(pb.Copyable):
    typeToCopy = "test_scoping.Frog"

    def __init__(self, colour: str = "green") -> None:
        self.colour = colour


class StockFrog(stock.Copyable):
    """
    The same, of stock's.
    """

    def __init__(self, colour: str = "green") -> None:
        self.colour = colour

    def getTypeToCopy(self) -> bytes:
        return Frog.typeToCopy.encode()


class Copy(pb.RemoteCopy):
    """
    What a frog becomes somewhere.
    """


class OtherCopy(Copy):
    """
    What it becomes elsewhere.
    """


class StockCopy(stock.RemoteCopy):
    """
    What it becomes with Twisted's tables.
    """


class Watcher(pb.RemoteCache):
    pass


class Plain:
    """
    No flavor at all.
    """

    def __init__(self) -> None:
        self.frogs = 3


def accepting(**classes: Any) -> Registry:
    """
    @return: a registry with a class for each of some tags.
    """
    registry = Registry()
    for name, cls in classes.items():
        registry.setUnjellyableForClass(f"test_scoping.{name}", cls)
    return registry


class ScopingCase(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        # The process accepts it, and so does each factory without a registry.
        stock.setUnjellyableForClass(Frog.typeToCopy, StockCopy)

    def assertRefused(self, pair: Pair, call: Any, tag: str, path: str) -> None:
        """
        A call has ended in the refusal of a tag, and the next one is answered.
        """
        pair.flush()
        failure = self.failureResultOf(call)
        self.assertTrue(failure.check(jelly.InsecureJelly), failure)
        if isinstance(failure.value, RefusedTag):
            self.assertEqual((failure.value.tag, failure.value.path), (tag, path))
        else:
            self.assertIn(f"{tag!r} (at {path})", failure.value)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 7)), 7)


class ScopeTests(ScopingCase):
    """
    What may arrive at one factory.
    """

    def test_accepted(self) -> None:
        """
        What is in the registry becomes what it says, at a server and at a
        client, from peers of both kinds.
        """
        for client in pb.PBClientFactory, stock.PBClientFactory:
            for cls in Frog, StockFrog:
                copy = self.taken(self.connect(accepting(Frog=Copy), client), cls())
                self.assertEqual((type(copy), copy.colour), (Copy, "green"))
        for server in pb.PBServerFactory, stock.PBServerFactory:
            for cls in Frog, StockFrog:
                copy = self.given(self.connect(server, accepting(Frog=Copy)), cls())
                self.assertEqual((type(copy), copy.colour), (Copy, "green"))

    def test_nothingElse(self) -> None:
        """
        What is not in it is refused, though the process has registered it,
        before the factory was made or after.
        """
        for client in pb.PBClientFactory, stock.PBClientFactory:
            pair = self.connect(accepting(Toad=Copy), client)
            for cls in Frog, StockFrog:
                call = pair.root.callRemote("take", "it", [cls()])
                self.assertRefused(pair, call, "test_scoping.Frog", "$[1][0]")
            pb.setUnjellyableForClass("test_scoping.Frog", Copy, replace=True)
            call = pair.root.callRemote("take", "it", [Frog()])
            self.assertRefused(pair, call, "test_scoping.Frog", "$[1][0]")
            self.assertEqual(self.desk.kept, {})

    def test_answers(self) -> None:
        """
        So it is for what a client is answered: the call fails, and nothing
        else does.
        """
        for server in pb.PBServerFactory, stock.PBServerFactory:
            pair = self.connect(server, Registry())
            self.desk.things["it"] = {"frog": StockFrog()}
            call = pair.root.callRemote("get", "it")
            self.assertRefused(pair, call, "test_scoping.Frog", "$.frog")

    def test_scopedOneWay(self) -> None:
        """
        The registry of one end says nothing of the other's.
        """
        pair = self.connect(Registry(), pb.PBClientFactory)
        self.assertIsInstance(self.given(pair, Frog()), StockCopy)
        pair = self.connect(pb.PBServerFactory, Registry())
        self.assertIsInstance(self.taken(pair, Frog()), StockCopy)

    def test_live(self) -> None:
        """
        What is put into the registry later may arrive then, by connections
        that exist as well.
        """
        registry = Registry()
        pair = self.connect(registry)
        call = pair.root.callRemote("take", "it", Frog())
        self.assertRefused(pair, call, "test_scoping.Frog", "$[1]")
        registry.setUnjellyableForClass(Frog, Copy)
        self.assertIsInstance(self.taken(pair, Frog()), Copy)
        registry.setUnjellyableForClass(Frog, OtherCopy, replace=True)
        self.assertIsInstance(self.taken(pair, Frog()), OtherCopy)

    def test_kinds(self) -> None:
        """
        Functions in the place of a class, and factories, read what arrives.
        """
        registry = Registry()
        registry.setUnjellyableForClass(Frog, lambda unjellier, sexp: ("sexp", sexp))
        tag, state = b"test_scoping.Frog", [b"dictionary"]
        arrived = roundTrip([Frog("red")], registry)
        self.assertEqual(arrived[0][0], "sexp")
        self.assertEqual(arrived[0][1][:1] + [arrived[0][1][1][:1]], [tag, state])
        registry.setUnjellyableFactoryForClass(
            Frog, lambda state: ("made of", state), replace=True
        )
        self.assertEqual(
            roundTrip([Frog("red")], registry), [("made of", {"colour": "red"})]
        )

    def test_stockClasses(self) -> None:
        """
        Classes of stock's can be in it, copies and caches.
        """
        registry = accepting(Frog=StockCopy)
        self.assertIsInstance(roundTrip(Frog(), registry), StockCopy)
        registry.setUnjellyableForClass(STOCK_WATCHER, stock.RemoteCache)
        for client in pb.PBClientFactory, stock.PBClientFactory:
            pair = self.connect(registry, client)
            for pond in Pond(STOCK_WATCHER), StockPond(STOCK_WATCHER):
                cache = self.taken(pair, pond)
                self.assertIs(type(cache), stock.RemoteCache)
                self.assertEqual(cache.name, "pond")
                del cache
                pair.result(pair.root.callRemote("drop", "it"))
                self.assertEqual(len(pond.left), 1)

    def test_caches(self) -> None:
        """
        So can caches of ours; they follow what they are sent as.
        """
        registry = accepting(Pond=Watcher)
        for client in pb.PBClientFactory, stock.PBClientFactory:
            pair = self.connect(registry, client)
            pond = Pond("test_scoping.Pond")
            cache = self.taken(pair, pond)
            self.assertIsInstance(cache, Watcher)
            back = pair.result(pair.root.callRemote("echo", [pond, pond]))
            self.assertIs(back[0], pond)
            self.assertIs(back[1], pond)
            refused = self.connect(Registry(), client)
            call = refused.root.callRemote("take", "it", pond)
            self.assertRefused(refused, call, "test_scoping.Pond", "$[1]")
            self.assertEqual(len(pond.observers), 1)


class OwnWordsTests(ScopingCase):
    """
    What belongs to every connection, and what to none.
    """

    def test_nothingRegistered(self) -> None:
        """
        With an empty registry, plain data, references, both ways, and errors
        are what they are.
        """
        for server, client in (
            (Registry(), stock.PBClientFactory),
            (stock.PBServerFactory, Registry()),
            (Registry(), Registry()),
        ):
            pair = self.connect(server, client)
            data = [None, True, 7, 0.5, "text", b"bytes", (1,), {2}, frozenset([3])]
            self.assertEqual(self.taken(pair, {"it": data}), {"it": data})
            self.assertEqual(self.given(pair, {"it": data}), {"it": data})
            shared: list[Any] = [1]
            one, two = self.given(pair, (shared, shared))
            self.assertIs(one, two)
            mine = stock.Referenceable()
            self.assertIsInstance(self.taken(pair, mine), stock.RemoteReference)
            self.assertIs(pair.result(pair.root.callRemote("echo", mine)), mine)
            self.assertIsInstance(
                self.given(pair, stock.Referenceable()), stock.RemoteReference
            )
            call = pair.root.callRemote("fail", "as you wish")
            pair.flush()
            failure = self.failureResultOf(call)
            self.assertTrue(failure.check(stock.Error))
            self.assertEqual(failure.value, "as you wish")

    def test_code(self) -> None:
        """
        What stands for code is refused whatever is registered, and so is a
        word that jelly does not have.
        """

        class Raw(jelly.Jellyable):
            def __init__(self, *sexp: Any) -> None:
                self.sexp = list(sexp)

            def jellyFor(self, jellier: Any) -> Any:
                return self.sexp

        registry = accepting(Frog=Copy)
        for sexp in (
            [b"class", b"builtins.object"],
            [b"module", b"os"],
            [b"function", b"os.getcwd"],
            [b"method", b"read", [b"None"], [b"class", b"io.BytesIO"]],
            [b"instance", [b"class", b"builtins.object"], [b"dictionary"]],
            [b"dict"],
            [b"builtins.object", [b"dictionary"]],
        ):
            pair = self.connect(registry, stock.PBClientFactory)
            call = pair.root.callRemote("take", "it", [Raw(*sexp)])
            pair.flush()
            failure = self.failureResultOf(call)
            self.assertTrue(failure.check(jelly.InsecureJelly))
            self.assertIn(sexp[0].decode(), failure.value)
            self.assertIn("(at $[1][0])", failure.value)
            self.assertEqual(self.desk.kept, {})
            self.assertEqual(pair.result(pair.root.callRemote("echo", 7)), 7)


class PortsTests(ScopingCase):
    """
    Several factories in one process, at the same time.
    """

    def test_twoPorts(self) -> None:
        """
        The same tag is one class at one port, another at the next, and what
        the process says at a third.
        """
        pairs = [
            (self.connect(accepting(Frog=Copy)), Copy),
            (self.connect(accepting(Frog=OtherCopy), stock.PBClientFactory), OtherCopy),
            (self.connect(), StockCopy),
            (self.connect(stock.PBServerFactory), StockCopy),
        ]
        for _ in range(2):
            for pair, cls in pairs:
                self.desk = pair.serverFactory.root
                copies = self.taken(pair, [Frog("red"), {"it": Frog("blue")}])
                self.assertIs(type(copies[0]), cls)
                self.assertIs(type(copies[1]["it"]), cls)
        for pair, cls in pairs:
            [copy, _] = pair.serverFactory.root.kept["it"]
            self.assertIs(type(copy), cls)

    def test_twoClients(self) -> None:
        """
        So it is for two clients of one server.
        """
        self.desk = Desk(it=Frog())
        pair = connectedPair(self.desk, clients=0)
        self.addCleanup(pair.close)
        links = [
            (pair.addClient(pb.PBClientFactory(registry=registry)), cls)
            for registry, cls in (
                (accepting(Frog=Copy), Copy),
                (accepting(Frog=OtherCopy), OtherCopy),
            )
        ]
        for link, cls in links * 2:
            copy = pair.result(link.root.callRemote("get", "it"))
            self.assertIs(type(copy), cls)

    def test_nested(self) -> None:
        """
        A class that arrives at one port and is sent on by another is, there,
        what that one's peer says.
        """
        relayed = type("Relayed", (pb.RemoteCopy, Frog), {})
        inner = self.connect(accepting(Frog=relayed))
        arrived = self.taken(inner, Frog("red"))
        outer = self.connect(accepting(Frog=OtherCopy))
        self.assertIsInstance(self.taken(outer, [arrived])[0], OtherCopy)


class TCPPortsTests(TestCase):
    """
    Ports of the operating system's.
    """

    timeout = 20

    async def test_twoPorts(self) -> None:
        """
        The same tag is one class at one port and another at the next, at the
        same time, for peers of both kinds.
        """
        ports = []
        for cls in Copy, OtherCopy:
            registry = accepting(Frog=cls)
            for client in PBEXT, STOCK:
                server = Factories(partial(pb.PBServerFactory, registry=registry), None)
                desk = Desk()
                wire = TCPWire(desk, server, client)
                self.addCleanup(lambda wire=wire: Deferred.fromCoroutine(wire.close()))
                ports.append((await wire.connect(), desk, cls))
        for thing in Frog("red"), StockFrog("red"):
            calls = [line.root.callRemote("take", "it", thing) for line, _, _ in ports]
            await gatherResults(calls)
            for _, desk, cls in ports:
                self.assertIs(type(desk.kept["it"]), cls)


class OutboundTests(ScopingCase):
    """
    C{security=}: what may be sent is one thing, what may arrive another.
    """

    def test_inboundIsTheRegistrys(self) -> None:
        """
        With a registry, a policy that allows nothing keeps nothing from
        arriving that is registered.
        """
        for client in pb.PBClientFactory, stock.PBClientFactory:
            server = partial(
                pb.PBServerFactory,
                security=jelly.SecurityOptions(),
                registry=accepting(Frog=Copy),
            )
            pair = self.connect(server, client)
            self.assertIsInstance(self.taken(pair, {"it": Frog()})["it"], Copy)

    def test_inboundIsNotWidened(self) -> None:
        """
        And one that allows more lets nothing else in.
        """
        security = jelly.SecurityOptions()
        security.allowBasicTypes()
        security.allowInstancesOf(StockCopy)
        security.allowTypes(Frog.typeToCopy)
        server = partial(
            pb.PBServerFactory, security=security, registry=accepting(Toad=Copy)
        )
        pair = self.connect(server, stock.PBClientFactory)
        call = pair.root.callRemote("take", "it", StockFrog())
        self.assertRefused(pair, call, "test_scoping.Frog", "$[1]")

    def test_outboundIsThePolicys(self) -> None:
        """
        What may be sent is what the policy allows, whatever may arrive: here,
        instances of a class that is no flavor.
        """

        reading = Registry()
        reading.setUnjellyableForClass(Plain, Copy)
        security = jelly.SecurityOptions()
        security.allowBasicTypes()
        security.allowInstancesOf(Plain)
        for policy, allowed in (security, True), (jelly.globalSecurity, False):
            server = partial(pb.PBServerFactory, security=policy, registry=Registry())
            pair = self.connect(server, reading)
            if allowed:
                self.assertEqual(self.given(pair, Plain()).frogs, 3)
                continue
            error = self.assertRaises(pb.RemoteError, self.given, pair, Plain())
            self.assertTrue(error.check(NotSendable), error)

    def test_strict(self) -> None:
        """
        A policy of one's own is asked for what is sent, and for that alone.
        """

        class NoText(jelly.SecurityOptions):
            def __init__(self) -> None:
                super().__init__()
                self.asked: list[str] = []

            def isTypeAllowed(self, typeName: Any) -> bool:
                name = typeName if isinstance(typeName, str) else typeName.decode()
                self.asked.append(name)
                return name != "builtins.str"

        policy = NoText()
        server = partial(
            pb.PBServerFactory, security=policy, registry=accepting(Frog=Copy)
        )
        pair = self.connect(server)
        self.assertEqual(self.taken(pair, ["text", Frog()])[0], "text")
        self.assertNotIn("test_scoping.Frog", policy.asked)
        call = pair.root.callRemote("echo", "text")
        pair.flush()
        self.assertTrue(self.failureResultOf(call).check(jelly.InsecureJelly))
        self.assertIn("builtins.str", policy.asked)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 7)), 7)
