"""
On pbext's brokers, what a hook announces follows the object.
"""

from twisted.spread import pb as stock

from pbext import pb


class Pond(stock.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        observer.callRemote("welcome").addErrback(print)
        return {}


def serve(root):
    return pb.PBServerFactory(root, registry=pb.Registry())
