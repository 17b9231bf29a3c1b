"""
A factory that serves a portal: before somebody has logged in by a connection,
there is nothing but the login.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from zope.interface import implementer

from twisted.cred.checkers import (
    AllowAnonymousAccess,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly, Jellyable
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, pb
from pbext.testing import Link, Pair, connectedPair, restoredRegistry
from tests.ponds import Pond, PondRoot, StockPond


class Frog(pb.Copyable):
    typeToCopy = "test_door.Frog"

    def __init__(self, colour: str = "green") -> None:
        self.colour = colour


class ArrivedFrog(pb.RemoteCopy):
    """
    What a frog becomes.

    @cvar made: all that were made.
    """

    made: list[Any] = []

    def setCopyableState(self, state: Any) -> None:
        ArrivedFrog.made.append(self)
        super().setCopyableState(state)


class Watcher(pb.RemoteCache):
    def setCopyableState(self, state: Any) -> None:
        ArrivedFrog.made.append(self)
        super().setCopyableState(state)


class Visitor(pb.Avatar):
    """
    @ivar kept: what it was given.
    """

    def __init__(self, name: Any, mind: Any) -> None:
        self.name = name
        self.mind = mind
        self.kept: list[Any] = []

    def perspective_take(self, thing: Any) -> int:
        self.kept.append(thing)
        return len(self.kept)

    def perspective_give(self) -> Any:
        return Frog("red")

    def perspective_greet(self) -> Any:
        return self.mind.callRemote("greet", Frog("red"))


@implementer(IRealm)
class Realm:
    """
    @ivar visitors: who has logged in, in order.
    @ivar left: who has left.
    @ivar waiting: if it is set, the logins that wait.
    """

    def __init__(self) -> None:
        self.visitors: list[Visitor] = []
        self.left: list[Any] = []
        self.waiting: list[Deferred[Any]] | None = None

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        visitor = Visitor(avatarId, mind)
        self.visitors.append(visitor)
        result = stock.IPerspective, visitor, lambda: self.left.append(visitor)
        if self.waiting is None:
            return result
        later: Deferred[Any] = Deferred()
        self.waiting.append(later)
        return later.addCallback(lambda _: result)


class Mind(pb.Referenceable):
    def __init__(self) -> None:
        self.greeted: list[Any] = []

    def remote_greet(self, thing: Any) -> str:
        self.greeted.append(thing)
        return "hello"


class Raw(Jellyable):
    """
    Is sent as it says.
    """

    def __init__(self, *sexp: Any) -> None:
        self.sexp = list(sexp)

    def jellyFor(self, jellier: Any) -> Any:
        return self.sexp


ALICE = UsernamePassword(b"alice", b"secret")
MALLORY = UsernamePassword(b"alice", b"guess")


class DoorCase(SynchronousTestCase):
    def setUp(self) -> None:
        restoring = restoredRegistry()
        restoring.__enter__()
        self.addCleanup(restoring.__exit__, None, None, None)
        pb.setUnjellyableForClass(Frog, ArrivedFrog)
        pb.setUnjellyableForClass("test_door.Pond", Watcher)
        self.patch(ArrivedFrog, "made", [])

    def registry(self) -> Registry:
        """
        @return: a registry with what the process has, too.
        """
        registry = Registry()
        registry.setUnjellyableForClass(Frog, ArrivedFrog)
        registry.setUnjellyableForClass("test_door.Pond", Watcher)
        return registry

    def portal(self) -> Portal:
        self.realm = Realm()
        passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
        return Portal(self.realm, [passwords, AllowAnonymousAccess()])

    def connect(
        self,
        server: Any = pb.PBServerFactory,
        client: Any = pb.PBClientFactory,
        clients: int = 1,
        root: Any = None,
    ) -> Pair:
        pair = connectedPair(
            self.portal() if root is None else root,
            serverFactory=server,
            clients=0,
        )
        self.factories = [client() for _ in range(clients)]
        for factory in self.factories:
            pair.addClient(factory)
        self.addCleanup(pair.close)
        return pair

    def pairs(self, clients: int = 1) -> Any:
        """
        A server with the process's registry, and one with its own, each with
        clients of both kinds.
        """
        own = partial(pb.PBServerFactory, registry=self.registry())
        for server in pb.PBServerFactory, own:
            for client in pb.PBClientFactory, stock.PBClientFactory:
                yield self.connect(server, client, clients)

    def logIn(
        self, pair: Pair, client: int = 0, credentials: Any = ALICE, mind: Any = None
    ) -> Any:
        """
        @return: what a client is given when it has logged in.
        """
        return pair.result(self.factories[client].login(credentials, mind))

    def assertClosed(self, pair: Pair, link: Link | None = None) -> None:
        """
        Whatever is called on a connection, no class of any kind is made of
        what comes with it; the call is refused, with the tag, and plain data
        go on.
        """
        link = link or pair.links[0]
        ArrivedFrog.made.clear()
        for pond in Pond("test_door.Pond"), StockPond("test_door.Pond"):
            for thing, tag in (
                (Frog(), "test_door.Frog"),
                ([{"it": Frog()}], "test_door.Frog"),
                (pond, "test_door.Pond"),
                (Raw(b"test_door.Frog", [b"dictionary"]), "test_door.Frog"),
                (Raw(b"tests.test_door.Visitor", [b"dictionary"]), "Visitor"),
            ):
                for method in "login", "loginAnonymous", "take":
                    call = link.root.callRemote(method, thing)
                    pair.flush()
                    failure = self.failureResultOf(call)
                    self.assertTrue(failure.check(InsecureJelly), failure)
                    self.assertIn(tag, str(failure.value))
            self.assertEqual(len(pond.left), 3)
            self.assertEqual(link.server.locallyCachedObjects, {})
        self.assertEqual(ArrivedFrog.made, [])
        challenge, _ = pair.result(link.root.callRemote("login", "bob"))
        self.assertIsInstance(challenge, bytes)
        self.assertTrue(link.connected)

    def assertOpen(self, pair: Pair, avatar: Any) -> None:
        """
        Classes that are registered may arrive.
        """
        ArrivedFrog.made.clear()
        visitor = self.realm.visitors[-1]
        pair.result(avatar.callRemote("take", [Frog("blue")]))
        [[frog]] = visitor.kept
        self.assertEqual((type(frog), frog.colour), (ArrivedFrog, "blue"))
        pond = Pond("test_door.Pond")
        pair.result(avatar.callRemote("take", pond))
        self.assertIsInstance(visitor.kept.pop(), Watcher)
        self.assertEqual(len(ArrivedFrog.made), 2)


class DoorTests(DoorCase):
    """
    What may arrive, and when.
    """

    def test_before(self) -> None:
        """
        Before a login, no class that is registered is made of what arrives,
        whatever is called.
        """
        for pair in self.pairs():
            self.assertClosed(pair)
            self.assertEqual(self.realm.visitors, [])

    def test_after(self) -> None:
        """
        After it, they are.
        """
        for pair in self.pairs():
            self.assertClosed(pair)
            self.assertOpen(pair, self.logIn(pair))

    def test_thatConnectionOnly(self) -> None:
        """
        A login opens the connection that it came by, and no other, neither
        one that exists nor one that is made then.
        """
        for pair in self.pairs(clients=2):
            avatar = self.logIn(pair, 0)
            self.assertClosed(pair, pair.links[1])
            self.assertOpen(pair, avatar)
            self.factories.append(type(self.factories[0])())
            self.assertClosed(pair, pair.addClient(self.factories[2]))
            self.assertOpen(pair, self.logIn(pair, 1))
            self.assertClosed(pair, pair.links[2])

    def test_anonymous(self) -> None:
        """
        An anonymous login is one.
        """
        for pair in self.pairs():
            avatar = self.logIn(pair, credentials=Anonymous())
            self.assertEqual(len(self.realm.visitors), 1)
            self.assertOpen(pair, avatar)

    def test_failed(self) -> None:
        """
        One that fails is none; another one may be tried.
        """
        for pair in self.pairs():
            call = self.factories[0].login(MALLORY)
            pair.flush()
            self.assertTrue(self.failureResultOf(call).check(UnauthorizedLogin))
            self.assertEqual(len(self.flushLoggedErrors(UnauthorizedLogin)), 1)
            self.assertClosed(pair)
            self.assertOpen(pair, self.logIn(pair))
            call = self.factories[0].login(MALLORY)
            pair.flush()
            self.failureResultOf(call)
            self.flushLoggedErrors(UnauthorizedLogin)

    def test_realmThatFails(self) -> None:
        """
        So it is if the credentials are right, and there is nobody for them.
        """
        for pair in self.pairs():

            def fail(*args: Any) -> Any:
                raise ZeroDivisionError()

            self.patch(self.realm, "requestAvatar", fail)
            call = self.factories[0].login(ALICE)
            pair.flush()
            self.failureResultOf(call)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertClosed(pair)

    def test_later(self) -> None:
        """
        It is closed until the login is done, if that takes its time.
        """
        for pair in self.pairs():
            self.realm.waiting = []
            call = self.factories[0].login(ALICE)
            pair.flush()
            self.assertNoResult(call)
            self.assertClosed(pair)
            self.realm.waiting.pop().callback(None)
            self.assertOpen(pair, pair.result(call))

    def test_leftMeanwhile(self) -> None:
        """
        Who has left when it is done opens nothing.
        """
        for pair in self.pairs(clients=2):
            self.realm.waiting = []
            call = self.factories[0].login(ALICE)
            pair.flush()
            pair.links[0].cut()
            self.failureResultOf(call, stock.PBConnectionLost)
            self.realm.waiting.pop().callback(None)
            pair.flush()
            self.assertClosed(pair, pair.links[1])

    def test_answers(self) -> None:
        """
        The door is the server's: what it answers may be of any class that the
        client has registered.
        """
        for pair in self.pairs():
            frog = pair.result(self.logIn(pair).callRemote("give"))
            self.assertEqual((type(frog), frog.colour), (ArrivedFrog, "red"))

    def test_scoped(self) -> None:
        """
        A login opens what the factory's registry has, and that alone.
        """
        registry = Registry()
        registry.setUnjellyableForClass("test_door.Toad", ArrivedFrog)
        server = partial(pb.PBServerFactory, registry=registry)
        for client in pb.PBClientFactory, stock.PBClientFactory:
            pair = self.connect(server, client)
            call = self.logIn(pair).callRemote("take", Frog())
            pair.flush()
            self.assertTrue(self.failureResultOf(call).check(InsecureJelly))
            self.assertEqual(ArrivedFrog.made, [])


class SurfaceTests(DoorCase):
    """
    The login itself.
    """

    def test_plain(self) -> None:
        """
        Plain data of any kind, and references, may arrive before it.
        """
        for pair in self.pairs():
            for username in "bob", b"bob", ["bob", {"a": (1, None)}], Mind():
                challenge, challenger = pair.result(
                    pair.root.callRemote("login", username)
                )
                self.assertIsInstance(challenge, bytes)
                self.assertIsInstance(challenger, stock.RemoteReference)

    def test_nothingElse(self) -> None:
        """
        There is nothing else to call: neither on the root, nor on a challenge,
        nor by the names of what other connections have.
        """
        for pair in self.pairs(clients=2):
            self.logIn(pair, 1)
            _, challenger = pair.result(pair.root.callRemote("login", "alice"))
            for target in pair.root, challenger:
                for method in "take", "give", "portal", "rootObject", "close":
                    call = target.callRemote(method)
                    pair.flush()
                    failure = self.failureResultOf(call)
                    self.assertTrue(failure.check(stock.NoSuchMethod), failure)
            self.assertEqual(len(self.realm.visitors), 1)

    def test_mind(self) -> None:
        """
        A client's mind that is a Referenceable is one: the avatar can call
        it, with classes that the client has registered.
        """
        for pair in self.pairs():
            for credentials in ALICE, Anonymous():
                mind = Mind()
                avatar = self.logIn(pair, credentials=credentials, mind=mind)
                visitor = self.realm.visitors[-1]
                self.assertIsInstance(visitor.mind, stock.RemoteReference)
                self.assertEqual(pair.result(avatar.callRemote("greet")), "hello")
                [frog] = mind.greeted
                self.assertEqual((type(frog), frog.colour), (ArrivedFrog, "red"))

    def test_copiersForTheMind(self) -> None:
        """
        What may be sent is not what may arrive: before the login is done, a
        mind can be called with whatever the server knows to send.
        """

        class Newt:
            pass

        registry = self.registry()
        registry.registerCopier(Newt, "test_door.Frog2", vars, dict)
        pb.setUnjellyableForClass("test_door.Frog2", ArrivedFrog)
        server = partial(pb.PBServerFactory, registry=registry)
        for client in pb.PBClientFactory, stock.PBClientFactory:
            pair = self.connect(server, client)
            self.realm.waiting = []
            mind = Mind()
            login = self.factories[0].login(ALICE, mind)
            pair.flush()
            [visitor] = self.realm.visitors
            answer = visitor.mind.callRemote("greet", Newt())
            self.assertEqual(pair.result(answer), "hello")
            self.assertEqual(list(map(type, mind.greeted)), [ArrivedFrog])
            self.assertClosed(pair)
            self.realm.waiting.pop().callback(None)
            self.assertOpen(pair, pair.result(login))

    def test_mindThatIsACopy(self) -> None:
        """
        One that is a copy is refused: it would be made before anybody knows
        who sends it.
        """
        for pair in self.pairs():
            for credentials in ALICE, Anonymous():
                call = self.factories[0].login(credentials, Frog())
                pair.flush()
                self.assertTrue(self.failureResultOf(call).check(InsecureJelly))
            self.assertEqual((ArrivedFrog.made, self.realm.visitors), ([], []))

    def test_logout(self) -> None:
        """
        An avatar is logged out once, when its connection is lost.
        """
        for pair in self.pairs():
            self.logIn(pair)
            kept = self.logIn(pair)
            self.assertOpen(pair, kept)
            pair.close()
            self.assertEqual(
                sorted(map(id, self.realm.left)), sorted(map(id, self.realm.visitors))
            )


class WithoutTests(DoorCase):
    """
    Programs that are not affected.
    """

    def test_root(self) -> None:
        """
        A root object that is no portal is served as ever.
        """
        own = partial(pb.PBServerFactory, registry=self.registry())
        for server in pb.PBServerFactory, own:
            for client in pb.PBClientFactory, stock.PBClientFactory:
                root = PondRoot()
                pair = self.connect(server, client, root=root)
                pair.result(pair.root.callRemote("take", "it", Frog()))
                self.assertIsInstance(root.kept["it"], ArrivedFrog)

    def test_ownPortalRoot(self) -> None:
        """
        A root of one's own for a portal, derived from Twisted's, logs people
        in in its own way; it has the same door.
        """

        class Wrapper(stock._PortalWrapper):
            def remote_enter(self, word: str) -> Any:
                login = self.portal.login(ALICE, None, stock.IPerspective)
                return login.addCallback(self._cbLogin)

            def remote_realm(self) -> str:
                return type(self.portal.realm).__name__

        class PortalRoot(stock._PortalRoot):
            def rootObject(self, broker: Any) -> Any:
                return Wrapper(self.portal, broker)

        for client in pb.PBClientFactory, stock.PBClientFactory:
            root = PortalRoot(self.portal())
            pair = self.connect(client=client, root=root, clients=2)
            self.assertEqual(pair.result(pair.root.callRemote("realm")), "Realm")
            self.assertClosed(pair)
            avatar = pair.result(pair.root.callRemote("enter", "sesame"))
            self.assertOpen(pair, avatar)
            self.assertClosed(pair, pair.links[1])

    def test_ownRoot(self) -> None:
        """
        So is one that makes a root for each connection and logs people in by
        itself.
        """

        @implementer(stock.IPBRoot)
        class Roots:
            def rootObject(self, broker: Any) -> Any:
                self.root = PondRoot()
                return self.root

        roots = Roots()
        pair = self.connect(root=roots)
        pair.result(pair.root.callRemote("take", "it", Frog()))
        self.assertIsInstance(roots.root.kept["it"], ArrivedFrog)

    def test_stockServer(self) -> None:
        """
        A client of ours logs in at a stock server, which has no door.
        """
        pair = self.connect(stock.PBServerFactory)
        avatar = self.logIn(pair, mind=Mind())
        self.assertOpen(pair, avatar)
        self.assertEqual(pair.result(avatar.callRemote("greet")), "hello")

    def test_stockBroker(self) -> None:
        """
        A factory whose C{protocol} is Twisted's broker serves a portal as
        Twisted's does.
        """

        class Factory(pb.PBServerFactory):
            protocol = stock.Broker  # type: ignore[assignment]  # as a program may

        for client in pb.PBClientFactory, stock.PBClientFactory:
            pair = self.connect(Factory, client)
            self.assertOpen(pair, self.logIn(pair))
