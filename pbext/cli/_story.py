"""
The demo: three receivers in processes of their own, and what happens between
them and this one, in real connections.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

from zope.interface import provider

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import react
from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from twisted.python.failure import Failure
from twisted.spread import pb as stock

from pbext import pb
from pbext.cli._ponds import DuckPond, FrogsAndToads, SentPond, StockDuckPond

__all__ = ["demo"]

#: Seconds after which the demo gives up.
TIMEOUT = 18.0

_TWISTD = "import sys; from twisted.scripts.twistd import run; sys.exit(run())"


def demo() -> int:
    """
    Run the demo, printing what happens.

    @return: 0 if everything was told and as it should be, else 1.
    """
    # What stock PB logs when it fails, as it is shown to do, is not news.
    globalLogBeginner.beginLoggingTo([_silence], redirectStandardIO=False)
    report = _Report()
    with tempfile.TemporaryDirectory(prefix="pbext-demo-") as directory:
        try:
            react(_run, [directory, report])
        except SystemExit as ended:
            if ended.code:
                report.line("demo", "did not come to its end", False)
    # Interrupted, react itself has nothing to complain of.
    return 0 if report.complete and not report.wrong else 1


@provider(ILogObserver)
def _silence(event: LogEvent) -> None:
    pass


class _Report:
    """
    What is printed.

    @ivar wrong: how many lines were not as they should be.
    @ivar complete: whether the whole story was told.
    """

    def __init__(self) -> None:
        self.wrong = 0
        self.complete = False

    def line(self, what: str, text: str, right: bool = True) -> None:
        self.wrong += not right
        try:
            print(f"{what:10} {text}{'' if right else '   <-- WRONG'}", flush=True)
        except BrokenPipeError:  # to a pager, say, that was left
            sys.stdout = open(os.devnull, "w")


class _Receiver(ProcessProtocol):
    """
    A pbreceiver in a child process.
    """

    def __init__(self, reactor: Any, directory: str) -> None:
        self._output = b""
        self.listening: Deferred[int] = Deferred()
        self.ended: Deferred[None] = Deferred()
        twistd = shutil.which("twistd", path=os.path.dirname(sys.executable))
        command = [twistd] if twistd else [sys.executable, "-c", _TWISTD]
        command += ["--nodaemon", "--pidfile=", "pbreceiver", "--no-path"]
        command += ["--listen", "tcp:0:interface=127.0.0.1"]
        command += ["--root", "pbext.cli._ponds.PondRoot"]
        reactor.spawnProcess(
            self, command[0], command, env=os.environ.copy(), path=directory
        )

    def outReceived(self, data: bytes) -> None:
        self._output += data
        found = re.search(rb"listening on [\d.]+:(\d+)\n", self._output)
        if found and not self.listening.called:
            self.listening.callback(int(found[1]))

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        if not self.listening.called:
            said = self._output.decode("utf-8", "replace").split("\n")
            last = next((line for line in reversed(said) if line.strip()), "no word")
            self.listening.errback(RuntimeError(f"a receiver did not start: {last}"))
        self.ended.callback(None)

    def end(self, signal: str) -> Deferred[None]:
        try:
            if self.transport is not None:
                self.transport.signalProcess(signal)
        except ProcessExitedAlready:
            pass
        return self.ended


async def _run(reactor: Any, directory: str, report: _Report) -> None:
    receivers = [_Receiver(reactor, directory) for _ in range(3)]
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: gatherResults([r.end("KILL") for r in receivers])
    )
    story = Deferred.fromCoroutine(_story(reactor, receivers, report))
    story.addTimeout(TIMEOUT, reactor)
    try:
        await story
    except Exception as error:
        report.line("demo", f"{type(error).__name__}: {error}", False)
    ending = gatherResults([receiver.end("TERM") for receiver in receivers])
    killing = reactor.callLater(1, lambda: [r.end("KILL") for r in receivers])
    await ending
    if killing.active():
        killing.cancel()


async def _story(reactor: Any, receivers: list[_Receiver], report: _Report) -> None:
    ports = [await receiver.listening for receiver in receivers]
    where = ", ".join(f"127.0.0.1:{port}" for port in ports)
    report.line("receivers", f"3 x twistd -n pbreceiver, on {where}")

    roots = await _connect(reactor, ports, pb.PBClientFactory)
    await _copy(roots[0], report)
    await _copy2(roots[0], report)
    pond = await _cache(roots, report)

    stockRoots = await _connect(reactor, ports, stock.PBClientFactory)
    stockPond = StockDuckPond(["one duck"])
    for root in stockRoots:
        await root.callRemote("take", "stock", stockPond)
    lost = gatherResults([_lost(roots[1]), _lost(stockRoots[1])])

    # The update is written to all three before anyone can know that one of
    # them is dead.
    killed = receivers[1].end("KILL")
    delivery = await pond.addDuck("late duck")
    await killed
    await lost
    alive = [roots[0], roots[2]]
    heard = await _hearing("late duck", alive, "pond")
    report.line(
        "killed",
        f"receiver 2 of 3, in the middle of an update: {len(delivery.confirmed)} told, "
        f"{len(delivery.dropped)} dropped, {2 - heard} starved",
        (len(delivery.confirmed), len(delivery.dropped), heard) == (2, 1, 2),
    )
    delivery = await pond.addDuck("later duck")
    heard = await _hearing("later duck", alive, "pond")
    report.line(
        "afterwards",
        f"one more update: {len(delivery.confirmed)} told, {2 - heard} starved, "
        f"{len(pond.observers)} in the book",
        (len(delivery.confirmed), heard, len(pond.observers)) == (2, 2, 2),
    )
    error = None
    try:
        stockPond.addDuck("late duck")
    except Exception as raised:
        error = type(raised).__name__
    heard = await _hearing("late duck", [stockRoots[0], stockRoots[2]], "stock")
    report.line(
        "stock PB",
        f"the same loop on twisted.spread.pb: {heard} told, then {error}; "
        f"{2 - heard} starved, and {len(stockPond.watching)} still in its list",
        (heard, error, len(stockPond.watching)) == (1, "AttributeError", 3),
    )
    report.line(
        "your own",
        "twistd -n pbreceiver --listen tcp:8800:interface=127.0.0.1 "
        "--import your.module",
    )
    report.complete = True


async def _connect(reactor: Any, ports: Iterable[int], factory: Any) -> list[Any]:
    roots = []
    for port in ports:
        client = factory()
        client.noisy = False
        reactor.connectTCP("127.0.0.1", port, client)
        roots.append(await client.getRootObject())
    return roots


def _lost(root: Any) -> Deferred[None]:
    lost: Deferred[None] = Deferred()
    root.notifyOnDisconnect(lambda _: lost.callback(None))
    return lost


async def _hearing(duck: str, roots: Iterable[Any], name: str) -> int:
    """
    How many of the receivers know of a duck.
    """
    return sum([duck in await root.callRemote("ducks", name) for root in roots])


async def _copy(root: Any, report: _Report) -> None:
    answer = await root.callRemote("take", "copy", SentPond("green", 7))
    frogs = await root.callRemote("countFrogs", "copy")
    report.line(
        "copy",
        f"a green pond arrived {answer}; the receiver counts {frogs} frogs",
        (answer, frogs) == ("safe and sound", 7),
    )


async def _copy2(root: Any, report: _Report) -> None:
    pond = FrogsAndToads(3, 4, password="xyzzy")  # noqa: S106  # to be left out
    await root.callRemote("take", "copy2", pond)
    fields = await root.callRemote("fields", "copy2")
    total = fields.get("frogsAndToads")
    stayed = "xyzzy" not in fields.values() and "password" not in fields
    report.line(
        "copy2",
        f"3 frogs + 4 toads = {total} animals in a {fields.get('colour')} pond; the "
        f"password {'stayed here' if stayed else 'has left'}",
        total == 7 and stayed,
    )


async def _cache(roots: list[Any], report: _Report) -> DuckPond:
    pond = DuckPond(["one duck", "two duck"])
    for root in roots:
        await root.callRemote("take", "pond", pond)
    await pond.addDuck("ugly duckling")
    await pond.removeDuck("one duck")
    seen = [await root.callRemote("ducks", "pond") for root in roots]
    inStep = sum(ducks == ["two duck", "ugly duckling"] for ducks in seen)
    report.line(
        "cache",
        f"a duck added, a duck removed: {inStep} of 3 observers in step, "
        f"with {', '.join(seen[0])}",
        inStep == 3,
    )
    return pond
