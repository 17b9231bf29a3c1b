from twisted.spread import pb

TEXT = """
# pbext: ignore[PBX002]
"""


class Pond(pb.Copyable):
    password = ""  # pbext: ignore[PBX002] it is the password of a game
    # pbext: ignore[PBX002] - everybody may know it
    secret = ""
    token = "# pbext: ignore[PBX002]"
    key = ""  # noqa: E501  # pbext: ignore[PBX002] see the protocol  # noqa: F401
    # The comment pbext: ignore would need a reason.
    # pbext: what follows is received
    colour = ""
