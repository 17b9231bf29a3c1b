from twisted.spread import pb as P


class Frog(P.Copyable, P.RemoteCopy):
    def __init__(self, pond, colour=None):
        self.pond = pond
        self.colour = colour


class Pond(P.Copyable, P.RemoteCopy):
    def __init__(self):
        self.frogs = []
        self.first = Frog(self)  # finds: PBX206
        self.byName = {}

    def add(self):
        frog = Frog(colour="green", pond=self)  # finds: PBX206
        self.frogs.append(frog)

    def name(self, name):
        frog = Frog(None)
        frog.pond = self  # finds: PBX206
        self.byName[name] = frog


class Node(P.Cacheable):
    def __init__(self):
        self.parent = None
        self.children = []

    def addChild(self, child):
        child.parent = self  # finds: PBX206
        self.children.append(child)
