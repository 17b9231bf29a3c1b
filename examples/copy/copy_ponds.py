"""
The ponds, for both ends.

A class travels under a tag: the name of its module and its own.  In a script
that is run, the module is always called C{__main__}; so classes that travel
live in a module that both ends import under the same name.
"""

from pbext import pb


class LilyPond:
    """
    What a pond is and can do.  It knows of no network.
    """

    def __init__(self, colour, frogs):
        self.colour = colour
        self.frogs = frogs

    def countFrogs(self):
        return self.frogs


class TravellingPond(LilyPond, pb.Copyable):
    """
    A pond that can be sent.
    """


class ArrivedPond(pb.RemoteCopy, LilyPond):
    """
    What it becomes on arrival: the state is the sender's, the behaviour ours.
    """


class WildPond(LilyPond, pb.Copyable):
    """
    It can be sent as well; but no receiver has said what it should become.
    """


# To let a peer create objects is to give it power, so each class is named.
pb.setUnjellyableForClass(TravellingPond, ArrivedPond)
