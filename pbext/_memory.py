"""
A wire in memory: what two brokers write moves when it is told to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.spread import pb

__all__ = ["Link"]

#: As many bytes as a socket of Twisted's keeps before it pauses its producer
#: (C{twisted.internet.abstract.FileDescriptor.bufferSize}).
_FULL = 2**16


class _MemoryTransport(StringTransport):
    """
    A transport whose bytes the L{Link} takes, and whose closing it carries
    out.  Towards its producer it behaves as Twisted's own
    (C{twisted.internet.abstract.FileDescriptor}): a pull producer is asked at
    once, and whenever nothing is left to send; a push producer is paused when
    there is much, and resumed when nothing is left.  A closing waits for a
    pull producer, and for a push producer that is paused.
    """

    producer: Any

    def __init__(self) -> None:
        super().__init__()
        self.closing = False
        self.lost = False
        self._full = False

    def write(self, data: bytes) -> None:
        if not self.lost:
            super().write(data)
            if self.streaming and self.io.tell() > _FULL:
                self._full = True
                self.producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        self.closing = True

    def abortConnection(self) -> None:
        self.closing = True
        self.connectionLost()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.lost:
            producer.stopProducing()
            return
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer = self.streaming = None
        self._full = False

    def take(self, size: int | None) -> bytes:
        if self.producer is not None and not self.streaming and not self.value():
            self.producer.resumeProducing()
        data: bytes = self.value()
        self.clear()
        if size is not None and len(data) > size:
            super().write(data[size:])
            data = data[:size]
        elif self._full:
            self._full = False
            self.producer.resumeProducing()
        return data

    @property
    def finished(self) -> bool:
        """
        Whether it was told to close, and nothing keeps it from it.
        """
        waits = self.producer is not None and (self._full or not self.streaming)
        return self.closing and not waits and not self.value()

    def connectionLost(self) -> None:
        """
        Nothing leaves any more, and the producer is told.
        """
        self.lost = True
        self.clear()
        producer = self.producer
        self.unregisterProducer()
        if producer is not None:
            producer.stopProducing()


class _End:
    """
    One end of a link: a broker, and the bytes it has written that have not
    arrived.
    """

    def __init__(self, broker: pb.Broker) -> None:
        self.broker = broker
        self.transport = _MemoryTransport()
        #: How many more bytes may leave this end before the link is cut.
        self.left: int | None = None

    def lose(self, reason: Failure) -> None:
        self.transport.connectionLost()
        if not self.broker.disconnected:
            self.broker.connectionLost(reason)


class Link:
    """
    One client's connection to the server.

    @ivar client: the client's broker.
    @ivar server: the server's broker for it.
    @ivar root: the server's root, as the client sees it.
    """

    def __init__(self, client: pb.Broker, server: pb.Broker, chunk: int | None) -> None:
        self._chunk = chunk
        self._ends = _End(client), _End(server)
        self.client = client
        self.server = server
        for end in self._ends:
            end.broker.makeConnection(end.transport)
        self.root: pb.RemoteReference = client.remoteForName("root")

    @property
    def connected(self) -> bool:
        return not (self.client.disconnected or self.server.disconnected)

    def cut(self, *, client: int | None = None, server: int | None = None) -> None:
        """
        Cut the link: at once, or after some more bytes.

        @param client: cut when this many more bytes have left the client.
        @param server: cut when this many more bytes have left the server.
        """
        if client is None and server is None:
            self._lose(Failure(ConnectionLost()))
        self._ends[0].left = client
        self._ends[1].left = server

    def _lose(self, reason: Failure) -> None:
        for end in self._ends:
            end.lose(reason)

    def pump(self) -> bool:
        """
        Let each end receive what the other has written by now, at most one
        chunk.

        @return: whether anything moved.
        """
        moved = False
        for sender, receiver in (self._ends, self._ends[::-1]):
            if not self.connected:
                break
            if receiver.transport.producerState == "paused":
                continue  # it does not read
            data = sender.transport.take(self._chunk)
            cutting = sender.left is not None and len(data) >= sender.left
            if sender.left is not None:
                data = data[: sender.left]
                sender.left -= len(data)
            if data:
                moved = True
                self._deliver(receiver, data)
            if cutting:
                moved = True
                self.cut()
            elif sender.transport.finished and self.connected:
                moved = True
                self._lose(Failure(ConnectionDone()))
        return moved

    def _deliver(self, receiver: _End, data: bytes) -> None:
        try:
            receiver.broker.dataReceived(data)
        except Exception:
            # As a reactor does: an error in dataReceived costs the connection.
            receiver.lose(Failure())
            self.cut()
