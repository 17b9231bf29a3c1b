"""
Answered in one way or another, or asked for.
"""

from twisted.spread import pb


class Pond(pb.Root):
    def _count(self):
        return 1

    remote_count = _count

    def remoteMessageReceived(self, broker, message, args, kw):
        print(message)
        return super().remoteMessageReceived(broker, message, args, kw)


class View(pb.Viewable):
    def view_name(self, perspective):
        return "pond"


class Cache(pb.RemoteCache):
    def observe_joined(self, name):
        print(name)


def visit(root, view, observer):
    root.callRemote("login", "x")
    root.callRemote("count")
    view.callRemote("name")
    observer.callRemote("joined", "x")
    root.callRemote("loginAnonymous", None)
    try:
        return root.callRemote("counts")
    except pb.NoSuchMethod:
        return None
