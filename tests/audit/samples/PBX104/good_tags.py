"""Tags that fit, that are somebody else's, or that are known to be replaced."""

import sys

from pbext import pb


class Frog(pb.Copyable):
    typeToCopy = "pond.Frog"


class Toad(pb.Copyable):
    pass


class Pond:
    class State(pb.Copyable):
        pass


class Remote(pb.RemoteCopy):
    pass


class Other(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("pond.Frog", Remote)
pb.setUnjellyableForClass("good_tags.Toad", Remote)
pb.setUnjellyableForClass("lake.Toad", Remote)
pb.setUnjellyableForClass("good_tags.State", Remote)
pb.setUnjellyableForClass("game.Fish", Remote)
pb.setUnjellyableForClass("game.Fish", Other, replace=True)
if sys.platform == "win32":
    pb.setUnjellyableForClass("game.Crab", Remote)
else:
    pb.setUnjellyableForClass("game.Crab", Other)


def client():
    pb.setUnjellyableForClass("game.Shell", Remote)


def server():
    pb.setUnjellyableForClass("game.Shell", Other)


def register(registry):
    registry.setUnjellyableForClass("dotless", Remote)
    registry.registerCopier(dict, "lake.Toad", dict, dict)
