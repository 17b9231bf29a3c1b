"""
What bytes from a stranger do to stock Perspective Broker, fault by fault under
its id: gone with a server of pbext's, to which other clients are connected at
the same time, of pbext's and of Twisted's.  All of it in memory and over
loopback TCP.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.python.reflect import qual

from pbext import Limits, pb
from pbext.errors import BadReference
from tests.malformed import (
    ANSWERED,
    CLOSING,
    IGNORED,
    NO_BANANA,
    NO_DIALECT,
    call,
)
from tests.ponds import WATCHER
from tests.raw import MUTE, RAW, bytesOf, encode, nested
from tests.strangers import Heedful, Stranger
from tests.wires import PBEXT, STOCK, across

#: Enough for every line to be logged.
ALL = 1_000_000


class Frog(pb.RemoteCopy):
    name: str = ""


pb.setUnjellyableForClass("tests.test_faults_hostile.Frog", Frog)


class Trusting(Heedful):
    """
    Takes names for references.
    """

    namedReferences = True


class _Hostile(Stranger):
    """
    Malformed messages, and connections that say too little.
    """

    async def test_C1_answered(self) -> None:
        """
        A call that is none, or is of nothing, is answered with an error and
        costs one line in the log; the connection stays.
        """
        self.assertGreater(len(ANSWERED), 100)
        await self.serve(logLines=ALL)
        line = await self.enter()
        for sexp in ANSWERED:
            about = _brief(sexp)
            answers = await self.heard(line, sexp)
            self.assertTrue(line.connected, about)
            self.assertEqual([b"error"], [a for a in answers if a[:2] != b"de"], about)
            self.assertEqual(1000, line.client.heard[-1][1])
            self.assertSaid(about=about)
        self.assertEqual([b"answer"], await self.heard(line, call((b"tuple", 7))))
        await self.assertUnharmed()

    async def test_C1_closing(self) -> None:
        """
        What is no message closes the connection, for one line in the log.
        """
        self.assertGreater(len(CLOSING), 100)
        await self.serve(logLines=ALL)
        for sexp in CLOSING:
            line = await self.enter()
            self.assertEqual([], await self.heard(line, sexp), _brief(sexp))
            self.assertFalse(line.connected, _brief(sexp))
            said = self.assertSaid(least=1, about=_brief(sexp))
            self.assertIn("is closed", said)
        await self.assertUnharmed()

    async def test_C1_ignored(self) -> None:
        """
        What may be said at any time is let pass.
        """
        await self.serve(logLines=ALL)
        line = await self.enter()
        for sexp in IGNORED:
            self.assertEqual([], await self.heard(line, sexp))
            self.assertTrue(line.connected)
            self.assertSaid()
        await self.assertUnharmed()

    async def test_C1_noBanana(self) -> None:
        """
        Bytes that are no Banana close the connection, before the negotiation
        and after it; nothing that follows them is read.
        """
        await self.serve(logLines=ALL)
        for kind in (RAW, MUTE):
            for data in NO_BANANA:
                line = await self.enter(kind)
                line.client.heard.clear()
                line.client.transport.write(data + encode(call()) + data)
                await self.wire.lost(line)
                self.assertEqual([], line.client.heard)
                self.assertIn("is closed", self.assertSaid(least=1, about=data))
        await self.assertUnharmed()

    async def test_C1_noNegotiation(self) -> None:
        """
        What is no dialect closes the connection, and is said once, however
        much more of it there is.
        """
        await self.serve(logLines=ALL)
        for sexp in NO_DIALECT:
            line = await self.enter(MUTE)
            line.client.say(*[sexp] * 20)
            await self.wire.lost(line)
            self.assertIn("is closed", self.assertSaid(least=1, about=_brief(sexp)))
        await self.assertUnharmed()

    async def test_C1_rateLimited(self) -> None:
        """
        What is logged because of one peer is so many lines in a while, how
        often ever it connects; then one line counts the rest.
        """
        await self.serve(logLines=5, logSeconds=10)
        line = await self.enter()
        for _ in range(4):
            await self.heard(line, *[call()] * 25)
        for _ in range(20):
            other = await self.wire.connect(RAW.client())
            await self.heard(other, b"no message")
            self.assertFalse(other.connected)
        said = [text for text in self.record.take() if "Raw" not in text]
        self.assertEqual(5, len(said), said)
        self.clock.advance(9)
        self.assertSaid(0)
        self.clock.advance(1)
        counted = self.assertSaid(least=1)
        self.assertIn("115 more events", counted)
        self.assertIn(line.server.transport.getPeer().host, counted)
        await self.heard(line, call())
        self.assertIn("remote_echo takes (thing)", self.assertSaid(least=1))
        self.clock.advance(20)
        self.assertSaid(0)
        await self.assertUnharmed()

    async def test_C1b_unknownCommand(self) -> None:
        """
        A command that is unknown is answered with so many words, and one line
        is logged; the connection stays.
        """
        await self.serve(logLines=ALL)
        line = await self.enter()
        for command, parts in (
            (b"fly", []),
            (b"fly", [1, [b"list", 2], 1.5]),
            (b"", []),
            (b"\xff\n", [nested(300, b"list")]),
        ):
            self.assertEqual(
                [b"didNotUnderstand"], await self.heard(line, [command, *parts])
            )
            self.assertEqual([command], line.client.heard[0][1:])
            self.assertIn("unknown command", self.assertSaid(least=1))
        await self.heard(line, [b"x" * 100_000])
        self.assertLess(len(line.client.heard[0][1]), 200)
        self.assertIn("unknown command", self.assertSaid(least=1))
        self.assertTrue(line.connected)
        await self.assertUnharmed()

    async def test_C4a_negotiation(self) -> None:
        """
        Who does not negotiate is cut off after a while, be it that a byte
        arrives now and then.
        """
        await self.serve(negotiationSeconds=30)
        silent, slow = await self.enter(MUTE), await self.enter(MUTE)
        calls = [self.callStranger(silent)]
        for _ in range(29):
            self.clock.advance(1)
            await self.write(slow, b"\x01")
        self.assertTrue(silent.connected and slow.connected)
        self.assertSaid(0)
        calls.append(self.callStranger(slow))
        self.clock.advance(1)
        await self.wire.lost(slow)
        self.assertEqual(2, len(self.record.lines))
        del self.record.events[0]
        await self.assertTimedOut(silent, calls, "negotiationSeconds")
        await self.assertUnharmed()

    async def test_C4a_halfAMessage(self) -> None:
        """
        Who begins a message and does not end it is cut off after a while,
        also if it arrives byte by byte.
        """
        await self.serve(messageSeconds=300)
        half, slow = await self.enter(), await self.enter()
        calls = [self.callStranger(half), self.callStranger(slow)]
        data = encode(call((b"tuple", b"a message of many bytes")))
        await self.write(half, data[:30])
        self.clock.advance(10)
        for number in range(29):
            await self.write(slow, data[number : number + 1])
            self.clock.advance(10)
        await self.assertTimedOut(half, calls[:1], "messageSeconds")
        self.assertTrue(slow.connected)
        await self.write(slow, data[29:30])
        self.clock.advance(10)
        await self.assertTimedOut(slow, calls[1:], "messageSeconds")
        await self.assertUnharmed()

    async def test_C4a_oneMessageAfterTheOther(self) -> None:
        """
        Who ends its messages is not cut off, though each time the beginning
        of another one is there.
        """
        await self.serve(messageSeconds=300)
        line = await self.enter()
        calls = [self.callStranger(line)]
        data = encode(call((b"tuple", 7)))
        await self.write(line, data[:10])
        for _ in range(10):
            self.clock.advance(299)
            answer = line.client.next()
            await self.write(line, data[10:] + data[:10])
            self.assertEqual(b"answer", (await self.wire.result(answer))[0])
        self.clock.advance(299)
        self.assertTrue(line.connected)
        self.assertSaid(0)
        self.clock.advance(1)
        await self.assertTimedOut(line, calls, "messageSeconds")
        await self.assertUnharmed()

    async def test_C4a_idle(self) -> None:
        """
        Who says nothing at all for too long is cut off, if there is such a
        limit; there is none by default.
        """
        await self.serve(idleSeconds=60)
        line = await self.enter()
        calls = [self.callStranger(line)]
        for _ in range(3):
            await self.write(line, encode(call((b"tuple", 7))))
            self.clock.advance(59)
            await self.wire.result(self.theirDesk.callRemote("echo", 1))
        self.assertTrue(line.connected)
        self.assertSaid(0)
        self.clock.advance(1)
        await self.assertTimedOut(line, calls, "idleSeconds")
        await self.assertUnharmed()

    async def test_C4b_logBytes(self) -> None:
        """
        A thousand bad calls, of each kind, cost the log less than a stranger
        has sent, and far less than that of what it may send.
        """
        await self.serve()
        line = await self.enter()
        cache = [WATCHER.encode(), 7, [b"dictionary"]]
        await self.heard(line, call((b"tuple", cache), method=b"keep"))
        # That nobody waits for an answer makes the test quick, and no odds.
        kinds = [
            call(wanted=0),
            call((b"tuple", [b"tests.nothing", 1]), wanted=0),
            call(method=b"x" * 1_000, wanted=0),
            call((b"tuple", b"nothing there"), method=b"get", wanted=0),
            [b"fly"],
            # Of a cache, an update that fails.
            [b"cachemessage", 1000, 7, b"no\n", 0, [b"tuple"], [b"dictionary"]],
        ]
        for sexp in kinds:
            sent = len(encode(sexp)) * 1_000
            for _ in range(20):
                await self.heard(line, *[sexp] * 50)
            self.clock.advance(60)
            said = self.record.take()
            self.assertLessEqual(len(said), Limits().logLines + 1)
            self.assertLess(sum(map(len, said)), sent)
            self.assertLess(sum(map(len, said)), 40_000)
            for text in said:
                if "incident " not in text:
                    self.assertNotIn("\n", text)
        self.flushLoggedErrors(KeyError)
        await self.assertUnharmed()

    async def test_C4b_unknownFields(self) -> None:
        """
        Nor does an object with any number of fields that its class does not
        have.
        """
        await self.serve()
        line = await self.enter()
        frog = b"tests.test_faults_hostile.Frog"
        fields = [b"dictionary", *([b"_%d" % n, 1] for n in range(100))]
        await self.heard(line, *[call((b"tuple", [frog, fields]), method=b"keep")] * 10)
        self.assertEqual(10, len(self.desk.kept))
        self.assertSaid(20)
        await self.assertUnharmed()

    async def test_C4c_passwordWithTheWrongArity(self) -> None:
        """
        A password that is sent as if C{login} took it reaches neither the log
        nor the wire.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"MY-PASSWORD")
        await self.serve(Portal(None, [checker]), logLines=ALL)
        line = await self.enter()
        stranger = line.client.remoteForName("root")
        them = self.bystander.root
        received = bytesOf(self.bystander.client)
        secret = b"MY-PASSWORD"
        for root in (stranger, them):
            for args, kw in (
                ((b"alice", secret), {}),
                ((b"alice",), {"password": secret}),
                ((b"alice",), {secret.decode(): 1}),
                ((b"alice", {"a": [secret]}, None), {}),
            ):
                answer = root.callRemote("login", *args, **kw)
                await self.settle()
                failure = self.failureResultOf(answer)
                self.assertNotIn("PASSWORD", repr(vars(failure)))
        told = f"{self.record.lines} {self.record.events!r}"
        self.assertIn("remote_login takes (username)", told)
        self.assertNotIn("PASSWORD", told)
        for data in (line.client.received, b"".join(received)):
            self.assertIn(b"remote_login takes (username)", data)
            self.assertNotIn(b"PASSWORD", data)
        await self.assertUnharmed()

    async def test_B7e_forgedReferences(self) -> None:
        """
        What the peer sends as a reference is refused unless it is a number
        that it was given; no method gets to see it.
        """
        await self.serve()
        line = await self.enter()
        await self.heard(line, call((b"tuple", [b"remote", 7]), method=b"keep"))
        self.assertEqual(7, self.desk.kept.pop().luid)
        for forged in (
            [b"remote", b"root"],
            [b"remote", b""],
            [b"remote", []],
            [b"remote", [b"list", 1]],
            [b"remote", 1.5],
            [b"remote"],
            [b"remote", 1, 2],
            [b"local", b"root"],
            [b"local", b"nobody"],
            [b"local", [b"root"]],
            [b"local", 999],
            [b"local", 0],
            [b"local", -1],
            [b"local"],
            [b"lcache", 1],
            [b"lcache", b"root"],
            [b"lcache", []],
            [b"cached", 1],
            [b"cached", b"x"],
            [b"cached"],
        ):
            for args in (
                (b"tuple", forged),
                (b"tuple", 1, [b"list", [b"dictionary", [b"a", forged]]]),
                (b"tuple", [b"remote", 8], forged),
            ):
                await self.heard(line, call(args, method=b"keep"))
                [error] = [s for s in line.client.heard if s[0] == b"error"]
                self.assertEqual(1000, error[1])
                self.assertIn(qual(BadReference).encode(), encode(error), forged)
                self.assertEqual([], self.desk.kept)
        self.assertTrue(line.connected)
        await self.assertUnharmed()

    async def test_B7e_namedReferences(self) -> None:
        """
        A broker that says so takes the names of objects for references, but
        not of those that there are not.
        """
        await self.serve(broker=Trusting)
        line = await self.enter()
        answers = await self.heard(
            line, call((b"tuple", [b"local", b"root"]), method=b"keep")
        )
        self.assertEqual([b"answer"], answers)
        self.assertEqual([self.desk], self.desk.kept)
        for forged in ([b"local", b"nobody"], [b"local", 999], [b"remote", b"root"]):
            await self.heard(line, call((b"tuple", forged), method=b"keep"))
            self.assertIn(qual(BadReference).encode(), encode(line.client.heard[-1]))
        self.assertEqual([self.desk], self.desk.kept)
        await self.assertUnharmed()


def _brief(sexp: Any) -> str:
    """
    @return: a message as a failed test shows it.
    """
    return repr(encode(sexp)[:120])


globals().update(
    across(
        module=__name__,
        tests=_Hostile,
        rows={"BesideStock": {"theirs": STOCK}, "BesidePbext": {"theirs": PBEXT}},
    )
)
