from ponds import Frog, Toad as T


class Client:
    def __init__(self, ref):
        self.ref = ref
        self.toad = T()

    def send(self, frog: Frog):
        self.ref.callRemote("take", frog)
        self.ref.callRemote("take", 1, toads=(self.toad,))
