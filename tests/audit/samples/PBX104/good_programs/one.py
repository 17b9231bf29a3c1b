from twisted.spread import pb


class Duck(pb.Copyable):
    """Another program's Duck."""
