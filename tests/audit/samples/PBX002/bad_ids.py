from twisted.spread import pb


class Pond(pb.Copyable):
    password = ""  # pbext: ignore[password] a game  # finds: PBX002
    # pbext: ignore[] a game  # finds: PBX002
    secret = ""
    token = ""  # pbext: ignore a game  # finds: PBX002
    key = ""  # pbext: ignore[PBX001, PBX999, pbx001] a game  # finds: PBX002
    pin = ""  # pbext: ignore[PBX0]  # finds: PBX002
