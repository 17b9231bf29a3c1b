"""
The commands of Perspective Broker that carry values
(C{twisted.spread.pb.Broker.proto_message} and those beside it).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ANSWERS", "CALLS", "NO_ARGUMENTS", "NO_KEYWORDS", "VALUES"]

#: What is addressed to an object, and may ask for an answer: if its fifth word
#: says so.
CALLS = frozenset({b"message", b"cachemessage"})

#: What it is answered with.
ANSWERS = frozenset({b"answer", b"error"})

#: By command, where the values begin, up to which are the words of the command.
VALUES: Mapping[bytes, int] = {
    **dict.fromkeys(CALLS, 5),
    **dict.fromkeys(ANSWERS, 2),
}

#: The jelly of no arguments and of no keyword arguments.
NO_ARGUMENTS = [b"tuple"]
NO_KEYWORDS = [b"dictionary"]
