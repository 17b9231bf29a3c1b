"""
Errors of a peer's, compared with what they cannot be.
"""

from twisted.internet.defer import maybeDeferred
from twisted.python.reflect import qual
from twisted.spread import jelly, pb
from twisted.spread.jelly import InsecureJelly as Refused

from pond.errors import Full


class Base:
    def empty(self, why):
        if why.type == Full:  # finds: PBX216
            print("full")


class Sender(Base):
    def send(self, root, duck):
        d = root.callRemote("takeDuck", duck)
        d.addErrback(self.refused)
        d.addErrback(self.renamed, "more")
        root.callRemote("takeDuck", duck).addErrback(self.empty)
        root.callRemote("takeDuck", duck).addCallbacks(self.taken, self.asked)
        root.callRemote("takeDuck", duck).addBoth(self.both)
        root.callRemote("x").addCallback(self.taken).addErrback(self.afterwards)
        root.callRemote("x", pberrback=self.old)
        maybeDeferred(root.callRemote, "x").addErrback(self.caught)
        root.callRemote("x").addErrback(lambda f: f.type == Full and 1)  # finds: PBX216
        return d

    def taken(self, result):
        print(result)

    def refused(self, failure):
        if failure.type == jelly.InsecureJelly:  # finds: PBX216
            print("refused")
        elif failure.type is not Refused:  # finds: PBX216
            print("something else")

    def renamed(self, f, more):
        kind = f.type
        if kind in (Full, ValueError):  # finds: PBX216
            print(more)

    def asked(self, reason):
        if issubclass(reason.type, Full):  # finds: PBX216
            print("full")
        elif isinstance(reason.value, Full):  # finds: PBX216
            print("full")

    def both(self, result):
        if hasattr(result, "type") and result.type == "pond.errors.Full":  # finds: PBX216
            print("full")

    def afterwards(self, failure):
        if failure.type == Full:  # finds: PBX216
            print("full")
        elif failure.type == qual(Full):  # finds: PBX216
            print("full")

    def old(self, failure):
        if Full == failure.type:  # finds: PBX216
            print("full")

    def caught(self, failure):
        if str(failure.type) == "pond.errors.Full":  # finds: PBX216
            print("full")


def failed(reason):
    if reason.type == str(Full):  # finds: PBX216
        print("full")


def connect(root):
    def inner(failure):
        if failure.type == pb.NoSuchMethod:  # finds: PBX216
            print("old peer")

    root.callRemote("x").addErrback(failed)
    root.callRemote("x").addErrback(inner)


def nobodySees(reason):
    if reason.type == "twisted.cred.error.UnauthorizedLogin":  # finds: PBX216
        print("wrong password")


class Factory(pb.PBClientFactory):
    def enter(self, credentials):
        d = self.login(credentials)
        d.addErrback(self.refused)

    def refused(self, failure):
        if failure.type == Full:  # finds: PBX216
            print("full")
