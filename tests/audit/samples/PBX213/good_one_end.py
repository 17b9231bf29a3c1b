"""
One end of a program: the other is elsewhere.
"""

from twisted.spread import pb


class Client(pb.Referenceable):
    def remote_print(self, text):
        print(text)

    def visit(self, root):
        root.callRemote("takeDuck", self)
        root.callRemote("count")
        root.callRemote("size")
        root.callRemote("printed")
