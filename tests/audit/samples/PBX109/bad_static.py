from twisted.spread import pb


class Map(pb.Cacheable):
    """
    That is right for something that never changes: it is a note.
    """

    def getStateToCacheAndObserveFor(self, perspective, observer):  # finds: PBX109
        return {"size": self.size}
