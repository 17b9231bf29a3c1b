"""
L{pbext._messages}: what hooks do while a message is made or read.  The rest is
in L{tests.test_broker} and in the tests of faults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.errors import NotSendable
from pbext.testing import connectedPair
from tests.ponds import STOCK_WATCHER, WATCHER, Pond, PondTestCase, StockPond

TAG = "tests.test_messages.Hook"


class Hook(pb.Copyable):
    """
    Does something while it is sent.
    """

    typeToCopy = TAG

    def __init__(self, does: Callable[[], object] = lambda: None) -> None:
        self._does = does

    def getStateToCopy(self) -> Any:
        self._does()
        return {"name": "hook"}


class Hooked(pb.RemoteCopy):
    """
    Does something while it is read.
    """

    does: Callable[[], object] = staticmethod(lambda: None)

    def setCopyableState(self, state: Any) -> None:
        super().setCopyableState(state)
        type(self).does()


pb.setUnjellyableForClass(TAG, Hooked)


class HookTests(PondTestCase):
    """
    Hooks, and what is given beside them.
    """

    def setUp(self) -> None:
        self.connect(1)
        self.things = [
            pb.Referenceable(),
            Pond(WATCHER),
            StockPond(STOCK_WATCHER),
        ]

    def take(self, *things: Any) -> Any:
        return self.pair.root.callRemote("take", "it", list(things))

    def assertNothingGiven(self) -> None:
        self.pair.flush()
        client = self.pair.client
        self.assertEqual({}, client.localObjects)
        self.assertEqual({}, client.luids)
        self.assertEqual({}, client.remotelyCachedObjects)
        self.assertEqual({}, client.remotelyCachedLUIDs)

    def test_serializedAndNotSent(self) -> None:
        """
        What a hook serializes and does not send is not given: whether the
        message that it is in is sent or not.
        """

        def serialize() -> None:
            self.pair.client.serialize(self.things)

        self.pair.result(self.take(Hook(serialize)))
        self.assertNothingGiven()
        for pond in self.things[1:]:
            self.assertEqual(1, len(pond.left))
        self.failureResultOf(self.take(Hook(serialize), object()))
        self.assertNothingGiven()
        for pond in self.things[1:]:
            self.assertEqual(2, len(pond.left))

    def test_givenBesides(self) -> None:
        """
        What is in the message beside such a hook is given.
        """
        given, pond = pb.Referenceable(), Pond(WATCHER)
        hook = Hook(lambda: self.pair.client.serialize([given, *self.things]))
        self.pair.result(self.take(given, hook, pond))
        references = self.pair.client.localObjects.values()
        self.assertEqual([given], [entry.object for entry in references])
        self.assertEqual([1], [entry.refcount for entry in references])
        caches = self.pair.client.remotelyCachedObjects.values()
        self.assertEqual([pond], [entry.object for entry in caches])
        self.root.kept.clear()
        self.assertNothingGiven()

    def test_refusedByAHook(self) -> None:
        """
        If a hook refuses what it reads with an C{InsecureJelly} of its own,
        the call fails with one, what came with it is given back, and the
        connection goes on.
        """

        def refuse() -> None:
            raise InsecureJelly("for reasons of my own")

        self.patch(Hooked, "does", refuse)
        log = self.recordLog()
        call = self.take(*self.things, Hook(), *self.things)
        failure = self.pair.result(call.addErrback(lambda failure: [failure]))[0]
        self.assertTrue(failure.check(InsecureJelly))
        self.assertNotIn("of my own", failure.getErrorMessage())
        self.assertNotIn("Traceback", "".join(log))
        self.assertEqual({}, self.root.kept)
        del failure
        self.assertNothingGiven()
        self.assertTrue(self.pair.links[0].connected)

    def test_lostWhileItIsRead(self) -> None:
        """
        If the connection is lost while a message is read that is refused,
        there is nobody to give anything back to, and nothing goes wrong.
        """

        def cut() -> None:
            self.pair.links[0].cut()
            raise stock.Error("too late")

        self.patch(Hooked, "does", cut)
        call = self.take(*self.things, Hook(), *self.things)
        self.pair.flush()
        self.failureResultOf(call, stock.PBConnectionLost)
        for pond in self.things[1:]:
            self.assertEqual(1, len(pond.left))
        self.assertEqual([], self.flushLoggedErrors())


class Overriding(pb.Referenceable):
    """
    Makes a call between the making of its answer and the sending.
    """

    def __init__(self) -> None:
        self.given = pb.Referenceable()

    def remoteMessageReceived(
        self, broker: Any, message: Any, args: Any, kw: Any
    ) -> Any:
        answer = super().remoteMessageReceived(broker, message, args, kw)
        failing = broker.remoteForName("nobody").callRemote("fly", object())
        failing.addErrback(lambda failure: failure.trap(NotSendable) and None)
        return answer

    def remote_get(self) -> pb.Referenceable:
        return self.given


class BetweenTests(SynchronousTestCase):
    """
    A call that is made while an answer waits to be sent.
    """

    def test_failed(self) -> None:
        """
        If it fails, it takes nothing back of what the answer carries.
        """
        with connectedPair(pb.Root()) as pair:
            thing = Overriding()
            pair.server.setNameForLocal("thing", thing)
            got = pair.result(pair.client.remoteForName("thing").callRemote("get"))
            self.assertIn(got.luid, pair.server.localObjects)
            self.assertEqual(1, pair.server.localObjects[got.luid].refcount)
