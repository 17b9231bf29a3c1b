from twisted.spread import pb

TEXT = "# pbext: ignore[password] a game"


class Pond(pb.Copyable):
    password = ""  # pbext: ignore[PBX001] a game
    token = ""  # pbext: ignore[PBX001, PBX003,PBX001 PBX002] a game
    pin = ""  # pbext: ignore[PBX001]
