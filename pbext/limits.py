"""
How much a peer may have, and how long it may take: what keeps one connection
from taking more than its share of the process.

    >>> from pbext import Limits
    >>> Limits(callSeconds=10).callSeconds
    10

A factory takes C{limits=}, which hold for each of its connections.
"""

from __future__ import annotations

import attrs

from twisted.spread import pb

__all__ = ["Limits"]


def _count(default: int) -> int:
    field: int = attrs.field(default=default, validator=attrs.validators.ge(1))
    return field


def _seconds(default: float | None) -> float | None:
    field: float | None = attrs.field(
        default=default, validator=attrs.validators.optional(attrs.validators.gt(0))
    )
    return field


def _stockLimit() -> int:
    """
    Twisted's own limit, read when it is needed, for there are programs that
    set it.
    """
    limit: int = pb.MAX_BROKER_REFS
    return limit


@attrs.frozen(kw_only=True)
class Limits:
    """
    Counts are per connection.  Near a limit, at four fifths of it, there is a
    warning in the log, and L{Broker.gauges<pbext._broker.Broker.gauges>} says
    how far it is; at the limit, what is beyond it is refused with
    L{LimitReached<pbext.errors.LimitReached>}.  Seconds may be C{None}, for
    no limit.

    @ivar references: objects of this side that the peer may hold references
        to, besides the root; those with a name of their own count, as in
        stock.  By default
        what C{twisted.spread.pb.MAX_BROKER_REFS} says when the limits are
        made: 1024, unless a program has set it.
    @ivar caches: Cacheables of this side that the peer may hold; the default
        as for C{references}.
    @ivar cachesReceived: caches that the peer may have given to this side.
        By default 10,000, some ten times what a stock publisher gives:
        each costs about a kilobyte.
    @ivar callsInFlight: calls of the peer that this side has begun and not
        answered.  By default 10,000: each is a Deferred and what it waits
        for.
    @ivar maxMessageBytes: of one message, how many bytes; to a peer of pbext's,
        none is sent that is larger, either.  By default 16 MiB: a
        stock peer sends no string above 640 KiB, but may send many in one
        message.  Below some 66,000 bytes there are no large messages from
        pbext's, which sends them in chunks of 65,536.
    @ivar items: of one message, how many values and lists of Banana's.  By
        default 2,000,000, ten times what 10,000 objects of six fields are;
        each becomes at most some seventy bytes of memory.
    @ivar depth: of one message, how many lists within each other; an object
        with a dict of values takes four.  By default 400, which is deeper than
        what Python's own recursion lets a stock peer read.
    @ivar expandedItems: the items of one message, each reference to a part of
        it counted as that part: what a program meets that walks the values.
        By default 4,000,000.
    @ivar keyItems: of these, what references stand for within the keys of
        dicts and the members of sets, which have to be hashed.  By default
        100,000, which takes milliseconds.
    @ivar keyIntegers: within keys and members, integers from 2**61 - 1 on, of
        which Python gives many the same hash.  By default 1,000: so many with
        one hash take ten milliseconds.
    @ivar unreadBytes: of answers, and what else its messages make this side
        say, so many that the peer does not read.  Then it is not read from
        either, until it has read; for at most C{messageSeconds} in which it
        takes nothing, after which the connection is closed.  By default 1 MiB:
        more than Banana's largest string, so that one answer of stock's stops
        nobody.  Where this side has made the connection, 64 times as many, so
        that the two ends do not wait for each other to read.
    @ivar laggingBytes: if more bytes than that, which the peer has not asked
        for, wait for it to read, and more than three messages, it lags behind, and
        an observer is treated as its class says (C{whenLagging}).  By default
        256 KiB: a thousand small updates, and a thousand such peers are no
        more than a quarter of a gigabyte.
    @ivar keyCollisions: of one dict or set, how many others each key has to be
        compared with, on average: integers, floats and tuples of them can be
        chosen so that these are all the others.  By default 32, half again what
        regular ones come to.
    @ivar refusals: how often the peer may run into one of the first four before
        its connection is closed.  By default 3, as in stock
        (C{twisted.spread.pb.Broker.registerReference}).
    @ivar negotiationSeconds: from the connection to the end of Banana's
        negotiation.  By default 30: it takes one round trip.
    @ivar messageSeconds: from the first byte of a message to its last; and for
        a peer that does not read its answers to take some of them.  By
        default 300, in which a line of 18 kbit/s carries the largest string
        that Banana takes.
    @ivar idleSeconds: without a byte from the peer.  By default C{None}: a
        stock peer has no heartbeat, and may be silent for days.
    @ivar callSeconds: from a call to its answer, for references without a
        limit of their own (C{withTimeout}).  By default C{None}: a method may
        take as long as it likes.
    @ivar errorText: of the text of an error, how many characters are sent
        to the peer.  By default 10,000, a sixtieth of what Banana takes; at
        most 160,000, which it takes whatever characters they are.
    @ivar logLines: what is logged because of one peer (by its address): so
        many events in C{logSeconds}; those left out are counted.
        The default is 20, enough to see what goes on.
    @ivar logSeconds: see C{logLines}.  By default 60.
    """

    references: int = attrs.field(factory=_stockLimit, validator=attrs.validators.ge(1))
    caches: int = attrs.field(factory=_stockLimit, validator=attrs.validators.ge(1))
    cachesReceived: int = _count(10_000)
    callsInFlight: int = _count(10_000)
    maxMessageBytes: int = _count(16 * 1024 * 1024)
    items: int = _count(2_000_000)
    depth: int = _count(400)
    expandedItems: int = _count(4_000_000)
    keyItems: int = _count(100_000)
    keyIntegers: int = _count(1_000)
    keyCollisions: int = _count(32)
    unreadBytes: int = _count(1024 * 1024)
    laggingBytes: int = _count(256 * 1024)
    refusals: int = attrs.field(default=3, validator=attrs.validators.ge(0))
    negotiationSeconds: float | None = _seconds(30)
    messageSeconds: float | None = _seconds(300)
    idleSeconds: float | None = _seconds(None)
    callSeconds: float | None = _seconds(None)
    errorText: int = attrs.field(
        default=10_000, validator=[attrs.validators.ge(1), attrs.validators.le(160_000)]
    )
    logLines: int = _count(20)
    logSeconds: float = attrs.field(default=60, validator=attrs.validators.gt(0))
