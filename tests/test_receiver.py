"""
C{twistd -n pbreceiver}, in a process of its own, and what it says when it
cannot start.
"""

from __future__ import annotations

import socket
import sys
import textwrap
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.python import log
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly
from twisted.spread.pb import IPBRoot
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pbext import OpaqueCache, pb
from pbext.receiver import CannotStart, ReceiverRoot
from pbext.receiver._load import loadRoot
from pbext.receiver.tap import Options, makeService
from pbext.testing import connectedPair, restoredRegistry
from tests.processes import Child, directory, environment
from tests.stock import stockPython

RUN = "import sys; from twisted.scripts.{0} import run; sys.exit(run())"
TWISTD = [sys.executable, "-c", RUN.format("twistd"), "--nodaemon"]
# Its default format, where the output is no terminal, is JSON.
TWIST = [sys.executable, "-m", "twisted", "--log-format=text"]


class Pond(pb.Copyable):
    typeToCopy = "tests.receiver.Pond"

    def __init__(self) -> None:
        self.colour = "green"
        self._secret = "xyzzy"


class DuckPond(pb.Cacheable):
    typeToCopy = "tests.receiver.DuckPond"

    def __init__(self) -> None:
        self.ducks = ["one duck"]
        self.stopped: Deferred[None] = Deferred()

    localFields = ("stopped",)

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        self.observers.callRemote("addDuck", duck)

    def stoppedObserving(self, perspective: object, observer: object) -> None:
        self.stopped.callback(None)


class StockDuckPond(stock.Cacheable):
    def __init__(self) -> None:
        self.watching: list[Any] = []

    def getTypeToCopy(self) -> bytes:
        return b"tests.receiver.DuckPond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.watching.append(observer)
        return ["one duck"]


class ServiceCase(TestCase):
    """
    A real receiver.
    """

    #: How the service is started.
    program = [*TWISTD, "--pidfile="]
    timeout = 30

    async def start(self, *options: str, cwd: Path | None = None) -> tuple[Child, int]:
        child = Child.start(
            self,
            [
                *self.program,
                "pbreceiver",
                "--listen",
                "tcp:0:interface=127.0.0.1",
                *options,
            ],
            cwd=cwd,
        )
        found = await child.waitFor(r"listening on 127\.0\.0\.1:(\d+)$")
        return child, int(found[1])

    async def connect(self, port: int, factory: Any = pb.PBClientFactory) -> Any:
        from twisted.internet import reactor

        client = factory()
        client.noisy = False
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        broker = await endpoint.connect(client)

        def disconnect() -> Deferred[None] | None:
            if broker.disconnected:
                return None
            gone: Deferred[None] = Deferred()
            broker.notifyOnDisconnect(lambda: gone.callback(None))
            broker.transport.loseConnection()
            return gone

        self.addCleanup(disconnect)
        return await client.getRootObject()


class ServiceTests(ServiceCase):
    """
    With real clients.
    """

    async def test_rule19_take(self) -> None:
        """
        Rule 19: what it takes it acknowledges, "safe and sound", and it can
        say what it has.
        """
        child, port = await self.start("--allow", Pond.typeToCopy)
        root = await self.connect(port)
        self.assertEqual(
            await root.callRemote("take", "pond", Pond()), "safe and sound"
        )
        self.assertEqual(await root.callRemote("take", "seven", 7), "safe and sound")
        self.assertEqual(await root.callRemote("names"), ["pond", "seven"])
        self.assertEqual(
            await root.callRemote("show", "pond"), "tests.receiver.Pond(colour='green')"
        )
        self.assertEqual(await root.callRemote("ignore", "pond"), "ignored")
        self.assertEqual(await root.callRemote("names"), ["seven"])
        await child.waitFor(r"took 'pond': tests\.receiver\.Pond\(colour='green'\)$")
        await child.waitFor("ignored 'pond'$")
        self.assertNotIn("xyzzy", child.output)

    async def test_stockClient(self) -> None:
        """
        A stock client can call its own root, and be followed.
        """
        child, port = await self.start("--allow", "tests.receiver.DuckPond")
        root = await self.connect(port, stock.PBClientFactory)
        pond = StockDuckPond()
        answer = await root.callRemote("take", "pond", pond)
        self.assertEqual(answer, "safe and sound")
        await pond.watching[0].callRemote("addDuck", "ugly duckling")
        await child.waitFor(r"'pond' changed: addDuck\('ugly duckling'\)$")
        shown = await root.callRemote("show", "pond")
        self.assertEqual(shown, "live tests.receiver.DuckPond(['one duck'])")

    async def test_follow(self) -> None:
        """
        A cache is followed, each change is printed, and its publisher is told
        when it is ignored.
        """
        child, port = await self.start("--allow", DuckPond.typeToCopy)
        root = await self.connect(port)
        pond = DuckPond()
        await root.callRemote("take", "pond", pond)
        pond.addDuck("ugly duckling")
        await child.waitFor(r"'pond' changed: addDuck\('ugly duckling'\)$")
        await root.callRemote("ignore", "pond")
        await pond.stopped
        self.assertEqual(len(pond.observers), 0)

    async def test_A13_kept(self) -> None:
        """
        A13: what it was given it holds, and follows, after the call is over
        and until it is told to drop it; when the link is lost it says so.
        """
        child, port = await self.start("--allow", DuckPond.typeToCopy)
        root, other = await self.connect(port), await self.connect(port)
        pond = DuckPond()
        await root.callRemote("take", "pond", pond)
        for duck in ("second", "third"):
            pond.addDuck(duck)
            await child.waitFor(rf"'pond' changed: addDuck\('{duck}'\)$")
        root.broker.transport.loseConnection()
        await child.waitFor("'pond': this .* is stale: the connection .* is lost$")
        self.assertIn("stale", await other.callRemote("show", "pond"))

    async def test_refused(self) -> None:
        """
        A tag that no module registers is refused, with the line that would
        register it, and no traceback; the next call succeeds.
        """
        child, port = await self.start()
        root = await self.connect(port)
        answer = root.callRemote("take", "pond", Pond())
        [refusal] = await answer.addErrback(lambda failure: [failure])
        self.assertTrue(refusal.check(InsecureJelly))
        self.assertIn("setUnjellyableForClass('tests.receiver.Pond'", refusal.value)
        await child.waitFor(r"setUnjellyableForClass\('tests\.receiver\.Pond', ")
        await child.waitFor(r"--allow tests\.receiver\.Pond$")
        self.assertEqual(await root.callRemote("names"), [])
        self.assertNotIn("Traceback", child.output)

    async def test_errors(self) -> None:
        """
        What a client asks wrongly is answered in a sentence.
        """
        child, port = await self.start()
        root = await self.connect(port)
        for call, says in (
            (("show", "pond"), "nothing is kept as 'pond'"),
            (("ignore", "pond"), "nothing is kept as 'pond'"),
            (("take", 7, 7), "a name has to be a string"),
            (("shutdown",), "started without --allow-shutdown"),
        ):
            [failure] = await root.callRemote(*call).addErrback(lambda f: [f])
            self.assertTrue(failure.check(pb.Error), failure)
            self.assertIn(says, failure.value)
        self.assertNotIn("Traceback", child.output)

    async def test_rule19_shutdown(self) -> None:
        """
        Rule 19: a peer can end the service if the operator allows it; it is
        answered, and the exit status is 0.
        """
        child, port = await self.start("--allow-shutdown")
        root = await self.connect(port)
        self.assertEqual(await root.callRemote("shutdown"), "shutting down")
        code, output = await child.ended()
        self.assertEqual(code, 0)
        self.assertNotIn("Traceback", output)

    async def test_stopCloses(self) -> None:
        """
        Stopping the service closes its connections, in order.
        """
        child, port = await self.start()
        roots = [await self.connect(port) for _ in range(3)]
        lost: list[Deferred[object]] = [Deferred() for _ in roots]
        for root, deferred in zip(roots, lost, strict=True):
            root.notifyOnDisconnect(deferred.callback)
        child.kill("TERM")
        for deferred in lost:
            await deferred
        code, output = await child.ended()
        self.assertNotIn("Traceback", output)
        self.assertIn(code, (0, -15))

    async def test_rule18_modules(self) -> None:
        """
        Rule 18: receivers are services that twistd and twist run. Modules are
        imported from the directory that it is started in; their classes are
        received, and their root is served.
        """
        home = directory(self)
        (home / "ponds.py").write_text(
            textwrap.dedent(
                """
                from pbext import pb

                class ArrivedPond(pb.RemoteCopy):
                    pass

                pb.setUnjellyableForClass("tests.receiver.Pond", ArrivedPond)

                class Root(pb.Root):
                    def remote_take(self, pond):
                        return f"a {pond.colour} {type(pond).__name__}"
                """
            )
        )
        _child, port = await self.start(
            "--import", "ponds", "--root", "ponds.Root", cwd=home
        )
        root = await self.connect(port)
        self.assertEqual(await root.callRemote("take", Pond()), "a green ArrivedPond")

    async def test_stockProcess(self) -> None:
        """
        A stock sender of the other Twisted, in a process of its own, copies
        to it.
        """
        _child, port = await self.start("--allow", "__main__.Pond")
        script = directory(self) / "sender.py"
        script.write_text(
            textwrap.dedent(
                """
                import sys
                from twisted.internet import reactor
                from twisted.spread import pb

                class Pond(pb.Copyable):
                    def __init__(self):
                        self.colour = "green"

                def done(answer):
                    print("answered:", answer)
                    reactor.stop()

                factory = pb.PBClientFactory()
                reactor.connectTCP("127.0.0.1", int(sys.argv[1]), factory)
                d = factory.getRootObject()
                d.addCallback(lambda root: root.callRemote("take", "pond", Pond()))
                d.addBoth(done)
                reactor.run()
                """
            )
        )
        sender = Child.start(self, [stockPython(), str(script.resolve()), str(port)])
        code, output = await sender.ended()
        self.assertEqual((code, output), (0, "answered: safe and sound\n"))


class TwistTests(ServiceTests):
    """
    The same for C{twist}.
    """

    program = TWIST


class CannotStartTests(TestCase):
    """
    One clear line, exit status 1, no traceback, no pid file.
    """

    program = TWISTD
    timeout = 30

    async def assertRefused(self, *options: str, says: str) -> None:
        home = directory(self)
        child = Child.start(self, [*self.program, "pbreceiver", *options], cwd=home)
        code, output = await child.ended()
        self.assertEqual(code, 1, output)
        self.assertNotIn("Traceback", output)
        lines = [line for line in output.splitlines() if "pbreceiver: " in line]
        self.assertEqual(len(lines), 1, output)
        self.assertIn(says, lines[0])
        self.assertEqual(
            [p.name for p in home.iterdir() if p.name != "dropin.cache"], []
        )

    async def test_endpoint(self) -> None:
        """
        An endpoint that is none.
        """
        await self.assertRefused(
            "--listen", "tpc:8800", says="Unknown endpoint type: 'tpc'"
        )

    async def test_port(self) -> None:
        """
        A port in use.
        """
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            where = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            await self.assertRefused(
                "--listen", where, says=f"cannot listen on {where}: "
            )

    async def test_module(self) -> None:
        """
        A module that is not there; it says where it looked.
        """
        await self.assertRefused(
            "--import", "nopond", says="no module named nopond; looked in /"
        )

    async def test_root(self) -> None:
        """
        A name that is no root.
        """
        await self.assertRefused(
            "--root", "os.path.sep", says="neither a root object nor"
        )


class TwistCannotStartTests(CannotStartTests):
    """
    The same for C{twist}.
    """

    program = TWIST


class PidFileTests(TestCase):
    """
    twistd's own pid file.
    """

    timeout = 30

    async def start(self, pid: str) -> Child:
        home = directory(self)
        (home / "twistd.pid").write_text(pid)
        arguments = ["pbreceiver", "--listen", "tcp:0:interface=127.0.0.1"]
        return Child.start(self, [*TWISTD, *arguments], cwd=home, env=environment())

    async def test_nonsense(self) -> None:
        """
        One that holds no number is refused in one line.
        """
        code, output = await (await self.start("nonsense")).ended()
        self.assertEqual(code, 1)
        self.assertIn("contains non-numeric value", output)
        self.assertNotIn("Traceback", output)

    async def test_leftover(self) -> None:
        """
        One of a process that is gone is no obstacle.
        """
        dead = Child.start(self, [sys.executable, "-c", ""])
        pid = dead.pid
        await dead.ended()
        child = await self.start(str(pid))
        await child.waitFor("listening on 127.0.0.1:")
        self.assertNotIn("Traceback", child.output)


class MakeServiceTests(SynchronousTestCase):
    """
    The options, in this process.
    """

    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        path = list(sys.path)
        self.addCleanup(sys.path.__setitem__, slice(None), path)

    def refusal(self, *arguments: str) -> str:
        options = Options()
        with self.assertRaises(CannotStart) as raised:
            options.parseOptions(arguments)
            makeService(options)
        return str(raised.exception)

    def test_refused(self) -> None:
        """
        What cannot be carried out is refused in one line that says what.
        """
        home = directory(self)
        (home / "broken_pond.py").write_text("\nraise ValueError('no water')\n")
        (home / "thirsty_pond.py").write_text("import nowater.at.all\n")
        (home / "rootless_pond.py").write_text(
            "def make():\n    raise KeyError('frog')\n"
        )
        at = ("--path", str(home))
        for arguments, says in (
            (("--path", "/nope"), "--path /nope: no such directory"),
            (("--path", ".", "--no-path"), "exclude each other"),
            (("--allow", "list"), "no tag of a class"),
            (("--allow", ""), "no tag of a class"),
            (("--allow", "remote"), "no tag of a class"),
            (("--root", "Pond"), "write it as package.module.Name"),
            (("--root", "os.nothing"), "the module os has no nothing"),
            (
                (*at, "--import", "broken_pond"),
                "broken_pond.py:2 in <module>: no water",
            ),
            ((*at, "--import", "thirsty_pond"), "No module named 'nowater'"),
            (
                (*at, "--root", "rootless_pond.make"),
                "calling it failed: builtins.KeyError",
            ),
        ):
            line = self.refusal(*arguments)
            self.assertTrue(line.startswith("pbreceiver: "), line)
            self.assertIn(says, line)
            self.assertNotIn("\n", line)

    def test_root(self) -> None:
        """
        A root may be an instance, a class, a function that makes one, or a
        portal, which can be adapted.
        """
        home = directory(self)
        (home / "rooted_pond.py").write_text(
            "from twisted.cred.portal import Portal\n"
            "from pbext import pb\n"
            "class Root(pb.Root):\n"
            "    pass\n"
            "root = Root()\n"
            "def makeRoot():\n"
            "    return Root()\n"
            "portal = Portal(None)\n"
        )
        self.addCleanup(sys.modules.pop, "rooted_pond", None)
        sys.path.insert(0, str(home))
        for name in ("root", "Root", "makeRoot"):
            root = loadRoot(f"rooted_pond.{name}")
            self.assertEqual(type(root).__name__, "Root", name)
            self.assertTrue(IPBRoot.providedBy(root), name)
        self.assertTrue(IPBRoot.providedBy(loadRoot("rooted_pond.portal")))

    def test_allowTwice(self) -> None:
        """
        A tag that somebody has registered is not taken from them.
        """
        pb.setUnjellyableForClass("tests.receiver.taken", pb.RemoteCopy)
        said = self.refusal("--import", __name__, "--allow", "tests.receiver.taken")
        self.assertIn("has registered it already", said)

    def test_noPath(self) -> None:
        """
        C{--no-path} leaves the search path alone; else the directory comes
        first.
        """
        before = list(sys.path)
        options = Options()
        options.parseOptions(["--no-path"])
        makeService(options)
        self.assertEqual(sys.path, before)
        options = Options()
        options.parseOptions([])
        makeService(options)
        self.assertEqual(sys.path, [str(Path.cwd()), *before])


class RootTests(SynchronousTestCase):
    """
    The root, in memory.
    """

    def setUp(self) -> None:
        registry = restoredRegistry()
        registry.__enter__()
        self.addCleanup(registry.__exit__, None, None, None)
        from pbext._opaque import allowOpaque

        allowOpaque(DuckPond.typeToCopy)
        self.said: list[str] = []
        observer = self.said.append

        def see(event: dict[str, Any]) -> None:
            if event.get("log_namespace") == "pbreceiver":
                observer(log.textFromEventDict(event) or "")

        log.addObserver(see)
        self.addCleanup(log.removeObserver, see)

    def test_sameNameAgain(self) -> None:
        """
        What is taken under a name that is in use takes its place, and a cache
        that nobody holds any more is dropped; the same one is followed on.
        """
        root = ReceiverRoot()
        with connectedPair(root) as pair:
            first, second = DuckPond(), DuckPond()
            for pond in (first, first, second):
                pair.result(pair.root.callRemote("take", "pond", pond))
            self.assertEqual([len(first.observers), len(second.observers)], [0, 1])
            second.addDuck("third")
            pair.flush()
            self.assertIsInstance(root.kept("pond"), OpaqueCache)
        self.assertEqual(sum("changed" in line for line in self.said), 1)

    def test_twoNames(self) -> None:
        """
        One cache under two names is followed under both, until the second is
        ignored.
        """
        with connectedPair(ReceiverRoot()) as pair:
            pond = DuckPond()
            for name in ("pond", "lake"):
                pair.result(pair.root.callRemote("take", name, pond))
            pair.result(pair.root.callRemote("ignore", "pond"))
            pond.addDuck("second")
            pair.flush()
            self.assertEqual(len(pond.observers), 1)
            pair.result(pair.root.callRemote("ignore", "lake"))
            self.assertEqual(len(pond.observers), 0)
        changes = [line for line in self.said if "changed" in line]
        self.assertEqual(changes, ["'lake' changed: addDuck('second')"])

    def test_python2(self) -> None:
        """
        Names may be bytes, as Python 2 peers send them.
        """
        root = ReceiverRoot()
        with connectedPair(root) as pair:
            pair.result(pair.root.callRemote("take", b"pond", 7))
            self.assertEqual(pair.result(pair.root.callRemote("names")), ["pond"])
            self.assertEqual(pair.result(pair.root.callRemote("show", "pond")), "7")

    def test_describesInBoundedTime(self) -> None:
        """
        A value that unfolds into 2**18 lists is described as soon as any.
        """
        value: list[object] = ["frog"]
        for _ in range(18):
            value = [value, value]
        with connectedPair(ReceiverRoot()) as pair:
            pair.result(pair.root.callRemote("take", "bomb", value))
            shown = pair.result(pair.root.callRemote("show", "bomb"))
        self.assertTrue(shown.startswith("[[["))
        self.assertLessEqual(len(shown), 200)
