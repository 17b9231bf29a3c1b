"""
Something that answers whatever it is asked.
"""

from twisted.spread import pb


class Pond(pb.Root):
    def remote_count(self):
        return 1

    def remote_size(self):
        return 1

    def remote_takeDuck(self, duck):
        return duck


class Proxy(pb.Referenceable):
    def remoteMessageReceived(self, broker, message, args, kw):
        return self.other.callRemote(message, *args)


def visit(root):
    root.callRemote("count")
    root.callRemote("size")
    root.callRemote("takeDuck", 1)
    root.callRemote("takeDucks", 1)
