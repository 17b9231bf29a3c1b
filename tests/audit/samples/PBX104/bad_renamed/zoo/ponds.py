from twisted.spread import pb


class Frog(pb.Copyable):
    pass


class Toad(pb.Copyable):
    pass


class Newt(pb.Copyable):
    pass
