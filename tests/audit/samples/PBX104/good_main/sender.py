"""The other end expects a script."""

from twisted.internet import reactor
from twisted.spread import pb


class Frog(pb.Copyable):
    pass


if __name__ == "__main__":
    factory = pb.PBClientFactory()
    reactor.connectTCP("localhost", 8800, factory)
    factory.getRootObject().addCallback(lambda r: r.callRemote("take", Frog()))
    reactor.run()
