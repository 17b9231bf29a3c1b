"""
Limits that are read, or are of other things.
"""

from twisted.spread import pb
from twisted.spread.banana import SIZE_LIMIT

from pbext import pb as ours

MAX_BROKER_REFS = 10


class Settings:
    SIZE_LIMIT = 100
    MAX_BROKER_REFS = pb.MAX_BROKER_REFS // 2

    def __init__(self):
        self.SIZE_LIMIT = 3


def pieces(text):
    return [text[at : at + SIZE_LIMIT] for at in range(0, len(text), SIZE_LIMIT)]


def local():
    SIZE_LIMIT = 3
    return SIZE_LIMIT


def serve(root):
    limits = ours.Limits(references=4096)
    return ours.PBServerFactory(root, registry=ours.Registry(), limits=limits)
