from contextlib import suppress

from twisted.internet import defer, reactor
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        for each in list(self.observers):
            if each.broker is observer.broker:
                self.observers.remove(each)
        for at, each in enumerate(self.observers):
            if each.broker is observer.broker:
                del self.observers[at]
                break

    def addDuck(self, duck):
        for each in list(self.observers):
            try:
                each.callRemote("addDuck", duck).addErrback(print)
            except Exception:
                self.observers = [o for o in self.observers if o is not each]

    def removeDuck(self, duck):
        for each in self.observers:
            self._tell(each, "removeDuck", duck)

    def _tell(self, each, *args):
        try:
            each.callRemote(*args)
        except (pb.ProtocolError, AttributeError):
            return

    @defer.inlineCallbacks
    def wait(self):
        for each in list(self.observers):
            try:
                yield each.callRemote("wait")
            except Exception:
                pass

    def suppressed(self):
        for each in self.observers:
            with suppress(Exception):
                each.callRemote("suppressed")

    def later(self):
        for each in self.observers:
            reactor.callLater(0, each.callRemote, "later")

    def maybe(self):
        ds = [defer.maybeDeferred(o.callRemote, "maybe") for o in self.observers]
        return defer.DeferredList(ds, consumeErrors=True)
