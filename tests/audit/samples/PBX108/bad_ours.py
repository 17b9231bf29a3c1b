"""
pbext's observer book.
"""

from pbext import RemoteCache, pb

registry = pb.Registry()


class Pond(pb.Cacheable):
    typeToCopy = "pond.Pond"

    def add(self, duck, mine):
        self.observers.callRemote("addDuck", duck)
        self.observers.without(mine).callRemote("addDuck", duck, 1)  # finds: PBX108
        self.observers.forPerspective(mine).callRemote("thanks")  # finds: PBX108
        self.observers.callRemote("added", duck, pbanswer=True)  # finds: PBX108


@registry.unjellyableFor("pond.Pond")
class RemotePond(RemoteCache):
    def observe_addDuck(self, duck):
        print(duck)
