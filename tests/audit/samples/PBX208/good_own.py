from twisted.spread import pb


class Publishable(pb.Cacheable):
    """Of that name, and no more."""


class RemotePublished(pb.RemoteCache):
    pass


pb.setUnjellyableForClass(Publishable, RemotePublished)
