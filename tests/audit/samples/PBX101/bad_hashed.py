import dataclasses
import weakref

from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = set()
        self.since = weakref.WeakKeyDictionary()

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.add(observer)  # finds: PBX101
        self.since[observer] = 0  # finds: PBX101
        return {"you": hash(observer)}  # finds: PBX101

    def stoppedObserving(self, perspective, observer):
        self.observers.discard(observer)  # finds: PBX101
        self.since.pop(observer, None)  # finds: PBX101

    def addDuck(self, duck, author):
        for observer in set(self.observers) - {author}:  # finds: PBX101
            print(self.since[observer])  # finds: PBX101


@dataclasses.dataclass
class Lake(pb.Cacheable):
    observers: list = dataclasses.field(default_factory=list)

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        left = {o: None for o in self.observers}  # finds: PBX101
        del left[observer]  # finds: PBX101
        self.observers = list(left)
