from twisted.spread import pb as P
from twisted.spread.flavors import Cacheable as C


class Pond(P.Cacheable):
    followers = []

    def getStateToCacheAndObserveFor(this, who, follower):
        this._add(follower=follower)
        return {}

    def _add(this, follower):
        known = this.followers
        if follower not in known:  # finds: PBX101
            known.append(follower)

    def stoppedObserving(this, who, follower):
        del this.followers[this._find(follower)]

    def _find(this, wanted):
        return this.followers.index(wanted)  # finds: PBX101


class Lake(C):
    def getStateToCacheAndObserveFor(self, _, last, /):
        self.last = last
        return {}

    def stoppedObserving(self, *args):
        perspective, gone = args
        if gone == self.last:  # finds: PBX101
            self.last = None
