"""
What is sent, and what it becomes: two classes that have nothing in common.
"""

from pbext import pb


class Store:
    """
    Where a program keeps its animals: a database, say.  It cannot travel,
    and both programs have their own, under the same name.
    """

    def __init__(self, name, owner):
        self.name = name
        self.owner = owner


class SenderPond(pb.Copyable):
    def __init__(self, frogs, toads, password, store):
        self.frogs = frogs
        self.toads = toads
        self.password = password
        self.store = store

    def getStateToCopy(self):
        # Nothing but this travels: a sum, and a name in place of the store.
        return {"count": self.frogs + self.toads, "store": self.store.name}


class ReceiverPond(pb.RemoteCopy):
    #: This program's stores.
    stores = {}

    def setCopyableState(self, state):
        self.count = state["count"]
        self.store = self.stores[state["store"]]


# By its tag: a receiver need not have the class that is sent.
pb.setUnjellyableForClass("copy2_ponds.SenderPond", ReceiverPond)
