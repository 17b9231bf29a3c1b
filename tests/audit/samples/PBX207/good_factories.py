from twisted.spread import pb


class Frog(pb.Copyable):
    pass


class Pond(pb.Cacheable):
    pass


class RemotePond(pb.RemoteCache):
    pass


pb.setUnjellyableFactoryForClass(Frog, dict)
pb.setUnjellyableFactoryForClass("far.Pond", dict)
pb.setUnjellyableForClass(Pond, RemotePond)
