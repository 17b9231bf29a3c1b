"""
What is fixed mechanically is right afterwards: the rewritten programs are run.
"""

from __future__ import annotations

import importlib.util
import itertools
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from twisted.spread import pb as stock
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pbext import pb
from pbext.audit._findings import Finding
from pbext.audit._rules import allRules, find
from pbext.audit.fixing._fix import OBSERVERS, Plan, planFixes
from pbext.audit.reading._reader import readProgram
from pbext.testing import restoredRegistry
from tests.audit.ponds_written import KEPT, LEFT, Way
from tests.audit.test_rules import SAMPLES
from tests.processes import directory
from tests.wires import Factories, MemoryWire, TCPWire, WireTestCase

EXAMPLE = Path(__file__).parents[2] / "examples" / "cache" / "cache_ponds.py"

_numbers = itertools.count()


class Heard(stock.RemoteCache):
    """
    The pond at a client: Twisted's own class, since one end changes at a time.
    """

    def observe_addDuck(self, duck: str) -> None:
        self.ducks.append(duck)


class _Alike:
    """
    A broker's hash is one of some thousand; with some dozens of clients, two are
    the same.  Here, all are.
    """

    def __hash__(self) -> int:
        return 7


class _StockBroker(_Alike, stock.Broker):
    pass


class _Broker(_Alike, pb.Broker):
    pass


def _server(factory: Any, broker: Any) -> Factories:
    def make(root: Any) -> Any:
        made = factory(root)
        made.protocol = broker
        return made

    return Factories(make, stock.PBClientFactory)


STOCK = _server(stock.PBServerFactory, _StockBroker)
PBEXT = _server(pb.PBServerFactory, _Broker)


class PondRoot(stock.Root):
    def __init__(self, pond: Any) -> None:
        self.pond = pond

    def remote_get(self) -> Any:
        return self.pond


@attrs.frozen
class Outcome:
    """
    What came of a pond with three clients, of which the second died.

    @ivar known: the ducks that the two others know of.
    @ivar raised: what its methods raised.
    @ivar left: how many observers it has in the end.
    @ivar logged: the errors in the log.
    """

    known: list[list[str]]
    raised: list[str]
    left: int
    logged: list[str]


RIGHT = Outcome([["Huey", "Dewey", "Louie", "Daffy"]] * 2, [], 2, [])


def load(path: Path) -> ModuleType:
    """
    @return: the module in a file, under a name that nobody has.
    """
    name = f"written_pond_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(path: Path) -> list[Finding]:
    """
    @return: what the rules about observers find in a file.
    """
    rules = [rule for id, rule in allRules().items() if id in OBSERVERS]
    return find(readProgram([str(path)]), rules)


def planned(path: Path) -> Plan:
    """
    @return: what is to be done about what the rules find in a file.
    """
    return planFixes(readProgram([str(path)]))


class _PondTests:
    """
    Each of the ponds is wrong, is fixed, and is right.
    """

    Wire: Any

    async def live(
        self: Any, path: Path, server: Factories, name: str = "Pond"
    ) -> Outcome:
        """
        @return: what comes of the pond in a file.
        """
        with restoredRegistry():
            module = load(path)
            stock.setUnjellyableForClass(f"{module.__name__}.{name}", Heard)
            pond = getattr(module, name)(["Huey"])
            raised: list[str] = []
            wire = self.wire = self.Wire(PondRoot(pond), server, server)
            try:
                lines = [await wire.connect() for _ in range(3)]
                caches = []
                for line in lines:
                    got = line.root.callRemote("get")
                    got.addErrback(lambda failure: raised.append("get"))
                    caches.append(await wire.result(got))

                def add(duck: str) -> None:
                    try:
                        pond.addDuck(duck)
                    except Exception as error:
                        raised.append(type(error).__name__)

                add("Dewey")
                await wire.settle()
                add("Louie")
                await wire.settle()
                await wire.cut(lines[1])
                add("Daffy")
                await wire.settle()
                logged = self.flushLoggedErrors()
                known = [getattr(caches[n], "ducks", []) for n in (0, 2)]
                left = pond.count() if name == "Pond" else len(pond.observers)
                return Outcome(
                    known, raised, left, [e.getErrorMessage() for e in logged]
                )
            finally:
                await wire.close()
                self.flushLoggedErrors()

    def write(self: Any, way: Way) -> Path:
        path = directory(self) / "pond.py"
        path.write_text(way.text, "utf-8")
        return path

    async def check(self: Any, ways: dict[str, Way]) -> None:
        for name, way in ways.items():
            path = self.write(way)
            before = await self.live(path, STOCK)
            self.assertNotEqual(before, RIGHT, f"{name} is right as it is")
            self.assertTrue(found(path), f"nothing is found in {name}")
            written = planned(path).write()
            self.assertEqual(written.paths, (str(path),), name)
            self.assertEqual(found(path), [], name)
            self.assertEqual(planned(path).files, {}, name)
            for server in (PBEXT, STOCK):
                after = await self.live(path, server)
                self.assertEqual(after, RIGHT, f"{name}:\n{path.read_text()}")

    async def test_kept(self: Any) -> None:
        """
        With the book in the place of their collection.
        """
        await self.check(KEPT)

    async def test_left(self: Any) -> None:
        """
        With their collection, and pbext's observers in it.
        """
        await self.check(LEFT)

    async def test_example(self: Any) -> None:
        """
        The example of the guide, on Twisted's classes.
        """
        if not EXAMPLE.exists():
            raise SkipTest("there are no examples here")
        path = directory(self) / "cache_ponds.py"
        ours = EXAMPLE.read_text("utf-8")
        path.write_text(ours.replace("from pbext import", "from twisted.spread import"))
        before = await self.live(path, STOCK, "DuckPond")
        self.assertNotEqual(before, RIGHT)
        planned(path).write()
        self.assertEqual(found(path), [])
        for server in (PBEXT, STOCK):
            self.assertEqual(await self.live(path, server, "DuckPond"), RIGHT)


class MemoryTests(_PondTests, WireTestCase):
    """
    In memory.
    """

    Wire = MemoryWire


class SamplesTests(SynchronousTestCase):
    """
    The samples of the rules, bad as they are, are no worse afterwards.
    """

    def test_samples(self) -> None:
        rules = [rule for id, rule in allRules().items() if id in OBSERVERS]
        written = 0
        for sample in sorted(
            path for id in OBSERVERS for path in (SAMPLES / id).glob("bad_*")
        ):
            copy = directory(self) / sample.name
            if sample.is_dir():
                shutil.copytree(sample, copy)
            else:
                shutil.copy(sample, copy)
            before = readProgram([str(copy)])
            done = planFixes(before).write()
            self.assertEqual(done.failed, ())
            written += len(done.paths)
            after = readProgram([str(copy)])
            self.assertEqual(after.unread, [])
            self.assertEqual(planFixes(after).files, {}, sample)
            known = {(f.rule, f.subject) for f in find(before, rules)}
            left = {(f.rule, f.subject) for f in find(after, rules)}
            self.assertLessEqual(left, known, sample)
        self.assertGreater(written, 10)


class TCPTests(_PondTests, WireTestCase):
    """
    Over loopback TCP.
    """

    Wire = TCPWire
