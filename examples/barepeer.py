"""
A peer of Perspective Broker on bare sockets: no Twisted, no pbext, only what
docs/wire.rst says.  It sends a copy and a cache, changes the cache, and lets go
of it when the receiver does.

    twistd -n pbreceiver --allow bare.Frog --allow bare.Pond
    python examples/barepeer.py 127.0.0.1 8800
"""

import itertools
import socket
import struct
import sys

LIST, INT, STRING, NEG, FLOAT, LONGINT, LONGNEG = range(0x80, 0x87)
numbers = itertools.count(1)


def token(number, kind):
    """A number in base 128, the lowest digit first, and the byte of its kind."""
    digits = [number & 127]
    while number := number >> 7:
        digits.append(number & 127)
    return bytes([*digits, kind])


def banana(item):
    """An expression, in the dialect C{none}."""
    if isinstance(item, (list, tuple)):
        return token(len(item), LIST) + b"".join(map(banana, item))
    if isinstance(item, bytes):
        return token(len(item), STRING) + item
    if isinstance(item, float):
        return bytes([FLOAT]) + struct.pack("!d", item)
    kinds = (INT, NEG) if -(2**31) <= item < 2**31 else (LONGINT, LONGNEG)
    return token(abs(item), kinds[item < 0])


class Thing:
    """A copy; or a cache, which is sent whole once, and then as its number."""

    def __init__(self, tag, state, cached=False):
        self.tag, self.state, self.cached, self.number = tag, state, cached, None

    def jelly(self):
        if self.number:
            return [b"cached", self.number]
        self.number = next(numbers) if self.cached else None
        return [self.tag, *([self.number] if self.cached else []), jelly(self.state)]


def jelly(value):
    """A value, as an expression."""
    if value is None or isinstance(value, bool):
        words = {None: [b"None"], True: [b"boolean", b"true"]}
        return words.get(value, [b"boolean", b"false"])
    if isinstance(value, str):
        return [b"unicode", value.encode()]
    if isinstance(value, (tuple, list)):
        return [type(value).__name__.encode(), *map(jelly, value)]
    if isinstance(value, dict):
        return [b"dictionary", *([jelly(k), jelly(v)] for k, v in value.items())]
    return value.jelly() if isinstance(value, Thing) else value


class Peer:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=10)
        self.stream = self.socket.makefile("rb")
        self.requests = itertools.count(1)
        assert b"none" in self.read()  # the dialects that the server knows
        self.send(b"none")
        self.send([b"version", 6])

    def send(self, expression):
        self.socket.sendall(banana(expression))

    def read(self):
        """The next expression that arrives."""
        number, place = 0, 1
        while (byte := self.stream.read(1)[0]) < LIST:
            number, place = number + byte * place, place * 128
        if byte == LIST:
            return [self.read() for _ in range(number)]
        if byte == STRING:
            return self.stream.read(number)
        if byte == FLOAT:
            return struct.unpack("!d", self.stream.read(8))[0]
        return -number if byte in (NEG, LONGNEG) else number

    def tell(self, command, target, method, wanted, arguments):
        """A call, or an update, with no keyword arguments."""
        message = [command, next(self.requests), target, method, wanted]
        self.send([*message, jelly(arguments), jelly({})])
        return message[1]

    def call(self, method, *arguments):
        """Call a method of the server's root, and print what comes of it."""
        request = self.tell(b"message", b"root", method, 1, arguments)
        while (heard := self.read())[0] not in (b"answer", b"error"):
            if heard[0] == b"decache":  # it has let go of a cache: so do we
                self.send([b"uncache", heard[1]])
        assert heard[1] == request
        print(heard[0].decode(), heard[2][1])


def main(host, port):
    peer = Peer(host, int(port))
    peer.call(b"take", "frog", Thing(b"bare.Frog", {"colour": "green"}))
    pond = Thing(b"bare.Pond", {"ducks": ["huey"], "deep": 2.5, "full": None}, True)
    peer.call(b"take", "pond", pond)
    peer.tell(b"cachemessage", pond.number, b"addDuck", 0, ("daisy", 2**40, False))
    peer.call(b"show", "pond")
    peer.call(b"ignore", "pond")


if __name__ == "__main__":
    main(*sys.argv[1:])
