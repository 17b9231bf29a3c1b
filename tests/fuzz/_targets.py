"""
What is fuzzed, and what has to hold, whatever the bytes.

The first byte of an input says which of them it is for, the second one how;
the rest is what it is about.
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from twisted.spread import banana, jelly
from twisted.spread import pb as stock
from twisted.spread.banana import BananaError

from pbext import Limits, Registry, pb
from pbext.errors import BadMessage, LimitReached, NotSendable, PBExtError
from pbext.wire import _broadcast, _leaves
from pbext.wire._banana import encodeTokens
from pbext.wire._budget import Budget
from pbext.wire._streams import DIALECT
from tests.codecs import CODECS, Codec, StockBanana, lists
from tests.fuzz._finding import Finding, same
from tests.fuzz._objects import Brook, Copied, Pond, Strict
from tests.fuzz._streaming import streaming
from tests.fuzz._values import valueOf
from tests.graphs import shape
from tests.switching import PURE, using

__all__ = ["TARGETS", "run"]

#: Small enough for a fuzzer to reach all of it.
LIMITS = Limits(
    maxMessageBytes=20_000,
    items=1_000,
    depth=40,
    expandedItems=2_000,
    keyItems=100,
    keyIntegers=5,
    logLines=1_000_000,
    references=20,
    caches=20,
    cachesReceived=20,
    callsInFlight=20,
)
BUDGET = Budget.of(LIMITS)

# As small, for the same reason: of names that are remembered, and of bytes of an
# update that is sent as it is.
_leaves._MOST = 64
_broadcast._SPLICED = 300

#: What one input may take, in bytes: what it is itself, what a message of the
#: budget becomes, and what a broker is.
MEMORY = 4_000_000

#: Every so many inputs, memory is measured: that is slow.
_MEASURED = 50

#: By the second byte: how many bytes arrive at a time.
_CHUNKS = (None, 1, 2, 3, 7, 64, 1000, None)


def _decoded(
    codec: Codec, data: bytes, vocabulary: bool, size: int | None
) -> tuple[list[Any], tuple[Any, ...] | None]:
    """
    @return: the messages in the bytes; and what they end in, if it is an error.
    """
    decoder = codec.Decoder(BUDGET)
    decoder.vocabulary = vocabulary
    found = []
    step = size or len(data) or 1
    try:
        for start in range(0, len(data), step):
            decoder.feed(data[start : start + step])
            while (message := decoder.next()) is not None:
                found.append(lists(message))
    except LimitReached as error:
        return found, (LimitReached, error.limit, error.value)
    except BadMessage as error:
        return found, (BadMessage, error.why)
    if decoder.used[0] != decoder.pending:
        raise Finding("it does not know how many bytes it has")
    return found, None


def _left(codec: Codec, data: bytes, vocabulary: bool) -> tuple[int, ...]:
    """
    @return: how much the message at the end, which is not whole, has of each thing
        that is bounded.  The bytes come one by one: of several, the codec in Python
        may count those of a pair when all of it is there.
    """
    decoder = codec.Decoder(BUDGET)
    decoder.vocabulary = vocabulary
    for byte in data:
        decoder.feed(bytes([byte]))
        while decoder.next() is not None:
            pass
    return tuple(decoder.used)


def _asStock(data: bytes, vocabulary: bool) -> tuple[list[Any], bool]:
    """
    @return: the messages, and whether they end in an error.
    """
    found = StockBanana(vocabulary).decode([data])
    wrong = bool(found) and isinstance(found[-1], Exception)
    return (found[:-1] if wrong else found), wrong


def decoding(how: int, data: bytes) -> None:
    """
    A decoder gives what stock does, or says what is wrong; whatever the
    chunks, and whichever codec.
    """
    vocabulary, size = bool(how & 8), _CHUNKS[how & 7]
    results = [_decoded(codec, data, vocabulary, size) for codec in CODECS]
    for other in results[1:]:
        same(results[0], other, "the codecs differ")
    found, error = results[0]
    whole = _decoded(PURE, data, vocabulary, None)
    same(found, whole[0], "the chunks make a difference")
    same(error is None, whole[1] is None, "the chunks make an error")
    if error is None and len(data) < 1_000:
        left = [_left(codec, data, vocabulary) for codec in CODECS]
        same(left[0], left[-1], "the codecs count otherwise")
    if len(data) > 5_000:
        return  # stock is quadratic
    theirs, wrong = _asStock(data, vocabulary)
    if error is None or error[0] is not LimitReached:
        same(theirs, found, "stock reads something else")
        same(wrong, error is not None, "stock judges differently")
    else:
        same(theirs[: len(found)], found, "stock reads something else")


class Tree(pb.RemoteCopy):
    """
    Of a registry of its own; what it has is looked at once more at the end.
    """

    def postUnjelly(self) -> None:
        self.__dict__["whole"] = True


class Reader(jelly.Unjellyable):
    """
    Reads its jelly itself.
    """

    def unjellyFor(self, unjellier: Any, jellyList: list[Any]) -> Any:
        unjellier.unjellyInto(self, "state", jellyList[1])
        return self


class Plain(stock.RemoteCopy):
    """
    Twisted's, with a state of its own.
    """

    def setCopyableState(self, state: Any) -> None:
        self.state = dict(state)


def _twice(unjellier: Any, jellyList: list[Any]) -> Any:
    # Not in itself, or twenty of them in each other were read a million times.
    times = 1 if getattr(unjellier, "isTwice", False) else 2
    unjellier.isTwice = True
    try:
        return [unjellier.unjelly(jellyList[1]) for _ in range(times)]
    finally:
        unjellier.isTwice = times == 1


def _later(unjellier: Any, jellyList: list[Any]) -> Any:
    return unjellier.unjellyLater(jellyList[1])


def _lake(state: Any) -> Any:
    if type(state) is not dict:
        raise ValueError("a lake has a shore")
    return Tree()


REGISTRY = Registry()
REGISTRY.setUnjellyableForClass("tests.fuzz.Copy", Tree)
REGISTRY.setUnjellyableForClass("tests.fuzz.Strict", Strict)
REGISTRY.setUnjellyableFactoryForClass("tests.nothing", _lake)
REGISTRY.registerCopier(
    complex, "tests.fuzz.StockCopy", lambda value: [value.real], lambda state: state
)
REGISTRY.registerCopier(
    Copied, "tests.fuzz.Copied", lambda value: vars(value), lambda state: state
)

for _tag, _reader in (
    ("tests.fuzz.Reader", Reader),
    ("tests.fuzz.Plain", Plain),
    ("tests.fuzz.twice", _twice),
    ("tests.fuzz.later", _later),
):
    jelly.setUnjellyableForClass(_tag, _reader)
    if isinstance(_reader, type):
        REGISTRY.setUnjellyableForClass(_tag, _reader)
jelly.setUnjellyableFactoryForClass("tests.fuzz.lake", _lake)

_NARROW = jelly.SecurityOptions()
_NARROW.allowBasicTypes()
_NARROW.allowTypes("tests.fuzz.Copy", "tests.nothing")


class _Asked(jelly.SecurityOptions):
    def isTypeAllowed(self, typeName: Any) -> Any:
        return super().isTypeAllowed(typeName) and typeName != b"set"


_OWN = _Asked()
_OWN.allowInstancesOf(Reader)

#: By two bits.
_POLICIES = (jelly.globalSecurity, jelly.globalSecurity, _NARROW, _OWN)


def _form(value: Any) -> Any:
    """
    @return: what is the same for values that are alike, objects included.
    """
    found: list[Any] = []
    seen: set[int] = set()
    waiting = [value]
    for part in waiting:
        parts, standIns = shape(part)
        found.append(standIns)
        for kind, what in parts:
            state = getattr(what, "__dict__", None)
            if type(state) is dict and not isinstance(what, (type, ModuleType)):
                found.append(kind)
                if id(what) not in seen:
                    seen.add(id(what))
                    state = {k: v for k, v in state.items() if k != "broker"}
                    waiting.append(state)
            elif kind in (set, frozenset):
                # In the order of their hashes, which may be their addresses.
                found.append((kind, sorted(map(_ADDRESS, map(repr, what)))))
            else:
                found.append((kind, what))
    return found


_ADDRESS = partial(re.compile(" at 0x[0-9a-f]+").sub, "")


class _Factory:
    unsafeTracebacks = False

    def clientConnectionMade(self, broker: Any) -> None:
        pass


def _broker(how: int) -> Any:
    """
    @param how: which classes it knows, and which policy it has.
    @return: a connected broker that has negotiated.
    """
    broker = pb.Broker(False, _POLICIES[how & 3])
    if how & 3 == 1:
        broker.registry = REGISTRY
    if how & 4:
        broker.stringLimit = 30
    broker.limits, broker.clock, broker.factory = LIMITS, Clock(), _Factory()
    broker.makeConnection(StringTransport())
    broker._selectDialect(b"pb")
    broker.transport.clear()
    return broker


#: What readers of their own end in; the last one of Twisted's, of a key.
_READERS = (ValueError, TypeError, AttributeError, LookupError, AssertionError)


def _stockBroker() -> Any:
    """
    @return: the same of Twisted's.
    """
    broker = stock.Broker(False)
    broker.factory = _Factory()
    broker.makeConnection(StringTransport())
    broker._selectDialect(b"pb")
    broker.transport.clear()
    return broker


def _outcome(function: Callable[..., Any], *args: Any) -> tuple[Any, ...]:
    """
    @return: the result of a function, or the error that it may end in.
    """
    try:
        return ("made", function(*args))
    except (PBExtError, pb.Error, jelly.InsecureJelly, *_READERS) as error:
        return ("refused", type(error), str(error))


def reading(how: int, data: bytes) -> None:
    """
    One value is read, or refused, and the codecs do not differ in which.
    """
    outcomes = []
    for codec in CODECS:
        decoder = codec.Decoder(BUDGET)
        decoder.vocabulary = True
        # As in a message, where the compiled one leaves it in its bytes.
        decoder.feed(b"\x01\x80" + data)
        try:
            message = decoder.next()
        except PBExtError:
            return
        if message is None:
            return
        with using(codec):
            broker = _broker(how)
            outcomes.append(_outcome(broker.unserialize, message[0]))
            if outcomes[-1][0] == "made":
                outcomes[-1] = ("made", _form(outcomes[-1][1]))
            broker.connectionLost(Failure(ConnectionDone()))
    for other in outcomes[1:]:
        same(outcomes[0], other, "the codecs differ")


#: What the hooks of values end in, and what comes of what they do.
_HOOKS = (
    ZeroDivisionError,
    RuntimeError,
    NotImplementedError,
    UnicodeEncodeError,
    PBExtError,
)


def _packed(codec: Codec, how: int, data: bytes) -> tuple[Any, ...]:
    value = valueOf(data)
    with using(codec):
        broker = _broker(how)
        try:
            packed = broker.pack(value, "someone")
            plain = codec.encodeTokens([packed, 7], False, broker.stringLimit)
            if how & 16:
                _again(how, packed)
            return ("sent", packed.data, plain)
        except NotSendable as error:
            return ("refused", error.path, error.got)
        except (BananaError, *_HOOKS) as error:
            return ("refused", type(error), str(error))
        finally:
            broker.connectionLost(Failure(ConnectionDone()))


def _again(how: int, packed: Any) -> None:
    """
    What was written is read, or refused, alike in its bytes and in lists.
    """
    read = []
    for part in (packed, packed.sexp()):
        broker = _broker(how & 3)
        outcome = _outcome(broker.unserialize, part)
        read.append(_form(outcome[1]) if outcome[0] == "made" else outcome)
        broker.connectionLost(Failure(ConnectionDone()))
    same(*read, "bytes are read as something else than lists")


def _jellied(how: int, data: bytes) -> tuple[Any, ...]:
    """
    What the path of nested lists makes of a value.
    """
    value = valueOf(data)
    broker = _broker(how)
    writer = banana.Banana()
    writer.setPrefixLimit(64)
    writer.currentDialect = b"pb"
    writer.transport = StringTransport()
    try:
        sexp = broker.serialize(value, "someone")
        writer.sendEncoded(sexp)
        data = writer.transport.value()
        writer.transport.clear()
        writer.currentDialect = b"none"
        writer.sendEncoded([sexp, 7])
        return ("sent", data, writer.transport.value())
    except (BananaError, *_HOOKS):
        return ("refused",)  # perhaps for another of the reasons
    finally:
        broker.connectionLost()


def writing(how: int, data: bytes) -> None:
    """
    A value becomes the bytes that stock makes of it, or is refused where it
    is wrong.
    """
    results = [_packed(codec, how, data) for codec in CODECS]
    for other in results[1:]:
        same(results[0], other, "the codecs differ")
    theirs = _jellied(how, data)
    if not how & 4 or results[0][0] == "sent":
        same(theirs, results[0][: len(theirs)], "the lists differ")
    if how & 8:
        written = [_written(codec, data) for codec in CODECS]
        for other in written[1:]:
            same(written[0], other, "the codecs differ")


def _written(codec: Codec, data: bytes) -> tuple[Any, ...]:
    """
    What becomes of a value that is taken for jelly.
    """
    try:
        return ("sent", codec.encodeTokens(valueOf(data), True, 20))
    except BananaError as error:
        return ("refused", str(error))
    except RecursionError:
        return ("refused",)


class _Root(pb.Root):
    def __init__(self) -> None:
        self.kept: list[Any] = []

    def remote_echo(self, thing: Any = None, **more: Any) -> Any:
        return thing

    def remote_keep(self, *things: Any) -> None:
        self.kept = list(things)

    def remote_drop(self, *things: Any, **more: Any) -> None:
        self.kept.clear()

    def remote_make(self, data: bytes) -> Any:
        if type(data) is not bytes:
            raise pb.Error("bytes are wanted")
        return valueOf(data)


class _Watch:
    """
    What is logged as an error that nobody meant.
    """

    def __init__(self) -> None:
        self.failures: list[Any] = []

    def __call__(self, event: Any) -> None:
        failure = event.get("log_failure")
        if failure is not None and event["log_level"] >= LogLevel.critical:
            if not failure.check(*_MEANT):
                self.failures.append(failure)


#: What the methods above fail with, by themselves, and the hooks of what they return.
_MEANT: Sequence[Any] = (
    ZeroDivisionError,
    NotImplementedError,
    PBExtError,
    *_READERS,
)


def _talked(codec: Codec, how: int, data: bytes) -> tuple[Any, ...]:
    """
    @return: what a server has answered to the bytes, and whether it has hung
        up, and why.
    """
    clock = Clock()
    factory = pb.PBServerFactory(_Root(), limits=LIMITS, clock=clock)
    with using(codec):
        broker = factory.buildProtocol(None)
        transport = StringTransport()
        transport.abortConnection = transport.loseConnection
        broker.makeConnection(transport)
        if not how & 8:
            named = DIALECT if how & 16 else b"pb"
            broker.dataReceived(bytes([len(named), 0x82]) + named)
        size = _CHUNKS[how & 7] or len(data) or 1
        for start in range(0, len(data), size):
            broker.dataReceived(data[start : start + size])
        clock.advance(0)  # and what waits for the end of the turn leaves
        fault = broker.fault
        if fault is not None and not isinstance(fault, PBExtError):
            raise Finding(f"not an error of ours: {fault!r}")
        if fault is None and not transport.disconnecting and broker.currentDialect:
            pending = broker._decoder.pending
            if not pending:
                transport.clear()
                broker.dataReceived(_PROBE)
                clock.advance(0)
                if b"still there" not in transport.value():
                    raise Finding("it does not answer any more")
        written = transport.value()
        broker.connectionLost()
        clock.advance(1_000)
    why = (type(fault), getattr(fault, "limit", None))
    return written, transport.disconnecting, why


#: A call that is always answered.
_PROBE = (
    b"\x07\x80\x1a\x87\x7f\x81\x04\x82root\x04\x82echo\x01\x81"
    b"\x02\x80\x0b\x87\x0b\x82still there\x01\x80\x05\x87"
)


def talking(how: int, data: bytes) -> None:
    """
    A server answers, or hangs up; and it says nothing of errors that it did
    not expect.
    """
    watch = _Watch()
    globalLogPublisher.addObserver(watch)
    try:
        results = [_talked(codec, how, data) for codec in CODECS]
    finally:
        globalLogPublisher.removeObserver(watch)
    for failure in watch.failures:
        raise Finding(failure.getTraceback())
    for other in results[1:]:
        same(_comparable(results[0]), _comparable(other), "the codecs differ")


def _comparable(result: tuple[Any, ...]) -> tuple[Any, ...]:
    """
    What is the same with each codec: not the names of incidents, which are
    drawn, nor when something is let go of, which is when it is garbage.
    """
    written, *rest = result
    said = []
    for message in StockBanana().decode([written]):
        if not (type(message) is list and message[:1] in _GARBAGE):
            said.append(_INCIDENT.sub(b"", encodeTokens(message, True, 10**6)))
    return (*said, *rest)


_GARBAGE = ([b"decref"], [b"decache"], [b"chunk"], [b"begin"])
_INCIDENT = re.compile(b"the log there has it as ........")


def _heard(codec: Codec, how: int, data: bytes, alone: bool) -> list[Any]:
    """
    @param alone: whether each observer has a Cacheable of its own.
    @return: what three observers are told by one update.
    """
    with using(codec):
        brokers = [_broker(kind) for kind in (0, 0, how & 3)]
        if how & 8:
            brokers[2] = _stockBroker()
        for broker in brokers:
            broker.currentRequestID = (0, 127, 20_000, 3_000_000)[how >> 6]
        # Twisted's broker cannot keep back what is said too early.
        kind: Any = Brook if how & 4 and not how & 8 else Pond
        ponds = [kind() for _ in brokers] if alone else [kind()] * 3
        value = valueOf(data, steady=True)
        early = []
        for who, (broker, pond) in enumerate(zip(brokers, ponds, strict=True)):
            pond.said = value
            pack = getattr(broker, "pack", broker.serialize)
            try:
                broker.sendCall(b"answer", 1, pack(pond, f"perspective {who}"))
            except (BananaError, *_HOOKS) as error:
                early.append(repr(error))
            early.append(broker.transport.value())
            broker.transport.clear()
        if how & 16:
            brokers[1].outlet.pauseProducing()
        for pond in ponds if alone else ponds[:1]:
            pond.observers.callRemote("change", value)
        if how & 16:
            brokers[1].outlet.resumeProducing()
        for broker in brokers[: 2 if how & 8 else 3]:
            broker.clock.advance(1)
        told = [broker.transport.value() for broker in brokers]
        for broker in brokers:
            broker.connectionLost(Failure(ConnectionDone()))
    return [*early, *told]


def telling(how: int, data: bytes) -> None:
    """
    Observers that are told together hear what each would hear alone.
    """
    results = [_heard(codec, how, data, False) for codec in CODECS]
    for other in results[1:]:
        same(results[0], other, "the codecs differ")
    alone = _heard(PURE, how, data, True)
    same(alone, results[0], "together they hear something else")


#: By the first byte of an input.
TARGETS: list[Callable[[int, bytes], None]] = [
    decoding,
    reading,
    writing,
    talking,
    telling,
    streaming,
]

#: Where the input is a value of a program's, which may be as large as it likes.
_OURS = {writing, telling}

_count = 0


def run(data: bytes) -> None:
    """
    Try one input.

    @raise Finding: if something is wrong.
    """
    global _count
    if len(data) < 2:
        return
    target = TARGETS[data[0] % len(TARGETS)]
    _count += 1
    if _count % _MEASURED or target in _OURS:
        target(data[1], data[2:])
        return
    tracemalloc.start()
    try:
        target(data[1], data[2:])
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if peak > MEMORY:
        raise Finding(f"{peak:,} bytes of memory")
