"""
L{pbext._participants}: what is counted of what was put into a message.
"""

from __future__ import annotations

import itertools
from typing import Any

from zope.interface.verify import verifyObject

from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._participants import Evidence, GivenReference, GivenStockCache
from pbext.errors import NotSendable, Unordered
from pbext.interfaces import IParticipant
from pbext.testing import connectedPair
from tests.ponds import STOCK_WATCHER, WATCHER, Hooked, Pond, PondRoot, StockPond


class ParticipantTestCase(SynchronousTestCase):
    """
    A server of ours, and a client that keeps what the server gives it.
    """

    def meet(self, factory: Any = pb.PBClientFactory, tag: str = WATCHER) -> None:
        """
        @param factory: the client's.
        """
        self.pair = connectedPair(PondRoot(), clientFactory=factory)
        self.addCleanup(self.pair.close)
        self.server = self.pair.server
        self.keeper = PondRoot()
        self.pair.client.setNameForLocal("keeper", self.keeper)
        self.duck, self.pond = stock.Referenceable(), StockPond(tag)

    def take(self, thing: Any, name: str = "it") -> Any:
        """
        @return: the Deferred of a call that gives something.
        """
        root = self.server.remoteForName("keeper")
        return root.callRemote("take", name, thing)

    def counts(self, table: Any) -> list[int]:
        """
        @return: how often each thing in a table of the server's is held,
            other than by a name.
        """
        return [e.refcount for luid, e in table.items() if type(luid) is int]

    @property
    def references(self) -> list[int]:
        return self.counts(self.server.localObjects)

    @property
    def caches(self) -> list[int]:
        return self.counts(self.server.remotelyCachedObjects)

    def enlisted(self, thing: Any) -> Any:
        """
        @return: the participant for a thing that is put into a message which
            is not sent yet.
        """
        self.server.serialize(thing)
        [participant] = self.server._takeEnlisted()
        self.assertTrue(verifyObject(IParticipant, participant))
        return participant


class GivenReferenceTests(ParticipantTestCase):
    """
    A reference in a message.
    """

    def setUp(self) -> None:
        self.meet()

    def test_call(self) -> None:
        """
        It counts once for the peer, and once for the call until that is
        answered.
        """
        answer = self.take(self.duck)
        self.assertEqual([2], self.references)
        self.pair.result(answer)
        self.assertEqual([1], self.references)
        self.keeper.kept.clear()
        self.pair.flush()
        self.assertEqual([], self.references)

    def test_oneWay(self) -> None:
        """
        With nothing to be answered, it counts for the peer alone.
        """
        root = self.server.remoteForName("keeper")
        root.callRemote("take", "it", self.duck, pbanswer=False)
        self.assertEqual([1], self.references)
        self.pair.flush()
        self.assertEqual([1], self.references)

    def test_twice(self) -> None:
        """
        In a message twice, it counts twice.
        """
        answer = self.take([self.duck, self.duck])
        self.assertEqual([4], self.references)
        self.pair.result(answer)
        self.assertEqual([2], self.references)

    def test_notRead(self) -> None:
        """
        Whether the peer has read it is for the peer to say: it lets go of it
        in any case.
        """
        for read in True, False, None:
            participant = self.enlisted(self.duck)
            self.assertIsInstance(participant, GivenReference)
            participant.written(True)
            participant.answered(read)
            self.assertEqual([1], self.references)
            self.server.proto_decref(participant.luid)
            self.assertEqual([], self.references)

    def test_withdrawn(self) -> None:
        """
        A message that is not sent leaves nothing, and takes nothing of what
        was there.
        """
        self.failureResultOf(self.take([self.duck, object()]), NotSendable)
        self.assertEqual([], self.references)
        self.assertEqual({}, self.server.luids)
        self.pair.result(self.take(self.duck))
        self.failureResultOf(self.take([self.duck, object()]), NotSendable)
        self.assertEqual([1], self.references)

    def test_cleanup(self) -> None:
        """
        Whoever waits for the end of a reference is told, if it is never sent.
        """
        told: list[None] = []
        participant = self.enlisted(self.duck)
        puid = self.duck.processUniqueID()
        self.server._localCleanup[puid] = lambda: told.append(None)
        participant.withdrawn()
        self.assertEqual([None], told)
        self.assertEqual({}, self.server._localCleanup)

    def test_lost(self) -> None:
        """
        When the connection is lost, there is nothing to count any more.
        """
        participants = [self.enlisted(self.duck) for _ in range(3)]
        self.pair.close()
        participants[0].written(True)
        participants[0].answered(True)
        participants[1].written(False)
        participants[2].withdrawn()
        self.assertIsNone(self.server.localObjects)


class GivenStockCacheTests(ParticipantTestCase):
    """
    A Cacheable of stock's in a message.
    """

    def setUp(self) -> None:
        self.meet()

    def test_call(self) -> None:
        """
        It counts once for the peer, and once for the call until that is
        answered; sent once more, so it is once more.
        """
        answer = self.take(self.pond)
        self.assertEqual([2], self.caches)
        again = self.take([self.pond])
        self.assertEqual([4], self.caches)
        for answered in answer, again:
            self.pair.result(answered)
        self.assertEqual([2], self.caches)
        self.keeper.kept.clear()
        self.pair.flush()
        self.assertEqual([], self.caches)
        self.assertEqual(1, len(self.pond.left))

    def test_oneWay(self) -> None:
        """
        With nothing to be answered, it counts for the peer alone.
        """
        root = self.server.remoteForName("keeper")
        root.callRemote("take", "it", self.pond, pbanswer=False)
        self.assertEqual([1], self.caches)

    def test_answeredAndDropped(self) -> None:
        """
        It is over with the answer, if the peer has let go of it before; the
        peer is told.
        """
        root = self.server.remoteForName("keeper")
        self.pair.result(root.callRemote("drop", self.pond))
        self.assertEqual([], self.caches)
        self.assertEqual(1, len(self.pond.left))
        self.assertEqual({}, self.pair.client.locallyCachedObjects)

    def test_withdrawn(self) -> None:
        """
        A message that is not sent leaves nothing, and the hook is told, with
        the observer and the perspective; it takes nothing of what was there.
        """
        perspective = object()
        reference = stock.RemoteReference(perspective, self.server, b"keeper", 0)
        failed = reference.callRemote("take", "it", [self.pond, object()])
        self.failureResultOf(failed, NotSendable)
        self.assertEqual([], self.caches)
        self.assertEqual({}, self.server.remotelyCachedLUIDs)
        [observer] = self.pond.left
        self.assertIsInstance(observer, stock.RemoteCacheObserver)
        self.assertIs(perspective, observer.perspective)
        self.assertIs(self.pond, observer.cached)
        self.pair.result(self.take(self.pond))
        self.failureResultOf(self.take([self.pond, object()]), NotSendable)
        self.assertEqual([1], self.caches)
        self.assertEqual([observer], self.pond.left)

    def test_hookFails(self) -> None:
        """
        A hook that fails then is logged, without its text, and disturbs
        nobody.
        """

        def stoppedObserving(perspective: Any, observer: Any) -> None:
            raise ZeroDivisionError("my password")

        self.pond.stoppedObserving = stoppedObserving
        with capturedLogs() as events:
            self.failureResultOf(self.take([self.pond, object()]), NotSendable)
        [event] = [e for e in events if e["log_level"] is LogLevel.error]
        text = formatEvent(event) or ""
        self.assertRegex(
            text,
            r"^stoppedObserving failed: builtins\.ZeroDivisionError at "
            r".*test_participants\.py:\d+ in stoppedObserving$",
        )
        self.assertEqual([], self.caches)

    def test_lost(self) -> None:
        """
        When the connection is lost, there is nothing to count any more, and
        the hook is told once.
        """
        participants = [self.enlisted(self.pond) for _ in range(3)]
        for participant in participants:
            self.assertIsInstance(participant, GivenStockCache)
        self.pair.close()
        participants[0].written(True)
        participants[0].answered(True)
        participants[1].written(False)
        participants[2].withdrawn()
        self.assertEqual(1, len(self.pond.left))

    def test_letGo(self) -> None:
        """
        So it is when the peer has let go of it more often than it was given.
        """
        participant = self.enlisted(self.pond)
        participant.written(True)
        for _ in range(3):
            self.server.proto_decache(participant.luid)
        participant.answered(True)
        self.assertEqual([], self.caches)
        self.assertEqual(1, len(self.pond.left))


class RefusedTests(ParticipantTestCase):
    """
    Cacheables in calls that a peer of stock's could not read, so that it does
    not say what it has.
    """

    def setUp(self) -> None:
        self.meet(stock.PBClientFactory, STOCK_WATCHER)
        self.strange = StockPond("tests.test_participants.Strange")
        self.addCleanup(self.flushLoggedErrors, InsecureJelly, KeyError)

    def refuse(self, *answers: Any) -> list[str]:
        """
        @return: the errors that calls have ended in.
        """
        self.pair.flush()
        return [str(self.failureResultOf(answer).type) for answer in answers]

    def test_refused(self) -> None:
        """
        What it was never given before is forgotten.
        """
        refused = self.refuse(self.take([self.strange, self.pond]))
        self.assertEqual([InsecureJelly.__module__ + ".InsecureJelly"], refused)
        self.assertEqual([], self.caches)
        self.assertEqual((1, 1), (len(self.strange.left), len(self.pond.left)))

    def test_numbers(self) -> None:
        """
        If it says of one number that it does not know it, that is no word on
        the others of the same call: what was refused is forgotten.
        """
        self.refuse(*(self.take([self.strange, self.pond]) for _ in range(3)))
        self.assertEqual([], self.caches)
        self.assertEqual((1, 1), (len(self.strange.left), len(self.pond.left)))

    def test_keyErrors(self) -> None:
        """
        A method may fail with an error of the same kind: who has called it
        has read what was in the call.
        """

        def take(name: str, thing: Any) -> None:
            self.kept = thing
            raise KeyError("my key")

        self.keeper.remote_take = take  # type: ignore[method-assign]
        for _ in range(2):
            self.assertEqual(["builtins.KeyError"], self.refuse(self.take(self.pond)))
        self.assertEqual([], self.pond.left)
        self.pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["huey"], self.kept.ducks)

    def test_keyIsItsNumber(self) -> None:
        """
        That key may even be the number of what the peer has, from a call or
        from an answer of ours.
        """

        class Keys(stock.Root):
            def remote_look(self, thing: Any, key: int) -> Any:
                return {}[key]

        self.pair.client.setNameForLocal("keys", Keys())
        root = self.server.remoteForName("keys")
        for make in StockPond, Pond:
            called, answered = make(STOCK_WATCHER), make(STOCK_WATCHER)
            self.pair.result(self.take(called))
            self.pair.serverFactory.root.things["pond"] = answered
            got = self.pair.result(self.pair.root.callRemote("get"))
            for pond, cache in (called, self.keeper.kept["it"]), (answered, got):
                error = self.refuse(root.callRemote("look", pond, cache.luid))
                self.assertEqual(["builtins.KeyError"], error)
                self.assertEqual([], pond.left)
                pond.addDuck("huey")
                self.pair.flush()
                self.assertEqual(["huey"], cache.ducks)

    def test_held(self) -> None:
        """
        What it has is not forgotten, wherever it stands in what is refused,
        and goes on being told.
        """
        self.pair.result(self.take(self.pond))
        self.refuse(
            self.take([self.strange, self.pond], "no"),
            self.take([self.pond, self.strange], "no"),
            self.take([self.strange, self.pond], "no"),
        )
        self.assertEqual([], self.pond.left)
        self.pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["huey"], self.keeper.kept["it"].ducks)


class HookTests(ParticipantTestCase):
    """
    What a hook of one object says of a Cacheable of stock's that is in the
    same message.
    """

    def setUp(self) -> None:
        self.meet()

    def take(self, thing: Any, name: str = "it") -> Any:
        """
        With a thing that calls C{self.hook()} while it is sent.
        """
        return super().take([thing, Calling(lambda: self.hook())], name)

    hook: Any = staticmethod(lambda: None)

    def test_known(self) -> None:
        """
        What the peer has already is told all that happens, also while it is
        sent once more.
        """
        self.pair.result(self.take(self.pond))
        self.hook = lambda: self.pond.addDuck("huey")
        self.pair.result(self.take(self.pond))
        self.assertEqual(["huey"], self.keeper.kept["it"][0].ducks)

    def test_knownAndSent(self) -> None:
        """
        And can be sent by another call meanwhile.
        """
        self.pair.result(self.take(self.pond))
        self.hook = lambda: ParticipantTestCase.take(self, self.pond, "other")
        self.pair.result(self.take(self.pond))
        self.assertIs(self.keeper.kept["it"][0], self.keeper.kept["other"])

    def test_new(self) -> None:
        """
        What the peer has not got yet cannot be sent by another call, which
        would overtake it: that call fails, and the message arrives.
        """
        calls: list[Any] = []

        def hook() -> None:
            calls.append(ParticipantTestCase.take(self, [self.pond] * 2, "other"))

        self.hook = hook
        self.pair.result(self.take(self.pond))
        error = self.failureResultOf(calls[0], Unordered).value
        self.assertEqual("tests.ponds.StockPond", error.className)
        self.assertEqual({"it"}, {*self.keeper.kept})
        self.assertEqual([1], self.caches)
        self.pond.addDuck("huey")
        self.pair.flush()
        self.assertEqual(["huey"], self.keeper.kept["it"][0].ducks)

    def test_twice(self) -> None:
        """
        In one message it can stand as often as it may, in positional and in
        keyword arguments.
        """
        root = self.server.remoteForName("keeper")
        call = root.callRemote("take", "it", thing=[self.pond, self.pond])
        self.pair.result(call)
        self.pair.result(root.callRemote("take", self.pond, thing=self.pond))
        self.assertEqual([], self.pond.left)
        [key] = {*self.keeper.kept} - {"it"}
        self.assertIs(key, self.keeper.kept[key])


class Calling(pb.Copyable, pb.RemoteCopy):
    """
    Calls something while it is put into a message.
    """

    typeToCopy = "tests.test_participants.Calling"

    def __init__(self, call: Any) -> None:
        self._call = call

    def getStateToCopy(self) -> Any:
        self._call()
        return {}


pb.setUnjellyableForClass(Calling, Calling)


class WrittenTests(ParticipantTestCase):
    """
    What those do who are told that a message is written.
    """

    def test_lostMeanwhile(self) -> None:
        """
        If one of them loses the connection, the others are told all the same,
        and the call is lost, as it is.
        """
        self.meet()

        def announce(perspective: Any, observer: Any) -> None:
            hooked.observers.callRemote("addDuck", Cutting(self.pair))

        hooked = Hooked()
        hooked.hook = announce
        answer = self.take([hooked, self.duck, self.pond])
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual((1, 1), (len(hooked.left), len(self.pond.left)))


class Cutting(pb.Copyable):
    """
    Cuts the line while it is put into a message.
    """

    def __init__(self, pair: Any) -> None:
        self._pair = pair

    def getStateToCopy(self) -> Any:
        self._pair.close()
        return {}


class EvidenceTests(SynchronousTestCase):
    """
    L{Evidence}: whether a peer has what was in calls to it, by its answers.
    """

    def judge(self, *answers: tuple[Any, bool]) -> list[bool]:
        """
        @param answers: for each call, in order, what its answer says and
            whether the call was not the first one.
        @return: after each, whether the peer cannot have it.
        """
        evidence = Evidence()
        for _ in answers:
            evidence.sent(True)
        return [evidence.heard(*answer) for answer in answers]

    def test_one(self) -> None:
        """
        The first message had all of it: if that was not read, the peer cannot
        have it.
        """
        self.assertEqual([False], self.judge((True, False)))
        self.assertEqual([True], self.judge((None, False)))
        self.assertEqual([True], self.judge((False, False)))

    def test_again(self) -> None:
        """
        A later one had but its number: only who says that the number is not
        known does not have it.
        """
        self.assertEqual([False], self.judge((True, True)))
        self.assertEqual([False], self.judge((None, True)))
        self.assertEqual([True], self.judge((False, True)))

    def test_several(self) -> None:
        """
        It is not said before all have answered, and not if one says that it
        is there, whichever.
        """
        answers = [(None, False), (False, True), (None, True)]
        for order in itertools.permutations(answers):
            self.assertEqual([False, False, True], self.judge(*order))
            for place in range(4):
                known = [*order[:place], (True, True), *order[place:]]
                self.assertEqual([False] * 4, self.judge(*known))

    def test_later(self) -> None:
        """
        Nor is it said of what was there once.
        """
        evidence = Evidence()
        evidence.sent(True)
        evidence.heard(True, False)
        evidence.sent(True)
        self.assertFalse(evidence.heard(False, True))

    def test_answer(self) -> None:
        """
        Nor of what has come with an answer, which is read if anything is; a
        call that nobody answers says nothing.
        """
        for asked, forgotten in (None, False), (False, True):
            evidence = Evidence()
            evidence.sent(asked)
            evidence.sent(True)
            self.assertEqual(forgotten, evidence.heard(False, True))
