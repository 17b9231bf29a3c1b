class Followed:
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return self.getStateToCopyFor(perspective)

    def forget(self, perspective, observer):
        self.observers.remove(observer)  # finds: PBX101
