from twisted.spread import pb


class Frog(pb.Copyable):
    """Its package is a namespace: zoo.ponds, if it is found from above."""
