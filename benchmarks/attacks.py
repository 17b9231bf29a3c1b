"""
C{python -m benchmarks.attacks [NAME...]}: what a stranger's bytes cost a
server, and those whom it serves; stock's, and pbext's.

Each attack is a new server, in a process of its own with 2 GiB of address
space, and two connections to it: of a stranger, who has not logged in and need
not, and of a client, which calls the server every few milliseconds.  It is
over when the stranger's connection is closed, or answered, and the client is
served again; or after some seconds, when the server is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import attrs

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater, react
from twisted.spread import pb

from benchmarks.table import machine
from tests.bombs import BOMBS, callOf, integer, lists, string

__all__ = ["ATTACKS", "Attack", "Figures", "main"]

_HOME = Path(__file__).parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")

#: Seconds between two calls of the client's.
_EVERY = 0.005

#: Seconds for which the client is watched before an attack, and at the least
#: during it.
_CALM = 0.3

#: Seconds after which a server is killed.
_PATIENCE = 10.0

#: What a smoke run does, if nothing is named.
_SMOKE = ("early-nested", "references", "unread")

#: The servers: their C{pb}, and what forces their codec.
SERVERS: dict[str, dict[str, str]] = {
    "stock": {"BENCHMARKS_PB": "twisted.spread.pb"},
    "compiled": {"BENCHMARKS_PB": "pbext.pb", "PBEXT_PURE": ""},
    "pure Python": {"BENCHMARKS_PB": "pbext.pb", "PBEXT_PURE": "1"},
}


@attrs.frozen
class Attack:
    """
    @ivar about: what it is, with its row of C{FAULTS.md}.
    @ivar bytes: makes what the stranger sends.
    @ivar early: whether it does not negotiate before.
    @ivar reads: whether it reads what it is answered.
    @ivar answers: how many answers end it.
    """

    about: str
    bytes: Callable[[], bytes]
    early: bool = False
    reads: bool = True
    answers: int = 1


def _calls(count: int, *args: bytes, method: bytes) -> Callable[[], bytes]:
    return lambda: callOf(*args, method=method) * count


def _all() -> Iterator[tuple[str, Attack]]:
    for name, bomb in BOMBS.items():
        yield name, Attack(f"{bomb.row}: {bomb.about}", bomb.bytes)
        if bomb.early:
            about = f"{bomb.row}: the same before the negotiation"
            yield f"early-{name}", Attack(about, bomb.bytes, early=True)
    unknown = lists(string(b"tests.nothing"), integer(1))
    for name, about, args, method in (
        ("arity", "2,000 calls with too many arguments", [integer(1)] * 9, b"drop"),
        ("classes", "2,000 calls with a class that nobody knows", [unknown], b"drop"),
        ("methods", "2,000 calls of no method", [], b"x" * 50),
    ):
        calls = _calls(2_000, *args, method=method)
        yield name, Attack(f"C4b: {about}", calls, answers=2_000)
    yield (
        "unread",
        Attack(
            "C4d: 5,000 calls, whose answers of 60 KB are not read",
            _calls(5_000, method=b"give"),
            reads=False,
        ),
    )


ATTACKS = dict(_all())


@attrs.define
class Figures:
    """
    What one attack has cost.

    @ivar sent: bytes of the stranger's.
    @ivar typical: the client's median latency during it, in ms.
    @ivar worst: its longest, in ms.
    @ivar cpu: seconds of the server's.
    @ivar memory: bytes that the server has had more than before, at the most.
    @ivar log: bytes.
    @ivar end: how it ended.
    """

    sent: int
    typical: float
    worst: float
    cpu: float
    memory: int
    log: int
    end: str


class _Stranger(Protocol):
    """
    Negotiates, or does not; says its piece; and counts what it is answered.
    """

    def __init__(self, attack: Attack, data: bytes) -> None:
        self._attack = attack
        self._data = data
        self._heard = b""
        self._answers = 0
        self.ended: Deferred[str] = Deferred()

    def connectionMade(self) -> None:
        if self._attack.early:
            self._say()

    def _say(self) -> None:
        self.transport.write(self._data)
        self._data = b""
        if not self._attack.reads:
            self.transport.pauseProducing()

    def dataReceived(self, data: bytes) -> None:
        if self._data and not self._attack.early:
            # The dialects of the server.
            self.transport.write(string(b"pb"))
            self._say()
        # The words of an answer and of an error are one byte and the type.
        heard = self._heard[-1:] + data
        self._heard = data
        self._answers += heard.count(b"\x1b\x87") + heard.count(b"\x1c\x87")
        if self._answers >= self._attack.answers:
            self._end("answered")

    def connectionLost(self, reason: Any = None) -> None:
        self._end("closed")

    def _end(self, how: str) -> None:
        if not self.ended.called:
            self.ended.callback(how)


class _Server:
    """
    The process, seen from outside.
    """

    def __init__(self, kind: str, log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.victim", str(log)],
            cwd=_HOME,
            env={**os.environ, **SERVERS[kind]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        port, self.codec = self._process.stdout.readline().decode().split(maxsplit=1)
        self.port = int(port)
        self._proc = Path("/proc", str(self._process.pid))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def cpu(self) -> float:
        """
        @return: seconds so far.
        """
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self, field: str) -> int:
        """
        @param field: C{VmRSS}, or C{VmHWM}, the most that it was.
        @return: bytes.
        """
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        return 0  # it has ended, and not been waited for

    def forgetPeak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    def logged(self) -> int:
        return self._log.stat().st_size

    def kill(self) -> None:
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class _Client:
    """
    Calls the server every few milliseconds.
    """

    def __init__(self, reactor: Any, root: Any) -> None:
        self._reactor = reactor
        self._root = root
        self.latencies: list[float] = []
        self._asked: float | None = None
        self._next: Any = None

    def run(self) -> None:
        """
        Call, and then again and again.
        """
        self._asked = time.perf_counter()
        self._root.callRemote("echo", 7).addCallbacks(self._answered, lambda _: None)

    def _answered(self, _: object) -> None:
        assert self._asked is not None
        self.latencies.append(time.perf_counter() - self._asked)
        self._asked = None
        self._next = self._reactor.callLater(_EVERY, self.run)

    def stop(self) -> float:
        """
        @return: seconds that the call in flight has taken by now.
        """
        if self._next is not None and self._next.active():
            self._next.cancel()
        return self.waited()

    def waited(self) -> float:
        """
        @return: seconds for which it has waited for an answer by now.
        """
        return 0.0 if self._asked is None else time.perf_counter() - self._asked


async def attacked(
    reactor: Any, attack: Attack, data: bytes, server: _Server, patience: float
) -> Figures:
    """
    @return: what it has cost.
    """
    factory: Any = pb.PBClientFactory()
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
    await endpoint.connect(factory)
    client = _Client(reactor, await factory.getRootObject())
    client.run()
    await deferLater(reactor, _CALM)
    client.latencies.clear()
    server.forgetPeak()
    cpu, memory, logged = server.cpu(), server.memory("VmRSS"), server.logged()
    stranger = _Stranger(attack, data)
    await endpoint.connect(Factory.forProtocol(lambda: stranger))
    begun, end = time.perf_counter(), ""
    while not end:
        await deferLater(reactor, 0.02)
        passed = time.perf_counter() - begun
        waited = client.waited()
        if not server.alive:
            end = "server dead"
        elif stranger.ended.called and passed > _CALM and waited < 0.1:
            end = stranger.ended.result
        elif passed > patience:
            end = "server stalled" if waited > 1 else "still connected"
        if server.alive:
            cpu2, memory2 = server.cpu(), server.memory("VmHWM")
    logged2 = server.logged()
    latencies = [*client.latencies, client.stop()]
    factory.disconnect()
    stranger.transport.abortConnection()
    return Figures(
        sent=len(data),
        typical=median(latencies) * 1e3,
        worst=max(latencies) * 1e3,
        cpu=cpu2 - cpu,
        memory=max(0, memory2 - memory),
        log=logged2 - logged,
        end=end,
    )


_COLUMNS = "{:<16} {:<12} {:>10} {:>9} {:>9} {:>7} {:>9} {:>10}  {}"


def _row(name: str, kind: str, figures: Figures) -> str:
    return _COLUMNS.format(
        name,
        kind,
        f"{figures.sent:,}",
        f"{figures.typical:,.1f}",
        f"{figures.worst:,.0f}",
        f"{figures.cpu:,.2f}",
        f"{figures.memory / 2**20:,.1f}",
        f"{figures.log:,}",
        figures.end,
    )


def _options(argv: Sequence[str]) -> Any:
    parser = ArgumentParser(prog="python -m benchmarks.attacks")
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these attacks")
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="do a few of them, for a second at the most",
    )
    options = parser.parse_args(argv)
    unknown = set(options.names) - set(ATTACKS)
    if unknown:
        parser.error(f"no attack named {', '.join(sorted(unknown))}; see --list")
    return options


async def main(reactor: Any, *argv: str) -> None:
    """
    Do the attacks that are named, or all, to each of the servers.
    """
    options = _options(argv)
    if options.list:
        for name, attack in ATTACKS.items():
            print(f"{name:<16} {attack.about}")
        return
    patience = 1.0 if options.smoke else _PATIENCE
    print(*machine(), sep=", ", end="\n\n")
    titles = "attack server bytes ms,median ms,max CPU,s memory,MiB log,bytes end"
    print(_COLUMNS.format(*(title.replace(",", ", ") for title in titles.split())))
    for name in options.names or (_SMOKE if options.smoke else ATTACKS):
        data = ATTACKS[name].bytes()
        for kind in SERVERS:
            with tempfile.TemporaryDirectory() as directory:
                server = _Server(kind, Path(directory, "log"))
                try:
                    if server.codec.strip() != kind:
                        continue  # it was not built
                    figures = await attacked(
                        reactor, ATTACKS[name], data, server, patience
                    )
                finally:
                    server.kill()
            print(_row(name, kind, figures), flush=True)


if __name__ == "__main__":
    react(main, sys.argv[1:])
