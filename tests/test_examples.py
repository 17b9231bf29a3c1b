"""
The examples, in processes of their own, over TCP: on pbext, with either end
stock Twisted of the other version, as scripts and as services of twistd.
"""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest import SkipTest

import twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

import pbext
from pbext import pb
from pbext.testing import restoredRegistry
from tests.processes import Child, directory, environment
from tests.stock import OLDEST, stockPython

EXAMPLES = Path(__file__).parent.parent / "examples"

OURS = "from pbext import pb\n"
STOCK = "from twisted.spread import pb\n"

#: What shows something that only pbext has, and needs it.
ONLY_OURS = {
    "cache/book_sender.py",
    "cache/watching_receiver.py",
    "copy2/declared_sender.py",
}

TWISTD = "from twisted.scripts.twistd import run; run()"

#: Runs a script as Python does, on a reactor of our choice.
SCRIPT = """\
import os, runpy, sys
from twisted.internet import {reactor}reactor
{reactor}reactor.install()
del sys.argv[0]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""

#: Port 0: one that is free.  What they print of it is in C{LISTENING}.
ANY = "tcp:0:interface=127.0.0.1"
LISTENING = (
    r"(?:listening on (?:tcp:host=)?127\.0\.0\.1:(?:port=)?"
    r"|PBServerFactory starting on )(\d+)"
)


def exampleFiles() -> list[Path]:
    return sorted(
        path for path in EXAMPLES.glob("*/*") if path.suffix in (".py", ".tac")
    )


def needExamples(testCase: object) -> None:
    """
    An installed wheel may be tested with only the tests at hand.
    """
    if not EXAMPLES.exists():
        raise SkipTest("the examples are not beside these tests")


class OurEnd:
    """
    The examples as they are, on the Twisted and the pbext of this process.
    """

    def __init__(self, testCase: TestCase, reactor: str = "") -> None:
        self._testCase = testCase
        self._reactor = reactor

    @property
    def python(self) -> str:
        return sys.executable

    def folder(self, example: str) -> Path:
        return EXAMPLES / example

    def environment(self, **more: str) -> dict[str, str]:
        return environment(PYTHONPATH=str(Path(pbext.__file__).parent.parent), **more)

    def script(self, example: str, name: str, *argv: str) -> Child:
        reactor = self._reactor
        choice = ["-c", SCRIPT.format(reactor=reactor)] if reactor else []
        path = str(self.folder(example) / name)
        return self._start([*choice, path, *argv], self.environment())

    def service(self, example: str) -> Child:
        choice = [f"--reactor={self._reactor}"] if self._reactor else []
        path = str(self.folder(example) / "receiver.tac")
        return self._start(
            ["-c", TWISTD, *choice, "-ny", path], self.environment(POND_ENDPOINT=ANY)
        )

    def pbreceiver(self, example: str) -> Child:
        classes = f"--import {example}_ponds --root receiver.Receiver"
        options = f"--listen {ANY} {classes} --path".split()
        path = str(self.folder(example))
        return self._start(
            ["-c", TWISTD, "-n", "--pidfile=", "pbreceiver", *options, path],
            self.environment(),
        )

    def _start(self, args: list[str], env: dict[str, str]) -> Child:
        return Child.start(self._testCase, [self.python, *args], env=env)


class AsyncioEnd(OurEnd):
    """
    The same on the asyncio reactor.
    """

    def __init__(self, testCase: TestCase) -> None:
        super().__init__(testCase, "asyncio")


class StockEnd(OurEnd):
    """
    A Twisted of the other version and no pbext: the examples with one line
    changed.
    """

    def __init__(self, testCase: TestCase) -> None:
        super().__init__(testCase)
        self._copy = directory(testCase)

    @property
    def python(self) -> str:
        return stockPython()

    def environment(self, **more: str) -> dict[str, str]:
        return environment(**more)

    def folder(self, example: str) -> Path:
        copy = self._copy / example
        if not copy.exists():
            copy.mkdir()
            for path in exampleFiles():
                name = f"{example}/{path.name}"
                if path.parent.name == example and name not in ONLY_OURS:
                    (copy / path.name).write_text(self._changed(path))
        return copy

    def _changed(self, path: Path) -> str:
        text = path.read_text()
        self._testCase.assertEqual(text.count(OURS), 1, path)
        text = text.replace(OURS, STOCK)
        self._testCase.assertNotIn("pbext", text, path)
        return text


async def address(receiver: Child) -> str:
    """
    Wait until a receiver listens.

    @return: the endpoint to connect to.
    """
    found = await receiver.waitFor(LISTENING)
    return f"tcp:host=127.0.0.1:port={found[1]}"


class ExampleCase(TestCase):
    """
    Runs the examples and says what they have to print.
    """

    setUp = needExamples
    timeout = 60
    senderEnd: type[OurEnd] = OurEnd
    receiverEnd: type[OurEnd] = OurEnd

    def script(self, example: str) -> Child:
        return self.receiverEnd(self).script(example, "receiver.py", ANY)

    def service(self, example: str) -> Child:
        return self.receiverEnd(self).service(example)

    async def send(
        self, example: str, *receivers: Child, sender: str = "sender.py"
    ) -> str:
        """
        Run a sender to its end.

        @return: what it printed.
        """
        addresses = [await address(receiver) for receiver in receivers]
        child = self.senderEnd(self).script(example, sender, *addresses)
        code, output = await child.ended()
        self.assertEqual(code, 0, output)
        self.assertNotIn("Traceback", output)
        return output

    async def checkCopy(self, receiver: Child) -> None:
        sent = await self.send("copy", receiver)
        self.assertIn("sending a copy_ponds.TravellingPond\n", sent)
        self.assertIn("pond arrived safe and sound\n", sent)
        self.assertIn("sending a copy_ponds.WildPond\npond refused with Insec", sent)
        await receiver.waitFor("pond: ArrivedPond, green$")
        await receiver.waitFor(r"\b7 frogs$")

    async def checkCopy2(self, receiver: Child, sender: str = "sender.py") -> None:
        sent = await self.send("copy2", receiver, sender=sender)
        self.assertIn("sending 3 frogs and 4 toads\nthe receiver counts 7\n", sent)
        await receiver.waitFor("a ReceiverPond with count, store$")
        await receiver.waitFor("the store 'animals' belongs to the receiver$")

    async def checkCache(self, receiver: Child, sender: str = "sender.py") -> None:
        sent = await self.send("cache", receiver, sender=sender)
        self.assertIn("0 observers, after they were told to ignore it\n", sent)
        self.assertIn("a receiver holds []\n", sent)
        await receiver.waitFor("pond has 2 ducks: Huey, Dewey$")
        await receiver.waitFor("Daffy has come, 3 ducks$")
        await receiver.waitFor("Huey has gone, 2 ducks$")
        await receiver.waitFor("pond is no longer followed$")
        # A call was answered after this duck, so it has had time to come.
        self.assertNotIn("Magica", receiver.output)
        self.assertNotIn("Traceback", receiver.output)


class PairingMixin:
    """
    Each example, with the two ends that a subclass names.
    """

    async def test_copy(self: Any) -> None:
        """
        A pond arrives, and behaves; one that is not registered is refused.
        """
        await self.checkCopy(self.script("copy"))

    async def test_copyService(self: Any) -> None:
        """
        The same with a receiver that twistd runs.
        """
        await self.checkCopy(self.service("copy"))

    async def test_copy2(self: Any) -> None:
        """
        Seven animals are counted, in the receiver's own store.
        """
        await self.checkCopy2(self.script("copy2"))

    async def test_copy2Service(self: Any) -> None:
        """
        The same with a receiver that twistd runs.
        """
        await self.checkCopy2(self.service("copy2"))

    async def test_cache(self: Any) -> None:
        """
        Changes arrive, until the receiver has dropped the pond.
        """
        await self.checkCache(self.script("cache"))

    async def test_cacheService(self: Any) -> None:
        """
        The same with a receiver that twistd runs.
        """
        await self.checkCache(self.service("cache"))


class BothOursTests(PairingMixin, ExampleCase):
    """
    pbext at both ends.
    """


class BothOnAsyncioTests(PairingMixin, ExampleCase):
    """
    The asyncio reactor at both ends.
    """

    senderEnd = receiverEnd = AsyncioEnd


class OursToStockTests(PairingMixin, ExampleCase):
    """
    A pbext sender, and stock receivers.
    """

    receiverEnd = StockEnd


class StockToOursTests(PairingMixin, ExampleCase):
    """
    A stock sender, and pbext receivers.
    """

    senderEnd = StockEnd


class StockPeerTests(TestCase):
    """
    What the pairings rest on.
    """

    timeout = 60

    async def test_stock(self) -> None:
        """
        The stock peer is a Twisted of another version, and has no pbext.
        """
        code = (
            "import twisted, importlib.util as i; "
            "print(twisted.__version__, i.find_spec('pbext'))"
        )
        child = Child.start(self, [stockPython(), "-c", code])
        status, output = await child.ended()
        self.assertEqual((status, output.split()[1:]), (0, ["None"]))
        versions = {output.split()[0], twisted.__version__}
        self.assertEqual(len(versions), 2)
        self.assertIn(OLDEST, versions)


class ThreeReceiversMixin:
    """
    Three receivers, one of which is killed in the middle (FAULTS A3: with
    stock PB at the sender's end, the others starve).
    """

    async def checkOneKilled(self: Any, sender: str) -> str:
        end = self.receiverEnd(self)
        children = [end.script("cache", "receiver.py", ANY) for _ in range(3)]
        addresses = [await address(child) for child in children]
        publisher = self.senderEnd(self).script("cache", sender, *addresses)
        await publisher.waitFor("^3 observers: now kill one of the receivers$")
        first, killed, last = children
        await killed.waitFor("^Huey has gone, 2 ducks$")
        killed.kill()
        status, heard = await killed.ended()
        self.assertEqual(status, -signal.SIGKILL)
        self.assertNotIn("Gladstone", heard)
        code, said = await publisher.ended()
        self.assertEqual(code, 0, said)
        self.assertNotIn("Traceback", said)
        self.assertIn("\n2 observers are left\n0 observers, after", said)
        self.assertIn("a receiver holds []\na receiver holds []\n", said)
        for child in first, last:
            await child.waitFor("^pond is no longer followed$")
            self.assertEqual(
                child.output.splitlines()[1:],
                [
                    "pond has 2 ducks: Huey, Dewey",
                    "Daffy has come, 3 ducks",
                    "Huey has gone, 2 ducks",
                    "Gladstone has come, 3 ducks",
                    "pond is no longer followed",
                ],
            )
        return said

    async def test_loop(self: Any) -> None:
        """
        The classic loop over a list of one's own, with three receivers.
        """
        await self.checkOneKilled("sender.py")

    async def test_book(self: Any) -> None:
        """
        The observer book, with three receivers.
        """
        said = await self.checkOneKilled("book_sender.py")
        self.assertIn("4 changes, 8 messages\n", said)


class ThreeOursTests(ThreeReceiversMixin, ExampleCase):
    """
    Three pbext receivers.
    """


class ThreeOnAsyncioTests(ThreeReceiversMixin, ExampleCase):
    """
    The asyncio reactor everywhere.
    """

    senderEnd = receiverEnd = AsyncioEnd


class ThreeStockTests(ThreeReceiversMixin, ExampleCase):
    """
    Three stock receivers.
    """

    receiverEnd = StockEnd


class OnlyOursTests(ExampleCase):
    """
    The examples of what only pbext has.
    """

    async def test_declared(self) -> None:
        """
        A class that declares what travels arrives like one with a hook, at
        receivers of both kinds.
        """
        await gatherResults(
            Deferred.fromCoroutine(
                self.checkCopy2(
                    end(self).script("copy2", "receiver.py", ANY), "declared_sender.py"
                )
            )
            for end in (OurEnd, StockEnd)
        )

    async def test_book(self) -> None:
        """
        The pond with the book arrives like the one with the list.
        """
        await self.checkCache(self.script("cache"), "book_sender.py")

    async def checkWatching(self, publishing: OurEnd) -> None:
        end = OurEnd(self)
        watchers = [end.script("cache", "watching_receiver.py", ANY) for _ in range(2)]
        addresses = [await address(watcher) for watcher in watchers]
        publisher = publishing.script("cache", "sender.py", *addresses)
        await publisher.waitFor("now kill")
        for watcher in watchers:
            await watcher.waitFor(r"^addDuck: Huey, Dewey, Daffy \(live\)$")
            await watcher.waitFor(r"^removeDuck: Dewey, Daffy \(live\)$")
            self.assertNotIn("stale", watcher.output)
        publisher.kill()
        for watcher in watchers:
            await watcher.waitFor("DistantPond is stale: the connection .* is lost$")

    async def test_watching(self) -> None:
        """
        Caches say what happens to them, and that the link is lost (A9), to
        each receiver.
        """
        await self.checkWatching(OurEnd(self))

    async def test_watchingStock(self) -> None:
        """
        They do with a stock sender, too (A9).
        """
        await self.checkWatching(StockEnd(self))

    async def test_pbreceiver(self) -> None:
        """
        The receivers' roots can be served by pbreceiver.
        """
        end = OurEnd(self)
        await gatherResults(
            Deferred.fromCoroutine(check(end.pbreceiver(example)))
            for example, check in {
                "copy": self.checkCopy,
                "copy2": self.checkCopy2,
                "cache": self.checkCache,
            }.items()
        )

    async def test_stays(self) -> None:
        """
        Of the pond of copy2 the sum leaves the sender and the name of its
        store, and neither its password nor anything else of it.
        """
        for sender in ("sender.py", "declared_sender.py"):
            tap = Tap(self)
            child = OurEnd(self).script("copy2", sender, tap.endpoint)
            await child.waitFor("^the receiver counts 7$")
            await tap.closed
            self.assertEqual(tap.state, {"count": 7, "store": "animals"})
            self.assertIn(b"animals", tap.heard)
            self.assertNotIn(b"swordfish", tap.heard)


class Tap(pb.Root):
    """
    A receiver in this process, of whatever calls itself a pond of copy2.

    @ivar endpoint: where it listens.
    @ivar heard: the bytes that have come.
    @ivar state: what they meant.
    @ivar closed: fires when the sender has gone.
    """

    def __init__(self, testCase: TestCase) -> None:
        from twisted.internet import reactor

        self.heard = b""
        self.closed: Deferred[None] = Deferred()
        registry = restoredRegistry()
        registry.__enter__()
        testCase.addCleanup(registry.__exit__, None, None, None)
        pb.setUnjellyableForClass("copy2_ponds.SenderPond", pb.RemoteCopy)
        factory = pb.PBServerFactory(self)
        factory.protocol = partial(TappedBroker, self)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        testCase.addCleanup(port.stopListening)
        self.endpoint = f"tcp:host=127.0.0.1:port={port.getHost().port}"

    def remote_count(self, pond: pb.RemoteCopy) -> int:
        self.state = vars(pond)
        return 7


class TappedBroker(pb.Broker):
    def __init__(self, tap: Tap, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._tap = tap

    def dataReceived(self, data: bytes) -> None:
        self._tap.heard += data
        super().dataReceived(data)

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self._tap.closed.callback(None)


class FilesTests(SynchronousTestCase):
    """
    What is true of each example as a text.
    """

    setUp = needExamples

    def test_lengths(self) -> None:
        """
        Each is read in a minute: it has 10 to 60 lines.
        """
        lengths = {path: len(path.read_text().splitlines()) for path in exampleFiles()}
        self.assertGreaterEqual(len(lengths), 15)
        tooMany = {path: n for path, n in lengths.items() if not 10 <= n <= 60}
        self.assertEqual(tooMany, {})

    def test_oneLine(self) -> None:
        """
        To go from stock to pbext and back is one line in each file, but for
        those that show what only pbext has.
        """
        for path in exampleFiles():
            text = path.read_text()
            if str(path.relative_to(EXAMPLES)) not in ONLY_OURS:
                self.assertEqual(text.count("pbext"), 1, path)
                self.assertEqual(text.count(OURS), 1, path)

    def test_shapes(self) -> None:
        """
        Each script takes its reactor as an argument, and each receiver can
        be run by twistd too.
        """
        scripts = [p for p in exampleFiles() if p.suffix == ".py"]
        for path in scripts:
            if not path.name.endswith("_ponds.py"):
                text = path.read_text()
                self.assertIn("\nasync def main(reactor, ", text, path)
                self.assertIn("\n    react(main, sys.argv[1:])\n", text, path)
        self.assertEqual(
            {path.parent for path in exampleFiles()},
            {path.parent for path in exampleFiles() if path.suffix == ".tac"},
        )

    def test_readme(self) -> None:
        """
        The README names each of them.
        """
        readme = (EXAMPLES / "README.rst").read_text()
        for path in exampleFiles():
            self.assertIn(str(path.relative_to(EXAMPLES)), readme)
