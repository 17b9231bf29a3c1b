"""
Answers that somebody wanted.
"""

from twisted.internet import defer
from twisted.internet.defer import inlineCallbacks
from twisted.spread import pb


class Chat(pb.Root):
    def __init__(self):
        self.visitors = []
        self.byName = {}

    def remote_say(self, text):
        for visitor in self.visitors:
            visitor.callRemote("said", text)  # finds: PBX211
        for name in self.byName:
            self.byName[name].callRemote("said", text)  # finds: PBX211
        for user in self.users:
            mind = user.mind
            if mind is not None:
                mind.callRemote("said", text)  # finds: PBX211

    def remote_try(self):
        try:
            self.last.callRemote("said", "bye")  # finds: PBX211
        except Exception:
            print("gone")
        for visitor in self.visitors:
            try:
                visitor.callRemote("said", "bye")  # finds: PBX211
            except:  # noqa: E722
                print("gone")

    async def remote_wait(self, ref):
        await ref.callRemote("begin")
        ref.callRemote("end")  # finds: PBX211

    @inlineCallbacks
    def remote_inline(self, ref):
        yield ref.callRemote("begin")
        ref.callRemote("end")  # finds: PBX211

    @defer.inlineCallbacks
    def remote_other(self, ref):
        ref.callRemote("end")  # finds: PBX211
        yield None


class Plain(pb.Root):
    def remote_greet(self, ref):
        ref.callRemote("hello")  # finds: PBX211
        ref.callRemote("hello, of which the first one tells")
