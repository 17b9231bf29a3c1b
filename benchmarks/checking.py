"""
C{python -m benchmarks.checking}: what it costs to check what has arrived,
against the same classes unchecked, and beside what other libraries take for
the same check.

From the jelly of a message to its objects, in one process, which decodes and
builds what a call has brought: the ways in turns, round by round, and of the
ratios to the unchecked way in the same round the median.  The other libraries
get what arrives as plain dicts, and make objects of those.
"""

import gc
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from statistics import median
from typing import Any

from twisted.spread import banana

from benchmarks.table import machine
from pbext import Registry, pb
from pbext.testing import Pair, connectedPair

#: An odd number has a middle.
_ROUNDS = 9


@dataclass
class Frog(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "benchmarks.Frog"
    name: str
    colour: str
    age: int
    weight: float
    spots: list[int]
    asleep: bool


@dataclass
class Tadpole(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "benchmarks.Tadpole"
    name: str
    age: int
    weight: float


@dataclass
class Basket(pb.Copyable, pb.RemoteCopy):
    """
    Where there are many, they are in the field of one.
    """

    typeToCopy = "benchmarks.Basket"
    tadpoles: list[Tadpole] = field(default_factory=list)


CLASSES = (Frog, Tadpole, Basket)


def frog(_: int) -> Any:
    return Frog("Bob", "green", 3, 0.25, [1, 2, 3], False)


def basket(size: int) -> Any:
    return Basket([Tadpole(f"tadpole {n}", n, n / 7) for n in range(size)])


#: What arrives: how it is made, and how often it is read in a round.
JOBS: dict[str, tuple[Callable[[int], Any], int, int]] = {
    "an object of six fields": (frog, 1, 3000),
    "10,000 objects of three fields": (basket, 10_000, 1),
}


def _receiving(classes: dict[str, type]) -> Registry:
    registry = Registry()
    for tag, cls in classes.items():
        registry.setUnjellyableForClass(tag, cls)
    return registry


def _unchecked(cls: type) -> type:
    """
    The same class, whose fields may hold anything.
    """
    made: type = make_dataclass(
        cls.__name__,
        [(f.name, Any) for f in fields(cls)],  # type: ignore[arg-type]  # they are dataclasses
        bases=(pb.RemoteCopy,),
        namespace={"copyChecked": False},
    )
    return made


class _AsDict(pb.RemoteCopy):
    """
    What arrives, as the other libraries take it.
    """

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        return unjellier.unjelly(jellyList[1])


def _structured(pair: Pair, sexp: Any, structure: Callable[[Any], Any]) -> Any:
    return lambda: structure(pair.server.unserialize(sexp)[0])


def _others(pair: Pair, sexp: Any, cls: type) -> Iterator[tuple[str, Any]]:
    """
    The libraries that are installed.
    """
    try:
        import cattrs
    except ImportError:
        print("cattrs is not installed", file=sys.stderr)
    else:
        converter = cattrs.Converter(detailed_validation=False)
        for kind in (int, str, bool, float):
            # By default it converts, and does not check.
            converter.register_structure_hook(kind, _strict)
        yield "cattrs", _structured(pair, sexp, lambda v: converter.structure(v, cls))
    try:
        import pydantic
    except ImportError:
        print("pydantic is not installed", file=sys.stderr)
    else:
        config = pydantic.ConfigDict(strict=True)
        twins: dict[str, Any] = {}
        for original in CLASSES:
            kinds = {f.name: f.type for f in fields(original)}
            if original is Basket:
                kinds = {"tadpoles": list[twins["Tadpole"]]}  # type: ignore[misc]  # made at run time
            twins[original.__name__] = pydantic.create_model(
                original.__name__,
                __config__=config,
                **{name: (kind, ...) for name, kind in kinds.items()},
            )
        yield "pydantic", _structured(pair, sexp, twins[cls.__name__].model_validate)


def _strict(value: Any, kind: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(kind)
    return value


def _ways(pair: Pair, sexp: Any, cls: type) -> dict[str, tuple[Registry, Any]]:
    tags = {str(c.typeToCopy): c for c in CLASSES}
    unchecked = _receiving({tag: _unchecked(c) for tag, c in tags.items()})
    checked = _receiving(dict(tags))
    plain = _receiving(dict.fromkeys(tags, _AsDict))
    read = lambda: pair.server.unserialize(sexp)  # noqa: E731  # one of several
    ways = {"unchecked": (unchecked, read), "checked": (checked, read)}
    return ways | {name: (plain, way) for name, way in _others(pair, sexp, cls)}


def measure(job: str, rounds: int, smoke: bool) -> dict[str, list[float]]:
    """
    @return: by way: CPU seconds for one message, round by round.
    """
    make, size, times = JOBS[job]
    if smoke:
        size, times = min(size, 10), 1
    found: dict[str, list[float]] = {}
    with connectedPair(pb.Root()) as pair:
        value = make(size)
        sexp = banana.decode(banana.encode(pair.client.serialize((value,))))
        ways = _ways(pair, sexp, type(value))
        for number in range(rounds + 1):
            for name, (registry, way) in ways.items():
                pair.server.registry = registry
                gc.collect()
                start = time.process_time()
                for _ in range(times):
                    way()
                seconds = (time.process_time() - start) / times
                if number:  # the first round warms up
                    found.setdefault(name, []).append(seconds)
    return found


def main(argv: Sequence[str]) -> int:
    """
    @return: the exit status.
    """
    parser = ArgumentParser(prog="python -m benchmarks.checking")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument(
        "--smoke", action="store_true", help="only to see that it works"
    )
    options = parser.parse_args(argv)
    print(*machine(), sep=", ")
    for job in JOBS:
        taken = measure(job, 1 if options.smoke else options.rounds, options.smoke)
        print(f"\n{job}\n{'way':12} {'us':>10} {'ratio':>6}  min - max")
        for name, seconds in taken.items():
            pairs = zip(seconds, taken["unchecked"], strict=True)
            ratios = sorted(a / b if b else 1.0 for a, b in pairs)
            print(
                f"{name:12} {median(seconds) * 1e6:10.1f} {median(ratios):6.2f}  "
                f"{ratios[0]:.2f} - {ratios[-1]:.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
