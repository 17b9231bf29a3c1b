"""Started as a script, it is __main__ that sends."""

import sys

from twisted.internet import reactor
from twisted.spread import pb


class Frog(pb.Copyable):  # finds: PBX104
    pass


class Toad(pb.Copyable):
    """Made elsewhere, from where it is imported."""


class Both(pb.Copyable, pb.RemoteCopy):  # finds: PBX104
    """Right as long as both ends are scripts."""


pb.setUnjellyableForClass(Both, Both)


def main():
    factory = pb.PBClientFactory()
    reactor.connectTCP("localhost", 8800, factory)
    factory.getRootObject().addCallback(got)
    reactor.run()


def got(root):
    return root.callRemote("take", [Frog(), Both()])


if __name__ == "__main__":
    main()
