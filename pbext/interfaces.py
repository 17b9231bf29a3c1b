"""
Where the floors meet: what the flavors ask of a broker, and what a broker
asks of them.  Everything here is called in the reactor's thread, but for what says
that it need not be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import Attribute, Interface

from twisted.logger import LogLevel

__all__ = ["Context", "IConnection", "IParticipant", "IStrict"]

#: What a value is for: the perspective and, if it goes with a call or its answer,
#: the method, its C{args} and its C{kw}, or C{None}; as of
#: C{twisted.spread.pb.Broker.serialize}.
Context = tuple[Any, Any, Any, Any]


class IStrict(Interface):
    """
    An object of ours that travels by value.  What of its state cannot be sent
    is an error; of an object of stock's it goes as C{Unpersistable}, as ever.
    """


class IParticipant(Interface):
    """
    Something that was put into a message and has to know what became of it.
    Exactly one of L{written} and L{withdrawn} is called, once.  None of the
    methods may raise.
    """

    def written(asked: bool | None) -> None:
        """
        The message has been given to the transport: what is sent from now on
        arrives after it.

        @param asked: whether L{answered} will be called, because the message
            is a call that the peer is to answer; C{None} if it is itself an
            answer, which a peer reads or, stock's, is lost.
        """

    def withdrawn() -> None:
        """
        The message could not be sent, or nobody wanted it.  The peer has
        never heard of what was in it.
        """

    luid = Attribute("The number by which the peer knows it.")

    def answered(read: bool | None) -> None:
        """
        The peer has answered the message.  Not called if the connection is
        lost before.

        @param read: whether it has this: C{None} if it could not read the
            message, and may have come as far as this or not; C{False} if it
            says that it does not know the number.
        """

    def untaken() -> None:
        """
        The message was written, and the peer has refused all of it unread.  If
        it is a call that was to be answered, L{answered} was called before.
        """


class IConnection(Interface):
    """
    A broker that knows when a message is written, and what became of it.
    Twisted's does not; L{Broker<pbext._broker.Broker>} does.
    """

    def enlist(participant: object) -> bool:
        """
        Tell C{participant}, an L{IParticipant}, what becomes of the message
        that is being serialized just now.

        @return: whether one is; if not, the participant is told nothing.
        """

    def isAhead(participant: object) -> bool:
        """
        @return: whether C{participant} is in a message that will be written
            after the one that is being serialized: this one is made by a hook,
            in the midst of the making of that one.
        """

    def enter(context: Context) -> Context:
        """
        The first hook of a value is going to be called: until L{leave}, the broker
        says whom the value is for, and participants enlist.

        @return: what to L{leave} with.
        """

    def leave(outer: Context) -> None:
        """
        The last hook was called.
        """

    def withdraw() -> None:
        """
        Give up what has been serialized and not been sent, and will not be.
        """

    def expect(requestID: int, method: bytes) -> None:
        """
        Wait for the answer to a call only as long as the limits say.

        @param requestID: its number, under which it waits already.
        """

    lagging = Attribute(
        "Whether the peer does not read what it is sent: more than C{laggingBytes} "
        "wait for it, after what could leave has left."
    )

    def whenDrained(function: Callable[[], object]) -> None:
        """
        Call C{function()} once, when all has left that waits for the peer to
        read; at once if nothing does; never if the connection is lost before.
        """

    fault = Attribute("Why this side has given the connection up, or C{None}.")

    flowing = Attribute(
        "Whether nothing waits, for its turn or for the peer to read, and the "
        "connection is not given up, so that a message may be written as it is."
    )

    def writeAtOnce(data: bytes) -> None:
        """
        Send a message that is in bytes, if L{flowing}.  The first one in a turn
        of the reactor leaves now, what follows leaves together at its end.
        """

    def giveUp(error: Exception) -> None:
        """
        Close the connection at once: what was written and has not left is
        dropped.  C{error} says why, in the log and to those who wait for
        something of the peer's.
        """

    def note(format: str, level: LogLevel, **values: object) -> None:
        """
        Log one line because of the peer, unless there were too many of them
        lately; each value on one line, and not a long one.

        @param format: as of C{twisted.logger.Logger}; C{{peer}} is the peer.
        """

    def inReactorThread(function: Callable[[], object]) -> None:
        """
        Call C{function}: at once, or, from another thread, soon in the
        reactor's.  The one method here that may be called in any thread.
        """
