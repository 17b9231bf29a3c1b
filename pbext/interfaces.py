"""
Where the floors meet: what the flavors ask of a broker, and what a broker
asks of them.  Everything here is called in the reactor's thread.
"""

from __future__ import annotations

from zope.interface import Interface

__all__ = ["IMessageOrder", "IParticipant"]


class IParticipant(Interface):
    """
    Something that was put into a message and has to know what became of it.
    Exactly one of the two methods is called, once, and neither may raise.
    """

    def written() -> None:
        """
        The message has been given to the transport: what is sent from now on
        arrives after it.
        """

    def withdrawn() -> None:
        """
        The message could not be sent, or nobody wanted it.  The peer has
        never heard of what was in it.
        """


class IMessageOrder(Interface):
    """
    A broker that knows when a message is written.  Twisted's does not;
    L{Broker<pbext._broker.Broker>} does.
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

    def withdraw() -> None:
        """
        Give up what has been serialized and not been sent, and will not be.
        """
