"""
What can go wrong, as records: each error says whose fault it is, where it is
and what to do, in fields that a program can read and in one sentence that a
person can.  No error carries a value that travelled: only names, tags, paths
and types.

L{PBExtError} and its three children are never raised themselves.  Their
children are Perspective Broker's own errors as well wherever it has one for
the case, so that existing C{trap} and C{check} lines go on working.
"""

from __future__ import annotations

import traceback

import attrs

from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.banana import BananaError
from twisted.spread.jelly import InsecureJelly
from twisted.spread.pb import DeadReferenceError, Error, PBConnectionLost

__all__ = [
    "BadDeclaration",
    "CannotRegister",
    "CannotSendBack",
    "DeadReference",
    "DeclarationError",
    "LinkError",
    "NotSendable",
    "PBExtError",
    "PeerError",
    "RefusedState",
    "RefusedTag",
    "StaleCache",
    "Unordered",
    "UpdateFailed",
    "swallowDeadReference",
    "whereRaised",
]


class PBExtError(Exception):
    """
    The base of all errors of pbext.
    """


class DeclarationError(PBExtError):
    """
    The program on this side declared or sent something that cannot work.
    """


class PeerError(PBExtError):
    """
    The peer sent something that this side does not accept.
    """


class LinkError(PBExtError):
    """
    The connection, not either program, is the cause.
    """


@attrs.define(slots=False, kw_only=True)
class RefusedTag(PeerError, InsecureJelly, Error):
    """
    A class arrived that nobody on the receiving side has registered.  It is
    a L{pb.Error<twisted.spread.pb.Error>}, so that a broker answers it
    without a traceback in its log.

    @ivar tag: the tag as it stood on the wire.
    @ivar path: where it stood; C{$} is the value that was being read, for a
        call the tuple of its arguments.
    """

    tag: str
    path: str

    def __str__(self) -> str:
        text = (
            f"the tag {self.tag!r} (at {self.path}) is not registered on the "
            f"receiving side; there, a module that is imported has to say "
            f"pb.setUnjellyableForClass({self.tag!r}, TheClassThatReceives)"
        )
        if self.tag.startswith("__main__."):
            text += (
                "; '__main__' means that the sender ran the module that "
                "defines the class as a script: define it in a module that "
                "both sides import, or set typeToCopy"
            )
        return text


@attrs.define(slots=False, kw_only=True)
class RefusedState(PeerError, Error):
    """
    A state arrived that the receiving class does not read.

    @ivar className: the class that receives.
    @ivar got: the type that arrived.
    """

    className: str
    got: str

    def __str__(self) -> str:
        return (
            f"{self.className} reads a dict as its state, and a {self.got} "
            f"arrived; to read another kind of state, override "
            f"setCopyableState"
        )


@attrs.define(slots=False, kw_only=True)
class NotSendable(DeclarationError, BananaError):
    """
    A value that Perspective Broker cannot send.

    @ivar path: where it stands in the message; C{$} is the tuple of the
        arguments, or the dict of the keyword arguments.
    @ivar got: what it is.
    @ivar fix: what would make it sendable.
    """

    path: str
    got: str
    fix: str

    def __str__(self) -> str:
        return f"the value at {self.path} cannot be sent ({self.got}): {self.fix}"


@attrs.define(slots=False, kw_only=True)
class BadDeclaration(DeclarationError, TypeError):
    """
    What a class says of its fields makes no sense.

    @ivar className: the class.
    @ivar attribute: where it says so.
    @ivar why: what is wrong with it, and what to do.
    """

    className: str
    attribute: str
    why: str

    def __str__(self) -> str:
        return f"{self.className}.{self.attribute} {self.why}"


@attrs.define(slots=False, kw_only=True)
class CannotRegister(DeclarationError, TypeError):
    """
    A class that could never receive what is sent to it.

    @ivar className: the class.
    @ivar why: what is wrong with it, and what to do.
    """

    className: str
    why: str

    def __str__(self) -> str:
        return f"{self.className} cannot be registered: {self.why}"


@attrs.define(slots=False, kw_only=True)
class Unordered(DeclarationError):
    """
    An update from inside a hook that gathers a Cacheable's state, on a broker
    of Twisted's: it would arrive before the object itself.

    @ivar className: the class of the Cacheable.
    """

    className: str

    def __str__(self) -> str:
        return (
            f"an update of {self.className} from inside the hook that gathers "
            f"its state would arrive before the object: connect with pbext's "
            f"PBServerFactory or PBClientFactory, whose broker keeps it back"
        )


@attrs.define(slots=False, kw_only=True)
class DeadReference(LinkError, DeadReferenceError):
    """
    The peer is gone, or no longer holds what was called.
    """

    def __str__(self) -> str:
        return "the peer is gone, or has dropped what was called"


@attrs.define(slots=False, kw_only=True)
class CannotSendBack(DeclarationError, AssertionError):
    """
    A cache was sent over another connection than the one it came by.

    @ivar className: the class of the cache.
    """

    className: str

    def __str__(self) -> str:
        return (
            f"this {self.className} came by another connection, or was never "
            f"received: to pass a cache on, make its class a pb.Cacheable too"
        )


@attrs.define(slots=False, kw_only=True)
class StaleCache(LinkError):
    """
    A L{RemoteCache<pbext._cacheable.RemoteCache>} no longer follows its publisher.

    @ivar className: the class of the cache.
    @ivar reason: why, in words.
    """

    className: str
    reason: str

    def __str__(self) -> str:
        return f"this {self.className} is stale: {self.reason}"


@attrs.define(slots=False, kw_only=True)
class UpdateFailed(DeclarationError, Error):
    """
    An C{observe_} method of a cache failed.  It is a L{pb.Error
    <twisted.spread.pb.Error>}, so that the publisher, if it waits for an
    answer, gets this sentence and no more.

    @ivar className: the class of the cache.
    @ivar method: the name of the method.
    @ivar errorType: the class of the exception.
    """

    className: str
    method: str
    errorType: str

    def __str__(self) -> str:
        return (
            f"{self.className}.{self.method} failed with {self.errorType}: "
            f"the cache is stale"
        )


class _SwallowDeadReference:
    """
    An errback for a call that may find its peer gone:
    C{observer.callRemote(...).addErrback(swallowDeadReference)}.  It ends
    C{DeadReferenceError} and C{PBConnectionLost} and lets all else through,
    also an error of those names that the peer itself reports.

    @ivar swallowed: how many it has ended, in this process.
    """

    swallowed = 0

    def __call__(self, failure: Failure) -> Failure | None:
        # By the value, not by Failure.check: a CopiedFailure, whose value is
        # a str, is the peer's own trouble and no dead link of ours.
        if isinstance(failure.value, (DeadReferenceError, PBConnectionLost)):
            self.swallowed += 1
            return None
        return failure


swallowDeadReference = _SwallowDeadReference()


def whereRaised(failure: Failure) -> str:
    """
    Say what failed and where, without the exception's text, which may hold
    values that must not reach a log.

    @return: for example C{"builtins.KeyError at pond.py:33 in addDuck"}; for
        an error of pbext, which holds none, its text as well.
    """
    kind = failure.type if isinstance(failure.type, type) else None
    if kind is None:  # a CopiedFailure: its type is the name as bytes
        name = failure.type
        return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    text = qual(kind)
    if issubclass(kind, PBExtError):
        text += f" ({failure.value})"
    frames = traceback.extract_tb(failure.getTracebackObject())
    if frames:
        text += f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}"
    return text
