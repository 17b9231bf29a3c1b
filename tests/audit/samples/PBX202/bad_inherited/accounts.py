"""
One that takes it.
"""

from bases import Base as Common


class Account(Common):
    def __init__(self):
        self.password = "x"

    def getStateToCopy(self):
        state = Common.getStateToCopy(self)
        del state["password"]  # finds: PBX202
        return state
