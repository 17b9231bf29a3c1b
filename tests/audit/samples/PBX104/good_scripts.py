"""Scripts that know what they do, and tests of modules."""

from twisted.internet import reactor
from twisted.spread import pb


class Frog(pb.Copyable):
    pass


class Toad(pb.Copyable):
    def getTypeToCopy(self):
        return b"pond.Toad"


def main():
    from good_scripts import Frog  # so that it is not of __main__

    factory = pb.PBClientFactory()
    reactor.connectTCP("localhost", 8800, factory)
    factory.getRootObject().addCallback(
        lambda root: root.callRemote("take", Frog(), Toad())
    )
    reactor.run()


if __name__ == "__main__":
    main()
