"""
What rules say of stock Perspective Broker, seen on its own factories.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.credentials import Anonymous
from twisted.cred.portal import Portal
from twisted.spread import banana, jelly, pb
from twisted.trial.unittest import SynchronousTestCase

from pbext.testing import Pair, connectedPair, restoredRegistry


class Full(Exception):
    """
    An error that does not travel.
    """


class Told(pb.Error, pb.Copyable, pb.RemoteCopy):
    """
    One that does.
    """


class Frog:
    """
    A class that nobody has registered.
    """


class Account(pb.Copyable):
    def __init__(self) -> None:
        self.name = "Kermit"
        self.password = "green"

    def getStateToCopy(self) -> dict[str, Any]:
        state: dict[str, Any] = pb.Copyable.getStateToCopy(self)
        del state["password"]
        return state


class View(pb.Copyable):
    """
    Notes whom it is sent to.
    """

    def __init__(self, seen: list[object]) -> None:
        self.seen = seen

    def getStateToCopyFor(self, perspective: object) -> dict[str, Any]:
        self.seen.append(perspective)
        return {}


class Caller(pb.Copyable):
    """
    Calls the peer while it is sent.
    """

    def __init__(self, mind: Any) -> None:
        self.mind = mind

    def getStateToCopy(self) -> dict[str, Any]:
        self.mind.callRemote("hello")
        return {}


class Pond(pb.Cacheable):
    """
    Greets the observer that it has just been given.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: object, observer: Any) -> Any:
        observer.callRemote("welcome").addErrback(self.answers.append)
        return {}


class RemotePond(pb.RemoteCache):
    welcomed = False

    def observe_welcome(self) -> None:
        self.welcomed = True


class Copied(pb.RemoteCopy):
    pass


class Desk(pb.Root):
    """
    Takes, gives and fails.
    """

    def __init__(self, given: object = None) -> None:
        self.given = given
        self.taken: list[Any] = []

    def remote_take(self, thing: object) -> None:
        self.taken.append(thing)

    def remote_give(self) -> object:
        return self.given

    def remote_fail(self, name: str) -> None:
        raise {"full": Full, "told": Told}[name]("no")


class Visitor(pb.Avatar):
    def __init__(self, mind: Any) -> None:
        self.mind = mind
        self.seen: list[object] = []

    def perspective_look(self) -> list[object]:
        return [View(self.seen), Caller(self.mind), View(self.seen)]


class Realm:
    def requestAvatar(self, name: object, mind: Any, *interfaces: object) -> Any:
        self.visitor = Visitor(mind)
        return pb.IPerspective, self.visitor, lambda: None


class Mind(pb.Referenceable):
    def remote_hello(self) -> None:
        pass


class ClaimTests(SynchronousTestCase):
    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        for sender, receiver in (
            (Account, Copied),
            (View, Copied),
            (Caller, Copied),
            (Told, Told),
            (Pond, RemotePond),
        ):
            pb.setUnjellyableForClass(sender, receiver)

    def pair(self, root: Any, **options: Any) -> Pair:
        server = partial(pb.PBServerFactory, **options)
        pair = connectedPair(
            root, serverFactory=server, clientFactory=pb.PBClientFactory
        )
        self.addCleanup(pair.close)
        return pair

    def failure(self, pair: Pair, *call: Any) -> Any:
        found: list[Any] = []
        pair.root.callRemote(*call).addErrback(found.append)
        pair.flush()
        [failure] = found
        return failure

    def test_failures(self) -> None:
        """
        PBX216: an error of a peer's has a name and no class, unless it is
        Copyable.
        """
        pair = self.pair(Desk())
        failure = self.failure(pair, "fail", "full")
        self.flushLoggedErrors(Full)
        self.assertIsInstance(failure.type, bytes)
        self.assertNotEqual(failure.type, Full)
        self.assertNotEqual(failure.type, f"{__name__}.Full")
        self.assertNotEqual(str(failure.type), f"{__name__}.Full")
        self.assertIsInstance(failure.value, str)
        self.assertRaises(TypeError, issubclass, failure.type, Full)
        self.assertTrue(failure.check(Full))
        self.assertTrue(failure.check(f"{__name__}.Full"))
        self.assertEqual(self.failure(pair, "fail", "told").type, Told)

    def test_mutations(self) -> None:
        """
        PBX202: what is taken out of the default state is taken out of the
        object, and the second time it is not there.
        """
        desk, account = Desk(), Account()
        pair = self.pair(desk)
        pair.result(pair.root.callRemote("take", account))
        self.assertEqual(vars(account), {"name": "Kermit"})
        self.assertRaises(KeyError, pair.result, pair.root.callRemote("take", account))

    def test_perspectives(self) -> None:
        """
        PBX210: after a call from a hook, the message has no perspective.
        """
        realm = Realm()
        factory = pb.PBClientFactory()
        pair = connectedPair(
            Portal(realm, [AllowAnonymousAccess()]),
            serverFactory=pb.PBServerFactory,
            clientFactory=lambda: factory,
        )
        self.addCleanup(pair.close)
        avatar = pair.result(factory.login(Anonymous(), Mind()))
        pair.result(avatar.callRemote("look"))
        self.assertEqual(realm.visitor.seen, [realm.visitor, None])

    def test_overtaking(self) -> None:
        """
        PBX210: what a hook says to its new observer is lost.
        """
        pond = Pond()
        pair = self.pair(Desk(pond))
        cache = pair.result(pair.root.callRemote("give"))
        self.flushLoggedErrors(KeyError)
        self.assertEqual([f.type for f in pond.answers], [b"builtins.KeyError"])
        self.assertFalse(cache.welcomed)

    def test_dropped(self) -> None:
        """
        PBX211: a dead reference raises, before there is a Deferred.
        """
        pair = self.pair(Desk())
        root = pair.root
        pair.close()
        self.assertRaises(pb.DeadReferenceError, root.callRemote, "give")

    def test_dummy(self) -> None:
        """
        PBX110: without an allow-list, a peer names what can be imported.
        """
        policy = jelly.DummySecurityOptions()
        for expression, thing in (
            ([b"module", b"sys"], sys),
            ([b"function", b"os.system"], __import__("os").system),
            ([b"class", f"{__name__}.Frog".encode()], Frog),
        ):
            self.assertRaises(
                jelly.InsecureJelly, jelly.unjelly, expression, jelly.globalSecurity
            )
            self.assertIs(jelly.unjelly(expression, policy), thing)

    def test_instances(self) -> None:
        """
        PBX110: who allows the instances of a class allows its module, too.
        """
        policy = jelly.SecurityOptions()
        expression = [b"module", __name__.encode()]
        self.assertRaises(jelly.InsecureJelly, jelly.unjelly, expression, policy)
        policy.allowInstancesOf(Frog)
        self.assertIs(jelly.unjelly(expression, policy), sys.modules[__name__])
        frog = jelly.unjelly(
            [f"{__name__}.Frog".encode(), [b"dictionary", [b"colour", b"red"]]], policy
        )
        self.assertIsInstance(frog, Frog)

    def test_globalSecurity(self) -> None:
        """
        PBX110: to put something in its place changes nothing for brokers.
        """
        self.patch(jelly, "globalSecurity", jelly.DummySecurityOptions())
        self.patch(pb, "globalSecurity", jelly.DummySecurityOptions())
        for made in pb.Broker(), pb.PBServerFactory(Desk()), pb.PBClientFactory():
            self.assertIsInstance(made.security, jelly.SecurityOptions)

    def test_sizes(self) -> None:
        """
        PBX214: an end that has not changed the limit drops the connection.
        """
        pair = self.pair(Desk())
        usual = banana.SIZE_LIMIT
        self.patch(banana, "SIZE_LIMIT", 10 * usual)
        sent = pair.root.callRemote("take", b"x" * (usual + 1))
        self.patch(banana, "SIZE_LIMIT", usual)
        self.assertRaises(pb.PBConnectionLost, pair.result, sent)
        self.flushLoggedErrors(banana.BananaError)

    def test_references(self) -> None:
        """
        PBX214: the limit on references is one for each end's own objects, and
        belongs to the module.
        """
        self.patch(pb, "MAX_BROKER_REFS", 5)
        pair = self.pair(Desk())
        many = [pb.Referenceable() for _ in range(10)]
        self.assertRaises(pb.Error, pair.result, pair.root.callRemote("take", many))
