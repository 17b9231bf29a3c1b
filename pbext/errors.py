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

from functools import partial
from typing import Any, ClassVar

import attrs

from twisted.internet.defer import TimeoutError
from twisted.spread.banana import BananaError
from twisted.spread.flavors import NoSuchMethod
from twisted.spread.jelly import InsecureJelly
from twisted.spread.pb import DeadReferenceError, Error, ProtocolError

__all__ = [
    "BadAnswer",
    "BadArguments",
    "BadDeclaration",
    "BadMessage",
    "BadReference",
    "BadValue",
    "CallTimedOut",
    "CannotRegister",
    "CannotSendBack",
    "ConnectionTimedOut",
    "DeadReference",
    "DeclarationError",
    "Lagging",
    "LimitReached",
    "LinkError",
    "NotSendable",
    "PBExtError",
    "PeerError",
    "RefusedField",
    "RefusedObject",
    "RefusedState",
    "RefusedTag",
    "RefusedVersion",
    "StaleCache",
    "UnknownMethod",
    "UnknownObject",
    "Unordered",
    "UpdateFailed",
]


#: Jelly's own words (C{pbext.wire._jelly.ATOMS}), which a policy may refuse, as
#: it does those that stand for code; no class can be registered for one.
_WORDS = frozenset(
    "None unicode boolean decimal datetime date time timedelta tuple list set "
    "frozenset dictionary reference dereference persistent unpersistable class "
    "module function method instance remote local cached lcache".split()
)


class PBExtError(Exception):
    """
    The base of all errors of pbext.

    @ivar owner: the object that it is about, until that has been found in the
        message.
    @cvar stockName: the name of the type that a stock broker would give the
        peer in this case, and under which the peer is told; for there are
        programs that compare it.  C{None} if stock has none.
    """

    stockName: ClassVar[str | None] = None

    owner: Any = None

    #: What the error says, with its fields as in C{{self.tag}}.
    _text: ClassVar[str] = ""

    def __str__(self) -> str:
        return self._text.format(self=self) if self._text else super().__str__()

    def __reduce__(self) -> Any:
        # Exception's own would give the fields by position.
        cls = type(self)
        if not attrs.has(cls):
            return super().__reduce__()
        fields = {field.name: getattr(self, field.name) for field in attrs.fields(cls)}
        return partial(cls, **fields), ()


class DeclarationError(PBExtError):
    """
    The program on this side declared or sent something that cannot work.
    """


class PeerError(PBExtError):
    """
    The peer sent something that this side does not accept.

    @ivar where: the jelly of the object that does not, while it is read; it
        becomes the C{path} of those errors that have one.
    """

    where: Any = None

    @property
    def sentAs(self) -> str:
        """
        The tag, for people, if it is known and not what the class is called.
        """
        tag = getattr(self, "tag", "")
        return f" (sent as {tag})" if tag not in ("", vars(self)["className"]) else ""


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

    stockName = "twisted.spread.jelly.InsecureJelly"

    tag: str
    path: str

    def __str__(self) -> str:
        if self.tag in _WORDS:
            return f"a {self.tag} (at {self.path}) is not accepted here"
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

    _text = (
        "{self.className} reads a dict as its state, and a {self.got} "
        "arrived; to read another kind of state, override "
        "setCopyableState"
    )


@attrs.define(slots=False, kw_only=True)
class RefusedField(PeerError, Error):
    """
    A state arrived with a field that is not as the receiving class declares
    it.

    @ivar className: the class that receives.
    @ivar path: where; C{$} is the value that was being read, for a call the
        tuple of its arguments.
    @ivar expected: what the class declares.
    @ivar got: the type of what arrived.
    @ivar tag: what it was sent as.
    """

    className: str
    path: str
    expected: str
    got: str
    tag: str = ""

    _text = (
        "{self.className}{self.sentAs} does not take what has arrived at "
        "{self.path}: {self.expected} is declared, and {self.got} was sent"
    )


@attrs.define(slots=False, kw_only=True)
class RefusedObject(PeerError, Error):
    """
    A state arrived whose values the receiving class does not take together:
    its constructor failed, or its upgrade from an older version.

    @ivar className: the class that receives.
    @ivar errorType: the class of the error.
    @ivar path: as in L{RefusedField}.
    @ivar tag: as in L{RefusedField}.
    """

    className: str
    errorType: str
    path: str = "$"
    tag: str = ""

    _text = (
        "{self.className}{self.sentAs} does not take what has arrived at "
        "{self.path}: making the object failed with {self.errorType}"
    )


@attrs.define(slots=False, kw_only=True)
class RefusedVersion(PeerError, Error):
    """
    A state arrived of a version that the receiving class does not read.

    @ivar className: the class that receives.
    @ivar got: the version that arrived.
    @ivar reads: the version that the class reads.
    @ivar why: what is missing.
    @ivar path: as in L{RefusedField}.
    @ivar tag: as in L{RefusedField}.
    """

    className: str
    got: int
    reads: int
    why: str
    path: str = "$"
    tag: str = ""

    _text = (
        "{self.className}{self.sentAs} reads version {self.reads} of its state, "
        "and version {self.got} was sent at {self.path}: {self.why}"
    )


@attrs.define(slots=False, kw_only=True)
class BadValue(PeerError, Error):
    """
    Something arrived that is not what Jelly makes of a value.

    @ivar errorType: the class of the error that reading it ended in.
    """

    errorType: str

    _text = "a value is no jelly: reading it ended in {self.errorType}"


@attrs.define(slots=False, kw_only=True)
class BadReference(PeerError, Error):
    """
    A reference arrived that this side has not given, or cannot be one.

    @ivar kind: the word on the wire: C{remote}, C{local}, C{cached} or
        C{lcache}.
    """

    kind: str

    _text = "a reference ({self.kind}) is to nothing that was ever given"


@attrs.define(slots=False, kw_only=True)
class BadMessage(PeerError, ProtocolError):
    """
    A message that is none of the protocol's; the connection is closed, unless
    it is a call, which is answered with this.

    @ivar why: what is wrong with it.
    """

    why: str

    _text = "not a message of Perspective Broker: {self.why}"


@attrs.define(slots=False, kw_only=True)
class BadAnswer(PeerError, Error):
    """
    An error arrived that is no error.

    @ivar got: the type of what arrived in its place.
    """

    got: str

    _text = "the peer answered with an error that is none: {self.got}"


@attrs.define(slots=False, kw_only=True)
class UnknownObject(PeerError, Error):
    """
    A call to an object that the peer was not given, or has let go of.
    """

    stockName = "twisted.spread.pb.Error"

    _text = "Invalid Object ID"  # stock's words


@attrs.define(slots=False, kw_only=True)
class UnknownMethod(PeerError, NoSuchMethod, Error):
    """
    A call to a method that the object does not have.

    @ivar method: its name here, C{remote_} or whatever it is included.
    """

    stockName = "twisted.spread.flavors.NoSuchMethod"

    method: str

    _text = "No such method: {self.method}"  # stock's words


@attrs.define(slots=False, kw_only=True)
class BadArguments(PeerError, TypeError, Error):
    """
    A call to a method with arguments that it does not take.

    @ivar method: its name.
    @ivar takes: the names of the parameters that it has.
    @ivar positional: how many positional arguments came.
    @ivar keywords: how many keyword arguments came.
    """

    stockName = "builtins.TypeError"

    method: str
    takes: str
    positional: int
    keywords: int

    _text = (
        "{self.method} takes {self.takes}, and was called with "
        "{self.positional} positional and {self.keywords} keyword arguments"
    )


@attrs.define(slots=False, kw_only=True)
class LimitReached(PeerError, Error):
    """
    One of the L{Limits<pbext.limits.Limits>} of a connection.

    @ivar limit: its name there.
    @ivar value: what it is.
    """

    stockName = "twisted.spread.pb.Error"

    limit: str
    value: float

    _text = (
        "the limit of this connection is reached: {self.limit}={self.value}; "
        "the factory takes limits=Limits({self.limit}=...)"
    )


@attrs.define(slots=False, kw_only=True)
class NotSendable(DeclarationError, BananaError, InsecureJelly):
    """
    A value that Perspective Broker cannot send.  It is an C{InsecureJelly} as
    well, for which the classic guide looks in this case.

    @ivar path: where it stands in the message; C{$} is the tuple of the
        arguments, or the dict of the keyword arguments.
    @ivar got: what it is.
    @ivar fix: what would make it sendable.
    """

    path: str
    got: str
    fix: str

    _text = "the value at {self.path} cannot be sent ({self.got}): {self.fix}"


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

    _text = "{self.className}.{self.attribute} {self.why}"


@attrs.define(slots=False, kw_only=True)
class CannotRegister(DeclarationError, TypeError):
    """
    A class that could never receive what is sent to it.

    @ivar className: the class.
    @ivar why: what is wrong with it, and what to do.
    """

    className: str
    why: str

    _text = "{self.className} cannot be registered: {self.why}"


@attrs.define(slots=False, kw_only=True)
class Unordered(DeclarationError):
    """
    An update from inside a hook that gathers a Cacheable's state, on a broker
    of Twisted's: it would arrive before the object itself.

    @ivar className: the class of the Cacheable.
    """

    className: str

    _text = (
        "an update of {self.className} from inside the hook that gathers "
        "its state would arrive before the object: connect with pbext's "
        "PBServerFactory or PBClientFactory, whose broker keeps it back"
    )


@attrs.define(slots=False, kw_only=True)
class DeadReference(LinkError, DeadReferenceError):
    """
    The peer is gone, or no longer holds what was called.
    """

    _text = "the peer is gone, or has dropped what was called"


@attrs.define(slots=False, kw_only=True)
class Lagging(LinkError, DeadReferenceError):
    """
    An observer does not read the updates that it is sent, and is sent no more:
    see C{whenLagging} of L{Cacheable<pbext._cacheable.Cacheable>}.

    @ivar laggingBytes: what of them may wait for it, by the
        L{Limits<pbext.limits.Limits>} of the connection.
    """

    laggingBytes: int

    _text = (
        "it does not read the updates it is sent: laggingBytes={self.laggingBytes} "
        "wait for it; its class may say whenLagging = 'conflate' or 'drop', and the "
        "factory takes limits=Limits(laggingBytes=...)"
    )


@attrs.define(slots=False, kw_only=True)
class CallTimedOut(LinkError, TimeoutError):
    """
    A call was not answered in time.  The answer, if it comes yet, is dropped,
    and what was in it is given back.

    @ivar method: the name of the method, without C{remote_}.
    @ivar seconds: how long it was waited for.
    """

    method: str
    seconds: float

    _text = "no answer to {self.method} in {self.seconds} s"


@attrs.define(slots=False, kw_only=True)
class ConnectionTimedOut(LinkError, TimeoutError):
    """
    The peer was silent for too long, or did not read what it had asked for,
    and the connection was closed.

    @ivar limit: the name of the limit in L{Limits<pbext.limits.Limits>}:
        C{negotiationSeconds}, C{messageSeconds} or C{idleSeconds}.
    @ivar seconds: what it is.
    """

    limit: str
    seconds: float

    _text = (
        "the peer was silent, or read nothing, for too long: "
        "{self.limit}={self.seconds}"
    )


@attrs.define(slots=False, kw_only=True)
class CannotSendBack(DeclarationError, AssertionError):
    """
    A cache or a reference was sent over another connection than the one it
    came by.

    @ivar className: the class of the cache, or of the reference.
    """

    className: str

    _text = (
        "this {self.className} came by another connection, or was never "
        "received: to pass a cache on, make its class a pb.Cacheable too; "
        "to pass a reference on, wrap it in a pb.Referenceable that calls it"
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

    _text = "this {self.className} is stale: {self.reason}"


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

    _text = (
        "{self.className}.{self.method} failed with {self.errorType}: "
        "the cache is stale"
    )
