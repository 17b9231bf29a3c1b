"""What a module does to try itself."""

from twisted.spread import pb


class Frog(pb.Copyable, pb.RemoteCopy):
    pass


pb.setUnjellyableForClass(Frog, Frog)


def check():
    assert Frog().getTypeToCopy() == b"__main__.Frog"


if __name__ == "__main__":
    check()
