from twisted.spread import pb


class Pond(pb.Copyable):
    # pbext: ignore[PBX002] another tool reads the comment below
    key = ""  # pbext: ignore[key] it means nothing
    # pbext: ignore[PBX003] kept for the next one
    colour = "green"
    pin = ""  # pbext: ignore[PBX002]
