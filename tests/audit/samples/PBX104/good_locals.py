"""Local classes with tags of their own, or that nobody sends."""

from pbext import pb


def makeFrog(colour):
    class Frog(pb.Copyable, pb.RemoteCopy):
        typeToCopy = f"pond.{colour}"

    pb.setUnjellyableForClass(f"pond.{colour}", Frog)
    return Frog


def makeToad():
    class Toad(pb.Copyable):
        pass

    return Toad


class FrogTests:
    def test_frog(self):
        class Frog(pb.Copyable, pb.RemoteCopy):
            pass

        pb.setUnjellyableForClass(Frog, Frog)
