from ponds import Pond


def fall(pond: Pond):
    for o in pond.observers:
        o.callRemote("rain")  # finds: PBX102


class Storm:
    def __init__(self, ponds):
        self.ponds = ponds

    def rage(self):
        for pond in self.ponds:
            [o.callRemote("storm") for o in pond.observers]  # finds: PBX102


def announcing(name):
    def method(self, *args):
        for o in self.observers:
            o.callRemote(name, *args)  # finds: PBX102

    return method


Pond.wave = announcing("wave")
