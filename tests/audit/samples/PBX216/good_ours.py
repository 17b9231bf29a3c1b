"""
With pbext's factories, the type of a failure equals its name.
"""

from pbext import pb


def failed(failure):
    if failure.type == "pond.errors.Full":
        print("full")


def connect(root):
    root.callRemote("x").addErrback(failed)
    return pb.PBClientFactory()
