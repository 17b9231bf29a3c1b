from twisted.spread import pb


class Pond(pb.Copyable):
    colour = "green"  # pbext: ignore[PBX002] there is no rule in it  # finds: PBX003
    # Not just above what it is about:
    # pbext: ignore[PBX002] there is no rule in it  # finds: PBX003

    token = ""  # pbext: ignore[token] it means nothing
    # pbext: ignore[PBX002, PBX001] there is a reason in it  # finds: PBX003
    key = ""  # pbext: ignore[key] it means nothing
    # pbext: ignore[PBX002] behind it there is nothing  # finds: PBX003
