"""
A duck pond, and the copies of it that follow its changes.
"""

from pbext import pb


class DuckPond(pb.Cacheable):
    """
    The pond itself.  Each change of it is announced to its observers.
    """

    def __init__(self, ducks):
        self.ducks = ducks
        self.observers = []

    def addDuck(self, duck):
        self.ducks.append(duck)
        self.announce("addDuck", duck)

    def removeDuck(self, duck):
        self.ducks.remove(duck)
        self.announce("removeDuck", duck)

    def announce(self, change, duck):
        for observer in self.observers:
            # Who has died just now need not be told.
            observer.callRemote(change, duck).addErrback(lambda failure: None)

    def getStateToCacheAndObserveFor(self, perspective, observer):
        # One step: no change can fall between the state and what follows.
        self.observers.append(observer)
        return {"ducks": self.ducks}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)


class DistantPond(pb.RemoteCache):
    """
    What it becomes at a receiver.
    """

    def observe_addDuck(self, duck):
        self.ducks.append(duck)
        print(f"{duck} has come, {len(self.ducks)} ducks")

    def observe_removeDuck(self, duck):
        self.ducks.remove(duck)
        print(f"{duck} has gone, {len(self.ducks)} ducks")


pb.setUnjellyableForClass(DuckPond, DistantPond)
