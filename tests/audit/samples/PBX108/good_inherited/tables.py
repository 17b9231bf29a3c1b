"""
Messages that fit, through a module in between.
"""

from bases import Announcing, Listening
from twisted.spread import pb


class Table(Announcing):
    def open(self, *keys):
        self.announce("common", 1)
        self.announce("open", *keys)
        for change in self.changes():
            self.announce(change, 1)

    def changes(self):
        return ["open"]


class RemoteTable(Listening):
    def observe_open(self, key, more=()):
        print(key)


pb.setUnjellyableForClass(Table, RemoteTable)
