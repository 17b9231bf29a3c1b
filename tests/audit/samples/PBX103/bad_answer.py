"""An answer whose class nobody registers, beside one that somebody does."""

from twisted.spread import pb as P


class Pond(P.Copyable, P.RemoteCopy):
    pass


class Frog(P.Copyable, P.RemoteCopy):  # finds: PBX103
    pass


class Toad(P.Copyable):  # finds: PBX103
    pass


class Newt(P.Copyable):  # finds: PBX103
    pass


P.setUnjellyableForClass(Pond, Pond)


class Desk(P.Root):
    def remote_frog(self):
        found = Frog()
        return found

    def remote_toad(self):
        return self._toad()

    def _toad(self):
        return {"toads": [Toad()]}

    def remote_newt(self):
        d = self.ask()
        d.addCallback(self.toNewt)
        return d

    def toNewt(self, result):
        return Newt()
