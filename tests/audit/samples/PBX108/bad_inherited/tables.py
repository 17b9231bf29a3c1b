"""
Two that use it; of several receivers none has it.
"""

from bases import Announcing as A
from bases import Listening
from twisted.spread import pb


class Table(A):
    typeToCopy = "ignored"

    def getTypeToCopy(self):
        return "table"

    def open(self, key):
        self.announce("open", key=key)  # finds: PBX108
        self.announce("close", name=key)  # finds: PBX108
        self.announce("common", key)

    def announce(self, event, *args, **kwargs):
        print(event)
        super().announce(event, *args, **kwargs)


class RemoteTable(Listening):
    def observe_opened(self, key):
        print(key)

    def observe_close(self, key):
        print(key)


class OtherTable(Listening):
    def observe_close(self, key):
        print(key)


pb.setUnjellyableForClass("table", RemoteTable)
pb.setUnjellyableForClass(b"table", OtherTable)


class Users(A):
    def login(self, name):
        A.announce(self, "login", name)  # finds: PBX108


class RemoteUsers(Listening):
    def observe_logout(self, name):
        print(name)


pb.setUnjellyableForClass(Users, RemoteUsers)
