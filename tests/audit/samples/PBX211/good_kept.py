"""
Answers that are looked after, or that nobody asks for.
"""

from twisted.internet.defer import inlineCallbacks
from twisted.protocols import amp
from twisted.python import log
from twisted.spread import pb


class Say(amp.Command):
    pass


class Model:
    def callRemote(self, name):
        return self.ref.callRemote(name).addErrback(log.err)

    def begin(self):
        self.callRemote("begin")


class Chat(pb.Root):
    def remote_say(self, text):
        for visitor in self.visitors:
            visitor.callRemote("said", text).addErrback(log.err)
            visitor.callRemote("said", text, pbanswer=False)
        self.last = self.first.callRemote("said", text)
        return self.first.callRemote("said", text)

    def remote_old(self, ref):
        ref.callRemote("x", pbcallback=print, pberrback=log.err)

    @inlineCallbacks
    def remote_inline(self, ref):
        yield ref.callRemote("begin")
        d = ref.callRemote("end")
        d.addErrback(log.err)

    async def remote_wait(self, ref):
        await ref.callRemote("begin")
        return [await ref.callRemote(name) for name in ("a", "b")]


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def announce(self):
        for observer in self.observers:
            observer.callRemote("joined")


def command(protocol):
    protocol.callRemote(Say)
