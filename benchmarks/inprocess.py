"""
What is measured in one process: bytes that arrive, without the network.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.internet.utils import getProcessOutput
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python.failure import Failure
from twisted.spread.banana import encode

from benchmarks import ponds, usage
from benchmarks.ponds import pb
from benchmarks.stage import Figures, Stage

__all__ = [
    "Channel",
    "bomb",
    "chunk",
    "hashed",
    "importing",
    "message",
    "messages",
    "printed",
]

#: Bytes of a letter in a message: a list of C{unicode} and the letter.
_LETTER = 14

#: Bytes of the strings in a message, and of what is written before each.
_STRING, _HEADS = 100, 13

#: How many bytes are a measurement.
_ENOUGH = 1_000_000

#: And how many messages.
_MANY = 10_000


class Basin(pb.Root):
    """
    What takes whatever comes.

    @ivar taken: how often.
    """

    taken = 0

    def remote_take(self, value: object) -> None:
        self.taken += 1


class Channel:
    """
    A server and a client whose bytes go nowhere by themselves.

    @ivar basin: the root of the server.
    @ivar server: the broker that receives.
    @ivar client: the broker that sends.
    """

    def __init__(self) -> None:
        self.basin = Basin()
        self.server = pb.PBServerFactory(self.basin).buildProtocol(None)
        self.client = pb.PBClientFactory().buildProtocol(None)
        for broker in (self.server, self.client):
            # Stock's dialect, in which a message is in one piece.
            broker.knownDialects = [b"pb"]
            broker.makeConnection(StringTransport())
        while self._pump(self.server, self.client) or self._pump(
            self.client, self.server
        ):
            pass

    def _pump(self, sender: Any, receiver: Any) -> bool:
        data = self.written(sender)
        receiver.dataReceived(data)
        return bool(data)

    def written(self, broker: Any) -> bytes:
        """
        Take what a broker has written.
        """
        data: bytes = broker.transport.value()
        broker.transport.clear()
        return data

    def called(self, *arguments: object, method: str = "take") -> bytes:
        """
        @return: a call of the server's root, in bytes.
        """
        self.client.remoteForName("root").callRemote(method, *arguments, pbanswer=False)
        return self.written(self.client)

    def close(self) -> None:
        for broker in (self.server, self.client):
            if not broker.disconnected:
                broker.connectionLost(Failure(ConnectionDone()))


def _received(
    channel: Channel, data: bytes, clock: Callable[[], float] = time.perf_counter
) -> float:
    """
    @return: seconds.
    """
    start = clock()
    channel.server.dataReceived(data)
    return clock() - start


async def chunk(stage: Stage, size: int) -> Figures:
    """
    Receive one message of small items in one piece.

    @param size: bytes of the message.
    """
    channel = Channel()
    data = channel.called(["a"] * (size // _LETTER))
    seconds = _received(channel, data)
    channel.close()
    return {"time, ms": seconds * 1e3}


async def message(stage: Stage, size: int) -> Figures:
    """
    Send and receive one message of strings, in one piece.

    @param size: bytes of the message.
    """
    channel = Channel()
    value = ["." * _STRING] * (size // (_STRING + _HEADS))
    figures: dict[str, list[float]] = {"encode": [], "decode": []}
    # The first warms up, and a small one is soon done.
    for _ in range(1 + max(3, _ENOUGH // size)):
        start = time.process_time()
        data = channel.called(value)
        figures["encode"].append(time.process_time() - start)
        figures["decode"].append(_received(channel, data, time.process_time))
    if not channel.basin.taken:
        raise RuntimeError(f"a message of {size} bytes did not arrive")
    channel.close()
    return {
        f"CPU to {name}, us a KB": median(seconds[1:]) / len(data) * 1e9
        for name, seconds in figures.items()
    }


async def messages(stage: Stage, number: int) -> Figures:
    """
    Receive many calls in one piece.
    """
    channel = Channel()
    data = channel.called(7) * number
    seconds = [
        _received(channel, data, time.process_time)
        for _ in range(1 + max(3, _MANY // number))
    ]
    channel.close()
    return {"CPU, us a message": median(seconds[1:]) / number * 1e6}


def dag(levels: int) -> list[object]:
    """
    Tuples of one tuple twice: in so many levels, 2 to that power of them, in 41
    bytes a level.
    """
    made: list[object] = [b"tuple"]
    for number in range(1, levels + 1):
        first = [b"reference", number, made]
        made = [b"tuple", first, [b"dereference", number]]
    return made


def printed(levels: int) -> list[object]:
    """
    Two arguments where there should be one: stock puts both into its log.
    """
    return [b"tuple", dag(levels), 7]


def hashed(levels: int) -> list[object]:
    """
    What is to be a key: hashing it takes as long as it would be.
    """
    return [b"tuple", [b"dictionary", [dag(levels), 7]]]


async def bomb(
    stage: Stage, arguments: Callable[[int], list[object]], stock: int, pbext: int
) -> Figures:
    """
    Receive a small message that would become a large one.

    @param arguments: makes them, from a number of levels: C{stock} or C{pbext}.
    @raise RuntimeError: if pbext lets it in.
    """
    _forgetLog()
    channel = Channel()
    call = arguments(pbext if stage.ours else stock)
    data = encode([b"message", 1, b"root", b"take", 0, call, [b"dictionary"]])
    usage.resetPeak()
    before = usage.memory()
    seconds = _received(channel, data)
    grown = usage.peak() - before
    if stage.ours and channel.basin.taken:
        raise RuntimeError(f"not refused: {arguments.__name__}")
    channel.close()
    return {"time, ms": seconds * 1e3, "memory, KiB": grown / 1024}


@cache
def _forgetLog() -> None:
    """
    Let a log be written, as a server does, and not kept.
    """
    nowhere = textFileLogObserver(open(os.devnull, "w"))
    globalLogBeginner.beginLoggingTo([nowhere], redirectStandardIO=False)


async def importing(stage: Stage) -> Figures:
    """
    Import C{pb} in an interpreter of its own, not for the first time: what is
    installed comes with its bytecode, and a checkout has it then as well.
    """
    code = (
        "import time; before = time.process_time();"
        f"import {ponds.PB}; print(time.process_time() - before)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for _ in range(2):
        printed = await getProcessOutput(sys.executable, ["-c", code], env=environment)
    return {"CPU, ms": float(printed) * 1e3}
