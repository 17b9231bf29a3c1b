"""
The allow-list switched off, by every name that it can have.
"""

from twisted.spread import jelly, pb
from twisted.spread import jelly as j
from twisted.spread.jelly import DummySecurityOptions
from twisted.spread.jelly import DummySecurityOptions as Open


class Anything(DummySecurityOptions):  # finds: PBX110
    pass


policy = Open()  # finds: PBX110


def serve(root):
    return pb.PBServerFactory(root, security=jelly.DummySecurityOptions())  # finds: PBX110


def connect():
    return pb.PBClientFactory(False, Open())  # finds: PBX110


class Desk:
    def __init__(self, broker):
        broker.security = j.DummySecurityOptions()  # finds: PBX110

    def policy(self):
        return DummySecurityOptions()  # finds: PBX110


def fromDisk(expression):
    return jelly.unjelly(expression, DummySecurityOptions())  # finds: PBX110
