"""
pbext's factories.
"""

from pbext import PBServerFactory, pb
from twisted.spread import jelly

from opened import Open

registry = pb.Registry()


def plain(root):
    return pb.PBServerFactory(root)  # finds: PBX110


def direct(root):
    return PBServerFactory(root, limits=pb.Limits())  # finds: PBX110


def sends(root):
    return pb.PBServerFactory(
        root,
        security=jelly.DummySecurityOptions(),  # finds: PBX110
        registry=registry,
    )


def imported(root):
    return pb.PBServerFactory(root, security=Open(), registry=registry)  # finds: PBX110
