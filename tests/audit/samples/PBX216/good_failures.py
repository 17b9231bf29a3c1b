"""
Errors that are asked as they can be, or are of this side.
"""

from twisted.internet import defer, error
from twisted.spread import pb
from twisted.spread.pb import PBConnectionLost

from pond.errors import Full


class Told(pb.Error, pb.Copyable, pb.RemoteCopy):
    """
    An error that travels.
    """


class Offline(Exception):
    pass


class Nobody:
    def callRemote(self, name, *args):
        return defer.fail(Offline())


class Sender:
    def send(self, root):
        root.callRemote("x").addErrback(self.failed)
        self.work().addErrback(self.local)
        defer.maybeDeferred(self.work).addErrback(self.local)

    def work(self):
        return defer.succeed(None)

    def failed(self, failure):
        if failure.check(Full, "pond.errors.Empty"):
            print("full")
        elif failure.type == b"pond.errors.Full":
            print("full")
        elif failure.type in (PBConnectionLost, error.ConnectionDone):
            print("gone")
        elif failure.type is pb.DeadReferenceError:
            print("gone")
        elif failure.type == defer.CancelledError:
            print("given up")
        elif failure.type == Told:
            print("told")
        elif failure.type == Offline:
            print("offline")
        elif failure.value == "full":
            print("full")
        return failure

    def local(self, failure):
        if failure.type == ValueError or failure.type is Full:
            return None
        return failure


def ask(event, reason):
    if event.type == "pond.Full" or reason.type == "full":
        print(event)
