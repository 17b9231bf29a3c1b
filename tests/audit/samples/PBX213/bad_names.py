"""
Names that were misspelled, or left behind.
"""

from twisted.spread import pb


class Pond(pb.Root):
    def remote_takeDuck(self, duck):
        return duck

    def remote_count(self):
        return 1

    def remote_size(self):
        return 1


class User(pb.Avatar):
    def perspective_rename(self, name):
        return name

    perspective_move = perspective_rename


class Client(pb.Referenceable):
    def remote_print(self, text):
        print(text)

    def visit(self, root, avatar):
        root.callRemote("count")
        root.callRemote("size")
        root.callRemote("print", "x")
        avatar.callRemote("move", "x")
        avatar.callRemote("renamed", "x")  # finds: PBX213
        avatar.callRemote("rename", "x")
        return root.callRemote("takeDuck", 1)

    def remote_strange(self, given):
        given.callRemote("size")
        given.callRemote("whoAreYou")  # finds: PBX213
