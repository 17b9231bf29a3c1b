from pbext import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.all = []
        self.some = set()
        self.since = {}

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.all.append(observer)
        self.some.add(observer)
        self.since[observer] = 0
        return {}

    def stoppedObserving(self, perspective, observer):
        self.all.remove(observer)
        self.some.discard(observer)
        del self.since[observer]

    def without(self, author):
        return [o for o in self.all if o is not author and o != author]
