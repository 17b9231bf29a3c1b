"""
What the codec takes, without messages, in one process.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

from twisted.python.reflect import qual
from twisted.spread import flavors
from twisted.spread.jelly import globalSecurity

from benchmarks import ponds
from benchmarks.inprocess import Channel
from benchmarks.stage import Figures, Stage

__all__ = ["codec"]


class Plain(flavors.Copyable):
    """
    A frog of Twisted's own, at both ends.
    """

    def __init__(self) -> None:
        self.__dict__.update(vars(ponds.Frog()))


class RemotePlain(flavors.RemoteCopy):
    pass


flavors.setUnjellyableForClass(Plain, RemotePlain)


async def codec(stage: Stage, times: int, stock: int, whole: bool = False) -> Figures:
    """
    Values to bytes and back, and no messages.

    @param stock: how often, in stock.
    @param whole: with all that a broker of ours adds: budgets, a registry of its
        own, safe state; without, a class of Twisted's own.
    """
    channel = Channel()
    frog: object = ponds.Frog() if whole else Plain()
    if not stage.ours:
        times = stock
        encode, decode = _stockCodec(channel)
    elif whole:
        encode, decode = _broker(channel)
    else:
        encode, decode = _alone(channel)
    channel.client.sendEncoded([channel.client.serialize(frog)])
    data = channel.written(channel.client)
    if vars(decode(data)) != vars(frog):
        raise RuntimeError("what has come back is another frog")
    figures = {
        "encode, us": _perCall(lambda: encode(frog), times),
        "decode, us": _perCall(lambda: decode(data), times),
    }
    channel.close()
    return figures


#: What makes bytes, and what makes an object of a list with it, in bytes.
_Codec = tuple[Callable[[object], bytes], Callable[[bytes], object]]


def _perCall(function: Callable[[], object], times: int) -> float:
    """
    @return: microseconds of CPU.
    """
    gc.collect()
    start = time.process_time()
    for _ in range(times):
        function()
    return (time.process_time() - start) / times * 1e6


def _stockCodec(channel: Channel) -> _Codec:
    client, server = channel.client, channel.server
    received: list[Any] = []
    server.expressionReceived = received.append

    def encode(value: object) -> bytes:
        client.sendEncoded(client.serialize(value))
        return channel.written(client)

    def decode(data: bytes) -> object:
        server.dataReceived(data)
        [value] = received.pop()
        return server.unserialize(value)

    return encode, decode


def _alone(channel: Channel) -> _Codec:
    # Not before: stock's samples are to be without it.
    from pbext.wire._budget import UNLIMITED
    from pbext.wire._codec import Decoder, Encoder, read
    from pbext.wire._readers import readClass
    from pbext.wire._words import DATA

    client = channel.client
    readers = {**DATA, qual(Plain).encode(): readClass(RemotePlain)}
    decoder = Decoder(UNLIMITED)
    decoder.vocabulary = True

    def encode(value: object) -> bytes:
        data: bytes = Encoder(client).encode(value).data
        return data

    def decode(data: bytes) -> object:
        decoder.feed(data)
        [value] = decoder.next()
        return read(value, globalSecurity, client, {}, [], readers)

    return encode, decode


def _broker(channel: Channel) -> _Codec:
    from pbext import Registry
    from pbext.wire._budget import Budget
    from pbext.wire._codec import Decoder

    client, server = channel.client, channel.server
    server.registry = Registry()
    server.registry.setUnjellyableForClass(ponds.Frog, ponds.RemoteFrog)
    decoder = Decoder(Budget.of(server.limits))
    decoder.vocabulary = True

    def encode(value: object) -> bytes:
        data: bytes = client.pack(value).data
        return data

    def decode(data: bytes) -> object:
        decoder.feed(data)
        [value] = decoder.next()
        return server.unserialize(value)

    return encode, decode
