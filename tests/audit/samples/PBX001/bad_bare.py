from twisted.spread import pb


class Pond(pb.Copyable):
    password = ""  # pbext: ignore[PBX002]  # finds: PBX001
    # pbext: ignore[PBX002]: -  # finds: PBX001
    secret = ""
    token = ""  # noqa: E501  # pbext: ignore[PBX002, PBX003]  # finds: PBX001
    key = ""  # pbext: ignore  # finds: PBX001


def pond():  # pbext:ignore [PBX002]  # finds: PBX001
    return Pond()
