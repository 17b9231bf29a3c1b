"""A class that only a script has."""

from pbext import pb

if __name__ == "__main__":

    class Frog(pb.Copyable):  # finds: PBX104
        pass

    pb.serve(Frog)
